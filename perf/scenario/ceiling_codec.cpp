// SPDX-License-Identifier: Apache-2.0
#include "ceiling_codec.hpp"

#include <isa-l.h>
#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace submitit::perf {
namespace {

class copy_codec final : public ceiling_codec {
public:
    explicit copy_codec(bool with_crc) : with_crc_{with_crc} {}

    std::size_t bound(std::size_t in) const override { return in; }
    std::size_t encode(std::span<std::byte const> in, std::span<std::byte> out) override {
        if (with_crc_) add_checksum(libdeflate_crc32(0, in.data(), in.size()));
        std::copy(in.begin(), in.end(), out.begin());
        return in.size();
    }

private:
    bool with_crc_;
};

class libdeflate_codec final : public ceiling_codec {
public:
    explicit libdeflate_codec(int level) : compressor_{libdeflate_alloc_compressor(level)} {}
    ~libdeflate_codec() override { libdeflate_free_compressor(compressor_); }

    std::size_t bound(std::size_t in) const override { return libdeflate_deflate_compress_bound(compressor_, in); }
    std::size_t encode(std::span<std::byte const> in, std::span<std::byte> out) override {
        add_checksum(libdeflate_crc32(0, in.data(), in.size()));
        return libdeflate_deflate_compress(compressor_, in.data(), in.size(), out.data(), out.size());
    }

private:
    libdeflate_compressor* compressor_;
};

class isal_codec final : public ceiling_codec {
public:
    explicit isal_codec(int level) : level_{level}, work_(ISAL_DEF_LVL3_EXTRA_LARGE) {}

    std::size_t bound(std::size_t in) const override { return in + in / 1024 + 1024; }
    std::size_t encode(std::span<std::byte const> in, std::span<std::byte> out) override {
        add_checksum(libdeflate_crc32(0, in.data(), in.size()));
        isal_deflate_stateless_init(&stream_);
        stream_.level = static_cast<std::uint32_t>(level_);
        stream_.level_buf = work_.data();
        stream_.level_buf_size = static_cast<std::uint32_t>(work_.size());
        stream_.end_of_stream = 1;
        stream_.flush = NO_FLUSH;
        // ISA-L takes a pointer to bytes it does not write.
        stream_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(in.data()));
        stream_.avail_in = static_cast<std::uint32_t>(in.size());
        stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
        stream_.avail_out = static_cast<std::uint32_t>(out.size());
        return isal_deflate_stateless(&stream_) == COMP_OK ? stream_.total_out : 0;
    }

private:
    int level_;
    std::vector<std::uint8_t> work_;
    isal_zstream stream_{};
};

class zstd_codec final : public ceiling_codec {
public:
    explicit zstd_codec(int level) : context_{ZSTD_createCCtx()} {
        ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
    }
    ~zstd_codec() override { ZSTD_freeCCtx(context_); }

    std::size_t bound(std::size_t in) const override { return ZSTD_compressBound(in); }
    std::size_t encode(std::span<std::byte const> in, std::span<std::byte> out) override {
        std::size_t const size = ZSTD_compress2(context_, out.data(), out.size(), in.data(), in.size());
        return ZSTD_isError(size) != 0U ? 0 : size;
    }

private:
    ZSTD_CCtx* context_;
};

// The level of `name` when it is `family` and a number up to `most`; 0 otherwise.
int level_of(std::string_view name, std::string_view family, int most) {
    if (!name.starts_with(family)) return 0;
    name.remove_prefix(family.size());
    int level = 0;
    auto const* const end = name.data() + name.size();
    auto const [stop, error] = std::from_chars(name.data(), end, level);
    return error == std::errc{} && stop == end && level > 0 && level <= most ? level : 0;
}

}  // namespace

std::unique_ptr<ceiling_codec> make_ceiling_codec(std::string_view name) {
    if (name == "none") return std::make_unique<copy_codec>(false);
    if (name == "store") return std::make_unique<copy_codec>(true);
    if (int const level = level_of(name, "isal-", 3); level != 0) return std::make_unique<isal_codec>(level);
    if (int const level = level_of(name, "libdeflate-", 12); level != 0)
        return std::make_unique<libdeflate_codec>(level);
    if (int const level = level_of(name, "zstd-", 19); level != 0) return std::make_unique<zstd_codec>(level);
    return nullptr;
}

}  // namespace submitit::perf
