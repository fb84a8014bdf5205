// SPDX-License-Identifier: Apache-2.0
// Asks GET /status at an even pace, ten times a connection, until its standard input ends.
//   status_load_client PORT REQUESTS_PER_SECOND
// Says "answers failures processor-seconds" at its end. What fails in the last quarter of a second is not counted: the endpoint
// closes what is under way when the export ends.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

constexpr int per_connection = 10;
constexpr auto closing = std::chrono::milliseconds{250};

class client {
public:
    explicit client(std::uint16_t port)
        : port_{port}, request_{"GET /status HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n"} {}
    ~client() { close(); }
    client(client const&) = delete;
    client& operator=(client const&) = delete;

    bool ask() {
        if (fd_ < 0 && !connect()) return false;
        if (::send(fd_, request_.data(), request_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request_.size()) ||
            !whole_answer()) {
            close();
            return false;
        }
        if (++asked_ == per_connection) close();
        return true;
    }

private:
    bool connect() {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port_);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        timeval const patience{5, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::connect(fd_, reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0) return true;
        close();
        return false;
    }

    /// Reads one answer of status 200 to the end of its body.
    bool whole_answer() {
        std::size_t have = 0;
        std::size_t need = 0;
        while (need == 0 || have < need) {
            auto const got = ::recv(fd_, answer_.data() + have, answer_.size() - have, 0);
            if (got <= 0) return false;
            have += static_cast<std::size_t>(got);
            std::string_view const seen{answer_.data(), have};
            auto const end = seen.find("\r\n\r\n");
            if (need != 0 || end == std::string_view::npos) continue;
            constexpr std::string_view name = "\r\nContent-Length: ";
            auto const at = seen.find(name);
            if (!seen.starts_with("HTTP/1.1 200 ") || at == std::string_view::npos) return false;
            need = end + 4 + std::strtoul(answer_.data() + at + name.size(), nullptr, 10);
            if (need > answer_.size()) return false;
        }
        return true;
    }

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
        asked_ = 0;
    }

    std::uint16_t port_;
    std::string request_;
    int fd_ = -1;
    int asked_ = 0;
    std::array<char, 1U << 18U> answer_{};
};

bool told_to_end(std::chrono::nanoseconds patience) {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    auto const whole = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
    return ::poll(&input, 1, std::max(static_cast<int>(whole.count()), 0)) > 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    auto const to = std::make_unique<client>(static_cast<std::uint16_t>(std::atoi(argv[1])));
    auto const rate = std::atoi(argv[2]);
    constexpr auto turn = std::chrono::milliseconds{10};
    unsigned long answers = 0;
    std::vector<clock_type::time_point> failed;
    auto const began = clock_type::now();
    auto due = began;
    for (double owed = 0; !told_to_end(due - clock_type::now()); due += turn)
        for (owed += rate * std::chrono::duration<double>(turn).count(); owed >= 1; owed -= 1)
            if (to->ask()) ++answers;
            else failed.push_back(clock_type::now());
    auto const counted_until = clock_type::now() - closing;
    unsigned long failures = 0;
    for (auto const at : failed) failures += at < counted_until ? 1 : 0;
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    auto const seconds = [](timeval of) {
        return static_cast<double>(of.tv_sec) + static_cast<double>(of.tv_usec) / 1e6;
    };
    std::printf("%lu %lu %.3f\n", answers, failures, seconds(used.ru_utime) + seconds(used.ru_stime));
}
