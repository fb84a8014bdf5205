// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>

#include "submitit/detail/status_protocol.hpp"

// Sockets and timers of the status endpoint. All of it runs on one strand; nothing is compiled apart.
namespace submitit::detail {

using status_strand = boost::asio::strand<boost::asio::any_io_executor>;
using status_protocol_family = boost::asio::generic::stream_protocol;
using status_socket = boost::asio::basic_stream_socket<status_protocol_family, status_strand>;
using status_clock = std::chrono::steady_clock;
using status_timer =
    boost::asio::basic_waitable_timer<status_clock, boost::asio::wait_traits<status_clock>, status_strand>;

class status_loop;

/// One connection: reads, says what its dialogue says, and ends by its deadline at the latest.
class status_connection : public std::enable_shared_from_this<status_connection> {
public:
    enum class kind : std::uint8_t { answered, turned_away, stream };

    status_connection(status_loop& loop, status_socket socket, bool crowded);
    ~status_connection();
    status_connection(status_connection const&) = delete;
    status_connection& operator=(status_connection const&) = delete;
    void start(bool crowded);
    /// The next event; nothing while the one before is still being taken.
    void send_event(std::string const& text);
    /// Says `last` to a stream that takes it at once, or once it has taken what is on its way, and closes.
    void finish(std::string const& last) noexcept;
    void close() noexcept;
    [[nodiscard]] kind what() const noexcept { return kind_; }

private:
    static constexpr auto never = status_clock::time_point::max();

    void receive();
    void taken(boost::system::error_code error);
    void say_last(std::string const& last) noexcept;
    void send(status_step after);
    void take(status_step step);
    void become_stream();
    void hear_out();
    void watch(status_clock::time_point deadline);
    void arm();
    template <class F>
    void guarded(F f);

    std::shared_ptr<status_loop> loop_;
    status_socket socket_;
    status_timer timer_;
    std::unique_ptr<status_dialogue> dialogue_;
    status_clock::time_point ends_;
    status_clock::time_point due_ = never;    ///< it is closed then
    status_clock::time_point armed_ = never;  ///< a wait of timer_ is under way, until then
    kind kind_;
    bool writing_ = false;
    std::size_t heard_ = 0;
    std::string event_;
    std::string last_;
    std::array<char, 2048> input_{};
};

/// Accepts, ticks, and keeps the connections. Made by make_shared; start() once; stop() from any thread.
class status_loop : public std::enable_shared_from_this<status_loop> {
public:
    /// Takes over `listener`, a listening socket of `family`, unless it throws.
    status_loop(boost::asio::any_io_executor const& executor, int family, int listener, std::shared_ptr<status_hub> hub)
        : strand_{executor}, acceptor_{strand_}, tick_{strand_}, retry_{strand_}, hub_{std::move(hub)} {
        acceptor_.assign(status_protocol_family{family, 0}, listener);
    }

    void start() {
        boost::asio::post(strand_, [self = shared_from_this()] {
            self->guarded([&] {
                self->accept();
                self->wait_tick(status_clock::now());
            });
        });
    }
    /// Streams hear the last event if they take it at once; then everything is closed.
    void stop() {
        boost::asio::post(strand_, [self = shared_from_this()] { self->end(); });
    }

    [[nodiscard]] status_hub& hub() noexcept { return *hub_; }
    void forget(status_connection const* one) noexcept { std::erase(connections_, one); }
    [[nodiscard]] unsigned count(status_connection::kind kind) const noexcept {
        return static_cast<unsigned>(std::count_if(connections_.begin(), connections_.end(),
                                                   [kind](auto const& one) { return one->what() == kind; }));
    }
    /// An exception ends the endpoint, and nothing else.
    template <class F>
    void guarded(F f) noexcept {
        try {
            f();
        } catch (std::exception const& thrown) {
            fail(thrown.what());
        } catch (...) {
            fail("unknown exception");
        }
    }

private:
    void accept() {
        if (ended_) return;
        acceptor_.async_accept([self = shared_from_this()](boost::system::error_code error, status_socket socket) {
            self->guarded([&] { self->accepted(error, std::move(socket)); });
        });
    }
    void accepted(boost::system::error_code error, status_socket socket) {
        if (ended_ || error == boost::asio::error::operation_aborted) return;
        if (error) {  // no descriptors, most likely: they may come back
            retry_.expires_after(std::chrono::milliseconds{100});
            retry_.async_wait([self = shared_from_this()](boost::system::error_code cut) {
                if (!cut) self->guarded([&] { self->accept(); });
            });
            return;
        }
        using kind = status_connection::kind;
        auto const& limits = hub_->limits();
        bool const crowded = count(kind::answered) + count(kind::stream) >= limits.connections;
        if (!crowded || count(kind::turned_away) < limits.turned_away) {
            auto const one = std::make_shared<status_connection>(*this, std::move(socket), crowded);
            connections_.push_back(one.get());
            one->start(crowded);
        }
        accept();
    }
    void wait_tick(status_clock::time_point last) {
        auto const due = last + hub_->limits().event_every;
        tick_.expires_at(due);
        tick_.async_wait([self = shared_from_this(), due](boost::system::error_code cut) {
            if (cut || self->ended_) return;
            self->guarded([&] {
                self->ticked();
                self->wait_tick(std::max(due, status_clock::now() - self->hub_->limits().event_every));
            });
        });
    }
    void ticked() {
        hub_->tick();
        if (count(status_connection::kind::stream) == 0) return;
        auto const text = hub_->event(false);
        for (auto* const one : connections_)
            if (one->what() == status_connection::kind::stream) one->send_event(text);
    }
    void fail(char const* why) noexcept {
        hub_->failed(why);
        close({});
    }
    void end() noexcept {
        if (ended_) return;
        std::string last;
        try {
            last = hub_->event(true);
        } catch (std::exception const& thrown) {
            hub_->failed(thrown.what());
        }
        close(last);
    }
    void close(std::string const& last) noexcept {
        if (std::exchange(ended_, true)) return;
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        tick_.cancel();
        retry_.cancel();
        for (auto* const one : std::exchange(connections_, {})) one->finish(last);
    }

    status_strand strand_;
    boost::asio::basic_socket_acceptor<status_protocol_family, status_strand> acceptor_;
    status_timer tick_;
    status_timer retry_;
    std::shared_ptr<status_hub> hub_;
    std::vector<status_connection*>
        connections_;  ///< alive by their pending handlers, so that none outlives its context
    bool ended_ = false;
};

inline status_connection::status_connection(status_loop& loop, status_socket socket, bool crowded)
    : loop_{loop.shared_from_this()},
      socket_{std::move(socket)},
      timer_{socket_.get_executor()},
      dialogue_{loop.hub().meet(crowded)},
      ends_{status_clock::now() + loop.hub().limits().connection},
      kind_{crowded ? kind::turned_away : kind::answered} {}

inline status_connection::~status_connection() { loop_->forget(this); }

template <class F>
void status_connection::guarded(F f) {
    loop_->guarded(std::move(f));
}

inline void status_connection::start(bool crowded) {
    boost::system::error_code ignored;
    socket_.native_non_blocking(true, ignored);
    watch(status_clock::now() + loop_->hub().limits().request);
    if (crowded) return send(status_step::send_and_close);
    receive();
}

/// Closes at `deadline`, or at the connection's end if that is before; takes the place of an earlier deadline. A later one leaves
/// the timer as it is until it fires, so that most requests do not touch it.
inline void status_connection::watch(status_clock::time_point deadline) {
    due_ = kind_ == kind::stream ? deadline : std::min(deadline, ends_);
    if (due_ < armed_) arm();
}

inline void status_connection::arm() {
    armed_ = due_;
    timer_.expires_at(due_);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code cut) {
        if (cut) return;  // closed, or armed for an earlier time
        self->guarded([&] {
            if (self->due_ <= status_clock::now()) return self->close();
            self->armed_ = never;
            if (self->due_ != never) self->arm();
        });
    });
}

inline void status_connection::receive() {
    socket_.async_read_some(
        boost::asio::buffer(input_), [self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
            if (error) return self->close();
            self->guarded([&] { self->take(self->dialogue_->received({self->input_.data(), bytes})); });
        });
}

inline void status_connection::take(status_step step) {
    if (step == status_step::receive) return receive();
    send(step);
}

inline void status_connection::send(status_step after) {
    auto const text = dialogue_->output();
    if (after == status_step::stream) become_stream();
    writing_ = true;
    boost::asio::async_write(socket_, boost::asio::buffer(text.data(), text.size()),
                             [self = shared_from_this(), after](boost::system::error_code error, std::size_t) {
                                 if (after == status_step::stream) return self->taken(error);
                                 self->writing_ = false;
                                 if (error) return self->close();
                                 self->guarded([&] {
                                     if (after == status_step::send_and_close) return self->hear_out();
                                     auto const next = self->dialogue_->sent();
                                     if (next == status_step::receive)
                                         self->watch(status_clock::now() + self->loop_->hub().limits().request);
                                     self->take(next);
                                 });
                             });
}

/// From now on there is no deadline but that of each write; what the peer says is not listened to, only whether it is there.
inline void status_connection::become_stream() {
    kind_ = kind::stream;
    watch(status_clock::now() + loop_->hub().limits().event_write);
    hear_out();
}

/// Reads what may still come, so that closing does not reset what the peer has yet to read.
inline void status_connection::hear_out() {
    if (kind_ != kind::stream && heard_ == 0) {
        kind_ = kind::turned_away;  // it has its answer, and takes no place from others
        boost::system::error_code ignored;
        socket_.shutdown(status_socket::shutdown_send, ignored);
        watch(status_clock::now() + loop_->hub().limits().linger);
    }
    socket_.async_read_some(boost::asio::buffer(input_),
                            [self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
                                constexpr std::size_t patience = std::size_t{256} << 10U;
                                self->heard_ += bytes;
                                if (error || self->heard_ > patience) return self->close();
                                self->guarded([&] { self->hear_out(); });
                            });
}

inline void status_connection::send_event(std::string const& text) {
    if (writing_) return;
    event_ = text;
    writing_ = true;
    watch(status_clock::now() + loop_->hub().limits().event_write);
    boost::asio::async_write(
        socket_, boost::asio::buffer(event_),
        [self = shared_from_this()](boost::system::error_code error, std::size_t) { self->taken(error); });
}

/// A stream has taken what was sent.
inline void status_connection::taken(boost::system::error_code error) {
    writing_ = false;
    if (error) return close();
    if (!last_.empty()) return say_last(last_);
    due_ = never;
}

inline void status_connection::say_last(std::string const& last) noexcept {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.write_some(boost::asio::buffer(last), ignored);
    close();
}

inline void status_connection::finish(std::string const& last) noexcept {
    if (kind_ != kind::stream || last.empty()) return close();
    if (!writing_) return say_last(last);
    loop_->guarded([&] {
        last_ = last;
        watch(status_clock::now() + loop_->hub().limits().farewell);
    });
}

inline void status_connection::close() noexcept {
    boost::system::error_code ignored;
    socket_.close(ignored);
    due_ = never;
    timer_.cancel();
    loop_->forget(this);
}

}  // namespace submitit::detail
