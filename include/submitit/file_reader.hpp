// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/system/error_code.hpp>

#include "submitit/detail/read_request.hpp"
#include "submitit/detail/reader_ring.hpp"
#include "submitit/engine.hpp"

namespace submitit {

/// How a file_reader opens its file.
enum class read_flags : std::uint8_t {
    none = 0,
    direct =
        1,  ///< O_DIRECT: past the page cache. Offsets, sizes and addresses must be multiples of the device's block
};

namespace detail {

/// What of the reader does not depend on its executor: opening and asking.
[[nodiscard, gnu::visibility("default")]] std::shared_ptr<shared_file> open_shared_file(
    std::shared_ptr<engine_core> engine, std::filesystem::path const& path, read_flags flags,
    boost::system::error_code& error);
[[nodiscard, gnu::visibility("default")]] std::uint64_t size_of(shared_file const* file,
                                                                boost::system::error_code& error) noexcept;
[[nodiscard, gnu::visibility("default")]] int descriptor_of(shared_file const* file) noexcept;
[[gnu::visibility("default")]] void throw_on(boost::system::error_code error, char const* operation);

}  // namespace detail

/// Reads one file at any position, with any number of operations in flight at once: all of them reach the device together.
/// Models Asio's AsyncRandomAccessReadDevice, so boost::asio::async_read_at works with it.
///
/// Threads:  const members on any thread at once, and async_read_some_at too: several threads may start operations on one reader
///           without a strand. open(), close(), assignment and the destructor exclude everything else.
/// Handlers: run on their associated executor (default: get_executor()), always posted, never inside an initiating function.
/// Lifetime: closing or destroying the reader leaves operations in flight alone; they complete as if it were open, and the
///           descriptor is closed after the last. The destructor of the execution context waits for the device to finish them and
///           then destroys their handlers. After the engine's end an operation fails with errc::engine_closed.
/// Cost:     a reader that keeps missing the page cache opens a ring (io_uring) of its own, one descriptor more, and the executor's
///           context then waits for it as for a socket.
/// Cancel:   has no effect. A read that the kernel has started cannot be taken back, and its buffer belongs to the kernel until the
///           handler is called: buffers must live that long.
template <class Executor = boost::asio::any_io_executor>
class basic_file_reader {
public:
    /// Handlers run on it unless they have one of their own.
    using executor_type = Executor;
    /// A file descriptor.
    using native_handle_type = int;
    /// How open() opens.
    using flags = read_flags;

    /// The same reader on another executor, as boost::asio::use_awaitable_t<>::as_default_on_t asks for it.
    template <class Other>
    struct rebind_executor {
        /// It.
        using other = basic_file_reader<Other>;
    };

    /// A closed reader.
    basic_file_reader(executor_type executor, engine const& with)
        : executor_{std::move(executor)},
          reads_{&boost::asio::use_service<detail::reads_of_context>(
              boost::asio::query(executor_, boost::asio::execution::context))},
          ready_{std::make_shared<detail::ready_queue>(executor_)},
          ring_{with.backend().chosen == backend_kind::uring
                    ? std::make_shared<detail::watched_ring<Executor>>(executor_)
                    : nullptr},
          engine_{with.core()} {}

    /// The same with an execution context's executor.
    template <class Context>
        requires std::is_convertible_v<Context&, boost::asio::execution_context&>
    basic_file_reader(Context& context, engine const& with)
        : basic_file_reader{executor_type{context.get_executor()}, with} {}

    /// The one it was made with.
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    /// Opens a regular file or a block device, blocking as open(2) may. What was open before is closed.
    ///
    /// Fails: as open(2); EISDIR for a directory, ENXIO for anything else that cannot be read at a position. Then it stays closed.
    void open(std::filesystem::path const& path, flags how, boost::system::error_code& error) {
        file_.reset();
        file_ = detail::open_shared_file(engine_, path, how, error);
    }
    /// The same through the page cache.
    void open(std::filesystem::path const& path, boost::system::error_code& error) { open(path, flags::none, error); }
    /// Throws boost::system::system_error.
    void open(std::filesystem::path const& path, flags how = flags::none) {
        boost::system::error_code error;
        open(path, how, error);
        detail::throw_on(error, "open");
    }

    /// Never fails, never blocks: operations in flight keep the descriptor until they are done.
    void close() noexcept { file_.reset(); }
    /// Whether there is a file.
    [[nodiscard]] bool is_open() const noexcept { return file_ != nullptr; }

    /// Of the file now, in bytes; one system call.
    [[nodiscard]] std::uint64_t size(boost::system::error_code& error) const noexcept {
        return detail::size_of(file_.get(), error);
    }
    /// Throws boost::system::system_error.
    [[nodiscard]] std::uint64_t size() const {
        boost::system::error_code error;
        auto const bytes = size(error);
        detail::throw_on(error, "size");
        return bytes;
    }

    /// Stays the reader's; -1 when it is closed.
    [[nodiscard]] native_handle_type native_handle() const noexcept { return detail::descriptor_of(file_.get()); }

    /// Reads from byte `offset` on into the first buffer that is not empty. Completion signature:
    /// void(boost::system::error_code, std::size_t bytes).
    ///
    /// Bytes:  at least one, and fewer than asked for as read(2) may; 0 without an error only when there is no room.
    /// Fails:  boost::asio::error::eof at or behind the end; bad_descriptor when closed; EINVAL for a misaligned direct read; else as
    ///         read(2) and errc::engine_closed.
    /// Blocks: never for the device. Up to 64 KiB that are in the page cache are copied before it returns.
    /// Alive:  what the buffers refer to, until the handler is called. The reader, until this returns.
    template <class MutableBufferSequence,
              boost::asio::completion_token_for<void(boost::system::error_code, std::size_t)> Token =
                  boost::asio::default_completion_token_t<executor_type>>
        requires boost::asio::is_mutable_buffer_sequence<MutableBufferSequence>::value
    auto async_read_some_at(std::uint64_t offset, MutableBufferSequence const& buffers,
                            Token&& token = boost::asio::default_completion_token_t<executor_type>()) {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
            reading{this}, token, offset, first_of(buffers));
    }

private:
    struct reading {
        using executor_type = basic_file_reader::executor_type;
        [[nodiscard]] executor_type get_executor() const noexcept { return reader->get_executor(); }

        template <class Handler>
        void operator()(Handler&& handler, std::uint64_t offset, boost::asio::mutable_buffer into) const {
            using kept_handler = std::decay_t<Handler>;
            auto const& self = *reader;
            auto const [answered, error, bytes] = detail::read_at_once(self.file_.get(), offset, into);
            if (!answered) {
                auto* const made = detail::read_record<kept_handler, executor_type>::make(
                    std::forward<Handler>(handler), self.executor_, self.reads_);
                return made->start(self.file_, self.ready_, self.ring_, *self.reads_, offset, into, bytes);
            }
            auto const to = boost::asio::get_associated_executor(handler, self.executor_);
            boost::asio::post(to, detail::read_call<kept_handler>{std::forward<Handler>(handler), error, bytes});
        }

        basic_file_reader const* reader;
    };

    template <class MutableBufferSequence>
    [[nodiscard]] static boost::asio::mutable_buffer first_of(MutableBufferSequence const& buffers) {
        auto const end = boost::asio::buffer_sequence_end(buffers);
        for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at) {
            if (boost::asio::mutable_buffer const one{*at}; one.size() != 0) return one;
        }
        return {};
    }

    executor_type executor_;
    detail::reads_of_context* reads_;
    std::shared_ptr<detail::ready_queue> ready_;
    std::shared_ptr<detail::reader_ring> ring_;  // null: not with this backend
    std::shared_ptr<detail::engine_core> engine_;
    std::shared_ptr<detail::shared_file> file_;
};

/// The one for any executor.
using file_reader = basic_file_reader<>;

}  // namespace submitit
