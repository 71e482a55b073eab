// SPDX-License-Identifier: MIT
// Every block and transaction that was ever made in a run, once for all nodes.
#pragma once

#include "consensus/params.h"
#include "timeline.h"

#include <map>
#include <optional>
#include <unordered_map>

namespace cairn::sim {

using consensus::BlockHash;
using consensus::Bytes;
using consensus::TransactionRef;

/// A block, and what only the simulator knows of it.
struct Mined {
    consensus::BlockRef block;
    Bytes bytes; ///< As on the wire.
    consensus::Height height;
    bool valid = true; ///< Else nodes refuse it once they run its scripts.
    Time at;
    size_t miner = 0;
    size_t number = 0; ///< In the order in which they were made.
};

/// Owner of all blocks and transactions. Blocks carry their proof of work at the lowest difficulty.
class Ledger {
public:
    /// A chain whose genesis block is as old as `age` at the start.
    Ledger(Duration age, Duration spacing);

    const consensus::Params& params() const { return params_; }

    /// A block on `parent`, announced as of `now`.
    const Mined& mine(
        const consensus::BlockHeader& parent,
        consensus::Height height,
        const std::vector<TransactionRef>& transactions,
        Time now,
        size_t miner,
        bool valid = true);

    const Mined* find(const BlockHash& hash) const;

    /// In the order in which they were made.
    const std::vector<const Mined*>& blocks() const { return in_order_; }

    /// A transaction that nobody has yet: spends output 0 of `parent`, or if that is null a coin of
    /// its own. `bytes`: about its size. One that is not `valid` is refused by all.
    TransactionRef pay(const consensus::Txid& parent = {}, size_t bytes = 250, bool valid = true);

    static bool is_valid(const consensus::Transaction& tx) {
        return tx.outputs.at(0).value != consensus::Amount(REFUSED_VALUE);
    }

    /// The one copy of the transaction `txid`; null if it wasn't made by pay().
    TransactionRef find_transaction(const consensus::Txid& txid) const;

    /// Blocks that hold `txid`.
    const std::vector<BlockHash>& holders(const consensus::Txid& txid) const;

private:
    static constexpr int64_t REFUSED_VALUE = 1; ///< Satoshis.

    struct Payment {
        TransactionRef tx;
        std::vector<BlockHash> holders;
    };

    consensus::Params params_;
    std::unordered_map<BlockHash, Mined, consensus::BlockHasher> blocks_;
    std::vector<const Mined*> in_order_;
    std::map<consensus::Txid, Payment> payments_;
    int64_t next_number_ = 1;
};

} // namespace cairn::sim
