// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "status/live_histogram.hpp"
#include "status/occupancy.hpp"
#include "status/process.hpp"

namespace submitit::status {

TEST_SUITE("status/live") {
    TEST_CASE("an occupancy sums the time of all that were in it, and of those that still are") {
        occupancy room;
        CHECK(room.depth() == 0);
        CHECK(room.sum_us(1000) == 0);
        room.enter(1000);
        room.enter(1500);
        CHECK(room.depth() == 2);
        CHECK(room.sum_us(2000) == 1500);
        room.leave(2000);
        CHECK(room.depth() == 1);
        CHECK(room.sum_us(2000) == 1500);
        CHECK(room.sum_us(3000) == 2500);
        room.leave(4000);
        CHECK(room.depth() == 0);
        CHECK(room.sum_us(9000) == 3500);
    }

    TEST_CASE("its clock may begin anywhere, and pass the end of the bits that are kept of it") {
        for (std::uint64_t const begin : {std::uint64_t{0}, (std::uint64_t{1} << 48U) - 5, ~std::uint64_t{0} - 5}) {
            CAPTURE(begin);
            occupancy room;
            room.enter(begin);
            room.enter(begin + 3);
            CHECK(room.sum_us(begin + 10) == 17);
            room.leave(begin + 10);
            room.leave(begin + 20);
            CHECK(room.sum_us(begin + 30) == 27);
        }
    }

    TEST_CASE("what it said is not taken back, where somebody entered after the clock was read") {
        occupancy room;
        room.enter(100);
        CHECK(room.sum_us(200) == 100);
        room.enter(250);
        CHECK(room.sum_us(200) == 100);  // 50 is what the words say
        occupancy other;
        other.enter(500);
        CHECK(other.sum_us(400) == 0);
    }

    TEST_CASE("a reader sees it rise and never more in it than there are, whatever others do") {
        occupancy room;
        std::atomic<bool> stop{false};
        std::vector<std::thread> others;
        for (int i = 0; i < 3; ++i)
            others.emplace_back([&] {
                while (!stop.load()) staying const here{room};
            });
        std::uint64_t last = 0;
        bool rises = true;
        std::uint64_t deepest = 0;
        for (int i = 0; i < 20'000; ++i) {
            auto const sum = room.sum_us(now_us());
            rises = rises && sum >= last;
            last = sum;
            deepest = std::max(deepest, room.depth());
        }
        stop.store(true);
        for (auto& one : others) one.join();
        CHECK(rises);
        CHECK(deepest <= 3);
        CHECK(room.depth() == 0);
    }

    TEST_CASE("a histogram counts a value with its bound, and all of them cumulatively") {
        live_histogram<3> live{{10, 20, 40}};
        for (std::uint64_t const value : {0UL, 10UL, 11UL, 20UL, 40UL, 41UL, 1000UL}) live.add(value);
        auto const told = live.told(0.5);
        CHECK(told.bounds == std::vector<double>{5, 10, 20});
        CHECK(told.counts == std::vector<std::uint64_t>{2, 4, 5});
        CHECK(told.count == 7);
        CHECK(told.sum == doctest::Approx(561));
    }

    TEST_CASE("this process has memory, descriptors and a beginning") {
        auto const now = read_process();
        CHECK(now.resident_bytes > 100'000);
        CHECK(now.descriptors >= 3);
        CHECK(now.descriptors <= now.descriptors_max);
        CHECK(now.start_time_seconds > 1.6e9);
        CHECK(now.cpu_seconds > 0);
        CHECK(this_build().version != "");
        CHECK(this_build().kernel.starts_with("Linux "));
    }
}

}  // namespace submitit::status
