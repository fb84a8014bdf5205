// SPDX-License-Identifier: Apache-2.0
// Whoever reads /status reads src/http/status.schema.json first, so both say the same.
#include "http/snapshot_json.hpp"

#include <doctest/doctest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include "http/sample_snapshot.hpp"
#include "http/talking.hpp"

namespace submitit::testing {
namespace {

namespace json = boost::json;

json::object schema() {
    char const* const path = std::getenv("SUBMITIT_STATUS_SCHEMA");
    REQUIRE(path != nullptr);
    std::ostringstream text;
    text << std::ifstream{path}.rdbuf();
    return json::parse(text.str()).as_object();
}

/// As far as the schema uses JSON Schema, and stricter in one: a member must be described.
class checker {
public:
    explicit checker(json::object whole) : whole_{std::move(whole)} {}

    void check(json::value const& value) { check(value, whole_, "status"); }

private:
    void check(json::value const& value, json::object const& by, std::string const& at) {
        CAPTURE(at);
        if (auto const* const ref = by.if_contains("$ref")) {
            auto const name = std::string{ref->as_string()}.substr(std::string_view{"#/$defs/"}.size());
            return check(value, whole_.at("$defs").at(name).as_object(), at);
        }
        CHECK_MESSAGE(is_of(value, by.at("type")), at);
        if (auto const* const all = by.if_contains("enum"))
            CHECK_MESSAGE(std::find(all->as_array().begin(), all->as_array().end(), value) != all->as_array().end(),
                          at);
        if (auto const* const only = by.if_contains("const")) CHECK(value == *only);
        if (auto const* const least = by.if_contains("minItems"))
            CHECK(value.as_array().size() >= least->to_number<std::size_t>());
        if (value.is_array())
            for (auto const& one : value.as_array()) check(one, by.at("items").as_object(), at + "[]");
        if (value.is_object()) check_members(value.as_object(), by, at);
    }

    void check_members(json::object const& value, json::object const& by, std::string const& at) {
        auto const& known = by.at("properties").as_object();
        for (auto const& [name, one] : value) {
            auto const* const described = known.if_contains(name);
            CHECK_MESSAGE(described != nullptr, at << "." << std::string{name} << " is not in the schema");
            if (described != nullptr) check(one, described->as_object(), at + '.' + std::string{name});
        }
        for (auto const& [name, one] : known) {
            CHECK_MESSAGE(value.contains(name), at << "." << std::string{name} << " is in the schema only");
            CHECK_MESSAGE((one.as_object().contains("description") || one.as_object().contains("properties") ||
                           one.as_object().contains("$ref")),
                          at << "." << std::string{name} << " is not explained");
        }
        for (auto const& name : by.at("required").as_array()) CHECK(value.contains(name.as_string()));
    }

    static bool is_of(json::value const& value, json::value const& type) {
        if (type.is_array())
            return std::any_of(type.as_array().begin(), type.as_array().end(),
                               [&](auto const& one) { return is_of(value, one); });
        std::string_view const name = type.as_string();
        if (name == "object") return value.is_object();
        if (name == "array") return value.is_array();
        if (name == "string") return value.is_string();
        if (name == "boolean") return value.is_bool();
        if (name == "null") return value.is_null();
        return name == "integer" ? value.is_int64() || value.is_uint64() : value.is_number();
    }

    json::object whole_;
};

}  // namespace

TEST_SUITE("http/snapshot_json") {
    TEST_CASE("all that /status says is in the schema with its type, and all that is in the schema is said") {
        auto const endpoint = serve(on_loopback());
        auto const answer = ask(*endpoint, get_request(endpoint->where(), "/status"));
        checker{schema()}.check(json::parse(body_of(answer)));
    }

    TEST_CASE("a snapshot comes back from its JSON as it was") {
        auto const told = http::to_json(sample_snapshot());
        auto const again = http::to_json(http::from_json(json::parse(json::serialize(told)).as_object()));
        CHECK(json::serialize(told) == json::serialize(again));
    }

    TEST_CASE("no member of the sample is as a new snapshot has it, so that what is left out shows") {
        auto const sample = http::to_json(sample_snapshot());
        auto const fresh = http::to_json(status::snapshot{});
        for (auto const* const part : {"build", "process", "budget", "io", "workers"})
            for (auto const& [name, value] : sample.at(part).as_object())
                CHECK_MESSAGE(value != fresh.at(part).at(name), std::string{part} << "." << std::string{name});
    }

    TEST_CASE("what is missing, unknown or of another type leaves the rest alone") {
        auto const read = [](char const* text) { return http::from_json(json::parse(text).as_object()); };
        CHECK(read("{}").jobs.empty());
        auto const odd = read(
            R"({"sequence":-1,"new":{},"jobs":[{"id":3,"state":"dreaming","stage":[{"stage":"codec","items":5},{"stage":"x"},7],
                                  "fraction":null,"eta_seconds":2.5,"name":7}],"workers":[]})");
        REQUIRE(odd.jobs.size() == 1);
        CHECK(odd.sequence == 0);
        CHECK(odd.jobs[0].id == 3);
        CHECK(odd.jobs[0].state == status::job_state::waiting);
        CHECK(odd.jobs[0].stage[4].items == 5);
        CHECK_FALSE(odd.jobs[0].fraction);
        CHECK(odd.jobs[0].eta_seconds == 2.5);
    }

    TEST_CASE("what JSON cannot say becomes what it can") {
        auto now = sample_snapshot();
        now.jobs[0].bytes_per_second = std::numeric_limits<double>::infinity();
        now.jobs[0].eta_seconds = std::numeric_limits<double>::quiet_NaN();
        now.jobs[0].name = "latin \xE9";
        auto const text = json::serialize(http::to_json(now));
        auto const read = http::from_json(json::parse(text).as_object());
        CHECK(read.jobs[0].bytes_per_second == 0);
        CHECK(read.jobs[0].name == "latin \\xe9");
    }
}

}  // namespace submitit::testing
