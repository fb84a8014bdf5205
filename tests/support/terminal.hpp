// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "support/program.hpp"

namespace submitit::testing {

/// A pseudo-terminal that a program draws on. Reading blocks until it has drawn.
class terminal {
public:
    explicit terminal(unsigned short columns, unsigned short rows = 24);
    void resize(unsigned short columns, unsigned short rows = 24) const;
    /// `of` with this as its descriptor `fd`, an xterm.
    [[nodiscard]] command as(int fd, command of) const;
    /// What is drawn from now on, until there are `count` whole drawings that begin with `mark`; without their marks.
    [[nodiscard]] std::vector<std::string> drawings(std::string_view mark, std::size_t count) const;
    /// Until what is drawn from now on holds `text`.
    [[nodiscard]] std::string until(std::string_view text) const;

private:
    unique_fd master_;
    unique_fd slave_;
};

}  // namespace submitit::testing
