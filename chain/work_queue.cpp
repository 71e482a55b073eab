// SPDX-License-Identifier: MIT
#include "chain/work_queue.h"

namespace cairn::chain {

WorkQueue::Pushed WorkQueue::push(Lane lane, Task task, bool must, size_t bytes) {
    const auto index = static_cast<size_t>(lane);
    {
        const std::scoped_lock lock(mutex_);
        if (closed_) return Pushed::Closed;
        std::deque<Waiting>& waiting = lanes_[index];
        const bool full = waiting.size() >= MAX_TASKS[index] ||
                          (!waiting.empty() && bytes_[index] + bytes > MAX_BYTES[index]);
        if (full && !must) return Pushed::Full;
        waiting.push_back({std::move(task), bytes});
        bytes_[index] += bytes;
    }
    wake_.notify_one();
    return Pushed::Yes;
}

std::optional<WorkQueue::Task> WorkQueue::pop(Lane lowest) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (closed_) return std::nullopt;
        for (size_t lane = 0; lane <= static_cast<size_t>(lowest); ++lane) {
            if (lanes_[lane].empty()) continue;
            Waiting next = std::move(lanes_[lane].front());
            lanes_[lane].pop_front();
            bytes_[lane] -= next.bytes;
            return std::move(next.task);
        }
        wake_.wait(lock);
    }
}

bool WorkQueue::busy(Lane lane) {
    const std::scoped_lock lock(mutex_);
    return !lanes_[static_cast<size_t>(lane)].empty();
}

void WorkQueue::close() {
    std::array<std::deque<Waiting>, 3>
        dropped; // destroyed without the lock: tasks may own anything
    {
        const std::scoped_lock lock(mutex_);
        closed_ = true;
        dropped.swap(lanes_);
    }
    wake_.notify_all();
}

} // namespace cairn::chain
