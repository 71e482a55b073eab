// SPDX-License-Identifier: MIT
// Amounts and fee rates as people write them: exact decimals, never floating point.
#pragma once

#include "consensus/quantity.h"

#include <optional>
#include <string>
#include <string_view>

namespace cairn::wallet {

using consensus::Amount;
using consensus::Height;

/// Satoshis per 1,000 virtual bytes. Core: CFeeRate.
struct FeeRate {
    int64_t per_kvb = 0;

    auto operator<=>(const FeeRate&) const = default;

    /// Rounded up, of a transaction or a part of it. Units: weight units.
    Amount fee_of_weight(int64_t weight) const;
};

/// Coins with up to eight decimals, within the money range, no sign and no exponent; nullopt for
/// anything else.
std::optional<Amount> read_amount(std::string_view text);

/// Coins with eight decimals: "0.00012000", "-1.50000000".
std::string to_text(Amount amount);

/// Satoshis per virtual byte with up to three decimals ("1", "2.5"), above zero, at most a million;
/// nullopt for anything else.
std::optional<FeeRate> read_fee_rate(std::string_view text);

/// "2.5": satoshis per virtual byte.
std::string to_text(FeeRate rate);

} // namespace cairn::wallet
