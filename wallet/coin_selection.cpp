// SPDX-License-Identifier: MIT
#include "wallet/coin_selection.h"

#include "consensus/interpreter.h"
#include "consensus/serialize.h"

#include <algorithm>
#include <numeric>

namespace cairn::wallet {

namespace {

constexpr int MAX_SEARCH_STEPS = 100'000;
constexpr FeeRate DUST_RATE{3000}; // of Core's and our own relay policy

Amount sum_of(const std::vector<Amount>& values, const std::vector<size_t>& chosen) {
    Amount sum;
    for (const size_t i : chosen) sum += values[i];
    return sum;
}

/// The selection of `chosen`; nullopt if it doesn't suffice.
std::optional<Selection> close(
    const std::vector<Amount>& values, std::vector<size_t> chosen, const SelectionTarget& target) {
    const Amount left = sum_of(values, chosen) - target.payments;
    const Amount change = left - target.fee(chosen.size(), true);
    if (change >= target.change_dust && change > target.change_cost())
        return Selection{std::move(chosen), left - change, change};
    if (left < target.fee(chosen.size(), false)) return std::nullopt;
    return Selection{std::move(chosen), left, 0};
}

/// Coins in the order they are tried, largest first, without those that cost more than they bring.
std::vector<size_t> order_of(const std::vector<Amount>& values, const SelectionTarget& target) {
    const Amount cost = target.rate.fee_of_weight(target.input_weight);
    std::vector<size_t> order;
    for (size_t i = 0; i < values.size(); ++i)
        if (values[i] > cost) order.push_back(i);
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return values[a] > values[b]; });
    return order;
}

/// A depth-first search, largest coin first with and then without, for coins whose sum is enough
/// and exceeds it by less than change would cost; the one with the least excess.
class ExactSearch {
public:
    ExactSearch(const std::vector<Amount>& values, const SelectionTarget& target)
        : values_(values),
          target_(target),
          order_(order_of(values, target)),
          sums_after_(order_.size() + 1),
          next_lower_(order_.size()) {
        for (size_t i = order_.size(); i-- > 0;) {
            sums_after_[i] = sums_after_[i + 1] + value(i);
            const bool equal = i + 1 < order_.size() && value(i + 1) == value(i);
            next_lower_[i] = equal ? next_lower_[i + 1] : i + 1;
        }
    }

    std::optional<std::vector<size_t>> run() {
        search(0, 0);
        if (!best_) return std::nullopt;
        std::vector<size_t> chosen;
        for (const size_t at : *best_) chosen.push_back(order_[at]);
        return chosen;
    }

private:
    Amount value(size_t at) const { return values_[order_[at]]; }

    /// As deep as coins are taken, so at most target_.max_inputs().
    void search(size_t at, Amount sum) {
        const Amount excess = sum - target_.payments - target_.fee(taken_.size(), false);
        if (excess >= Amount(0)) {
            if (excess <= target_.change_cost() && (!best_ || excess < least_excess_)) {
                best_ = taken_;
                least_excess_ = excess;
            }
            return; // more coins only exceed more
        }
        if (taken_.size() >= target_.max_inputs()) return;
        // Without a coin, without its equals: the same sums were just tried.
        for (; at < order_.size(); at = next_lower_[at]) {
            if (sum + sums_after_[at] < target_.payments || ++steps_ > MAX_SEARCH_STEPS) return;
            taken_.push_back(at);
            search(at + 1, sum + value(at));
            taken_.pop_back();
        }
    }

    const std::vector<Amount>& values_;
    const SelectionTarget& target_;
    std::vector<size_t> order_;
    std::vector<Amount> sums_after_; ///< Of the coins from each position on.
    std::vector<size_t> next_lower_; ///< After each position the first of a lower value.
    std::vector<size_t> taken_;
    std::optional<std::vector<size_t>> best_;
    Amount least_excess_;
    int steps_ = 0;
};

} // namespace

size_t SelectionTarget::max_inputs() const {
    return static_cast<size_t>(
        std::max<int64_t>(0, max_weight - fixed_weight - change_weight) / input_weight);
}

Amount SelectionTarget::fee(size_t inputs, bool with_change) const {
    return rate.fee_of_weight(
        fixed_weight + static_cast<int64_t>(inputs) * input_weight +
        (with_change ? change_weight : 0));
}

Amount SelectionTarget::change_cost() const {
    return rate.fee_of_weight(change_weight) + rate.fee_of_weight(input_weight);
}

std::optional<Selection>
select_coins(const std::vector<Amount>& values, const SelectionTarget& target) {
    if (auto exact = ExactSearch(values, target).run()) {
        const Amount fee = sum_of(values, *exact) - target.payments;
        return Selection{std::move(*exact), fee, 0};
    }
    const std::vector<size_t> order = order_of(values, target);
    // The smallest single coin that suffices keeps the larger ones whole ...
    for (size_t i = order.size(); i-- > 0;)
        if (auto selection = close(values, {order[i]}, target)) return selection;
    // ... and else the fewest coins.
    std::vector<size_t> chosen;
    for (const size_t coin : order) {
        if (chosen.size() == target.max_inputs()) break;
        chosen.push_back(coin);
        if (auto selection = close(values, chosen, target)) return selection;
    }
    return std::nullopt;
}

std::optional<Selection>
select_all(const std::vector<Amount>& values, const SelectionTarget& target) {
    std::vector<size_t> chosen = order_of(values, target);
    const size_t left = chosen.size() - std::min(chosen.size(), target.max_inputs());
    chosen.resize(chosen.size() - left);
    const Amount fee = target.fee(chosen.size(), false);
    if (chosen.empty() || sum_of(values, chosen) <= fee) return std::nullopt;
    return Selection{std::move(chosen), fee, 0, left};
}

Amount dust_threshold(const consensus::Script& script) {
    if (consensus::is_unspendable(script)) return 0;
    const auto output_bytes =
        static_cast<int64_t>(8 + consensus::compact_size_bytes(script.size()) + script.size());
    // The input that would spend it: 41 bytes and a signature with its key, which in a witness
    // weigh a quarter.
    const int64_t input_bytes = consensus::witness_program(script) ? 41 + 107 / 4 : 41 + 107;
    return (output_bytes + input_bytes) * DUST_RATE.per_kvb / 1000;
}

} // namespace cairn::wallet
