// SPDX-License-Identifier: MIT
#include "rpc/server/call_queue.h"

#include <algorithm>

namespace cairn::rpc::server {

// What could be thrown here is a failed join of our own threads: that may end the process.
CallQueue::~CallQueue() { // NOLINT(bugprone-exception-escape)
    stop();
}

void CallQueue::start(size_t threads) {
    threads = std::max<size_t>(threads, 2);
    lane_of(Pace::Waits).max_running = threads;
    lane_of(Pace::Busy).max_running = threads;
    lane_of(Pace::Slow).max_running = threads - 1;
    for (size_t i = 0; i < threads; ++i)
        threads_.emplace_back([this] {
            ::pthread_setname_np(::pthread_self(), "rpc-slow");
            work();
        });
}

void CallQueue::push(const void* connection, Pace pace, Task task) {
    {
        const std::lock_guard lock(mutex_);
        if (!stopping_) {
            auto& turns = lane_of(pace).turns;
            auto turn = std::ranges::find(turns, connection, [](auto& one) { return one.first; });
            if (turn == turns.end()) turn = turns.insert(turn, {connection, {}});
            turn->second.push_back(std::move(task));
            changed_.notify_one();
            return;
        }
    }
    task();
}

void CallQueue::forget(const void* connection) {
    std::list<std::pair<const void*, std::deque<Task>>> forgotten; // Ends without the lock.
    const std::lock_guard lock(mutex_);
    for (Lane& lane : lanes_)
        for (auto turn = lane.turns.begin(); turn != lane.turns.end();) {
            const auto next = std::next(turn);
            if (turn->first == connection) forgotten.splice(forgotten.end(), lane.turns, turn);
            turn = next;
        }
}

void CallQueue::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

bool CallQueue::stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
}

CallQueue::Task CallQueue::Lane::take() {
    const auto turn = turns.begin();
    Task task = std::move(turn->second.front());
    turn->second.pop_front();
    if (turn->second.empty())
        turns.erase(turn);
    else
        turns.splice(turns.end(), turns, turn);
    return task;
}

void CallQueue::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto next = std::ranges::find_if(lanes_, &Lane::ready);
        if (next == lanes_.end()) {
            if (stopping_ && std::ranges::all_of(lanes_, &Lane::empty)) return;
            changed_.wait(lock);
            continue;
        }
        ++next->running;
        {
            const Task task = next->take();
            lock.unlock();
            task();
        } // It ends without the lock: it may be the last to know its connection.
        lock.lock();
        --next->running;
        changed_.notify_all();
    }
}

} // namespace cairn::rpc::server
