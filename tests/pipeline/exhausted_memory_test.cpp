// SPDX-License-Identifier: Apache-2.0
// The allocation with the number N fails, for N = 1, 2, 3, ... until an export needs fewer: it fails as a whole, or did not need
// that memory. A program of its own, as it takes the place of operator new. Small allocations always succeed: Boost.Asio 1.81 itself
// crashes when it has no memory for a strand.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "archive/read/support.hpp"
#include "pipeline/exporting.hpp"

namespace {

std::atomic<long> until_failure{-1};  ///< 1: the next fails; negative: none will

constexpr std::size_t least_bytes = 256;

void* allocate(std::size_t bytes, std::size_t alignment) {
    if (bytes >= least_bytes && until_failure.load(std::memory_order_relaxed) > 0 && until_failure.fetch_sub(1) == 1)
        throw std::bad_alloc{};
    void* const at = alignment == 0 ? std::malloc(bytes == 0 ? 1 : bytes)
                                    : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (at == nullptr) throw std::bad_alloc{};
    return at;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }

TEST_SUITE_BEGIN("pipeline/exhausted_memory");

namespace submitit::pipeline {
namespace {

struct small_tree {
    small_tree() {
        for (int i = 0; i < 12; ++i)
            tree.file("many/" + std::to_string(i), archive::testing::prose(static_cast<std::size_t>(i) * 97));
        tree.file("large", archive::testing::noise(2'500'000, 3));
        tree.link("link", "large");
        std::filesystem::create_hard_link(tree.path("large"), tree.path("same"));
    }
    walk::scratch_tree tree;
};

/// What an export with the N-th allocation failing came to.
struct attempt {
    bool was_hit = false;
    bool succeeded = false;
    bool committed = false;
    std::string bytes;
};

attempt export_with_failure(export_options options, long n) {
    memory_sink output;
    output.bytes.reserve(std::size_t{8} << 20U);
    options.format.seekable = true;
    attempt made;
    {
        live_progress progress;
        until_failure.store(n);
        try {
            running_export running{std::move(options), output, progress, {}};
            auto const report = running.wait();
            made.succeeded = report.failure.kind == failure_kind::none && report.first_notices.empty();
        } catch (std::bad_alloc const&) {
        }
        made.was_hit = until_failure.exchange(-1) <= 0;
    }
    made.committed = output.committed;
    made.bytes = std::move(output.bytes);
    return made;
}

void fail_at_each_allocation(format kind, io::backend_kind by) {
    small_tree const from;
    auto options = options_for(kind, contents_of(from.tree));
    options.io.kind = by;
    options.jobs = 2;
    auto const whole = export_with_failure(options, -1);
    REQUIRE(whole.succeeded);
    long hit = 0;
    // Every one of the first; later every few, as they repeat by entry.
    for (long n = 1;; n += 1 + n / 100) {
        CAPTURE(n);
        auto const made = export_with_failure(options, n);
        CHECK(made.committed == made.succeeded);
        if (made.succeeded) CHECK(made.bytes == whole.bytes);
        if (!made.was_hit) break;
        ++hit;
    }
    CHECK(hit > 20);
}

}  // namespace

TEST_CASE("zip, threads") { fail_at_each_allocation(format::zip, io::backend_kind::threads); }
TEST_CASE("tar.gz, threads") { fail_at_each_allocation(format::tar_gz, io::backend_kind::threads); }
TEST_CASE("tar.zst, threads") { fail_at_each_allocation(format::tar_zst, io::backend_kind::threads); }
TEST_CASE("zip, whatever backend there is") { fail_at_each_allocation(format::zip, io::backend_kind::automatic); }

}  // namespace submitit::pipeline

TEST_SUITE_END();
