// SPDX-License-Identifier: MIT
#include "node/live_chain.h"

#include "chain/indexer.h"
#include "node/compact_block.h"

namespace cairn::node {

namespace {

WaitingTransaction waiting_of(const chain::MempoolEntry& entry) {
    const auto paid = chain::FeeRate::of(entry.fee, entry.vsize()); // peers know no priorities
    return {entry.tx, paid, entry.was_confirmed ? 0 : entry.sequence};
}

std::optional<Message> read_block(const chain::Chain& chain, const chain::BlockNode& node) {
    Bytes bytes = chain.read_block_bytes(node);
    if (bytes.empty()) return std::nullopt;
    return Message{"block", std::move(bytes)};
}

std::optional<Message> read_stripped(const chain::Chain& chain, const chain::BlockNode& node) {
    const consensus::BlockRef block = chain.read_block(node);
    if (block == nullptr) return std::nullopt;
    Message message{"block", {}};
    consensus::Writer writer(message.payload);
    writer(block->header);
    writer.compact_size(block->transactions.size());
    for (const auto& tx : block->transactions) tx.write_without_witness(writer);
    return message;
}

std::optional<Message> read_compact(const chain::Chain& chain, const DiskRead& read) {
    const consensus::BlockRef block = chain.read_block(*read.block);
    if (block == nullptr) return std::nullopt;
    return message_of("cmpctblock", CompactBlockMessage::of(*block, read.nonce));
}

std::optional<Message> read_transactions(const chain::Chain& chain, const DiskRead& read) {
    const consensus::BlockRef block = chain.read_block(*read.block);
    if (block == nullptr) return std::nullopt;
    return message_of("blocktxn", BlockTransactionsMessage::of(*block, read.indexes));
}

std::optional<Message> read_filter(const chain::Chain& chain, const chain::BlockNode& node) {
    std::optional<chain::FilterEntry> entry = chain.indexes().filter(node);
    if (!entry) return std::nullopt;
    return message_of("cfilter", FilterMessage{BASIC_FILTER, node.hash, std::move(entry->filter)});
}

/// The answer that `read` has all hashes for.
Message message_of_hashes(const DiskRead& read) {
    const consensus::BlockHash& stop = read.block->hash;
    if (read.kind == DiskRead::Kind::FilterCheckpoints)
        return message_of("cfcheckpt", FilterCheckpointsMessage{BASIC_FILTER, stop, read.found});
    const FilterHeadersMessage message{
        BASIC_FILTER, stop, read.found.front(), {read.found.begin() + 1, read.found.end()}};
    return message_of("cfheaders", message);
}

/// Headers of checkpoints, each of which costs a whole filter; or that before the first block, then
/// hashes of filters.
ReadPart read_hashes(const chain::Chain& chain, DiskRead& read) {
    const bool checkpoints = read.kind == DiskRead::Kind::FilterCheckpoints;
    if (!checkpoints && read.start == 0 && read.found.empty()) read.found.emplace_back();
    for (int count = 0; count < FILTERS_AT_ONCE; ++count) {
        const auto found = static_cast<int32_t>(read.found.size());
        const consensus::Height at =
            checkpoints ? CHECKPOINT_INTERVAL * (found + 1) : read.start.value + found - 1;
        if (at > read.block->height) return {true, message_of_hashes(read)};
        const chain::BlockNode& node = *read.block->ancestor_node(at);
        if (checkpoints || found == 0) {
            const auto entry = chain.indexes().filter(node);
            if (!entry) return {};
            read.found.push_back(entry->header);
        } else {
            const auto hash = chain.indexes().filter_hash(node);
            if (!hash) return {};
            read.found.push_back(*hash);
        }
    }
    return {false};
}

} // namespace

std::optional<WaitingTransaction> LiveChain::find_transaction(const Inventory& item) const {
    const chain::MempoolReader pool = chain_.mempool();
    const chain::MempoolEntry* entry = item.type == InventoryType::WtxidTransaction
                                           ? pool->find(consensus::Wtxid(item.hash))
                                           : pool->find(consensus::Txid(item.hash));
    if (entry == nullptr) return std::nullopt;
    return waiting_of(*entry);
}

std::vector<WaitingTransaction> LiveChain::waiting_transactions() const {
    const chain::MempoolReader pool = chain_.mempool();
    std::vector<WaitingTransaction> all;
    for (const chain::MempoolEntry* entry : pool->in_mining_order())
        all.push_back(waiting_of(*entry));
    return all;
}

void LiveChain::visit_transactions(
    const std::function<void(const chain::TransactionRef&)>& visit) const {
    const chain::MempoolReader pool = chain_.mempool();
    pool->visit([&](const chain::MempoolEntry& entry) { visit(entry.tx); });
}

ReadPart read_part(const chain::Chain& chain, DiskRead& read) {
    switch (read.kind) {
    case DiskRead::Kind::Block:
        return {true, read_block(chain, *read.block)};
    case DiskRead::Kind::StrippedBlock:
        return {true, read_stripped(chain, *read.block)};
    case DiskRead::Kind::CompactBlock:
        return {true, read_compact(chain, read)};
    case DiskRead::Kind::BlockTransactions:
        return {true, read_transactions(chain, read)};
    case DiskRead::Kind::Filter:
        return {true, read_filter(chain, *read.block)};
    case DiskRead::Kind::FilterHeaders:
    case DiskRead::Kind::FilterCheckpoints:
        return read_hashes(chain, read);
    }
    return {};
}

} // namespace cairn::node
