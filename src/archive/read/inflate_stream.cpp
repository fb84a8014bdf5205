// SPDX-License-Identifier: Apache-2.0
#include "archive/read/inflate_stream.hpp"

#include <new>

namespace submitit::archive::reader {
namespace {

constexpr std::size_t out_bytes = std::size_t{128} * 1024;  // fits L2 together with the 32 KiB window
constexpr int raw_window_bits = -15;

}  // namespace

inflate_stream::inflate_stream() : out_(out_bytes) {
    if (::inflateInit2(&z_, raw_window_bits) != Z_OK) throw std::bad_alloc{};
}

inflate_stream::~inflate_stream() { ::inflateEnd(&z_); }

void inflate_stream::start() {
    static_cast<void>(::inflateReset(&z_));
    z_.msg = nullptr;
}

inflate_stream::step inflate_stream::next(std::span<std::byte const> in) {
    // zlib's interface predates const; it does not write to its input.
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    z_.avail_in = static_cast<uInt>(in.size());
    z_.next_out = reinterpret_cast<Bytef*>(out_.data());
    z_.avail_out = static_cast<uInt>(out_.size());
    auto const code = ::inflate(&z_, Z_NO_FLUSH);
    step done;
    done.consumed = in.size() - z_.avail_in;
    done.out = std::span<std::byte const>{out_}.first(out_.size() - z_.avail_out);
    done.ended = code == Z_STREAM_END;
    // Z_BUF_ERROR only says that nothing could be done with this much input.
    done.damaged = code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR;
    return done;
}

std::string inflate_stream::why() const { return z_.msg != nullptr ? z_.msg : "unusable data"; }

}  // namespace submitit::archive::reader
