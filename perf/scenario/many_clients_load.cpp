// SPDX-License-Identifier: Apache-2.0
// Many HTTP clients in one thread, good and bad ones. What they receive is compared with a reference, byte for byte, as it comes.
// Prints one line of JSON. Used by many_clients.py.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using steady = std::chrono::steady_clock;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds pace_tick{100};
constexpr std::chrono::milliseconds retry_after{500};

struct wanted {
    std::uint16_t port = 0;
    std::string target;
    std::string reference;
    unsigned fast = 0;
    unsigned slow = 0;
    unsigned steady_ones = 0;
    unsigned quitting = 0;
    unsigned stalling = 0;
    double slow_rate = 10'000;
    double steady_rate = 22'000;
    double seconds = 0;  ///< fast clients ask again until then; 0: each once
};

/// What became of the clients of one kind.
struct tally {
    unsigned started = 0;
    unsigned finished = 0;   ///< complete, and equal to the reference
    unsigned left = 0;       ///< of its own will, midway
    unsigned cut = 0;        ///< by the server, midway
    unsigned differing = 0;  ///< from the reference
    unsigned refused = 0;    ///< answers of 503
    unsigned failed = 0;     ///< anything else
    std::uint64_t bytes = 0;
    double cut_seconds_min = 0;  ///< how long those that were cut had lasted
    double cut_seconds_max = 0;

    void was_cut(double after) {
        cut_seconds_min = cut == 0 ? after : std::min(cut_seconds_min, after);
        cut_seconds_max = std::max(cut_seconds_max, after);
        ++cut;
    }
};

enum class behaviour { fast, slow, steady, quitting, stalling };
constexpr char const* names[] = {"fast", "slow", "steady", "quitting", "stalling"};

/// The body of one response: what comes is taken apart and compared.
class body_check {
public:
    explicit body_check(std::string_view reference) : reference_{reference} {}

    /// False: it differs, or is no HTTP.
    bool feed(std::string_view bytes) {
        while (!bytes.empty() && !complete_) {
            if (!in_data_ || left_ == 0) {
                text_ += bytes.front();
                bytes.remove_prefix(1);
                if (!text_.ends_with(head_done_ ? "\r\n" : "\r\n\r\n")) continue;
                if (!line()) return false;
                continue;
            }
            auto const part = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
            if (part.size() > reference_.size() - at_ ||
                std::memcmp(part.data(), reference_.data() + at_, part.size()) != 0)
                return false;
            at_ += part.size();
            left_ -= part.size();
            bytes.remove_prefix(part.size());
            if (left_ == 0 && !chunked_) complete_ = true;
        }
        return !complete_ || status_ != 200 || at_ == reference_.size();
    }
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] bool complete() const noexcept { return complete_; }
    [[nodiscard]] std::uint64_t body_bytes() const noexcept { return at_; }

private:
    bool line() {
        auto const text = std::exchange(text_, {});
        if (!head_done_) {
            head_done_ = true;
            if (std::sscanf(text.c_str(), "HTTP/1.1 %d", &status_) != 1) return false;
            chunked_ = text.find("chunked") != std::string::npos;
            auto const length = text.find("Content-Length: ");
            if (status_ != 200) complete_ = true;
            if (!chunked_ && length != std::string::npos) {
                left_ = std::stoull(text.substr(length + 16));
                in_data_ = true;
            }
            return true;
        }
        if (text == "\r\n") {  // behind a chunk
            if (last_) complete_ = true;
            return true;
        }
        auto const end = std::from_chars(text.data(), text.data() + text.size(), left_, 16).ptr;
        if (*end != '\r') return false;
        in_data_ = true;
        last_ = left_ == 0;
        return true;
    }

    std::string_view reference_;
    std::string text_;
    bool head_done_ = false;
    bool chunked_ = false;
    bool in_data_ = false;
    bool last_ = false;
    bool complete_ = false;
    int status_ = 0;
    std::uint64_t left_ = 0;
    std::uint64_t at_ = 0;
};

class load {
public:
    load(wanted options, std::string reference) : options_{std::move(options)}, reference_{std::move(reference)} {}

    void run() {
        begun_ = steady::now();
        add(behaviour::fast, options_.fast);
        add(behaviour::slow, options_.slow);
        add(behaviour::steady, options_.steady_ones);
        add(behaviour::quitting, options_.quitting);
        add(behaviour::stalling, options_.stalling);
        asio::co_spawn(context_, watch(), asio::detached);
        context_.run();
    }

    void print() const {
        std::cout << "{\"seconds\": " << std::chrono::duration<double>(last_fast_ - begun_).count();
        for (auto const& [kind, one] : tallies_)
            std::cout << ", \"" << names[static_cast<int>(kind)] << "\": {\"started\": " << one.started
                      << ", \"finished\": " << one.finished << ", \"left\": " << one.left << ", \"cut\": " << one.cut
                      << ", \"differing\": " << one.differing << ", \"refused\": " << one.refused
                      << ", \"failed\": " << one.failed << ", \"bytes\": " << one.bytes << ", \"cut_seconds\": ["
                      << one.cut_seconds_min << ", " << one.cut_seconds_max << "]}";
        std::cout << "}" << std::endl;
    }

private:
    void add(behaviour kind, unsigned count) {
        for (unsigned n = 0; n < count; ++n) asio::co_spawn(context_, client(kind, n), asio::detached);
        waited_for_ += kind == behaviour::steady || kind == behaviour::stalling ? 0 : count;
        if (kind == behaviour::stalling) arriving_ += count;
    }

    /// Ends the run when those who come to an end have, and for those who stall when each was served or refused.
    asio::awaitable<void> watch() {
        asio::steady_timer timer{context_};
        while (waited_for_ > 0 || arriving_ > 0) {
            timer.expires_after(pace_tick);
            co_await timer.async_wait(as_values);
        }
        context_.stop();
    }

    asio::awaitable<void> client(behaviour kind, unsigned number) {
        auto& mine = tallies_[kind];
        ++mine.started;
        asio::steady_timer timer{context_};
        for (;;) {
            bool const again = co_await attempt(kind, number, mine);
            bool const time_left = steady::now() - begun_ < std::chrono::duration<double>{options_.seconds};
            if (kind == behaviour::stalling || (options_.seconds > 0 && !time_left)) break;
            if (again) {
                timer.expires_after(retry_after);
                co_await timer.async_wait(as_values);
            } else if (options_.seconds == 0 || kind != behaviour::fast) {
                break;
            }
        }
        if (kind == behaviour::fast) last_fast_ = steady::now();
        if (kind != behaviour::steady && kind != behaviour::stalling) --waited_for_;
    }

    /// One request; true when it was refused for now.
    asio::awaitable<bool> attempt(behaviour kind, unsigned number, tally& mine) {
        tcp::socket socket{context_, tcp::v4()};
        error_code error;
        if (kind != behaviour::fast) socket.set_option(asio::socket_base::receive_buffer_size{8192}, error);
        tcp::endpoint const server{asio::ip::address_v4::loopback(), options_.port};
        auto const [refused] = co_await socket.async_connect(server, as_values);
        auto const asked = "GET " + options_.target + " HTTP/1.1\r\n\r\n";
        auto const bytes = asio::buffer(asked);
        auto const [unsent, sent] = co_await asio::async_write(socket, bytes, as_values);
        if (refused || unsent) {
            ++mine.failed;
            if (kind == behaviour::stalling) --arriving_;
            co_return true;
        }
        socket.non_blocking(true, error);
        co_return co_await receive(kind, number, socket, mine);
    }

    asio::awaitable<bool> receive(behaviour kind, unsigned number, tcp::socket& socket, tally& mine) {
        body_check body{reference_};
        asio::steady_timer timer{context_};
        double const rate = kind == behaviour::slow     ? options_.slow_rate
                            : kind == behaviour::steady ? options_.steady_rate
                                                        : 0;
        auto const leaves_at = reference_.size() / 20 * (1 + number % 10);
        auto const begun = steady::now();
        std::uint64_t received = 0;
        for (;;) {
            std::size_t most = buffer_.size();
            if (rate > 0) {
                timer.expires_after(pace_tick);
                co_await timer.async_wait(as_values);
                auto const due = rate * std::chrono::duration<double>(steady::now() - begun).count();
                if (due <= static_cast<double>(received)) continue;
                most = std::min(most, static_cast<std::size_t>(due) - static_cast<std::size_t>(received));
            }
            co_await socket.async_wait(asio::socket_base::wait_read, as_values);
            error_code error;
            auto const got = socket.read_some(asio::buffer(buffer_.data(), most), error);
            if (error == asio::error::would_block) continue;
            if (error) {
                if (error != asio::error::eof && error != asio::error::connection_reset) ++mine.failed;
                else mine.was_cut(std::chrono::duration<double>(steady::now() - begun).count());
                co_return false;
            }
            received += got;
            mine.bytes += got;
            if (!body.feed({buffer_.data(), got})) {
                ++mine.differing;
                co_return false;
            }
            if (body.status() == 503) {
                ++mine.refused;
                if (kind == behaviour::stalling) --arriving_;
                co_return true;
            }
            if (body.complete()) {
                ++(body.status() == 200 ? mine.finished : mine.failed);
                co_return false;
            }
            if (kind == behaviour::quitting && body.body_bytes() >= leaves_at) {
                ++mine.left;
                co_return false;
            }
            if (kind == behaviour::fast && options_.seconds > 0 &&
                steady::now() - begun_ > std::chrono::duration<double>{options_.seconds}) {
                ++mine.left;
                co_return false;
            }
            if (kind == behaviour::stalling && body.body_bytes() > 0) {
                ++mine.left;  // served; holds its place until all have come
                --arriving_;
                timer.expires_at(steady::time_point::max());
                co_await timer.async_wait(as_values);
            }
        }
    }

    wanted options_;
    std::string reference_;
    std::vector<char> buffer_ = std::vector<char>(256U << 10U);
    asio::io_context context_{1};
    std::map<behaviour, tally> tallies_;
    std::uint64_t waited_for_ = 0;
    std::uint64_t arriving_ = 0;
    steady::time_point begun_;
    steady::time_point last_fast_;
};

}  // namespace

int main(int argc, char** argv) {
    wanted options;
    CLI::App app{"Many clients of one HTTP server."};
    app.add_option("--port", options.port)->required();
    app.add_option("--target", options.target)->required();
    app.add_option("--reference", options.reference, "file with the bytes to expect")->required();
    app.add_option("--fast", options.fast);
    app.add_option("--slow", options.slow);
    app.add_option("--slow-rate", options.slow_rate, "bytes a second");
    app.add_option("--steady", options.steady_ones);
    app.add_option("--steady-rate", options.steady_rate, "bytes a second");
    app.add_option("--quitting", options.quitting, "leave after a twentieth to a half");
    app.add_option("--stalling", options.stalling, "take the first bytes and then nothing");
    app.add_option("--seconds", options.seconds, "fast clients ask again until then");
    CLI11_PARSE(app, argc, argv);
    std::ifstream file{options.reference, std::ios::binary};
    std::string reference{std::istreambuf_iterator<char>{file}, {}};
    load all{std::move(options), std::move(reference)};
    all.run();
    all.print();
}
