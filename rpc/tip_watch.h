// SPDX-License-Identifier: MIT
// Calls that wait for a block (waitfornewblock, a miner's long poll), held without a thread.
#pragma once

#include "chain/chain.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <stop_token>

namespace cairn::rpc {

/// Wakes calls when the tip has moved to where they want it, or their time is up.
///
/// Invariants: each call is answered once. Thread: any; observes on the chain thread.
class TipWatch : public chain::ChainObserver {
public:
    /// `server`: whose threads run what is due.
    TipWatch(chain::Chain& chain, boost::asio::io_context& server)
        : chain_(chain),
          server_(server) {}

    using Condition = std::function<bool(const chain::BlockNode& tip)>;
    using Done = std::function<void(const chain::BlockNode& tip)>;

    /// Call `done` with the tip once `condition` holds of it (perhaps at once, on this thread), or
    /// once `timeout` is over (zero: never), `left` is stopped, or cancel_all() is called.
    void wait(
        Condition condition,
        std::chrono::milliseconds timeout,
        const std::stop_token& left,
        Done done);

    /// Answer all that wait, and from now on at once whoever asks.
    void cancel_all();

    void tip_changed(const chain::TipChange& change) override;

private:
    struct Waiter {
        Condition condition;
        Done done;
        uint64_t id = 0;
        boost::asio::steady_timer
            timer; ///< Goes with it: those whose call is answered end at once.
    };

    /// Take out and answer those of whom `is_due` holds.
    void answer(const std::function<bool(const Waiter&)>& is_due);

    chain::Chain& chain_;
    boost::asio::io_context& server_;
    std::mutex mutex_; ///< Held for moments only.
    std::list<Waiter> waiters_;
    uint64_t next_id_ = 0;
    bool cancelled_ = false;
};

} // namespace cairn::rpc
