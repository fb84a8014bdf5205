// SPDX-License-Identifier: Apache-2.0
#include "sim/simulated_disk.hpp"

#include "io/attempt.hpp"

namespace submitit::sim {

/// One operation on its way.
struct simulated_disk::reading {
    io::read_op* op = nullptr;
    fault with = fault::none;
    unique_fd own;
    bool began = false;
    unsigned waits = 0;  ///< EMFILE, EINTR and EAGAIN before it goes on
    bool is_short = false;

    [[nodiscard]] int fd() const { return op->fd >= 0 ? op->fd : own.get(); }
};

namespace {

/// What was read meanwhile is not what the file holds now, so nothing of it may be kept.
void scribble(io::read_op& op) noexcept {
    for (std::uint64_t i = 0; i < op.got; ++i) op.data[i] ^= std::byte{0x55};
}

}  // namespace

void simulated_disk::submit(io::read_op* first) noexcept {
    on_->point();
    while (first != nullptr) {
        auto one = std::make_shared<reading>();
        one->op = first;
        first = first->next;
        one->op->next = nullptr;
        io::reset(*one->op);
        one->with = choose(*one->op);
        if (on_->chance(terms_.interrupted)) one->waits = 1 + static_cast<unsigned>(on_->below(3));
        one->is_short = on_->chance(terms_.shorts);
        ++in_flight_;
        wait(std::move(one));
    }
}

fault simulated_disk::choose(io::read_op const& op) {
    if (!terms_.always_fails.empty() && op.path.ends_with(terms_.always_fails)) return fault::denied;
    if (auto const known = lasting_.find(op.path); known != lasting_.end()) return known->second;
    if (on_->chance(terms_.stuck)) return fault::stuck;
    if (!on_->chance(terms_.faults)) return fault::none;
    auto const chosen = static_cast<fault>(1 + on_->below(7));
    if (on_->chance(terms_.lasting)) lasting_.emplace(op.path, chosen);
    return chosen;
}

void simulated_disk::wait(std::shared_ptr<reading> one) {
    bool const is_stuck = one->with == fault::stuck;
    auto const delay = on_->below(8) * (on_->chance(terms_.spikes) ? 10 : 1);
    auto next = [this, one = std::move(one)]() mutable { go_on(std::move(one)); };
    if (is_stuck) on_->add_last(place::disk, std::move(next));
    else on_->add(place::disk, std::move(next), delay);
}

void simulated_disk::go_on(std::shared_ptr<reading> one) {
    if (!one->began) {
        if (one->op->fd < 0 && on_->chance(terms_.no_descriptor)) {
            counters_.descriptor_wait();
            return wait(std::move(one));
        }
        if (!opened(*one)) return complete(*one);
        one->began = true;
    }
    if (one->waits > 0) {
        --one->waits;
        counters_.retry();
        return wait(std::move(one));
    }
    if (one->is_short) {
        one->is_short = false;
        if (!read_part(*one)) return complete(*one);
        return wait(std::move(one));
    }
    transfer(*one);
    complete(*one);
}

/// False: the op failed.
bool simulated_disk::opened(reading& one) {
    auto& op = *one.op;
    if (op.fd < 0) {
        if (one.with == fault::vanished) return io::fail(op, io::read_stage::open, from_errno(ENOENT));
        if (one.with == fault::denied) return io::fail(op, io::read_stage::open, from_errno(EACCES));
        auto fd = io::open_source(op, false);
        if (!fd) return io::fail(op, io::read_stage::open, fd.error());
        one.own = std::move(*fd);
    } else if (one.with == fault::vanished || one.with == fault::denied) {
        return io::fail(op, io::read_stage::read, from_errno(EIO));
    }
    return io::begin(op, one.fd());
}

/// Up to somewhere in the middle. False: the op failed.
bool simulated_disk::read_part(reading& one) {
    auto& op = *one.op;
    auto const all = op.bytes;
    op.bytes = op.got + on_->below(all - op.got);
    bool const good = io::read_rest(op, one.fd(), counters_);
    op.bytes = all;
    if (good) counters_.short_read();
    return good;
}

void simulated_disk::transfer(reading& one) {
    auto& op = *one.op;
    if (one.with == fault::media) {
        if (read_part(one)) io::fail(op, io::read_stage::read, from_errno(EIO));
        return scribble(op);
    }
    if (!io::read_rest(op, one.fd(), counters_) || !io::finish(op, one.fd())) return;
    if (one.with == fault::replaced) op.before.ino = op.after.ino = op.before.ino + 1;
    if (one.with == fault::changed || one.with == fault::grown || one.with == fault::shrunk) {
        op.after.mtime.seconds += static_cast<std::int64_t>(1 + on_->below(1000));
        op.after.ctime = op.after.mtime;
        scribble(op);
    }
    if (one.with == fault::grown) op.after.size += 1 + on_->below(on_->chance(50) ? 10 : 100'000);
    if (one.with == fault::shrunk && op.got > 0) {
        op.got = on_->below(op.got);
        op.after.size = op.offset + op.got;
    }
}

void simulated_disk::complete(reading& one) {
    one.own.reset();
    counters_.op();
    if (one.with != fault::none && one.with != fault::stuck) ++faults_;
    --in_flight_;
    one.op->done(*one.op);
}

}  // namespace submitit::sim
