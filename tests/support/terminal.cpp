// SPDX-License-Identifier: Apache-2.0
#include "support/terminal.hpp"

#include <doctest/doctest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>

namespace submitit::testing {
namespace {

void read_more(int from, std::string& into) {
    std::array<char, 4096> more{};
    auto const n = ::read(from, more.data(), more.size());
    REQUIRE(n > 0);
    into.append(more.data(), static_cast<std::size_t>(n));
}

}  // namespace

terminal::terminal(unsigned short columns, unsigned short rows) {
    int master = -1;
    int slave = -1;
    REQUIRE(::openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
    master_.reset(master);
    slave_.reset(slave);
    resize(columns, rows);
}

void terminal::resize(unsigned short columns, unsigned short rows) const {
    winsize const size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    REQUIRE(::ioctl(slave_.get(), TIOCSWINSZ, &size) == 0);
}

command terminal::as(int fd, command of) const {
    of.environment.emplace_back("TERM", "xterm");
    of.in_child = [from = slave_.get(), fd] { ::dup2(from, fd); };
    return of;
}

std::vector<std::string> terminal::drawings(std::string_view mark, std::size_t count) const {
    std::string seen;
    std::vector<std::string> made;
    while (made.size() < count + 1) {
        read_more(master_.get(), seen);
        made.clear();
        for (std::size_t at = seen.find(mark); at != std::string::npos;) {
            auto const next = seen.find(mark, at + mark.size());
            made.push_back(seen.substr(at + mark.size(), next - at - mark.size()));
            at = next;
        }
    }
    made.pop_back();  // perhaps not whole
    return made;
}

std::string terminal::until(std::string_view text) const {
    std::string seen;
    while (seen.find(text) == std::string::npos) read_more(master_.get(), seen);
    return seen;
}

}  // namespace submitit::testing
