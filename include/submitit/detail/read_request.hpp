// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

namespace submitit::detail {

class shared_file;
class reader_ring;

/// Makes an execution context wait, when it goes, for the reads that the kernel still has; their handlers are destroyed
/// with the context. Thread-safe.
class [[gnu::visibility("default")]] reads_of_context final : public boost::asio::execution_context::service {
public:
    static boost::asio::execution_context::id id;

    explicit reads_of_context(boost::asio::execution_context& context);
    ~reads_of_context() override;

    /// The service of an executor's context; null when it is `but`, or the executor names none.
    template <class Executor>
    [[nodiscard]] static reads_of_context* of(Executor const& executor, reads_of_context* but) {
        if constexpr (boost::asio::can_query<Executor const&, boost::asio::execution::context_t>::value) {
            using context = std::decay_t<decltype(boost::asio::query(executor, boost::asio::execution::context))>;
            if constexpr (std::is_convertible_v<std::add_lvalue_reference_t<context>,
                                                boost::asio::execution_context&>) {
                boost::asio::execution_context& found = boost::asio::query(executor, boost::asio::execution::context);
                if (but != nullptr && &found == &but->context()) return nullptr;
                return &boost::asio::use_service<reads_of_context>(found);
            }
        }
        return nullptr;
    }

    void began() noexcept;
    void ended() noexcept;
    /// To be closed when the context goes. False: it is going.
    [[nodiscard]] bool add(std::weak_ptr<reader_ring> ring);

private:
    void shutdown() override;

    struct [[gnu::visibility("hidden")]] state;
    std::unique_ptr<state> state_;
};

class read_request;

/// Reads that are complete and whose handlers run on the reader's own executor: one hand-over to that executor for all that come
/// while it is busy, instead of one each. Thread-safe.
///
/// Order: as they came. Each handler is a function of its own to the executor, and the next is given to it before this one runs:
///        several threads share them, other work comes between them, and one that throws takes no other with it.
class [[gnu::visibility("default")]] ready_queue : public std::enable_shared_from_this<ready_queue> {
public:
    explicit ready_queue(boost::asio::any_io_executor executor);
    ready_queue(ready_queue const&) = delete;
    ready_queue& operator=(ready_queue const&) = delete;
    ~ready_queue();

    void add(read_request& complete);

private:
    class [[gnu::visibility("hidden")]] turn;
    struct [[gnu::visibility("hidden")]] state;
    std::unique_ptr<state> state_;
};

/// What a read can be answered with at once.
struct immediate_read {
    bool answered = false;
    boost::system::error_code error;
    std::size_t bytes = 0;  ///< in the buffer, also when there is no answer yet
};

/// Tries without an engine: refuses what is wrong, copies what the page cache has. `file` may be null: nothing is open.
[[nodiscard, gnu::visibility("default")]] immediate_read read_at_once(shared_file* file, std::uint64_t offset,
                                                                      boost::asio::mutable_buffer into) noexcept;

/// A handler with its result, to be posted to its executor; so it has none of its own.
template <class Handler>
struct read_call {
    using allocator_type = boost::asio::associated_allocator_t<Handler>;
    [[nodiscard]] allocator_type get_allocator() const noexcept {
        return boost::asio::get_associated_allocator(handler);
    }
    void operator()() { std::move(handler)(error, bytes); }

    Handler handler;
    boost::system::error_code error;
    std::size_t bytes;
};

/// One read, as the engine sees it: everything but the handler.
class [[gnu::visibility("default")]] read_request {
public:
    read_request() noexcept = default;
    read_request(read_request const&) = delete;
    read_request& operator=(read_request const&) = delete;

    /// Has the reader's ring or the engine read; the first `got` bytes are there already. Completes exactly once, on any thread, possibly before this
    /// returns.
    void start(std::shared_ptr<shared_file> file, std::shared_ptr<ready_queue> ready, std::shared_ptr<reader_ring> ring,
               reads_of_context& context, std::uint64_t offset, boost::asio::mutable_buffer into,
               std::size_t got) noexcept;

protected:
    enum class way : bool { call, post };

    ~read_request() = default;
    /// Frees the record, then calls the handler or posts it to its own executor.
    virtual void finish(way how, boost::system::error_code error, std::size_t bytes) = 0;
    /// Frees the record and its handler.
    virtual void destroy() noexcept = 0;

    bool queued_ = false;            ///< the handler's executor is the reader's
    boost::system::error_code eof_;  ///< as the host compares it: that category is an object of each binary
    reads_of_context* handlers_context_ = nullptr;  ///< null: the reader's, or none

private:
    friend class ready_queue;
    struct [[gnu::visibility("hidden")]] steps;

    read_request* next_ = nullptr;
    boost::system::error_code error_;
    std::size_t bytes_ = 0;
    std::shared_ptr<shared_file> file_;
    std::shared_ptr<ready_queue> ready_;
    std::shared_ptr<reader_ring> ring_;
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
    [[nodiscard]] static read_record* make(H&& handler, Executor const& executor, reads_of_context* readers_context) {
        allocator_type allocator{boost::asio::get_associated_allocator(handler)};
        auto* const memory = std::allocator_traits<allocator_type>::allocate(allocator, 1);
        try {
            return ::new (static_cast<void*>(memory)) read_record(std::forward<H>(handler), executor, readers_context);
        } catch (...) {
            std::allocator_traits<allocator_type>::deallocate(allocator, memory, 1);
            throw;
        }
    }

private:
    using allocator_type = typename std::allocator_traits<
        boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<read_record>;
    using handler_executor = boost::asio::associated_executor_t<Handler, Executor>;

    template <class H>
    read_record(H&& handler, Executor const& executor, reads_of_context* readers_context)
        : handler_(std::forward<H>(handler)),
          reader_work_(executor),
          handler_work_(boost::asio::get_associated_executor(handler_, executor)) {
        eof_ = boost::asio::error::eof;
        queued_ = same(handler_work_.get_executor(), executor);
        if (!queued_) handlers_context_ = reads_of_context::of(handler_work_.get_executor(), readers_context);
    }
    ~read_record() = default;

    template <class Other>
    static bool same(Other const& one, Executor const& other) {
        if constexpr (std::is_same_v<Other, Executor>) return one == other;
        else return false;
    }

    void finish(way how, boost::system::error_code error, std::size_t bytes) override {
        read_call<Handler> to{std::move(handler_), error, bytes};
        auto const reader_working = std::move(reader_work_);
        auto const working = std::move(handler_work_);
        free_with(to.handler);  // first, so that the handler may use the memory again
        if (how == way::call) to();
        else boost::asio::post(working.get_executor(), std::move(to));
    }

    void destroy() noexcept override {
        auto const handler = std::move(handler_);
        free_with(handler);
    }

    void free_with(Handler const& moved) noexcept {
        allocator_type allocator{boost::asio::get_associated_allocator(moved)};
        this->~read_record();
        std::allocator_traits<allocator_type>::deallocate(allocator, this, 1);
    }

    Handler handler_;
    boost::asio::executor_work_guard<Executor> reader_work_;
    boost::asio::executor_work_guard<handler_executor> handler_work_;
};

}  // namespace submitit::detail
