// SPDX-License-Identifier: MIT
#include "chain/best_chain.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::chain {

namespace {

/// A longer way is told in parts, so that not all its blocks are in memory at once.
constexpr size_t MAX_CHANGE_BLOCKS = 64;

/// On the wire; in memory they take two to three times as much. Four of the largest blocks that
/// Bitcoin has keep dozens of cores busy.
constexpr int64_t MAX_BYTES_IN_FLIGHT = 16'000'000;
constexpr int64_t MAX_CHANGE_BYTES = 16'000'000;

/// Then what else waits for the chain thread gets its turn.
constexpr std::chrono::milliseconds TURN{10};

Reject pruned() {
    return consensus::policy("pruned", "the blocks that this needs were deleted");
}

} // namespace

BestChain::BestChain(
    Chainstate& chainstate,
    Admission& admission,
    const std::atomic<bool>& stop,
    Notify notify,
    std::function<void()> wake)
    : chainstate_(chainstate),
      admission_(admission),
      stop_(stop),
      notify_(std::move(notify)),
      wake_(std::move(wake)),
      rest_(&chainstate.tip()) {
    change_.old_tip = rest_;
}

void BestChain::add(const BlockOutcome& outcome, std::shared_ptr<CheckedBlock> block, Done done) {
    answers_.push_back(
        {outcome, chainstate_.tree().best_candidate(), std::move(block), std::move(done)});
}

const BlockNode& BestChain::head() const {
    return in_flight_.empty() ? chainstate_.tip() : *in_flight_.back().node;
}

bool BestChain::full() const {
    if (in_flight_.empty()) return false;
    if (!in_flight_.back().connecting) return true; // it failed: nothing can follow
    // A coin is looked for in each of the blocks before: no more of them than keep the pool busy.
    if (chainstate_.verify_pool().saturated()) return true;
    int64_t bytes = 0;
    for (const InFlight& each : in_flight_) bytes += each.bytes;
    return bytes >= MAX_BYTES_IN_FLIGHT ||
           in_flight_.size() >= chainstate_.options().blocks_in_flight;
}

bool BestChain::resting() const {
    const BlockNode* target = chainstate_.tree().best_candidate();
    return in_flight_.empty() && (!target || target == &chainstate_.tip());
}

void BestChain::advance() {
    const auto end = std::chrono::steady_clock::now() + TURN;
    while (!stop_) {
        // Not in the middle of a reorganisation: the mempool fits no tip on the way.
        if (!reorganised_ && std::chrono::steady_clock::now() > end) return wake_();
        if (!in_flight_.empty() && in_flight_.front().finished()) {
            finish_first();
            continue;
        }
        const BlockNode* target = chainstate_.tree().best_candidate();
        const bool there = !target || target == &head();
        const bool onward = !there && target->descends_from(head());
        if (there || (onward && full())) {
            if (!reorganised_ || in_flight_.empty()) break;
            finish_first(); // waits for its scripts: on the way nobody else may have a turn
        } else if (onward) {
            // one of the tree's own nodes, which belong to this thread
            launch(const_cast<BlockNode&>(*target->ancestor_node(head().height + Height(1))));
        } else if (!in_flight_.empty()) {
            finish_first();
        } else {
            disconnect();
        }
    }
    // The rest of a branch is for the next start; what the other had waits, as of the tip so far.
    if (stop_ && reorganised_) in_flight_.clear();
    if (in_flight_.empty()) settle();
}

void BestChain::finish() {
    for (advance(); !resting() && !stop_; advance())
        if (!in_flight_.empty()) finish_first();
}

void BestChain::drain() {
    while (!in_flight_.empty()) finish_first();
}

void BestChain::launch(BlockNode& node) {
    const auto fresh = std::ranges::find(
        answers_, &node, [](const Answer& answer) { return answer.outcome.node; });
    const bool waits = fresh != answers_.end();
    BlockRef block = waits ? fresh->block->block : chainstate_.load_block(node);
    chainstate_.add_coins(waits ? fresh->block->fetched : chainstate_.fetch_coins(*block));
    const ConnectingBlock* before =
        in_flight_.empty() ? nullptr : in_flight_.back().connecting.get();
    InFlight& next = in_flight_.emplace_back();
    next.node = &node;
    if (waits) next.checked = fresh->block;
    next.bytes = block->size_bytes();
    VerifiedScripts verified;
    if (waits) verified = fresh->block->impact.verified;
    auto connecting = chainstate_.connect_block(std::move(block), node, before, verified);
    if (connecting) {
        next.connecting = std::move(*connecting);
        next.connecting->when_finished(wake_);
    } else {
        next.verdict = connecting.error();
    }
}

void BestChain::finish_first() {
    InFlight& first = in_flight_.front();
    const Result<> verdict = first.connecting ? first.connecting->script_verdict() : first.verdict;
    if (!verdict) return fail(*first.node, verdict.error());
    BlockNode& node = *first.node;
    const BlockRef block = first.connecting->block();
    BlockImpact unknown;
    BlockImpact& impact = first.checked ? first.checked->impact : unknown;
    chainstate_.commit_connect(
        node, *first.connecting, [&] { admission_.block_connected(*block, impact); });
    spdlog::debug(
        "block_connected hash={} height={} txs={}", node.hash.to_string(), node.height.value,
        block->transactions.size());
    if (in_flight_.size() > 1 && in_flight_[1].connecting)
        in_flight_[1].connecting->stand_on(chainstate_.coins());
    // Memory of a block's coins takes a while to give back.
    if (!chainstate_.initial_download())
        chainstate_.verify_pool().push(
            [gone = std::shared_ptr<ConnectingBlock>(std::move(first.connecting))] {});
    in_flight_.pop_front();
    note(change_.connected, node, block);
    if (chainstate_.tip().work > rest_->work) settle();
}

void BestChain::fail(BlockNode& node, const Reject& reject) {
    spdlog::warn(
        "Block validation error: {}, {} hash={} height={}", reject.reason, reject.detail,
        node.hash.to_string(), node.height.value);
    for (Answer& answer : answers_)
        if (answer.outcome.node == &node) answer.outcome.verdict = reject;
    in_flight_.clear();
    chainstate_.tree().mark_failed(node);
    follow_marks();
}

/// Whether the way to the best chain leads to `node`. Requires: not resting().
bool BestChain::is_coming(const BlockNode& node) const {
    return !node.failed() && !chainstate_.tip().descends_from(node) &&
           chainstate_.tree().best_candidate()->descends_from(node);
}

void BestChain::answer() {
    const BlockNode& tip = chainstate_.tip();
    const bool under_way = !resting();
    const auto decided =
        std::stable_partition(answers_.begin(), answers_.end(), [&](const Answer& answer) {
            const BlockNode* node = answer.outcome.node;
            if (!under_way || !node || !answer.outcome.verdict) return false;
            const bool joined = answer.target && answer.target->descends_from(*node);
            return is_coming(*node) || (joined && is_coming(*answer.target));
        });
    std::vector<Answer> ready(
        std::make_move_iterator(decided), std::make_move_iterator(answers_.end()));
    answers_.erase(decided, answers_.end());
    for (Answer& answer : ready) {
        const BlockNode* node = answer.outcome.node;
        answer.outcome.on_active_chain = node && tip.descends_from(*node);
        answer.done(answer.outcome);
    }
}

void BestChain::disconnect() {
    if (!change_.connected.empty()) emit(); // a change first goes down, then up
    const BlockNode& node = chainstate_.tip();
    const BlockRef block = chainstate_.load_block(node);
    chainstate_.disconnect_tip(*block, [&] { admission_.block_disconnected(*block); });
    spdlog::debug("block_disconnected hash={} height={}", node.hash.to_string(), node.height.value);
    reorganised_ = true;
    note(change_.disconnected, node, block);
}

void BestChain::note(std::vector<BlockChange>& side, const BlockNode& node, const BlockRef& block) {
    side.push_back({&node, block});
    change_bytes_ += block->size_bytes();
    if (change_.connected.size() + change_.disconnected.size() >= MAX_CHANGE_BLOCKS ||
        change_bytes_ >= MAX_CHANGE_BYTES)
        emit();
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
    change_bytes_ = 0;
    change_.old_tip = &chainstate_.tip();
}

void BestChain::abandon() {
    in_flight_.clear();
    answers_.clear();
}

/// What is valid has changed: candidates and the disk follow.
void BestChain::follow_marks() {
    chainstate_.tree().rebuild_candidates(chainstate_.tip());
    chainstate_.write_headers();
}

Result<> BestChain::invalidate(BlockNode& node) {
    if (!node.parent) return consensus::invalid("genesis block can't be invalidated");
    const BlockNode* assumed = chainstate_.tree().assumed();
    if (assumed && assumed->descends_from(node))
        return consensus::invalid("a snapshot on the block is not validated yet");
    drain();
    if (chainstate_.tip().descends_from(node) && node.height < chainstate_.first_body())
        return pruned();
    while (chainstate_.tip().descends_from(node)) {
        if (stop_) return consensus::policy("shutdown", "the block is not marked yet");
        disconnect();
    }
    chainstate_.tree().mark_failed(node);
    follow_marks();
    finish();
    chainstate_.flush(); // in bulk, the mark would not survive a crash before the next one
    return {};
}

Result<> BestChain::reconsider(BlockNode& node) {
    drain();
    if (!chainstate_.tree().within_reach(node) && !chainstate_.tip().descends_from(node))
        return pruned();
    chainstate_.tree().clear_failures(node);
    follow_marks();
    finish();
    chainstate_.flush();
    return {};
}

Result<> BestChain::precious(BlockNode& node) {
    drain();
    if (node.work >= chainstate_.tip().work) chainstate_.tree().prefer(node);
    finish();
    return {};
}

void BestChain::adopt_snapshot(BlockNode& base, const consensus::Snapshot& entry) {
    chainstate_.adopt_snapshot(base, entry);
    finish();
}

} // namespace cairn::chain
