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
    const CoinsView& below,
    VerifyPool& pool)
    : CoinsView(below.salt()),
      block_(std::move(block)),
      node_(node),
      params_(params),
      below_(&below),
      flags_(consensus::block_script_flags(node.hash, node.height, params)),
      changes_(salt()),
      scripts_(pool, flags_) {
    undo_.spent.resize(block_->transactions.size() - 1);
}

Result<> ConnectingBlock::connect(const ScriptCache& known, bool run_scripts) {
    if (consensus::needs_duplicate_check(node_, params_))
        if (Result<> verdict = check_duplicates(); !verdict) return verdict;
    size_t outputs = 0;
    for (const SealedTransaction& tx : block_->transactions) {
        outputs += tx.outputs.size();
        if (&tx == block_->transactions.data()) continue;
        for (const consensus::TxIn& input : tx.inputs)
            inputs_.push_back(changes_.key(input.prevout));
    }
    changes_.reserve(inputs_.size() + outputs);
    const SealedTransaction& coinbase = block_->transactions[0];
    sigop_cost_ = consensus::sigop_cost(coinbase, {}, flags_);
    create_outputs(coinbase, true);
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
    for (size_t i = 0; i < tx.inputs.size(); ++i) {
        std::optional<Coin> coin = spend_next();
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
    create_outputs(tx, false);
    return {};
}

Result<> ConnectingBlock::script_verdict() {
    const std::optional<ScriptFailure> failure = scripts_.finish();
    if (!failure) return {};
    return failure->reject(Reject::Kind::Invalid, "block-script-verify-flag-failed");
}

std::optional<Coin> ConnectingBlock::look_up(const CoinKey& key) const {
    const CoinTable::Entry* entry = changes_.find(key);
    if (!entry) return below_->look_up(key);
    if (entry->spent) return std::nullopt;
    return entry->coin;
}

std::optional<Coin> ConnectingBlock::spend_next() {
    if (next_input_ % CoinTable::AT_ONCE == 0) {
        const auto rest = std::span<const CoinKey>(inputs_).subspan(next_input_);
        prefetch(rest.first(std::min(rest.size(), CoinTable::AT_ONCE)));
    }
    const CoinKey& key = inputs_[next_input_++];
    std::optional<Coin> coin = look_up(key);
    if (coin) changes_.spend(key);
    return coin;
}

void ConnectingBlock::create_outputs(const SealedTransaction& tx, bool coinbase) {
    for (uint32_t i = 0; i < tx.outputs.size(); ++i)
        if (!consensus::is_unspendable(tx.outputs[i].script_pubkey))
            changes_.create(
                changes_.key(OutPoint{tx.txid, i}), {tx.outputs[i], node_.height, coinbase});
}

void disconnect_coins(const Block& block, const BlockUndo& undo, CoinTable& changes) {
    // Backwards: so a coin that was spent within the block comes back before its transaction goes.
    for (size_t i = block.transactions.size(); i-- > 0;) {
        const SealedTransaction& tx = block.transactions[i];
        for (uint32_t out = 0; out < tx.outputs.size(); ++out)
            if (!consensus::is_unspendable(tx.outputs[out].script_pubkey))
                changes.spend(changes.key(OutPoint{tx.txid, out}));
        for (size_t in = 0; i > 0 && in < tx.inputs.size(); ++in)
            changes.create(changes.key(tx.inputs[in].prevout), undo.spent[i - 1][in]);
    }
}

} // namespace cairn::chain
