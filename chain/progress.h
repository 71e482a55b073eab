// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <spdlog/spdlog.h>
#include <string_view>

namespace cairn::chain {

/// Tells the log every ten seconds how far a long work over blocks is, and when it will be done.
class Progress {
public:
    /// `total` may be a guess.
    Progress(std::string_view event, size_t total) : event_(event), total_(total) {}

    /// One block more is done.
    void step() {
        total_ = std::max(total_, ++done_);
        const auto now = std::chrono::steady_clock::now();
        if (now - last_report_ < std::chrono::seconds(10)) return;
        last_report_ = now;
        const std::chrono::duration<double> elapsed = now - start_;
        const double left =
            elapsed.count() * static_cast<double>(total_ - done_) / static_cast<double>(done_);
        spdlog::info("{} blocks={} of={} eta_seconds={:.0f}", event_, done_, total_, left);
    }

private:
    std::string_view event_;
    size_t total_;
    size_t done_ = 0;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point last_report_ = start_;
};

} // namespace cairn::chain
