// SPDX-License-Identifier: MIT
// Transactions that peers announce: fetched once, judged by the chain, orphans kept until their
// parents are here.
#pragma once

#include "node/context.h"
#include "node/orphanage.h"
#include "node/transaction_requests.h"

#include <functional>

namespace cairn::node {

/// inv of transactions, tx, notfound.
class TransactionDownload {
public:
    /// `relay` is given what is to be announced once more.
    TransactionDownload(
        Context& context, std::function<void(const consensus::TransactionRef&)> relay);

    void announced(Peer& peer, const Inventory& item);
    void transaction(Peer& peer, const Bytes& payload);
    void not_found(Peer& peer, const InventoryMessage& message);
    void transaction_done(
        const AcceptTransaction& asked, const consensus::Result<chain::Accepted>& outcome);
    void tip_changed(const chain::TipChange& change);
    void transaction_added(const consensus::TransactionRef& tx);
    void disconnected(Peer& peer);
    void tick();

    void expire() { orphanage_.expire(context_.now); }

    /// Whether there is room for one more of `peer`, of so many bytes, at the chain.
    static bool can_take(const Peer& peer, size_t bytes) {
        return peer.transactions_processing == 0 ||
               (peer.transactions_processing < MAX_PROCESSING &&
                peer.transaction_bytes + bytes <= MAX_PROCESSING_BYTES);
    }

    const Orphanage& orphanage() const { return orphanage_; }

    /// Of one peer, at the chain: so many of common size, of this size in all; or any one that may
    /// be relayed (ProtocolOptions::max_transaction_weight), which then takes as much memory.
    static constexpr size_t MAX_PROCESSING = 64;
    static constexpr size_t MAX_PROCESSING_BYTES = 100'000;
    static constexpr size_t MAX_REMEMBERED = 50'000;
    /// Orphans with which one may come in that pays too little by itself: its sender's, the newest.
    static constexpr size_t MAX_CHILDREN_TRIED = 25;
    static constexpr size_t MAX_EXHAUSTED = 1000;
    /// Outbound peers are asked first: we chose them, so they are less likely to lie in wait.
    static constexpr std::chrono::seconds NOT_PREFERRED_DELAY{2};
    /// Peers that name a transaction by its txid are asked later than those that give the wtxid,
    /// which tells more.
    static constexpr std::chrono::seconds TXID_DELAY{2};
    /// Until what the chain had no room for is asked for again.
    static constexpr std::chrono::seconds BUSY_DELAY{5};

private:
    bool have(const Inventory& item) const;
    bool refuses_transactions(const Peer& peer) const;
    void request(
        Peer& peer,
        const consensus::Hash256& hash,
        bool is_wtxid,
        std::chrono::seconds delay = std::chrono::seconds(0));
    std::vector<PeerId> peers_with(const consensus::SealedTransaction& tx) const;
    void keep_orphan(const consensus::TransactionRef& tx, const std::vector<PeerId>& announcers);
    void accept(
        PeerId peer,
        const consensus::TransactionRef& tx,
        const consensus::TransactionRef& parent = nullptr);
    void accept_with_child(PeerId sender, const consensus::TransactionRef& parent);
    void accept_children(const consensus::Txid& parent);
    void relay_again(const Peer& peer, const consensus::TransactionRef& tx) const;

    Context& context_;
    std::function<void(const consensus::TransactionRef&)> relay_;
    TransactionRequests requests_;
    Orphanage orphanage_;
    std::multiset<consensus::Hash256> at_chain_; ///< wtxids of what waits for its verdict.
    RollingSet rejected_;  ///< wtxids, and hashes of pairs, since the last block.
    RollingSet too_cheap_; ///< wtxids of what may come in with a child that pays for it.
    /// What is too cheap, with its sender, and has no child left to try: it may be sent at will.
    std::set<std::tuple<consensus::Txid, consensus::Wtxid, PeerId>> exhausted_;
    RollingSet confirmed_; ///< txids and wtxids of recent blocks.
};

} // namespace cairn::node
