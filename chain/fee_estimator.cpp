// SPDX-License-Identifier: MIT
#include "chain/fee_estimator.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <functional>
#include <limits>

namespace cairn::chain {

namespace {

constexpr double LOWEST = 100;  ///< Upper bound of the first bucket, satoshis for 1,000 vbytes,
constexpr double HIGHEST = 1e7; ///< and about that of the last but one;
constexpr double STEP = 1.05;   ///< each is so much higher than the one before.
constexpr Height FORGOTTEN_AFTER = 6 * FeeEstimator::MAX_TARGET;
constexpr uint32_t FILE_VERSION = 1;
// Parts of the transactions that must be mined within half the target, the target, and twice that.
constexpr double HALF_SUCCESS = .6;
constexpr double SUCCESS = .85;
constexpr double DOUBLE_SUCCESS = .95;
constexpr double NONE = -1; ///< No estimate: lower than all.

} // namespace

FeeEstimator::FeeEstimator() {
    for (double bound = LOWEST; bound <= HIGHEST; bound *= STEP) upper_bounds_.push_back(bound);
    upper_bounds_.push_back(std::numeric_limits<double>::infinity());
    const Counts zeros(upper_bounds_.size());
    for (size_t i = 0; i < HORIZONS.size(); ++i) {
        const std::vector<Counts> periods(size_t(HORIZONS[i].periods), zeros);
        counters_[i] = {zeros, zeros, periods, periods};
    }
}

size_t FeeEstimator::bucket_of(FeeRate feerate) const {
    const auto bound = std::ranges::lower_bound(upper_bounds_, double(feerate.per_kvb.value));
    return size_t(bound - upper_bounds_.begin());
}

void FeeEstimator::add(
    const consensus::SealedTransaction& tx, FeeRate feerate, Height height, bool late) {
    std::vector<Txid> ancestors;
    const auto note = [&](const Txid& txid) {
        if (waiting_.contains(txid) && std::ranges::find(ancestors, txid) == ancestors.end())
            ancestors.push_back(txid);
    };
    for (const consensus::TxIn& input : tx.inputs) note(input.prevout.txid);
    const std::vector<Txid> parents = ancestors;
    for (size_t next = 0; next < ancestors.size();) {
        Waiting& ancestor = waiting_.at(ancestors[next++]);
        if (ancestor.feerate < feerate) { // `tx` pays for it
            tally(ancestor, -1);
            ancestor.counted = false;
        }
        std::ranges::for_each(ancestor.parents, note);
    }
    // Below the best block a reorganisation is not through yet.
    const bool counted = parents.empty() && !late && height >= best_;
    Waiting& waiting = waiting_[tx.txid];
    tally(waiting, -1); // if it was known
    waiting = {height, bucket_of(feerate), feerate, counted, parents};
    tally(waiting, 1);
}

/// An estimate walks these, not what waits, of which there may be very much.
void FeeEstimator::tally(const Waiting& waiting, int change) {
    if (!waiting.counted) return;
    row_of(waiting.since)[waiting.bucket] += change;
}

FeeEstimator::Counts& FeeEstimator::row_of(Height since) {
    const Height oldest = best_ - MAX_TARGET;
    return tallies_.try_emplace(std::max(since, oldest), upper_bounds_.size()).first->second;
}

void FeeEstimator::fold_rows() {
    while (!tallies_.empty() && tallies_.begin()->first < best_ - MAX_TARGET) {
        const auto [since, old] = *tallies_.begin();
        tallies_.erase(since);
        Counts& row = row_of(since);
        std::ranges::transform(row, old, row.begin(), std::plus());
    }
}

void FeeEstimator::remove(const Txid& txid) {
    const auto found = waiting_.find(txid);
    if (found == waiting_.end()) return;
    const Waiting& waiting = found->second;
    const int32_t waited = (best_ - waiting.since).value;
    for (size_t i = 0; waiting.counted && i < HORIZONS.size(); ++i) {
        std::vector<Counts>& gave_up = counters_[i].gave_up;
        const auto periods = size_t(std::max(0, waited / HORIZONS[i].scale));
        for (size_t period = 0; period < std::min(periods, gave_up.size()); ++period)
            ++gave_up[period][waiting.bucket];
    }
    tally(waiting, -1);
    waiting_.erase(found);
}

void FeeEstimator::remove_all() {
    while (!waiting_.empty()) remove(Txid(waiting_.begin()->first));
}

void FeeEstimator::connect(
    Height height, std::span<const consensus::SealedTransaction> transactions) {
    const bool is_new = height > best_; // a reorganisation's lower blocks teach nothing
    for (size_t i = 0; is_new && i < HORIZONS.size(); ++i) {
        const auto fade = [decay = HORIZONS[i].decay](Counts& counts) {
            for (double& count : counts) count *= decay;
        };
        Counter& counter = counters_[i];
        fade(counter.confirmed);
        fade(counter.feerates);
        std::ranges::for_each(counter.in_time, fade);
        std::ranges::for_each(counter.gave_up, fade);
    }
    if (is_new) best_ = height;
    fold_rows();
    for (const consensus::SealedTransaction& tx : transactions) {
        const auto found = waiting_.find(tx.txid);
        if (found == waiting_.end()) continue;
        if (is_new) confirm(found->second, height);
        tally(found->second, -1);
        waiting_.erase(found);
    }
    std::erase_if(tallies_, [](const auto& entry) {
        return std::ranges::all_of(entry.second, [](double count) { return count == 0; });
    });
}

void FeeEstimator::confirm(const Waiting& waiting, Height height) {
    const int32_t waited = (height - waiting.since).value;
    if (!waiting.counted || waited <= 0) return;
    if (first_ == Height(0)) first_ = height;
    for (size_t i = 0; i < HORIZONS.size(); ++i) {
        Counter& counter = counters_[i];
        const auto periods = size_t((waited + HORIZONS[i].scale - 1) / HORIZONS[i].scale);
        for (size_t period = periods; period <= counter.in_time.size(); ++period)
            ++counter.in_time[period - 1][waiting.bucket];
        ++counter.confirmed[waiting.bucket];
        counter.feerates[waiting.bucket] += double(waiting.feerate.per_kvb.value);
    }
}

/// Those that have waited for so many blocks.
FeeEstimator::Counts FeeEstimator::waiting_for(int32_t blocks) const {
    Counts counts(upper_bounds_.size());
    for (const auto& [since, tally] : tallies_) {
        if ((best_ - since).value < blocks) break; // nor have those that came later
        for (size_t i = 0; i < counts.size(); ++i) counts[i] += tally[i];
    }
    return counts;
}

/// The median feerate of what was confirmed in these buckets, about.
double FeeEstimator::median(const Counter& counter, size_t first, size_t last) const {
    double half = 0;
    for (size_t i = first; i <= last; ++i) half += counter.confirmed[i] / 2;
    size_t at = first;
    for (; at < last && counter.confirmed[at] < half; ++at) half -= counter.confirmed[at];
    return counter.feerates[at] / counter.confirmed[at];
}

FeeEstimator::RawEstimate
FeeEstimator::raw_estimate(size_t horizon, int32_t target, double threshold) const {
    const auto& [name, periods, scale, decay, enough] = HORIZONS[horizon];
    assert(target > 0 && target <= HORIZONS[horizon].max_target());
    const Counter& counter = counters_[horizon];
    const auto period = size_t((target - 1) / scale);
    const Counts waiting = waiting_for(target);
    RawEstimate estimate;
    Range range;
    double seen = 0;                        // since the last look
    size_t last = upper_bounds_.size() - 1; // of the range
    for (size_t i = upper_bounds_.size(); i-- > 0;) {
        range.first = i == 0 ? 0 : upper_bounds_[i - 1];
        range.last = upper_bounds_[last];
        range.in_time += counter.in_time[period][i];
        range.confirmed += counter.confirmed[i];
        range.waiting += waiting[i];
        range.gave_up += counter.gave_up[period][i];
        seen += counter.confirmed[i];
        if (seen < enough / (1 - decay)) continue;
        seen = 0;
        if (range.in_time < threshold * (range.confirmed + range.waiting + range.gave_up)) {
            if (!estimate.fail) estimate.fail = range;
            continue; // together with lower ones they may do
        }
        estimate = {median(counter, i, last), range, std::nullopt};
        range = {};
        last = i - 1;
    }
    if (!estimate.fail && range.last > 0) estimate.fail = range; // too few to tell
    return estimate;
}

/// By the shortest horizon that goes so far; `shorter_too`: a shorter one's longest target does no
/// worse, and may know better. NONE if none goes so far, or too little was seen.
double FeeEstimator::estimate_of(int32_t target, double threshold, bool shorter_too) const {
    if (target > MAX_TARGET) return NONE;
    size_t horizon = 0;
    while (target > HORIZONS[horizon].max_target()) ++horizon;
    double best = raw_estimate(horizon, target, threshold).feerate.value_or(NONE);
    while (shorter_too && horizon-- > 0) {
        const double other =
            raw_estimate(horizon, HORIZONS[horizon].max_target(), threshold).feerate.value_or(NONE);
        if (other > 0 && (best == NONE || other < best)) best = other;
    }
    return best;
}

/// What the slower horizons say, that the others forget.
double FeeEstimator::slow_estimate(int32_t target) const {
    double highest = NONE;
    for (size_t horizon = 1; horizon < HORIZONS.size(); ++horizon)
        if (target <= HORIZONS[horizon - 1].max_target())
            highest = std::max(
                highest, raw_estimate(horizon, target, DOUBLE_SUCCESS).feerate.value_or(NONE));
    return highest;
}

Height FeeEstimator::seen_span() const {
    return first_ == Height(0) ? Height(0) : best_ - first_;
}

/// Of what was loaded, for as long as it tells anything.
Height FeeEstimator::saved_span() const {
    return best_ - saved_best_ <= FORGOTTEN_AFTER ? saved_best_ - saved_first_ : Height(0);
}

/// Nothing is known of waiting longer than half of what was seen.
int32_t FeeEstimator::max_usable_target() const {
    return std::min(MAX_TARGET, std::max(seen_span(), saved_span()).value / 2);
}

FeeEstimator::Estimate FeeEstimator::estimate(int32_t target, bool conservative) const {
    assert(target >= 1 && target <= MAX_TARGET);
    // Within one block nobody can promise anything.
    target = std::min(std::max(target, 2), max_usable_target());
    if (target <= 1) return {std::nullopt, target};
    double highest = std::max(
        {estimate_of(target / 2, HALF_SUCCESS, true), estimate_of(target, SUCCESS, true),
         estimate_of(2 * target, DOUBLE_SUCCESS, !conservative)});
    if (conservative || highest == NONE) highest = std::max(highest, slow_estimate(2 * target));
    if (highest == NONE) return {std::nullopt, target};
    return {FeeRate{std::llround(highest)}, target};
}

void FeeEstimator::walk(auto&& codec, auto& self) {
    for (auto& counter : self.counters_) {
        const auto walk_counts = [&](auto& counts) {
            for (auto& count : counts) codec(count);
        };
        walk_counts(counter.confirmed);
        walk_counts(counter.feerates);
        std::ranges::for_each(counter.in_time, walk_counts);
        std::ranges::for_each(counter.gave_up, walk_counts);
    }
}

consensus::Bytes FeeEstimator::save() const {
    consensus::Bytes bytes;
    consensus::Writer writer(bytes);
    const bool more = 2 * seen_span().value > saved_span().value; // what is newer lasts longer
    writer(FILE_VERSION, best_, more ? best_ : saved_best_, more ? first_ : saved_first_);
    walk([&](double count) { writer(std::bit_cast<uint64_t>(count)); }, *this);
    return bytes;
}

bool FeeEstimator::load(consensus::ByteView bytes) {
    FeeEstimator loaded;
    consensus::Reader reader(bytes);
    if (reader.read<uint32_t>() != FILE_VERSION) return false;
    reader(loaded.best_, loaded.saved_best_, loaded.saved_first_);
    bool sound = loaded.saved_first_ <= loaded.saved_best_ && loaded.saved_best_ <= loaded.best_;
    const auto read = [&](double& count) {
        count = std::bit_cast<double>(reader.read<uint64_t>());
        sound &= std::isfinite(count) && count >= 0;
    };
    walk(read, loaded);
    if (!sound || !reader.at_end()) return false;
    *this = std::move(loaded);
    return true;
}

} // namespace cairn::chain
