// SPDX-License-Identifier: MIT
#include "chain/mempool.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

namespace cairn::chain {

using consensus::Coin;
using consensus::SealedTransaction;
using consensus::TxIn;

namespace {

/// Call `visit` with a few of `items` after the other: about as many as a processor can wait for
/// the memory of at the same time.
template <class Item, class Visit>
void in_parts(std::span<Item> items, const Visit& visit) {
    constexpr size_t AT_ONCE = 16;
    for (; !items.empty(); items = items.subspan(std::min(AT_ONCE, items.size())))
        visit(items.first(std::min(AT_ONCE, items.size())));
}

/// What an entry takes: the transaction, its scripts, and its places in the tables here.
size_t entry_bytes(const MempoolEntry& entry) {
    const SealedTransaction& tx = *entry.tx;
    constexpr size_t OVERHEAD = 64; // the allocator's: for these two, inputs and outputs
    size_t bytes = sizeof(SealedTransaction) + sizeof(MempoolEntry) + OVERHEAD +
                   (2 + tx.inputs.size()) * Mempool::Index::MOST_BYTES_EACH +
                   entry.spent_scripts.heap_bytes();
    bytes += tx.inputs.capacity() * sizeof(TxIn);
    bytes += tx.outputs.capacity() * sizeof(consensus::TxOut);
    for (const TxIn& in : tx.inputs) bytes += in.script_sig.heap_bytes() + in.witness.heap_bytes();
    for (const consensus::TxOut& out : tx.outputs) bytes += out.script_pubkey.heap_bytes();
    return bytes;
}

} // namespace

SpentScripts pack_scripts(std::span<const Coin> coins) {
    consensus::Bytes bytes;
    consensus::Writer writer(bytes);
    for (const Coin& coin : coins) writer(coin.out.script_pubkey);
    return SpentScripts(bytes);
}

std::vector<consensus::Script> unpack_scripts(const SpentScripts& scripts) {
    std::vector<consensus::Script> unpacked;
    for (consensus::Reader reader(scripts); !reader.at_end();)
        unpacked.push_back(reader.read<consensus::Script>());
    return unpacked;
}

bool BetterChunk::operator()(const MempoolEntry& a, const MempoolEntry& b) const {
    const auto order = compare_feerates(a.place.cost, b.place.cost);
    if (order != 0) return order > 0;
    if (a.place.cluster != b.place.cluster)
        return a.place.cluster->sequence < b.place.cluster->sequence;
    return a.place.position < b.place.position;
}

bool Older::operator()(const MempoolEntry& a, const MempoolEntry& b) const {
    return a.time != b.time ? a.time < b.time : a.sequence < b.sequence;
}

Mempool::Mempool(consensus::OutPointHasher salt, int max_splits)
    : max_splits_(max_splits),
      salt_(salt) {}

Mempool::~Mempool() {
    chunks_.clear();
    by_age_.clear_and_dispose(std::default_delete<MempoolEntry>());
}

const MempoolEntry* Mempool::find(const Txid& txid) const {
    return by_txid_.find(
        hash_of(txid), [&](const MempoolEntry* entry) { return entry->tx->txid == txid; });
}

const MempoolEntry* Mempool::find(const Wtxid& wtxid) const {
    return by_wtxid_.find(
        hash_of(wtxid), [&](const MempoolEntry* entry) { return entry->tx->wtxid == wtxid; });
}

const MempoolEntry* Mempool::spender(const OutPoint& point) const {
    return spenders_.find(hash_of(point), [&](const MempoolEntry* entry) {
        return std::ranges::find(entry->tx->inputs, point, &TxIn::prevout) !=
               entry->tx->inputs.end();
    });
}

std::optional<Coin> Mempool::find_coin(const OutPoint& point) const {
    const MempoolEntry* entry = find(point.txid);
    if (!entry || point.index >= entry->tx->outputs.size()) return std::nullopt;
    return Coin{entry->tx->outputs[point.index], std::numeric_limits<int32_t>::max(), false};
}

Mempool::Entries Mempool::cluster(const MempoolEntry& entry) {
    Entries cluster;
    for (const MempoolEntry* each = entry.place.cluster; each; each = each->place.next)
        cluster.push_back(each);
    return cluster;
}

Mempool::Entries Mempool::chunk(const MempoolEntry& entry) {
    Entries chunk;
    const MempoolEntry* first = entry.place.chunk;
    for (const MempoolEntry* each = first; each && each->place.chunk == first;
         each = each->place.next)
        chunk.push_back(each);
    return chunk;
}

void Mempool::visit_chunks(const std::function<bool(const Entries&)>& visitor) const {
    for (const MempoolEntry& first : chunks_)
        if (!visitor(chunk(first))) return;
}

Mempool::Entries Mempool::worst_chunk() const {
    return chunks_.empty() ? Entries() : chunk(*chunks_.rbegin());
}

Mempool::Entries Mempool::in_mining_order() const {
    Entries order;
    order.reserve(size());
    visit_chunks([&](const Entries& chunk) {
        order.insert(order.end(), chunk.begin(), chunk.end());
        return true;
    });
    return order;
}

Mempool::Entries Mempool::parents(const MempoolEntry& entry) const {
    Entries found;
    for (const TxIn& in : entry.tx->inputs) {
        const MempoolEntry* parent = find(in.prevout.txid);
        if (parent && std::ranges::find(found, parent) == found.end()) found.push_back(parent);
    }
    return found;
}

Mempool::Entries Mempool::children(const MempoolEntry& entry) const {
    Entries found;
    for (uint32_t i = 0; i < entry.tx->outputs.size(); ++i) {
        if (is_unspendable(entry.tx->outputs[i].script_pubkey)) continue; // there may be thousands
        const MempoolEntry* child = spender({entry.tx->txid, i});
        if (child && std::ranges::find(found, child) == found.end()) found.push_back(child);
    }
    return found;
}

namespace {

/// `found`, each once, and all that `next` leads to from them, nearest first. Each is looked at
/// once, however many lead to it.
template <class Next>
Mempool::Entries closure(Mempool::Entries found, const Next& next) {
    std::unordered_set<const MempoolEntry*> seen;
    std::erase_if(found, [&](const MempoolEntry* each) { return !seen.insert(each).second; });
    for (size_t i = 0; i < found.size(); ++i)
        for (const MempoolEntry* other : next(*found[i]))
            if (seen.insert(other).second) found.push_back(other);
    return found;
}

} // namespace

Mempool::Entries Mempool::ancestors(const MempoolEntry& entry) const {
    Entries found = closure({&entry}, [this](const MempoolEntry& each) { return parents(each); });
    found.erase(found.begin());
    return found;
}

Mempool::Entries Mempool::descendants(const MempoolEntry& entry) const {
    Entries found = with_descendants({&entry});
    found.erase(found.begin());
    return found;
}

Mempool::Entries Mempool::with_descendants(const Entries& entries) const {
    return closure(entries, [this](const MempoolEntry& each) { return children(each); });
}

namespace {

/// For each of `entries` the numbers of those among them that it spends from.
std::vector<std::vector<size_t>> dependencies_of(const Mempool::Entries& entries) {
    std::vector<std::vector<size_t>> parents(entries.size());
    if (entries.size() < 2) return parents;
    std::unordered_map<Txid, size_t, consensus::BlockHasher> numbers;
    for (size_t i = 0; i < entries.size(); ++i) numbers[entries[i]->tx->txid] = i;
    for (size_t i = 0; i < entries.size(); ++i)
        for (const TxIn& in : entries[i]->tx->inputs)
            if (const auto found = numbers.find(in.prevout.txid); found != numbers.end())
                parents[i].push_back(found->second);
    return parents;
}

} // namespace

Mempool::Effort Mempool::effort_for_a_change() const {
    constexpr int64_t HARDEST_CLUSTERS = 5;
    return {HARDEST_CLUSTERS * max_splits_ * static_cast<int64_t>(MAX_LINEARIZED)};
}

Linearization Mempool::linearization_of(const Entries& cluster, int max_splits, Effort& effort) {
    assert(cluster.size() <= MAX_LINEARIZED);
    std::vector<ClusterNode> nodes;
    for (const MempoolEntry* entry : cluster) nodes.push_back({entry->cost(), 0, entry->sequence});
    const std::vector<std::vector<size_t>> parents = dependencies_of(cluster);
    for (size_t i = 0; i < nodes.size(); ++i)
        for (const size_t parent : parents[i]) nodes[i].parents |= TxSet{1} << parent;
    const auto count = static_cast<int64_t>(nodes.size());
    const int64_t splits = std::min<int64_t>(max_splits, effort.work / count);
    Linearization made = linearize(nodes, static_cast<int>(splits));
    effort.work -= made.splits * count;
    return made;
}

namespace {

/// Which of some numbers hang together: trees, whose roots stand for the groups.
class Groups {
public:
    explicit Groups(size_t count) : above_(count) {
        std::iota(above_.begin(), above_.end(), size_t{0});
    }

    size_t leader_of(size_t i) {
        while (above_[i] != i) i = above_[i] = above_[above_[i]];
        return i;
    }

    void tie(size_t i, size_t to) { above_[leader_of(i)] = leader_of(to); }

private:
    std::vector<size_t> above_;
};

/// `entries` in groups that don't hang together, each in the order it has there; the smallest
/// first.
std::vector<Mempool::Entries> groups_of(const Mempool::Entries& entries) {
    const std::vector<std::vector<size_t>> parents = dependencies_of(entries);
    Groups groups(entries.size());
    for (size_t i = 0; i < entries.size(); ++i)
        for (const size_t parent : parents[i]) groups.tie(i, parent);
    std::vector<Mempool::Entries> made(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) made[groups.leader_of(i)].push_back(entries[i]);
    std::erase_if(made, [](const Mempool::Entries& group) { return group.empty(); });
    std::ranges::stable_sort(made, {}, &Mempool::Entries::size);
    return made;
}

/// How much hangs together.
struct ClusterSize {
    size_t count = 0;
    int64_t weight = 0;

    ClusterSize& operator+=(const ClusterSize& other) {
        count += other.count;
        weight += other.weight;
        return *this;
    }

    bool within(const ClusterSize& limit) const {
        return count <= limit.count && weight <= limit.weight;
    }
};

/// Of `entries` what is left when, best first, those have stayed that fit with what they spend
/// from. An entry is worth what its chunk was, before all of them came together.
Mempool::Entries left_over(const Mempool::Entries& entries, const ClusterSize& limit) {
    const std::vector<std::vector<size_t>> parents = dependencies_of(entries);
    std::vector<std::vector<size_t>> children(entries.size());
    std::vector<size_t> missing(entries.size()); // of the parents
    const auto better = [&](size_t a, size_t b) {
        const auto worth = [&](size_t i) {
            const MempoolEntry& entry = *entries[i];
            return entry.place.chunk ? entry.place.cost : entry.cost();
        };
        auto order = compare_feerates(worth(a), worth(b));
        if (order == 0) order = compare_feerates(entries[a]->cost(), entries[b]->cost());
        return order != 0 ? order > 0 : a < b;
    };
    std::set<size_t, decltype(better)> next(better);
    for (size_t i = 0; i < entries.size(); ++i) {
        for (const size_t parent : parents[i]) children[parent].push_back(i);
        missing[i] = parents[i].size();
        if (missing[i] == 0) next.insert(i);
    }
    Groups groups(entries.size());
    std::vector<ClusterSize> sizes(entries.size()); // by the leader
    std::vector<bool> stays(entries.size());
    while (!next.empty()) {
        const size_t i = next.extract(next.begin()).value();
        ClusterSize size{1, entries[i]->weight};
        std::set<size_t> near;
        for (const size_t parent : parents[i])
            if (near.insert(groups.leader_of(parent)).second)
                size += sizes[groups.leader_of(parent)];
        if (!size.within(limit)) continue; // nor does what depends on it
        stays[i] = true;
        for (const size_t leader : near) groups.tie(leader, i);
        sizes[groups.leader_of(i)] = size;
        for (const size_t child : children[i])
            if (--missing[child] == 0) next.insert(child);
    }
    Mempool::Entries left;
    for (size_t i = 0; i < entries.size(); ++i)
        if (!stays[i]) left.push_back(entries[i]);
    return left;
}

} // namespace

Mempool::Entries Mempool::clusters_touched(const MempoolChange& change) const {
    Entries clusters;
    for (const MempoolEntry* entry : change.removed) clusters.push_back(entry->place.cluster);
    for (const MempoolEntry* entry : change.added)
        for (const Entries& near : {parents(*entry), children(*entry)})
            for (const MempoolEntry* each : near) clusters.push_back(each->place.cluster);
    std::ranges::sort(clusters, {}, [](const MempoolEntry* first) { return first->sequence; });
    clusters.erase(std::unique(clusters.begin(), clusters.end()), clusters.end());
    return clusters;
}

std::vector<Mempool::Entries> Mempool::clusters_after(const MempoolChange& change) const {
    const std::unordered_set<const MempoolEntry*> gone(
        change.removed.begin(), change.removed.end());
    Entries all;
    for (const MempoolEntry* first : clusters_touched(change))
        for (const MempoolEntry* entry : cluster(*first))
            if (!gone.contains(entry)) all.push_back(entry);
    all.insert(all.end(), change.added.begin(), change.added.end());
    return groups_of(all);
}

Mempool::Entries
Mempool::excess(const std::vector<Entries>& clusters, size_t count, int64_t weight) {
    Entries all;
    for (const Entries& cluster : clusters) {
        ClusterSize size;
        for (const MempoolEntry* entry : cluster) size += {1, entry->weight};
        if (size.within({count, weight})) continue;
        const Entries left = left_over(cluster, {count, weight});
        all.insert(all.end(), left.begin(), left.end());
    }
    return all;
}

bool Mempool::improves(
    const MempoolChange& change, const std::vector<Entries>& after, Effort& effort) const {
    std::vector<FeeSize> now;
    for (const MempoolEntry* first : clusters_touched(change))
        for (const MempoolEntry* entry : cluster(*first))
            if (entry->place.chunk == entry) now.push_back(entry->place.cost);
    std::vector<FeeSize> then;
    for (const Entries& cluster : after) {
        const Linearization best = linearization_of(cluster, max_splits_, effort);
        for (const Chunk& chunk : best.chunks) then.push_back(chunk.cost);
    }
    return compare_diagrams(then, now) > 0;
}

void Mempool::lift(const MempoolEntry& entry) {
    const MempoolEntry* first = entry.place.cluster;
    unproven_.erase(first);
    for (const MempoolEntry* each = first; each; each = each->place.next)
        if (each->place.chunk == each) chunks_.erase(chunks_.iterator_to(*each));
}

void Mempool::settle(const Entries& cluster, int max_splits, Effort& effort) {
    const Linearization best = linearization_of(cluster, max_splits, effort);
    const MempoolEntry* first = cluster[best.order[0]];
    if (!best.optimal) unproven_.insert(first);
    uint8_t at = 0;
    for (const Chunk& chunk : best.chunks) {
        const MempoolEntry* chunk_first = cluster[best.order[at]];
        for (size_t i = 0; i < chunk.count; ++i, ++at) {
            const bool last = size_t{at} + 1 == best.order.size();
            const MempoolEntry* next = last ? nullptr : cluster[best.order[at + 1U]];
            cluster[best.order[at]]->place = {first, chunk_first, next, chunk.cost, at};
        }
        chunks_.insert(const_cast<MempoolEntry&>(*chunk_first)); // one of ours
    }
}

Amount Mempool::priority(const Txid& txid) const {
    const auto found = priorities_.find(txid);
    return found == priorities_.end() ? Amount(0) : found->second;
}

size_t Mempool::memory_bytes() const {
    return heap_bytes_;
}

const MempoolEntry* Mempool::oldest() const {
    return by_age_.empty() ? nullptr : &*by_age_.begin();
}

Mempool::Entries Mempool::younger_than(const MempoolEntry* last, size_t count) const {
    Entries entries;
    auto at = last == nullptr ? by_age_.begin() : by_age_.upper_bound(*last);
    for (; at != by_age_.end() && entries.size() < count; ++at) entries.push_back(&*at);
    return entries;
}

const MempoolEntry& Mempool::add(MempoolEntry entry) {
    const TransactionRef tx = entry.tx;
    const MempoolChange change{.added = {&entry}, .removed = {}};
    Entries cluster; // its own, and those it ties to it
    for (const MempoolEntry* first : clusters_touched(change)) {
        for (const MempoolEntry* each : Mempool::cluster(*first)) cluster.push_back(each);
        lift(*first);
    }
    entry.sequence = ++sequence_;
    entry.modified_fee = entry.fee;
    entry.modified_fee += priority(tx->txid);
    entry.heap_bytes = entry_bytes(entry);
    assert(!find(tx->txid));
    MempoolEntry& added = *std::make_unique<MempoolEntry>(std::move(entry)).release();
    by_txid_.insert(hash_of(tx->txid), &added);
    by_wtxid_.insert(hash_of(tx->wtxid), &added);
    for (const TxIn& in : tx->inputs) {
        assert(!spender(in.prevout));
        spenders_.insert(hash_of(in.prevout), &added);
    }
    by_age_.insert(by_age_.end(), added); // where it belongs, mostly
    total_vsize_ += added.vsize();
    total_fee_ += added.fee;
    heap_bytes_ += added.heap_bytes;
    cluster.push_back(&added);
    Effort effort = effort_for_a_change();
    settle(cluster, max_splits_, effort);
    return added;
}

void Mempool::look_up(const consensus::Block& block, BlockImpact& impact, size_t count) const {
    if (impact.sequence != sequence_) {
        impact.looked_up = 0;
        impact.confirmed.clear();
        impact.hashes.clear();
        impact.conflicts.clear();
        impact.sequence = sequence_;
    }
    const auto rest = std::span(block.transactions).subspan(impact.looked_up);
    impact.looked_up += std::min(count, rest.size());
    in_parts(rest.first(std::min(count, rest.size())), [&](const auto& part) {
        prefetch(part);
        for (const SealedTransaction& tx : part) {
            const MempoolEntry* entry = find(tx.txid);
            const bool same = entry && entry->tx->wtxid == tx.wtxid;
            if (const auto at = static_cast<size_t>(&tx - block.transactions.data());
                same && at < impact.verified.size())
                impact.verified[at] = true;
            if (entry) {
                impact.confirmed.push_back(entry);
                add_hashes(same ? tx : *entry->tx, impact.hashes);
                continue;
            }
            for (const TxIn& in : tx.inputs)
                if (const MempoolEntry* conflict = spender(in.prevout))
                    impact.conflicts.push_back(conflict);
        }
    });
}

void Mempool::prefetch(std::span<const SealedTransaction> wanted) const {
    std::vector<uint32_t> hashes;
    for (const SealedTransaction& tx : wanted)
        by_txid_.prefetch(hashes.emplace_back(hash_of(tx.txid)));
    for (const uint32_t hash : hashes) __builtin_prefetch(by_txid_.likely(hash));
    for (const uint32_t hash : hashes) {
        const MempoolEntry* likely = by_txid_.likely(hash);
        if (!likely) continue;
        __builtin_prefetch(&likely->tx->txid);
        __builtin_prefetch(&likely->place); // remove() will need these
        __builtin_prefetch(&likely->in_age_order);
    }
}

void Mempool::add_hashes(const SealedTransaction& tx, std::vector<uint32_t>& hashes) const {
    hashes.push_back(hash_of(tx.txid));
    hashes.push_back(hash_of(tx.wtxid));
    for (const TxIn& in : tx.inputs) hashes.push_back(hash_of(in.prevout));
}

void Mempool::drop(
    std::span<const MempoolEntry* const> entries, std::span<const uint32_t>& hashes) {
    const auto visit = [&](const auto& slot) {
        size_t at = 0;
        for (const MempoolEntry* entry : entries) {
            slot(by_txid_, hashes[at++], entry);
            slot(by_wtxid_, hashes[at++], entry);
            for (size_t i = 0; i < entry->tx->inputs.size(); ++i)
                slot(spenders_, hashes[at++], entry);
        }
        return at;
    };
    visit([](Index& index, uint32_t hash, const MempoolEntry*) { index.prefetch(hash); });
    hashes = hashes.subspan(visit(
        [](Index& index, uint32_t hash, const MempoolEntry* entry) { index.erase(hash, entry); }));
}

void Mempool::remove(const Entries& entries, Effort& effort) {
    std::vector<uint32_t> hashes;
    for (const MempoolEntry* entry : entries) add_hashes(*entry->tx, hashes);
    remove(entries, hashes, effort);
}

void Mempool::remove(const Entries& entries, std::span<const uint32_t> hashes, Effort& effort) {
    MempoolChange change; // of clusters of which something may stay
    for (const MempoolEntry* entry : entries) {
        const MempoolEntry::Place& place = entry->place;
        if (place.cluster == entry && !place.next)
            lift(*entry);
        else
            change.removed.push_back(entry);
    }
    const std::vector<Entries> remaining = clusters_after(change);
    for (const MempoolEntry* first : clusters_touched(change)) lift(*first);
    in_parts(std::span(entries), [&](const auto& part) { drop(part, hashes); });
    for (const MempoolEntry* entry : entries) {
        total_vsize_ -= entry->vsize();
        total_fee_ -= entry->fee;
        heap_bytes_ -= entry->heap_bytes;
        ++sequence_;
        by_age_.erase_and_dispose(by_age_.iterator_to(*entry), std::default_delete<MempoolEntry>());
    }
    for (const Entries& cluster : remaining) settle(cluster, max_splits_, effort);
}

void Mempool::go_on() {
    constexpr int LONGER = 2;   // for all; for one of them ten times as long as when it changed
    constexpr int LOADING = 16; // splits take as long as to load a cluster
    Effort effort = effort_for_a_change();
    effort.work *= LONGER;
    const auto enough = static_cast<int64_t>(MAX_LINEARIZED);
    for (size_t left = unproven_.size(); left > 0 && effort.work >= enough; --left) {
        const auto next = unproven_.upper_bound(went_on_); // each in its turn
        went_on_ = next != unproven_.end() ? *next : *unproven_.begin();
        const Entries all = cluster(*went_on_);
        lift(*went_on_);
        settle(all, std::numeric_limits<int>::max(), effort);
        effort.work -= LOADING * static_cast<int64_t>(all.size());
    }
}

void Mempool::prioritise(const Txid& txid, Amount delta) {
    Amount& sum = priorities_[txid];
    const auto bounded = [](Amount amount) {
        return std::clamp(amount, -consensus::MAX_MONEY, consensus::MAX_MONEY);
    };
    const Amount now = sum = bounded(sum + bounded(delta));
    if (now == Amount(0)) priorities_.erase(txid);
    const MempoolEntry* found = find(txid);
    if (!found) return;
    auto& entry = const_cast<MempoolEntry&>(*found); // one of ours
    const Entries all = cluster(entry);
    lift(entry);
    entry.modified_fee = entry.fee + now;
    Effort effort = effort_for_a_change();
    settle(all, max_splits_, effort);
    ++sequence_;
}

} // namespace cairn::chain
