// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

namespace submitit::detail {

class shared_file;

/// Makes an execution context wait, when it goes, for the reads that the kernel still has; their handlers are destroyed
/// with the context. Thread-safe.
class reads_of_context final : public boost::asio::execution_context::service {
public:
    static boost::asio::execution_context::id id;

    explicit reads_of_context(boost::asio::execution_context& context);
    ~reads_of_context() override;

    void began() noexcept;
    void ended() noexcept;

private:
    void shutdown() override;

    struct state;
    std::unique_ptr<state> state_;
};

/// One read, as the engine sees it: everything but the handler.
class read_request {
public:
    read_request() noexcept = default;
    read_request(read_request const&) = delete;
    read_request& operator=(read_request const&) = delete;

    /// Completes exactly once, by complete(), on any thread, possibly before it returns. `file` may be null: nothing is open.
    void start(std::shared_ptr<shared_file> file, reads_of_context& context, std::uint64_t offset,
               boost::asio::mutable_buffer into) noexcept;

protected:
    ~read_request() = default;
    /// Frees the record and posts its handler.
    virtual void complete(boost::system::error_code error, std::size_t bytes) = 0;

private:
    struct steps;

    std::shared_ptr<shared_file> file_;
    reads_of_context* context_ = nullptr;
    alignas(void*) std::byte op_[320];  // an io::read_op while the engine has the request
};

/// A read with its handler, in one piece of memory from the handler's associated allocator.
///
/// Work: keeps both executors, the handler's and the reader's, from running out of work until it is complete.
template <class Handler, class Executor>
class read_record final : public read_request {
public:
    template <class H>
    [[nodiscard]] static read_record* make(H&& handler, Executor const& executor) {
        allocator_type allocator{boost::asio::get_associated_allocator(handler)};
        auto* const memory = std::allocator_traits<allocator_type>::allocate(allocator, 1);
        try {
            return ::new (static_cast<void*>(memory)) read_record(std::forward<H>(handler), executor);
        } catch (...) {
            std::allocator_traits<allocator_type>::deallocate(allocator, memory, 1);
            throw;
        }
    }

private:
    using allocator_type = typename std::allocator_traits<
        boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<read_record>;
    using handler_executor = boost::asio::associated_executor_t<Handler, Executor>;

    /// What is posted: the handler with its result. It has no executor of its own, since it is posted to the right one.
    struct call {
        using allocator_type = boost::asio::associated_allocator_t<Handler>;
        [[nodiscard]] allocator_type get_allocator() const noexcept {
            return boost::asio::get_associated_allocator(handler);
        }
        void operator()() { std::move(handler)(error, bytes); }

        Handler handler;
        boost::system::error_code error;
        std::size_t bytes;
    };

    template <class H>
    read_record(H&& handler, Executor const& executor)
        : handler_(std::forward<H>(handler)),
          reader_work_(executor),
          handler_work_(boost::asio::get_associated_executor(handler_, executor)) {}
    ~read_record() = default;

    void complete(boost::system::error_code error, std::size_t bytes) override {
        call to{std::move(handler_), error, bytes};
        auto const reader_working = std::move(reader_work_);
        auto const working = std::move(handler_work_);
        allocator_type allocator{to.get_allocator()};
        this->~read_record();  // first, so that the handler may use the memory again
        std::allocator_traits<allocator_type>::deallocate(allocator, this, 1);
        boost::asio::post(working.get_executor(), std::move(to));
    }

    Handler handler_;
    boost::asio::executor_work_guard<Executor> reader_work_;
    boost::asio::executor_work_guard<handler_executor> handler_work_;
};

}  // namespace submitit::detail
