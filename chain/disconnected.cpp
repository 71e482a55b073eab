// SPDX-License-Identifier: MIT
#include "chain/disconnected.h"

namespace cairn::chain {

using consensus::Block;
using consensus::SealedTransaction;
using consensus::TransactionRef;

std::vector<TransactionRef> DisconnectedTransactions::add(const Block& block, size_t max_bytes) {
    Transactions& kept = blocks_.emplace_front();
    for (const SealedTransaction& tx : block.transactions) {
        kept.push_back(std::make_shared<const SealedTransaction>(tx)); // not the whole block
        unconfirmed_[tx.txid] = kept.back().get();
        bytes_ += tx.size_bytes;
    }
    Transactions left_out;
    // What was confirmed last goes first: it may depend on the rest, not the other way round.
    for (; bytes_ > max_bytes; blocks_.pop_back())
        for (TransactionRef& tx : blocks_.back()) {
            bytes_ -= tx->size_bytes;
            if (!waits(*tx)) continue;
            unconfirmed_.erase(tx->txid);
            left_out.push_back(std::move(tx));
        }
    return left_out;
}

bool DisconnectedTransactions::waits(const SealedTransaction& tx) const {
    const auto found = unconfirmed_.find(tx.txid);
    return found != unconfirmed_.end() && found->second == &tx;
}

void DisconnectedTransactions::confirm(const Block& block) {
    if (unconfirmed_.empty()) return;
    for (const SealedTransaction& tx : block.transactions) unconfirmed_.erase(tx.txid);
}

std::vector<TransactionRef> DisconnectedTransactions::take() {
    Transactions all;
    for (const Transactions& block : blocks_)
        for (const TransactionRef& tx : block)
            if (waits(*tx)) all.push_back(tx);
    *this = {};
    return all;
}

} // namespace cairn::chain
