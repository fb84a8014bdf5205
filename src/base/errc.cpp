// SPDX-License-Identifier: Apache-2.0
#include "base/errc.hpp"

#include <string>

namespace submitit {
namespace {

/// Its number makes the categories of two copies of the library, in one process, one and the same.
class category final : public boost::system::error_category {
public:
    category() noexcept : error_category{0x7375626D69746974} {}

    [[nodiscard]] char const* name() const noexcept override { return "submitit"; }

    [[nodiscard]] std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::cancelled: return "cancelled";
            case errc::budget_too_small: return "the memory budget is too small";
            case errc::source_replaced: return "replaced by another file";
            case errc::source_changed: return "changed while it was read";
            case errc::no_space_in_ticket: return "more data than planned";
            case errc::encoder_failed: return "the encoder failed";
            case errc::archive_corrupt: return "corrupt";
            case errc::archive_truncated: return "truncated";
            case errc::archive_unsupported: return "not a supported archive";
            case errc::contents_differ: return "contents differ";
            case errc::name_not_synced: return "the directory cannot be synced";
            case errc::io_uring_unavailable: return "io_uring is not available";
            case errc::engine_closed: return "the engine has been destroyed";
            case errc::engine_full: return "no room for another export now";
            case errc::nothing_to_store: return "nothing to store";
            case errc::warnings_refused: return "a warning, and warnings were refused";
            case errc::duplicate_source: return "two sources have the same stored name";
            case errc::internal: return "internal error";
        }
        return "unknown error";
    }
};

}  // namespace

error_code make_error_code(errc value) noexcept {
    static category const instance;
    return {static_cast<int>(value), instance};
}

}  // namespace submitit
