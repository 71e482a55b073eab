// SPDX-License-Identifier: MIT
// Randomness for protocol code. A state machine may not ask the system for it, or no run could be
// repeated; and what a peer sees of it (ping nonces) must not tell what comes next.
#pragma once

#include "consensus/hash.h"

#include <chrono>
#include <cmath>
#include <cstdint>

namespace cairn::node {

/// A sequence that follows from its seed: SipHash of a counter under a key.
class Random {
public:
    Random(uint64_t seed0, uint64_t seed1) : key0_(seed0), key1_(seed1) {}

    uint64_t next() {
        std::array<uint8_t, 8> bytes{};
        std::memcpy(bytes.data(), &counter_, sizeof counter_);
        ++counter_;
        return consensus::siphash(key0_, key1_, bytes);
    }

    /// Evenly from [0, end). Requires: end > 0.
    uint64_t below(uint64_t end) { return next() % end; } // the bias is below 2^-32 for our ends

    /// The time to the next event of a Poisson process whose events are `mean` apart.
    std::chrono::microseconds poisson(std::chrono::microseconds mean) {
        const double even = (static_cast<double>(next() >> 11) + 1) / 9007199254740993.0; // (0, 1)
        return std::chrono::microseconds(
            static_cast<int64_t>(-std::log(even) * static_cast<double>(mean.count())));
    }

private:
    uint64_t key0_;
    uint64_t key1_;
    uint64_t counter_ = 0;
};

} // namespace cairn::node
