// SPDX-License-Identifier: Apache-2.0
#include "sim/world.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include "archive/read/support.hpp"
#include "base/sizes.hpp"
#include "pipeline/exporting.hpp"
#include "sim/dangling_links.hpp"
#include "support/open_descriptors.hpp"

namespace submitit::sim {
namespace {

using pipeline::failure_kind;

constexpr std::uint64_t steps_max = 1'000'000;

using submitit::testing::open_descriptors;

/// A source is looked up once; the walk opens it anew each time.
walk::source source_of(tree_kind tree) {
    static std::map<tree_kind, walk::source> known;
    auto const [at, is_new] = known.try_emplace(tree);
    if (is_new) at->second = pipeline::contents_of(tree_of(tree).files);
    return at->second;
}

}  // namespace

char const* to_string(stop_kind kind) noexcept {
    switch (kind) {
        case stop_kind::cancel_all: return "cancel_all";
        case stop_kind::cancel_one: return "cancel_one";
        case stop_kind::close_engine: return "close_engine";
        case stop_kind::pause: return "pause";
        case stop_kind::pause_and_end: return "pause_and_end";
    }
    return "?";
}

struct world::one_job {
    one_job(scheduler& on, output_terms terms) : output{on, std::move(terms)}, watcher{on} {}

    tree_kind tree{};
    archive::format_options format;
    pipeline::job_options options;
    simulated_output output;
    slow_watcher watcher;
    bool is_kept = false;  ///< somebody holds the job longer than its engine lives
    bool blocks = false;   ///< runs where outputs may block
    bool output_fails = false;
    std::shared_ptr<pipeline::job> running;
    std::weak_ptr<pipeline::job> alive;
    pipeline::live_progress progress;
    pipeline::export_report report;
    std::uint64_t told = 0;
    int ends = 0;
    bool threw = false;
    bool cancelled = false;
    bool refused_start = false;
};

/// Of all jobs together.
struct world::needs {
    std::uint64_t largest = 0;
    std::uint64_t sum = 0;
};

world::world(std::uint64_t seed, flavour kind) : kind_{kind}, seed_{seed}, chosen_{seed}, scheduler_{~seed} {
    auto const below = [this](std::uint64_t n) { return chosen_() % n; };
    auto const workers = 1 + static_cast<unsigned>(below(3));
    needs all;
    for (auto left = is_little() ? 1 + below(3) : 1 + below(4); left > 0; --left) add_job(workers, all);
    auto const more = below(3) == 0 ? 0 : below(2 * all.sum);
    auto const slots = static_cast<std::uint32_t>(2 + below(below(2) == 0 ? 4 : 60));
    disk_terms disk;
    disk.spikes = static_cast<unsigned>(below(20));
    disk.shorts = static_cast<unsigned>(below(30));
    if (kind == flavour::stormy) {
        disk.faults = static_cast<unsigned>(below(3) == 0 ? 0 : below(30));
        disk.stuck = static_cast<unsigned>(below(2) == 0 ? 0 : below(30));
        if (below(2) == 0) disk.always_fails = tree_of(tree_kind::links).first_name;
    }
    auto runtime = std::make_unique<simulated_runtime>(scheduler_, std::move(disk), workers,
                                                       seed % 4 == 0 ? static_cast<unsigned>(below(100)) : 0);
    runtime_ = runtime.get();
    engine_ = std::make_unique<pipeline::engine>(all.largest + more, slots, std::move(runtime));
}

world::~world() {
    if (std::any_of(jobs_.begin(), jobs_.end(), [](auto const& one) { return one->alive.lock() && one->ends == 0; }))
        static_cast<void>(engine_.release());  // it would wait for ever
}

tree_kind world::choose_tree() {
    if (is_little()) return std::array{tree_kind::tiny, tree_kind::tiny, tree_kind::links}[chosen_() % 3];
    return static_cast<tree_kind>(chosen_() % tree_kinds);
}

archive::format_options world::choose_format(tree_kind tree) {
    archive::format_options format;
    format.kind = std::array{submitit::format::zip, submitit::format::tar, submitit::format::tar_gz,
                             submitit::format::tar_zst}[chosen_() % 4];
    format.level = 1;
    format.seekable = chosen_() % 2 == 0;
    format.small_tickets = is_little() || !(tree_of(tree).needs_large_tickets || chosen_() % 8 == 0);
    return format;
}

output_terms world::choose_output() {
    output_terms terms;
    terms.waits_percent = std::array{0U, 20U, 90U}[chosen_() % 3];
    terms.stalls_percent = std::array{0U, 0U, 20U}[chosen_() % 3];
    if (kind_ == flavour::dead && chosen_() % 3 != 0) terms.dead_at = chosen_() % (chosen_() % 2 == 0 ? 2000 : 100'000);
    if (kind_ != flavour::stormy) return terms;
    if (chosen_() % 6 == 0) terms.full_at = chosen_() % (chosen_() % 2 == 0 ? 2000 : 100'000);
    terms.commit_fails = chosen_() % 20 == 0;
    return terms;
}

void world::add_job(unsigned workers, needs& all) {
    auto const tree = choose_tree();
    auto const format = choose_format(tree);
    auto terms = choose_output();
    terms.seekable = format.seekable;
    bool const fails = terms.full_at || terms.commit_fails;
    auto one = std::make_unique<one_job>(scheduler_, std::move(terms));
    one->tree = tree;
    one->format = format;
    one->output_fails = fails;
    one->blocks = chosen_() % 2 == 0;
    one->is_kept = chosen_() % 4 == 0;
    auto& options = one->options;
    options.sources = {source_of(tree)};
    options.format = format;
    options.watched = chosen_() % 4 == 0;
    if (chosen_() % 3 == 0) options.watcher = &one->watcher;
    if (kind_ == flavour::stormy) {
        options.strict = chosen_() % 8 == 0;
        options.waits_for_memory = chosen_() % 8 != 0;
    }
    options.on_notice = [to = one.get()](walk::notice const&) { ++to->told; };
    auto const memory =
        pipeline::plan_job(archive::traits{format}, workers, options.watched, walk::footprint_bytes(options.sources));
    all.largest = std::max(all.largest, memory.needed_bytes(workers));
    all.sum += memory.needed_bytes(workers);
    jobs_.push_back(std::move(one));
}

void world::stop_at(std::uint64_t point, stop_kind how) {
    scheduler_.inject(point, [this, how] { stop(how); });
}

/// The grant that was asked for before may still come.
void world::pause(bool ends) {
    struct counts {
        std::uint64_t granted = 0;
        std::uint64_t asked = 0;
    };
    std::vector<counts> known;
    for (auto const& one : jobs_) {
        auto const running = one->alive.lock();
        counts now;
        if (running) {
            auto const& grants = running->metrics().budget_wait;
            now.granted = grants.items.get();
            now.asked = now.granted + grants.waiting.depth();
            running->pause();
        }
        known.push_back(now);
    }
    auto const go_on = [this, ends, known] {
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            auto const running = jobs_[i]->alive.lock();
            if (!running) continue;
            auto const& all = running->metrics();
            hold(all.budget_wait.items.get() <= known[i].asked, "a paused job asks for no grant");
            hold(all.queue.items.get() <= known[i].granted, "a paused job gives nothing to workers");
            if (!ends) running->resume();
        }
        if (ends) stop(stop_kind::cancel_all);
    };
    scheduler_.add_last(place::outside, go_on);
}

void world::stop(stop_kind how) {
    if (how == stop_kind::pause || how == stop_kind::pause_and_end) return pause(how == stop_kind::pause_and_end);
    stopped_ = true;
    auto const cancel = [](one_job& one) {
        one.cancelled = true;
        if (auto const running = one.alive.lock()) running->cancel();
    };
    if (how == stop_kind::cancel_one) return cancel(*jobs_[seed_ % jobs_.size()]);
    for (auto const& one : jobs_) cancel(*one);  // in their order, so that a seed does the same again
    if (how != stop_kind::close_engine) return;
    closing_ = true;
    if (engine_) engine_->stop();  // it may be on its way out already
}

/// Where consumers are dead, a stop must end what waits for them; and a cancelled job before that, whatever the others do.
bool world::go_on_when_dry() {
    auto const left = [](auto const& one) { return one->ends == 0; };
    if (kind_ != flavour::dead || std::none_of(jobs_.begin(), jobs_.end(), left)) return false;
    bool all_cancelled = true;
    for (auto const& one : jobs_) {
        hold(one->ends > 0 || !one->cancelled, "a cancelled job ends, whatever the others do");
        all_cancelled = all_cancelled && one->cancelled;
    }
    if (all_cancelled || !wrong_.empty()) return false;
    stop(stop_kind::cancel_all);
    return true;
}

void world::start(one_job& one) {
    one.refused_start = closing_;
    auto const running = one.running;
    if (!one.is_kept) one.running.reset();  // from here on it holds itself
    running->start([to = &one](pipeline::export_report report, std::exception_ptr const& thrown) {
        ++to->ends;
        to->threw = thrown != nullptr;
        to->report = std::move(report);
    });
}

std::string world::run() {
    auto const descriptors = open_descriptors();
    for (auto const& one : jobs_) {
        auto where = one->blocks ? runtime_->writing() : runtime_->steering();
        one->running =
            std::make_shared<pipeline::job>(*engine_, one->options, one->output, one->progress, std::move(where));
        one->alive = one->running;
        scheduler_.add(place::outside, [this, to = one.get()] { start(*to); }, scheduler_.below(30));
    }
    auto const ended = [](auto const& one) { return one->ends > 0; };
    auto const all_ended = [&] { return std::all_of(jobs_.begin(), jobs_.end(), ended); };
    while (scheduler_.steps() < steps_max) {
        if (closing_ && all_ended()) break;  // the engine is destroyed while the last steps are still to come
        if (!scheduler_.step() && !go_on_when_dry()) break;
    }
    hold(scheduler_.steps() < steps_max, "the run ends");
    for (auto const& one : jobs_) hold(one->ends == 1, "a job that was started ends, once");
    if (!wrong_.empty()) return wrong_;
    check_engine();
    for (auto const& one : jobs_) {
        one->running.reset();
        hold(one->alive.expired(), "nothing holds a job that has ended");
        check_job(*one);
    }
    hold(open_descriptors() == descriptors, "every descriptor is closed");
    return wrong_;
}

void world::hold(bool claim, std::string const& what) {
    if (!claim) wrong_ += "  not so: " + what + '\n';
}

void world::check_engine() {
    if (!closing_) {
        auto const left = engine_->memory().stats();
        hold(left.used_bytes == 0 && left.used_slots == 0, "nothing of the budget is used");
        hold(left.committed_bytes == 0 && left.committed_slots == 0, "nothing of the budget is committed");
        hold(left.high_water_bytes <= left.limit_bytes && left.high_water_slots <= left.limit_slots,
             "the budget was never exceeded");
        hold(runtime_->backend().in_flight() == 0, "no read is in flight");
        hold(runtime_->workers().queued() == 0, "no flight waits for a worker");
    }
    faults_ = runtime_->backend().faults();
    engine_.reset();
    hold(scheduler_.tracked == 0, "no coroutine waits");
}

void world::check_job(one_job& one) {
    auto const& failure = one.report.failure;
    auto const name = tree_of(one.tree).name + ' ' + archive::to_string(one.format.kind) + ": ";
    hold(!one.threw, name + "nothing is thrown");
    hold(one.output.calls_too_late == 0, name + "nothing is written after a failure or a stop");
    hold((failure.kind == failure_kind::none) == (one.output.commits == 1), name + "published or failed");
    hold(one.told == std::accumulate(one.report.notices.begin(), one.report.notices.end(), std::uint64_t{0}),
         name + "every notice that is counted was told");
    switch (failure.kind) {
        case failure_kind::none: return check_published(one);
        case failure_kind::cancelled: return hold(one.cancelled, name + "only a cancelled job is cancelled");
        case failure_kind::output: return hold(one.output_fails, name + "only a failing output fails");
        case failure_kind::strict: return hold(one.options.strict && one.report.warnings() > 0, name + "strict");
        case failure_kind::budget: return hold(!one.options.waits_for_memory, name + "there is memory for each");
        case failure_kind::nothing_to_store:
            return hold(faults_ > 0 && one.report.warnings() > 0, name + "there is something to store");
        case failure_kind::internal: return hold(one.refused_start, name + "an open engine takes jobs");
        case failure_kind::source:
        case failure_kind::io_backend: return hold(false, name + "sources and backend do not fail");
    }
}

void world::check_published(one_job const& one) {
    ++published_;
    auto const& right = expected(one.tree, one.format);
    auto const name = tree_of(one.tree).name + ' ' + archive::to_string(one.format.kind) + ": ";
    hold(one.report.output_bytes == one.output.bytes.size(), name + "the report counts the bytes");
    if (one.options.watcher != nullptr)
        hold(one.watcher.analysed_calls == 1 && one.watcher.entries_analysed >= right.entries, name + "analysed");
    if (one.report.warnings() == 0) {
        hold(one.output.bytes == right.bytes, name + "without a warning the bytes are the real runtime's");
        hold(one.report.entries == right.entries, name + "without a warning every entry is there");
        return;
    }
    hold(faults_ > 0, name + "a warning has a reason");
    static archive::testing::temp_dir const dir;
    auto const path = dir.put(std::string{"x."} + archive::to_string(one.format.kind), one.output.bytes);
    auto const verdict = archive::verify(path, {});
    hold(verdict.has_value(), name + "what was published is an archive");
    if (!verdict) return;
    hold(verdict->problem_count == 0, name + "what was published proves itself");
    hold(dangling_links(one.output.bytes) == "", name + "every hard link has its first name before it");
    hold(verdict->entries == one.report.entries, name + "it holds what the report says");
    std::uint64_t left_out = 0;
    for (auto const kind : {walk::notice_kind::vanished, walk::notice_kind::unreadable, walk::notice_kind::replaced})
        left_out += one.report.count(kind);
    hold(one.report.entries + left_out == right.entries, name + "every entry is there or was told of");
}

}  // namespace submitit::sim
