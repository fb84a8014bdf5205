// SPDX-License-Identifier: Apache-2.0
#include "publish/stream_sink.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <random>
#include <string>
#include <thread>

#include "base/errc.hpp"
#include "support/filtered_child.hpp"
#include "walk/scratch_tree.hpp"

TEST_SUITE_BEGIN("publish/stream_sink");

namespace submitit::publish {
namespace {

std::span<std::byte const> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}

struct ends {
    unique_fd in;   // to read from
    unique_fd out;  // to write to
};

ends make_pipe() {
    std::array<int, 2> fds{};
    REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
    return {unique_fd{fds[0]}, unique_fd{fds[1]}};
}

ends make_socket() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
    return {unique_fd{fds[0]}, unique_fd{fds[1]}};
}

/// Reads to the end in pieces of at most `piece` bytes.
std::string drain(int fd, std::size_t piece) {
    std::string all;
    std::string buffer(piece, '\0');
    for (;;) {
        auto const n = ::read(fd, buffer.data(), buffer.size());
        if (n <= 0) return all;
        all.append(buffer, 0, static_cast<std::size_t>(n));
    }
}

std::string sample(std::size_t bytes) {
    std::mt19937 random{17};
    std::string text(bytes, '\0');
    for (auto& c : text) c = static_cast<char>(random());
    return text;
}

void wait_until_readable(int fd) {
    pollfd watched{fd, POLLIN, 0};
    while (::poll(&watched, 1, -1) < 0) {
    }
}

class no_sigpipe {
public:
    no_sigpipe() : before_{std::signal(SIGPIPE, SIG_IGN)} {}
    ~no_sigpipe() { std::signal(SIGPIPE, before_); }
    no_sigpipe(no_sigpipe const&) = delete;
    no_sigpipe& operator=(no_sigpipe const&) = delete;

private:
    void (*before_)(int);
};

}  // namespace

TEST_CASE("every byte reaches a slow reader in order") {
    auto const text = sample(6U << 20U);
    for (bool const socket : {false, true}) {
        CAPTURE(socket);
        auto pipe = socket ? make_socket() : make_pipe();
        std::string got;
        std::thread reader{[&] { got = drain(pipe.in.get(), 1000); }};
        std::atomic<bool> const stop{false};
        stream_sink sink{pipe.out.release(), true, "-", stop};
        CHECK_FALSE(sink.seekable());
        result<> written;
        for (std::size_t at = 0; written && at < text.size(); at += 777'777)
            written = sink.write(bytes_of(std::string_view{text}.substr(at, 777'777)));
        auto const ended = sink.commit();
        reader.join();
        CHECK(written.has_value());
        CHECK(ended.has_value());
        CHECK(got == text);
    }
}

TEST_CASE("a reader that went away is EPIPE") {
    no_sigpipe const ignored;
    auto pipe = make_pipe();
    std::atomic<bool> const stop{false};
    stream_sink sink{pipe.out.get(), false, "-", stop};
    REQUIRE(sink.write(bytes_of("still there")));
    pipe.in.reset();
    CHECK(sink.write(bytes_of("gone")).error() == from_errno(EPIPE));
}

TEST_CASE("a reader that goes away while the writer waits for it is EPIPE") {
    no_sigpipe const ignored;
    auto pipe = make_pipe();
    std::atomic<bool> const stop{false};
    result<> written;
    auto const text = sample(4U << 20U);
    std::thread writer{[&] {
        stream_sink sink{pipe.out.get(), false, "-", stop};
        written = sink.write(bytes_of(text));
    }};
    wait_until_readable(pipe.in.get());
    pipe.in.reset();
    writer.join();
    CHECK(written.error() == from_errno(EPIPE));
}

TEST_CASE("a stop is noticed while the reader is stuck") {
    for (bool const socket : {false, true}) {
        CAPTURE(socket);
        auto pipe = socket ? make_socket() : make_pipe();
        std::atomic<bool> stop{false};
        result<> written;
        auto const text = sample(8U << 20U);  // more than any pipe holds: without a reader, only the stop ends it
        std::thread writer{[&] {
            stream_sink sink{pipe.out.get(), false, "-", stop};
            written = sink.write(bytes_of(text));
        }};
        wait_until_readable(pipe.in.get());
        stop.store(true);
        writer.join();
        CHECK(written.error() == errc::cancelled);
    }
}

TEST_CASE("after a stop nothing more is written") {
    auto pipe = make_pipe();
    std::atomic<bool> const stop{true};
    stream_sink sink{pipe.out.get(), false, "-", stop};
    CHECK(sink.write(bytes_of("late")).error() == errc::cancelled);
    pipe.out.reset();
    CHECK(drain(pipe.in.get(), 10).empty());
}

TEST_CASE("an owned descriptor is closed by commit, a borrowed one stays open") {
    std::atomic<bool> const stop{false};
    auto owned = make_pipe();
    stream_sink sink{owned.out.release(), true, "name", stop};
    REQUIRE(sink.write(bytes_of("all")));
    REQUIRE(sink.commit());
    CHECK(drain(owned.in.get(), 10) == "all");
    CHECK(sink.path() == "name");

    auto borrowed = make_pipe();
    {
        stream_sink lent{borrowed.out.get(), false, "-", stop};
        REQUIRE(lent.write(bytes_of("a")));
        REQUIRE(lent.commit());
    }
    CHECK(::write(borrowed.out.get(), "b", 1) == 1);
    borrowed.out.reset();
    CHECK(drain(borrowed.in.get(), 10) == "ab");
}

TEST_CASE("regular files and devices are written as streams too, where they stand") {
    walk::scratch_tree tree;
    std::atomic<bool> const stop{false};
    tree.file("log", "before ");
    unique_fd const file{::open(tree.path("log").c_str(), O_RDWR | O_APPEND | O_CLOEXEC)};
    stream_sink sink{file.get(), false, "-", stop};
    REQUIRE(sink.write(bytes_of(sample(200'000))));
    REQUIRE(sink.commit());
    REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
    CHECK(drain(file.get(), 65'536) == "before " + sample(200'000));

    unique_fd const null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    stream_sink nowhere{null.get(), false, "/dev/null", stop};
    CHECK(nowhere.write(bytes_of(sample(200'000))));
    unique_fd const full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    if (full) {
        stream_sink disk{full.get(), false, "/dev/full", stop};
        CHECK(disk.write(bytes_of("x")).error() == from_errno(ENOSPC));
    }
}

TEST_CASE("a stream cannot be patched or cut back") {
    auto pipe = make_pipe();
    std::atomic<bool> const stop{false};
    stream_sink sink{pipe.out.get(), false, "-", stop};
    CHECK(sink.overwrite(0, bytes_of("x")).error() == from_errno(ESPIPE));
    CHECK(sink.cut_back(0).error() == from_errno(ESPIPE));
}

// Symptom: where the kernel refuses RWF_NOWAIT for pipes, a write of 64 KiB after poll(2) could wait in the kernel for a
// stuck reader, deaf to the stop. poll promises room for PIPE_BUF bytes alone.
TEST_CASE("where pipes cannot be written without waiting, bytes arrive and a stop is noticed all the same") {
    auto const text = sample(2U << 20U);
    auto const status = testing::status_of_child_without({SYS_pwritev2, EOPNOTSUPP}, [&text] {
        std::atomic<bool> stop{false};
        std::array<int, 2> fds{};
        if (::pipe(fds.data()) != 0) return 1;
        std::string got;
        std::thread reader{[&] { got = drain(fds[0], 5000); }};
        stream_sink sink{fds[1], true, "-", stop};
        if (!sink.write(bytes_of(text)) || !sink.commit()) return 2;
        reader.join();
        if (got != text) return 3;

        if (::pipe(fds.data()) != 0) return 1;
        stream_sink stuck{fds[1], false, "-", stop};
        if (::fcntl(fds[1], F_SETPIPE_SZ, 8192) != 8192) return 5;  // two pages
        result<> written;
        std::thread writer{[&] {
            written = stuck.write(bytes_of("an odd start"));
            if (written) written = stuck.write(bytes_of(text));
        }};
        for (int held = 0; held < 12 + 4096; std::this_thread::yield())
            if (::ioctl(fds[0], FIONREAD, &held) != 0) return 6;
        stop.store(true);
        writer.join();
        return written.has_error() && written.error() == errc::cancelled ? 0 : 4;
    });
    if (status == testing::no_filter_here) {
        MESSAGE("skipped: no seccomp filter can be set here");
        return;
    }
    CHECK(status == 0);
}

}  // namespace submitit::publish

TEST_SUITE_END();
