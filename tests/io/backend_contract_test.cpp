// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "io/engines.hpp"
#include "io/few_descriptors.hpp"
#include "io/new_names.hpp"

using namespace submitit;
using namespace submitit::io;
using namespace submitit::io::testing;

namespace {

constexpr std::size_t MiB = std::size_t{1} << 20U;

void check_whole(reads& all, std::size_t i, bytes const& expected) {
    auto const& op = all[i];
    CAPTURE(expected.size());
    CHECK(op.error.message() == error_code{}.message());
    CHECK(op.stage == read_stage::done);
    CHECK(op.got == expected.size());
    CHECK((all.content(i) == expected));
    CHECK(op.before.size == expected.size());
    CHECK(op.after.unchanged_since(op.before));
}

void check_failed_open(read_op const& op, int error) {
    CHECK(op.error == from_errno(error));
    CHECK(op.stage == read_stage::open);
    CHECK(op.got == 0);
}

}  // namespace

TEST_SUITE_BEGIN("io/backend");

TEST_CASE("the bytes read are the file's, at every size around a page and a megabyte, cached or not") {
    scratch const dir;
    std::vector<bytes> contents;
    for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{4096},
                                   std::size_t{4097}, MiB - 1, MiB, MiB + 1, 5 * MiB}) {
        contents.push_back(pattern(size, size));
        dir.put(std::to_string(size), contents.back());
    }
    for (bool const cold : {false, true}) {
        CAPTURE(cold);
        on_every_way({}, [&](backend& engine) {
            reads all;
            for (auto const& content : contents) {
                auto const name = std::to_string(content.size());
                if (cold) dir.chill(name);
                all.add(dir.fd(), name, content.size());
            }
            all.run(engine);
            for (std::size_t i = 0; i < all.size(); ++i) check_whole(all, i, contents[i]);
        });
    }
}

TEST_CASE("a read from an offset gives those bytes and no others") {
    scratch const dir;
    auto const content = pattern(3 * MiB + 17, 1);
    dir.put("file", content);
    on_every_way({}, [&](backend& engine) {
        reads all;
        for (std::uint64_t const offset : {std::uint64_t{1}, std::uint64_t{4096}, std::uint64_t{MiB + 5}}) {
            dir.chill("file");
            all.add(dir.fd(), "file", 100'000, offset);
        }
        all.run(engine);
        for (std::size_t i = 0; i < all.size(); ++i) {
            auto const from = content.begin() + static_cast<std::ptrdiff_t>(all[i].offset);
            CHECK((all.content(i) == bytes(from, from + 100'000)));
            CHECK(all[i].stage == read_stage::done);
        }
    });
}

TEST_CASE("a short count means that the file ended") {
    scratch const dir;
    auto const content = pattern(10'000, 2);
    dir.put("file", content);
    on_every_way({}, [&](backend& engine) {
        reads all;
        all.add(dir.fd(), "file", 20'000);
        all.add(dir.fd(), "file", 4096, 8192);
        all.add(dir.fd(), "file", 10, 10'000);
        all.add(dir.fd(), "file", 10, 1 << 30);
        all.run(engine);
        CHECK((all.content(0) == content));
        CHECK(all[1].got == 10'000 - 8192);
        CHECK(all[2].got == 0);
        CHECK(all[3].got == 0);
        for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].stage == read_stage::done);
    });
}

TEST_CASE("a descriptor that was given is read, not closed, and needs no path") {
    scratch const dir;
    auto const content = pattern(MiB, 3);
    dir.put("file", content);
    on_every_way({}, [&](backend& engine) {
        auto const held = dir.open("file");
        reads all;
        for (std::uint64_t offset = 0; offset < MiB; offset += MiB / 8)
            all.add(-1, "", MiB / 8, offset).fd = held.get();
        all.run(engine);
        bytes joined;
        for (std::size_t i = 0; i < all.size(); ++i) {
            CHECK(all[i].stage == read_stage::done);
            auto const part = all.content(i);
            joined.insert(joined.end(), part.begin(), part.end());
        }
        CHECK((joined == content));
        CHECK(::fcntl(held.get(), F_GETFD) >= 0);
    });
}

TEST_CASE("a single read is one call: no fstat, and a short count is not continued") {
    scratch const dir;
    auto const content = pattern(1000, 3);
    dir.put("file", content);
    on_backends({}, [&](backend& engine) {
        auto const held = dir.open("file");
        reads all;
        for (std::uint64_t const offset : {0U, 900U, 1000U}) {
            auto& op = all.add(-1, "", 500, offset);
            op.fd = held.get();
            op.single = true;
        }
        all.run(engine);
        CHECK((all.content(0) == bytes(content.begin(), content.begin() + 500)));
        CHECK((all.content(1) == bytes(content.begin() + 900, content.end())));
        CHECK(all[2].got == 0);
        for (std::size_t i = 0; i < all.size(); ++i) {
            CHECK_FALSE(all[i].error);
            CHECK(all[i].stage == read_stage::done);
            CHECK(all[i].before.ino == 0);
            CHECK(all[i].after.ino == 0);
        }
        CHECK(engine.counters().short_reads == 0);
    });
}

// Symptom: the destructor hung. The loop was still at work when it was closed, so it was not woken, and then waited for the
// wake-up read that it had in flight itself.
TEST_CASE("a backend may end while it is at work, and finishes that first") {
    scratch const dir;
    auto const content = pattern(MiB, 3);
    dir.put("file", content);
    auto const held = dir.open("file");
    for (auto const kind : kinds_here()) {
        CAPTURE(to_string(kind));
        for (int i = 0; i < 50; ++i) {
            reads all;
            for (int j = 0; j < 8; ++j) all.add(-1, "", MiB).fd = held.get();
            {
                auto const engine = make_engine(kind);
                all.submit(*engine);
            }
            for (std::size_t j = 0; j < all.size(); ++j) CHECK(all[j].got == MiB);
        }
    }
}

TEST_CASE("a file that has vanished is ENOENT, and a missing directory too") {
    scratch const dir;
    on_every_way({}, [&](backend& engine) {
        reads all;
        all.add(dir.fd(), "gone", 10);
        all.add(dir.fd(), "no/such/dir", 10);
        all.run(engine);
        check_failed_open(all[0], ENOENT);
        check_failed_open(all[1], ENOENT);
    });
}

TEST_CASE("a symlink anywhere in the path is refused unless links are followed, and never leaves the root") {
    scratch const dir;
    auto const content = pattern(100, 4);
    dir.directory("real");
    dir.put("real/file", content);
    dir.symlink("real", "alias");
    dir.symlink("real/file", "link");
    dir.symlink("/etc/passwd", "escape");
    on_every_way({}, [&](backend& engine) {
        reads all;
        all.add(dir.fd(), "alias/file", 100);
        all.add(dir.fd(), "link", 100);
        all.add(dir.fd(), "alias/file", 100).follow_links = true;
        all.add(dir.fd(), "link", 100).follow_links = true;
        all.add(dir.fd(), "escape", 100).follow_links = true;
        all.add(dir.fd(), "../etc/passwd", 100);
        all.run(engine);
        check_failed_open(all[0], ELOOP);
        check_failed_open(all[1], ELOOP);
        check_whole(all, 2, content);
        check_whole(all, 3, content);
        check_failed_open(all[4], EXDEV);
        check_failed_open(all[5], EXDEV);
    });
}

TEST_CASE("what is no regular file is ENXIO, and a FIFO without a writer does not hold anything up") {
    scratch const dir;
    dir.fifo("pipe");
    dir.directory("sub");
    auto const held = unique_fd{::openat(dir.fd(), "pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    on_every_way({}, [&](backend& engine) {
        reads all;
        all.add(dir.fd(), "pipe", 10);
        all.add(dir.fd(), "sub", 10);
        all.add(dir.fd(), ".", 10);
        all.add(dir.fd(), "", 10);
        all.add(-1, "", 10).fd = held.get();
        all.run(engine);
        for (std::size_t i = 0; i < all.size(); ++i) {
            CAPTURE(i);
            CHECK(all[i].error == from_errno(ENXIO));
            CHECK(all[i].stage == read_stage::stat);
        }
    });
}

TEST_CASE("a file without permission is EACCES") {
    scratch const dir;
    dir.put("secret", pattern(10, 5));
    dir.mode("secret", 0);
    bool const root = ::geteuid() == 0;
    on_every_way({}, [&](backend& engine) {
        reads all;
        all.add(dir.fd(), "secret", 10);
        if (root) REQUIRE(::seteuid(65534) == 0);  // of every thread of the process, also the backend's
        all.run(engine);
        if (root) REQUIRE(::seteuid(0) == 0);
        check_failed_open(all[0], EACCES);
    });
}

TEST_CASE("a closed descriptor is EBADF, not a crash") {
    on_backends({}, [&](backend& engine) {
        reads all;
        all.add(-1, "", 10).fd = 1'000'000;
        all.run(engine);
        CHECK(all[0].error == from_errno(EBADF));
    });
}

TEST_CASE("another mount is EXDEV with one_file_system, and a file of /proc is read although its size is 0") {
    unique_fd const top{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    on_every_way({}, [&](backend& engine) {
        reads all;
        all.add(top.get(), "proc/version", 10).one_file_system = true;
        all.add(top.get(), "proc/version", 4096);
        all.run(engine);
        check_failed_open(all[0], EXDEV);
        CHECK(all[1].stage == read_stage::done);
        CHECK(all[1].got > 10);
        CHECK(all[1].before.size == 0);
    });
}

TEST_CASE("paths that are in no cache are opened too, with descriptors to spare and without") {
    unique_fd const proc{::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    for (unsigned const free : {1U, 100U}) {
        CAPTURE(free);
        on_backends({}, [&](backend& engine) {
            new_names const names{20};
            few_descriptors const few{free};
            reads all;
            for (auto const& name : names.paths()) all.add(proc.get(), name, 100);
            int would_wait = 0;
            for (std::size_t i = 0; i < all.size(); ++i) would_wait += try_cached_read(all[i]) ? 0 : 1;
            CHECK(would_wait > 0);
            all.run(engine);
            for (std::size_t i = 0; i < all.size(); ++i) {
                CHECK(all[i].stage == read_stage::done);
                CHECK((all.content(i) == new_names::content()));
            }
        });
    }
}

TEST_CASE("a path longer than PATH_MAX is read like any other") {
    scratch const dir;
    auto const content = pattern(5000, 6);
    auto const path = dir.put_deep(25, content);
    REQUIRE(path.size() > 4096);
    on_every_way({}, [&](backend& engine) {
        reads all;
        all.add(dir.fd(), path, content.size());
        all.add(dir.fd(), path + "x", content.size());
        all.run(engine);
        check_whole(all, 0, content);
        check_failed_open(all[1], ENOENT);
    });
}

TEST_CASE("an attempt goes on behind the bytes it has when the file is the same, and starts again when it is not") {
    scratch const dir;
    auto const content = pattern(9000, 7);
    dir.put("file", content);
    on_backends({}, [&](backend& engine) {
        reads all;
        for (int i = 0; i < 3; ++i) all.add(dir.fd(), "file", 9000);
        all.run(engine);
        auto const same = all[0].before;
        auto other = same;
        other.mtime.seconds -= 1;

        bytes const marked(4000, std::byte{0x11});
        for (std::size_t i = 0; i < 3; ++i) {
            std::copy(marked.begin(), marked.end(), all[i].data);
            all[i].got = 4000;
        }
        all[0].before = same;
        all[1].before = other;
        all[2].before = {};
        all.run(engine);

        bytes continued = content;
        std::copy(marked.begin(), marked.end(), continued.begin());
        CHECK((all.content(0) == continued));
        CHECK((all.content(1) == content));
        CHECK((all.content(2) == continued));
        for (std::size_t i = 0; i < 3; ++i) CHECK(all[i].before.unchanged_since(same));
    });
}

TEST_CASE("bytes, operations and kind are reported") {
    scratch const dir;
    dir.put("a", pattern(1000, 8));
    dir.put("b", pattern(500, 9));
    on_backends({}, [&](backend& engine) {
        reads all;
        all.add(dir.fd(), "a", 1000);
        all.add(dir.fd(), "b", 1000);
        all.add(dir.fd(), "c", 1000);
        all.run(engine);
        auto const counted = engine.counters();
        CHECK(counted.bytes == 1500);
        CHECK(counted.short_reads == 1);
        CHECK(counted.descriptor_waits == 0);
        CHECK(counted.plain_reads == 0);
        // `done` comes after the count, so all three are in it.
        CHECK(counted.ops == 3);
    });
}

TEST_CASE("an empty list is nothing to do") {
    on_backends({}, [](backend& engine) {
        engine.submit(nullptr);
        CHECK(engine.counters().ops == 0);
    });
}

TEST_CASE("four threads may submit at once") {
    scratch const dir;
    constexpr int files = 200;
    for (int i = 0; i < files; ++i) dir.put(std::to_string(i), pattern(100 + static_cast<std::size_t>(i), 10));
    on_every_way({}, [&](backend& engine) {
        std::vector<reads> sets(4);
        {
            std::vector<std::jthread> submitters;
            for (auto& set : sets) {
                submitters.emplace_back([&set, &engine, &dir] {
                    for (int i = 0; i < files; ++i) set.add(dir.fd(), std::to_string(i), 1000);
                    set.run(engine);
                });
            }
        }
        for (auto& set : sets) {
            for (int i = 0; i < files; ++i) {
                auto const size = 100 + static_cast<std::size_t>(i);
                CHECK((set.content(static_cast<std::size_t>(i)) == pattern(size, 10)));
            }
        }
    });
}

TEST_CASE("the destructor waits for what is in flight, and `done` may submit more") {
    scratch const dir;
    auto const content = pattern(256 * 1024, 11);
    for (int i = 0; i < 64; ++i) dir.put(std::to_string(i), content);

    struct follow_up {
        backend* engine = nullptr;
        read_op second;
        std::atomic<int> finished{0};
    };
    for (auto const kind : kinds_here()) {
        CAPTURE(to_string(kind));
        reads all;
        follow_up chain;
        bytes buffer(content.size());
        chain.second.root_fd = dir.fd();
        chain.second.path = "0";
        chain.second.data = buffer.data();
        chain.second.bytes = buffer.size();
        chain.second.context = &chain;
        chain.second.done = [](read_op& op) noexcept { ++static_cast<follow_up*>(op.context)->finished; };
        read_op first = chain.second;
        first.bytes = 0;
        first.done = [](read_op& op) noexcept {
            auto& self = *static_cast<follow_up*>(op.context);
            ++self.finished;
            self.engine->submit(&self.second);
        };
        for (int i = 0; i < 64; ++i) {
            dir.chill(std::to_string(i));
            all.add(dir.fd(), std::to_string(i), content.size());
        }
        {
            auto const engine = make_engine(kind);
            chain.engine = engine.get();
            all.submit(*engine);
            engine->submit(&first);
        }
        CHECK(chain.finished == 2);
        CHECK((buffer == content));
        all.wait();  // does not wait: the backend is gone
        for (std::size_t i = 0; i < all.size(); ++i) check_whole(all, i, content);
    }
}

TEST_SUITE_END();
