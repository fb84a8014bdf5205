// SPDX-License-Identifier: Apache-2.0
#include "download/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <iostream>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace download {

using boost::system::error_code;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

/// Room for a piece of an archive and the frame of a chunk around it.
class chunk {
public:
    [[nodiscard]] asio::mutable_buffer room() noexcept { return asio::buffer(bytes_.data() + head_max, piece_bytes); }
    [[nodiscard]] std::string_view plain(std::size_t count) const noexcept { return {bytes_.data() + head_max, count}; }
    /// The chunk, once `count` bytes are there.
    [[nodiscard]] std::string_view framed(std::size_t count) noexcept {
        char digits[head_max];
        auto const end = std::to_chars(digits, digits + sizeof digits, count, 16).ptr;
        auto const length = static_cast<std::size_t>(end - digits);
        auto* const begin = bytes_.data() + head_max - 2 - length;
        std::memcpy(begin, digits, length);
        std::memcpy(begin + length, "\r\n", 2);
        std::memcpy(bytes_.data() + head_max + count, "\r\n", 2);
        return {begin, length + 2 + count + 2};
    }

private:
    static constexpr std::size_t head_max = 10;
    std::vector<char> bytes_ = std::vector<char>(head_max + piece_bytes + 2);
};

/// The fields that say which part of `whole` bytes of a zip follows.
void describe(byte_range const& part, std::uint64_t whole, response& into) {
    into.status = part.status;
    into.with("Content-Length", std::to_string(part.bytes));
    if (part.status == 416) into.with("Content-Range", "bytes */" + std::to_string(whole));
    else into.with("Content-Type", std::string{content_type(submitit::format::zip)});
    if (part.status != 206) return;
    auto const last = part.first + part.bytes - 1;
    into.with("Content-Range",
              "bytes " + std::to_string(part.first) + '-' + std::to_string(last) + '/' + std::to_string(whole));
}

constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace

asio::awaitable<void> connection::serve() {
    bool goes_on = true;
    while (goes_on) {
        auto const got = co_await receive();
        if (got.refusal != 0) goes_on = co_await refuse(got.refusal, got.header);
        else if (got.complete) goes_on = co_await answer(got.header);
        else goes_on = false;
        job_.reset();
    }
    co_await client_->finish();
}

asio::awaitable<void> connection::turn_away() {
    request const none;
    co_await refuse(503, none);
    co_await client_->finish();
}

void connection::stop() {
    asio::post(get_executor(), [self = shared_from_this()] {
        if (self->job_) self->job_->cancel();
        self->client_->cut();
    });
}

/// The next header, or none when the client has gone or its time is over: much while it is idle, little for a header begun.
asio::awaitable<parsed_request> connection::receive() {
    auto const begun = steady::now();
    auto until =
        begun + (first_ || !received_.empty() ? shared_->limits.header_deadline : shared_->limits.idle_deadline);
    first_ = false;
    for (;;) {
        auto got = parse_request(received_);
        if (got.complete) received_.erase(0, got.bytes);
        if (got.complete || got.refusal != 0) co_return got;
        auto const had = received_.size();
        received_.resize(header_bytes_max);
        std::span<char> const room{received_.data() + had, header_bytes_max - had};
        auto const bytes = co_await client_->read_some(room, until);
        received_.resize(had + bytes);
        if (bytes == 0) co_return got;
        if (had == 0) until = std::min(until, steady::now() + shared_->limits.header_deadline);
    }
}

asio::awaitable<bool> connection::answer(request const& asked) {
    auto const wanted = find_archive(asked.target, shared_->limits);
    if (!wanted) {
        unsigned const status = wanted.error().value() == EINVAL ? 400 : 404;
        co_return co_await refuse(status, asked);
    }
    bool const stored = shared_->limits.store && wanted->format == submitit::format::zip;
    if (stored) co_return co_await answer_stored(asked, *wanted);
    co_return co_await answer_stream(asked, *wanted);
}

/// Compressed as it is sent, so of unknown length.
asio::awaitable<bool> connection::answer_stream(request const& asked, archive_request const& wanted) {
    job_.emplace(make_job(get_executor(), *shared_, wanted));
    chunk piece;
    // The first bytes come before the status: until then everything that can be refused can be said so.
    auto [error, bytes] = co_await job_->async_read_some(piece.room(), as_values);
    if (error) {
        report(asked, error);
        co_return co_await refuse(status_of(error), asked);
    }
    response header;
    header.keep_alive = asked.keep_alive;
    header.with("Content-Type", std::string{content_type(wanted.format)}).with("Transfer-Encoding", "chunked");
    bool const said = co_await say(header);
    if (asked.head_only()) co_return said;  // else a client that has gone is noticed with the first bytes
    while (!error) {
        if (!co_await client_->write(piece.framed(bytes))) co_return false;
        std::tie(error, bytes) = co_await job_->async_read_some(piece.room(), as_values);
    }
    if (error != asio::error::eof) {
        report(asked, error);
        co_return false;  // without the last chunk: the client sees that the body is incomplete
    }
    bool const sent = co_await client_->write(last_chunk);
    co_return sent ? asked.keep_alive : false;
}

/// Stored, so of a length and an identity that are known before: a download that broke off can be taken up again.
asio::awaitable<bool> connection::answer_stored(request const& asked, archive_request const& wanted) {
    job_.emplace(make_job(get_executor(), *shared_, wanted));
    auto const [error, measured] = co_await job_->async_measure(as_values);
    job_.reset();
    if (error) {
        report(asked, error);
        co_return co_await refuse(status_of(error), asked);
    }
    auto const etag = '"' + measured.digest + '"';
    response header;
    header.keep_alive = asked.keep_alive;
    header.with("ETag", etag).with("Accept-Ranges", "bytes");
    if (names_etag(asked.if_none_match, etag)) {
        header.status = 304;
        co_return co_await say(header);
    }
    auto const wants = asked.head_only() ? std::string_view{} : std::string_view{asked.range};
    stored_part const part{measured, choose_range(wants, asked.if_range, etag, measured.bytes)};
    describe(part.range, part.whole.bytes, header);
    if (asked.head_only() || part.range.status == 416) co_return co_await say(header);
    co_return co_await send_stored(asked, wanted, part, header);
}

asio::awaitable<bool> connection::send_stored(request const& asked, archive_request const& wanted,
                                              stored_part const& part, response const& header) {
    job_.emplace(make_job(get_executor(), *shared_, wanted));
    job_->expect(part.whole).skip(part.range.first);
    chunk piece;
    auto [error, bytes] = co_await job_->async_read_some(piece.room(), as_values);
    if (error) {
        report(asked, error);
        co_return co_await refuse(status_of(error), asked);
    }
    co_await say(header);  // a client that has gone is noticed with the first bytes
    bool const to_end = part.range.first + part.range.bytes == part.whole.bytes;
    for (auto left = part.range.bytes; !error;) {
        auto const now = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, left));
        left -= now;
        // That nothing has changed is only known at the archive's end, which comes after the last byte of such a range.
        if (left == 0 && !to_end) error = co_await run_out();
        if (error) break;
        if (!co_await client_->write(piece.plain(now))) co_return false;
        if (left == 0) co_return asked.keep_alive;
        std::tie(error, bytes) = co_await job_->async_read_some(piece.room(), as_values);
    }
    report(asked, error);
    co_return false;  // fewer bytes than announced
}

/// Lets the export go on to its end without anybody reading it.
asio::awaitable<error_code> connection::run_out() {
    std::vector<char> unread(piece_bytes);
    auto const room = asio::buffer(unread);
    error_code error;
    while (!error) std::tie(error, std::ignore) = co_await job_->async_read_some(room, as_values);
    if (error == asio::error::eof) error.clear();
    co_return error;
}

/// A header without a body, or before one.
asio::awaitable<bool> connection::say(response const& header) {
    auto const text = to_text(header);
    bool const sent = co_await client_->write(text);
    co_return sent ? header.keep_alive : false;
}

asio::awaitable<bool> connection::refuse(unsigned status, request const& asked) {
    job_.reset();
    response header;
    header.status = status;
    // 404, 405 and 503 are of the target; after the others it is not known where the next request begins.
    header.keep_alive = asked.keep_alive && (status == 404 || status == 405 || status == 503);
    if (status == 405) header.with("Allow", "GET, HEAD");
    if (status == 503) header.with("Retry-After", "2");
    auto const text = error_text(header, asked.head_only());
    bool const sent = co_await client_->write(text);
    co_return sent ? header.keep_alive : false;
}

void connection::report(request const& asked, error_code why) const {
    if (status_of(why) != 500 || why == asio::error::operation_aborted) return;
    std::cerr << asked.target + ": " + why.message() + '\n';
}

}  // namespace download
