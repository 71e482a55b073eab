// SPDX-License-Identifier: MIT
// How much is sent to peers in a day: where that is limited, old blocks are given only as long as
// enough is left for the new ones. Core: -maxuploadtarget.
#pragma once

#include "consensus/params.h"
#include "node/clock.h"

#include <algorithm>

namespace cairn::node {

/// Counts what was sent in cycles of a day. A target of 0 bytes: no limit.
class UploadLimit {
public:
    explicit UploadLimit(uint64_t target_bytes) : target_(target_bytes) {}

    void sent(uint64_t bytes, Time now) {
        if (is_over(now)) {
            start_ = now;
            sent_ = 0;
        }
        sent_ += bytes;
    }

    uint64_t target() const { return target_; }

    uint64_t bytes_left(Time now) const {
        return is_over(now) ? target_ : target_ - std::min(target_, sent_);
    }

    std::chrono::seconds time_left(Time now) const {
        if (is_over(now)) return CYCLE;
        return std::chrono::duration_cast<std::chrono::seconds>(CYCLE - (now - start_));
    }

    bool is_reached(Time now) const { return target_ != 0 && bytes_left(now) == 0; }

    /// Whether what is left may be needed for the blocks that are found until the cycle ends.
    bool refuses_old(Time now, const consensus::Params& params) const {
        const auto blocks = static_cast<uint64_t>(time_left(now).count() / params.spacing());
        const auto reserve = blocks * static_cast<uint64_t>(params.max_block_weight);
        return target_ != 0 && bytes_left(now) <= reserve;
    }

    static constexpr std::chrono::hours CYCLE{24};
    static constexpr int64_t OLD_SECONDS =
        int64_t{7} * 24 * 3600; ///< A block that much older than the tip.

private:
    /// Or has not begun. A mock clock may have been set back.
    bool is_over(Time now) const { return now < start_ || now - start_ >= CYCLE; }

    uint64_t target_;
    uint64_t sent_ = 0;
    Time start_;
};

} // namespace cairn::node
