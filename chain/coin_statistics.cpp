// SPDX-License-Identifier: MIT
#include "chain/coin_statistics.h"

namespace cairn::chain {

namespace {

uint32_t code_of(const Coin& coin) {
    return static_cast<uint32_t>(coin.height.value) * 2 + (coin.coinbase ? 1 : 0);
}

} // namespace

uint64_t bogo_size(const Coin& coin) {
    return 32 + 4 + 4 + 8 + 2 + coin.out.script_pubkey.size();
}

void insert_coin(consensus::MuHash& set, const OutPoint& point, const Coin& coin) {
    Bytes bytes;
    consensus::Writer{bytes}(point, code_of(coin), coin.out);
    set.insert(bytes);
}

void CoinStatistics::add(const OutPoint& point, const Coin& coin) {
    if (coins++ == 0 || point.txid != last_) ++transactions;
    last_ = point.txid;
    total += coin.out.value;
    bogo_size += chain::bogo_size(coin);
    if (kind_ == CoinHash::Serialized) serialized_(point, code_of(coin), coin.out);
    if (kind_ == CoinHash::MuHash) insert_coin(set_, point, coin);
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
