// SPDX-License-Identifier: Apache-2.0
#include "submitit/engine.hpp"

#include <boost/system/system_error.hpp>

#include "library/engine_core.hpp"

namespace submitit {

namespace detail {

engine_core::engine_core(engine_options const& options) {
    io::backend_options wanted;
    wanted.kind = static_cast<io::backend_kind>(options.backend());
    auto selected = io::select_backend(wanted, &report_);
    if (!selected) throw boost::system::system_error{selected.error(), report_.reason};
    backend_ = std::move(selected->engine);
}

bool engine_core::submit(io::read_op* first) noexcept {
    std::shared_lock const lock{closing_};
    if (!backend_) return false;
    backend_->submit(first);
    return true;
}

void engine_core::close() noexcept {
    std::unique_ptr<io::backend> last;
    {
        std::lock_guard const lock{closing_};
        last = std::move(backend_);
        open_ = false;
    }
    last.reset();  // outside the lock: what is under way may submit again, and is refused
}

}  // namespace detail

engine::engine(engine_options options) : core_{std::make_shared<detail::engine_core>(options)} {}

engine::~engine() { core_->close(); }

backend_report engine::backend() const {
    auto const& known = core_->report();
    return {static_cast<backend_kind>(known.chosen), known.reason, known.uring_errno, known.uring_features};
}

}  // namespace submitit
