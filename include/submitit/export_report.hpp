// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "submitit/notice.hpp"

namespace submitit {

/// What an export did; complete also after a failure (then of the part that was done).
struct export_report {
    std::uint64_t entries = 0;                          ///< stored, of every kind
    std::uint64_t files = 0;                            ///< regular ones
    std::uint64_t directories = 0;                      ///< an entry each
    std::uint64_t links = 0;                            ///< symbolic and hard
    std::uint64_t others = 0;                           ///< FIFOs and devices
    std::uint64_t content_bytes = 0;                    ///< of regular files
    std::uint64_t output_bytes = 0;                     ///< of the archive
    std::array<std::uint64_t, notice_kinds> notices{};  ///< by kind
    std::vector<notice> first_notices;                  ///< the first 20
    double seconds = 0;                                 ///< from start to end
    std::string path;                                   ///< of the published file
    std::string digest;          ///< with checksums: of everything that decides the bytes; hexadecimal
    std::string failed_path;     ///< after a failure: the source or output concerned; may be empty
    std::string failure_detail;  ///< after a failure: completes the error's sentence; may be empty

    /// Notices that are warnings, not notes.
    [[nodiscard]] std::uint64_t warnings() const noexcept {
        std::uint64_t sum = 0;
        for (std::size_t kind = 0; kind < notices.size(); ++kind)
            if (!is_note(static_cast<notice_kind>(kind))) sum += notices[kind];
        return sum;
    }
};

/// Figures of an export that runs.
struct export_progress {
    std::uint64_t entries = 0;        ///< in the output
    std::uint64_t content_bytes = 0;  ///< of regular files, in the output
    std::uint64_t output_bytes = 0;   ///< written, or taken by the reader
    std::uint64_t warnings = 0;       ///< so far
    bool publishing = false;          ///< syncing and naming a file
    bool ended = false;               ///< well or not
};

/// A stored zip's size and identity, known before it is sent.
struct archive_measure {
    std::uint64_t bytes = 0;  ///< of the archive
    std::string digest;       ///< 32 hexadecimal digits: equal for equal bytes, as an entity tag needs it
};

/// A regular file's content is in the output.
struct file_processed {
    std::string name;         ///< as stored
    std::uint64_t bytes = 0;  ///< of its content
};

/// The walk has ended.
struct analysis_complete {
    std::uint64_t entries = 0;        ///< of every kind
    std::uint64_t content_bytes = 0;  ///< of regular files
};

/// The export has ended, well or not; tells what its completion handler is told.
struct export_complete {
    boost::system::error_code error;  ///< none when it ended well
    export_report report;             ///< complete in both cases
};

}  // namespace submitit
