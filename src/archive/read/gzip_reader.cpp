// SPDX-License-Identifier: Apache-2.0
#include "archive/read/gzip_reader.hpp"

#include "archive/read/digest.hpp"
#include "archive/read/gzip_header.hpp"
#include "archive/read/inflate_stream.hpp"
#include "base/endian.hpp"

namespace submitit::archive::reader {
namespace {

constexpr std::size_t trailer_bytes = 8;  // CRC-32, length modulo 2^32

class gzip_reader {
public:
    gzip_reader(session& run, input_file& file, byte_sink& content)
        : run_{run}, file_{file}, content_{content}, window_{file} {}

    /// Whether the whole file was sound.
    result<verdict> read_all() {
        do {
            auto const sound = read_member();
            if (!sound || *sound != verdict::sound) return sound;
            ++members_;
        } while (position_ < file_.size());
        if (last_is_bgzf_ && last_length_ != 0) run_.note("it is BGZF but lacks the empty member that marks its end");
        return verdict::sound;
    }

private:
    verdict damaged(std::string message) { return run_.problem({}, std::move(message)); }

    result<verdict> read_header() {
        for (std::size_t const want : {std::size_t{1024}, input_window::capacity}) {
            auto const view = window_.at(position_, want);
            if (!view) return view.error();
            header_ = parse_gzip_header(*view);
            if (header_.read == gzip_header::state::complete) return verdict::sound;
            if (header_.read == gzip_header::state::malformed) break;
        }
        auto const at = " at byte " + std::to_string(position_);
        if (header_.read == gzip_header::state::needs_more) {
            if (file_.size() - position_ > input_window::capacity)
                return damaged("a gzip header" + at + " is absurdly long");
            return damaged(
                (members_ == 0 ? "the archive ends inside the gzip header" : "trailing bytes, no whole gzip header,") +
                at);
        }
        if (members_ == 0) return damaged("the gzip header is unusable: " + std::string{header_.why});
        return damaged(count_bytes(file_.size() - position_) + " behind the last gzip member" + at + ": " +
                       std::string{header_.why});
    }

    result<verdict> read_deflate() {
        for (;;) {
            auto const view = window_.at(position_);
            if (!view) return view.error();
            auto const step = inflate_.next(*view);
            position_ += step.consumed;
            digest_.add(step.out);
            if (!step.out.empty()) content_.feed(step.out);
            if (step.damaged)
                return damaged("the deflate data is damaged before byte " + std::to_string(position_) + ": " +
                               inflate_.why());
            if (step.ended) return verdict::sound;
            if (view->empty() && step.out.empty())
                return damaged("the archive ends inside its compressed data: it is cut short");
        }
    }

    result<verdict> read_trailer() {
        auto const view = window_.at(position_, trailer_bytes);
        if (!view) return view.error();
        if (view->size() < trailer_bytes) return damaged("the archive ends inside a gzip trailer: it is cut short");
        auto const crc = load_le<std::uint32_t>(view->data());
        auto const length = load_le<std::uint32_t>(view->data() + 4);
        position_ += trailer_bytes;
        if (crc != digest_.crc)
            return damaged("the content's CRC-32 is " + hex32(digest_.crc) + ", the gzip trailer says " + hex32(crc));
        if (length != (digest_.length & 0xFFFFFFFFU))
            return damaged("the content is " + count_bytes(digest_.length) + ", the gzip trailer says " +
                           std::to_string(length) + " (modulo 2^32)");
        return verdict::sound;
    }

    result<verdict> read_member() {
        auto const start = position_;
        auto sound = read_header();
        if (!sound || *sound != verdict::sound) return sound;
        position_ += header_.bytes;
        inflate_.start();
        digest_ = {};
        sound = read_deflate();
        if (!sound || *sound != verdict::sound) return sound;
        sound = read_trailer();
        if (!sound || *sound != verdict::sound) return sound;
        last_is_bgzf_ = header_.bgzf_member_bytes.has_value();
        last_length_ = digest_.length;
        if (last_is_bgzf_ && *header_.bgzf_member_bytes != position_ - start)
            return damaged("the gzip member at byte " + std::to_string(start) + " is " +
                           count_bytes(position_ - start) + ", its BGZF field says " +
                           std::to_string(*header_.bgzf_member_bytes));
        return verdict::sound;
    }

    session& run_;
    input_file& file_;
    byte_sink& content_;
    input_window window_;
    inflate_stream inflate_;
    digest digest_;
    gzip_header header_;
    std::uint64_t position_ = 0;
    std::uint64_t members_ = 0;
    bool last_is_bgzf_ = false;
    std::uint64_t last_length_ = 0;
};

}  // namespace

result<> read_gzip(session& run, input_file& file, byte_sink& content) {
    gzip_reader reader{run, file, content};
    auto const sound = reader.read_all();
    if (!sound) return sound.error();
    run.report().proof = "gzip CRC-32 and length";
    if (*sound == verdict::sound) content.finish();
    return {};
}

}  // namespace submitit::archive::reader
