// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "io/engines.hpp"
#include "io/few_descriptors.hpp"
#include "io/open_slots.hpp"

using namespace submitit;
using namespace submitit::io;
using namespace submitit::io::testing;

namespace {

/// Many small files in directories of a hundred.
void put_many(scratch const& dir, reads& all, int count) {
    for (int i = 0; i < count; ++i) {
        auto name = std::to_string(i / 100);
        if (i % 100 == 0) dir.directory(name);
        name += '/';
        name += std::to_string(i);
        auto const size = static_cast<std::size_t>(i % 300);
        dir.put(name, pattern(size, static_cast<std::uint64_t>(i)));
        all.add(dir.fd(), name, size);
    }
}

void check_many(reads& all) {
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        bool const right = all[i].stage == read_stage::done && !all[i].error && all.content(i) == pattern(i % 300, i);
        if (!right) ++wrong;
        all[i].got = 0;
        all[i].before = {};
    }
    CHECK(wrong == 0);
}

}  // namespace

TEST_SUITE_BEGIN("io/descriptors");

TEST_CASE("5,000 files at once through four descriptors all arrive, and no fifth is taken") {
    scratch const dir;
    reads all;
    put_many(dir, all, 5000);
    backend_options options;
    options.open_slots = 4;
    on_backends(options, [&](backend& engine) {
        few_descriptors const four{4};
        all.run(engine);
        check_many(all);
        CHECK(engine.counters().descriptor_waits == 0);
        CHECK(engine.counters().ops == 5000);
    });
}

TEST_CASE("with fewer descriptors than slots every file still arrives, and the waits are counted") {
    scratch const dir;
    reads all;
    put_many(dir, all, 1000);
    for (unsigned const free : {1U, 2U, 5U}) {
        CAPTURE(free);
        on_every_way({}, [&](backend& engine) {
            for (std::size_t i = 0; i < all.size(); ++i) dir.chill(std::string{all[i].path});
            few_descriptors const few{free};
            all.run(engine);
            check_many(all);
        });
    }
}

TEST_CASE("EMFILE lowers how many are open, and every file arrives") {
    scratch const dir;
    reads all;
    put_many(dir, all, 500);
    on_backends({}, [&](backend& engine) {
        // Opens in flight are what exhausts two descriptors; a warm tree on one core may never have three files open.
        do {
            few_descriptors const two{2};
            all.run(engine);
            check_many(all);
        } while (engine.counters().descriptor_waits == 0);
        CHECK(engine.counters().descriptor_waits > 0);
    });
}

TEST_CASE("with no descriptor at all reads wait for one, a millisecond at a time") {
    scratch const dir;
    reads all;
    put_many(dir, all, 100);
    on_backends({}, [&](backend& engine) {
        auto const start = std::chrono::steady_clock::now();
        std::uint64_t waits = 0;
        {
            few_descriptors const none{0};
            all.submit(engine);
            while (waits < 200) {
                std::this_thread::yield();
                waits = engine.counters().descriptor_waits;
            }
        }
        auto const took = std::chrono::steady_clock::now() - start;
        all.wait();
        check_many(all);
        // Every slot may be refused once at the start; from then on each thread of the pool tries once a millisecond.
        auto const ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
        backend_options const defaults;
        CHECK(waits <= defaults.open_slots + defaults.threads * (ms + 1));
    });
}

TEST_CASE("open_slots: the bound falls to what is held and rises by one for 64 closes") {
    open_slots slots{8};
    for (int i = 0; i < 8; ++i) slots.take();
    CHECK_FALSE(slots.available());
    slots.refused();
    CHECK(slots.bound() == 7);
    CHECK_FALSE(slots.available());
    slots.give_back();
    CHECK(slots.available());
    for (int i = 0; i < 63; ++i) {
        CHECK(slots.bound() == 7);
        slots.take();
        slots.give_back();
    }
    CHECK(slots.bound() == 8);
    for (int i = 0; i < 640; ++i) {
        slots.take();
        slots.give_back();
    }
    CHECK(slots.bound() == 8);
}

TEST_CASE("open_slots: one is always possible") {
    open_slots slots{0};
    CHECK(slots.available());
    slots.take();
    CHECK_FALSE(slots.available());
    slots.refused();
    CHECK(slots.held() == 0);
    CHECK(slots.bound() == 1);
    CHECK(slots.available());
}

TEST_SUITE_END();
