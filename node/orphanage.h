// SPDX-License-Identifier: MIT
// Transactions that came before those they spend.
#pragma once

#include "consensus/block.h"
#include "node/clock.h"
#include "node/peer_id.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

namespace cairn::node {

/// Each is kept for all who announced it, so that none of them alone can have it forgotten.
///
/// Limits: MAX_TRANSACTIONS of up to MAX_WEIGHT each; MAX_PEER_WEIGHT of one peer; MAX_AGE. Where
/// there are too many, one goes of the peer that has most of them, however small they are.
class Orphanage {
public:
    explicit Orphanage(consensus::SaltedHasher salt) : orphans_(0, salt) {}

    /// Keep `tx` for `peer`, beside whom it is kept for already; another of it goes where there is
    /// no room. False: it is too large.
    bool add(const consensus::TransactionRef& tx, PeerId peer, Time now);

    bool contains(const consensus::Hash256& wtxid) const { return orphans_.contains(wtxid); }

    struct Orphan {
        consensus::TransactionRef tx;
        std::vector<PeerId> announcers; ///< One at least.
        Time expires;

        bool is_of(PeerId peer) const {
            return std::ranges::find(announcers, peer) != announcers.end();
        }
    };

    /// Null if it isn't here.
    const Orphan* find(const consensus::Hash256& wtxid) const;

    /// Those that spend an output of `txid`.
    std::vector<const Orphan*> children(const consensus::Txid& txid) const;
    void erase(const consensus::Hash256& wtxid);
    /// Those that a block holds, or that spend what one of its transactions spends.
    void erase_for_block(const consensus::Block& block);
    void disconnected(PeerId peer);
    void expire(Time now);

    size_t size() const { return orphans_.size(); }

    std::vector<Orphan> all() const;

    static constexpr size_t MAX_TRANSACTIONS = 3000;
    static constexpr int64_t MAX_WEIGHT = 400'000;
    static constexpr int64_t MAX_PEER_WEIGHT = 404'000; ///< Room for one of the largest.
    static constexpr std::chrono::minutes MAX_AGE{20};

private:
    void remove_announcer(const consensus::Hash256& wtxid, PeerId peer);
    void erase_one_of(PeerId peer);

    std::unordered_map<consensus::Hash256, Orphan, consensus::SaltedHasher> orphans_; ///< wtxid
    std::set<std::pair<consensus::OutPoint, consensus::Hash256>> spends_;

    /// What is kept for a peer.
    struct Share {
        int64_t weight = 0;
        size_t count = 0;
    };

    void give_back(PeerId peer, const Orphan& orphan);

    std::map<PeerId, Share> shares_; ///< Of those who have one.
};

} // namespace cairn::node
