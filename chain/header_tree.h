// SPDX-License-Identifier: MIT
// All headers this node knows, and which of their chains is the one to be on.
#pragma once

#include "chain/block_node.h"
#include "consensus/params.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <atomic>
#include <deque>
#include <set>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace cairn::chain {

/// The tree of headers, genesis at its root.
///
/// Invariants: nodes are never freed nor moved. The bodies to a node were all seen (some may be
///   pruned since) if and only if its chain_tx_count isn't 0. Every such chain with at least the
///   active tip's work that can be gone to, and is not known to be invalid, has its end among the
///   candidates.
/// Thread: chain; find(), best_header(), best_failed(), assumed() and leaves() any.
class HeaderTree {
public:
    explicit HeaderTree(const consensus::Params& params);

    BlockNode& genesis() { return nodes_.front(); }

    BlockNode* find(const BlockHash& hash);
    const BlockNode* find(const BlockHash& hash) const;

    /// Most work, not known to be invalid.
    const BlockNode& best_header() const { return *best_header_.load(std::memory_order_acquire); }

    /// Most work of those that are known to be invalid; null: there are none.
    const BlockNode* best_failed() const { return best_failed_.load(std::memory_order_acquire); }

    /// Nodes without children.
    std::vector<const BlockNode*> leaves() const;

    size_t size() const { return nodes_.size(); }

    /// Add a header that obeys the rules and isn't here yet. In memory only, until keep().
    BlockNode&
    insert(const consensus::BlockHeader& header, const BlockHash& hash, const BlockNode& parent);

    /// `node` and all before it belong on disk. Whether its record there is out of date.
    bool keep(const BlockNode& node);

    /// Add a header as it was stored, after its parent; genesis is here already. Chains don't
    /// become candidates before rebuild_candidates(). Null if the parent isn't here.
    BlockNode* restore(
        const consensus::BlockHeader& header,
        const BlockHash& hash,
        uint32_t status,
        uint32_t tx_count);

    /// The body of `node` is in the store, or there again after it was pruned. Chains that it
    /// completes become candidates.
    void receive_body(BlockNode& node, uint32_t tx_count);

    /// Take the chain to `base`, of so many transactions, for complete: a snapshot of its coins is
    /// here. Only chains through it become candidates, until confirm(); then rebuild_candidates().
    void assume(BlockNode& base, uint64_t chain_tx_count);

    void confirm() { assumed_ = nullptr; }

    /// What was given to assume(); null after confirm().
    const BlockNode* assumed() const { return assumed_.load(std::memory_order_acquire); }

    /// Forget that `base` and what follows it were connected, or failed to be.
    void disown(const BlockNode& base);

    /// Bodies and undo data up to the height of `last`, a block of the active chain, are not in the
    /// store any more: chains that fork below it don't become candidates.
    void prune(const BlockNode& last);

    /// Whether all bodies are here that a way from the active chain to `node` and on may need.
    bool within_reach(const BlockNode& node) const {
        return !pruned_ || node.descends_from(*pruned_);
    }

    /// Set `bits` of the status, and keep() it.
    void set_status(BlockNode& node, uint32_t bits);

    /// `node` breaks a rule, and with it all that follow it.
    void mark_failed(BlockNode& node);

    /// Forget failures of `node`, its ancestors and descendants. Core: ResetBlockFailureFlags.
    void clear_failures(const BlockNode& node);

    /// Prefer `node` to all of equal work. Core: PreciousBlock.
    void prefer(BlockNode& node);

    /// The block with the most work whose chain is complete and not known to be invalid; `tip` or
    /// better. Requires: candidates are as of `tip` (prune_candidates, rebuild_candidates).
    BlockNode* best_candidate();

    /// The tip moved up to `tip`: drop what is worse.
    void prune_candidates(const BlockNode& tip);

    /// The tip was moved back to `tip`, or marks were cleared.
    void rebuild_candidates(const BlockNode& tip);

    /// Nodes whose record on disk is out of date; each is returned once. `bodies`: also those that
    /// have a body.
    std::vector<const BlockNode*> take_dirty(bool bodies = true);

private:
    struct MoreWork {
        bool operator()(const BlockNode* a, const BlockNode* b) const;
    };

    BlockNode&
    add(const consensus::BlockHeader& header,
        const BlockHash& hash,
        const BlockNode& parent,
        uint32_t status);
    bool complete_chain(BlockNode& node);
    void complete_children(BlockNode& node);
    bool is_candidate(const BlockNode& node) const;
    void changed(const BlockNode& node);
    void find_best();

    mutable std::shared_mutex mutex_; ///< Over what follows, up to best_header_.
    std::deque<BlockNode> nodes_;     ///< In order of arrival: parents first.
    boost::unordered_flat_map<BlockHash, BlockNode*, consensus::BlockHasher> by_hash_;
    boost::unordered_flat_set<const BlockNode*> leaves_;
    std::atomic<const BlockNode*> best_header_;
    std::atomic<const BlockNode*> best_failed_{nullptr};
    std::atomic<const BlockNode*> assumed_{nullptr};

    const BlockNode* pruned_ = nullptr; ///< What was last given to prune().
    std::set<BlockNode*, MoreWork> candidates_;
    /// Bodies that came before one of their ancestors' did, by parent.
    std::unordered_multimap<const BlockNode*, BlockNode*> waiting_;
    std::set<const BlockNode*> dirty_;
    boost::unordered_flat_set<const BlockNode*> unkept_; ///< Without a record on disk.
    int64_t next_sequence_ = 1;                          ///< Restored nodes have 0.
    int64_t next_precious_ = -2;                         ///< Below any tip's.
};

/// The work that headers of peers must lead to, or they would fill the memory for nothing: over a
/// tip, `minimum`, and what the tip's chain had about a day ago. Source: Core's
/// GetAntiDoSWorkThreshold.
consensus::Uint256 least_header_work(const BlockNode& tip, const consensus::Uint256& minimum);

} // namespace cairn::chain
