// SPDX-License-Identifier: Apache-2.0
#include "archive/read/zstd_reader.hpp"

#include <optional>

#include "archive/read/seek_table.hpp"
#include "archive/read/zstd_decoder.hpp"

namespace submitit::archive::reader {
namespace {

class zstd_reader {
public:
    zstd_reader(session& run, input_file& file, byte_sink& content)
        : run_{run}, file_{file}, content_{content}, window_{file}, decoder_{run}, frames_end_{file.size()} {}

    /// Whether the whole file was sound enough to be decoded to its end.
    result<verdict> read_all() {
        if (auto const found = find_table(); !found) return found.error();
        while (position_ < frames_end_) {
            auto const sound = read_frame();
            if (!sound || *sound != verdict::sound) return sound;
        }
        if (table_ && table_->left() != 0)
            run_.problem({}, "the seek table names " + std::to_string(table_->left()) + " frames more than there are");
        if (last_magic_ == zstd_seek_table_magic)
            run_.problem({}, "the last frame is marked as a seek table but is none");
        return verdict::sound;
    }

    [[nodiscard]] std::string proof() const {
        auto const hashed = table_ && table_->has_hashes() ? frames_ : hashed_frames_;
        std::string const table = table_ ? " and the seek table" : "";
        if (hashed == frames_) return "xxHash of every frame" + table;
        if (hashed == 0)
            return "structure only: the zstd frames carry no checksum" +
                   std::string{table_ ? " (seek table agrees)" : ""};
        return "xxHash of " + std::to_string(hashed) + " of " + std::to_string(frames_) + " frames" + table +
               "; the others carry no checksum";
    }

private:
    result<> find_table() {
        auto const found = seek_table::find(window_, file_.size());
        if (!found) return found.error();
        if (!found->present) return {};
        if (!found->why.empty()) {
            run_.problem({}, "the seek table is unusable: " + found->why);
            return {};
        }
        table_.emplace(file_, *found);
        frames_end_ = found->start;
        return {};
    }

    result<verdict> read_frame() {
        auto const frame = decoder_.frame(window_, position_, frames_end_, table_ && table_->has_hashes(),
                                          [this](std::span<std::byte const> bytes) {
                                              content_.feed(bytes);
                                              return true;
                                          });
        if (!frame) return frame.error();
        auto const where = "the zstd frame at byte " + std::to_string(position_);
        if (!frame->why.empty()) {
            return run_.problem({}, where + " is unusable: " + frame->why);
        }
        last_magic_ = frame->header.magic;
        if (auto const agrees = compare(*frame, where); !agrees) return agrees.error();
        position_ += frame->bytes;
        if (!frame->header.skippable) {
            ++frames_;
            hashed_frames_ += frame->header.has_checksum ? 1U : 0U;
        }
        return verdict::sound;
    }

    result<> compare(zstd_decoder::outcome const& frame, std::string const& where) {
        if (!table_) return {};
        auto const entry = table_->next();
        if (!entry) return entry.error();
        auto differs = [&](std::string const& what, std::string const& is, std::string const& says) {
            run_.problem({}, where + " " + what + " " + is + ", the seek table says " + says);
        };
        if (!*entry) {
            run_.problem({}, where + " is not in the seek table");
        } else if (frame.bytes != (*entry)->compressed_bytes) {
            differs("is", count_bytes(frame.bytes), std::to_string((*entry)->compressed_bytes));
        } else if (frame.content_bytes != (*entry)->content_bytes) {
            differs("decodes to", count_bytes(frame.content_bytes), std::to_string((*entry)->content_bytes));
        } else if (table_->has_hashes() && !frame.header.skippable && frame.hash != (*entry)->hash) {
            differs("has the xxHash", hex32(frame.hash), hex32((*entry)->hash));
        }
        return {};
    }

    session& run_;
    input_file& file_;
    byte_sink& content_;
    input_window window_;
    zstd_decoder decoder_;
    std::optional<seek_table> table_;
    std::uint64_t frames_end_;
    std::uint64_t position_ = 0;
    std::uint64_t frames_ = 0;
    std::uint64_t hashed_frames_ = 0;
    std::uint32_t last_magic_ = 0;
};

}  // namespace

result<> read_zstd(session& run, input_file& file, byte_sink& content) {
    zstd_reader reader{run, file, content};
    auto const sound = reader.read_all();
    if (!sound) return sound.error();
    run.report().proof = reader.proof();
    if (*sound == verdict::sound) content.finish();
    return {};
}

}  // namespace submitit::archive::reader
