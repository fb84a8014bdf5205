// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include "archive/writers/fields.hpp"
#include "archive/zip/records.hpp"

TEST_SUITE_BEGIN("archive/writers zip times");

namespace submitit::archive::zip {
namespace {

struct dos {
    int year, month, day, hour, minute, second;
    bool operator==(dos const&) const = default;
};

doctest::String toString(dos const& at) {
    return (std::to_string(at.year) + '-' + std::to_string(at.month) + '-' + std::to_string(at.day) + ' ' +
            std::to_string(at.hour) + ':' + std::to_string(at.minute) + ':' + std::to_string(at.second))
        .c_str();
}

dos read(member const& of) {
    return {1980 + (of.dos_date >> 9), of.dos_date >> 5 & 15, of.dos_date & 31,
            of.dos_time >> 11,         of.dos_time >> 5 & 63, (of.dos_time & 31) * 2};
}

dos stamped(dos_clock& clock, std::int64_t seconds) {
    member of;
    of.mtime.seconds = seconds;
    clock.stamp(of);
    return read(of);
}

dos in_utc(std::int64_t seconds) {
    dos_clock clock{true};
    return stamped(clock, seconds);
}

/// The time zone for the life of this object.
class zone {
public:
    explicit zone(char const* name) {
        if (char const* const old = std::getenv("TZ"); old != nullptr) {
            before_ = old;
            had_one_ = true;
        }
        ::setenv("TZ", name, 1);
        ::tzset();
    }
    ~zone() {
        if (had_one_) {
            ::setenv("TZ", before_.c_str(), 1);
        } else {
            ::unsetenv("TZ");
        }
        ::tzset();
    }
    zone(zone const&) = delete;
    zone& operator=(zone const&) = delete;

private:
    std::string before_;
    bool had_one_ = false;
};

/// Id and payload of the time extra in a local header without a name.
testing::zip_extra time_extra(std::int64_t seconds) {
    member of;
    of.mtime.seconds = seconds;
    std::vector<std::byte> bytes(local_header_bytes(of));
    write_local_header(of, bytes);
    return testing::zip_extras(testing::fields{std::span{bytes}.subspan(30)}).at(0);
}

walk::entry entry_named(std::string name, std::uint32_t mode = S_IFREG | 0644) {
    walk::entry entry;
    entry.name = std::move(name);
    entry.stat.mode = mode;
    entry.stat.uid = 7;
    entry.stat.gid = 8;
    entry.stat.mtime = {1'700'000'000, 0};
    return entry;
}

}  // namespace

TEST_CASE("DOS times are exact to two seconds") {
    CHECK(in_utc(1'700'000'000) == dos{2023, 11, 14, 22, 13, 20});
    CHECK(in_utc(1'700'000'001) == dos{2023, 11, 14, 22, 13, 20});
    CHECK(in_utc(1'700'000'002) == dos{2023, 11, 14, 22, 13, 22});
    CHECK(in_utc(951'782'399) == dos{2000, 2, 28, 23, 59, 58});
    CHECK(in_utc(951'782'400) == dos{2000, 2, 29, 0, 0, 0});
}

TEST_CASE("times before 1980 and after 2107 become the nearest that DOS knows") {
    constexpr std::int64_t first = 315'532'800;   // 1980-01-01 00:00:00 UTC
    constexpr std::int64_t last = 4'354'819'198;  // 2107-12-31 23:59:58 UTC
    CHECK(in_utc(first) == dos{1980, 1, 1, 0, 0, 0});
    CHECK(in_utc(last) == dos{2107, 12, 31, 23, 59, 58});
    for (std::int64_t const early : {first - 1, std::int64_t{0}, std::int64_t{-1}, std::int64_t{-100'000'000'000},
                                     std::numeric_limits<std::int64_t>::min()}) {
        auto const shown = in_utc(early);
        CAPTURE(early);
        CHECK(dos{shown.year, shown.month, shown.day, shown.hour, shown.minute, 0} == dos{1980, 1, 1, 0, 0, 0});
    }
    for (std::int64_t const late : {last + 2, std::int64_t{10'000'000'000}, std::numeric_limits<std::int64_t>::max()}) {
        auto const shown = in_utc(late);
        CAPTURE(late);
        CHECK(dos{shown.year, shown.month, shown.day, shown.hour, shown.minute, 0} == dos{2107, 12, 31, 23, 59, 0});
    }
}

TEST_CASE("one clock gives any sequence of times as a fresh one does") {
    dos_clock clock{true};
    for (std::int64_t const seconds :
         {1'700'000'000, 1'700'000'019, 1'700'000'020, 1'699'999'999, 0, 1'700'000'000, 59, 60})
        CHECK(stamped(clock, seconds) == in_utc(seconds));
}

TEST_CASE("DOS times are local by custom, and UTC in a reproducible archive") {
    zone const two_hours_east{"TST-2"};
    dos_clock local{false};
    dos_clock utc{true};
    CHECK(stamped(local, 1'700'000'000) == dos{2023, 11, 15, 0, 13, 20});
    CHECK(stamped(utc, 1'700'000'000) == dos{2023, 11, 14, 22, 13, 20});
    CHECK(stamped(local, 315'532'800 - 7200) == dos{1980, 1, 1, 0, 0, 0});
}

TEST_CASE("times within 32 bits are in UT, others in NTFS time") {
    for (std::int64_t const seconds :
         {std::int64_t{INT32_MIN}, std::int64_t{-1}, std::int64_t{0}, std::int64_t{INT32_MAX}}) {
        CAPTURE(seconds);
        auto const extra = time_extra(seconds);
        CHECK(extra.id == 0x5455);
        CHECK(static_cast<std::int32_t>(extra.data.u32(1)) == seconds);
    }
    struct edge {
        std::int64_t seconds;
        std::uint64_t filetime;  // 100 ns since 1601
    };
    for (auto const& [seconds, filetime] :
         {edge{std::int64_t{INT32_MAX} + 1, (2'147'483'648ULL + 11'644'473'600ULL) * 10'000'000ULL},
          edge{std::int64_t{INT32_MIN} - 1, (11'644'473'600ULL - 2'147'483'649ULL) * 10'000'000ULL},
          edge{-11'644'473'600, 0}, edge{-11'644'473'601, 0}, edge{std::numeric_limits<std::int64_t>::min(), 0}}) {
        CAPTURE(seconds);
        auto const extra = time_extra(seconds);
        CHECK(extra.id == 0x000A);
        REQUIRE(extra.data.size() == 32);
        CHECK(extra.data.u32(0) == 0);
        CHECK(extra.data.u16(4) == 1);
        CHECK(extra.data.u16(6) == 24);
        for (std::size_t const at : {8U, 16U, 24U}) CHECK(extra.data.u64(at) == filetime);
    }
    auto const latest = time_extra(std::numeric_limits<std::int64_t>::max()).data.u64(8);
    CHECK(latest > time_extra(100'000'000'000).data.u64(8));
    CHECK(latest <=
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));  // FILETIME is signed to its readers
}

TEST_CASE("an entry is described with its kind, without setuid and setgid") {
    dos_clock clock{true};
    auto const entry = entry_named("tool", S_IFREG | 07755);
    auto const of = describe(entry, {}, clock);
    CHECK(of.mode == (S_IFREG | 01755));
    CHECK(of.uid == 7);
    CHECK(of.gid == 8);
    CHECK(of.mtime == timestamp{1'700'000'000, 0});
    CHECK(read(of) == dos{2023, 11, 14, 22, 13, 20});
}

TEST_CASE("the UTF-8 flag is set for names that need it and are it") {
    dos_clock clock{true};
    for (auto const& [name, flag] :
         {std::pair{"plain.txt", 0}, {"caf\xC3\xA9", 0x0800}, {"caf\xE9", 0}, {"back\\slash", 0}}) {
        auto const entry = entry_named(name);
        auto const of = describe(entry, {}, clock);
        CHECK(of.flags == flag);
        CHECK(of.name == name);
    }
}

TEST_CASE("a reproducible archive names no owner and no time after SOURCE_DATE_EPOCH") {
    dos_clock clock{true};
    attribute_options options;
    options.reproducible = true;
    options.mtime_max = 1'600'000'000;
    auto const entry = entry_named("x");
    auto const of = describe(entry, options, clock);
    CHECK(of.uid == 0);
    CHECK(of.gid == 0);
    CHECK(of.mtime == timestamp{1'600'000'000, 0});
}

}  // namespace submitit::archive::zip

TEST_SUITE_END();
