// SPDX-License-Identifier: MIT
// What the blocks confirmed that a reorganisation has disconnected, until the tip rests again.
#pragma once

#include "consensus/block.h"

#include <deque>
#include <map>
#include <vector>

namespace cairn::chain {

/// Transactions that are to wait again, unless the new branch confirms them too by the block that
/// gives it more work. Those of the highest blocks are let go when they become too many. Owned by
/// the chain thread.
/// Core: DisconnectedBlockTransactions.
class DisconnectedTransactions {
public:
    /// Those of `block`, which was the tip. Returns those for which `max_bytes` leave no room any
    /// more: nothing that spends from them can wait.
    std::vector<consensus::TransactionRef> add(const consensus::Block& block, size_t max_bytes);

    /// `block` confirms what it may have in common with the others.
    void confirm(const consensus::Block& block);

    /// All that are confirmed no more, in the order of the chain; then it is empty.
    std::vector<consensus::TransactionRef> take();

private:
    using Transactions = std::vector<consensus::TransactionRef>;

    bool waits(const consensus::SealedTransaction& tx) const;

    std::deque<Transactions> blocks_; ///< The lowest first.
    /// Of these what the new branch hasn't; where two branches had it, the one that came last.
    std::map<consensus::Txid, const consensus::SealedTransaction*> unconfirmed_;
    size_t bytes_ = 0;
};

} // namespace cairn::chain
