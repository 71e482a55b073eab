// SPDX-License-Identifier: MIT
// What we give to peers that ask: headers, blocks, transactions, compact filters. Also while this
// node still downloads: what is validated may be had.
#pragma once

#include "node/context.h"

#include <functional>

namespace cairn::node {

/// getheaders, getblocks, getdata, getblocktxn, mempool, getcfilters, getcfheaders, getcfcheckpt
/// (BIP-0157).
///
/// Invariants: each peer has one request message in work, so answers keep its order; one disk read
///   a peer at a time, and none while MAX_UNSENT_BYTES wait to be sent to it. Nor is its next
///   request taken then (Protocol::must_wait).
class Server {
public:
    /// `served` is told of each transaction that a peer was given.
    Server(Context& context, std::function<void(const consensus::Txid&)> served)
        : context_(context),
          served_(std::move(served)) {}

    void get_headers(Peer& peer, const LocatorMessage& message);
    void get_blocks(Peer& peer, const LocatorMessage& message);
    void get_data(Peer& peer, const InventoryMessage& message);
    void get_block_transactions(Peer& peer, const GetBlockTransactionsMessage& message);
    void mempool(Peer& peer);
    void get_filters(Peer& peer, const FilterRangeMessage& message);
    void get_filter_headers(Peer& peer, const FilterRangeMessage& message);
    void get_filter_checkpoints(Peer& peer, const GetFilterCheckpointsMessage& message);

    /// The disk's answer; nullopt: it hasn't got it.
    void read_done(Peer& peer, std::optional<Message> answer);
    /// Go on where room, or an answer, was missing.
    void advance(Peer& peer);
    /// The newest block's transactions stay to be had for those who were told of them before it.
    void tip_changed(const chain::TipChange& change);

    // Blocks below the tip that are given compact, or in part; older ones whole.
    static constexpr int32_t COMPACT_DEPTH = 5;
    static constexpr int32_t BLOCK_TRANSACTIONS_DEPTH = 10;
    static constexpr size_t MAX_NOT_FOUND = 1'000;      ///< In one message, lest they pile up.
    static constexpr int32_t NOT_FOUND_VERSION = 70001; ///< Those before don't know it (BIP-0037).

private:
    static constexpr int64_t MAX_STALE_SECONDS = int64_t{30} * 24 * 3600;
    static constexpr int32_t MAX_STALE_BLOCKS = 4032;

    bool may_be_had(const chain::BlockNode& node) const;
    const chain::BlockNode* fork_point(const std::vector<consensus::BlockHash>& locator) const;
    void serve_transaction(Peer& peer, const Inventory& item);
    void serve_block(Peer& peer, const Inventory& item);
    void send_not_found(Peer& peer);
    const chain::BlockNode* find_servable(Peer& peer, const consensus::BlockHash& hash) const;
    consensus::TransactionRef find_transaction(const Peer& peer, const Inventory& item) const;
    const chain::BlockNode*
    filter_stop(Peer& peer, const FilterRangeMessage& range, int64_t max_count);

    Context& context_;
    std::function<void(const consensus::Txid&)> served_;
    consensus::BlockRef newest_;
    std::map<consensus::Hash256, size_t> newest_index_; ///< Positions by txid and by wtxid.
};

} // namespace cairn::node
