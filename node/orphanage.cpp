// SPDX-License-Identifier: MIT
#include "node/orphanage.h"

#include <spdlog/spdlog.h>

namespace cairn::node {

using consensus::Hash256;
using consensus::OutPoint;

bool Orphanage::add(const consensus::TransactionRef& tx, PeerId peer, Time now) {
    if (tx->weight() > MAX_WEIGHT) return false;
    const Orphan* known = find(tx->wtxid);
    if (known != nullptr && known->is_of(peer)) return true;
    while (shares_[peer].weight + tx->weight() > MAX_PEER_WEIGHT) erase_one_of(peer);
    while (orphans_.size() >= MAX_TRANSACTIONS && !contains(tx->wtxid)) {
        const auto count_of = [](const auto& entry) { return entry.second.count; };
        erase_one_of(std::ranges::max_element(shares_, {}, count_of)->first);
    }
    Share& share = shares_[peer];
    share.weight += tx->weight();
    ++share.count;
    Orphan& orphan = orphans_.try_emplace(tx->wtxid, Orphan{tx, {}, now + MAX_AGE}).first->second;
    orphan.announcers.push_back(peer);
    for (const consensus::TxIn& input : tx->inputs) spends_.emplace(input.prevout, tx->wtxid);
    return true;
}

/// The table's salt is secret, so nobody can tell which one that is.
void Orphanage::erase_one_of(PeerId peer) {
    const auto victim =
        std::ranges::find_if(orphans_, [&](const auto& entry) { return entry.second.is_of(peer); });
    remove_announcer(Hash256(victim->first), peer);
}

/// With the last one it goes.
void Orphanage::remove_announcer(const Hash256& wtxid, PeerId peer) {
    Orphan& orphan = orphans_.at(wtxid);
    if (orphan.announcers.size() == 1) return erase(wtxid);
    std::erase(orphan.announcers, peer);
    give_back(peer, orphan);
}

void Orphanage::give_back(PeerId peer, const Orphan& orphan) {
    Share& share = shares_.at(peer);
    share.weight -= orphan.tx->weight();
    if (--share.count == 0) shares_.erase(peer);
}

const Orphanage::Orphan* Orphanage::find(const Hash256& wtxid) const {
    const auto found = orphans_.find(wtxid);
    return found != orphans_.end() ? &found->second : nullptr;
}

std::vector<const Orphanage::Orphan*> Orphanage::children(const consensus::Txid& txid) const {
    std::vector<Hash256> wtxids;
    for (auto spend = spends_.lower_bound({OutPoint{txid, 0}, Hash256{}});
         spend != spends_.end() && spend->first.txid == txid; ++spend)
        wtxids.push_back(spend->second);
    std::ranges::sort(wtxids); // one may spend several outputs
    wtxids.erase(std::unique(wtxids.begin(), wtxids.end()), wtxids.end());
    std::vector<const Orphan*> children;
    children.reserve(wtxids.size());
    for (const Hash256& wtxid : wtxids) children.push_back(&orphans_.at(wtxid));
    return children;
}

std::vector<Orphanage::Orphan> Orphanage::all() const {
    std::vector<Orphan> all;
    all.reserve(orphans_.size());
    for (const auto& [wtxid, orphan] : orphans_) all.push_back(orphan);
    return all;
}

void Orphanage::erase(const Hash256& wtxid) {
    const auto found = orphans_.find(wtxid);
    if (found == orphans_.end()) return;
    const Orphan& orphan = found->second;
    for (const PeerId peer : orphan.announcers) give_back(peer, orphan);
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
    for (auto at = orphans_.begin(); at != orphans_.end();) {
        const auto orphan = at++;
        if (orphan->second.is_of(peer)) remove_announcer(Hash256(orphan->first), peer);
    }
}

void Orphanage::expire(Time now) {
    for (auto at = orphans_.begin(); at != orphans_.end();) {
        const auto orphan = at++;
        if (orphan->second.expires <= now) erase(Hash256(orphan->first));
    }
}

} // namespace cairn::node
