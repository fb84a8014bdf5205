// SPDX-License-Identifier: Apache-2.0
#include "submitit/detail/read_request.hpp"

#include <limits>
#include <new>
#include <type_traits>

#include <boost/asio/error.hpp>

#include "base/errc.hpp"
#include "library/shared_file.hpp"
#include "submitit/detail/reader_ring.hpp"

namespace submitit::detail {

immediate_read read_at_once(shared_file* file, std::uint64_t offset, boost::asio::mutable_buffer into) noexcept {
    if (file == nullptr) return {true, boost::asio::error::bad_descriptor, 0};
    if (!file->engine().is_open()) return {true, make_error_code(errc::engine_closed), 0};
    if (into.size() == 0) return {true, {}, 0};
    if (offset > static_cast<std::uint64_t>(std::numeric_limits<::off_t>::max())) return {true, from_errno(EINVAL), 0};
    auto const cached = file->try_cached(offset, {static_cast<std::byte*>(into.data()), into.size()});
    return {cached.enough, {}, cached.bytes};
}

struct read_request::steps {
    static void complete(read_request& of, error_code error, std::uint64_t bytes) {
        if (!of.queued_) {
            auto const file = std::move(of.file_);  // the record goes first
            return of.finish(way::post, error, static_cast<std::size_t>(bytes));
        }
        of.error_ = error;
        of.bytes_ = static_cast<std::size_t>(bytes);
        auto const queue = std::move(of.ready_);  // the record may go with its handler at once
        queue->add(of);
    }

    /// The ring's word. Whatever is wrong is for the engine to find again: its threads stay, and it knows other ways.
    static void ring_done(io::read_op& op) noexcept {
        auto& self = *static_cast<read_request*>(op.context);
        auto const ring = std::move(self.ring_);
        if (!op.error) return done(op);
        op.error = {};
        auto const file = self.file_;  // the reader may have gone, and with the record the last of the engine
        ask_engine(self, op);
    }

    static void ask_engine(read_request& self, io::read_op& op) noexcept {
        contexts const both{self};
        op.done = &steps::done;
        if (self.file_->engine().submit(&op)) return;  // and the record may be gone
        complete(self, make_error_code(errc::engine_closed), 0);
        both.ended();
    }

    /// The engine's word.
    static void done(io::read_op& op) noexcept {
        auto& self = *static_cast<read_request*>(op.context);
        contexts const both{self};
        // What was read before an error stands; the error comes again.
        if (op.got != 0) complete(self, {}, op.got);
        else complete(self, op.error ? op.error : self.eof_, 0);
        both.ended();  // last: then they may go
    }

    /// The reader's and the handler's, which wait for the read when they end.
    struct contexts {
        explicit contexts(read_request const& of) noexcept : readers{of.context_}, handlers{of.handlers_context_} {}
        void began() const noexcept {
            readers->began();
            if (handlers != nullptr) handlers->began();
        }
        void ended() const noexcept {
            readers->ended();
            if (handlers != nullptr) handlers->ended();
        }
        reads_of_context* readers;
        reads_of_context* handlers;
    };
};

void read_request::start(std::shared_ptr<shared_file> file, std::shared_ptr<ready_queue> ready,
                         std::shared_ptr<reader_ring> ring, reads_of_context& context, std::uint64_t offset,
                         boost::asio::mutable_buffer into, std::size_t got) noexcept {
    static_assert(sizeof(io::read_op) <= sizeof op_ && alignof(io::read_op) <= alignof(void*));
    static_assert(std::is_trivially_destructible_v<io::read_op>);
    file_ = std::move(file);
    ready_ = std::move(ready);
    context_ = &context;
    auto& op = *::new (static_cast<void*>(op_)) io::read_op;
    op.fd = file_->fd();
    op.single = true;
    op.data = static_cast<std::byte*>(into.data());
    op.bytes = into.size();
    op.offset = offset;
    op.got = got;
    op.context = this;
    op.done = &steps::ring_done;
    steps::contexts{*this}.began();
    // A ring completes on the reader's context only, for which the end of another one must not wait.
    if (ring && handlers_context_ == nullptr) {
        auto& own = *ring;
        ring_ = std::move(ring);  // before the kernel may be done with it
        if (own.take(op, context)) return;
        ring_.reset();
    }
    steps::ask_engine(*this, op);
}

}  // namespace submitit::detail
