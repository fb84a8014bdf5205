// SPDX-License-Identifier: Apache-2.0
#include "submitit/detail/status_listening.hpp"

#include <cerrno>
#include <new>
#include <utility>

#include "http/hub.hpp"
#include "http/listener.hpp"
#include "http/token.hpp"
#include "library/engine_core.hpp"
#include "status/sampler.hpp"

namespace submitit::detail {

struct status_listening::state {
    http::listener listens;
    std::shared_ptr<http::hub> talk;
};

namespace {

/// Where it may listen, by what the host has allowed.
result<http::address> permitted(status_settings const& settings) {
    auto where = http::parse_address(settings.address);
    if (!where) return failure{from_errno(EINVAL)};
    if (!settings.token.empty() && !http::is_token(settings.token)) return failure{from_errno(EINVAL)};
    if (!where->is_local() && (!settings.allow_remote || settings.token.empty())) return failure{from_errno(EACCES)};
    return std::move(*where);
}

std::function<status::snapshot()> looking_at(std::shared_ptr<engine_core> of) {
    auto const sampler =
        std::make_shared<status::sampler>([of = std::move(of)](status::snapshot& into) { of->tell(into); });
    return [sampler] { return sampler->sample(); };
}

}  // namespace

std::unique_ptr<status_listening> status_listening::open(std::shared_ptr<engine_core> of,
                                                         status_settings const& settings, error_code& error) {
    error = {};
    auto where = permitted(settings);
    if (!where) {
        error = where.error();
        return nullptr;
    }
    auto opened = http::listener::open(std::move(*where));
    if (!opened) {
        error = opened.error();
        return nullptr;
    }
    http::hub_options options;
    options.where = opened->where();
    options.token = settings.token;
    auto talk = std::make_shared<http::hub>(std::move(options), looking_at(std::move(of)));
    return std::unique_ptr<status_listening>{
        new status_listening{std::make_unique<state>(state{std::move(*opened), std::move(talk)})}};
}

status_listening::status_listening(std::unique_ptr<state> made) noexcept : state_{std::move(made)} {}
status_listening::~status_listening() = default;

int status_listening::family() const noexcept { return state_->listens.family(); }
int status_listening::descriptor() const noexcept { return state_->listens.descriptor(); }
void status_listening::release() noexcept { static_cast<void>(state_->listens.release()); }
std::shared_ptr<status_hub> status_listening::hub() const noexcept { return state_->talk; }
std::string status_listening::address() const { return state_->listens.where().text(); }

}  // namespace submitit::detail
