// SPDX-License-Identifier: MIT
// Which coins to spend. Looks first for coins that need no change (branch and bound), as change
// costs twice, when it is made and when it is spent, and ties payments together for onlookers.
#pragma once

#include "consensus/standard.h"
#include "consensus/transaction.h"
#include "wallet/amount.h"

#include <optional>
#include <vector>

namespace cairn::wallet {

/// What a payment needs from the coins.
struct SelectionTarget {
    Amount payments;          ///< To others, without any fee.
    FeeRate rate;             ///< Of the whole transaction.
    int64_t fixed_weight = 0; ///< Of all but inputs and change.
    int64_t input_weight = 0; ///< Of each input; all are of one kind.
    int64_t change_weight = 0;
    Amount change_dust;                                     ///< Change below this can't be relayed.
    int64_t max_weight = consensus::MAX_STANDARD_TX_WEIGHT; ///< Nor can more than this.

    /// As many as max_weight has room for, with change.
    size_t max_inputs() const;
    Amount fee(size_t inputs, bool with_change) const;
    /// Of making change and spending it later.
    Amount change_cost() const;
};

/// Coins chosen for a payment.
struct Selection {
    std::vector<size_t> chosen; ///< Positions in the list that was given.
    Amount fee;
    Amount change;   ///< 0: none is made.
    size_t left = 0; ///< Of select_all(): coins that one transaction has no room for.
};

/// Choose among coins of these values; nullopt if as many as fit don't suffice.
///
/// What is left over becomes change if that is worth more than making and spending it costs, else
/// it goes to the fee.
std::optional<Selection>
select_coins(const std::vector<Amount>& values, const SelectionTarget& target);

/// All coins that are worth more than spending them costs, to one payment; the largest, if they
/// don't fit. target.payments is ignored. nullopt if nothing would be left. The payment is sum -
/// fee.
std::optional<Selection>
select_all(const std::vector<Amount>& values, const SelectionTarget& target);

/// The least value an output with this script may have to be relayed. Core: GetDustThreshold.
Amount dust_threshold(const consensus::Script& script);

} // namespace cairn::wallet
