// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "archive/read/entry_sink.hpp"
#include "archive/read/session.hpp"

namespace submitit::archive::reader {

/// Counts entries, files and bytes into the report, and passes everything on to `next` (may be null).
class tally final : public entry_sink {
public:
    tally(session& run, entry_sink* next) : report_{run.report()}, next_{next} {}

    void begin(entry_info const& entry) override {
        ++report_.entries;
        if (entry.kind == '-') ++report_.files;
        if (next_ != nullptr) next_->begin(entry);
    }
    void data(std::span<std::byte const> bytes) override {
        report_.content_bytes += bytes.size();
        if (next_ != nullptr) next_->data(bytes);
    }
    void hole(std::uint64_t bytes) override {
        report_.content_bytes += bytes;
        if (next_ != nullptr) next_->hole(bytes);
    }
    void end() override {
        if (next_ != nullptr) next_->end();
    }

private:
    verify_report& report_;
    entry_sink* next_;
};

}  // namespace submitit::archive::reader
