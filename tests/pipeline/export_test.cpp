// SPDX-License-Identifier: Apache-2.0
#include "pipeline/export.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "archive/read/support.hpp"
#include "base/errc.hpp"
#include "pipeline/exporting.hpp"

TEST_SUITE_BEGIN("pipeline/export");

namespace submitit::pipeline {
namespace {

using archive::testing::decoded;
using archive::testing::noise;
using archive::testing::prose;
using strings = std::vector<std::string>;

struct container_case {
    format kind;
    bool single_frame = false;
    char const* name;
};
constexpr std::array container_cases{
    container_case{format::zip, false, "x.zip"}, container_case{format::tar, false, "x.tar"},
    container_case{format::tar_gz, false, "x.tar.gz"}, container_case{format::tar_zst, false, "x.tar.zst"},
    container_case{format::tar_zst, true, "x.tar.zst"}};

/// Everything an export can meet: many small files, nothing, links, and files of several tickets.
struct sample_tree {
    sample_tree() {
        for (int i = 0; i < 700; ++i)
            tree.file("many/" + std::to_string(10'000 + i), prose(static_cast<std::size_t>(i) * 7 % 900));
        tree.file("empty");
        tree.directory("hollow/inner");
        tree.file("large/text", prose(3'300'000));
        tree.file("large/noise", noise(5'000'000, 5));
        tree.file("large/edge", noise((1U << 20U) - 512, 6));
        tree.link("link", "large/text");
        tree.file("names/caf\xC3\xA9");
        tree.file("names/" + std::string(200, 'n'), "long");
        std::filesystem::create_hard_link(tree.path("large/text"), tree.path("same"));
        std::filesystem::create_hard_link(tree.path("many/10100"), tree.path("same-small"));
    }
    walk::scratch_tree tree;
};

sample_tree const& sample() {
    static sample_tree const made;
    return made;
}

export_options options_of(container_case const& of) {
    auto options = options_for(of.kind, contents_of(sample().tree));
    options.format.single_frame = of.single_frame;
    options.jobs = 2;
    return options;
}

/// Output bytes; the export must have gone well.
std::string exported(export_options options, bool seekable = true) {
    memory_sink output{seekable};
    auto const report = run(std::move(options), output);
    CAPTURE(report.failure.detail);
    REQUIRE(report.failure.kind == failure_kind::none);
    CHECK(report.warnings() == 0);
    CHECK(output.committed);
    CHECK(report.output_bytes == output.bytes.size());
    CHECK(report.budget.high_water_bytes <= report.budget.limit_bytes);
    CHECK(report.budget.limit_bytes == report.memory_limit_bytes);
    return std::move(output.bytes);
}

}  // namespace

TEST_CASE("every container holds the tree, and proves itself") {
    archive::testing::temp_dir const dir;
    for (auto const& of : container_cases) {
        CAPTURE(std::string{of.name});
        auto const path = dir.put(of.name, exported(options_of(of)));
        archive::verify_options against;
        against.against = sample().tree.path("");
        CHECK(archive::testing::findings(path, against) == "");
        CHECK(archive::testing::verified(path).entries == 714);
    }
}

TEST_CASE("a zip on a stream holds the tree as well") {
    archive::testing::temp_dir const dir;
    archive::verify_options against;
    against.against = sample().tree.path("");
    CHECK(archive::testing::findings(dir.put("x.zip", exported(options_of(container_cases[0]), false)), against) == "");
}

TEST_CASE("bytes are equal for any number of jobs, any memory and any backend") {
    for (auto const& of : container_cases) {
        CAPTURE(std::string{of.name});
        CAPTURE(of.single_frame);
        auto const expected = exported(options_of(of));
        for (unsigned const jobs : {1U, 8U}) {
            auto options = options_of(of);
            options.jobs = jobs;
            CHECK(exported(options) == expected);
        }
        auto least = options_of(of);
        least.memory_bytes = least_memory(least);
        CHECK(exported(least) == expected);
        auto roomy = options_of(of);
        roomy.memory_bytes = 1U << 30U;
        roomy.jobs = 4;
        CHECK(exported(roomy) == expected);

        auto ring = options_of(of);
        ring.io.kind = io::backend_kind::uring;
        memory_sink output;
        auto const report = run(ring, output);
        if (report.failure.kind == failure_kind::io_backend) {
            MESSAGE("no io_uring here: " << report.backend.reason);
            CHECK(report.failure.error == errc::io_uring_unavailable);
            CHECK_FALSE(output.committed);
        } else {
            CHECK(report.backend.chosen == io::backend_kind::uring);
            CHECK(output.bytes == expected);
        }
    }
}

TEST_CASE("the report counts what went in") {
    memory_sink output;
    auto const tar = run(options_of(container_cases[1]), output);
    CHECK(tar.directories == 5);
    CHECK(tar.files == 700 + 6);
    CHECK(tar.links == 3);
    CHECK(tar.others == 0);
    CHECK(tar.entries == 714);
    CHECK(tar.tickets >= 12);
    std::uint64_t bytes = 3'300'000 + 5'000'000 + (1U << 20U) - 512 + 4;
    for (std::uint64_t i = 0; i < 700; ++i) bytes += i * 7 % 900;
    CHECK(tar.content_bytes == bytes);
    CHECK(tar.cached_reads + tar.backend_reads >= tar.files);
    CHECK(tar.output_path == "in memory");

    live_progress progress;
    std::atomic<bool> const stop{false};
    count_sources({contents_of(sample().tree)}, {}, progress, stop);
    CHECK(progress.totals_known.load());
    CHECK(progress.total_entries.load() == tar.entries);
}

TEST_CASE("a stop that is set before the start leaves nothing") {
    for (auto const& of : container_cases) {
        CAPTURE(std::string{of.name});
        memory_sink output;
        live_progress progress;
        auto const report = run_cancelled(options_of(of), output, progress);
        CHECK(report.failure.kind == failure_kind::cancelled);
        CHECK(report.failure.error == errc::cancelled);
        CHECK_FALSE(output.committed);
        CHECK(output.bytes.empty());
        CHECK(report.entries == 0);
    }
}

TEST_CASE("a stop in the middle ends the export without its end and its name") {
    for (auto const& of : container_cases) {
        CAPTURE(std::string{of.name});
        auto options = options_of(of);
        memory_sink output;
        live_progress progress;
        running_export* started = nullptr;
        std::promise<void> known;
        output.once_beyond = {100'000, [&] {
                                  known.get_future().wait();
                                  started->cancel();
                              }};
        running_export running{options, output, progress, {}};
        started = &running;
        known.set_value();
        auto const report = running.wait();
        CHECK(report.failure.kind == failure_kind::cancelled);
        CHECK_FALSE(output.committed);
        CHECK_FALSE(output.bytes.ends_with(std::string(1024, '\0')));
        CHECK(archive::testing::findings_of({}, output.bytes, of.name) != "");
    }
}

TEST_CASE("an output that fails ends the export with its error, and is left alone from then on") {
    for (std::uint64_t const room : {0U, 1000U, 500'000U, 4'000'000U}) {
        for (auto const& of : container_cases) {
            CAPTURE(std::string{of.name});
            CAPTURE(room);
            memory_sink output;
            output.fail_from = room;
            auto const report = run(options_of(of), output);
            CHECK(report.failure.kind == failure_kind::output);
            CHECK(report.failure.error == from_errno(ENOSPC));
            CHECK(report.failure.path == "in memory");
            CHECK_FALSE(output.committed);
            CHECK(output.calls_after_failure == 0);
        }
    }
}

TEST_CASE("the least memory is what the failure names, one byte less is refused before anything happens") {
    for (auto const& of : container_cases) {
        CAPTURE(std::string{of.name});
        auto options = options_of(of);
        auto const needed = least_memory(options);
        options.memory_bytes = needed - 1;
        memory_sink output;
        auto const report = run(options, output);
        CHECK(report.failure.kind == failure_kind::budget);
        CHECK(report.failure.error == errc::budget_too_small);
        CHECK(report.failure.detail == std::to_string(needed));
        CHECK(output.calls == 0);
        options.memory_bytes = needed;
        CHECK(run(options, output).failure.kind == failure_kind::none);
    }
}

TEST_CASE("nothing to store and a missing source fail without an output") {
    walk::scratch_tree tree;
    tree.directory("empty");
    memory_sink output;
    auto const nothing = run(options_for(format::zip, contents_of(tree, "empty")), output);
    CHECK(nothing.failure.kind == failure_kind::nothing_to_store);

    tree.directory("gone");
    auto const options = options_for(format::tar, contents_of(tree, "gone"));
    std::filesystem::remove(tree.path("gone"));
    auto const missing = run(options, output);
    CHECK(missing.failure.kind == failure_kind::source);
    CHECK(missing.failure.error == from_errno(ENOENT));
    CHECK(missing.failure.path == tree.path("gone"));
    CHECK_FALSE(output.committed);
}

TEST_CASE("notices come in archive order, all of them by callback and the first 20 in the report") {
    walk::scratch_tree tree;
    strings expected;
    for (int i = 0; i < 30; ++i) {
        auto const name = "pipe-" + std::to_string(100 + i);
        REQUIRE(::mkfifo(tree.path(name).c_str(), 0644) == 0);
        expected.push_back("special " + name);
    }
    tree.file("z-file", "x");
    auto options = options_for(format::zip, contents_of(tree));
    strings heard;
    options.on_notice = [&heard](walk::notice const& one) {
        heard.push_back(std::string{to_string(one.kind)} + ' ' + one.path);
    };
    memory_sink output;
    auto const report = run(options, output);
    CHECK(report.failure.kind == failure_kind::none);
    CHECK(report.count(walk::notice_kind::special) == 30);
    CHECK(report.warnings() == 30);
    CHECK(heard == expected);
    CHECK(told(report) == strings(expected.begin(), expected.begin() + 20));
    CHECK(output.committed);

    options.strict = true;
    memory_sink refused;
    CHECK(run(options, refused).failure.kind == failure_kind::strict);
    CHECK_FALSE(refused.committed);
}

TEST_CASE("several exports run side by side without disturbing each other") {
    std::vector<memory_sink> outputs(4);
    std::vector<std::unique_ptr<running_export>> running;
    std::vector<live_progress> progress(4);
    for (std::size_t i = 0; i < 4; ++i)
        running.push_back(std::make_unique<running_export>(options_of(container_cases[i]), outputs[i], progress[i],
                                                           std::function<void()>{}));
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(running[i]->wait().failure.kind == failure_kind::none);
        CHECK(archive::testing::findings_of({}, outputs[i].bytes, container_cases[i].name) == "");
    }
}

}  // namespace submitit::pipeline

TEST_SUITE_END();
