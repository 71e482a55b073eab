// SPDX-License-Identifier: MIT
// Blocks as they are stored, for those who want some of their transactions only.
#pragma once

#include "chain/block_node.h"
#include "consensus/block_outline.h"

#include <deque>
#include <memory>
#include <mutex>

namespace cairn::chain {

using consensus::Bytes;
using consensus::TransactionRef;
using consensus::Txid;

/// The bytes of a block, and where its transactions lie in them.
struct StoredBlock {
    /// Throws StorageError if they are not those of `node`.
    StoredBlock(Bytes block, const BlockNode& node);

    Bytes bytes;
    consensus::BlockOutline outline;

    /// Transaction `i` of it.
    TransactionRef transaction(size_t i) const;
    /// Null if it isn't in the block.
    TransactionRef find(const Txid& txid) const;
};

using StoredBlockRef = std::shared_ptr<const StoredBlock>;

/// The blocks that were looked into last: a batch of calls asks for many transactions of a few.
/// Thread: any.
class RecentBlocks {
public:
    /// One block is kept however large it is.
    explicit RecentBlocks(size_t max_bytes) : max_bytes_(max_bytes) {}

    /// Null if it isn't here.
    StoredBlockRef find(const BlockNode& node);
    void add(const BlockNode& node, StoredBlockRef block);

private:
    struct Kept {
        const BlockNode* node;
        StoredBlockRef block;
    };

    const size_t max_bytes_;
    std::mutex mutex_;
    std::deque<Kept> kept_; ///< Used last first.
    size_t bytes_ = 0;
};

} // namespace cairn::chain
