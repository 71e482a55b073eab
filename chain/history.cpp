// SPDX-License-Identifier: MIT
#include "chain/history.h"

#include "chain/coin_statistics.h"

#include <spdlog/spdlog.h>

namespace cairn::chain {

History::History(Chainstate& chainstate, const std::atomic<bool>& stop, std::function<void()> wake)
    : chainstate_(chainstate),
      stop_(stop),
      wake_(std::move(wake)),
      base_(chainstate.tree().assumed()),
      tip_(chainstate.history_tip()),
      coins_(chainstate.store(), chainstate.coins().salt(), CoinSet::Other) {}

void History::advance() {
    if (!base_ || (next_ && !next_->finished())) return;
    if (next_) return commit();
    if (tip_ == base_) return hash_.valid() ? compare() : hash_coins();
    if (!base_->descends_from(*tip_)) return disconnect();
    // one of the tree's own nodes, which belong to this thread
    auto& node = const_cast<BlockNode&>(*base_->ancestor_node(tip_->height + Height(1)));
    if (node.has(BlockNode::HAVE_BODY)) connect(node);
}

void History::connect(BlockNode& node) {
    auto connecting = chainstate_.connect_block(chainstate_.load_block(node), node, &coins_);
    node_ = &node;
    if (!connecting) fail(std::string(connecting.error().reason));
    next_ = std::move(*connecting);
    next_->when_finished(wake_);
}

void History::commit() {
    const std::unique_ptr<ConnectingBlock> connected = std::move(next_);
    if (const Result<> verdict = connected->script_verdict(); !verdict)
        fail(std::string(verdict.error().reason));
    StoreBatch batch;
    auto writing = chainstate_.store().about_to_write();
    chainstate_.put_undo(batch, *node_, *connected);
    chainstate_.store().write(batch, Durability::Logged);
    writing.unlock();
    move_to(*node_, connected->changes());
}

/// It was the tip of another chain when the snapshot came.
void History::disconnect() {
    const CoinTable changes = chainstate_.take_off(*tip_, *chainstate_.load_block(*tip_));
    move_to(*tip_->parent_node(), changes);
}

void History::move_to(const BlockNode& node, const CoinTable& changes) {
    coins_.apply(changes);
    tip_ = &node;
    chainstate_.set_history_tip(node);
    if (node.height.value % 1000 == 0)
        spdlog::info("history_validated height={} of={}", node.height.value, base_->height.value);
    if (tip_ == base_ || coins_.memory_bytes() > chainstate_.options().cache_bytes / CACHE_SHARE)
        flush();
    wake_();
}

void History::flush() {
    if (!base_) return;
    chainstate_.flush(); // what the coins are made of: headers, bodies, undo data
    coins_.freeze();
    chainstate_.store().ingest_coins(
        {tip_->hash, tip_->height}, coins_.frozen_changes(), CoinSet::Other);
    coins_.forget();
    chainstate_.set_durable_history(tip_);
}

void History::hash_coins() {
    std::packaged_task<std::optional<Hash256>()> hash([this] {
        CoinStatistics sum(CoinHash::Serialized);
        CoinCursor coins = chainstate_.store().coins(CoinSet::Other);
        while (const auto next = coins.next()) {
            if (stop_) return std::optional<Hash256>();
            sum.add(next->first, next->second);
        }
        return sum.hash();
    });
    hash_ = hash.get_future();
    hashing_ = std::async(std::launch::async, [this, hash = std::move(hash)]() mutable {
        lower_priority();
        hash();
        wake_();
    });
}

void History::compare() {
    if (hash_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    const std::optional<Hash256> hash = hash_.get();
    if (!hash) return; // at the next start
    const auto& known = chainstate_.params().snapshots;
    const auto entry = std::ranges::find(known, base_->hash, &consensus::Snapshot::block);
    if (hash != entry->coins_hash) fail("their hash is " + hash->to_string());
    if (base_->chain_tx_count != entry->chain_tx_count) {
        spdlog::warn(
            "snapshot_count_corrected height={} transactions={} chain_file={}", base_->height.value,
            base_->chain_tx_count.load(), entry->chain_tx_count);
        count_transactions();
    }
    chainstate_.confirm_snapshot();
    base_ = nullptr;
}

/// Of the blocks above, anew: what was assumed of those before was wrong.
void History::count_transactions() {
    const BlockNode& tip = chainstate_.tip();
    for (Height at = base_->height + Height(1); at <= tip.height; ++at) {
        // one of the tree's own nodes, which belong to this thread
        auto& node = const_cast<BlockNode&>(*tip.ancestor_node(at));
        node.chain_tx_count = node.parent_node()->chain_tx_count + node.tx_count;
    }
}

void History::fail(const std::string& why) {
    next_.reset();
    flush();
    if (tip_ != base_) chainstate_.tree().mark_failed(*node_);
    chainstate_.reject_snapshot(*tip_, why);
}

} // namespace cairn::chain
