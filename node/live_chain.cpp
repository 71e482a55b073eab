// SPDX-License-Identifier: MIT
#include "node/live_chain.h"

#include "chain/indexer.h"
#include "node/compact_block.h"

namespace cairn::node {

namespace {

WaitingTransaction waiting_of(const chain::MempoolEntry& entry) {
    return {entry.tx, entry.feerate(), entry.was_confirmed ? 0 : entry.sequence};
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

std::optional<Message> read_filter_headers(const chain::Chain& chain, const DiskRead& read) {
    FilterHeadersMessage message{BASIC_FILTER, read.block->hash, {}, {}};
    if (read.start > 0) {
        const auto before = chain.indexes().filter(*read.block->ancestor_node(read.start - 1));
        if (!before) return std::nullopt;
        message.previous_header = before->header;
    }
    for (consensus::Height at = read.start; at <= read.block->height; ++at) {
        const auto entry = chain.indexes().filter(*read.block->ancestor_node(at));
        if (!entry) return std::nullopt;
        message.filter_hashes.push_back(consensus::sha256d(entry->filter));
    }
    return message_of("cfheaders", message);
}

std::optional<Message> read_checkpoints(const chain::Chain& chain, const chain::BlockNode& stop) {
    FilterCheckpointsMessage message{BASIC_FILTER, stop.hash, {}};
    for (consensus::Height at = CHECKPOINT_INTERVAL; at <= stop.height; at += CHECKPOINT_INTERVAL) {
        const auto entry = chain.indexes().filter(*stop.ancestor_node(at));
        if (!entry) return std::nullopt;
        message.headers.push_back(entry->header);
    }
    return message_of("cfcheckpt", message);
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

std::optional<Message> answer(const chain::Chain& chain, const DiskRead& read) {
    switch (read.kind) {
    case DiskRead::Kind::Block:
        return read_block(chain, *read.block);
    case DiskRead::Kind::StrippedBlock:
        return read_stripped(chain, *read.block);
    case DiskRead::Kind::CompactBlock:
        return read_compact(chain, read);
    case DiskRead::Kind::BlockTransactions:
        return read_transactions(chain, read);
    case DiskRead::Kind::Filter:
        return read_filter(chain, *read.block);
    case DiskRead::Kind::FilterHeaders:
        return read_filter_headers(chain, read);
    case DiskRead::Kind::FilterCheckpoints:
        return read_checkpoints(chain, *read.block);
    }
    return std::nullopt;
}

} // namespace cairn::node
