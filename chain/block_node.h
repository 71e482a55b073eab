// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/header_node.h"

#include <atomic>

namespace cairn::chain {

using consensus::Amount;
using consensus::BlockHash;
using consensus::Height;

/// A header of the tree with what this node knows of its block. Core: CBlockIndex.
///
/// Thread: the chain thread writes; any thread reads, since each field is atomic and stands alone.
struct BlockNode : consensus::HeaderNode {
    using HeaderNode::HeaderNode;

    /// What is stored and known of the block: bits of `status`.
    enum Status : uint32_t {
        HAVE_BODY = 1,        ///< The block is in the store.
        HAVE_UNDO = 2,        ///< So is what disconnecting it needs: it was connected once.
        VALID_SCRIPTS = 4,    ///< Was connected: obeys every rule.
        FAILED = 8,           ///< Breaks a rule, or was invalidated by an operator.
        FAILED_ANCESTOR = 16, ///< Some block before it is FAILED.
    };

    std::atomic<uint32_t> status{0};
    std::atomic<uint32_t> tx_count{0};       ///< 0 until the body was seen. Core: nTx.
    std::atomic<uint64_t> chain_tx_count{0}; ///< To here; 0 while a body is missing. nChainTx.

    /// Which of two chains of equal work was complete first: the lower one. Chain thread only.
    int64_t sequence = 0;

    bool has(uint32_t bits) const {
        return (status.load(std::memory_order_acquire) & bits) == bits;
    }

    bool failed() const {
        return (status.load(std::memory_order_acquire) & (FAILED | FAILED_ANCESTOR)) != 0;
    }

    /// The body was here once, and was deleted since.
    bool pruned() const { return tx_count > 0 && !has(HAVE_BODY); }

    const BlockNode* parent_node() const { return static_cast<const BlockNode*>(parent); }

    const BlockNode* ancestor_node(Height at) const {
        return static_cast<const BlockNode*>(ancestor(at));
    }
};

/// The chain as of one validated tip. Immutable; keep it for as long as one answer takes, and all
/// that is read through it belongs together.
class View {
public:
    explicit View(const BlockNode* tip) : tip_(tip) {}

    const BlockNode& tip() const { return *tip_; }

    Height height() const { return tip_->height; }

    /// The block at `height` of this chain, or null.
    const BlockNode* at(Height height) const { return tip_->ancestor_node(height); }

    bool contains(const BlockNode& node) const { return at(node.height) == &node; }

private:
    const BlockNode* tip_;
};

} // namespace cairn::chain
