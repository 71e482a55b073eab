// SPDX-License-Identifier: MIT
#include "node/compact_block.h"

#include "consensus/block_rules.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace cairn::node {

using consensus::SealedTransaction;

CompactBlockMessage::Shortener::Shortener(const consensus::BlockHeader& header, uint64_t nonce) {
    Bytes salted = consensus::encode(header);
    consensus::Writer writer(salted);
    writer(nonce);
    const consensus::Hash256 hash = consensus::sha256(salted);
    std::memcpy(key_.data(), hash.bytes.data(), sizeof key_);
}

CompactBlockMessage::ShortId
CompactBlockMessage::Shortener::operator()(const consensus::Wtxid& wtxid) const {
    const uint64_t hash = consensus::siphash(key_[0], key_[1], wtxid.bytes);
    ShortId id{};
    std::memcpy(id.data(), &hash, id.size());
    return id;
}

CompactBlockMessage CompactBlockMessage::of(const consensus::Block& block, uint64_t nonce) {
    CompactBlockMessage message{block.header, nonce, {}, {}};
    const Shortener shorten(block.header, nonce);
    message.prefilled.push_back({0, block.transactions.at(0)});
    for (size_t i = 1; i < block.transactions.size(); ++i)
        message.short_ids.push_back(shorten(block.transactions[i].wtxid));
    return message;
}

BlockTransactionsMessage
BlockTransactionsMessage::of(const consensus::Block& block, const std::vector<uint32_t>& indexes) {
    BlockTransactionsMessage message{block.header.hash(), {}};
    for (const uint32_t index : indexes)
        message.transactions.push_back(block.transactions.at(index));
    return message;
}

consensus::Result<PartialBlock>
PartialBlock::of(const CompactBlockMessage& message, const consensus::Params& params) {
    constexpr int64_t LEAST_WEIGHT = int64_t{4} * 60; // of a transaction
    const size_t count = message.short_ids.size() + message.prefilled.size();
    if (count == 0 || static_cast<int64_t>(count) > params.max_block_weight / LEAST_WEIGHT)
        return consensus::invalid("invalid compact block", "number of transactions");

    PartialBlock partial(message);
    partial.transactions_.resize(count);
    for (const CompactBlockMessage::Prefilled& entry : message.prefilled) {
        if (entry.index >= count || entry.tx.inputs.empty())
            return consensus::invalid("invalid compact block", "prefilled transaction");
        partial.transactions_[entry.index] = std::make_shared<SealedTransaction>(entry.tx);
    }
    uint32_t index = 0;
    for (const CompactBlockMessage::ShortId& id : message.short_ids) {
        while (partial.transactions_[index] != nullptr) ++index;
        partial.slots_.push_back({id, index++});
    }
    std::ranges::sort(partial.slots_);
    return partial;
}

void PartialBlock::offer(const consensus::TransactionRef& tx) {
    const CompactBlockMessage::ShortId id = shorten_(tx->wtxid);
    const auto first = std::ranges::lower_bound(slots_, id, {}, &Slot::id);
    const auto last = std::ranges::upper_bound(slots_, id, {}, &Slot::id);
    for (auto slot = first; slot != last; ++slot) {
        consensus::TransactionRef& place = transactions_[slot->index];
        if (slot->ambiguous || (place != nullptr && place->wtxid == tx->wtxid)) continue;
        // Of two that have this id, and of two places for one, the sender must say which.
        slot->ambiguous = place != nullptr || std::next(first) != last;
        place = slot->ambiguous ? nullptr : tx;
    }
}

std::vector<uint32_t> PartialBlock::missing() const {
    std::vector<uint32_t> indexes;
    for (uint32_t i = 0; i < transactions_.size(); ++i)
        if (transactions_[i] == nullptr) indexes.push_back(i);
    return indexes;
}

bool PartialBlock::fill(std::vector<SealedTransaction> transactions) {
    const std::vector<uint32_t> places = missing();
    if (places.size() != transactions.size()) return false;
    for (size_t i = 0; i < places.size(); ++i)
        transactions_[places[i]] = std::make_shared<SealedTransaction>(std::move(transactions[i]));
    return true;
}

consensus::BlockRef PartialBlock::assemble(bool has_segwit) const {
    auto block = std::make_shared<consensus::Block>(consensus::Block{header_, {}});
    block->transactions.reserve(transactions_.size());
    for (const consensus::TransactionRef& tx : transactions_) {
        assert(tx != nullptr);
        block->transactions.push_back(*tx);
    }
    return consensus::is_mutated(*block, has_segwit) ? nullptr : block;
}

} // namespace cairn::node
