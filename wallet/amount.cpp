// SPDX-License-Identifier: MIT
#include "wallet/amount.h"

#include "rpc/server/json_writer.h"

#include <algorithm>

namespace cairn::wallet {

namespace {

constexpr int64_t MAX_FEE_RATE_PER_VB = 1'000'000;

/// A decimal number as a count of its smallest unit; nullopt if it has more than `decimals`
/// digits after the point, exceeds `limit` units, or isn't a plain decimal.
std::optional<int64_t> read_decimal(std::string_view text, int decimals, int64_t limit) {
    int64_t units = 0;
    int after_point = -1; // digits seen after the point; -1 before it
    bool any_digit = false;
    for (const char c : text) {
        if (c == '.' && after_point < 0) {
            after_point = 0;
            continue;
        }
        if (c < '0' || c > '9' || after_point == decimals) return std::nullopt;
        if (after_point >= 0) ++after_point;
        any_digit = true;
        units = units * 10 + (c - '0');
        if (units > limit) return std::nullopt;
    }
    if (!any_digit) return std::nullopt;
    for (int i = std::max(after_point, 0); i < decimals; ++i) {
        units *= 10;
        if (units > limit) return std::nullopt;
    }
    return units;
}

} // namespace

Amount FeeRate::fee_of_weight(int64_t weight) const {
    const int64_t vsize = (weight + 3) / 4;
    return (vsize * per_kvb + 999) / 1000;
}

std::optional<Amount> read_amount(std::string_view text) {
    const std::optional<int64_t> units = read_decimal(text, 8, consensus::MAX_MONEY.value);
    if (!units) return std::nullopt;
    return Amount(*units);
}

std::string to_text(Amount amount) {
    return rpc::server::JsonWriter().amount(amount.value).take();
}

std::optional<FeeRate> read_fee_rate(std::string_view text) {
    const std::optional<int64_t> units = read_decimal(text, 3, MAX_FEE_RATE_PER_VB * 1000);
    if (!units || *units == 0) return std::nullopt;
    return FeeRate{*units};
}

std::string to_text(FeeRate rate) {
    std::string text = std::to_string(rate.per_kvb / 1000);
    const int64_t rest = rate.per_kvb % 1000;
    if (rest == 0) return text;
    std::string decimals = std::to_string(rest);
    decimals.insert(0, 3 - decimals.size(), '0');
    decimals.erase(decimals.find_last_not_of('0') + 1);
    return text + "." + decimals;
}

} // namespace cairn::wallet
