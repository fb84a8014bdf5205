// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace submitit::archive::reader {

/// What a container says about one entry before its content arrives.
struct entry_info {
    std::string path;                   ///< as stored, raw bytes
    char kind = '-';                    ///< as ls: - d l h(ard link) p c b; '?' a tar type this program does not know
    std::optional<std::uint64_t> size;  ///< of the content once decoded, when the container says so
    std::string link_target;            ///< of l and h; empty when the target is the content (zip)
};

/// Receives the entries of an archive in order: begin, any number of data and hole, end. Readers call it, whatever the
/// format; it never fails (findings go to the session). An entry cut short by damage has no end.
class entry_sink {
public:
    virtual ~entry_sink() = default;
    virtual void begin(entry_info const& entry) = 0;
    virtual void data(std::span<std::byte const> bytes) = 0;
    virtual void hole(std::uint64_t bytes) = 0;  ///< so many zero bytes that are not stored
    virtual void end() = 0;
};

/// Receives a decoded stream in order.
class byte_sink {
public:
    virtual ~byte_sink() = default;
    virtual void feed(std::span<std::byte const> bytes) = 0;
    /// The stream is complete. Not called after a decoder failed: what is missing then is no second fault.
    virtual void finish() = 0;
};

}  // namespace submitit::archive::reader
