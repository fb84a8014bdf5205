// SPDX-License-Identifier: Apache-2.0
#include "http/snapshot_json.hpp"

#include <cmath>
#include <concepts>
#include <optional>
#include <type_traits>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/describe/enum_from_string.hpp>
#include <boost/describe/enum_to_string.hpp>
#include <boost/describe/members.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <boost/mp11/algorithm.hpp>

#include "base/display_name.hpp"

// Each member is named once; a member missing here is missing in both directions, and the schema's test says so.
namespace submitit::status {
BOOST_DESCRIBE_ENUM(stage, walk, budget_wait, read, queue, codec, order_wait, sink)
BOOST_DESCRIBE_ENUM(bound, nothing, disk, cpu, memory, sink, walk)
BOOST_DESCRIBE_ENUM(job_state, waiting, running, paused, publishing, done, failed, cancelled)
BOOST_DESCRIBE_STRUCT(stage_figures, (), (busy_seconds, waiting_seconds, items, bytes, depth))
BOOST_DESCRIBE_STRUCT(histogram, (), (bounds, counts, count, sum))
BOOST_DESCRIBE_STRUCT(verdict, (), (by, sentence, flag))
BOOST_DESCRIBE_STRUCT(warning, (), (kind, path, text))
BOOST_DESCRIBE_STRUCT(warning_count, (), (kind, count, note))
BOOST_DESCRIBE_STRUCT(slow_file, (), (path, bytes, seconds))
BOOST_DESCRIBE_STRUCT(idle_figures, (), (device_seconds, budget_seconds, window_seconds, walk_seconds, links_seconds))
BOOST_DESCRIBE_STRUCT(job_figures, (),
                      (id, name, output, format, level, state, seconds, paused_seconds, entries, files, content_bytes,
                       output_bytes, total_entries, total_bytes, totals_known, bytes_per_second,
                       output_bytes_per_second, fraction, eta_seconds, eta_error_seconds, stage, head_stall_seconds,
                       window_wait_seconds, idle, warning_counts, last_warnings, slowest, bound_by))
BOOST_DESCRIBE_STRUCT(budget_figures, (),
                      (limit_bytes, used_bytes, committed_bytes, high_water_bytes, engine_bytes, grants_from_reserve,
                       grants_from_pool, limit_slots, used_slots))
BOOST_DESCRIBE_STRUCT(io_figures, (),
                      (backend, reason, fallback_errno, reads_in_flight, opens_in_flight, operations, bytes,
                       short_reads, retries, descriptor_waits, plain_reads, cached_reads, batch_size, read_seconds))
BOOST_DESCRIBE_STRUCT(worker_figures, (), (workers, busy, busy_seconds, queued, wanted, processors))
BOOST_DESCRIBE_STRUCT(process_figures, (),
                      (resident_bytes, descriptors, descriptors_max, cpu_seconds, start_time_seconds))
BOOST_DESCRIBE_STRUCT(build_info, (), (version, compiler, kernel))
BOOST_DESCRIBE_STRUCT(snapshot, (), (sequence, time_seconds, build, process, budget, io, workers, jobs))
}  // namespace submitit::status

namespace submitit::http {
namespace {

namespace json = boost::json;
namespace describe = boost::describe;
using status::stages;

template <class T>
using members_of = describe::describe_members<T, describe::mod_public>;
template <class T>
concept described = describe::has_describe_members<T>::value;

// ---- out; with round brackets, as json::value{x} may be an array of one

template <class T>
    requires std::integral<T> || std::same_as<T, double>
json::value write(T value) {
    if constexpr (std::same_as<T, double>) return json::value(std::isfinite(value) ? value : 0.0);
    else return json::value(value);
}
json::value write(std::string const& text) { return json::value(is_utf8(text) ? text : display_name(text)); }
template <class E>
    requires std::is_enum_v<E>
json::value write(E value) {
    return describe::enum_to_string(value, "");
}
template <described T>
json::value write(T const& value);
template <class T>
json::value write(std::optional<T> const& value) {
    return value ? write(*value) : json::value(nullptr);
}
template <class T>
json::value write(std::vector<T> const& list) {
    json::array made;
    made.reserve(list.size());
    for (auto const& one : list) made.push_back(write(one));
    return made;
}
/// One object a stage, which says which it is.
json::value write(std::array<status::stage_figures, stages> const& all) {
    json::array made;
    for (std::size_t i = 0; i < stages; ++i) {
        json::object one;
        one["stage"] = name_of(static_cast<status::stage>(i));
        auto const figures = write(all[i]);
        for (auto const& member : figures.get_object()) one.insert(member);
        made.push_back(std::move(one));
    }
    return made;
}
template <described T>
json::value write(T const& value) {
    json::object made;
    boost::mp11::mp_for_each<members_of<T>>([&](auto member) { made[member.name] = write(value.*member.pointer); });
    return made;
}

// ---- in

template <described T>
void read(json::value const& from, T& into);
template <class T>
    requires std::integral<T> || std::same_as<T, double>
void read(json::value const& from, T& into) {
    if constexpr (std::same_as<T, bool>) {
        if (from.is_bool()) into = from.get_bool();
    } else if (from.is_number()) {
        json::error_code wrong;
        auto const value = from.to_number<T>(wrong);
        if (!wrong) into = value;
    }
}
void read(json::value const& from, std::string& into) {
    if (from.is_string()) into = std::string_view{from.get_string()};
}
template <class E>
    requires std::is_enum_v<E>
void read(json::value const& from, E& into) {
    if (from.is_string()) describe::enum_from_string(std::string{from.get_string()}.c_str(), into);
}
template <class T>
void read(json::value const& from, std::optional<T>& into) {
    if (!from.is_null()) read(from, into.emplace());
}
template <class T>
void read(json::value const& from, std::vector<T>& into) {
    if (!from.is_array()) return;
    for (auto const& one : from.get_array()) read(one, into.emplace_back());
}
void read(json::value const& from, std::array<status::stage_figures, stages>& into) {
    if (!from.is_array()) return;
    for (auto const& one : from.get_array()) {
        auto const* const name = one.is_object() ? one.get_object().if_contains("stage") : nullptr;
        auto which = status::stage::walk;
        if (name != nullptr && name->is_string() &&
            describe::enum_from_string(std::string{name->get_string()}.c_str(), which))
            read(one, into[static_cast<std::size_t>(which)]);
    }
}
template <described T>
void read(json::value const& from, T& into) {
    if (!from.is_object()) return;
    boost::mp11::mp_for_each<members_of<T>>([&](auto member) {
        if (auto const* const found = from.get_object().if_contains(member.name)) read(*found, into.*member.pointer);
    });
}

}  // namespace

json::object to_json(status::snapshot const& now) {
    json::object made;
    made["schema"] = status_schema;
    auto const figures = write(now);
    for (auto const& member : figures.get_object()) made.insert(member);
    return made;
}

status::snapshot from_json(json::object const& from) {
    status::snapshot made;
    read(json::value(from), made);
    return made;
}

char const* name_of(status::stage stage) noexcept { return describe::enum_to_string(stage, ""); }
char const* name_of(status::bound bound) noexcept { return describe::enum_to_string(bound, ""); }
char const* name_of(status::job_state state) noexcept { return describe::enum_to_string(state, ""); }

}  // namespace submitit::http
