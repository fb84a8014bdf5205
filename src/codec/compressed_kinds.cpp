// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "codec/compressible.hpp"

namespace submitit::codec {
namespace {

using namespace std::string_view_literals;

/// Sorted byte-wise, lower case; at most 8 bytes each.
constexpr std::array extensions{
    "3gp"sv,      "7z"sv,  "aac"sv,  "aar"sv,  "ace"sv,  "ape"sv,   "apk"sv,   "arj"sv,  "avif"sv, "br"sv,   "bz2"sv,
    "cab"sv,      "cbr"sv, "cbz"sv,  "crx"sv,  "deb"sv,  "docm"sv,  "docx"sv,  "ear"sv,  "egg"sv,  "epub"sv, "flac"sv,
    "flv"sv,      "gif"sv, "gz"sv,   "heic"sv, "heif"sv, "ipa"sv,   "jar"sv,   "jp2"sv,  "jpeg"sv, "jpg"sv,  "jxl"sv,
    "jxr"sv,      "lha"sv, "lrz"sv,  "lz"sv,   "lz4"sv,  "lzh"sv,   "lzma"sv,  "lzo"sv,  "m4a"sv,  "m4v"sv,  "mkv"sv,
    "mov"sv,      "mp3"sv, "mp4"sv,  "mpeg"sv, "mpg"sv,  "msix"sv,  "nupkg"sv, "odp"sv,  "ods"sv,  "odt"sv,  "oga"sv,
    "ogg"sv,      "ogv"sv, "opus"sv, "pack"sv, "png"sv,  "pptm"sv,  "pptx"sv,  "rar"sv,  "rpm"sv,  "rz"sv,   "snap"sv,
    "squashfs"sv, "sz"sv,  "tbz"sv,  "tbz2"sv, "tgz"sv,  "tlz"sv,   "txz"sv,   "tzst"sv, "vsix"sv, "war"sv,  "webm"sv,
    "webp"sv,     "whl"sv, "wma"sv,  "wmv"sv,  "woff"sv, "woff2"sv, "xapk"sv,  "xlsm"sv, "xlsx"sv, "xpi"sv,  "xz"sv,
    "z"sv,        "zip"sv, "zipx"sv, "zst"sv,  "zstd"sv,
};
static_assert(std::ranges::is_sorted(extensions));

struct signature {
    std::size_t offset;
    std::string_view bytes;
};

// Sources: the formats' own documents, as collected in file(1)'s magic files.
constexpr std::array signatures{
    signature{0, "\x1F\x8B\x08"sv},      // gzip
    signature{0, "\x28\xB5\x2F\xFD"sv},  // zstd
    signature{0,
              "\xFD"
              "7zXZ\0"sv},                        // xz
    signature{0, "7z\xBC\xAF\x27\x1C"sv},         // 7z
    signature{0, "\x04\x22\x4D\x18"sv},           // lz4 frame
    signature{0, "LZIP\x01"sv},                   // lzip
    signature{0, "\x89LZO\0\x0D\x0A\x1A\x0A"sv},  // lzop
    signature{0, "PK\x03\x04"sv},                 // zip and what builds on it
    signature{0, "Rar!\x1A\x07"sv},               // rar 4 and 5
    signature{0, "\xFF\xD8\xFF"sv},               // jpeg
    signature{0, "\x89PNG\x0D\x0A\x1A\x0A"sv},    // png
    signature{0, "GIF87a"sv},
    signature{0, "GIF89a"sv},
    signature{8, "WEBPVP8"sv},           // in RIFF
    signature{4, "ftyp"sv},              // mp4, mov, m4a, heic, avif
    signature{0, "\x1A\x45\xDF\xA3"sv},  // matroska, webm
    signature{0, "OggS\0"sv},
    signature{0, "fLaC\0"sv},
    signature{0, "ID3\x02"sv},  // mp3 with a tag
    signature{0, "ID3\x03"sv},
    signature{0, "ID3\x04"sv},
    signature{0, "\x30\x26\xB2\x75\x8E\x66\xCF\x11"sv},  // asf: wma, wmv
    signature{0, "FLV\x01"sv},
    signature{0, "wOFF"sv},
    signature{0, "wOF2"sv},
    signature{0, "\xED\xAB\xEE\xDB"sv},  // rpm
    signature{0, "hsqs"sv},              // squashfs
    signature{0, "PACK\0\0\0\x02"sv},    // git pack
};

bool matches(std::string_view head, signature const& s) {
    return head.size() >= s.offset && head.substr(s.offset).starts_with(s.bytes);
}

}  // namespace

bool has_compressed_extension(std::string_view name) noexcept {
    std::size_t const dot = name.find_last_of("./");
    if (dot == std::string_view::npos || name[dot] == '/' || dot == 0 || name[dot - 1] == '/') return false;
    std::string_view const extension = name.substr(dot + 1);
    std::array<char, 8> lower{};
    if (extension.size() > lower.size()) return false;
    std::ranges::transform(extension, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return std::ranges::binary_search(extensions, std::string_view(lower.data(), extension.size()));
}

bool has_compressed_magic(std::span<std::byte const> head) noexcept {
    if (head.empty()) return false;
    std::string_view const text(reinterpret_cast<char const*>(head.data()), std::min<std::size_t>(head.size(), 16));
    if (text.starts_with("BZh")) return text.size() >= 10 && text.substr(4, 6) == "1AY&SY"sv;  // a level digit, then pi
    return std::ranges::any_of(signatures, [&](signature const& s) { return matches(text, s); });
}

}  // namespace submitit::codec
