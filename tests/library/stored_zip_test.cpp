// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "library/exported_tree.hpp"
#include "submitit/error.hpp"
#include "submitit/export_job.hpp"

TEST_SUITE_BEGIN("library/stored_zip");

namespace submitit {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

struct received {
    error_code error;
    std::string bytes;
};

asio::awaitable<received> receive(export_job& job) {
    received got;
    std::string piece(10'000, '\0');
    for (;;) {
        auto const token = asio::as_tuple(asio::use_awaitable);
        auto const into = asio::buffer(piece);
        auto const [error, bytes] = co_await job.async_read_some(into, token);
        got.bytes.append(piece, 0, bytes);
        if (!error) continue;
        if (error != asio::error::eof) got.error = error;
        co_return got;
    }
}

/// A tree that changes, and who serves it.
struct served {
    explicit served(bool small) : small_tickets{small} {
        for (int i = 0; i < 100; ++i) tree.file("data/many/" + std::to_string(100 + i), archive::testing::prose(500));
        tree.file("data/large", archive::testing::noise(3'000'000, 9));
        tree.directory("data/empty");
    }

    export_job job() {
        export_job made{context, runs_on};
        made.source(tree.path("data")).store().checksums(known).small_tickets(small_tickets);
        return made;
    }
    archive_measure measure() {
        auto measuring = job();
        auto done = measuring.async_measure(asio::use_future);
        context.restart();
        context.run();
        return done.get();
    }
    received send(archive_measure const& expected, std::uint64_t skip = 0) {
        auto sending = job();
        sending.expect(expected).skip(skip);
        auto done = asio::co_spawn(context, receive(sending), asio::use_future);
        context.restart();
        context.run();
        return done.get();
    }

    bool small_tickets;
    walk::scratch_tree tree;
    asio::io_context context;
    engine runs_on;
    std::shared_ptr<checksum_cache> known = std::make_shared<checksum_cache>();
};

/// How often files of a directory were opened, since the last question.
class opens_below {
public:
    explicit opens_below(std::string const& directory) : events_{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)} {
        REQUIRE(events_);
        REQUIRE(::inotify_add_watch(events_.get(), directory.c_str(), IN_OPEN) >= 0);
    }
    [[nodiscard]] int count() const {
        int opens = 0;
        alignas(inotify_event) std::array<char, 4096> piece{};
        for (;;) {
            auto const got = ::read(events_.get(), piece.data(), piece.size());
            if (got <= 0) return opens;
            for (char const* next = piece.data(); next < piece.data() + got;) {
                inotify_event event{};
                std::memcpy(&event, next, sizeof event);
                if ((event.mask & IN_ISDIR) == 0) ++opens;
                next += sizeof event + event.len;
            }
        }
    }

private:
    unique_fd events_;
};

}  // namespace

TEST_CASE("a stored zip is as long as it was measured, and can be taken up anywhere") {
    for (bool const small : {false, true}) {
        CAPTURE(small);
        served at{small};
        auto const expected = at.measure();
        CHECK(expected.digest.size() == 32);
        CHECK(at.known->size() == 101);
        auto const whole = at.send(expected);
        CHECK_FALSE(whole.error);
        CHECK(whole.bytes.size() == expected.bytes);
        auto const found = archive::testing::decoded(whole.bytes);
        CHECK(found.size() == 104);
        CHECK(found.at("data/large") == archive::testing::noise(3'000'000, 9));
        archive::testing::temp_dir const dir;
        CHECK(archive::testing::findings_of(dir, whole.bytes, "x.zip") == "");
        for (std::uint64_t const at_byte :
             {std::uint64_t{1}, std::uint64_t{70'000}, expected.bytes / 2, expected.bytes - 1}) {
            CAPTURE(at_byte);
            auto const rest = at.send(expected, at_byte);
            CHECK_FALSE(rest.error);
            CHECK(rest.bytes == whole.bytes.substr(static_cast<std::size_t>(at_byte)));
        }
        auto const again = at.measure();
        CHECK(again.bytes == expected.bytes);
        CHECK(again.digest == expected.digest);
    }
}

TEST_CASE("a measure opens only files it does not know") {
    served at{true};
    opens_below const many{at.tree.path("data/many")};
    auto const expected = at.measure();
    CHECK(many.count() >= 100);
    CHECK(at.measure().digest == expected.digest);
    CHECK(many.count() == 0);
    at.tree.file("data/many/100", "changed");
    auto const changed = at.measure();
    CHECK(changed.digest != expected.digest);
    CHECK(changed.bytes == expected.bytes - 500 + 7);
    CHECK(many.count() == 2);  // the test's own, and one
}

TEST_CASE("a source that is not what was measured never ends its archive") {
    for (bool const small : {false, true}) {
        CAPTURE(small);
        served at{small};
        auto const expected = at.measure();
        SUBCASE("a file has other content of the same size") { at.tree.file("data/many/150", std::string(500, 'x')); }
        SUBCASE("a large file has") { at.tree.file("data/large", archive::testing::noise(3'000'000, 10)); }
        SUBCASE("a file is new") { at.tree.file("data/zzz", "new"); }
        SUBCASE("a file has gone") { std::filesystem::remove(at.tree.path("data/many/199")); }
        SUBCASE("a directory has another mode") { REQUIRE(::chmod(at.tree.path("data/empty").c_str(), 0700) == 0); }
        auto const got = at.send(expected);
        CHECK(got.error == errc::source_changed);
        archive::testing::temp_dir const dir;
        CHECK(archive::testing::findings_of(dir, got.bytes, "x.zip") != "");
        CHECK(at.measure().digest != expected.digest);
    }
}

}  // namespace submitit

TEST_SUITE_END();
