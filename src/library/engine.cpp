// SPDX-License-Identifier: Apache-2.0
#include "submitit/engine.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include <boost/system/system_error.hpp>

#include "base/sizes.hpp"
#include "library/engine_core.hpp"

namespace submitit {

namespace detail {

namespace {

constexpr std::uint64_t memory_default_bytes = 256 * MiB;
constexpr std::uint32_t descriptors_max = 32768;

std::uint32_t half_of_descriptors() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
    return static_cast<std::uint32_t>(std::min<rlim_t>(limit.rlim_cur / 2, descriptors_max));
}

}  // namespace

engine_core::engine_core(engine_options const& options) {
    auto const slots = std::max(options.descriptors() != 0 ? options.descriptors() : half_of_descriptors(), 8U);
    auto const processors = std::max(std::thread::hardware_concurrency(), 1U);
    io::backend_options wanted;
    wanted.kind = static_cast<io::backend_kind>(options.backend());
    wanted.open_slots = std::min(wanted.open_slots, std::max(slots / 4, 2U));
    auto selected = io::select_backend(wanted, &report_);
    if (!selected) throw boost::system::system_error{selected.error(), report_.reason};
    auto threads = std::make_unique<pipeline::threads_runtime>(std::move(selected->engine),
                                                               options.workers() != 0 ? options.workers() : processors,
                                                               options.blocking_threads());
    engine_ = std::make_unique<pipeline::engine>(options.memory() != 0 ? options.memory() : memory_default_bytes,
                                                 slots - slots / 4, std::move(threads));
}

bool engine_core::submit(io::read_op* first) noexcept {
    std::shared_lock const lock{closing_};
    if (!engine_) return false;
    engine_->runs_on().backend().submit(first);
    return true;
}

memory::budget_stats engine_core::budget() const {
    std::shared_lock const lock{closing_};
    return engine_ ? engine_->memory().stats() : last_budget_;
}

void engine_core::tell(status::snapshot& into) const {
    std::shared_lock const lock{closing_};
    if (engine_) {
        engine_->tell(into);
    } else if (last_status_) {
        into.budget = last_status_->budget;
        into.io = last_status_->io;
        into.workers = last_status_->workers;
        into.jobs = last_status_->jobs;
    }
    into.io.reason = report_.reason;
    into.io.fallback_errno = report_.uring_errno;
}

namespace {

std::unique_ptr<status::snapshot const> told_by(pipeline::engine const& last) noexcept {
    try {
        auto made = std::make_unique<status::snapshot>();
        last.tell(*made);
        return made;
    } catch (std::exception const&) {
        return nullptr;
    }
}

}  // namespace

void engine_core::close() noexcept {
    std::unique_ptr<pipeline::engine> last;
    {
        std::lock_guard const lock{closing_};
        last = std::move(engine_);
        open_ = false;
    }
    if (!last) return;
    last->close();  // outside the lock: what is under way may submit again, and is refused
    auto const budget = last->memory().stats();
    auto status = told_by(*last);
    last.reset();
    std::lock_guard const lock{closing_};
    last_budget_ = budget;
    last_status_ = std::move(status);
}

}  // namespace detail

engine::engine(engine_options options) : core_{std::make_shared<detail::engine_core>(options)} {}

engine::~engine() { core_->close(); }

backend_report engine::backend() const {
    auto const& known = core_->report();
    return {static_cast<backend_kind>(known.chosen), known.reason, known.uring_errno, known.uring_features};
}

engine_usage engine::usage() const {
    auto const now = core_->budget();
    return {now.limit_bytes,      now.used_bytes,  now.committed_bytes,
            now.high_water_bytes, now.limit_slots, now.used_slots};
}

}  // namespace submitit
