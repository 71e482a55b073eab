// SPDX-License-Identifier: MIT
#include "node/orphanage.h"

#include <algorithm>

namespace cairn::node {

using consensus::Hash256;
using consensus::OutPoint;

bool Orphanage::add(const consensus::TransactionRef& tx, PeerId peer, Time now) {
    if (tx->weight() > MAX_WEIGHT) return false;
    if (contains(tx->wtxid)) return true;
    if (const std::optional<Hash256> victim = pick_victim(peer)) erase(*victim);
    orphans_.emplace(tx->wtxid, Orphan{tx, peer, now + MAX_AGE});
    for (const consensus::TxIn& input : tx->inputs) spends_.emplace(input.prevout, tx->wtxid);
    return true;
}

/// Which orphan has to go for another of `peer`: one of its own if it has its share, else one of
/// whoever holds the most.
std::optional<Hash256> Orphanage::pick_victim(PeerId peer) const {
    std::map<PeerId, size_t> counts;
    for (const auto& [wtxid, orphan] : orphans_) ++counts[orphan.peer];
    PeerId from = peer;
    if (counts[peer] < MAX_PER_PEER) {
        if (orphans_.size() < MAX_TRANSACTIONS) return std::nullopt;
        from = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
                   return a.second < b.second;
               })->first;
    }
    // The table's salt is secret, so nobody can tell which one of them comes first.
    const auto victim = std::find_if(orphans_.begin(), orphans_.end(), [&](const auto& entry) {
        return entry.second.peer == from;
    });
    return victim->first;
}

std::vector<Orphanage::Orphan> Orphanage::take_children(const consensus::Txid& txid) {
    std::vector<Orphan> children;
    for (;;) {
        const auto spend = spends_.lower_bound({OutPoint{txid, 0}, Hash256{}});
        if (spend == spends_.end() || spend->first.txid != txid) return children;
        children.push_back(orphans_.at(spend->second));
        erase(Hash256(children.back().tx->wtxid));
    }
}

std::vector<Orphanage::Orphan> Orphanage::all() const {
    std::vector<Orphan> all;
    for (const auto& [wtxid, orphan] : orphans_) all.push_back(orphan);
    return all;
}

void Orphanage::erase(const Hash256& wtxid) {
    const auto found = orphans_.find(wtxid);
    if (found == orphans_.end()) return;
    for (const consensus::TxIn& input : found->second.tx->inputs)
        spends_.erase({input.prevout, wtxid});
    orphans_.erase(found);
}

void Orphanage::erase_for_block(const consensus::Block& block) {
    if (orphans_.empty()) return;
    for (const consensus::SealedTransaction& tx : block.transactions) {
        for (const consensus::TxIn& input : tx.inputs) {
            for (;;) {
                const auto spend = spends_.lower_bound({input.prevout, Hash256{}});
                if (spend == spends_.end() || spend->first != input.prevout) break;
                erase(Hash256(spend->second));
            }
        }
    }
}

void Orphanage::disconnected(PeerId peer) {
    erase_where([&](const Orphan& orphan) { return orphan.peer == peer; });
}

void Orphanage::expire(Time now) {
    erase_where([&](const Orphan& orphan) { return orphan.expires <= now; });
}

void Orphanage::erase_where(const std::function<bool(const Orphan&)>& condition) {
    for (auto at = orphans_.begin(); at != orphans_.end();) {
        const auto orphan = at++;
        if (condition(orphan->second)) erase(orphan->first);
    }
}

} // namespace cairn::node
