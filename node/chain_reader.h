// SPDX-License-Identifier: MIT
// What the protocol may look up at once, because it is in memory. All else it asks for by actions
// (actions.h). The network answers from the chain; the simulator and tests bring their own.
#pragma once

#include "chain/chain.h"
#include "node/messages.h"

#include <functional>
#include <optional>
#include <vector>

namespace cairn::node {

/// A waiting transaction as relay needs it.
struct WaitingTransaction {
    chain::TransactionRef tx;
    chain::FeeRate feerate;
    uint64_t sequence = 0; ///< Order of entry.
};

/// Look-ups that never touch a disk. Thread: network.
class ChainReader {
public:
    virtual ~ChainReader() = default;

    virtual const consensus::Params& params() const = 0;
    virtual chain::View view() const = 0;
    virtual const chain::BlockNode& best_header() const = 0;
    virtual const chain::BlockNode* find_block(const consensus::BlockHash& hash) const = 0;
    virtual std::optional<chain::AssumedChain> assumed() const = 0;
    virtual bool initial_download() const = 0;
    virtual consensus::Uint256 minimum_chain_work() const = 0;

    /// By wtxid or txid, as `item` says.
    virtual std::optional<WaitingTransaction> find_transaction(const Inventory& item) const = 0;
    virtual std::vector<WaitingTransaction> waiting_transactions() const = 0;
    /// Likewise, without their order.
    virtual void
    visit_transactions(const std::function<void(const chain::TransactionRef&)>& visit) const = 0;
    virtual uint64_t mempool_sequence() const = 0;
    virtual chain::FeeRate mempool_min_feerate() const = 0;
};

} // namespace cairn::node
