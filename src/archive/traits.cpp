// SPDX-License-Identifier: Apache-2.0
#include "archive/traits.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "archive/tar/compressors.hpp"
#include "archive/tar/containers.hpp"
#include "archive/tar/header.hpp"
#include "archive/zip/container.hpp"
#include "archive/zip/encoder.hpp"
#include "base/sizes.hpp"
#include "codec/compressible.hpp"
#include "codec/deflate.hpp"
#include "codec/zstd.hpp"

namespace submitit::archive {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t up_to_page(std::size_t bytes) noexcept { return (bytes + page - 1) / page * page; }

/// Samples of a large file: enough for a signature and for a trial.
bool content_is_compressed(walk::entry const& entry, int fd) {
    if (codec::has_compressed_extension(entry.name)) return true;
    if (fd < 0) return false;
    static constexpr std::size_t piece = 16 * 1024;
    std::vector<std::byte> sample(piece);
    auto const pieces = std::array{std::uint64_t{0}, entry.stat.size / 2,
                                   entry.stat.size - std::min<std::uint64_t>(entry.stat.size, piece)};
    for (auto const at : pieces) {
        auto const n = ::pread(fd, sample.data(), sample.size(), static_cast<off_t>(at));
        if (n <= 0) return false;
        auto const got = std::span<std::byte const>{sample}.first(static_cast<std::size_t>(n));
        if (at == 0 && codec::has_compressed_magic(got)) return true;
        if (codec::looks_compressible(got)) return false;
    }
    return true;
}

}  // namespace

std::size_t traits::ticket_bytes() const noexcept {
    if (options_.small_tickets) return 128 * KiB;
    return options_.kind == format::tar_zst && !options_.single_frame ? 4 * MiB : 1 * MiB;
}

std::size_t traits::slab_bytes() const noexcept {
    auto const ticket = ticket_bytes();
    switch (options_.kind) {
        case format::tar: return ticket;
        case format::tar_zst: return options_.single_frame ? ticket : up_to_page(codec::zstd_encoder::bound(ticket));
        case format::zip:
        case format::tar_gz: break;
    }
    return up_to_page(codec::deflate_encoder::segment_bound(ticket));
}

std::uint64_t traits::worker_bytes() const noexcept {
    switch (options_.kind) {
        case format::tar: return 0;
        case format::zip:
            return codec::deflate_encoder::context_bytes(options_.store ? 1 : options_.level, options_.reproducible,
                                                         codec::deflate_use::entry) +
                   slab_bytes() + limits().footprint_max;
        case format::tar_gz:
            return codec::deflate_encoder::context_bytes(options_.level, options_.reproducible,
                                                         codec::deflate_use::segment) +
                   slab_bytes();
        case format::tar_zst: break;
    }
    return options_.single_frame ? 0
                                 : codec::zstd_encoder::context_bytes(options_.level, ticket_bytes()) + slab_bytes();
}

std::uint64_t traits::container_bytes(unsigned workers) const noexcept {
    if (options_.kind != format::tar_zst || !options_.single_frame) return 0;
    return codec::zstd_stream::context_bytes(options_.level, workers) + 2 * ticket_bytes();
}

std::uint64_t traits::window_tickets(unsigned workers) const noexcept {
    if (options_.small_tickets) return 3;
    return options_.kind == format::tar ? std::uint64_t{4} * workers : 0;
}

plan::shape traits::shape() const {
    plan::shape wanted;
    wanted.ticket_bytes = ticket_bytes();
    wanted.limits = limits();
    if (is_tar()) {
        wanted.hard_links = true;
        wanted.specials = true;
        wanted.header_bytes = [attributes = options_.attributes](walk::entry const& entry, std::uint64_t size) {
            return std::uint64_t{tar::header_bytes(entry, size, attributes)};
        };
        wanted.entry_bytes = [attributes = options_.attributes](walk::entry const& entry, std::uint64_t size) {
            return tar::header_bytes(entry, size, attributes) + tar::padded(size);
        };
        return wanted;
    }
    wanted.entry_bytes = zip::entry_bytes;
    wanted.header_bytes = [](walk::entry const&, std::uint64_t) { return std::uint64_t{0}; };
    // Readers that go forward only cannot find the end of a stored entry with a descriptor: a pipe gets deflate.
    if (options_.seekable) {
        if (options_.store) {
            wanted.store_large = [](walk::entry const&, int) { return true; };
        } else {
            wanted.store_large = content_is_compressed;
        }
    }
    return wanted;
}

std::unique_ptr<encoder> traits::make_encoder() const {
    switch (options_.kind) {
        case format::zip:
            return zip::make_encoder(
                {options_.attributes, options_.level, options_.store, options_.reproducible, slab_bytes()});
        case format::tar: return tar::make_encoder(options_.attributes, nullptr, false);
        case format::tar_gz:
            return tar::make_encoder(options_.attributes,
                                     tar::make_gzip_compressor(options_.level, options_.reproducible, slab_bytes()),
                                     true);
        case format::tar_zst: break;
    }
    if (options_.single_frame) return tar::make_encoder(options_.attributes, nullptr, false);
    return tar::make_encoder(options_.attributes,
                             tar::make_zstd_compressor(options_.level, ticket_bytes(), slab_bytes()), false);
}

std::unique_ptr<container> traits::make_container(unsigned workers) const {
    switch (options_.kind) {
        case format::zip: return zip::make_container(options_.attributes, options_.seekable, spool_window_bytes());
        case format::tar: return tar::make_plain_container();
        case format::tar_gz: return tar::make_gzip_container(options_.level);
        case format::tar_zst: break;
    }
    if (options_.single_frame) return tar::make_single_frame_container(options_.level, workers);
    return tar::make_zstd_container(spool_window_bytes());
}

char const* to_string(format kind) noexcept {
    switch (kind) {
        case format::zip: return "zip";
        case format::tar: return "tar";
        case format::tar_gz: return "tar.gz";
        case format::tar_zst: return "tar.zst";
    }
    return "unknown";
}

namespace {

struct suffix {
    std::string_view text;
    format kind;
};
constexpr std::array known_suffixes{suffix{".zip", format::zip},         suffix{".tar", format::tar},
                                    suffix{".tar.gz", format::tar_gz},   suffix{".tgz", format::tar_gz},
                                    suffix{".tar.zst", format::tar_zst}, suffix{".tzst", format::tar_zst},
                                    suffix{".tar.zstd", format::tar_zst}};

std::string lower(std::string_view text) {
    std::string out{text};
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

}  // namespace

std::optional<format> format_of_suffix(std::string_view file_name) noexcept {
    auto const name = lower(file_name);
    for (auto const& known : known_suffixes)
        if (name.size() > known.text.size() && name.ends_with(known.text)) return known.kind;
    return std::nullopt;
}

std::optional<format> parse_format(std::string_view text) noexcept {
    auto const name = '.' + lower(text);
    for (auto const& known : known_suffixes)
        if (name == known.text) return known.kind;
    return std::nullopt;
}

}  // namespace submitit::archive
