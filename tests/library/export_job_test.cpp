// SPDX-License-Identifier: Apache-2.0
#include "submitit/export_job.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <future>
#include <optional>
#include <set>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>

#include "library/exported_tree.hpp"
#include "submitit/error.hpp"

TEST_SUITE_BEGIN("library/export_job");

namespace submitit {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using testing::exported_tree;
using testing::open_descriptors;
using testing::read_all;
using testing::shared_tree;

constexpr format all_formats[] = {format::zip, format::tar, format::tar_gz, format::tar_zst};

struct outcome {
    std::optional<error_code> error;
    export_report report;
    int calls = 0;

    auto callback() {
        return [this](error_code told, export_report given) {
            error = told;
            report = std::move(given);
            ++calls;
        };
    }
};

/// A host with one thread that runs its context.
struct host {
    asio::io_context context;
    engine runs_on;
    host() : runs_on{engine_options{}.memory(64U << 20U)} {}

    export_job job(format kind = format::zip) {
        export_job made{context, runs_on};
        made.source(shared_tree().data()).format(kind);
        return made;
    }
    std::string pulled(export_job job) {
        auto bytes = asio::co_spawn(context, read_all(job), asio::use_future);
        context.restart();
        context.run();
        return bytes.get();
    }
};

asio::awaitable<std::uint64_t> run_to(export_job& job, file_target target) {
    auto const report = co_await job.async_run_to(std::move(target), asio::use_awaitable);
    co_return report.files;
}

}  // namespace

TEST_CASE("a pulled archive holds the tree, in every format, with tickets of either size") {
    for (auto const kind : all_formats) {
        for (bool const small : {false, true}) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(small);
            host at;
            auto job = at.job(kind);
            job.small_tickets(small);
            auto const bytes = at.pulled(std::move(job));
            CHECK(shared_tree().holds_all(bytes));
            auto again = at.job(kind);
            again.small_tickets(small);
            CHECK(at.pulled(std::move(again)) == bytes);
        }
    }
}

TEST_CASE("a file appears whole under its name, and its report counts what it holds") {
    host at;
    auto const path = shared_tree().out("a.zip");
    auto job = at.job();
    outcome told;
    job.async_run_to(file_target{path}.sync(false), told.callback());
    CHECK(told.calls == 0);  // never inside the call
    at.context.run();
    REQUIRE(told.calls == 1);
    CHECK_FALSE(*told.error);
    CHECK(told.report.files == 201);
    CHECK(told.report.directories == 3);
    CHECK(told.report.links == 1);
    CHECK(told.report.warnings() == 0);
    CHECK(told.report.path == path);
    CHECK(told.report.output_bytes == std::filesystem::file_size(path));
    CHECK(job.progress().ended);
    CHECK(job.progress().entries == told.report.entries);
    CHECK(shared_tree().holds_all(archive::testing::read_file(path)));
    std::filesystem::remove(path);
    CHECK(shared_tree().out_is_empty());
}

TEST_CASE("any completion token works, and the handler's executor and allocator are used") {
    host at;
    auto const path = shared_tree().out("token.tar");
    auto const target = [&path] { return file_target{path}.sync(false); };
    SUBCASE("use_future") {
        auto job = at.job(format::tar);
        auto done = job.async_run_to(target(), asio::use_future);
        at.context.run();
        CHECK(done.get().files == 201);
    }
    SUBCASE("use_awaitable") {
        auto job = at.job(format::tar);
        auto done = asio::co_spawn(at.context, run_to(job, target()), asio::use_future);
        at.context.run();
        CHECK(done.get() == 201);
    }
    SUBCASE("deferred") {
        auto job = at.job(format::tar);
        auto operation = job.async_run_to(target(), asio::deferred);
        outcome told;
        std::move(operation)(told.callback());
        at.context.run();
        CHECK(told.report.files == 201);
    }
    SUBCASE("a handler that can only be moved, on another executor") {
        auto job = at.job(format::tar);
        asio::io_context other;
        auto only = std::make_unique<int>(5);
        bool called = false;
        auto handler = [only = std::move(only), &called](error_code error, export_report const& report) {
            called = !error && report.files == 201 && *only == 5;
        };
        job.async_run_to(target(), asio::bind_executor(other, std::move(handler)));
        other.run();
        CHECK(called);
        at.context.run();
    }
    SUBCASE("reading with use_future") {
        auto job = at.job(format::tar);
        std::string piece(100, '\0');
        auto read = job.async_read_some(asio::buffer(piece), asio::use_future);
        at.context.run();
        CHECK(read.get() > 0);
    }
    std::filesystem::remove(path);
}

TEST_CASE("an archive is written to any stream, and the disk waits for its reader") {
    for (auto const kind : all_formats) {
        CAPTURE(static_cast<int>(kind));
        host at;
        asio::local::stream_protocol::socket from{at.context};
        asio::local::stream_protocol::socket to{at.context};
        asio::local::connect_pair(from, to);
        auto job = at.job(kind);
        outcome told;
        job.async_run_to(to, [&](error_code error, export_report report) {
            told.callback()(error, std::move(report));
            to.close();
        });
        std::string bytes;
        error_code read_error;
        asio::async_read(from, asio::dynamic_buffer(bytes), [&](error_code error, std::size_t) { read_error = error; });
        at.context.run();
        REQUIRE(told.calls == 1);
        CHECK_FALSE(*told.error);
        CHECK(told.report.output_bytes == bytes.size());
        CHECK(read_error == asio::error::eof);
        CHECK(shared_tree().holds_all(bytes));
    }
}

TEST_CASE("a stream that fails ends the export with its error") {
    host at;
    asio::local::stream_protocol::socket from{at.context};
    asio::local::stream_protocol::socket to{at.context};
    asio::local::connect_pair(from, to);
    from.close();
    auto job = at.job();
    outcome told;
    job.async_run_to(to, told.callback());
    at.context.run();
    REQUIRE(told.calls == 1);
    CHECK(*told.error == asio::error::broken_pipe);
    CHECK(at.runs_on.usage().used_bytes == 0);
}

TEST_CASE("what cannot be done is refused with its reason") {
    host at;
    outcome told;
    auto const run = [&](export_job& job, std::string const& path) {
        job.async_run_to(file_target{path}, told.callback());
        at.context.restart();
        at.context.run();
        REQUIRE(told.error);
        return *told.error;
    };
    auto const path = shared_tree().out("refused.zip");
    SUBCASE("no source") {
        export_job job{at.context, at.runs_on};
        CHECK(run(job, path) == errc::nothing_to_store);
    }
    SUBCASE("a source that is not there") {
        export_job job{at.context, at.runs_on};
        job.source("/nowhere/at/all");
        CHECK(run(job, path) == error_code{ENOENT, boost::system::system_category()});
        CHECK(told.report.failed_path == "/nowhere/at/all");
    }
    SUBCASE("an output directory that is not there") {
        auto job = at.job();
        CHECK(run(job, "/nowhere/x.zip") == error_code{ENOENT, boost::system::system_category()});
        CHECK(told.report.failed_path == "/nowhere/x.zip");
    }
    SUBCASE("the same source twice") {
        auto job = at.job();
        job.source(shared_tree().data());
        CHECK(run(job, path) == errc::duplicate_source);
    }
    SUBCASE("too little memory, with the number that is needed") {
        engine tiny{engine_options{}.memory(100'000)};
        export_job job{at.context, tiny};
        job.source(shared_tree().data());
        CHECK(run(job, path) == errc::budget_too_small);
        CHECK(std::stoull(told.report.failure_detail) > 1'000'000);
    }
    SUBCASE("a second start") {
        auto job = at.job();
        outcome second;
        job.async_run_to(file_target{path}.sync(false), told.callback());
        job.async_run_to(file_target{path}, second.callback());
        at.context.run();
        CHECK_FALSE(*told.error);
        CHECK(*second.error == asio::error::already_started);
        std::filesystem::remove(path);
    }
    SUBCASE("an engine that has gone") {
        std::optional<engine> gone{engine_options{}};
        export_job job{at.context, *gone};
        job.source(shared_tree().data());
        gone.reset();
        CHECK(run(job, path) == errc::engine_closed);
    }
    CHECK(shared_tree().out_is_empty());
}

TEST_CASE("beyond the budget a job waits its turn, or is refused at once") {
    asio::io_context context;
    engine small{engine_options{}.memory(6U << 20U).workers(1)};
    std::string piece(1000, '\0');
    std::vector<std::unique_ptr<export_job>> admitted;
    std::optional<error_code> last;
    auto const begin = [&](bool wait) {
        auto job = std::make_unique<export_job>(context, small);
        job->source(shared_tree().data()).small_tickets().wait_for_memory(wait);
        last.reset();
        job->async_read_some(asio::buffer(piece), [&last](error_code error, std::size_t) { last = error; });
        return job;
    };
    for (;;) {
        auto job = begin(false);
        context.restart();
        context.run();
        REQUIRE(last);
        if (*last == errc::engine_full) break;
        REQUIRE_FALSE(*last);
        admitted.push_back(std::move(job));
        REQUIRE(admitted.size() < 100);
    }
    CHECK(admitted.size() > 2);
    auto const waiting = begin(true);
    context.restart();
    context.poll();
    CHECK_FALSE(last);
    admitted.pop_back();
    context.run();
    CHECK(last == error_code{});
    CHECK(small.usage().high_water_bytes <= small.usage().limit_bytes);
}

TEST_CASE("events come in order on the job's executor, before the handler") {
    host at;
    auto job = at.job(format::tar);
    shared_tree().tree.directory("events");
    std::vector<std::string> files;
    std::optional<analysis_complete> analysed;
    std::optional<export_complete> complete;
    auto const here = std::this_thread::get_id();
    job.on_file_processed([&](file_processed const& one) {
        CHECK(std::this_thread::get_id() == here);
        files.push_back(one.name);
    });
    job.on_analysis_complete([&](analysis_complete const& all) { analysed = all; });
    job.on_export_complete([&](export_complete const& end) { complete = end; });
    outcome told;
    auto const path = shared_tree().out("events.tar");
    job.async_run_to(file_target{path}.sync(false), [&](error_code error, export_report report) {
        CHECK(files.size() == 201);
        CHECK(complete);
        told.callback()(error, std::move(report));
    });
    at.context.run();
    REQUIRE(told.calls == 1);
    CHECK(files.front() == "data/large");
    CHECK(files.back() == "data/many/1199");
    CHECK(std::is_sorted(files.begin(), files.end()));
    REQUIRE(analysed);
    CHECK(analysed->entries == told.report.entries);
    CHECK(analysed->content_bytes == told.report.content_bytes);
    CHECK_FALSE(complete->error);
    std::filesystem::remove(path);
}

TEST_CASE("warnings are events, and refuse the archive when the export is strict") {
    walk::scratch_tree tree;
    tree.file("data/a", "a");
    REQUIRE(::mkfifo(tree.path("data/fifo").c_str(), 0600) == 0);
    tree.directory("out");
    asio::io_context context;
    engine runs_on;
    for (bool const strict : {false, true}) {
        export_job job{context, runs_on};
        std::vector<notice> notices;
        job.source(tree.path("data")).strict(strict).on_notice([&](notice const& one) { notices.push_back(one); });
        outcome told;
        job.async_run_to(file_target{tree.path("out/x.zip")}, told.callback());
        context.restart();
        context.run();
        REQUIRE(told.error);
        CHECK(*told.error == (strict ? make_error_code(errc::warnings_refused) : error_code{}));
        CHECK(std::filesystem::exists(tree.path("out/x.zip")) == !strict);
        REQUIRE(notices.size() == 1);
        CHECK(notices.front().kind == notice_kind::special);
        CHECK(notices.front().path == "data/fifo");
        std::filesystem::remove(tree.path("out/x.zip"));
    }
}

TEST_CASE("a terminal cancellation ends an export at any time and leaves no file") {
    for (std::uint64_t const after : {0U, 1U, 500'000U}) {
        CAPTURE(after);
        host at;
        auto job = at.job();
        asio::cancellation_signal signal;
        outcome told;
        job.on_file_processed([&](file_processed const&) {
            if (job.progress().output_bytes >= after) signal.emit(asio::cancellation_type::terminal);
        });
        job.async_run_to(file_target{shared_tree().out("cancelled.zip")},
                         asio::bind_cancellation_slot(signal.slot(), told.callback()));
        if (after == 0) signal.emit(asio::cancellation_type::terminal);
        at.context.run();
        REQUIRE(told.calls == 1);
        CHECK(*told.error == asio::error::operation_aborted);
        CHECK(shared_tree().out_is_empty());
        CHECK(at.runs_on.usage().used_bytes == 0);
        CHECK(at.runs_on.usage().committed_bytes == 0);
    }
}

TEST_CASE("a total cancellation works until the first byte is written, and not after it") {
    bool before = false;
    SUBCASE("before") { before = true; }
    SUBCASE("after") {}
    host at;
    auto job = at.job();
    asio::cancellation_signal signal;
    outcome told;
    auto const path = shared_tree().out("total.zip");
    int emitted = 0;
    job.on_file_processed([&](file_processed const&) {
        if (emitted++ == 0) signal.emit(asio::cancellation_type::total);
    });
    job.async_run_to(file_target{path}.sync(false), asio::bind_cancellation_slot(signal.slot(), told.callback()));
    if (before) signal.emit(asio::cancellation_type::total);
    at.context.run();
    REQUIRE(told.calls == 1);
    CHECK(*told.error == (before ? error_code{asio::error::operation_aborted} : error_code{}));
    CHECK(std::filesystem::exists(path) == !before);
    std::filesystem::remove(path);
}

TEST_CASE("a read that is cancelled alone loses no byte") {
    host at;
    auto const whole = at.pulled(at.job(format::tar));
    auto job = at.job(format::tar);
    asio::cancellation_signal signal;
    std::string piece(1000, '\0');
    std::optional<error_code> error;
    std::string bytes;
    job.async_read_some(asio::buffer(piece),
                        asio::bind_cancellation_slot(signal.slot(), [&](error_code told, std::size_t got) {
                            error = told;
                            bytes.append(piece, 0, got);
                        }));
    signal.emit(asio::cancellation_type::partial);
    at.context.restart();
    at.context.run();
    REQUIRE(error);
    CHECK((!*error || *error == asio::error::operation_aborted));
    bytes += at.pulled(std::move(job));
    CHECK(bytes == whole);
}

TEST_CASE("jobs, engines and contexts may go at any time") {
    auto const before = open_descriptors();
    SUBCASE("the job") {
        host at;
        outcome told;
        {
            auto job = at.job();
            job.async_run_to(file_target{shared_tree().out("gone.zip")}, told.callback());
        }
        at.context.run();
        REQUIRE(told.calls == 1);
        CHECK(*told.error == asio::error::operation_aborted);
        CHECK(at.runs_on.usage().committed_bytes == 0);
    }
    SUBCASE("the job, while its reader waits for nothing") {
        host at;
        {
            auto job = at.job();
            std::string piece(10, '\0');
            job.async_read_some(asio::buffer(piece), [](error_code, std::size_t) {});
            at.context.run();
        }
    }
    SUBCASE("the engine") {
        asio::io_context context;
        std::optional<engine> runs_on{engine_options{}};
        export_job job{context, *runs_on};
        job.source(shared_tree().data());
        outcome told;
        job.async_run_to(file_target{shared_tree().out("gone.zip")}, told.callback());
        runs_on.reset();
        CHECK(told.calls == 0);
        context.run();
        REQUIRE(told.calls == 1);
        CHECK((*told.error == asio::error::operation_aborted || !*told.error));
        std::filesystem::remove(shared_tree().out("gone.zip"));
    }
    SUBCASE("the engine, while a stream waits") {
        asio::io_context context;
        asio::local::stream_protocol::socket from{context};
        asio::local::stream_protocol::socket to{context};
        asio::local::connect_pair(from, to);
        std::optional<engine> runs_on{engine_options{}};
        export_job job{context, *runs_on};
        job.source(shared_tree().data());
        outcome told;
        job.async_run_to(to, told.callback());
        runs_on.reset();
        from.close();
        context.run();
        REQUIRE(told.calls == 1);
        CHECK(*told.error);
    }
    SUBCASE("the context, before the engine and the job") {
        engine runs_on;
        auto shared = std::make_shared<int>(1);
        std::optional<export_job> job;
        {
            asio::io_context context;
            job.emplace(context, runs_on);
            job->source(shared_tree().data());
            job->async_run_to(file_target{shared_tree().out("gone.zip")},
                              [shared](error_code, export_report const&) {});
            CHECK(shared.use_count() == 2);
        }
        CHECK(shared.use_count() == 1);
        job.reset();
    }
    SUBCASE("the context, while coroutines and streams are under way") {
        engine runs_on;
        for (int turns = 0; turns < 60; turns += 3) {
            asio::io_context context;
            asio::local::stream_protocol::socket from{context};
            asio::local::stream_protocol::socket to{context};
            asio::local::connect_pair(from, to);
            export_job streamed{context, runs_on};
            streamed.source(shared_tree().data());
            streamed.async_run_to(to, asio::detached);
            export_job pulled{context, runs_on};
            pulled.source(shared_tree().data()).format(format::tar);
            asio::co_spawn(context, read_all(pulled), asio::detached);
            for (int turn = 0; turn < turns; ++turn) context.run_one();
        }
    }
    CHECK(shared_tree().out_is_empty());
    CHECK(open_descriptors() == before);
}

TEST_CASE("a context that ends before its export takes the callbacks of events along, and the export goes on") {
    for (bool const late : {false, true}) {
        engine runs_on;
        asio::io_context context;
        auto const held = std::make_shared<int>(1);
        std::promise<error_code> ended;
        export_job job{context, runs_on};
        {
            asio::io_context of_events;
            job.source(shared_tree().data());
            auto const count = [held](auto const&) { FAIL("called"); };
            job.on_file_processed(asio::bind_executor(of_events.get_executor(), count));
            job.on_analysis_complete(asio::bind_executor(of_events.get_executor(), count));
            job.on_export_complete(asio::bind_executor(of_events.get_executor(), count));
            job.async_run_to(file_target{shared_tree().out("gone.zip")},
                             [&ended](error_code error, auto&&) { ended.set_value(error); });
            if (late) context.run_for(std::chrono::milliseconds{20});
        }
        CHECK(held.use_count() == 1);
        context.run();
        CHECK_FALSE(ended.get_future().get());
        std::filesystem::remove(shared_tree().out("gone.zip"));
    }
}

TEST_CASE("a slot's signal that comes after its read does nothing to the next one") {
    engine runs_on;
    asio::io_context context;
    export_job job{context, runs_on};
    job.source(shared_tree().data());
    asio::cancellation_signal signal;
    std::array<char, 16> first{};
    job.async_read_some(asio::buffer(first),
                        asio::bind_cancellation_slot(signal.slot(), [](error_code error, std::size_t bytes) {
                            CHECK_FALSE(error);
                            CHECK(bytes == 16);
                        }));
    context.run();
    context.restart();
    std::vector<char> rest(1 << 23);
    std::optional<error_code> told;
    asio::async_read(job, asio::buffer(rest), [&told](error_code error, std::size_t) { told = error; });
    signal.emit(asio::cancellation_type::terminal);
    signal.emit(asio::cancellation_type::total);
    context.run();
    CHECK(told == asio::error::eof);
}

}  // namespace submitit

TEST_SUITE_END();
