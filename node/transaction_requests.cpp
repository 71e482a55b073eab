// SPDX-License-Identifier: MIT
#include "node/transaction_requests.h"

#include <algorithm>

namespace cairn::node {

void TransactionRequests::add(Peer& peer, const Announcement& announcement) {
    // Whom the operator trusts with transactions may tell of a whole message of them.
    const bool trusted = peer.permits(PERMIT_RELAY);
    auto& announced = peer.transactions.announced;
    if (announced.size() >= (trusted ? MAX_INVENTORY : MAX_ANNOUNCED)) return;
    if (!announced.insert(announcement.hash).second) return;
    const auto found = entries_.try_emplace(announcement.hash).first;
    Entry& entry = found->second;
    Candidate candidate{
        peer.id, announcement.is_wtxid, announcement.preferred, announcement.ready_at,
        random_.next()};
    if (peer.transactions.in_flight >= MAX_IN_FLIGHT && !trusted)
        candidate.ready_at += OVERLOAD_DELAY;
    entry.candidates.push_back(candidate);
    if (entry.asked == NO_PEER) schedule(found);
}

/// Set the time at which something is to be done about `found`, which is not in flight.
void TransactionRequests::schedule(Entries::iterator found) {
    Entry& entry = found->second;
    due_.erase({entry.due, found->first});
    entry.due = Time::max();
    for (const Candidate& candidate : entry.candidates)
        entry.due = std::min(entry.due, candidate.ready_at);
    due_.emplace(entry.due, found->first);
}

const TransactionRequests::Candidate*
TransactionRequests::best_candidate(const Entry& entry, const Peers& peers, Time now) {
    const Candidate* best = nullptr;
    const auto rank = [&](const Candidate& c) {
        return std::tuple(!c.preferred, peers.at(c.peer).transactions.silent, c.order);
    };
    for (const Candidate& candidate : entry.candidates) {
        if (candidate.ready_at > now) continue;
        if (best == nullptr || rank(candidate) < rank(*best)) best = &candidate;
    }
    return best;
}

std::vector<TransactionRequests::Request> TransactionRequests::take_due(Peers& peers, Time now) {
    std::vector<Request> requests;
    while (!due_.empty() && due_.begin()->first <= now) {
        const auto found = entries_.find(due_.begin()->second);
        Entry& entry = found->second;
        if (entry.asked != NO_PEER) { // timed out: whoever was asked is out
            Peer& asked = peers.at(entry.asked);
            asked.transactions.silent |= !asked.waiting; // else it is we who don't read
            refused(entry.asked, consensus::Hash256(found->first), peers);
            continue;
        }
        const Candidate* best = best_candidate(entry, peers, now);
        due_.erase(due_.begin());
        entry.asked = best->peer;
        entry.due = now + TIMEOUT;
        due_.emplace(entry.due, found->first);
        Peer& peer = peers.at(best->peer);
        ++peer.transactions.in_flight;
        const bool has_witness = (peer.services & NODE_WITNESS) != 0; // else it knows no such type
        const InventoryType type = best->is_wtxid ? InventoryType::WtxidTransaction
                                   : has_witness  ? InventoryType::WitnessTransaction
                                                  : InventoryType::Transaction;
        requests.push_back({best->peer, {type, found->first}});
    }
    return requests;
}

/// Take the candidates that are `chosen` out of an entry, which ends with its last one.
void TransactionRequests::remove(
    const consensus::Hash256& hash,
    Peers& peers,
    const std::function<bool(const Candidate&)>& chosen) {
    const auto found = entries_.find(hash);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    std::erase_if(entry.candidates, [&](const Candidate& candidate) {
        if (!chosen(candidate)) return false;
        Peer::Transactions& state = peers.at(candidate.peer).transactions;
        state.announced.erase(hash);
        if (entry.asked == candidate.peer) {
            --state.in_flight;
            entry.asked = NO_PEER;
        }
        return true;
    });
    if (entry.candidates.empty()) {
        due_.erase({entry.due, hash});
        entries_.erase(found);
    } else if (entry.asked == NO_PEER) {
        schedule(found);
    }
}

void TransactionRequests::forget(const consensus::SealedTransaction& tx, Peers& peers) {
    const auto all = [](const Candidate&) { return true; };
    remove(tx.wtxid, peers, all);
    remove(tx.txid, peers, all);
}

void TransactionRequests::received(
    PeerId peer, const consensus::SealedTransaction& tx, Peers& peers) {
    for (const consensus::Hash256& hash :
         {consensus::Hash256(tx.wtxid), consensus::Hash256(tx.txid)})
        if (const auto found = entries_.find(hash);
            found != entries_.end() && found->second.asked == peer)
            peers.at(peer).transactions.silent = false;
    remove(tx.wtxid, peers, [](const Candidate& candidate) { return candidate.is_wtxid; });
    refused(peer, tx.wtxid, peers);
    refused(peer, tx.txid, peers);
}

void TransactionRequests::refused(PeerId peer, const consensus::Hash256& hash, Peers& peers) {
    remove(hash, peers, [&](const Candidate& candidate) { return candidate.peer == peer; });
}

void TransactionRequests::disconnected(const Peer& peer, Peers& peers) {
    const auto announced = peer.transactions.announced; // of which refused() takes each out
    for (const consensus::Hash256& hash : announced) refused(peer.id, hash, peers);
}

} // namespace cairn::node
