// SPDX-License-Identifier: MIT
#include "wallet/amount.h"

#include "consensus/decimal.h"
#include "rpc/server/json_writer.h"

namespace cairn::wallet {

Amount FeeRate::fee_of_weight(int64_t weight) const {
    const int64_t vsize = (weight + 3) / 4;
    return (vsize * per_kvb + 999) / 1000;
}

std::optional<Amount> read_amount(std::string_view text) {
    const std::optional<int64_t> units =
        consensus::read_decimal(text, 8, consensus::MAX_MONEY.value);
    if (!units) return std::nullopt;
    return Amount(*units);
}

std::string to_text(Amount amount) {
    return rpc::server::JsonWriter().amount(amount.value).take();
}

std::optional<FeeRate> read_fee_rate(std::string_view text) {
    constexpr int64_t MAX_PER_KVB = 1'000'000 * 1000;
    const std::optional<int64_t> units = consensus::read_decimal(text, 3, MAX_PER_KVB);
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
