// SPDX-License-Identifier: MIT
// Calls that block a thread, in turn: whoever asks for many of them, or for long ones, makes nobody
// else wait longer than for his own.
#pragma once

#include "rpc/server/method.h"

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace cairn::rpc::server {

inline const Error STOPPING{Code::Misc, "The node is stopping"};

/// Threads of its own, so that those that serve connections are never blocked.
///
/// Invariants: connections take turns, one call each; the calls of one are run in their order. One
///   thread at least is left to calls that aren't slow; those that wait go before busy ones.
/// Thread: any.
class CallQueue {
public:
    using Task = std::function<void()>;

    CallQueue() = default;
    ~CallQueue(); ///< Calls stop().
    CallQueue(const CallQueue&) = delete;
    CallQueue& operator=(const CallQueue&) = delete;

    /// `threads`: two at least are taken.
    void start(size_t threads);

    /// Run `task` when it is the turn of `connection`, which only tells connections apart.
    /// `pace`: not Quick.
    void push(const void* connection, Pace pace, Task task);

    /// Drop what a connection that has ended still has waiting.
    void forget(const void* connection);

    /// Run what waits, and from now on in push() itself; end the threads.
    void stop();

    /// Whether a task that is run now should do no more than say so.
    bool stopping() const;

private:
    /// Calls of one pace.
    struct Lane {
        std::list<std::pair<const void*, std::deque<Task>>> turns; ///< By connection; none empty.
        size_t running = 0;
        size_t max_running = 0;

        bool empty() const { return turns.empty(); }

        bool ready() const { return !turns.empty() && running < max_running; }

        Task take();
    };

    void work();

    /// In the order in which they are served.
    Lane& lane_of(Pace pace) {
        return lanes_.at(static_cast<size_t>(pace) - static_cast<size_t>(Pace::Waits));
    }

    mutable std::mutex mutex_; ///< For all below, held for moments only.
    std::condition_variable changed_;
    std::array<Lane, 3> lanes_;
    bool stopping_ = false;
    std::vector<std::thread> threads_; ///< Of start() and stop() alone.
};

} // namespace cairn::rpc::server
