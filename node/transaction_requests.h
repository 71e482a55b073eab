// SPDX-License-Identifier: MIT
// Whom to ask for a transaction that several peers announced: one at a time, the preferred first,
// the next one when that doesn't answer; of equals, those last who didn't answer the last time.
#pragma once

#include "node/peer.h"
#include "node/random.h"

#include <functional>
#include <set>
#include <unordered_map>

namespace cairn::node {

/// Announcements of transactions we don't have, and the one request in flight for each.
///
/// Invariants: at most one peer is asked for a hash at a time; each entry has a candidate, and
///   stands in due_ once. A peer has up to MAX_ANNOUNCED candidates, whose hashes are the
///   `announced` of its state: so one that leaves costs what it announced, not what all did.
class TransactionRequests {
public:
    TransactionRequests(Random& random, consensus::SaltedHasher salt)
        : random_(random),
          entries_(0, salt) {}

    struct Announcement {
        consensus::Hash256 hash;
        bool is_wtxid = false;
        bool preferred = false;
        Time ready_at; ///< Not to be asked before.
    };

    /// `peer` has it. Ignored past the limit, or if it has told already.
    void add(Peer& peer, const Announcement& announcement);
    /// We have it, or don't want it any more.
    void forget(const consensus::SealedTransaction& tx, Peers& peers);
    /// `peer` sent it. Of others the same is not wanted any more; but what they have under its txid
    /// may have another witness.
    void received(PeerId peer, const consensus::SealedTransaction& tx, Peers& peers);
    /// `peer` hasn't got it.
    void refused(PeerId peer, const consensus::Hash256& hash, Peers& peers);
    void disconnected(const Peer& peer, Peers& peers);

    struct Request {
        PeerId peer = NO_PEER;
        Inventory item;
    };

    /// What to ask now; each is then in flight. Requests that timed out go to the next candidate.
    std::vector<Request> take_due(Peers& peers, Time now);

    size_t size() const { return entries_.size(); }

    static constexpr size_t MAX_ANNOUNCED = 5000;
    static constexpr size_t ANNOUNCED_BYTES = 320; ///< That one takes in memory, about.
    static constexpr size_t MAX_IN_FLIGHT = 100;   ///< Above it, a peer is asked later.
    static constexpr std::chrono::seconds TIMEOUT{60};
    static constexpr std::chrono::seconds OVERLOAD_DELAY{2};

private:
    struct Candidate {
        PeerId peer = NO_PEER;
        bool is_wtxid = false;
        bool preferred = false;
        Time ready_at;
        uint64_t order = 0; ///< Random, so that nobody can arrange to be asked first.
    };

    struct Entry {
        std::vector<Candidate> candidates;
        PeerId asked = NO_PEER;
        Time due; ///< Next candidate's time, or when the request times out.
    };

    using Entries = std::unordered_map<consensus::Hash256, Entry, consensus::SaltedHasher>;
    void remove(
        const consensus::Hash256& hash,
        Peers& peers,
        const std::function<bool(const Candidate&)>& chosen);
    void schedule(Entries::iterator entry);
    static const Candidate* best_candidate(const Entry& entry, const Peers& peers, Time now);

    Random& random_;
    Entries entries_;
    std::set<std::pair<Time, consensus::Hash256>> due_;
};

} // namespace cairn::node
