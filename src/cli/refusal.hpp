// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace submitit::cli {

/// A command line that cannot be carried out: what to say, and the exit status. One of usage names the argument, the cause
/// and the remedy.
struct refusal {
    int status = 2;
    std::string message;
};

/// Says it, with a hint at the help of `command` ("" is the program's own) where the usage was mistaken. Returns the status.
int print_refusal(refusal const& refused, std::string_view command);

}  // namespace submitit::cli
