// SPDX-License-Identifier: MIT
#include "chain/mempool.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <unordered_set>

namespace cairn::chain {

using consensus::Coin;
using consensus::SealedTransaction;
using consensus::TxIn;

namespace {

/// What an entry takes: the transaction, its scripts, and its places in the tables here.
size_t entry_bytes(const SealedTransaction& tx) {
    constexpr size_t MAP_NODE = 32; // pointers, hash and allocator of a node of a standard table
    size_t bytes = sizeof(SealedTransaction) + sizeof(MempoolEntry) + sizeof(Txid) + sizeof(Wtxid) +
                   5 * MAP_NODE + 4 * sizeof(void*);
    bytes += tx.inputs.capacity() * sizeof(TxIn);
    bytes += tx.inputs.size() * (sizeof(OutPoint) + sizeof(void*) + MAP_NODE);
    bytes += tx.outputs.capacity() * sizeof(consensus::TxOut);
    for (const TxIn& in : tx.inputs) bytes += in.script_sig.heap_bytes() + in.witness.heap_bytes();
    for (const consensus::TxOut& out : tx.outputs) bytes += out.script_pubkey.heap_bytes();
    return bytes;
}

} // namespace

bool Mempool::BetterFeerate::operator()(const MempoolEntry* a, const MempoolEntry* b) const {
    const FeeRate first = a->feerate();
    const FeeRate second = b->feerate();
    return first != second ? first > second : a->sequence < b->sequence;
}

bool Mempool::Older::operator()(const MempoolEntry* a, const MempoolEntry* b) const {
    return a->time != b->time ? a->time < b->time : a->sequence < b->sequence;
}

Mempool::Mempool(consensus::OutPointHasher salt)
    : entries_(0, consensus::SaltedHasher{salt.key0, salt.key1}),
      by_wtxid_(0, consensus::SaltedHasher{salt.key0, salt.key1}),
      spenders_(0, salt) {}

const MempoolEntry* Mempool::find(const Txid& txid) const {
    const auto found = entries_.find(txid);
    return found == entries_.end() ? nullptr : &found->second;
}

const MempoolEntry* Mempool::find(const Wtxid& wtxid) const {
    const auto found = by_wtxid_.find(wtxid);
    return found == by_wtxid_.end() ? nullptr : found->second;
}

const MempoolEntry* Mempool::spender(const OutPoint& point) const {
    const auto found = spenders_.find(point);
    return found == spenders_.end() ? nullptr : found->second;
}

std::optional<Coin> Mempool::find_coin(const OutPoint& point) const {
    const MempoolEntry* entry = find(point.txid);
    if (!entry || point.index >= entry->tx->outputs.size()) return std::nullopt;
    return Coin{entry->tx->outputs[point.index], std::numeric_limits<int32_t>::max(), false};
}

std::vector<const MempoolEntry*> Mempool::in_mining_order() const {
    std::vector<const MempoolEntry*> order;
    order.reserve(entries_.size());
    std::unordered_set<const MempoolEntry*> placed;
    std::vector<const MempoolEntry*> path;
    for (const MempoolEntry* next : by_feerate_) {
        // Depth first through what it depends on and that isn't placed yet.
        path.assign(1, next);
        while (!path.empty()) {
            const MempoolEntry* entry = path.back();
            const size_t depth = path.size();
            if (!placed.contains(entry))
                for (const MempoolEntry* parent : parents(*entry))
                    if (!placed.contains(parent)) path.push_back(parent);
            if (path.size() > depth) continue;
            path.pop_back();
            if (placed.insert(entry).second) order.push_back(entry);
        }
    }
    return order;
}

std::vector<const MempoolEntry*> Mempool::parents(const MempoolEntry& entry) const {
    std::vector<const MempoolEntry*> found;
    for (const TxIn& in : entry.tx->inputs) {
        const MempoolEntry* parent = find(in.prevout.txid);
        if (parent && std::ranges::find(found, parent) == found.end()) found.push_back(parent);
    }
    return found;
}

std::vector<const MempoolEntry*> Mempool::children(const MempoolEntry& entry) const {
    std::vector<const MempoolEntry*> found;
    for (uint32_t i = 0; i < entry.tx->outputs.size(); ++i) {
        const MempoolEntry* child = spender({entry.tx->txid, i});
        if (child && std::ranges::find(found, child) == found.end()) found.push_back(child);
    }
    return found;
}

namespace {

/// All that `next` leads to from `entry`, itself left out, nearest first.
template <class Next>
std::vector<const MempoolEntry*> closure(const MempoolEntry& entry, const Next& next) {
    std::vector<const MempoolEntry*> found{&entry};
    std::unordered_set<const MempoolEntry*> seen{&entry};
    for (size_t i = 0; i < found.size(); ++i)
        for (const MempoolEntry* other : next(*found[i]))
            if (seen.insert(other).second) found.push_back(other);
    found.erase(found.begin());
    return found;
}

} // namespace

std::vector<const MempoolEntry*> Mempool::ancestors(const MempoolEntry& entry) const {
    return closure(entry, [this](const MempoolEntry& each) { return parents(each); });
}

std::vector<const MempoolEntry*> Mempool::descendants(const MempoolEntry& entry) const {
    return closure(entry, [this](const MempoolEntry& each) { return children(each); });
}

Amount Mempool::priority(const Txid& txid) const {
    const auto found = priorities_.find(txid);
    return found == priorities_.end() ? Amount(0) : found->second;
}

size_t Mempool::memory_bytes() const {
    return heap_bytes_;
}

const MempoolEntry* Mempool::cheapest_leaf() const {
    for (auto it = by_feerate_.rbegin(); it != by_feerate_.rend(); ++it)
        if (children(**it).empty()) return *it;
    return nullptr;
}

const MempoolEntry* Mempool::oldest() const {
    return by_age_.empty() ? nullptr : *by_age_.begin();
}

const MempoolEntry& Mempool::add(MempoolEntry entry) {
    const TransactionRef tx = entry.tx;
    entry.sequence = ++sequence_;
    entry.modified_fee = entry.fee;
    entry.modified_fee += priority(tx->txid);
    const auto [at, is_new] = entries_.emplace(tx->txid, std::move(entry));
    assert(is_new);
    const MempoolEntry& added = at->second;
    by_wtxid_.emplace(tx->wtxid, &added);
    for (const TxIn& in : tx->inputs) {
        const bool unspent = spenders_.emplace(in.prevout, &added).second;
        assert(unspent);
    }
    by_feerate_.insert(&added);
    by_age_.insert(&added);
    total_vsize_ += added.vsize;
    total_fee_ += added.fee;
    heap_bytes_ += entry_bytes(*tx);
    return added;
}

void Mempool::remove(const Txid& txid) {
    const auto found = entries_.find(txid);
    assert(found != entries_.end());
    const MempoolEntry& entry = found->second;
    const TransactionRef tx = entry.tx;
    by_feerate_.erase(&entry);
    by_age_.erase(&entry);
    by_wtxid_.erase(tx->wtxid);
    for (const TxIn& in : tx->inputs) spenders_.erase(in.prevout);
    total_vsize_ -= entry.vsize;
    total_fee_ -= entry.fee;
    heap_bytes_ -= entry_bytes(*tx);
    ++sequence_;
    entries_.erase(found);
}

std::vector<TransactionRef> Mempool::remove_with_descendants(const Txid& txid) {
    const MempoolEntry* entry = find(txid);
    if (!entry) return {};
    std::vector<TransactionRef> removed{entry->tx};
    for (const MempoolEntry* each : descendants(*entry)) removed.push_back(each->tx);
    for (const TransactionRef& tx : removed) remove(tx->txid);
    return removed;
}

void Mempool::prioritise(const Txid& txid, Amount delta) {
    Amount& sum = priorities_[txid];
    const auto bounded = [](Amount amount) {
        return std::clamp(amount, -consensus::MAX_MONEY, consensus::MAX_MONEY);
    };
    const Amount now = sum = bounded(sum + bounded(delta));
    if (now == Amount(0)) priorities_.erase(txid);
    const auto found = entries_.find(txid);
    if (found == entries_.end()) return;
    MempoolEntry& entry = found->second;
    by_feerate_.erase(&entry);
    entry.modified_fee = entry.fee + now;
    by_feerate_.insert(&entry);
    ++sequence_;
}

} // namespace cairn::chain
