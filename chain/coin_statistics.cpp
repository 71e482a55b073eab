// SPDX-License-Identifier: MIT
#include "chain/coin_statistics.h"

namespace cairn::chain {

void CoinStatistics::add(const OutPoint& point, const Coin& coin) {
    if (coins++ == 0 || point.txid != last_) ++transactions;
    last_ = point.txid;
    total += coin.out.value;
    bogo_size += 32 + 4 + 4 + 8 + 2 + coin.out.script_pubkey.size();
    const uint32_t code = static_cast<uint32_t>(coin.height.value) * 2 + (coin.coinbase ? 1 : 0);
    if (kind_ == CoinHash::Serialized) serialized_(point, code, coin.out);
    if (kind_ != CoinHash::MuHash) return;
    Bytes bytes;
    consensus::Writer{bytes}(point, code, coin.out);
    set_.insert(bytes);
}

std::optional<Hash256> CoinStatistics::hash() {
    switch (kind_) {
    case CoinHash::None:
        return std::nullopt;
    case CoinHash::Serialized:
        return serialized_.double_hash();
    case CoinHash::MuHash:
        return set_.digest();
    }
    return std::nullopt;
}

} // namespace cairn::chain
