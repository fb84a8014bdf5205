// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_command.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "archive/traits.hpp"
#include "base/sizes.hpp"
#include "cli/exit_status.hpp"
#include "cli/json_text.hpp"
#include "cli/messages.hpp"
#include "cli/progress_view.hpp"
#include "codec/deflate.hpp"
#include "io/backend.hpp"
#include "pipeline/memory_plan.hpp"

namespace submitit::cli {
namespace {

namespace json = boost::json;

std::string first_line(std::string const& path) {
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    return line;
}

/// The directory of this process in the unified cgroup hierarchy; "" where there is none.
std::string cgroup_directory() {
    std::ifstream file{"/proc/self/cgroup"};
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3);
    return {};
}

/// "max" and a missing file both mean: no limit.
std::string cgroup_limit(char const* name) {
    auto const directory = cgroup_directory();
    if (directory.empty()) return "none";
    auto const value = first_line(directory + '/' + name);
    return value.empty() || value == "max" || value.starts_with("max ") ? "none" : value;
}

std::string cpu_features() {
    __builtin_cpu_init();
    std::string found;
    auto const add = [&found](bool present, char const* name) {
        if (present) found += (found.empty() ? "" : " ") + std::string{name};
    };
    add(__builtin_cpu_supports("sse4.2") != 0, "sse4.2");
    add(__builtin_cpu_supports("pclmul") != 0, "pclmul");
    add(__builtin_cpu_supports("avx2") != 0, "avx2");
    add(__builtin_cpu_supports("bmi2") != 0, "bmi2");
    add(__builtin_cpu_supports("avx512f") != 0, "avx512f");
    add(__builtin_cpu_supports("vpclmulqdq") != 0, "vpclmulqdq");
    return found;
}

std::string encoder_name(codec::deflate_choice choice) {
    return (choice.engine == codec::deflate_engine::isal ? "isal-" : "libdeflate-") +
           std::to_string(choice.engine_level);
}

json::array deflate_levels(codec::deflate_use use) {
    json::array levels;
    for (int level = 1; level <= 9; ++level)
        levels.emplace_back(encoder_name(codec::deflate_choice_for(level, false, use)));
    return levels;
}

/// Of an export started as this was: on a terminal it counts its sources for the bar, and that takes memory, too.
json::object default_budgets(unsigned processors) {
    bool const watched = choose_progress("auto", false) != progress_mode::none;
    json::object budgets;
    for (auto const kind : {format::zip, format::tar, format::tar_gz, format::tar_zst}) {
        archive::format_options options;
        options.kind = kind;
        options.level = kind == format::tar_zst ? 3 : 6;
        auto const plan = pipeline::plan_memory(archive::traits{options}, 0, processors, watched);
        json::object one;
        one["default_bytes"] = plan.limit_bytes;
        one["smallest_bytes"] = plan.needed_bytes;
        budgets[archive::to_string(kind)] = std::move(one);
    }
    return budgets;
}

json::object examine() {
    json::object all;
    all["version"] = SUBMITIT_VERSION;
    utsname system{};
    ::uname(&system);
    all["kernel"] = std::string{system.release};

    auto const probed = io::probe();
    json::object io;
    io["chosen"] = io::to_string(probed.chosen);
    io["reason"] = probed.reason;
    io["uring_errno"] = probed.uring_errno;
    if (probed.uring_errno != 0) io["uring_error"] = std::string{std::strerror(probed.uring_errno)};
    io["uring_features"] = probed.uring_features;
    io["kernel.io_uring_disabled"] = first_line("/proc/sys/kernel/io_uring_disabled");
    io["openat2"] = probed.openat2;
    io["cached_reads"] = probed.cached_reads;
    all["io"] = std::move(io);

    auto const processors = std::max(std::thread::hardware_concurrency(), 1U);
    json::object cpu;
    cpu["processors"] = processors;
    cpu["features"] = cpu_features();
    cpu["cgroup_cpu_max"] = cgroup_limit("cpu.max");
    all["cpu"] = std::move(cpu);

    json::object limits;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    limits["open_files_soft"] = static_cast<std::uint64_t>(files.rlim_cur);
    limits["open_files_hard"] = static_cast<std::uint64_t>(files.rlim_max);
    limits["cgroup_memory_max"] = cgroup_limit("memory.max");
    limits["physical_memory_bytes"] =
        static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    all["limits"] = std::move(limits);

    json::object codecs;
    codecs["zip_levels_1_to_9"] = deflate_levels(codec::deflate_use::entry);
    codecs["tar_gz_levels_1_to_9"] = deflate_levels(codec::deflate_use::segment);
    codecs["tar_zst"] = "libzstd, levels 1 to 19";
    all["codecs"] = std::move(codecs);
    all["budgets"] = default_budgets(processors);
    return all;
}

void print(json::value const& value, std::string const& indent) {
    for (auto const& [key, inner] : value.as_object()) {
        auto const name = indent + std::string{key};
        if (inner.is_object()) {
            std::printf("%s\n", name.c_str());
            print(inner, indent + "  ");
        } else if (inner.is_array()) {
            std::string list;
            for (auto const& item : inner.as_array()) list += ' ' + std::string{item.as_string()};
            std::printf("%-28s%s\n", name.c_str(), list.c_str());
        } else {
            auto const text = inner.is_string() ? std::string{inner.as_string()} : json::serialize(inner);
            std::printf("%-28s %s\n", name.c_str(), text.c_str());
        }
    }
}

}  // namespace

CLI::App* declare_doctor(CLI::App& app, doctor_arguments& into) {
    auto* const to = app.add_subcommand("doctor", "Tell what this machine offers and what the engine would choose");
    to->add_flag("--json", into.json, "Result as one JSON object");
    to->footer("Example:\n  submitit-io doctor\n  SUBMITIT_IO_BACKEND=threads submitit-io doctor --json");
    return to;
}

int run_doctor(doctor_arguments const& arguments) {
    auto const all = examine();
    if (arguments.json) {
        auto const line = json_line(all);
        std::fwrite(line.data(), 1, line.size(), stdout);
    } else {
        print(all, "");
    }
    return std::fflush(stdout) == 0 ? ok : standard_output_failed();
}

}  // namespace submitit::cli
