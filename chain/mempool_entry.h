// SPDX-License-Identifier: MIT
// A waiting transaction, what it pays, and where it stands among the others.
#pragma once

#include "chain/linearize.h"
#include "consensus/coin.h"
#include "consensus/transaction.h"
#include "consensus/transaction_rules.h"

#include <boost/intrusive/set.hpp>

#include <span>
#include <vector>

namespace cairn::chain {

using consensus::Amount;
using consensus::Height;
using consensus::OutPoint;
using consensus::TransactionRef;
using consensus::Txid;
using consensus::Wtxid;

/// A price: satoshis for 1,000 virtual bytes. Core: CFeeRate.
struct FeeRate {
    Amount per_kvb;

    auto operator<=>(const FeeRate&) const = default;

    /// What `fee` for `vsize` virtual bytes comes to, rounded down.
    static FeeRate of(Amount fee, int64_t vsize) {
        return {static_cast<int64_t>(__int128{fee.value} * 1000 / vsize)};
    }

    /// What `vsize` virtual bytes cost, rounded up.
    Amount fee(int64_t vsize) const {
        return static_cast<int64_t>((__int128{per_kvb.value} * vsize + 999) / 1000);
    }
};

/// Weight units as virtual bytes.
inline int64_t virtual_size(int64_t weight) {
    return (weight + consensus::WITNESS_SCALE_FACTOR - 1) / consensus::WITNESS_SCALE_FACTOR;
}

/// The scripts of the coins that a transaction spends, each with its length before it: packed, as
/// all that waits keeps them.
using SpentScripts = consensus::SmallBytes<40>;

SpentScripts pack_scripts(std::span<const consensus::Coin> coins);
std::vector<consensus::Script> unpack_scripts(const SpentScripts& scripts);

/// An entry's place in one of the mempool's orders, which lies in the entry itself: so going along
/// an order, and taking out what was found otherwise, waits for no more memory than that.
using OrderHook = boost::intrusive::set_member_hook<boost::intrusive::optimize_size<true>>;

/// One waiting transaction, as it was when it was accepted.
struct MempoolEntry {
    TransactionRef tx;
    Amount fee;
    Amount modified_fee; ///< With what prioritisetransaction added.
    int64_t time = 0;    ///< When it came in, seconds.
    Height height;       ///< Of the tip then.
    int64_t sigop_cost = 0;
    int64_t weight = 0;    ///< Counting sigops where they weigh more (policy).
    size_t heap_bytes = 0; ///< That it takes, with all that it points to.
    bool spends_coinbase = false;
    bool was_confirmed = false;     ///< In a block that was disconnected: everybody knows it.
    consensus::SequenceLocks locks; ///< If any, it is checked again after a reorganisation.
    SpentScripts spent_scripts;     ///< Told when it goes, when the coins may be gone.
    uint64_t sequence = 0;          ///< Order of entry.

    int64_t vsize() const { return virtual_size(weight); }

    FeeRate feerate() const { return FeeRate::of(modified_fee, vsize()); }

    FeeSize cost() const { return {modified_fee.value, weight}; }

    /// Where it is in the mining order; the mempool's own.
    struct Place {
        const MempoolEntry* cluster = nullptr; ///< The first of its cluster.
        const MempoolEntry* chunk = nullptr;   ///< The first of its chunk.
        const MempoolEntry* next = nullptr;    ///< After it in its cluster.
        FeeSize cost;                          ///< Of its chunk.
        uint8_t position = 0;                  ///< In its cluster.
    };

    mutable Place place;
    OrderHook in_mining_order; ///< Of the first of a chunk.
    OrderHook in_age_order;
};

/// Orders the first entries of chunks: the best first.
struct BetterChunk {
    bool operator()(const MempoolEntry& a, const MempoolEntry& b) const;
};

struct Older {
    bool operator()(const MempoolEntry& a, const MempoolEntry& b) const;
};

} // namespace cairn::chain
