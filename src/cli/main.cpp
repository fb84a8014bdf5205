// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

#include "cli/application.hpp"
#include "cli/exit_status.hpp"
#include "cli/messages.hpp"

namespace {

/// Ends the process without allocating; an output has no name before its last step.
[[noreturn]] void give_up(std::string_view why) noexcept {
    static_cast<void>(::write(STDERR_FILENO, why.data(), why.size()) < 0);
    std::_Exit(submitit::cli::internal_error);
}

/// A descriptor below 3 that was closed would go to the next file opened, and messages would be written into that. What
/// takes its place fails as the closed one did.
void occupy_standard_descriptors() noexcept {
    constexpr std::array flags{O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; ++fd)
        if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", flags[static_cast<std::size_t>(fd)]));
}

}  // namespace

int main(int argc, char** argv) {
    occupy_standard_descriptors();
    // On any thread; unwinding one stage would leave the others waiting for it.
    std::set_new_handler([] { give_up("submitit-io: error: out of memory. Nothing was published\n"); });
    std::set_terminate([] { give_up("submitit-io: error: out of memory or threads. Nothing was published\n"); });
    submitit::cli::signal_watch signals;
    try {
        return submitit::cli::run(argc, argv, signals);
    } catch (std::system_error const& thrown) {  // no thread
        submitit::cli::print_error(
            submitit::cli::describe_exhausted({thrown.code().value(), boost::system::system_category()}));
        return submitit::cli::internal_error;
    } catch (std::bad_alloc const&) {
        submitit::cli::print_error(
            submitit::cli::describe_exhausted(make_error_code(boost::system::errc::not_enough_memory)));
        return submitit::cli::internal_error;
    } catch (std::exception const& thrown) {  // nothing of ours throws
        submitit::cli::print_error(std::string{"internal error: "} + thrown.what());
        return submitit::cli::internal_error;
    }
}
