// SPDX-License-Identifier: MIT
#include "chain/stored_block.h"

#include "chain/store.h"

#include <algorithm>

namespace cairn::chain {

using consensus::Result;
using consensus::SealedTransaction;

StoredBlock::StoredBlock(Bytes block, const BlockNode& node) : bytes(std::move(block)) {
    std::optional<consensus::BlockOutline> read = consensus::outline_of(bytes);
    if (!read || read->header != node.header || merkle_root(*read) != node.header.merkle_root)
        damaged("block " + node.hash.to_string() + " can't be read");
    outline = std::move(*read);
}

TransactionRef StoredBlock::transaction(size_t i) const {
    const consensus::TransactionOutline& at = outline.transactions[i];
    Result<SealedTransaction> tx = consensus::decode<SealedTransaction>(
        consensus::ByteView(bytes).subspan(at.begin, at.size_bytes));
    if (!tx) damaged("transaction " + at.txid.to_string() + " can't be read");
    return std::make_shared<const SealedTransaction>(std::move(*tx));
}

TransactionRef StoredBlock::find(const Txid& txid) const {
    const auto& all = outline.transactions;
    const auto found = std::ranges::find(all, txid, &consensus::TransactionOutline::txid);
    return found == all.end() ? nullptr : transaction(static_cast<size_t>(found - all.begin()));
}

StoredBlockRef RecentBlocks::find(const BlockNode& node) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(kept_, &node, &Kept::node);
    if (found == kept_.end()) return nullptr;
    std::rotate(kept_.begin(), found, found + 1);
    return kept_.front().block;
}

void RecentBlocks::add(const BlockNode& node, StoredBlockRef block) {
    const std::scoped_lock lock(mutex_);
    const bool known = std::ranges::find(kept_, &node, &Kept::node) != kept_.end();
    if (known) return; // by another thread, just now
    bytes_ += block->bytes.size();
    kept_.push_front({&node, std::move(block)});
    while (kept_.size() > 1 && bytes_ > max_bytes_) {
        bytes_ -= kept_.back().block->bytes.size();
        kept_.pop_back();
    }
}

} // namespace cairn::chain
