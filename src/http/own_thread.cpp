// SPDX-License-Identifier: Apache-2.0
#include "http/own_thread.hpp"

#include <thread>

#include <boost/asio/io_context.hpp>

#include "http/listener.hpp"
#include "submitit/detail/status_loop.hpp"

namespace submitit::http {

struct own_thread::state {
    state(listener from, hub_options options, std::function<status::snapshot()> source)
        : listens{std::move(from)},
          talk{std::make_shared<hub>(std::move(options), std::move(source))},
          loop{std::make_shared<detail::status_loop>(context.get_executor(), listens.family(), listens.descriptor(),
                                                     talk)} {
        static_cast<void>(listens.release());  // it is the loop's now
    }

    void run() noexcept {
        try {
            context.run();
        } catch (std::exception const& thrown) {
            talk->failed(thrown.what());
        }
    }

    boost::asio::io_context context{1};
    listener listens;
    std::shared_ptr<hub> talk;
    std::shared_ptr<detail::status_loop> loop;
    std::thread thread;
};

result<std::unique_ptr<own_thread>> own_thread::start(hub_options options, std::function<status::snapshot()> source) {
    auto opened = listener::open(options.where);
    if (!opened) return failure{opened.error()};
    options.where = opened->where();
    try {
        auto made = std::make_unique<state>(std::move(*opened), std::move(options), std::move(source));
        made->loop->start();
        made->thread = std::thread{[raw = made.get()] { raw->run(); }};
        return std::unique_ptr<own_thread>{new own_thread{std::move(made)}};
    } catch (boost::system::system_error const& refused) {
        return failure{refused.code()};
    } catch (std::system_error const& refused) {  // no thread
        return failure{from_errno(refused.code().value())};
    }
}

own_thread::own_thread(std::unique_ptr<state> made) : state_{std::move(made)} {}

own_thread::~own_thread() {
    state_->loop->stop();
    state_->thread.join();
}

address const& own_thread::where() const noexcept { return state_->listens.where(); }

}  // namespace submitit::http
