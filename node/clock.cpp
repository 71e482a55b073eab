// SPDX-License-Identifier: MIT
#include "node/clock.h"

namespace cairn::node {

Clock::Clock(Wall wall)
    : wall_(std::move(wall)),
      steady_start_(std::chrono::steady_clock::now()),
      wall_start_(std::chrono::time_point_cast<std::chrono::microseconds>(wall_())) {}

Time Clock::now() const {
    const int64_t mock = mock_seconds_.load();
    if (mock != 0) return Time(std::chrono::seconds(mock));
    const auto since_start = std::chrono::steady_clock::now() - steady_start_;
    return wall_start_ + std::chrono::duration_cast<std::chrono::microseconds>(since_start);
}

int64_t Clock::wall_seconds() const {
    const int64_t mock = mock_seconds_.load();
    if (mock != 0) return mock;
    return std::chrono::duration_cast<std::chrono::seconds>(wall_().time_since_epoch()).count();
}

std::chrono::seconds Clock::wall_ahead() const {
    if (mock_seconds_.load() != 0) return {};
    return std::chrono::duration_cast<std::chrono::seconds>(wall_() - now());
}

std::chrono::seconds Clock::uptime() const {
    const auto since_start = std::chrono::steady_clock::now() - steady_start_;
    return std::chrono::duration_cast<std::chrono::seconds>(since_start);
}

void Clock::set_mock(int64_t seconds) {
    mock_seconds_.store(seconds);
}

} // namespace cairn::node
