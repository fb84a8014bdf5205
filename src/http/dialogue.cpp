// SPDX-License-Identifier: Apache-2.0
#include "http/dialogue.hpp"

namespace submitit::http {
namespace {

char const* why(int status) noexcept {
    switch (status) {
        case 411: return "a body needs a Content-Length";
        case 413: return "the body is too long, or none is wanted";
        case 431: return "the header is too long";
        case 505: return "only HTTP/1.0 and HTTP/1.1 are spoken here";
        default: return "this is no HTTP request";
    }
}

}  // namespace

using detail::status_step;

dialogue::dialogue(hub& of, bool crowded) : hub_{&of} {
    if (!crowded) return;
    auto busy = refusal(503, "too many connections: try again in a few seconds");
    busy.fields.emplace_back("Retry-After", "5");
    static_cast<void>(say(std::move(busy), false));
}

dialogue::~dialogue() {
    if (streams_) hub_->stream_ended();
}

status_step dialogue::received(std::string_view bytes) {
    input_ += bytes;
    return go_on();
}

status_step dialogue::sent() { return go_on(); }

status_step dialogue::go_on() {
    auto parsed = parse_request(input_);
    if (parsed.refusal != 0) {
        auto refused = refusal(parsed.refusal, why(parsed.refusal));
        refused.keep_alive = false;
        return say(std::move(refused), false);
    }
    if (!parsed.complete) return status_step::receive;
    input_.erase(0, parsed.bytes);
    auto answer = hub_->answer(parsed.said);
    answer.keep_alive = answer.keep_alive && parsed.said.keep_alive && ++answered_ < hub_->limits().requests;
    return say(std::move(answer), parsed.said.method == "HEAD");
}

status_step dialogue::say(response answer, bool head_only) {
    output_ = to_text(answer, head_only);
    if (answer.is_stream && !head_only) {
        streams_ = true;
        hub_->stream_began();
        return status_step::stream;
    }
    return answer.keep_alive && !answer.is_stream ? status_step::send : status_step::send_and_close;
}

}  // namespace submitit::http
