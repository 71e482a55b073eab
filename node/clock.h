// SPDX-License-Identifier: MIT
// The one clock of the process. Timers need a clock that never jumps, rules need the wall clock,
// and tests need to set both: so nothing else asks the system for the time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace cairn::node {

/// A moment as protocol code sees it.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// Seconds since the epoch.
inline int64_t seconds_of(Time time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// Thread: any.
class Clock {
public:
    /// The system's; tests move one of their own.
    using Wall = std::function<std::chrono::system_clock::time_point()>;

    explicit Clock(Wall wall = std::chrono::system_clock::now);

    /// For protocol timers: runs evenly from the wall clock at start; the mock time if one is set.
    Time now() const;
    /// For rules (block times, expiry): seconds of the wall clock, or the mock time.
    int64_t wall_seconds() const;
    /// What the wall clock has gained over now() since the start: it was set, or the machine slept.
    std::chrono::seconds wall_ahead() const;
    /// Since the process started; no mock time touches it.
    std::chrono::seconds uptime() const;
    /// Core: setmocktime. Seconds since the epoch; 0 is real time again.
    void set_mock(int64_t seconds);

private:
    Wall wall_;
    std::atomic<int64_t> mock_seconds_{0};
    std::chrono::steady_clock::time_point steady_start_;
    Time wall_start_;
};

} // namespace cairn::node
