// SPDX-License-Identifier: MIT
// What a transaction should pay to be mined in time, from how long others waited that paid as much.
// Source: Alex Morcos, "Bitcoin Core Fee Estimation Algorithm" (2017).
#pragma once

#include "chain/policy.h"

#include <array>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace cairn::chain {

using consensus::Height;
using consensus::Txid;

/// Transactions of about the same feerate share a bucket. Each of three horizons counts, for each
/// bucket, how many were mined within so many blocks, and forgets at its own pace. An estimate is
/// the median feerate of the lowest buckets of which enough were mined in time.
///
/// Pure: heights are arguments. Thread: one at a time.
class FeeEstimator {
public:
    FeeEstimator();

    /// `tx` came into the mempool while the tip was at `height`; `late`: from a block that was
    /// disconnected, or while blocks were missing. Not counted, though known, are such, since they
    /// don't wait for their price, and those that spend from others that wait or that others pay
    /// more for, since their own price is not what they would be mined for.
    void
    add(const consensus::SealedTransaction& tx, FeeRate feerate, Height height, bool late = false);
    /// It left the mempool otherwise than by a block.
    void remove(const Txid& txid);
    /// All that waits leaves: the node ends.
    void remove_all();
    /// A block was connected at `height`, higher than all before, with these transactions.
    void connect(Height height, std::span<const consensus::SealedTransaction> transactions);

    /// A price, and within how many blocks it should do.
    struct Estimate {
        std::optional<FeeRate> feerate; ///< nullopt if too little was seen.
        int32_t blocks = 0;
    };

    /// For confirmation within `target` blocks, 1 to MAX_TARGET. `conservative`: slow to follow
    /// prices that fall.
    Estimate estimate(int32_t target, bool conservative) const;

    /// Neighbouring buckets, taken together.
    struct Range {
        double first = 0; ///< Satoshis for 1,000 virtual bytes,
        double last = 0;  ///< up to these.
        double in_time = 0;
        double confirmed = 0; ///< In time or later.
        double waiting = 0;   ///< Longer than that already.
        double gave_up = 0;   ///< Left later than that, without a block.
    };

    /// What one horizon says.
    struct RawEstimate {
        std::optional<double> feerate;
        std::optional<Range> pass; ///< The lowest range that is good enough,
        std::optional<Range> fail; ///< and the highest below it, that isn't.
    };

    struct Horizon {
        std::string_view name;
        int32_t periods;
        int32_t scale; ///< Blocks in a period.
        double decay;  ///< What is left of a count after each block.
        double enough; ///< Transactions a block that a range needs.

        int32_t max_target() const { return periods * scale; }
    };

    static constexpr std::array<Horizon, 3> HORIZONS{
        {{"short", 12, 1, .962, .5}, {"medium", 24, 2, .9952, .1}, {"long", 42, 24, .99931, .1}}};
    static constexpr int32_t MAX_TARGET = 1008; ///< That of the last.

    /// `threshold`: part of the transactions that must have been mined in time.
    /// Requires: `target` is at most the horizon's.
    RawEstimate raw_estimate(size_t horizon, int32_t target, double threshold) const;

    /// All that was learned from blocks, as bytes; what waits is not in it.
    consensus::Bytes save() const;
    /// False, and nothing is changed, for bytes that save() didn't make.
    bool load(consensus::ByteView bytes);

private:
    using Counts = std::vector<double>; ///< One a bucket.

    /// What one horizon has seen.
    struct Counter {
        Counts confirmed;
        Counts feerates;             ///< Sum of theirs.
        std::vector<Counts> in_time; ///< Confirmed in so many periods, less one,
        std::vector<Counts> gave_up; ///< or left after them.
    };

    struct Waiting {
        Height since;
        size_t bucket = 0;
        FeeRate feerate;
        bool counted = false;
        std::vector<Txid> parents; ///< That waited when it came.
    };

    size_t bucket_of(FeeRate feerate) const;
    void confirm(const Waiting& waiting, Height height);
    void tally(const Waiting& waiting, int change);
    /// Of what waits since that height.
    Counts& row_of(Height since);
    /// No target is longer than MAX_TARGET: what has waited for longer shares a row.
    void fold_rows();
    Counts waiting_for(int32_t blocks) const;
    double median(const Counter& counter, size_t first, size_t last) const;
    double estimate_of(int32_t target, double threshold, bool shorter_too) const;
    double slow_estimate(int32_t target) const;
    Height seen_span() const;
    Height saved_span() const;
    int32_t max_usable_target() const;
    static void walk(auto&& codec, auto& self);

    Counts upper_bounds_; ///< Of the buckets.
    std::array<Counter, HORIZONS.size()> counters_;
    std::map<Txid, Waiting> waiting_;
    std::map<Height, Counts> tallies_; ///< Of those that are counted, by when they came.
    Height best_;
    Height first_;      ///< Of the blocks with a transaction that was counted; 0: none yet.
    Height saved_best_; ///< The same of what was loaded.
    Height saved_first_;
};

} // namespace cairn::chain
