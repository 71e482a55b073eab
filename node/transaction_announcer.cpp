// SPDX-License-Identifier: MIT
#include "node/transaction_announcer.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace {

void log_unsent(const consensus::Txid& txid) {
    spdlog::debug(
        "Removed {} from set of unbroadcast txns before confirmation that txn was sent out",
        txid.to_string());
}

} // namespace

void TransactionAnnouncer::established(Peer& peer) {
    peer.announcements.next_fee_filter = context_.now;
    if (peer.inbound()) { // who calls to learn what is ours hears of it with all others
        peer.announcements.next = next_inbound_;
        return;
    }
    for (const auto& [txid, tx] : unbroadcast_) queue(peer, *tx);
}

void TransactionAnnouncer::fee_filter(Peer& peer, const FeeFilterMessage& message) {
    if (consensus::money_range(message.per_kvb)) peer.announcements.fee_filter = message.per_kvb;
}

void TransactionAnnouncer::queue(Peer& peer, const consensus::SealedTransaction& tx) {
    if (!peer.established || !peer.relays_transactions || peer.dropped ||
        !peer.carries_transactions())
        return;
    const consensus::Hash256 hash = peer.named(tx.txid, tx.wtxid).hash;
    if (peer.known_transactions.contains(hash)) return;
    peer.announcements.queue.push_back(hash);
    if (peer.announcements.queue.size() > MAX_QUEUED) peer.announcements.queue.pop_front();
}

void TransactionAnnouncer::queue(const consensus::TransactionRef& tx) {
    for (auto& [id, peer] : context_.peers) queue(peer, *tx);
}

void TransactionAnnouncer::transaction_removed(const consensus::TransactionRef& tx) {
    if (unbroadcast_.erase(tx->txid) > 0) log_unsent(tx->txid);
}

/// What is in a block now need not be sent any more.
void TransactionAnnouncer::tip_changed() {
    std::erase_if(unbroadcast_, [this](const auto& entry) {
        const Inventory item{InventoryType::WtxidTransaction, entry.second->wtxid};
        const bool gone = !context_.chain.find_transaction(item);
        if (gone) log_unsent(entry.first);
        return gone;
    });
}

void TransactionAnnouncer::transaction_unsent(const consensus::TransactionRef& tx) {
    if (unbroadcast_.empty()) plan_retry();
    if (unbroadcast_.size() < MAX_UNBROADCAST) unbroadcast_.emplace(tx->txid, tx);
}

/// In ten to fifteen minutes, so that it can't be told from when we were the first to send it.
void TransactionAnnouncer::plan_retry() {
    const auto spread = std::chrono::seconds(context_.random.below(RETRY_SPREAD.count()));
    next_retry_ = context_.now + RETRY_LEAST + spread;
}

std::vector<consensus::Txid> TransactionAnnouncer::unbroadcast() const {
    std::vector<consensus::Txid> txids;
    for (const auto& [txid, tx] : unbroadcast_) txids.push_back(txid);
    return txids;
}

void TransactionAnnouncer::tick() {
    inbound_due_ = context_.now >= next_inbound_;
    if (inbound_due_) next_inbound_ = context_.now + context_.random.poisson(INBOUND_MEAN);
    if (unbroadcast_.empty() || context_.now < next_retry_) return;
    plan_retry();
    for (const auto& [txid, tx] : unbroadcast_) {
        for (auto& [id, peer] : context_.peers) {
            peer.known_transactions.erase(tx->wtxid);
            peer.known_transactions.erase(txid);
            queue(peer, *tx);
        }
    }
}

void TransactionAnnouncer::tick(Peer& peer) {
    Peer::Announcements& announcements = peer.announcements;
    // The end of the initial download is told at once: until then the peer keeps all from us.
    const bool open_again =
        announcements.fee_filter_sent == KEEP_ALL && !context_.chain.initial_download();
    if (open_again || context_.now >= announcements.next_fee_filter) send_fee_filter(peer);
    const bool due = peer.permits(PERMIT_NOBAN) ||
                     ((!peer.inbound() || inbound_due_) && context_.now >= announcements.next);
    // To one that doesn't read nothing is told that it didn't ask for.
    if (!due || peer.unsent_bytes >= MAX_UNSENT_BYTES) return;
    announcements.next = peer.inbound() ? next_inbound_ // once a round, which is one moment
                                        : context_.now + context_.random.poisson(OUTBOUND_MEAN);
    if (!announcements.queue.empty()) announce(peer);
    // What came in before this round may be asked for, announced or not; nothing newer.
    announcements.shown_sequence = context_.chain.mempool_sequence();
}

/// Parents first, and else in an order that doesn't tell which came first to us.
void TransactionAnnouncer::announce(Peer& peer) {
    auto& waiting = peer.announcements.queue;
    const InventoryType type = peer.named({}, {}).type;
    std::map<consensus::Txid, int> generations; // of those below, as they came: parents first
    std::vector<std::pair<int, consensus::Hash256>> items;
    while (!waiting.empty() && items.size() < MAX_IN_MESSAGE) {
        const Inventory named{type, waiting.front()};
        waiting.pop_front();
        if (peer.known_transactions.contains(named.hash)) continue;
        const auto found = context_.chain.find_transaction(named);
        if (!found || found->feerate.per_kvb.value < peer.announcements.fee_filter) continue;
        peer.known_transactions.insert(named.hash);
        int& generation = generations[found->tx->txid];
        for (const consensus::TxIn& input : found->tx->inputs)
            if (const auto parent = generations.find(input.prevout.txid);
                parent != generations.end())
                generation = std::max(generation, parent->second + 1);
        items.emplace_back(generation, named.hash);
    }
    if (items.empty()) return;
    std::ranges::sort(items);
    InventoryMessage message;
    for (const auto& [generation, hash] : items) message.items.push_back({type, hash});
    context_.send(peer, "inv", message);
}

/// On a scale of steps of a tenth, up or down by chance: the exact bound of a full mempool would
/// tell that two addresses are of one node.
int64_t TransactionAnnouncer::blurred(int64_t per_kvb) {
    const int64_t floor = context_.options.min_relay_feerate.per_kvb.value;
    if (per_kvb <= floor) return per_kvb; // what many have
    auto step = static_cast<double>(std::max<int64_t>(floor, 1));
    while (step < static_cast<double>(per_kvb)) step *= 1.1;
    const bool down = context_.random.below(3) > 0; // rather too low: what they send we may refuse
    return std::max(floor, static_cast<int64_t>(down ? step / 1.1 : step));
}

/// Say what we would take; during initial download nothing, since we couldn't judge it.
void TransactionAnnouncer::send_fee_filter(Peer& peer) {
    peer.announcements.next_fee_filter = context_.now + context_.random.poisson(FEE_FILTER_MEAN);
    if (peer.version < FEEFILTER_VERSION || context_.options.blocks_only ||
        !peer.carries_transactions() || peer.permits(PERMIT_FORCE_RELAY))
        return;
    const bool closed = context_.chain.initial_download();
    const int64_t lowest =
        closed ? KEEP_ALL : blurred(context_.chain.mempool_min_feerate().per_kvb.value);
    if (lowest == peer.announcements.fee_filter_sent) return;
    peer.announcements.fee_filter_sent = lowest;
    context_.send(peer, "feefilter", FeeFilterMessage{lowest});
}

} // namespace cairn::node
