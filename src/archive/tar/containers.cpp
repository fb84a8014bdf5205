// SPDX-License-Identifier: Apache-2.0
#include "archive/tar/containers.hpp"

#include <array>

#include "archive/record_spool.hpp"
#include "archive/tar/header.hpp"
#include "base/endian.hpp"
#include "base/errc.hpp"
#include "codec/crc32.hpp"
#include "codec/deflate.hpp"
#include "codec/zstd.hpp"

namespace submitit::archive::tar {
namespace {

constexpr std::size_t record_bytes = 20 * block_bytes;
constexpr std::size_t play_bytes = 256 * 1024;

/// What all tar containers share: dropping the segments of a file whose first one failed, and telling once what happened
/// to a large file.
class tar_container : public container {
public:
    void begin(output_list&) override {}

    [[nodiscard]] result<> append(plan::ticket const& ticket, encoded const& done, output_list& out) final {
        if (ticket.kind == plan::ticket_kind::segment) {
            if (ticket.first_segment()) state_ = {.dropping = done.left_out};
            if (state_.dropping) {
                out.withdrawn_bytes = done.content_bytes;
                return {};
            }
            tell(ticket, done, out);
        }
        if (done.raw_bytes == 0) return {};
        return take(done, out);
    }

protected:
    [[nodiscard]] virtual result<> take(encoded const& done, output_list& out) = 0;

private:
    void tell(plan::ticket const& ticket, encoded const& done, output_list& out) {
        auto const& name = ticket.large->entry.name;
        if (done.damaged && !state_.damaged)
            out.notices.push_back({walk::notice_kind::damaged, name, {}, "missing bytes were written as zeros"});
        state_.damaged = state_.damaged || done.damaged;
        state_.changed = state_.changed || done.changed;
        if (ticket.last_segment && state_.changed && !state_.damaged)
            out.notices.push_back({walk::notice_kind::changed, name, {}, "modified while it was read"});
    }

    segment_state state_;
};

class plain_container final : public tar_container {
public:
    [[nodiscard]] result<bool> finish(output_list& out) override {
        auto const padding = (record_bytes - position_ % record_bytes) % record_bytes;
        if (ended_ || padding == 0) return false;
        ended_ = true;
        out.pieces.push_back(std::span{zeros_}.first(static_cast<std::size_t>(padding)));
        return true;
    }

private:
    [[nodiscard]] result<> take(encoded const& done, output_list& out) override {
        out.pieces.push_back(done.payload);
        position_ += done.payload.size();
        return {};
    }

    std::uint64_t position_ = 0;
    bool ended_ = false;
    std::array<std::byte, record_bytes> zeros_{};
};

class gzip_container final : public tar_container {
public:
    /// RFC 1952 2.3: magic, deflate, no flags, no time, XFL (2 best, 4 fastest), OS 3 (Unix).
    explicit gzip_container(int level) {
        header_ = {
            std::byte{0x1F}, std::byte{0x8B}, std::byte{8},
            std::byte{0},    std::byte{0},    std::byte{0},
            std::byte{0},    std::byte{0},    level == 9 ? std::byte{2} : level == 1 ? std::byte{4} : std::byte{0},
            std::byte{3}};
    }

    void begin(output_list& out) override { out.pieces.emplace_back(header_); }

    [[nodiscard]] result<bool> finish(output_list& out) override {
        if (ended_) return false;
        ended_ = true;
        out.pieces.emplace_back(codec::deflate_end);
        store_le(trailer_.data(), crc_);
        store_le(trailer_.data() + 4, static_cast<std::uint32_t>(raw_bytes_ & 0xFFFFFFFFU));
        out.pieces.emplace_back(trailer_);
        return true;
    }

private:
    [[nodiscard]] result<> take(encoded const& done, output_list& out) override {
        crc_ = codec::combine_crc32(crc_, done.crc, done.raw_bytes);
        raw_bytes_ += done.raw_bytes;
        out.pieces.push_back(done.payload);
        return {};
    }

    std::array<std::byte, 10> header_{};
    std::array<std::byte, 8> trailer_{};
    std::uint32_t crc_ = 0;
    std::uint64_t raw_bytes_ = 0;
    bool ended_ = false;
};

/// Seekable format: skippable frame 0x184D2A5E holding {compressed size, decompressed size} of each frame, then a footer.
class zstd_container final : public tar_container {
public:
    explicit zstd_container(std::size_t window_bytes) : spool_{window_bytes} {}

    [[nodiscard]] result<bool> finish(output_list& out) override {
        switch (stage_) {
            case stage::header: {
                stage_ = stage::table;
                if (frames_ > frames_max) {  // a reader would refuse the table; the frames stand without it
                    stage_ = stage::done;
                    return false;
                }
                store_le(header_.data(), std::uint32_t{0x184D2A5E});
                store_le(header_.data() + 4, static_cast<std::uint32_t>(spool_.size() + footer_.size()));
                out.pieces.emplace_back(header_);
                return true;
            }
            case stage::table: {
                auto const part = spool_.play(playing_, play_bytes);
                if (!part) return failure{part.error()};
                if (!part->empty()) {
                    out.pieces.push_back(*part);
                    return true;
                }
                stage_ = stage::done;
                store_le(footer_.data(), static_cast<std::uint32_t>(frames_));
                footer_[4] = std::byte{0};
                store_le(footer_.data() + 5, std::uint32_t{0x8F92EAB1});
                out.pieces.emplace_back(footer_);
                return true;
            }
            case stage::done: break;
        }
        return false;
    }

private:
    enum class stage : std::uint8_t { header, table, done };
    static constexpr std::uint64_t frames_max = 0x8000000;  // the reference reader's limit

    [[nodiscard]] result<> take(encoded const& done, output_list& out) override {
        std::array<std::byte, 8> entry{};
        store_le(entry.data(), static_cast<std::uint32_t>(done.payload.size()));
        store_le(entry.data() + 4, static_cast<std::uint32_t>(done.raw_bytes));
        ++frames_;
        out.pieces.push_back(done.payload);
        return spool_.append(entry);
    }

    record_spool spool_;
    std::uint64_t frames_ = 0;
    stage stage_ = stage::header;
    std::array<std::byte, 8> header_{};
    std::array<std::byte, 9> footer_{};
    std::vector<std::byte> playing_;
};

class single_frame_container final : public tar_container {
public:
    single_frame_container(int level, unsigned workers) : stream_{level, workers} {}

    [[nodiscard]] result<bool> finish(output_list& out) override {
        if (ended_) return false;
        ended_ = true;
        return feed({}, true, out) ? result<bool>{true} : result<bool>{failure{errc::encoder_failed}};
    }

private:
    [[nodiscard]] result<> take(encoded const& done, output_list& out) override {
        if (!feed(done.payload, false, out)) return make_error_code(errc::encoder_failed);
        return {};
    }

    bool feed(std::span<std::byte const> in, bool end, output_list& out) {
        made_.clear();
        auto const collect = [](void* context, std::span<std::byte const> piece) {
            auto& made = *static_cast<std::vector<std::byte>*>(context);
            made.insert(made.end(), piece.begin(), piece.end());
            return true;
        };
        if (!stream_.write(in, end, collect, &made_)) return false;
        if (!made_.empty()) out.pieces.emplace_back(made_);
        return true;
    }

    codec::zstd_stream stream_;
    std::vector<std::byte> made_;
    bool ended_ = false;
};

}  // namespace

std::unique_ptr<container> make_plain_container() { return std::make_unique<plain_container>(); }
std::unique_ptr<container> make_gzip_container(int level) { return std::make_unique<gzip_container>(level); }
std::unique_ptr<container> make_zstd_container(std::size_t window_bytes) {
    return std::make_unique<zstd_container>(window_bytes);
}
std::unique_ptr<container> make_single_frame_container(int level, unsigned workers) {
    return std::make_unique<single_frame_container>(level, workers);
}

}  // namespace submitit::archive::tar
