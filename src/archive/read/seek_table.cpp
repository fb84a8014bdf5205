// SPDX-License-Identifier: Apache-2.0
#include "archive/read/seek_table.hpp"

#include "archive/read/zstd_frame.hpp"
#include "base/endian.hpp"

namespace submitit::archive::reader {
namespace {

constexpr std::uint32_t footer_magic = 0x8F92EAB1U;
constexpr std::uint64_t frame_header_bytes = 8;
constexpr std::uint64_t footer_bytes = 9;

std::uint64_t entry_bytes(bool has_hashes) { return has_hashes ? 12 : 8; }

}  // namespace

result<seek_table::found> seek_table::find(input_window& window, std::uint64_t file_bytes) {
    found out;
    if (file_bytes < frame_header_bytes + footer_bytes) return out;
    auto footer = window.at(file_bytes - footer_bytes, footer_bytes);
    if (!footer) return footer.error();
    if (footer->size() < footer_bytes || load_le<std::uint32_t>(footer->data() + 5) != footer_magic) return out;
    out.present = true;
    out.frames = load_le<std::uint32_t>(footer->data());
    auto const descriptor = std::to_integer<unsigned>((*footer)[4]);
    out.has_hashes = (descriptor & 0x80U) != 0;
    if (descriptor & 0x7CU) out.why = "reserved bits of its descriptor are set";
    auto const payload = out.frames * entry_bytes(out.has_hashes) + footer_bytes;
    if (payload > file_bytes - frame_header_bytes) {
        out.why = "it names more frames than the file has room for";
        return out;
    }
    out.start = file_bytes - payload - frame_header_bytes;
    auto const head = window.at(out.start, frame_header_bytes);
    if (!head) return head.error();
    if (head->size() < frame_header_bytes || load_le<std::uint32_t>(head->data()) != zstd_seek_table_magic ||
        load_le<std::uint32_t>(head->data() + 4) != payload)
        out.why = "its frame header is not where " + std::to_string(out.frames) + " entries put it";
    return out;
}

result<std::optional<seek_table::entry>> seek_table::next() {
    if (left() == 0) return std::optional<entry>{};
    auto const size = entry_bytes(where_.has_hashes);
    auto const view = window_.at(where_.start + frame_header_bytes + done_ * size, size);
    if (!view) return view.error();
    if (view->size() < size) return from_errno(EIO);  // find() saw these bytes: the file shrinks under us
    ++done_;
    entry out;
    out.compressed_bytes = load_le<std::uint32_t>(view->data());
    out.content_bytes = load_le<std::uint32_t>(view->data() + 4);
    if (where_.has_hashes) out.hash = load_le<std::uint32_t>(view->data() + 8);
    return std::optional<entry>{out};
}

}  // namespace submitit::archive::reader
