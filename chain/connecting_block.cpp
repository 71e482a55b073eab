// SPDX-License-Identifier: MIT
#include "chain/connecting_block.h"

#include "consensus/block_rules.h"

#include <spdlog/fmt/fmt.h>

namespace cairn::chain {

using consensus::Block;
using consensus::invalid;
using consensus::Reject;
using consensus::Result;
using consensus::SealedTransaction;

ConnectingBlock::ConnectingBlock(
    consensus::BlockRef block,
    const consensus::HeaderNode& node,
    const consensus::Params& params,
    const consensus::CoinsView& below,
    consensus::OutPointHasher salt,
    VerifyPool& pool)
    : block_(std::move(block)),
      node_(node),
      params_(params),
      below_(&below),
      flags_(consensus::block_script_flags(node.hash, node.height, params)),
      created_(0, consensus::SaltedHasher{salt.key0, salt.key1}),
      spent_here_(block_->transactions.size()),
      spent_below_(0, salt),
      scripts_(pool, flags_) {
    created_.reserve(block_->transactions.size());
    undo_.spent.resize(block_->transactions.size() - 1);
}

Result<> ConnectingBlock::connect(const ScriptCache& known, bool run_scripts) {
    if (consensus::needs_duplicate_check(node_, params_))
        if (Result<> verdict = check_duplicates(); !verdict) return verdict;
    const SealedTransaction& coinbase = block_->transactions[0];
    sigop_cost_ = consensus::sigop_cost(coinbase, {}, flags_);
    created_.emplace(coinbase.txid, 0);
    for (size_t i = 1; i < block_->transactions.size(); ++i) {
        if (Result<> verdict = add(i); !verdict) return verdict;
        const SealedTransaction& tx = block_->transactions[i];
        if (run_scripts && !known.contains(tx.wtxid, flags_)) scripts_.add(tx, undo_.spent[i - 1]);
    }
    return consensus::connect_coinbase(coinbase, fees_, node_.height, params_);
}

Result<> ConnectingBlock::check_duplicates() const {
    for (const SealedTransaction& tx : block_->transactions)
        for (uint32_t i = 0; i < tx.outputs.size(); ++i)
            if (below_->find({tx.txid, i}))
                return invalid("bad-txns-BIP30", "tried to overwrite transaction");
    return {};
}

Result<> ConnectingBlock::add(size_t index) {
    const SealedTransaction& tx = block_->transactions[index];
    std::vector<Coin>& spent = undo_.spent[index - 1];
    std::vector<const Coin*> coins;
    std::vector<Height> heights;
    spent.reserve(tx.inputs.size());
    coins.reserve(tx.inputs.size());
    heights.reserve(tx.inputs.size());
    for (const consensus::TxIn& input : tx.inputs) {
        std::optional<Coin> coin = spend(input.prevout);
        if (!coin)
            return invalid(
                "bad-txns-inputs-missingorspent",
                "CheckTxInputs: inputs missing/spent in transaction " + tx.txid.to_string());
        heights.push_back(coin->height);
        spent.push_back(std::move(*coin));
        coins.push_back(&spent.back());
    }
    const Result<Amount> fee = consensus::connect_inputs(tx, coins, node_.height, params_);
    if (!fee) {
        Reject reject = fee.error();
        reject.kind = Reject::Kind::Invalid; // what may yet come to a transaction is too late here
        return reject;
    }
    fees_ += *fee;
    if (!consensus::money_range(fees_)) return invalid("bad-txns-accumulated-fee-outofrange");
    if (node_.height >= params_.activation.csv &&
        !locks_passed(sequence_locks(tx, heights, *node_.parent), *node_.parent))
        return invalid("bad-txns-nonfinal", "contains a non-BIP68-final transaction");
    sigop_cost_ += consensus::sigop_cost(tx, coins, flags_);
    if (sigop_cost_ > consensus::max_block_sigop_cost(params_))
        return invalid("bad-blk-sigops", "too many sigops");
    created_.emplace(tx.txid, index);
    return {};
}

Result<> ConnectingBlock::script_verdict() {
    const std::optional<ScriptFailure> failure = scripts_.finish();
    if (!failure) return {};
    return failure->reject(Reject::Kind::Invalid, "block-script-verify-flag-failed");
}

std::optional<Coin> ConnectingBlock::coin_of(size_t index, size_t output) const {
    const SealedTransaction& tx = block_->transactions[index];
    if (output >= tx.outputs.size()) return std::nullopt;
    if (consensus::is_unspendable(tx.outputs[output].script_pubkey)) return std::nullopt;
    if (!spent_here_[index].empty() && spent_here_[index][output]) return std::nullopt;
    return Coin{tx.outputs[output], node_.height, index == 0};
}

std::optional<Coin> ConnectingBlock::find(const OutPoint& point) const {
    const auto found = created_.find(point.txid);
    if (found != created_.end()) return coin_of(found->second, point.index);
    if (spent_below_.contains(point)) return std::nullopt;
    return below_->find(point);
}

std::optional<Coin> ConnectingBlock::spend(const OutPoint& point) {
    const auto found = created_.find(point.txid);
    if (found == created_.end()) {
        if (!spent_below_.insert(point).second) return std::nullopt;
        return below_->find(point);
    }
    std::optional<Coin> coin = coin_of(found->second, point.index);
    if (!coin) return std::nullopt;
    std::vector<bool>& spent = spent_here_[found->second];
    spent.resize(block_->transactions[found->second].outputs.size());
    spent[point.index] = true;
    return coin;
}

CoinChanges ConnectingBlock::changes() const {
    CoinChanges changes;
    changes.spent.assign(spent_below_.begin(), spent_below_.end());
    for (size_t i = 0; i < block_->transactions.size(); ++i) {
        const SealedTransaction& tx = block_->transactions[i];
        for (uint32_t out = 0; out < tx.outputs.size(); ++out)
            if (std::optional<Coin> coin = coin_of(i, out))
                changes.created.emplace_back(OutPoint{tx.txid, out}, std::move(*coin));
    }
    return changes;
}

CoinChanges disconnect_changes(const consensus::Block& block, const BlockUndo& undo) {
    boost::unordered_flat_set<consensus::Txid, consensus::BlockHasher> here;
    for (const SealedTransaction& tx : block.transactions) here.insert(tx.txid);

    CoinChanges changes;
    boost::unordered_flat_set<OutPoint, consensus::OutPointHasher> spent_here;
    for (size_t i = 1; i < block.transactions.size(); ++i) {
        const SealedTransaction& tx = block.transactions[i];
        for (size_t in = 0; in < tx.inputs.size(); ++in) {
            const OutPoint& point = tx.inputs[in].prevout;
            if (here.contains(point.txid))
                spent_here.insert(point);
            else
                changes.created.emplace_back(point, undo.spent[i - 1][in]);
        }
    }
    for (const SealedTransaction& tx : block.transactions) {
        for (uint32_t out = 0; out < tx.outputs.size(); ++out) {
            const OutPoint point{tx.txid, out};
            if (consensus::is_unspendable(tx.outputs[out].script_pubkey)) continue;
            if (!spent_here.contains(point)) changes.spent.push_back(point);
        }
    }
    return changes;
}

} // namespace cairn::chain
