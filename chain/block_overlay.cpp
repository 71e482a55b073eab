// SPDX-License-Identifier: MIT
#include "chain/block_overlay.h"

namespace cairn::chain {

using consensus::SealedTransaction;
using consensus::TxOut;

BlockOverlay::BlockOverlay(const CoinsCache& coins, const consensus::Block& block, Height height)
    : coins_(coins),
      block_(block),
      height_(height),
      created_(0, consensus::SaltedHasher{coins.salt().key0, coins.salt().key1}),
      spent_here_(block.transactions.size()),
      spent_below_(0, coins.salt()) {
    created_.reserve(block.transactions.size());
}

Coin BlockOverlay::coin_of(size_t index, size_t output) const {
    return {block_.transactions[index].outputs[output], height_, index == 0};
}

std::optional<Coin> BlockOverlay::spend(const OutPoint& point) {
    const auto found = created_.find(point.txid);
    if (found == created_.end()) {
        if (!spent_below_.insert(point).second) return std::nullopt;
        return coins_.find(point);
    }
    const auto [txid, index] = *found;
    const SealedTransaction& tx = block_.transactions[index];
    if (point.index >= tx.outputs.size()) return std::nullopt;
    if (consensus::is_unspendable(tx.outputs[point.index].script_pubkey)) return std::nullopt;
    std::vector<bool>& spent = spent_here_[index];
    if (spent.empty()) spent.resize(tx.outputs.size());
    if (spent[point.index]) return std::nullopt;
    spent[point.index] = true;
    return coin_of(index, point.index);
}

void BlockOverlay::create(size_t index) {
    created_.emplace(block_.transactions[index].txid, index);
}

CoinChanges BlockOverlay::changes() const {
    CoinChanges changes;
    changes.spent.assign(spent_below_.begin(), spent_below_.end());
    for (size_t i = 0; i < block_.transactions.size(); ++i) {
        const SealedTransaction& tx = block_.transactions[i];
        for (size_t out = 0; out < tx.outputs.size(); ++out) {
            if (!spent_here_[i].empty() && spent_here_[i][out]) continue;
            if (consensus::is_unspendable(tx.outputs[out].script_pubkey)) continue;
            changes.created.emplace_back(
                OutPoint{tx.txid, static_cast<uint32_t>(out)}, coin_of(i, out));
        }
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
