// SPDX-License-Identifier: MIT
#include "rpc/tip_watch.h"

#include <memory>
#include <optional>

namespace cairn::rpc {

void TipWatch::wait(
    Condition condition,
    std::chrono::milliseconds timeout,
    const std::stop_token& left,
    Done done) {
    using GiveUp = std::stop_callback<std::function<void()>>;
    const auto give_up = std::make_shared<std::optional<GiveUp>>();
    uint64_t id = 0;
    {
        const std::lock_guard lock(mutex_);
        id = next_id_++;
        auto answered = [give_up, done = std::move(done)](const auto& tip) { done(tip); };
        waiters_.push_back(
            {std::move(condition), std::move(answered), id,
             boost::asio::steady_timer(server_, timeout)});
        if (timeout.count() != 0)
            waiters_.back().timer.async_wait([this, id](const boost::system::error_code& error) {
                if (!error) answer([id](const Waiter& waiter) { return waiter.id == id; });
            });
    }
    // Not under the lock: it is called here and now if `left` is stopped already.
    give_up->emplace(
        left, [this, id] { answer([id](const Waiter& waiter) { return waiter.id == id; }); });
    // Only now that a change would be noticed is the present worth looking at.
    const chain::BlockNode& tip = chain_.view().tip();
    answer([&](const Waiter& waiter) {
        return waiter.id == id && (cancelled_ || waiter.condition(tip));
    });
}

void TipWatch::cancel_all() {
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
    }
    answer([](const Waiter&) { return true; });
}

void TipWatch::tip_changed(const chain::TipChange& change) {
    answer([&](const Waiter& waiter) { return waiter.condition(*change.new_tip); });
}

void TipWatch::answer(const std::function<bool(const Waiter&)>& is_due) {
    std::list<Waiter> due;
    {
        const std::lock_guard lock(mutex_);
        for (auto at = waiters_.begin(); at != waiters_.end();) {
            const auto next = std::next(at);
            if (is_due(*at)) due.splice(due.end(), waiters_, at);
            at = next;
        }
    }
    for (const Waiter& waiter : due) waiter.done(chain_.view().tip());
}

} // namespace cairn::rpc
