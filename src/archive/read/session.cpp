// SPDX-License-Identifier: Apache-2.0
#include "archive/read/session.hpp"

#include <algorithm>

#include "base/sizes.hpp"

namespace submitit::archive::reader {
namespace {

constexpr std::size_t problems_max = 100;
constexpr std::size_t notes_max = 20;
constexpr std::size_t path_bytes_max = 4096;  // 100 hostile names of 64 KiB would be 6 MiB of report
constexpr std::uint64_t own_buffers_bytes = 8 * MiB;

}  // namespace

verdict session::problem(std::string_view path, std::string message) {
    ++report_.problem_count;
    if (report_.problems.size() < problems_max)
        report_.problems.push_back({std::string{path.substr(0, path_bytes_max)}, std::move(message)});
    return verdict::damaged;
}

void session::note(std::string message) {
    auto& notes = report_.notes;
    if (notes.size() >= notes_max || std::ranges::find(notes, message) != notes.end()) return;
    notes.push_back(std::move(message));
}

void session::advance(std::uint64_t bytes) {
    read_bytes_ += bytes;
    if (options_.progress) options_.progress(std::min(read_bytes_, report_.archive_bytes), report_.archive_bytes);
}

std::uint64_t session::window_bytes_max() const noexcept {
    auto const budget = options_.memory_bytes;
    auto const left = budget > own_buffers_bytes ? budget - own_buffers_bytes : 0;
    return std::clamp<std::uint64_t>(left, 8 * MiB, 128 * MiB);
}

std::string session::too_large(std::string_view what, std::uint64_t bytes) const {
    return "needs a " + std::string{what} + " of " + format_size(bytes) + "; the memory allowed leaves " +
           format_size(window_bytes_max());
}

std::string hex32(std::uint32_t value) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out(8, '0');
    for (std::size_t i = 0; i < 8; ++i) out[7 - i] = digits[(value >> (4 * i)) & 15U];
    return out;
}

std::string count_bytes(std::uint64_t bytes) { return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes"); }

}  // namespace submitit::archive::reader
