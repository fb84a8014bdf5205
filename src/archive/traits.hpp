// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "archive/attributes.hpp"
#include "archive/container.hpp"
#include "archive/encoder.hpp"
#include "plan/planner.hpp"
#include "submitit/format.hpp"

namespace submitit::archive {

struct format_options {
    format kind = format::zip;
    int level = 6;
    bool store = false;         ///< zip: nothing is compressed
    bool single_frame = false;  ///< tar.zst
    bool reproducible = false;
    bool seekable = true;        ///< the output can be patched and cut back
    bool small_tickets = false;  ///< 128 KiB of input each, and small windows: for many exports in one budget
    attribute_options attributes;

    bool operator==(format_options const&) const = default;
};

/// Everything the pipeline must know of a container, in one place: the explicit table of formats.
class traits {
public:
    explicit traits(format_options options) : options_{std::move(options)} {}

    /// Archive input of a ticket; part of the bytes.
    [[nodiscard]] std::size_t ticket_bytes() const noexcept;
    /// Memory of one ticket: its input, or what it becomes at worst.
    [[nodiscard]] std::size_t slab_bytes() const noexcept;
    /// Memory of one worker: codec context and scratch.
    [[nodiscard]] std::uint64_t worker_bytes() const noexcept;
    /// Memory of the container beyond its spool window.
    [[nodiscard]] std::uint64_t container_bytes(unsigned workers) const noexcept;

    /// Tickets in flight at once; 0: as many as the budget has room for. Plain tar only copies, so its slabs should stay in the
    /// processor's cache between the read and the write: 8 MiB of them took 1.4 s where 60 MiB took 3.6.
    [[nodiscard]] std::uint64_t window_tickets(unsigned workers) const noexcept;

    [[nodiscard]] plan::shape shape() const;
    [[nodiscard]] std::unique_ptr<encoder> make_encoder() const;
    [[nodiscard]] std::unique_ptr<container> make_container(unsigned workers) const;
    [[nodiscard]] bool is_tar() const noexcept { return options_.kind != format::zip; }
    [[nodiscard]] format_options const& options() const noexcept { return options_; }

    /// Memory of the container's directory; more is spilled.
    [[nodiscard]] std::size_t spool_window_bytes() const noexcept {
        return options_.small_tickets ? 64U << 10U : 1U << 20U;
    }
    [[nodiscard]] plan::batch_limits limits() const noexcept {
        return options_.small_tickets ? plan::batch_limits::small() : plan::batch_limits{};
    }

private:
    format_options options_;
};

/// "zip", "tar", "tar.gz", "tar.zst": also the canonical suffix.
[[nodiscard]] char const* to_string(format kind) noexcept;

/// The format a file name's suffix or -f names; none when it is not known.
[[nodiscard]] std::optional<format> format_of_suffix(std::string_view file_name) noexcept;
[[nodiscard]] std::optional<format> parse_format(std::string_view text) noexcept;

}  // namespace submitit::archive
