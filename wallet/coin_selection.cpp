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

/// What a selection of coins comes to: the fee for its size, and what is left for change.
class Pricing {
public:
    explicit Pricing(const SelectionTarget& target) : target_(target) {}

    Amount fee(size_t inputs, bool with_change) const {
        return target_.rate.fee_of_weight(
            target_.fixed_weight + static_cast<int64_t>(inputs) * target_.input_weight +
            (with_change ? target_.change_weight : 0));
    }

    /// Making change and spending it later.
    Amount change_cost() const {
        return target_.rate.fee_of_weight(target_.change_weight) +
               target_.rate.fee_of_weight(target_.input_weight);
    }

    /// The selection of `chosen`; nullopt if it doesn't suffice.
    std::optional<Selection>
    close(const std::vector<Amount>& values, std::vector<size_t> chosen) const {
        const Amount left = sum_of(values, chosen) - target_.payments;
        const Amount change = left - fee(chosen.size(), true);
        if (change >= target_.change_dust && change > change_cost())
            return Selection{std::move(chosen), left - change, change};
        if (left < fee(chosen.size(), false)) return std::nullopt;
        return Selection{std::move(chosen), left, 0};
    }

private:
    const SelectionTarget& target_;
};

/// Coins in the order they are tried, without those that cost more than they bring.
struct Ordered {
    Ordered(const std::vector<Amount>& values, const SelectionTarget& target) {
        const Amount cost = target.rate.fee_of_weight(target.input_weight);
        for (size_t i = 0; i < values.size(); ++i)
            if (values[i] > cost) order.push_back(i);
        std::ranges::stable_sort(order, [&](size_t a, size_t b) { return values[a] > values[b]; });
    }

    std::vector<size_t> order; ///< Largest first.
};

/// A depth-first search, largest coin first with and then without, for coins whose sum is enough
/// and exceeds it by less than change would cost; the one with the least excess.
class ExactSearch {
public:
    ExactSearch(const std::vector<Amount>& values, const SelectionTarget& target)
        : values_(values),
          target_(target),
          pricing_(target),
          order_(Ordered(values, target).order),
          sums_after_(order_.size() + 1) {
        for (size_t i = order_.size(); i-- > 0;)
            sums_after_[i] = sums_after_[i + 1] + values_[order_[i]];
    }

    std::optional<std::vector<size_t>> run() {
        search(0, 0);
        if (!best_) return std::nullopt;
        std::vector<size_t> chosen;
        for (const size_t at : *best_) chosen.push_back(order_[at]);
        return chosen;
    }

private:
    void search(size_t at, Amount sum) {
        if (++steps_ > MAX_SEARCH_STEPS) return;
        const Amount excess = sum - target_.payments - pricing_.fee(taken_.size(), false);
        if (excess >= Amount(0)) {
            if (excess <= pricing_.change_cost() && (!best_ || excess < least_excess_)) {
                best_ = taken_;
                least_excess_ = excess;
            }
            return; // more coins only exceed more
        }
        if (at == order_.size() || sum + sums_after_[at] < target_.payments) return;
        taken_.push_back(at);
        search(at + 1, sum + values_[order_[at]]);
        taken_.pop_back();
        // Without this coin, without its equals: the same sums were just tried.
        size_t next = at + 1;
        while (next < order_.size() && values_[order_[next]] == values_[order_[at]]) ++next;
        search(next, sum);
    }

    const std::vector<Amount>& values_;
    const SelectionTarget& target_;
    Pricing pricing_;
    std::vector<size_t> order_;
    std::vector<Amount> sums_after_; ///< Of the coins from each position on.
    std::vector<size_t> taken_;
    std::optional<std::vector<size_t>> best_;
    Amount least_excess_;
    int steps_ = 0;
};

} // namespace

std::optional<Selection>
select_coins(const std::vector<Amount>& values, const SelectionTarget& target) {
    const Pricing pricing(target);
    if (auto exact = ExactSearch(values, target).run()) {
        const Amount fee = sum_of(values, *exact) - target.payments;
        return Selection{std::move(*exact), fee, 0};
    }
    const std::vector<size_t> order = Ordered(values, target).order;
    // The smallest single coin that suffices keeps the larger ones whole ...
    for (size_t i = order.size(); i-- > 0;)
        if (auto selection = pricing.close(values, {order[i]})) return selection;
    // ... and else the fewest coins.
    std::vector<size_t> chosen;
    for (const size_t coin : order) {
        chosen.push_back(coin);
        if (auto selection = pricing.close(values, chosen)) return selection;
    }
    return std::nullopt;
}

std::optional<Selection>
select_all(const std::vector<Amount>& values, const SelectionTarget& target) {
    std::vector<size_t> chosen = Ordered(values, target).order;
    const Amount fee = Pricing(target).fee(chosen.size(), false);
    if (chosen.empty() || sum_of(values, chosen) <= fee) return std::nullopt;
    return Selection{std::move(chosen), fee, 0};
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
