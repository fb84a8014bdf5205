// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "http/hub.hpp"

namespace submitit::http {

/// One connection: requests in, answers out, one after the other, also where they came together.
class dialogue : public detail::status_dialogue {
public:
    dialogue(hub& of, bool crowded);
    ~dialogue() override;
    dialogue(dialogue const&) = delete;
    dialogue& operator=(dialogue const&) = delete;

    [[nodiscard]] detail::status_step received(std::string_view bytes) override;
    [[nodiscard]] detail::status_step sent() override;
    [[nodiscard]] std::string_view output() const override { return output_; }

private:
    [[nodiscard]] detail::status_step go_on();
    [[nodiscard]] detail::status_step say(response answer, bool head_only);

    hub* hub_;
    std::string input_;
    std::string output_;
    unsigned answered_ = 0;
    bool streams_ = false;
};

}  // namespace submitit::http
