// SPDX-License-Identifier: Apache-2.0
#include "cli/refusal.hpp"

#include "cli/exit_status.hpp"
#include "cli/messages.hpp"

namespace submitit::cli {

int print_refusal(refusal const& refused, std::string_view command) {
    auto text = refused.message;
    if (refused.status == usage) {
        text += " (see submitit-io ";
        if (!command.empty()) text.append(command) += ' ';
        text += "--help)";
    }
    print_error(text);
    return refused.status;
}

}  // namespace submitit::cli
