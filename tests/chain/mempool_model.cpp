// SPDX-License-Identifier: MIT
#include "tests/chain/mempool_model.h"

#include <cmath>

namespace cairn::tests {

using consensus::TxIn;

namespace {

void sort_best_first(Parts& parts) {
    std::ranges::stable_sort(
        parts, [](const Part& a, const Part& b) { return compare_feerates(a.cost, b.cost) > 0; });
}

/// What the best `size` of them pay, the last in part.
long double fee_at(const Parts& parts, int64_t size) {
    long double fee = 0;
    for (const Part& part : parts) {
        const int64_t taken = std::min(size, part.cost.size);
        fee += static_cast<long double>(part.cost.fee) * static_cast<long double>(taken) /
               static_cast<long double>(part.cost.size);
        size -= taken;
    }
    return fee;
}

bool is_better(Parts now, Parts before) {
    sort_best_first(now);
    sort_best_first(before);
    bool better = false;
    for (const Parts& parts : {now, before}) {
        int64_t size = 0;
        for (const Part& part : parts) {
            size += part.cost.size;
            const long double more = fee_at(now, size) - fee_at(before, size);
            if (more < -1e-6) return false;
            better = better || more > 1e-6;
        }
    }
    return better;
}

} // namespace

size_t Model::bytes() const {
    size_t sum = 0;
    for (const auto& [txid, waiting] : pool) sum += waiting.bytes;
    return sum;
}

FeeRate Model::least(double error) const {
    const ChainOptions& options = test_.options();
    if (price_ == 0) return options.min_relay_feerate;
    return std::max(
        {options.min_relay_feerate, options.incremental_feerate,
         FeeRate{static_cast<int64_t>(price_ + error)}});
}

void Model::pass(int64_t seconds) {
    if (!fades_ || price_ == 0) return;
    const size_t room = test_.options().max_mempool_bytes;
    const double half_life = bytes() < room / 4 ? 10'800 : bytes() < room / 2 ? 21'600 : 43'200;
    price_ *= std::exp2(-static_cast<double>(seconds) / half_life);
    if (price_ >= static_cast<double>(test_.options().incremental_feerate.per_kvb.value) / 2)
        return;
    price_ = 0;
    ++forgotten;
}

Model::Refusal Model::accept(const std::vector<TransactionRef>& txs, bool from_block) {
    const auto kept = pool;
    const Parts worth = from_block ? order() : Parts();
    const Refusal refusal = weigh(txs, from_block);
    if (refusal == Refusal::None && from_block) trim(txs[0]->txid, worth);
    if (refusal == Refusal::None && pool.contains(txs[0]->txid)) return refusal;
    pool = kept;
    return refusal == Refusal::None ? Refusal::Other : refusal;
}

void Model::accept_package(const std::vector<TransactionRef>& txs) {
    std::vector<TransactionRef> rest;
    for (const TransactionRef& tx : txs) {
        if (pool.contains(tx->txid)) continue;
        const Refusal refusal = accept({tx}, false);
        if (refusal == Refusal::Other) return;
        if (refusal != Refusal::None) rest.push_back(tx);
    }
    if (rest.size() > 1) accept(rest, false);
}

void Model::confirm(const Block& block) {
    fades_ = true;
    for (const auto& tx : block.transactions) {
        deltas.erase(tx.txid);
        if (pool.erase(tx.txid) > 0) continue;
        Txids conflicts;
        for (const auto& [txid, waiting] : pool)
            for (const TxIn& theirs : waiting.tx->inputs)
                for (const TxIn& ours : tx.inputs)
                    if (theirs.prevout == ours.prevout) conflicts.insert(txid);
        erase(with_descendants(conflicts));
    }
}

void Model::bring_back(const std::vector<BlockRef>& blocks) {
    for (const BlockRef& block : blocks)
        for (const auto& tx : block->transactions) {
            if (pool.contains(tx.txid)) continue;
            if (!tx.is_coinbase() &&
                accept({std::make_shared<const consensus::SealedTransaction>(tx)}, true) ==
                    Refusal::None)
                continue;
            erase(descendants(tx.txid));
        }
    Txids stale;
    for (const auto& [txid, waiting] : pool)
        for (const TxIn& in : waiting.tx->inputs)
            if (!value_of(in.prevout)) stale.insert(txid);
    erase(with_descendants(stale));
}

void Model::expire() {
    Txids old;
    for (const auto& [txid, waiting] : pool)
        if (waiting.time < test_.now - EXPIRY_SECONDS) old.insert(txid);
    erase(with_descendants(old));
}

void Model::evict() {
    for (; bytes() > test_.options().max_mempool_bytes; ++evictions) {
        const Part worst = order().back();
        const double asked = static_cast<double>(
            FeeRate::of(worst.cost.fee, virtual_size(worst.cost.size)).per_kvb.value +
            test_.options().incremental_feerate.per_kvb.value);
        if (asked > price_) {
            price_ = asked;
            fades_ = false;
        }
        erase(worst.txids);
    }
}

Parts Model::order() const {
    Txids all;
    for (const auto& [txid, waiting] : pool) all.insert(txid);
    Parts parts = parts_of(all);
    sort_best_first(parts);
    return parts;
}

Model::Refusal Model::weigh(const std::vector<TransactionRef>& txs, bool from_block) {
    Txids ours;
    Txids conflicts;
    int64_t fees = 0;
    int64_t vsize = 0;
    bool has_parents = false; // that wait
    std::map<Txid, Waiting> come;
    for (const TransactionRef& tx : txs) {
        if (pool.contains(tx->txid)) return Refusal::Other;
        int64_t fee = 0;
        for (const TxIn& in : tx->inputs) {
            const auto parent = come.find(in.prevout.txid);
            const std::optional<int64_t> value =
                parent == come.end() ? value_of(in.prevout)
                                     : parent->second.tx->outputs.at(in.prevout.index).value.value;
            if (!value) return Refusal::Missing;
            fee += *value;
            has_parents = has_parents || pool.contains(in.prevout.txid);
            for (const auto& [txid, waiting] : pool)
                for (const TxIn& theirs : waiting.tx->inputs)
                    if (theirs.prevout == in.prevout) conflicts.insert(txid);
        }
        for (const TxOut& out : tx->outputs) fee -= out.value.value;
        if (fee < 0) return Refusal::Other;
        come[tx->txid] = {tx, fee, test_.now.load(), bytes_of(tx)};
        ours.insert(tx->txid);
        fees += fee + delta(tx->txid);
        vsize += tx->vsize();
    }
    if (!from_block && fees < least().fee(vsize).value) return Refusal::Cheap;

    const Txids replaced = with_descendants(conflicts);
    int64_t old_fees = 0;
    for (const Txid& txid : replaced) old_fees += modified_fee(txid);
    if (txs.size() > 1 && !replaced.empty() && has_parents) return Refusal::Other;
    for (const TransactionRef& tx : txs)
        for (const TxIn& in : tx->inputs)
            if (replaced.contains(in.prevout.txid)) return Refusal::Other;
    const int64_t relay = test_.options().incremental_feerate.fee(vsize).value;
    if (!replaced.empty() && fees - old_fees < relay) return Refusal::Cheap;
    if (!replaced.empty() && txs.size() > 1) {
        const int64_t parent_fee = come.at(txs[0]->txid).fee + delta(txs[0]->txid);
        if (FeeRate::of(fees, vsize) <= FeeRate::of(parent_fee, txs[0]->vsize()))
            return Refusal::Other;
    }

    Txids touched = conflicts;
    for (const TransactionRef& tx : txs)
        for (const TxIn& in : tx->inputs)
            if (pool.contains(in.prevout.txid)) touched.insert(in.prevout.txid);
    Txids around; // all that hangs together with what is touched
    for (const Txid& txid : touched) around.merge(cluster(txid));
    const Parts before = parts_of(around);
    for (const Txid& txid : replaced) {
        pool.erase(txid);
        around.erase(txid);
    }
    pool.insert(come.begin(), come.end());
    if (from_block) return Refusal::None;
    for (const Txid& txid : ours) {
        if (cluster(txid).size() > MAX_CLUSTER) return Refusal::Other;
        around.merge(cluster(txid));
    }
    return replaced.empty() || is_better(parts_of(around), before) ? Refusal::None : Refusal::Cheap;
}

size_t Model::bytes_of(const TransactionRef& tx) {
    Mempool alone({1, 2});
    MempoolEntry entry;
    entry.tx = tx;
    entry.weight = tx->weight();
    // All coins here are of this script.
    const std::vector<Coin> coins(tx->inputs.size(), Coin{.out = {{}, anyone_script()}});
    entry.spent_scripts = pack_scripts(coins);
    alone.add(std::move(entry));
    return alone.memory_bytes();
}

int64_t Model::delta(const Txid& txid) const {
    const auto found = deltas.find(txid);
    return found == deltas.end() ? 0 : found->second;
}

std::optional<int64_t> Model::value_of(const OutPoint& point) const {
    if (const auto parent = pool.find(point.txid); parent != pool.end())
        return parent->second.tx->outputs.at(point.index).value.value;
    const auto coin = test_.chain().find_coin(point, false);
    const int32_t next = test_.tip().height.value + 1;
    if (!coin || (coin->coinbase && next - coin->height.value < MATURITY)) return std::nullopt;
    return coin->out.value.value;
}

void Model::erase(const Txids& txids) {
    for (const Txid& txid : txids) pool.erase(txid);
}

bool Model::spends(const Txid& child, const Txid& parent) const {
    return std::ranges::any_of(
        pool.at(child).tx->inputs, [&](const TxIn& in) { return in.prevout.txid == parent; });
}

void Model::trim(const Txid& came, const Parts& worth) {
    std::map<Txid, std::pair<FeeSize, FeeSize>> left; // chunk, and itself
    for (const Txid& txid : cluster(came)) {
        const FeeSize own{modified_fee(txid), pool.at(txid).tx->weight()};
        left[txid] = {own, own};
        for (const Part& part : worth)
            if (part.txids.contains(txid)) left[txid].first = part.cost;
    }
    if (left.size() <= MAX_CLUSTER) return;
    ++trims;
    const auto all = pool;
    for (const auto& [txid, price] : left) pool.erase(txid);
    const auto waits = [&](const Txid& txid) {
        return std::ranges::any_of(all.at(txid).tx->inputs, [&](const TxIn& in) {
            return all.contains(in.prevout.txid) && !pool.contains(in.prevout.txid);
        });
    };
    for (;;) {
        auto best = left.end();
        for (auto it = left.begin(); it != left.end(); ++it) {
            if (waits(it->first)) continue;
            if (best == left.end()) best = it;
            const auto chunks = compare_feerates(it->second.first, best->second.first);
            if (chunks > 0 ||
                (chunks == 0 && compare_feerates(it->second.second, best->second.second) > 0))
                best = it;
        }
        if (best == left.end()) return;
        pool[best->first] = all.at(best->first);
        if (cluster(best->first).size() > MAX_CLUSTER) pool.erase(best->first);
        left.erase(best);
    }
}

Txids Model::descendants(const Txid& txid) const {
    Txids found;
    for (const auto& [other, waiting] : pool)
        if (spends(other, txid) && found.insert(other).second)
            for (const Txid& further : descendants(other)) found.insert(further);
    return found;
}

Txids Model::with_descendants(const Txids& txids) const {
    Txids all = txids;
    for (const Txid& txid : txids) all.merge(descendants(txid));
    return all;
}

Txids Model::cluster(const Txid& txid) const {
    Txids found{txid};
    for (size_t before = 0; before != found.size();) {
        before = found.size();
        for (const auto& [other, waiting] : pool)
            for (const Txid& member : Txids(found))
                if (spends(other, member) || spends(member, other)) found.insert(other);
    }
    return found;
}

Parts Model::parts_of(Txids txids) const {
    Parts parts;
    while (!txids.empty()) {
        const Txids next = cluster(*txids.begin());
        for (const Txid& txid : next) txids.erase(txid);
        for (Part& part : parts_of_cluster({next.begin(), next.end()}))
            parts.push_back(std::move(part));
    }
    return parts;
}

Parts Model::parts_of_cluster(const std::vector<Txid>& members) const {
    std::vector<TxSet> parents(members.size());
    for (size_t i = 0; i < members.size(); ++i)
        for (size_t j = 0; j < members.size(); ++j)
            if (spends(members[i], members[j])) parents[i] |= TxSet{1} << j;
    Parts parts;
    const TxSet all = (TxSet{1} << members.size()) - 1;
    for (TxSet placed = 0; placed != all;) {
        Part best;
        TxSet chosen = 0;
        for (TxSet set = 1; set <= all; ++set) {
            if ((set & placed) != 0) continue;
            Part part;
            bool whole = true;
            for (size_t i = 0; i < members.size(); ++i) {
                if ((set >> i & 1) == 0) continue;
                part.cost += {modified_fee(members[i]), pool.at(members[i]).tx->weight()};
                part.txids.insert(members[i]);
                whole = whole && (parents[i] & ~(set | placed)) == 0;
            }
            if (!whole || (chosen != 0 && compare_feerates(part.cost, best.cost) <= 0)) continue;
            best = std::move(part);
            chosen = set;
        }
        parts.push_back(std::move(best));
        placed |= chosen;
    }
    return parts;
}
} // namespace cairn::tests
