// SPDX-License-Identifier: MIT
#include "chain/header_tree.h"

#include "consensus/pow.h"

#include <cassert>
#include <mutex>

namespace cairn::chain {

bool HeaderTree::MoreWork::operator()(const BlockNode* a, const BlockNode* b) const {
    if (a->work != b->work) return a->work > b->work;
    if (a->sequence != b->sequence) return a->sequence < b->sequence;
    return a->hash < b->hash; // loaded from disk: any order, but the same on each start
}

HeaderTree::HeaderTree(const consensus::Params& params) {
    BlockNode& root = nodes_.emplace_back(params.genesis.header, params.genesis_hash, nullptr);
    by_hash_.emplace(root.hash, &root);
    leaves_.insert(&root);
    best_header_ = &root;
}

BlockNode* HeaderTree::find(const BlockHash& hash) {
    const std::shared_lock lock(mutex_);
    const auto found = by_hash_.find(hash);
    return found == by_hash_.end() ? nullptr : found->second;
}

const BlockNode* HeaderTree::find(const BlockHash& hash) const {
    return const_cast<HeaderTree*>(this)->find(hash);
}

std::vector<const BlockNode*> HeaderTree::leaves() const {
    const std::shared_lock lock(mutex_);
    return {leaves_.begin(), leaves_.end()};
}

BlockNode& HeaderTree::add(
    const consensus::BlockHeader& header,
    const BlockHash& hash,
    const BlockNode& parent,
    uint32_t status) {
    const std::unique_lock lock(mutex_);
    BlockNode& node = nodes_.emplace_back(header, hash, &parent);
    const bool is_new = by_hash_.emplace(hash, &node).second;
    assert(is_new);
    leaves_.erase(&parent);
    leaves_.insert(&node);
    if (parent.failed()) status |= BlockNode::FAILED_ANCESTOR;
    node.status = status;
    std::atomic<const BlockNode*>& best = node.failed() ? best_failed_ : best_header_;
    const BlockNode* before = best.load(std::memory_order_relaxed);
    if (before == nullptr || node.work > before->work) best.store(&node, std::memory_order_release);
    return node;
}

BlockNode& HeaderTree::insert(
    const consensus::BlockHeader& header, const BlockHash& hash, const BlockNode& parent) {
    BlockNode& node = add(header, hash, parent, 0);
    unkept_.insert(&node);
    return node;
}

bool HeaderTree::keep(const BlockNode& node) {
    for (const BlockNode* each = &node; each && unkept_.erase(each) > 0; each = each->parent_node())
        dirty_.insert(each);
    return dirty_.contains(&node);
}

/// What is said of it on disk, if anything, is out of date.
void HeaderTree::changed(const BlockNode& node) {
    if (!unkept_.contains(&node)) dirty_.insert(&node);
}

BlockNode* HeaderTree::restore(
    const consensus::BlockHeader& header,
    const BlockHash& hash,
    uint32_t status,
    uint32_t tx_count) {
    const BlockNode* parent = find(header.prev_hash);
    if (!parent && hash != genesis().hash) return nullptr;
    BlockNode& node = parent ? add(header, hash, *parent, status) : genesis();
    node.status |= status;
    node.tx_count = tx_count;
    if (tx_count == 0) return &node;
    if (parent && parent->chain_tx_count == 0)
        waiting_.emplace(parent, &node);
    else
        node.chain_tx_count = tx_count + (parent ? parent->chain_tx_count.load() : 0);
    return &node;
}

bool HeaderTree::complete_chain(BlockNode& node) {
    const BlockNode* parent = node.parent_node();
    if (parent && parent->chain_tx_count == 0) return false;
    node.chain_tx_count = node.tx_count + (parent ? parent->chain_tx_count.load() : 0);
    node.sequence = next_sequence_++;
    if (is_candidate(node)) candidates_.insert(&node);
    return true;
}

bool HeaderTree::is_candidate(const BlockNode& node) const {
    return node.chain_tx_count > 0 && !node.failed() && within_reach(node) &&
           (!assumed() || node.descends_from(*assumed()));
}

void HeaderTree::receive_body(BlockNode& node, uint32_t tx_count) {
    assert(tx_count > 0 && (node.tx_count == 0 || node.pruned()));
    const bool complete = node.pruned();
    node.tx_count = tx_count;
    set_status(node, BlockNode::HAVE_BODY);
    if (complete) return;
    if (complete_chain(node))
        complete_children(node);
    else
        waiting_.emplace(node.parent_node(), &node);
}

void HeaderTree::complete_children(BlockNode& node) {
    std::vector<BlockNode*> completed{&node};
    while (!completed.empty()) {
        const BlockNode* parent = completed.back();
        completed.pop_back();
        const auto [first, last] = waiting_.equal_range(parent);
        for (auto it = first; it != last; ++it) {
            complete_chain(*it->second);
            completed.push_back(it->second);
        }
        waiting_.erase(first, last);
    }
}

void HeaderTree::assume(BlockNode& base, uint64_t chain_tx_count) {
    assumed_.store(&base, std::memory_order_release);
    if (base.chain_tx_count > 0) return;
    base.chain_tx_count = chain_tx_count;
    complete_children(base);
}

void HeaderTree::disown(const BlockNode& base) {
    constexpr uint32_t VERDICT =
        BlockNode::HAVE_UNDO | BlockNode::VALID_SCRIPTS | BlockNode::FAILED;
    for (BlockNode& node : nodes_) {
        if (!node.descends_from(base) || &node == &base) continue;
        node.status &= ~VERDICT;
        changed(node);
    }
}

void HeaderTree::prune(const BlockNode& last) {
    pruned_ = &last;
    // A better chain that the tip is on its way to may prove invalid: then these are next.
    std::erase_if(candidates_, [this](const BlockNode* node) { return !within_reach(*node); });
    for (BlockNode& node : nodes_) {
        if (node.height > last.height || !node.has(BlockNode::HAVE_BODY)) continue;
        node.status &= ~uint32_t{BlockNode::HAVE_BODY | BlockNode::HAVE_UNDO};
        changed(node);
    }
}

void HeaderTree::set_status(BlockNode& node, uint32_t bits) {
    node.status |= bits;
    keep(node);
    dirty_.insert(&node);
}

void HeaderTree::mark_failed(BlockNode& node) {
    set_status(node, BlockNode::FAILED);
    candidates_.erase(&node);
    for (BlockNode& other : nodes_) {
        if (&other == &node || !other.descends_from(node)) continue;
        other.status |= BlockNode::FAILED_ANCESTOR;
        candidates_.erase(&other);
    }
    find_best();
}

void HeaderTree::clear_failures(const BlockNode& node) {
    constexpr uint32_t FAILURES = BlockNode::FAILED | BlockNode::FAILED_ANCESTOR;
    for (BlockNode& other : nodes_) {
        if (!other.failed()) continue;
        if (other.descends_from(node) || node.descends_from(other)) {
            other.status &= ~FAILURES;
            changed(other);
        } else if (const BlockNode* parent = other.parent_node(); parent && !parent->failed()) {
            other.status &= ~uint32_t{BlockNode::FAILED_ANCESTOR}; // parents come first
        }
    }
    find_best();
}

void HeaderTree::find_best() {
    const BlockNode* valid = nullptr;
    const BlockNode* failed = nullptr;
    for (const BlockNode& node : nodes_) {
        const BlockNode*& best = node.failed() ? failed : valid;
        if (best == nullptr || node.work > best->work) best = &node;
    }
    best_header_.store(valid, std::memory_order_release);
    best_failed_.store(failed, std::memory_order_release);
}

void HeaderTree::prefer(BlockNode& node) {
    candidates_.erase(&node);
    node.sequence = next_precious_--;
    if (is_candidate(node)) candidates_.insert(&node);
}

BlockNode* HeaderTree::best_candidate() {
    return candidates_.empty() ? nullptr : *candidates_.begin();
}

void HeaderTree::prune_candidates(const BlockNode& tip) {
    while (!candidates_.empty() && MoreWork()(&tip, *candidates_.rbegin()))
        candidates_.erase(std::prev(candidates_.end()));
    assert(!candidates_.empty());
}

void HeaderTree::rebuild_candidates(const BlockNode& tip) {
    candidates_.clear();
    for (BlockNode& node : nodes_)
        if (node.work >= tip.work && is_candidate(node)) candidates_.insert(&node);
}

std::vector<const BlockNode*> HeaderTree::take_dirty(bool bodies) {
    std::vector<const BlockNode*> nodes;
    for (auto it = dirty_.begin(); it != dirty_.end();) {
        const bool take = bodies || !(*it)->has(BlockNode::HAVE_BODY);
        if (take) nodes.push_back(*it);
        it = take ? dirty_.erase(it) : std::next(it);
    }
    return nodes;
}

consensus::Uint256 least_header_work(const BlockNode& tip, const consensus::Uint256& minimum) {
    constexpr int FORK_BLOCKS = 144; // a day of Bitcoin's
    const consensus::Uint256 fork = consensus::work_of(tip.header.bits) * FORK_BLOCKS;
    return std::max<consensus::Uint256>(minimum, tip.work - std::min(tip.work, fork));
}

} // namespace cairn::chain
