// SPDX-License-Identifier: MIT
// New blocks by the short ids of their transactions, most of which wait in the mempool: so a block
// of a megabyte takes some kilobytes, and often no question. Source: BIP-0152, version 2.
#pragma once

#include "node/block_download.h"
#include "node/header_sync.h"

#include <deque>

namespace cairn::node {

/// sendcmpct, cmpctblock and blocktxn: our asking side. Server gives compact blocks to those who
/// ask, BlockAnnouncer to those who want them unasked.
///
/// Invariants: at most one compact block of a peer is in work; nothing is done for it before its
///   header was found good; announcers_ are the peers with `compact.announces`.
class CompactRelay {
public:
    CompactRelay(Context& context, HeaderSync& header_sync, BlockDownload& block_download)
        : context_(context),
          header_sync_(header_sync),
          block_download_(block_download) {}

    void established(Peer& peer);
    void send_compact(Peer& peer, const SendCompactMessage& message);
    void compact_block(Peer& peer, Bytes payload);
    void block_transactions(Peer& peer, Bytes payload);
    /// Peers that bring new blocks first are asked to send them unasked.
    void block_done(PeerId id, const chain::BlockOutcome& outcome);
    /// `tx` left the mempool unconfirmed, or never came in; a block may hold it all the same.
    void transaction_dropped(const consensus::TransactionRef& tx);

    void disconnected(PeerId id) { std::erase(announcers_, id); }

    static constexpr size_t MAX_ANNOUNCERS = 3;
    static constexpr size_t MAX_PARALLEL = 3;  ///< Peers that are asked for the rest of one block.
    static constexpr size_t MAX_DROPPED = 100; ///< Transactions kept, of up to MAX_DROPPED_BYTES.
    static constexpr int64_t MAX_DROPPED_BYTES = 100'000;
    static constexpr int32_t MAX_AHEAD = 2; ///< Blocks past the tip for which the mempool helps.

private:
    void put_together(Peer& peer, const CompactBlockMessage& message);
    bool may_ask_too(const Peer& peer, const consensus::BlockHash& hash) const;
    bool deliver(Peer& peer, const PartialBlock& block);
    void request_whole(Peer& peer, const consensus::BlockHash& hash);
    void ask_to_announce(Peer& peer, bool announce);

    Context& context_;
    HeaderSync& header_sync_;
    BlockDownload& block_download_;
    std::vector<PeerId> announcers_; ///< Who brought the newest block is last.
    std::deque<consensus::TransactionRef> dropped_;
};

} // namespace cairn::node
