// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/coroutine.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include "submitit/detail/export_state.hpp"

namespace submitit::detail {

/// Reads the archive and writes it to a stream, a piece at a time.
template <class Stream>
class stream_export {
public:
    static constexpr std::size_t piece_bytes = 32 * 1024;

    stream_export(std::shared_ptr<export_state> from, Stream& to)
        : state_{std::move(from)}, to_{&to}, piece_{std::make_unique<std::array<std::byte, piece_bytes>>()} {}

    /// Started; a piece was read; a piece was written; the export has ended.
    template <class Self>
    void operator()(Self& self) {
        // Total and partial cancellation are as good as terminal one until a byte has left, and nothing after that.
        self.reset_cancellation_state([state = state_](boost::asio::cancellation_type type) {
            using boost::asio::cancellation_type;
            if ((type & cancellation_type::terminal) != cancellation_type::none) return cancellation_type::terminal;
            if (type == cancellation_type::none) return type;
            return state->cancel_unless_begun() ? cancellation_type::terminal : cancellation_type::none;
        });
        read(self);
    }

    template <class Self>
    void operator()(Self& self, boost::system::error_code error, std::size_t bytes) {
        if (!writing_) {
            if (error == boost::asio::error::already_started) return self.complete(error, {});
            if (error) return wait(self);  // the end of the archive, or a failure that the report tells
            writing_ = true;
            boost::asio::async_write(*to_, boost::asio::buffer(piece_->data(), bytes), std::move(self));
            return;
        }
        writing_ = false;
        // A cancellation between the stream's last step and this one is in no error.
        if (!error && self.cancelled() != boost::asio::cancellation_type::none) state_->cancel();
        if (!error) return read(self);
        stream_error_ = error;
        state_->cancel();
        wait(self);
    }

    template <class Self>
    void operator()(Self& self, boost::system::error_code error, export_report report) {
        self.complete(stream_error_ ? stream_error_ : error, std::move(report));
    }

private:
    template <class Self>
    void read(Self& self) {
        auto* const data = piece_->data();
        auto const state = state_;
        auto const executor = to_->get_executor();
        auto slot = self.get_cancellation_state().slot();
        if (slot.is_connected()) {
            slot.assign([weak = std::weak_ptr{state}](boost::asio::cancellation_type) {
                if (auto const alive = weak.lock()) alive->cancel();
            });
        }
        state->read_some(data, piece_bytes, boost::asio::error::eof,
                         export_state::read_handler{std::move(self), executor});
    }

    template <class Self>
    void wait(Self& self) {
        auto const state = state_;
        auto const executor = to_->get_executor();
        state->wait(export_state::run_handler{std::move(self), executor});
    }

    std::shared_ptr<export_state> state_;
    Stream* to_;
    std::unique_ptr<std::array<std::byte, piece_bytes>> piece_;
    bool writing_ = false;
    boost::system::error_code stream_error_;
};

template <class Stream, class Token>
auto async_stream_export(std::shared_ptr<export_state> from, Stream& to, Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code, export_report)>(
        stream_export<Stream>{std::move(from), to}, token, to);
}

}  // namespace submitit::detail
