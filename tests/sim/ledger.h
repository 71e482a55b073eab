// SPDX-License-Identifier: MIT
// Every block and transaction that was ever made in a run, once for all nodes.
#pragma once

#include "consensus/params.h"
#include "node/messages.h"
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

/// Owner of all blocks and transactions. A block's proof of work is HARD, unless it is stamped more
/// than two spacings after its parent: then it has an eighth of the work, as on test networks. So
/// of two chains the longer one may be the lighter.
class Ledger {
public:
    /// A chain whose genesis block is as old as `age` at the start, and which isn't worth having
    /// with less work than that of so many blocks.
    Ledger(Duration age, Duration spacing, uint64_t least_blocks);

    const consensus::Params& params() const { return params_; }

    /// A block on `parent`, announced as of `now`, and stamped so much later.
    const Mined& mine(
        const consensus::BlockHeader& parent,
        const std::vector<TransactionRef>& transactions,
        Time now,
        size_t miner,
        bool valid = true,
        Duration ahead = {});

    const Mined* find(const BlockHash& hash) const;

    /// In the order in which they were made.
    const std::vector<const Mined*>& blocks() const { return in_order_; }

    /// What a transaction is, by the satoshis of its first output.
    enum class Kind : int64_t {
        Refused = 1, ///< By all.
        Cheap,       ///< Comes in only with a child that pays for it.
        Usual,
    };

    /// A transaction that nobody has yet: spends output 0 of `parent`, or if that is null a coin of
    /// its own. `bytes`: about its size.
    TransactionRef
    pay(const consensus::Txid& parent = {}, size_t bytes = 250, Kind kind = Kind::Usual);

    static bool is(const consensus::Transaction& tx, Kind kind) {
        return tx.outputs.at(0).value == consensus::Amount(static_cast<int64_t>(kind));
    }

    /// The one copy of the transaction `txid`; null if it wasn't made by pay().
    TransactionRef find_transaction(const consensus::Txid& txid) const;

    /// Null if it isn't the wtxid of any.
    consensus::Txid txid_of(const node::Inventory& item) const;

    /// Blocks that hold `txid`.
    const std::vector<BlockHash>& holders(const consensus::Txid& txid) const;

private:
    struct Payment {
        TransactionRef tx;
        std::vector<BlockHash> holders;
    };

    consensus::Params params_;
    std::unordered_map<BlockHash, Mined, consensus::BlockHasher> blocks_;
    std::vector<const Mined*> in_order_;
    std::map<consensus::Txid, Payment> payments_;
    std::unordered_map<consensus::Wtxid, consensus::Txid, consensus::BlockHasher> txids_;
    int64_t next_number_ = 1;
};

} // namespace cairn::sim
