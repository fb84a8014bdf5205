// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "archive/read/input_file.hpp"
#include "archive/read/session.hpp"
#include "archive/read/zstd_frame.hpp"
#include "base/result.hpp"

namespace submitit::archive::reader {

/// Decodes zstd frames one at a time through libzstd, which checks each frame's own checksum and size. One context for a
/// whole archive; its window is bounded by session::window_bytes_max().
class zstd_decoder {
public:
    using output = std::function<bool(std::span<std::byte const>)>;  ///< false: enough, stop

    explicit zstd_decoder(session& run);
    ~zstd_decoder();
    zstd_decoder(zstd_decoder const&) = delete;
    zstd_decoder& operator=(zstd_decoder const&) = delete;

    struct outcome {
        zstd_frame_header header;
        std::uint64_t bytes = 0;  ///< of the frame in the file
        std::uint64_t content_bytes = 0;
        std::uint32_t hash = 0;  ///< low half of XXH64 of the content, when asked for
        bool stopped = false;    ///< `out` said so
        std::string why;         ///< not empty: the frame is damaged, cut short or not decodable here
    };
    /// One frame that begins at `position` and may not reach past `limit`; skippable ones are stepped over.
    [[nodiscard]] result<outcome> frame(input_window& window, std::uint64_t position, std::uint64_t limit, bool hash,
                                        output const& out);

private:
    struct context;

    [[nodiscard]] std::string refusal(zstd_frame_header const& header) const;
    [[nodiscard]] result<> decode(input_window& window, std::uint64_t position, std::uint64_t limit, bool hash,
                                  output const& out, outcome& done);

    session& run_;
    std::unique_ptr<context> context_;
    std::vector<std::byte> out_;
};

}  // namespace submitit::archive::reader
