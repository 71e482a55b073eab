// SPDX-License-Identifier: MIT
#include "node/orphanage.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

using consensus::Hash256;
using consensus::OutPoint;

bool Orphanage::add(const consensus::TransactionRef& tx, PeerId peer, Time now) {
    if (tx->weight() > MAX_WEIGHT) return false;
    if (contains(tx->wtxid)) return true;
    while (weights_[peer] + tx->weight() > MAX_PEER_WEIGHT) erase_one_of(peer);
    if (orphans_.size() >= MAX_TRANSACTIONS) {
        const auto weight_of = [](const auto& entry) { return entry.second; };
        erase_one_of(std::ranges::max_element(weights_, {}, weight_of)->first);
    }
    weights_[peer] += tx->weight();
    orphans_.emplace(tx->wtxid, Orphan{tx, peer, now + MAX_AGE});
    for (const consensus::TxIn& input : tx->inputs) spends_.emplace(input.prevout, tx->wtxid);
    return true;
}

/// The table's salt is secret, so nobody can tell which one that is.
void Orphanage::erase_one_of(PeerId peer) {
    const auto victim = std::ranges::find_if(
        orphans_, [&](const auto& entry) { return entry.second.peer == peer; });
    erase(Hash256(victim->first));
}

std::vector<Orphanage::Orphan> Orphanage::children(const consensus::Txid& txid) const {
    std::set<Hash256> wtxids; // one may spend several outputs
    for (auto spend = spends_.lower_bound({OutPoint{txid, 0}, Hash256{}});
         spend != spends_.end() && spend->first.txid == txid; ++spend)
        wtxids.insert(spend->second);
    std::vector<Orphan> children;
    children.reserve(wtxids.size());
    for (const Hash256& wtxid : wtxids) children.push_back(orphans_.at(wtxid));
    return children;
}

std::vector<Orphanage::Orphan> Orphanage::all() const {
    std::vector<Orphan> all;
    for (const auto& [wtxid, orphan] : orphans_) all.push_back(orphan);
    return all;
}

void Orphanage::erase(const Hash256& wtxid) {
    const auto found = orphans_.find(wtxid);
    if (found == orphans_.end()) return;
    const Orphan& orphan = found->second;
    if ((weights_[orphan.peer] -= orphan.tx->weight()) == 0) weights_.erase(orphan.peer);
    for (const consensus::TxIn& input : orphan.tx->inputs) spends_.erase({input.prevout, wtxid});
    orphans_.erase(found);
}

void Orphanage::erase_for_block(const consensus::Block& block) {
    const size_t before = orphans_.size();
    if (before == 0) return;
    for (const consensus::SealedTransaction& tx : block.transactions) {
        for (const consensus::TxIn& input : tx.inputs) {
            for (;;) {
                const auto spend = spends_.lower_bound({input.prevout, Hash256{}});
                if (spend == spends_.end() || spend->first != input.prevout) break;
                erase(Hash256(spend->second));
            }
        }
    }
    if (size() < before)
        spdlog::debug(
            "Erased {} orphan transaction(s) included or conflicted by block", before - size());
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
