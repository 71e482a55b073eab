// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <spdlog/spdlog.h>
#include <string_view>

namespace cairn::chain {

/// Tells the log every ten seconds how far a long work is, and when it will be done.
class Progress {
public:
    using Clock = std::chrono::steady_clock;

    /// `total`, in `unit`s, may be a guess.
    Progress(
        std::string_view event,
        size_t total,
        std::string_view unit = "blocks",
        Clock::time_point start = Clock::now())
        : event_(event),
          unit_(unit),
          total_(total),
          start_(start) {}

    /// One more is done.
    void step() { reach(done_ + 1); }

    /// `done` of them are.
    void reach(size_t done, Clock::time_point now = Clock::now()) {
        done_ = done;
        total_ = std::max(total_, done);
        if (done == 0 || now - last_report_ < std::chrono::seconds(10)) return;
        last_report_ = now;
        const std::chrono::duration<double> elapsed = now - start_;
        const double left =
            elapsed.count() * static_cast<double>(total_ - done_) / static_cast<double>(done_);
        spdlog::info("{} {}={} of={} eta_seconds={:.0f}", event_, unit_, done_, total_, left);
    }

private:
    std::string_view event_;
    std::string_view unit_;
    size_t total_;
    size_t done_ = 0;
    Clock::time_point start_;
    Clock::time_point last_report_ = start_;
};

} // namespace cairn::chain
