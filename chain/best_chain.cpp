// SPDX-License-Identifier: MIT
#include "chain/best_chain.h"

#include <spdlog/spdlog.h>

namespace cairn::chain {

namespace {

/// A longer way is told in parts, so that not all its blocks are in memory at once.
constexpr size_t MAX_CHANGE_BLOCKS = 64;

} // namespace

BestChain::BestChain(
    Chainstate& chainstate, Admission& admission, const std::atomic<bool>& stop, Notify notify)
    : chainstate_(chainstate),
      admission_(admission),
      stop_(stop),
      notify_(std::move(notify)),
      rest_(&chainstate.tip()) {
    change_.old_tip = rest_;
}

Result<> BestChain::activate(const BlockNode* node, const BlockRef& fresh) {
    fresh_node_ = node;
    fresh_ = fresh;
    fresh_verdict_ = {};
    while (!stop_) {
        BlockNode* target = chainstate_.tree().best_candidate();
        if (!target || target == &chainstate_.tip()) break;
        move_towards(*target);
    }
    settle();
    fresh_.reset();
    return std::exchange(fresh_verdict_, {});
}

void BestChain::move_towards(BlockNode& target) {
    const auto* fork = consensus::last_common_ancestor(&chainstate_.tip(), &target);
    while (&chainstate_.tip() != fork) disconnect();
    std::vector<BlockNode*> way;
    for (const BlockNode* node = &target; node != fork; node = node->parent_node())
        way.push_back(const_cast<BlockNode*>(node)); // the tree's own nodes, and its thread
    for (; !way.empty(); way.pop_back()) {
        if (!connect(*way.back())) return;
        if (chainstate_.tip().work <= rest_->work) continue;
        settle();
        if (stop_) return;
    }
}

bool BestChain::connect(BlockNode& node) {
    const BlockRef block = &node == fresh_node_ ? fresh_ : chainstate_.load_block(node);
    const Result<ConnectedBlock> connected = chainstate_.connect_block(*block, node);
    if (!connected) {
        const consensus::Reject& reject = connected.error();
        spdlog::warn(
            "block_invalid hash={} height={} reason=\"{}\" detail=\"{}\"", node.hash.to_string(),
            node.height.value, reject.reason, reject.detail);
        if (&node == fresh_node_) fresh_verdict_ = reject;
        chainstate_.tree().mark_failed(node);
        chainstate_.tree().rebuild_candidates(chainstate_.tip());
        chainstate_.write_headers();
        return false;
    }
    chainstate_.commit_connect(
        node, *block, *connected, [&] { admission_.block_connected(*block); });
    spdlog::debug(
        "block_connected hash={} height={} txs={}", node.hash.to_string(), node.height.value,
        block->transactions.size());
    change_.connected.push_back({&node, block});
    if (change_.connected.size() + change_.disconnected.size() >= MAX_CHANGE_BLOCKS) emit();
    return true;
}

void BestChain::disconnect() {
    if (!change_.connected.empty()) emit(); // a change first goes down, then up
    const BlockNode& node = chainstate_.tip();
    const BlockRef block = chainstate_.load_block(node);
    chainstate_.disconnect_tip(*block, [&] { admission_.block_disconnected(*block); });
    spdlog::debug("block_disconnected hash={} height={}", node.hash.to_string(), node.height.value);
    reorganised_ = true;
    change_.disconnected.push_back({&node, block});
    if (change_.disconnected.size() >= MAX_CHANGE_BLOCKS) emit();
}

void BestChain::settle() {
    const BlockNode* tip = &chainstate_.tip();
    if (tip == rest_ && !reorganised_) return;
    if (std::exchange(reorganised_, false))
        admission_.after_reorganisation();
    else
        admission_.enforce_limits();
    rest_ = tip;
    chainstate_.tree().prune_candidates(*tip);
    emit();
}

void BestChain::emit() {
    change_.new_tip = &chainstate_.tip();
    change_.initial_download = chainstate_.initial_download();
    if (change_.new_tip != change_.old_tip) notify_(change_);
    change_ = {};
    change_.old_tip = &chainstate_.tip();
}

Result<> BestChain::invalidate(BlockNode& node) {
    if (!node.parent) return consensus::invalid("genesis block can't be invalidated");
    while (chainstate_.tip().descends_from(node)) {
        if (stop_) return {};
        disconnect();
    }
    chainstate_.tree().mark_failed(node);
    chainstate_.tree().rebuild_candidates(chainstate_.tip());
    chainstate_.write_headers();
    return activate();
}

Result<> BestChain::reconsider(BlockNode& node) {
    chainstate_.tree().clear_failures(node);
    chainstate_.tree().rebuild_candidates(chainstate_.tip());
    chainstate_.write_headers();
    return activate();
}

Result<> BestChain::precious(BlockNode& node) {
    if (node.work < chainstate_.tip().work) return {};
    chainstate_.tree().prefer(node);
    return activate();
}

} // namespace cairn::chain
