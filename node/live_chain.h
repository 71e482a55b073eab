// SPDX-License-Identifier: MIT
// The real chain behind the protocol's look-ups and disk reads.
#pragma once

#include "node/actions.h"
#include "node/chain_reader.h"

namespace cairn::node {

/// ChainReader over chain::Chain, which outlives it.
class LiveChain final : public ChainReader {
public:
    explicit LiveChain(const chain::Chain& chain) : chain_(chain) {}

    const consensus::Params& params() const override { return chain_.params(); }

    chain::View view() const override { return chain_.view(); }

    const chain::BlockNode& best_header() const override { return chain_.best_header(); }

    const chain::BlockNode* find_block(const consensus::BlockHash& hash) const override {
        return chain_.find_block(hash);
    }

    std::optional<chain::AssumedChain> assumed() const override { return chain_.assumed(); }

    bool initial_download() const override { return chain_.initial_download(); }

    consensus::Uint256 minimum_chain_work() const override {
        return chain_.options().minimum_chain_work.value_or(params().minimum_chain_work);
    }

    std::optional<WaitingTransaction> find_transaction(const Inventory& item) const override;
    std::vector<WaitingTransaction> waiting_transactions() const override;
    void visit_transactions(
        const std::function<void(const chain::TransactionRef&)>& visit) const override;

    uint64_t mempool_sequence() const override { return chain_.mempool()->sequence(); }

    chain::FeeRate mempool_min_feerate() const override { return chain_.mempool_min_feerate(); }

private:
    const chain::Chain& chain_;
};

/// What a turn at the disk came to.
struct ReadPart {
    bool finished = true;            ///< Else `read` holds what it found and needs more turns.
    std::optional<Message> answer{}; ///< nullopt: what was asked for isn't stored.
};

/// Do a disk read, or a part of it, so that the next one is never far. Thread: any; waits for the
/// disk. Throws chain::StorageError.
ReadPart read_part(const chain::Chain& chain, DiskRead& read);

/// In one part: 2 MB where blocks are full.
constexpr int FILTERS_AT_ONCE = 100;

} // namespace cairn::node
