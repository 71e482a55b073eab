// SPDX-License-Identifier: MIT
// The mempool, through all that can happen to it, held against a simple one that keeps no order and
// works everything out anew, by trying all there is.
#include "tests/chain/fixture.h"

#include <cmath>
#include <map>
#include <random>
#include <set>

using namespace cairn::tests;
using cairn::consensus::make_transaction;
using cairn::consensus::TxIn;

namespace {

constexpr size_t MAX_CLUSTER = 7;
constexpr int64_t EXPIRY_SECONDS = 20'000;

using Txids = std::set<Txid>;

/// A chunk, and what is in it.
struct Part {
    FeeSize cost;
    Txids txids;
};

using Parts = std::vector<Part>;

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

class Model {
public:
    explicit Model(TestChain& test) : test_(test) {}

    struct Waiting {
        TransactionRef tx;
        int64_t fee = 0;
        int64_t time = 0;
    };

    std::map<Txid, Waiting> pool;
    std::map<Txid, int64_t> deltas;
    int evictions = 0; ///< Chunks.
    int trims = 0;     ///< Clusters.

    /// Whether `tx` gets in, as far as fees and room don't matter if it comes `from_block`.
    bool accept(const TransactionRef& tx, FeeRate least, bool from_block) {
        if (pool.contains(tx->txid)) return false;
        int64_t fee = 0;
        for (const TxIn& in : tx->inputs) {
            const std::optional<int64_t> value = value_of(in.prevout);
            if (!value) return false;
            fee += *value;
        }
        for (const TxOut& out : tx->outputs) fee -= out.value.value;
        if (fee < 0) return false;
        const int64_t modified = fee + delta(tx->txid);
        if (!from_block && modified < least.fee(tx->vsize()).value) return false;

        Txids conflicts;
        for (const auto& [txid, waiting] : pool)
            for (const TxIn& theirs : waiting.tx->inputs)
                for (const TxIn& ours : tx->inputs)
                    if (theirs.prevout == ours.prevout) conflicts.insert(txid);
        const Txids replaced = with_descendants(conflicts);
        int64_t old_fees = 0;
        for (const Txid& txid : replaced) old_fees += modified_fee(txid);
        for (const TxIn& in : tx->inputs)
            if (replaced.contains(in.prevout.txid)) return false;
        const int64_t relay = test_.options().incremental_feerate.fee(tx->vsize()).value;
        if (!replaced.empty() && modified - old_fees < relay) return false;

        Txids touched = conflicts;
        for (const TxIn& in : tx->inputs)
            if (pool.contains(in.prevout.txid)) touched.insert(in.prevout.txid);
        Txids around; // all that hangs together with what is touched
        for (const Txid& txid : touched) around.merge(cluster(txid));
        const Parts before = parts_of(around);

        const auto kept = pool;
        const Parts worth = order();
        for (const Txid& txid : replaced) {
            pool.erase(txid);
            around.erase(txid);
        }
        pool[tx->txid] = {tx, fee, test_.now};
        around.merge(cluster(tx->txid));
        if (from_block) {
            trim(tx->txid, worth);
            if (!pool.contains(tx->txid)) pool = kept;
            return pool.contains(tx->txid);
        }
        if (cluster(tx->txid).size() <= MAX_CLUSTER &&
            (replaced.empty() || is_better(parts_of(around), before)))
            return true;
        pool = kept;
        return false;
    }

    void confirm(const Block& block) {
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

    /// `blocks` were disconnected, lowest first.
    void bring_back(const std::vector<BlockRef>& blocks) {
        for (const BlockRef& block : blocks)
            for (const auto& tx : block->transactions) {
                if (pool.contains(tx.txid)) continue;
                if (!tx.is_coinbase() && accept(make_transaction(tx), {}, true)) continue;
                erase(descendants(tx.txid));
            }
        Txids stale;
        for (const auto& [txid, waiting] : pool)
            for (const TxIn& in : waiting.tx->inputs)
                if (!value_of(in.prevout)) stale.insert(txid);
        erase(with_descendants(stale));
    }

    void expire() {
        Txids old;
        for (const auto& [txid, waiting] : pool)
            if (waiting.time < test_.now - EXPIRY_SECONDS) old.insert(txid);
        erase(with_descendants(old));
    }

    void evict_to(size_t size) {
        for (; pool.size() > size; ++evictions) erase(order().back().txids);
    }

    /// All chunks, best first.
    Parts order() const {
        Txids all;
        for (const auto& [txid, waiting] : pool) all.insert(txid);
        Parts parts = parts_of(all);
        sort_best_first(parts);
        return parts;
    }

    int64_t modified_fee(const Txid& txid) const { return pool.at(txid).fee + delta(txid); }

private:
    int64_t delta(const Txid& txid) const {
        const auto found = deltas.find(txid);
        return found == deltas.end() ? 0 : found->second;
    }

    /// Of what is there to be spent in the next block.
    std::optional<int64_t> value_of(const OutPoint& point) const {
        if (const auto parent = pool.find(point.txid); parent != pool.end())
            return parent->second.tx->outputs.at(point.index).value.value;
        const auto coin = test_.chain().find_coin(point, false);
        const int32_t next = test_.tip().height.value + 1;
        if (!coin || (coin->coinbase && next - coin->height.value < MATURITY)) return std::nullopt;
        return coin->out.value.value;
    }

    void erase(const Txids& txids) {
        for (const Txid& txid : txids) pool.erase(txid);
    }

    bool spends(const Txid& child, const Txid& parent) const {
        return std::ranges::any_of(
            pool.at(child).tx->inputs, [&](const TxIn& in) { return in.prevout.txid == parent; });
    }

    /// What came back from a block may tie together too much: then the best stays, as it was
    /// `worth` before, as far as it fits with what it spends from.
    void trim(const Txid& came, const Parts& worth) {
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

    /// Without `txid` itself, which needn't be here.
    Txids descendants(const Txid& txid) const {
        Txids found;
        for (const auto& [other, waiting] : pool)
            if (spends(other, txid) && found.insert(other).second)
                for (const Txid& further : descendants(other)) found.insert(further);
        return found;
    }

    Txids with_descendants(const Txids& txids) const {
        Txids all = txids;
        for (const Txid& txid : txids) all.merge(descendants(txid));
        return all;
    }

    Txids cluster(const Txid& txid) const {
        Txids found{txid};
        for (size_t before = 0; before != found.size();) {
            before = found.size();
            for (const auto& [other, waiting] : pool)
                for (const Txid& member : Txids(found))
                    if (spends(other, member) || spends(member, other)) found.insert(other);
        }
        return found;
    }

    /// The chunks of all clusters in `txids`, which are whole.
    Parts parts_of(Txids txids) const {
        Parts parts;
        while (!txids.empty()) {
            const Txids next = cluster(*txids.begin());
            for (const Txid& txid : next) txids.erase(txid);
            for (Part& part : parts_of_cluster({next.begin(), next.end()}))
                parts.push_back(std::move(part));
        }
        return parts;
    }

    /// Again and again the best set of those that hold all they depend on.
    Parts parts_of_cluster(const std::vector<Txid>& members) const {
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
                if (!whole || (chosen != 0 && compare_feerates(part.cost, best.cost) <= 0))
                    continue;
                best = std::move(part);
                chosen = set;
            }
            parts.push_back(std::move(best));
            placed |= chosen;
        }
        return parts;
    }

    TestChain& test_;
};

/// A chain, its mempool, the model, and somebody who does whatever comes to his mind.
struct Play : TestChain {
    std::mt19937_64 random;
    Model model{*this};
    std::vector<OutPoint> points; ///< That exist, or did.
    std::map<std::string, int> outcomes;

    static Params small_blocks() {
        Params params = test_params();
        params.max_block_weight = 20'000;
        return params;
    }

    explicit Play(uint64_t seed) : TestChain(small_blocks()), random(seed) {
        options().max_cluster_count = MAX_CLUSTER;
        options().mempool_expiry_seconds = EXPIRY_SECONDS;
        options().max_mempool_bytes = 22'000;
        open();
        points = mature_coins(20);
    }

    size_t pick(size_t count) { return random() % count; }

    std::optional<Transaction> random_payment() {
        std::set<OutPoint> inputs;
        for (size_t i = 1 + pick(3); i > 0; --i)
            inputs.insert(points[points.size() - 1 - pick(std::min<size_t>(points.size(), 60))]);
        Amount value;
        for (const OutPoint& point : inputs) {
            auto coin = chain().find_coin(point, true);
            if (!coin) coin = chain().find_coin(point, false); // a waiting one spends it
            if (!coin) return std::nullopt;
            value += coin->out.value;
        }
        // So that hardly ever two feerates are the same.
        const auto fee = Amount(static_cast<int64_t>(pick(1'000'000) >> pick(12)));
        const size_t outputs = 1 + pick(4);
        const Amount each = (value - fee).value / static_cast<int64_t>(outputs);
        if (each < Amount(1'000)) return std::nullopt;
        std::vector<TxOut> outs(outputs, {each, anyone_script()});
        outs[0].value += Amount((value - fee).value % static_cast<int64_t>(outputs));
        return spend({inputs.begin(), inputs.end()}, outs);
    }

    void submit_payment() {
        const std::optional<Transaction> payment = random_payment();
        if (!payment) return;
        const TransactionRef tx = make_transaction(*payment);
        const FeeRate least = chain().mempool_min_feerate();
        const Result<Accepted> result = pay(*payment);
        const bool let_in = model.accept(tx, least, false);
        if (let_in) enforce_limits();
        ++outcomes
            [result ? (result->replaced.empty() ? "accepted" : "replaced") : reason_of(result)];
        BOOST_REQUIRE_MESSAGE(
            result.has_value() == model.pool.contains(tx->txid), reason_of(result));
        if (!result) return;
        for (uint32_t i = 0; i < tx->outputs.size(); ++i) points.push_back({tx->txid, i});
    }

    void confirm(const Block& block) {
        model.confirm(block);
        enforce_limits();
    }

    void enforce_limits() {
        model.expire();
        model.evict_to(chain().mempool()->size());
    }

    void mine_template() {
        const BlockTemplate made = make_template();
        BOOST_REQUIRE(reason_of(test_block(*made.block)).empty());
        const BlockRef block = mine();
        confirm(*block);
        points.push_back({block->transactions[0].txid, 0});
    }

    /// A block with a payment that the mempool may never have seen.
    void mine_rival() {
        const std::optional<Transaction> payment = random_payment();
        if (!payment) return;
        for (const TxIn& in : payment->inputs) {
            const auto coin = chain().find_coin(in.prevout, false);
            if (!coin || (coin->coinbase && tip().height.value + 1 - coin->height.value < MATURITY))
                return;
        }
        const auto block = std::make_shared<const Block>(
            make_block(tip(), params(), {make_transaction(*payment)}, 0, uint32_t(random())));
        BOOST_REQUIRE(submit(block).on_active_chain);
        confirm(*block);
        points.push_back({block->transactions[1].txid, 0});
    }

    void reorganise() {
        if (tip().height.value < 28) return mine_template(); // the first coins are to stay
        const BlockNode* node = &tip();
        std::vector<BlockRef> blocks;
        for (size_t depth = 1 + pick(3); depth > 0; --depth) {
            blocks.insert(blocks.begin(), chain().read_block(*node));
            if (depth > 1) node = node->parent_node();
        }
        BOOST_REQUIRE(invalidate(*node));
        model.bring_back(blocks);
        enforce_limits();
    }

    void prioritise_any() {
        if (model.pool.empty()) return;
        auto chosen = model.pool.begin();
        std::advance(chosen, static_cast<ptrdiff_t>(pick(model.pool.size())));
        const Amount delta(static_cast<int64_t>(pick(200'000)) - 50'000);
        prioritise(chosen->first, delta);
        model.deltas[chosen->first] += delta.value;
    }

    void act() {
        now += static_cast<int64_t>(pick(100));
        const size_t choice = pick(100);
        if (choice < 90) return submit_payment();
        if (choice < 95) return prioritise_any();
        if (choice < 98) return mine_template();
        if (choice < 99) return mine_rival();
        reorganise();
    }

    void compare() {
        const Parts expected = model.order();
        Parts found;
        {
            const MempoolReader pool = chain().mempool();
            BOOST_REQUIRE(pool->size() == model.pool.size());
            BOOST_REQUIRE(pool->memory_bytes() <= options().max_mempool_bytes);
            BOOST_REQUIRE(pool->optimal());
            pool->visit_chunks([&](const Mempool::Entries& chunk) {
                Part& part = found.emplace_back(Part{chunk.front()->place.cost, {}});
                for (const MempoolEntry* entry : chunk) {
                    part.txids.insert(entry->tx->txid);
                    BOOST_REQUIRE(entry->modified_fee.value == model.modified_fee(entry->tx->txid));
                }
                return true;
            });
        }
        BOOST_REQUIRE(found.size() == expected.size());
        for (size_t i = 0; i < found.size(); ++i) {
            BOOST_REQUIRE((found[i].cost == expected[i].cost));
            BOOST_REQUIRE((found[i].txids == expected[i].txids));
        }
        compare_template(expected);
    }

    /// The first chunks, as many as fit, are worth no more than a template.
    void compare_template(const Parts& parts) {
        int64_t weight_left = params().max_block_weight - 8'000; // reserved
        int64_t expected = 0;
        for (const Part& part : parts) {
            if (part.cost.size > weight_left || part.cost.fee <= 0) break;
            weight_left -= part.cost.size;
            expected += part.cost.fee;
        }
        const BlockTemplate made = make_template();
        int64_t found = 0;
        for (size_t i = 1; i < made.block->transactions.size(); ++i)
            found += model.modified_fee(made.block->transactions[i].txid);
        BOOST_REQUIRE(found >= expected);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(mempool_model)

BOOST_AUTO_TEST_CASE(random_play__at_every_step__as_if_all_were_worked_out_anew) {
    const char* given = std::getenv("CAIRN_SEED");
    const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
    BOOST_TEST_MESSAGE("seed " << seed);
    Play play(seed);
    for (int step = 0; step < 3'000; ++step) {
        BOOST_TEST_CONTEXT("step " << step) {
            play.act();
            play.compare();
        }
    }
    for (const char* outcome : {"accepted", "replaced", "insufficient fee", "too-large-cluster"})
        BOOST_TEST(play.outcomes[outcome] > 0, outcome);
    BOOST_TEST(play.model.evictions > 0);
    BOOST_TEST(play.model.trims > 0);
}

BOOST_AUTO_TEST_SUITE_END()
