// SPDX-License-Identifier: MIT
// What one peer can make this node hold, added up from the limits of all conversations. Tests hold
// nodes to it.
#pragma once

#include "node/connection.h"
#include "node/protocol.h"

#include <numeric>

namespace cairn::node {

/// At most, on a chain with Bitcoin's blocks: the sum of all limits, rounded up.
constexpr size_t MAX_PEER_BYTES = 20'000'000;

/// The limits of a peer. What isn't here is little, or is held for all peers together:
/// blocks at the chain (BlockDownload::MAX_PROCESSING_BYTES on the wire, and one of each peer that
/// we called; parsed, only bodies that somebody worked for are),
/// compact blocks of which a part is missing (CompactRelay::MAX_PARALLEL), addresses, what was
/// refused. Whom the operator permits more may have more.
constexpr size_t sum_of_limits() {
    using consensus::TxIn;
    using consensus::TxOut;
    // Of a transaction in memory: the smallest parts take most, with room for as many again.
    constexpr size_t BYTES_PER_WEIGHT = 4;
    static_assert(2 * sizeof(TxIn) <= BYTES_PER_WEIGHT * 4 * 41);
    static_assert(2 * sizeof(TxOut) <= BYTES_PER_WEIGHT * 4 * 9);
    constexpr size_t PARTS[] = {
        // What it says: the message that is being read, or waits, and what was read with that.
        MAX_PAYLOAD_BYTES + sizeof(Connection::ReadBuffer),
        // What it is told.
        MAX_UNSENT_BYTES + MAX_PAYLOAD_BYTES + Context::MAX_UNASKED_BYTES,
        // What it asks for: the items of a getdata, what is to be read from the disk, of which
        // transactions of a block, and what a long read found.
        MAX_INVENTORY * sizeof(Inventory) + 2 * Server::MAX_NOT_FOUND * sizeof(Inventory),
        MAX_FILTERS * sizeof(DiskRead) + UINT16_MAX * sizeof(uint32_t),
        size_t{2} * (MAX_FILTER_HEADERS + 1) * sizeof(consensus::Hash256),
        // Headers: at the chain, or waiting for more work; and what is known of those before.
        (HeaderPresync::WAITING + MAX_HEADERS) * sizeof(consensus::BlockHeader),
        HeaderPresync::MAX_BITS / 8,
        // Transactions: announced by it; at the chain; without their parents.
        TransactionRequests::MAX_ANNOUNCED * TransactionRequests::ANNOUNCED_BYTES,
        BYTES_PER_WEIGHT * 4 * TransactionDownload::MAX_PROCESSING_BYTES,
        BYTES_PER_WEIGHT * Orphanage::MAX_PEER_WEIGHT,
        // What it is to hear, and what it knows.
        TransactionAnnouncer::MAX_QUEUED * sizeof(consensus::Hash256),
        RollingSet::bytes(Peer::MAX_KNOWN_TRANSACTIONS) +
            RollingSet::bytes(Peer::MAX_KNOWN_ADDRESSES),
        // Its requests for blocks, addresses for it, counters, coroutines.
        200'000};
    return std::accumulate(std::begin(PARTS), std::end(PARTS), size_t{0});
}

static_assert(sum_of_limits() <= MAX_PEER_BYTES);
// Room for any one that is relayed.
static_assert(
    4 * TransactionDownload::MAX_PROCESSING_BYTES >= size_t{consensus::MAX_STANDARD_TX_WEIGHT});

} // namespace cairn::node
