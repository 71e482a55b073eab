// SPDX-License-Identifier: MIT
#include "node/live_chain.h"

#include "node/filter_messages.h"
#include "node/handshake_messages.h"

namespace cairn::node {

namespace {

WaitingTransaction waiting_of(const chain::MempoolEntry& entry) {
    const int64_t vsize = std::max<int64_t>(entry.vsize, 1);
    return {entry.tx, {entry.modified_fee.value * 1000 / vsize}, entry.sequence};
}

std::optional<Message> answer_one(const chain::Chain& chain, const ReadBlock& read) {
    if (read.witness) {
        Bytes bytes = chain.read_block_bytes(*read.block);
        if (bytes.empty()) return std::nullopt;
        return Message{"block", std::move(bytes)};
    }
    const consensus::BlockRef block = chain.read_block(*read.block);
    if (block == nullptr) return std::nullopt;
    Bytes bytes;
    consensus::Writer writer(bytes);
    writer(block->header);
    writer.compact_size(block->transactions.size());
    for (const auto& tx : block->transactions) tx.write_without_witness(writer);
    return Message{"block", std::move(bytes)};
}

std::optional<Message> answer_one(const chain::Chain& chain, const ReadFilter& read) {
    std::optional<chain::FilterEntry> entry = chain.read_filter(*read.block);
    if (!entry) return std::nullopt;
    return message_of(FilterMessage{BASIC_FILTER, read.block->hash, std::move(entry->filter)});
}

std::optional<Message> answer_one(const chain::Chain& chain, const ReadFilterHeaders& read) {
    FilterHeadersMessage message{BASIC_FILTER, read.stop->hash, {}, {}};
    if (read.start > 0) {
        const auto before = chain.read_filter(*read.stop->ancestor_node(read.start - 1));
        if (!before) return std::nullopt;
        message.previous_header = before->header;
    }
    for (consensus::Height at = read.start; at <= read.stop->height; ++at) {
        const auto entry = chain.read_filter(*read.stop->ancestor_node(at));
        if (!entry) return std::nullopt;
        message.filter_hashes.push_back(consensus::sha256d(entry->filter));
    }
    return message_of(message);
}

std::optional<Message> answer_one(const chain::Chain& chain, const ReadFilterCheckpoints& read) {
    FilterCheckpointsMessage message{BASIC_FILTER, read.stop->hash, {}};
    for (consensus::Height at = CHECKPOINT_INTERVAL; at <= read.stop->height;
         at += CHECKPOINT_INTERVAL) {
        const auto entry = chain.read_filter(*read.stop->ancestor_node(at));
        if (!entry) return std::nullopt;
        message.headers.push_back(entry->header);
    }
    return message_of(message);
}

} // namespace

const chain::BlockNode* LiveChain::find_block(const consensus::BlockHash& hash) const {
    return chain_.find_block(hash);
}

consensus::Uint256 LiveChain::minimum_chain_work() const {
    return chain_.options().minimum_chain_work.value_or(chain_.params().minimum_chain_work);
}

std::optional<WaitingTransaction> LiveChain::find_transaction(const consensus::Txid& txid) const {
    const chain::MempoolReader pool = chain_.mempool();
    const chain::MempoolEntry* entry = pool->find(txid);
    if (entry == nullptr) return std::nullopt;
    return waiting_of(*entry);
}

std::optional<WaitingTransaction> LiveChain::find_transaction(const consensus::Wtxid& wtxid) const {
    const chain::MempoolReader pool = chain_.mempool();
    const chain::MempoolEntry* entry = pool->find(wtxid);
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

std::optional<Message> answer(const chain::Chain& chain, const DiskRead& read) {
    return std::visit([&](const auto& one) { return answer_one(chain, one); }, read);
}

} // namespace cairn::node
