// SPDX-License-Identifier: Apache-2.0
// --io and SUBMITIT_IO_BACKEND, with a kernel that has io_uring and one that refuses it.
#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>

#include "cli/sandbox.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

struct choosing {
    temp_tree at;
    command here;

    choosing() {
        for (int i = 0; i < 40; ++i) at.put("src/f" + std::to_string(i), prose(1000 * static_cast<std::size_t>(i)));
        at.put("src/large", noise(2'500'000, 5));
        here.directory = at.path();
        here.environment = {{"SUBMITIT_IO_BACKEND", ""}};
    }

    [[nodiscard]] static bool has_uring() {
        bool const works = text(json_of(submitit({"doctor", "--json"}).out), {"io", "chosen"}) == "uring";
        if (!works) MESSAGE("no io_uring here: what --io uring does is skipped");
        return works;
    }
    [[nodiscard]] std::string backend_of(outcome const& done) const {
        REQUIRE(done.status == 0);
        return text(json_of(done.out), {"io", "backend"});
    }
};

}  // namespace

TEST_SUITE("cli/io") {
    TEST_CASE("the backend that ran is named, and the bytes are the same with each") {
        choosing const by;
        CHECK(by.backend_of(export_to("threads.zip", {"src", "--json", "--io", "threads"}, by.here)) == "threads");
        if (!choosing::has_uring()) return;
        CHECK(by.backend_of(export_to("auto.zip", {"src", "--json"}, by.here)) == "uring");
        CHECK(by.backend_of(export_to("uring.zip", {"src", "--json", "--io", "uring"}, by.here)) == "uring");
        CHECK(by.at.read("uring.zip") == by.at.read("threads.zip"));
        CHECK(by.at.read("auto.zip") == by.at.read("threads.zip"));
    }

    TEST_CASE(
        "a kernel that refuses io_uring: --io uring exits 70 with the reason, auto makes the same bytes by threads") {
        choosing const by;
        REQUIRE(export_to("before.tar.gz", {"src"}, by.here).status == 0);
        for (int const error : {EPERM, ENOSYS, ENOMEM}) {
            CAPTURE(error);
            auto sandboxed = by.here;
            sandboxed.in_child = without_io_uring(error);
            by.at.put("kept.zip", "old");
            auto const refused = export_to("kept.zip", {"src", "--io", "uring"}, sandboxed);
            CHECK(refused.status == 70);
            CHECK(lines_of(refused.err).size() == 1);
            CHECK(contains(refused.err, std::strerror(error)));
            CHECK(by.at.read("kept.zip") == "old");

            auto const done = export_to("auto.tar.gz", {"src", "--json"}, sandboxed);
            CHECK(by.backend_of(done) == "threads");
            CHECK(number(json_of(done.out), {"io", "uring_errno"}) == static_cast<std::uint64_t>(error));
            CHECK(contains(text(json_of(done.out), {"io", "reason"}), std::strerror(error)));
            CHECK(by.at.read("auto.tar.gz") == by.at.read("before.tar.gz"));

            auto const doctor = submitit({"doctor", "--json"}, sandboxed);
            CHECK(doctor.status == 0);
            CHECK(text(json_of(doctor.out), {"io", "chosen"}) == "threads");
            CHECK(contains(text(json_of(doctor.out), {"io", "reason"}), std::strerror(error)));
            CHECK(contains(submitit({"doctor"}, sandboxed).out, std::strerror(error)));
        }
    }

    TEST_CASE("SUBMITIT_IO_BACKEND stands in for --io, which beats it; nonsense is refused") {
        choosing const by;
        auto with = by.here;
        with.environment = {{"SUBMITIT_IO_BACKEND", "threads"}};
        CHECK(by.backend_of(export_to("x.zip", {"src", "--json"}, with)) == "threads");
        with.environment = {{"SUBMITIT_IO_BACKEND", "carrier-pigeon"}};
        auto const refused = export_to("y.zip", {"src"}, with);
        CHECK(refused.status != 0);
        CHECK(contains(refused.err, "SUBMITIT_IO_BACKEND"));
        CHECK_FALSE(by.at.exists("y.zip"));
        CHECK(by.backend_of(export_to("x.zip", {"src", "--json", "--io", "threads"}, with)) == "threads");
        CHECK(export_to("x.zip", {"src", "--io", "carrier-pigeon"}, by.here).status == 2);
        with.environment = {{"SUBMITIT_IO_BACKEND", "uring"}};
        with.in_child = without_io_uring(EPERM);
        CHECK(export_to("y.zip", {"src"}, with).status == 70);
        if (!choosing::has_uring()) return;
        with.in_child = nullptr;
        with.environment = {{"SUBMITIT_IO_BACKEND", "threads"}};
        CHECK(by.backend_of(export_to("x.zip", {"src", "--json", "--io", "uring"}, with)) == "uring");
    }
}

}  // namespace submitit::testing
