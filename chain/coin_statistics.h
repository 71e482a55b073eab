// SPDX-License-Identifier: MIT
// All coins of a tip, summed up and hashed, so that two nodes can compare them.
#pragma once

#include "chain/store.h"
#include "consensus/hash_writer.h"
#include "consensus/muhash.h"

namespace cairn::chain {

using consensus::Coin;

/// How coins are hashed, if at all.
enum class CoinHash : uint8_t {
    None,
    Serialized, ///< In order, one after the other. Core: hash_serialized_3.
    MuHash,     ///< Whatever their order.
};

/// A coin's size, by a measure that is nobody's. Core: GetBogoSize.
uint64_t bogo_size(const Coin& coin);

/// A coin as a member of the set that is hashed.
void insert_coin(consensus::MuHash& set, const OutPoint& point, const Coin& coin);

/// What coins add up to. Core: CCoinsStats.
///
/// Requires: coins are added in the order of their keys.
class CoinStatistics {
public:
    explicit CoinStatistics(CoinHash kind) : kind_(kind) {}

    void add(const OutPoint& point, const Coin& coin);

    /// Of all that was added; nullopt for CoinHash::None. Nothing may be added afterwards.
    std::optional<Hash256> hash();

    uint64_t coins = 0;
    uint64_t transactions = 0; ///< That they are of.
    uint64_t bogo_size = 0;
    Amount total;

private:
    CoinHash kind_;
    consensus::Txid last_;
    consensus::HashWriter serialized_;
    consensus::MuHash set_;
};

} // namespace cairn::chain
