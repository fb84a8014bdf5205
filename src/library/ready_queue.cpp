// SPDX-License-Identifier: Apache-2.0
#include <mutex>
#include <utility>

#include <boost/asio/post.hpp>

#include "submitit/detail/read_request.hpp"

namespace submitit::detail {

struct ready_queue::state {
    boost::asio::any_io_executor executor;
    std::mutex mutex;
    read_request* first = nullptr;  // guarded by mutex; with last a list, oldest first
    read_request* last = nullptr;   // guarded by mutex
    bool posted = false;  // guarded by mutex; a turn is with the executor: exactly while the list is not empty
};

/// The executor's function: one handler. Dropped without having run, as by a context that goes, it takes everything along.
class ready_queue::turn {
public:
    explicit turn(std::shared_ptr<ready_queue> of) noexcept : of_{std::move(of)} {}
    turn(turn&&) noexcept = default;
    turn& operator=(turn&&) = delete;
    ~turn() {
        while (of_) {
            auto const [one, more] = take(*of_);
            one->destroy();
            if (!more) of_.reset();
        }
    }

    void operator()() {
        auto const queue = std::move(of_);
        auto const [one, more] = take(*queue);
        if (more) boost::asio::post(queue->state_->executor, turn{queue});
        one->file_.reset();  // before the handler, which may want it closed
        one->finish(read_request::way::call, one->error_, one->bytes_);
    }

private:
    struct share {
        read_request* one;
        bool more;
    };
    static share take(ready_queue& from) noexcept {
        auto& all = *from.state_;
        std::lock_guard const lock{all.mutex};
        auto* const one = all.first;
        all.first = one->next_;
        all.posted = all.first != nullptr;
        return {one, all.posted};
    }

    std::shared_ptr<ready_queue> of_;
};

ready_queue::ready_queue(boost::asio::any_io_executor executor) : state_{std::make_unique<state>()} {
    state_->executor = std::move(executor);
}

ready_queue::~ready_queue() = default;

void ready_queue::add(read_request& complete) {
    bool posted = false;
    {
        std::lock_guard const lock{state_->mutex};
        complete.next_ = nullptr;
        (state_->first == nullptr ? state_->first : state_->last->next_) = &complete;
        state_->last = &complete;
        posted = std::exchange(state_->posted, true);
    }
    if (!posted) boost::asio::post(state_->executor, turn{shared_from_this()});
}

}  // namespace submitit::detail
