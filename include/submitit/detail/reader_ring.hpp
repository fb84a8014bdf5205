// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

namespace submitit::io {
struct read_op;
}

namespace submitit::detail {

class reads_of_context;

/// A reader's own way to the kernel, for readers that come back: what its executor starts goes to the kernel at once, and its executor
/// is what the kernel wakes. Through the engine both are another thread's, whose two wake-ups cost as much as a fast device.
///
/// Threads: take() on any; became_readable() on the reader's executor; close() when the context goes.
/// Alive:   held by the reader and by what is in flight.
class [[gnu::visibility("default")]] reader_ring : public std::enable_shared_from_this<reader_ring> {
public:
    reader_ring(reader_ring const&) = delete;
    reader_ring& operator=(reader_ring const&) = delete;

    /// Reads once and calls `done`, of which an error may be one that the engine would not meet. False: the read is for the engine.
    [[nodiscard]] bool take(io::read_op& starting, reads_of_context& context) noexcept;
    /// The context goes: waits for what is in flight, and lets go of what belongs to the context.
    void close() noexcept;

protected:
    reader_ring();
    virtual ~reader_ring();

    /// What the executor's wait was for.
    void became_readable();

private:
    /// These are serialised. Asio is the host's own, so that it is the host's reactor that waits.
    virtual void open_watch(int descriptor) = 0;
    /// Starts a wait, which ends in became_readable() on the executor.
    virtual void watch() = 0;
    /// Ends the wait early.
    virtual void end_watch() noexcept = 0;
    /// Leaves the descriptor open; a wait ends unheard.
    virtual void close_watch() noexcept = 0;

    struct [[gnu::visibility("hidden")]] state;
    std::unique_ptr<state> state_;
};

/// The part that an executor of the host's is needed for.
template <class Executor>
class watched_ring final : public reader_ring {
public:
    explicit watched_ring(Executor executor) : executor_{std::move(executor)} {}
    ~watched_ring() override { watched_ring::close_watch(); }

private:
    void open_watch(int descriptor) override { watched_.emplace(executor_, descriptor); }

    void watch() override {
        auto self = std::static_pointer_cast<watched_ring>(shared_from_this());
        watched_->async_wait(boost::asio::posix::descriptor_base::wait_read,
                             [self = std::move(self)](boost::system::error_code const&) { self->became_readable(); });
    }

    void end_watch() noexcept override {
        boost::system::error_code ignored;
        watched_->cancel(ignored);
    }

    void close_watch() noexcept override {
        if (watched_) watched_->release();
        watched_.reset();
    }

    Executor executor_;
    std::optional<boost::asio::posix::basic_stream_descriptor<Executor>> watched_;
};

}  // namespace submitit::detail
