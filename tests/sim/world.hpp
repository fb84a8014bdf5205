// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/prepared_trees.hpp"
#include "sim/simulated_output.hpp"
#include "sim/simulated_runtime.hpp"

namespace submitit::sim {

/// What a seed chooses from.
enum class flavour : std::uint8_t {
    tiny,    ///< little trees and small tickets: few steps, nothing fails
    calm,    ///< all trees and formats, nothing fails
    stormy,  ///< ... everything may
    dead,    ///< as tiny, but consumers stop taking, so that only a stop ends their jobs
};

/// What is injected at a point.
enum class stop_kind : std::uint8_t {
    cancel_all,
    cancel_one,
    close_engine,   ///< as its destructor does
    pause,          ///< all, and on again when nothing else can move
    pause_and_end,  ///< all, and cancelled when nothing else can move
};
[[nodiscard]] char const* to_string(stop_kind kind) noexcept;

/// Some jobs on one engine, from a seed, until nothing moves any more. Each fourth seed has workers that look into the page cache;
/// there the kernel has a say, and a busy one may make such a seed go another way. The others repeat themselves exactly.
class world {
public:
    world(std::uint64_t seed, flavour kind);
    ~world();
    world(world const&) = delete;
    world& operator=(world const&) = delete;

    void stop_at(std::uint64_t point, stop_kind how);

    /// Once. What is wrong, one claim a line; empty: everything that must hold did.
    [[nodiscard]] std::string run();

    [[nodiscard]] std::uint64_t points() const noexcept { return scheduler_.points(); }
    [[nodiscard]] std::uint64_t steps() const noexcept { return scheduler_.steps(); }
    [[nodiscard]] std::size_t jobs() const noexcept { return jobs_.size(); }
    [[nodiscard]] std::uint64_t published() const noexcept { return published_; }
    [[nodiscard]] std::uint64_t faults() const noexcept { return faults_; }

private:
    struct one_job;
    struct needs;

    [[nodiscard]] tree_kind choose_tree();
    [[nodiscard]] archive::format_options choose_format(tree_kind tree);
    [[nodiscard]] output_terms choose_output();
    void add_job(unsigned workers, needs& all);
    void start(one_job& one);
    void stop(stop_kind how);
    void pause(bool ends);
    [[nodiscard]] bool go_on_when_dry();
    [[nodiscard]] bool is_little() const noexcept { return kind_ == flavour::tiny || kind_ == flavour::dead; }
    void hold(bool claim, std::string const& what);
    void check_job(one_job& one);
    void check_published(one_job const& one);
    void check_engine();

    flavour kind_;
    std::uint64_t seed_;
    std::mt19937_64 chosen_;
    scheduler scheduler_;
    std::vector<std::unique_ptr<one_job>> jobs_;
    std::unique_ptr<pipeline::engine> engine_;
    simulated_runtime* runtime_ = nullptr;
    bool stopped_ = false;
    bool closing_ = false;
    std::uint64_t published_ = 0;
    std::uint64_t faults_ = 0;
    std::string wrong_;
};

}  // namespace submitit::sim
