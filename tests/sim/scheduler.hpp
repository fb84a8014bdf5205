// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace submitit::sim {

/// What moves in a simulation. A seed makes some of them quick and others slow.
enum class place : std::uint8_t { steering, walking, writing, worker, disk, consumer, outside };
inline constexpr std::size_t places = 7;

/// One thread, virtual time, everything that is ready in one list: the seed says what runs next, so any interleaving can happen, and
/// the same seed makes the same one again.
///
/// Points: every step is one, and every call of the pipeline into the simulation that holds no lock. A run has the same points up to
///         the one where something was injected.
class scheduler {
public:
    explicit scheduler(std::uint64_t seed);
    scheduler(scheduler const&) = delete;
    scheduler& operator=(scheduler const&) = delete;

    /// Runs `work` in some later step, at the earliest after `delay` steps.
    template <class F>
    void add(place where, F&& work, std::uint64_t delay = 0) {
        waiting_.push_back({where, now_ + delay, std::make_unique<holding<std::decay_t<F>>>(std::forward<F>(work))});
    }
    /// Runs `work` when nothing else can move.
    template <class F>
    void add_last(place where, F&& work) {
        waiting_.push_back({where, never, std::make_unique<holding<std::decay_t<F>>>(std::forward<F>(work))});
    }

    /// One thing that can run, runs. False: there is nothing.
    bool step();
    /// All of them.
    void run_dry() {
        while (step()) {
        }
    }

    /// Something may be injected here.
    void point();
    void inject(std::uint64_t at_point, std::function<void()> what);

    [[nodiscard]] std::uint64_t points() const noexcept { return points_; }
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
    [[nodiscard]] std::uint64_t below(std::uint64_t n) { return n < 2 ? 0 : random_() % n; }
    [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }

    /// Coroutines under way: executors that track work, see executor.hpp.
    std::uint64_t tracked = 0;

private:
    static constexpr std::uint64_t never = ~std::uint64_t{0};
    struct task {
        virtual ~task() = default;
        virtual void run() = 0;
    };
    template <class F>
    struct holding final : task {
        explicit holding(F&& f) : work{std::move(f)} {}
        explicit holding(F const& f) : work{f} {}
        void run() override { std::move(work)(); }
        F work;
    };
    struct item {
        place where;
        std::uint64_t due;
        std::unique_ptr<task> work;
    };
    [[nodiscard]] std::size_t pick();

    std::mt19937_64 random_;
    std::array<std::uint32_t, places> weights_{};
    std::vector<item> waiting_;
    std::uint64_t now_ = 0;
    std::uint64_t steps_ = 0;
    std::uint64_t points_ = 0;
    std::uint64_t inject_at_ = never;
    std::function<void()> injected_;
};

}  // namespace submitit::sim
