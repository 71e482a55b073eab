// SPDX-License-Identifier: MIT
#include "sim_chain.h"

#include "consensus/block_rules.h"

namespace cairn::sim {

using chain::BlockNode;
using node::WaitingTransaction;

chain::FeeRate SimChain::feerate_of(const consensus::Transaction& tx) {
    return {Ledger::is(tx, Ledger::Kind::Cheap) ? 0 : 1000};
}

SimChain::SimChain(const Ledger& ledger, const Timeline& timeline)
    : ledger_(ledger),
      timeline_(timeline) {
    BlockNode& genesis = insert(params().genesis.header, params().genesis_hash, nullptr);
    genesis.status = BlockNode::HAVE_BODY | BlockNode::VALID_SCRIPTS;
    tip_ = best_header_ = &genesis;
}

bool SimChain::initial_download() const {
    const int64_t age = timeline_.seconds() - int64_t{tip_->header.time};
    if (age < params().max_tip_age) was_current_ = true;
    return !was_current_;
}

BlockNode* SimChain::find(const BlockHash& hash) const {
    const auto found = index_.find(hash);
    return found == index_.end() ? nullptr : found->second;
}

BlockNode& SimChain::insert(
    const consensus::BlockHeader& header, const BlockHash& hash, const BlockNode* parent) {
    BlockNode& node = nodes_.emplace_back(header, hash, parent);
    index_[hash] = &node;
    return node;
}

chain::HeadersOutcome SimChain::accept_headers(const std::vector<consensus::BlockHeader>& headers) {
    chain::HeadersOutcome outcome{boost::system::in_place_value};
    for (const consensus::BlockHeader& header : headers) {
        const BlockHash hash = header.hash();
        const BlockNode* node = find(hash);
        if (node == nullptr) {
            using Kind = consensus::Reject::Kind;
            const BlockNode* parent = find(header.prev_hash);
            if (parent == nullptr)
                outcome.verdict = consensus::Reject{Kind::MissingParent, "prev-blk-not-found"};
            else if (parent->failed())
                outcome.verdict = consensus::invalid("bad-prevblk");
            else if (outcome.verdict = consensus::check_header(header, hash, params());
                     outcome.verdict)
                outcome.verdict =
                    consensus::accept_header(header, *parent, params(), timeline_.seconds());
            if (!outcome.verdict) return outcome;
            node = &insert(header, hash, parent);
            ++outcome.new_count;
        } else if (node->failed()) {
            outcome.verdict = consensus::invalid("duplicate-invalid");
            return outcome;
        }
        outcome.last = node;
        ++outcome.accepted;
        if (node->work > best_header_->work) best_header_ = node;
    }
    return outcome;
}

Duration SimChain::cost_of(const BlockHash& hash) const {
    const Mined* mined = ledger_.find(hash);
    if (mined == nullptr) return COSTS.block;
    Duration cost = COSTS.block;
    for (const auto& tx : mined->block->transactions)
        cost += sequences_.contains(tx.txid) ? COSTS.known_input : COSTS.input;
    return cost;
}

SimChain::BlockVerdict SimChain::check_block(const BlockHash& hash, const Bytes& payload) {
    BlockVerdict verdict{{consensus::mutated("block decode failed")}, {}, {}, nullptr};
    chain::BlockOutcome& outcome = verdict.outcome;
    const Mined* mined = ledger_.find(hash);
    consensus::Reader reader(payload);
    const auto header = reader.read<consensus::BlockHeader>();
    if (reader.failed()) return verdict;
    const chain::HeadersOutcome place = accept_headers({header});
    outcome.verdict = place.verdict;
    if (!place.verdict) return verdict;
    BlockNode& node = *find(hash);
    outcome.node = &node;
    outcome.known = node.has(BlockNode::HAVE_BODY);
    if (mined == nullptr || mined->bytes != payload) {
        outcome.verdict = consensus::mutated("bad-txnmrklroot");
    } else if (!outcome.known) {
        node.status |= BlockNode::HAVE_BODY;
        node.tx_count = static_cast<uint32_t>(mined->block->transactions.size());
        waiting_[header.prev_hash].push_back(&node);
        verdict.fresh = &node;
    }
    return verdict;
}

void SimChain::connect_block(BlockVerdict& verdict) {
    chain::BlockOutcome& outcome = verdict.outcome;
    if (BlockNode* node = verdict.fresh) {
        if (node->parent_node()->has(BlockNode::HAVE_BODY | BlockNode::VALID_SCRIPTS))
            complete(*node, verdict);
        if (node->failed()) outcome.verdict = consensus::invalid("bad-cb-amount");
    }
    outcome.on_active_chain = outcome.node != nullptr && view().contains(*outcome.node);
}

/// All before `node` is here: it is judged, and then those that waited for it.
void SimChain::complete(BlockNode& first, BlockVerdict& verdict) {
    std::vector<BlockNode*> ready{&first};
    const BlockNode* best = tip_;
    while (!ready.empty()) {
        BlockNode& node = *ready.back();
        ready.pop_back();
        if (node.failed()) continue;
        if (!believes_all_ && !ledger_.find(node.hash)->valid) {
            fail(node);
            continue;
        }
        node.status |= BlockNode::VALID_SCRIPTS;
        if (node.work > best->work) best = &node;
        if (const auto found = waiting_.find(node.hash); found != waiting_.end()) {
            ready.insert(ready.end(), found->second.begin(), found->second.end());
            waiting_.erase(found);
        }
    }
    waiting_.erase(first.header.prev_hash);
    if (best != tip_) move_tip(*best, verdict);
}

void SimChain::fail(BlockNode& bad) {
    bad.status |= BlockNode::FAILED;
    best_header_ = tip_;
    for (BlockNode& node : nodes_) {
        if (node.parent != nullptr && node.parent_node()->failed())
            node.status |= BlockNode::FAILED_ANCESTOR;
        if (!node.failed() && node.work > best_header_->work) best_header_ = &node;
    }
}

void SimChain::move_tip(const BlockNode& to, BlockVerdict& verdict) {
    chain::TipChange change{tip_, &to, {}, {}, initial_download()};
    const auto* fork = static_cast<const BlockNode*>(consensus::last_common_ancestor(tip_, &to));
    for (const BlockNode* node = tip_; node != fork; node = node->parent_node())
        change.disconnected.push_back({node, ledger_.find(node->hash)->block});
    for (const BlockNode* node = &to; node != fork; node = node->parent_node())
        change.connected.push_back({node, ledger_.find(node->hash)->block});
    std::reverse(change.connected.begin(), change.connected.end());
    tip_ = &to;
    if (tip_->work > best_header_->work) best_header_ = tip_;
    for (const chain::BlockChange& connected : change.connected) {
        for (size_t i = 1; i < connected.block->transactions.size(); ++i) {
            const auto found = sequences_.find(connected.block->transactions[i].txid);
            if (found == sequences_.end()) continue;
            pool_.erase(found->second);
            sequences_.erase(found);
        }
    }
    for (size_t at = change.disconnected.size(); at-- > 0;) {
        const consensus::Block& left = *change.disconnected[at].block;
        for (size_t i = 1; i < left.transactions.size(); ++i) {
            const TransactionRef tx = ledger_.find_transaction(left.transactions[i].txid);
            if (accept_transaction(tx, true)) verdict.back.push_back(tx);
        }
    }
    verdict.change = std::move(change);
}

bool SimChain::is_confirmed(const consensus::Txid& txid) const {
    return std::ranges::any_of(ledger_.holders(txid), [&](const BlockHash& hash) {
        const BlockNode* node = find(hash);
        return node != nullptr && view().contains(*node);
    });
}

consensus::Result<chain::Accepted>
SimChain::accept_transaction(const TransactionRef& tx, bool paid_for) {
    using Kind = consensus::Reject::Kind;
    if (sequences_.contains(tx->txid))
        return consensus::Reject{Kind::Known, "txn-already-in-mempool"};
    if (is_confirmed(tx->txid)) return consensus::Reject{Kind::Known, "txn-already-known"};
    for (const consensus::TxIn& input : tx->inputs) {
        const consensus::Txid& parent = input.prevout.txid;
        if (!parent.is_null() && !sequences_.contains(parent) && !is_confirmed(parent))
            return consensus::missing_inputs("bad-txns-inputs-missingorspent");
    }
    const TransactionRef shared = ledger_.find_transaction(tx->txid);
    if (shared == nullptr || shared->wtxid != tx->wtxid || Ledger::is(*tx, Ledger::Kind::Refused))
        return consensus::invalid("mandatory-script-verify-flag-failed");
    if (Ledger::is(*tx, Ledger::Kind::Cheap) && !paid_for)
        return consensus::policy("min relay fee not met");
    pool_[++next_sequence_] = shared;
    sequences_[tx->txid] = next_sequence_;
    return chain::Accepted{};
}

std::optional<WaitingTransaction> SimChain::find_transaction(const node::Inventory& item) const {
    const auto found = sequences_.find(ledger_.txid_of(item));
    if (found == sequences_.end()) return std::nullopt;
    const TransactionRef& tx = pool_.at(found->second);
    return WaitingTransaction{tx, feerate_of(*tx), found->second};
}

std::vector<WaitingTransaction> SimChain::waiting_transactions() const {
    std::vector<WaitingTransaction> all;
    for (const auto& [sequence, tx] : pool_) all.push_back({tx, feerate_of(*tx), sequence});
    return all;
}

void SimChain::visit_transactions(
    const std::function<void(const chain::TransactionRef&)>& visit) const {
    for (const auto& [sequence, tx] : pool_) visit(tx);
}

std::vector<TransactionRef> SimChain::candidates(size_t count) const {
    std::vector<TransactionRef> chosen;
    for (const auto& [sequence, tx] : pool_) {
        if (chosen.size() == count) break;
        chosen.push_back(tx);
    }
    return chosen;
}

} // namespace cairn::sim
