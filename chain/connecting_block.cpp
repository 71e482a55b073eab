// SPDX-License-Identifier: MIT
#include "chain/connecting_block.h"

namespace cairn::chain {

using consensus::Block;
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
      state_(node, params),
      below_(&below),
      changes_(salt()),
      scripts_(pool, state_.flags) {}

Result<> ConnectingBlock::connect(const Scripts& scripts) {
    const auto exists = [this](const OutPoint& point) { return below_->find(point).has_value(); };
    if (Result<> fresh = connect_outputs(state_, *block_, exists); !fresh) return fresh;
    size_t outputs = 0;
    for (const SealedTransaction& tx : block_->transactions) {
        outputs += tx.outputs.size();
        if (&tx == block_->transactions.data()) continue;
        for (const consensus::TxIn& input : tx.inputs)
            inputs_.push_back(changes_.key(input.prevout));
    }
    changes_.reserve(inputs_.size() + outputs);
    undo_.coins.reserve(inputs_.size()); // the pool reads them while others are added
    undo_.ends.reserve(block_->transactions.size() - 1);
    const SealedTransaction& coinbase = block_->transactions[0];
    if (Result<> verdict = connect_transaction(state_, coinbase, {}); !verdict) return verdict;
    create_outputs(coinbase, true);
    for (size_t i = 1; i < block_->transactions.size(); ++i) {
        if (Result<> verdict = add(i); !verdict) return verdict;
        const SealedTransaction& tx = block_->transactions[i];
        if (scripts.run && !is_verified(i, scripts)) scripts_.add(tx, undo_.spent(i));
    }
    return connect_coinbase(state_, coinbase);
}

bool ConnectingBlock::is_verified(size_t index, const Scripts& scripts) const {
    const bool waited = index < scripts.verified.size() && scripts.verified[index];
    return (waited && ScriptCache::answers_for(state_.flags)) ||
           scripts.cache.contains(block_->transactions[index].wtxid, state_.flags);
}

Result<> ConnectingBlock::add(size_t index) {
    const SealedTransaction& tx = block_->transactions[index];
    for (size_t i = 0; i < tx.inputs.size(); ++i) {
        std::optional<Coin> coin = spend_next();
        if (!coin) break;
        undo_.coins.push_back(std::move(*coin));
    }
    undo_.ends.push_back(static_cast<uint32_t>(undo_.coins.size()));
    if (Result<> verdict = connect_transaction(state_, tx, undo_.spent(index)); !verdict)
        return verdict;
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
                changes_.key(OutPoint{tx.txid, i}), {tx.outputs[i], state_.node.height, coinbase});
}

void disconnect_coins(const Block& block, const BlockUndo& undo, CoinTable& changes) {
    // Backwards: so a coin that was spent within the block comes back before its transaction goes.
    for (size_t i = block.transactions.size(); i-- > 0;) {
        const SealedTransaction& tx = block.transactions[i];
        for (uint32_t out = 0; out < tx.outputs.size(); ++out)
            if (!consensus::is_unspendable(tx.outputs[out].script_pubkey))
                changes.spend(changes.key(OutPoint{tx.txid, out}));
        for (size_t in = 0; i > 0 && in < tx.inputs.size(); ++in)
            changes.create(changes.key(tx.inputs[in].prevout), undo.spent(i)[in]);
    }
}

} // namespace cairn::chain
