// SPDX-License-Identifier: MIT
// What waits for the chain thread.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

namespace cairn::chain {

/// Three queues, in this order of urgency.
enum class Lane : uint8_t { Control, Blocks, Transactions };

/// Tasks for one thread: those of a lower lane wait until the higher ones are empty; within a lane
/// they run in the order they came. Nobody waits to put one in.
///
/// Thread: any; pop() the one that works them off.
class WorkQueue {
public:
    using Task = std::function<void()>;

    enum class Pushed : uint8_t { Yes, Full, Closed };

    /// `must`: even if the lane is full; for tasks whose number something else limits. `bytes`:
    /// what it holds, about.
    Pushed push(Lane lane, Task task, bool must = false, size_t bytes = 0);

    /// The next task of the lanes down to `lowest`; waits for one. nullopt once closed: what still
    /// waits is dropped.
    std::optional<Task> pop(Lane lowest = Lane::Transactions);

    /// Whether something waits in `lane`.
    bool busy(Lane lane);

    void close();

    /// What a lane holds at most, above one task, however large that is.
    static constexpr std::array<size_t, 3> MAX_BYTES{16'000'000, 64'000'000, 32'000'000};

private:
    static constexpr std::array<size_t, 3> MAX_TASKS{1'000, 1'100, 10'000};

    struct Waiting {
        Task task;
        size_t bytes = 0;
    };

    std::mutex mutex_;
    std::condition_variable wake_;
    std::array<std::deque<Waiting>, 3> lanes_;
    std::array<size_t, 3> bytes_{}; ///< Of each.
    bool closed_ = false;
};

} // namespace cairn::chain
