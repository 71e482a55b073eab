// SPDX-License-Identifier: MIT
// Tells peers of transactions, late by a random delay, so that nobody who listens at many places
// can tell where one began.
#pragma once

#include "node/context.h"

namespace cairn::node {

/// inv of transactions, feefilter (BIP-0133), and our own transactions until a peer wants them.
class TransactionAnnouncer {
public:
    explicit TransactionAnnouncer(Context& context) : context_(context) {}

    void established(Peer& peer);
    void fee_filter(Peer& peer, const FeeFilterMessage& message);
    /// Announce it to all peers, to each in its time.
    void queue(const consensus::TransactionRef& tx);
    /// Until a peer asks for it, announce it again and again.
    void transaction_unsent(const consensus::TransactionRef& tx);
    void transaction_removed(const consensus::TransactionRef& tx);
    void tip_changed();

    /// A peer asked for it.
    void served(const consensus::Txid& txid) { unbroadcast_.erase(txid); }

    void tick();
    void tick(Peer& peer);

    std::vector<consensus::Txid> unbroadcast() const;

    bool is_unsent(const consensus::Txid& txid) const { return unbroadcast_.contains(txid); }

    /// For one peer: what it is told in two minutes. The oldest go.
    static constexpr size_t MAX_QUEUED = 25'000;
    static constexpr size_t MAX_IN_MESSAGE = 1000;
    static constexpr size_t MAX_UNBROADCAST = 1000;
    static constexpr std::chrono::seconds INBOUND_MEAN{5};
    static constexpr std::chrono::seconds OUTBOUND_MEAN{2};
    static constexpr std::chrono::minutes FEE_FILTER_MEAN{10};
    static constexpr int64_t KEEP_ALL = 9'936'506; ///< The highest filter that the reference sends.
    static constexpr std::chrono::minutes RETRY_LEAST{10};
    static constexpr std::chrono::seconds RETRY_SPREAD{300};

    void advance_retry(std::chrono::seconds by) { next_retry_ -= by; }

private:
    void plan_retry();
    static void queue(Peer& peer, const consensus::SealedTransaction& tx);
    void announce(Peer& peer);
    void send_fee_filter(Peer& peer);
    int64_t blurred(int64_t per_kvb);

    Context& context_;
    std::map<consensus::Txid, consensus::TransactionRef> unbroadcast_;
    Time next_retry_;
    Time next_inbound_; ///< One time for all of them: many connections tell no more than one.
    bool inbound_due_ = false;
};

} // namespace cairn::node
