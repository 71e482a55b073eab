// SPDX-License-Identifier: MIT
#include "tests/chain/mempool_model.h"

#include <cmath>

namespace cairn::tests {

using consensus::SealedTransaction;
using consensus::TxIn;

namespace {

void sort_best_first(Parts& parts) {
    std::ranges::stable_sort(parts, [](const Part& a, const Part& b) {
        const auto order = compare_feerates(a.cost, b.cost);
        return order != 0 ? order > 0 : a.cluster < b.cluster;
    });
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
    ++seen["forgotten"];
}

Model::Refusal Model::accept(const std::vector<TransactionRef>& txs, bool from_block) {
    const auto kept = pool;
    const Parts worth = from_block ? order() : Parts();
    const Refusal refusal = weigh(txs, from_block);
    if (refusal == Refusal::None && from_block) trim(txs[0]->txid, worth);
    if (refusal == Refusal::None && pool.contains(txs[0]->txid)) {
        if (!from_block) note(txs);
        return refusal;
    }
    pool = kept;
    return refusal == Refusal::None ? Refusal::Other : refusal;
}

void Model::note(const std::vector<TransactionRef>& txs) {
    for (const TransactionRef& tx : txs) {
        const bool has_parent = !ancestors(tx->txid).empty();
        if (tx->version == TRUC_VERSION) ++seen[has_parent ? "TRUC child" : "TRUC"];
        if (!dust_of(*tx).empty()) ++seen["dust spent at once"];
        const int64_t weight = weight_of(cluster(tx->txid));
        if (weight > MAX_CLUSTER_WEIGHT - 40) ++seen["heavy"];
    }
}

void Model::accept_package(const std::vector<TransactionRef>& txs) {
    std::vector<TransactionRef> rest;
    bool good = true;
    for (const TransactionRef& tx : txs) {
        if (pool.contains(tx->txid)) continue;
        const Refusal refusal = accept({tx}, false);
        good = good && refusal != Refusal::Other;
        if (refusal != Refusal::None) rest.push_back(tx);
    }
    if (good && rest.size() > 1) accept(rest, false);
}

void Model::confirm(const Block& block) {
    fades_ = true;
    Txids conflicts;
    for (const auto& tx : block.transactions) {
        deltas.erase(tx.txid);
        if (pool.erase(tx.txid) > 0) continue;
        for (const auto& [txid, waiting] : pool)
            for (const TxIn& theirs : waiting.tx->inputs)
                for (const TxIn& ours : tx.inputs)
                    if (theirs.prevout == ours.prevout) conflicts.insert(txid);
    }
    for (const Txid& txid : conflicts) deltas.erase(txid);
    erase(with_descendants(conflicts));
}

void Model::bring_back(const std::vector<BlockRef>& blocks) {
    for (const BlockRef& block : blocks)
        for (const auto& tx : block->transactions) {
            if (pool.contains(tx.txid) || is_confirmed(tx)) continue;
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
    for (; bytes() > test_.options().max_mempool_bytes; ++seen["evicted"]) {
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

Model::Refusal
Model::look_at(const TransactionRef& tx, std::map<Txid, Waiting>& come, Txids& conflicts) {
    if (pool.contains(tx->txid)) return Refusal::Other;
    int64_t fee = 0;
    for (const TxIn& in : tx->inputs) {
        const auto parent = come.find(in.prevout.txid);
        const std::optional<int64_t> value =
            parent == come.end() ? value_of(in.prevout)
                                 : parent->second.tx->outputs.at(in.prevout.index).value.value;
        if (!value) return Refusal::Missing;
        fee += *value;
        for (const auto& [txid, waiting] : pool)
            for (const TxIn& theirs : waiting.tx->inputs)
                if (theirs.prevout == in.prevout) conflicts.insert(txid);
    }
    for (const TxOut& out : tx->outputs) fee -= out.value.value;
    if (fee < 0) return Refusal::Other;
    const size_t dust = dust_of(*tx).size();
    const bool free = fee == 0 && delta(tx->txid) == 0;
    if (dust > 1 || (dust == 1 && !free)) {
        ++seen[dust > 1 ? "two dusts" : "dust with a fee"];
        return Refusal::Other;
    }
    come[tx->txid] = {tx, fee, test_.now.load(), bytes_of(tx), ++count_};
    return Refusal::None;
}

Model::Refusal Model::weigh(const std::vector<TransactionRef>& txs, bool from_block) {
    Txids conflicts;
    std::map<Txid, Waiting> come;
    for (const TransactionRef& tx : txs) {
        const Refusal refusal = look_at(tx, come, conflicts);
        if (refusal != Refusal::None) return refusal;
    }
    Txids around; // all that hangs together with what is touched
    for (const Txid& txid : conflicts) around.merge(cluster(txid));
    for (const TransactionRef& tx : txs)
        for (const TxIn& in : tx->inputs)
            if (pool.contains(in.prevout.txid)) around.merge(cluster(in.prevout.txid));
    const Parts before = parts_of(around);
    pool.insert(come.begin(), come.end());
    const FeeSize paid = cost_of(txs);
    if (!from_block && paid.fee < least().fee(paid.size).value) return Refusal::Cheap;
    const size_t rivals = conflicts.size();
    for (const TransactionRef& tx : txs)
        if (!from_block && !truc_allows(*tx, txs.size() == 1, conflicts)) return Refusal::Other;
    const Txids replaced = with_descendants(conflicts);
    if (!replaced.empty()) {
        const Refusal refusal = may_replace(txs, replaced);
        if (refusal != Refusal::None) return refusal;
    }
    for (const Txid& txid : replaced) {
        pool.erase(txid);
        around.erase(txid);
    }
    if (from_block) return Refusal::None;
    for (const TransactionRef& tx : txs) {
        const Txids near = cluster(tx->txid);
        if (too_large(near)) {
            if (near.size() <= MAX_CLUSTER) ++seen["too heavy"];
            return Refusal::Other;
        }
        around.insert(near.begin(), near.end());
    }
    if (!replaced.empty() && !is_better(parts_of(around), before)) return Refusal::Cheap;
    for (const TransactionRef& tx : txs)
        if (!spends_dust(*tx)) {
            ++seen["dust left behind"];
            return Refusal::Other;
        }
    if (conflicts.size() > rivals) ++seen["sibling evicted"];
    return Refusal::None;
}

FeeSize Model::cost_of(const std::vector<TransactionRef>& txs) const {
    FeeSize sum;
    for (const TransactionRef& tx : txs) sum += {modified_fee(tx->txid), tx->vsize()};
    return sum;
}

bool Model::truc_allows(const SealedTransaction& tx, bool alone, Txids& conflicts) {
    const bool truc = tx.version == TRUC_VERSION;
    Txids parents;
    for (const TxIn& in : tx.inputs)
        if (pool.contains(in.prevout.txid)) parents.insert(in.prevout.txid);
    const auto refused = [this](const char* why) {
        ++seen[why];
        return false;
    };
    for (const Txid& parent : parents)
        if ((pool.at(parent).tx->version == TRUC_VERSION) != truc) return refused("TRUC and not");
    if (!truc) return true;
    if (tx.vsize() > MAX_TRUC_VSIZE) return refused("TRUC too big");
    if (ancestors(tx.txid).size() > 1) return refused("TRUC ancestors");
    if (parents.empty()) return true;
    if (tx.vsize() > MAX_TRUC_CHILD_VSIZE) return refused("TRUC child too big");
    const Txid& parent = *parents.begin();
    Txids others = descendants(parent);
    others.erase(tx.txid);
    // It may always take the place of a child, also where a reorganisation has left several.
    for (const Txid& conflict : conflicts)
        if (spends(conflict, parent)) return true;
    if (others.empty()) return true;
    // A single sibling that nothing depends on, and which depends on nothing else, may make way.
    const Txid& sibling = *others.begin();
    if (!alone || others.size() > 1 || ancestors(sibling).size() > 1)
        return refused("TRUC siblings");
    conflicts.insert(sibling);
    return true;
}

/// BIP-0125, rules 3 and 4. Of packages only a pair that depends on nothing else may replace, and
/// its child has to pay for that.
Model::Refusal
Model::may_replace(const std::vector<TransactionRef>& txs, const Txids& replaced) const {
    const bool package = txs.size() > 1;
    for (const TransactionRef& tx : txs) {
        if (replaced.contains(tx->txid)) return Refusal::Other; // spends what it replaces
        for (const TxIn& in : tx->inputs)
            if (package && pool.contains(in.prevout.txid) && in.prevout.txid != txs[0]->txid)
                return Refusal::Other;
    }
    int64_t old_fees = 0;
    for (const Txid& txid : replaced) old_fees += modified_fee(txid);
    const FeeSize paid = cost_of(txs);
    if (paid.fee - old_fees < test_.options().incremental_feerate.fee(paid.size).value)
        return Refusal::Cheap;
    const FeeSize parent = cost_of({txs[0]});
    if (package && FeeRate::of(paid.fee, paid.size) <= FeeRate::of(parent.fee, parent.size))
        return Refusal::Other;
    return Refusal::None;
}

std::vector<OutPoint> Model::dust_of(const SealedTransaction& tx) {
    std::vector<OutPoint> dust;
    for (uint32_t i = 0; i < tx.outputs.size(); ++i)
        if (tx.outputs[i].script_pubkey == anyone_script() &&
            tx.outputs[i].value < Amount(DUST_BELOW))
            dust.push_back({tx.txid, i});
    return dust;
}

bool Model::spends_dust(const SealedTransaction& tx) const {
    Txids spent; // from
    for (const TxIn& in : tx.inputs) spent.insert(in.prevout.txid);
    for (const Txid& parent : spent)
        if (pool.contains(parent))
            for (const OutPoint& dust : dust_of(*pool.at(parent).tx))
                if (std::ranges::find(tx.inputs, dust, &TxIn::prevout) == tx.inputs.end())
                    return false;
    return true;
}

int64_t Model::weight_of(const Txids& txids) const {
    int64_t sum = 0;
    for (const Txid& txid : txids) sum += pool.at(txid).tx->weight();
    return sum;
}

bool Model::too_large(const Txids& cluster) const {
    return cluster.size() > MAX_CLUSTER || weight_of(cluster) > MAX_CLUSTER_WEIGHT;
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

/// As far as an output of it is left to tell.
bool Model::is_confirmed(const consensus::SealedTransaction& tx) const {
    for (uint32_t i = 0; i < tx.outputs.size(); ++i)
        if (test_.chain().find_coin({tx.txid, i}, false)) return true;
    return false;
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
    if (!too_large(cluster(came))) return;
    ++seen["trimmed"];

    struct Worth {
        FeeSize chunk;
        FeeSize own;
        std::pair<size_t, uint64_t> place; ///< Where it was: decides between equals.
    };

    const auto better = [](const Worth& a, const Worth& b) {
        auto order = compare_feerates(a.chunk, b.chunk);
        if (order == 0) order = compare_feerates(a.own, b.own);
        return order != 0 ? order > 0 : a.place < b.place;
    };
    std::map<Txid, Worth> left;
    for (const Txid& txid : cluster(came)) {
        const FeeSize own{modified_fee(txid), pool.at(txid).tx->weight()};
        left[txid] = {own, own, {worth.size(), pool.at(txid).number}};
    }
    for (size_t i = 0; i < worth.size(); ++i)
        for (const Txid& txid : worth[i].txids)
            if (left.contains(txid)) {
                left[txid].chunk = worth[i].cost;
                left[txid].place.first = i;
            }
    const auto all = pool;
    for (const auto& [txid, price] : left) pool.erase(txid);
    const auto waits = [&](const Txid& txid) {
        return std::ranges::any_of(all.at(txid).tx->inputs, [&](const TxIn& in) {
            return all.contains(in.prevout.txid) && !pool.contains(in.prevout.txid);
        });
    };
    for (;;) {
        auto best = left.end();
        for (auto it = left.begin(); it != left.end(); ++it)
            if (!waits(it->first) && (best == left.end() || better(it->second, best->second)))
                best = it;
        if (best == left.end()) return;
        pool[best->first] = all.at(best->first);
        if (too_large(cluster(best->first))) pool.erase(best->first);
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

Txids Model::ancestors(const Txid& txid) const {
    Txids found;
    for (const TxIn& in : pool.at(txid).tx->inputs)
        if (pool.contains(in.prevout.txid) && found.insert(in.prevout.txid).second)
            found.merge(ancestors(in.prevout.txid));
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

Parts Model::parts_of_cluster(std::vector<Txid> members) const {
    std::ranges::sort(members, {}, [this](const Txid& txid) { return pool.at(txid).number; });
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
    const Txid* first = nullptr; // of the best chunk the one that pays best and depends on nothing
    const auto better = [this](const Txid& a, const Txid& b) {
        return compare_feerates(
                   {modified_fee(a), pool.at(a).tx->weight()},
                   {modified_fee(b), pool.at(b).tx->weight()}) > 0;
    };
    for (size_t i = 0; i < members.size(); ++i)
        if (parents[i] == 0 && parts[0].txids.contains(members[i]) &&
            (!first || better(members[i], *first)))
            first = &members[i];
    for (Part& part : parts) part.cluster = pool.at(*first).number;
    return parts;
}

} // namespace cairn::tests
