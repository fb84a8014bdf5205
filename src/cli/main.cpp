// SPDX-License-Identifier: Apache-2.0
#include <exception>

#include "cli/application.hpp"
#include "cli/exit_status.hpp"
#include "cli/messages.hpp"

int main(int argc, char** argv) {
    submitit::cli::signal_watch signals;
    try {
        return submitit::cli::run(argc, argv, signals);
    } catch (std::exception const& thrown) {  // exhausted memory; nothing of ours throws
        submitit::cli::print_error(std::string{"internal error: "} + thrown.what());
        return submitit::cli::internal_error;
    }
}
