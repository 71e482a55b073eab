// SPDX-License-Identifier: MIT
// A header with all that follows from its place in the tree. Immutable and never freed while the
// tree lives, so that any thread walks from it to the genesis block without a lock.
#pragma once

#include "consensus/block.h"
#include "consensus/uint256.h"

namespace cairn::consensus {

/// One header and its ancestors. Core: CBlockIndex.
///
/// Invariants: parent and skip, where set, are ancestors and outlive this; nothing here changes
///   after construction. Thread: any.
struct HeaderNode {
    /// A genesis block, if `parent` is null.
    HeaderNode(const BlockHeader& header, const BlockHash& hash, const HeaderNode* parent);

    BlockHeader header;
    BlockHash hash;
    Height height;
    Uint256 work; ///< Of this block and all before it. Core: nChainWork.
    const HeaderNode* parent = nullptr;
    const HeaderNode* skip = nullptr; ///< A far ancestor, so that ancestor() takes O(log n).
    uint32_t max_time = 0;            ///< Latest time of this and all before it. Core: nTimeMax.

    /// The ancestor at `height` (this itself included); null above this or below 0.
    const HeaderNode* ancestor(Height height) const;

    /// The median time of this block and the ten before it. Source: BIP-0113.
    int64_t median_time_past() const;

    /// Whether `other` is this or one of its ancestors.
    bool descends_from(const HeaderNode& other) const { return ancestor(other.height) == &other; }
};

/// The last block that `a` and `b` share; both belong to one tree. Core: LastCommonAncestor.
const HeaderNode* last_common_ancestor(const HeaderNode* a, const HeaderNode* b);

} // namespace cairn::consensus
