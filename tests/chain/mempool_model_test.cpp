// SPDX-License-Identifier: MIT
// The mempool, through all that can happen to it, held against a simple one that keeps no order and
// works everything out anew, by trying all there is.
#include "chain/package.h"
#include "tests/chain/mempool_model.h"

#include <random>

using namespace cairn::tests;
using cairn::consensus::make_transaction;
using cairn::consensus::TxIn;

namespace {

/// A chain, its mempool, the model, and somebody who does whatever comes to his mind.
struct Play : TestChain {
    std::mt19937_64 random;
    Model model{*this};
    std::vector<OutPoint> points; ///< That exist; some are gone already.
    std::map<std::string, int> outcomes;

    static Params small_blocks() {
        Params params = test_params();
        params.max_block_weight = 408'000; // just enough for all that is relayed elsewhere
        return params;
    }

    explicit Play(uint64_t seed) : TestChain(small_blocks()), random(seed) {
        options().max_cluster_count = MAX_CLUSTER;
        options().mempool_expiry_seconds = EXPIRY_SECONDS;
        options().max_mempool_bytes = 120'000;
        open();
        points = mature_coins(20);
    }

    /// Of what one of LEAST names.
    int seen(const char* what) const {
        const auto in = [what](const std::map<std::string, int>& counts) {
            const auto found = counts.find(what);
            return found == counts.end() ? 0 : found->second;
        };
        return in(outcomes) + in(model.seen);
    }

    /// How many transactions and packages.
    int tried() const {
        int sum = 0;
        for (const auto& [outcome, count] : outcomes) sum += count;
        return sum;
    }

    size_t pick(size_t count) { return random() % count; }

    bool one_in(size_t count) { return pick(count) == 0; }

    /// Mostly about what is asked for, or more.
    Amount random_fee(int64_t vsize) {
        const Amount asked = one_in(3) ? Amount(0) : chain().mempool_min_feerate().fee(vsize);
        return asked + FeeRate{static_cast<int64_t>(pick(3'000'000) >> pick(12))}.fee(vsize);
    }

    /// What is there to be spent, be it by what waits already.
    std::optional<Amount> value_of(const OutPoint& point) {
        if (const auto waiting = model.pool.find(point.txid); waiting != model.pool.end())
            return waiting->second.tx->outputs[point.index].value;
        const auto coin = chain().find_coin(point, false);
        return coin ? std::optional(coin->out.value) : std::nullopt;
    }

    /// Nearly always left alone.
    bool immature(const OutPoint& point) {
        const auto coin = chain().find_coin(point, false);
        return coin && coin->coinbase && tip().height.value + 1 - coin->height.value < MATURITY &&
               !one_in(20);
    }

    using Inputs = std::map<OutPoint, Amount>;

    /// One of the latest that are there.
    std::pair<OutPoint, Amount> random_coin() {
        for (;;) {
            const size_t at = points.size() - 1 - pick(std::min<size_t>(points.size(), 60));
            const std::optional<Amount> value = value_of(points[at]);
            if (!value)
                points.erase(points.begin() + static_cast<ptrdiff_t>(at));
            else if (!immature(points[at]))
                return {points[at], *value};
        }
    }

    Inputs random_coins(size_t count) {
        Inputs inputs;
        while (count-- > 0) inputs.insert(random_coin());
        return inputs;
    }

    /// Of what waits by the rules of TRUC an output, spent or not; rarely with another coin.
    Inputs truc_inputs() {
        std::vector<TransactionRef> trucs;
        for (const auto& [txid, waiting] : model.pool)
            if (waiting.tx->version == TRUC_VERSION) trucs.push_back(waiting.tx);
        if (trucs.empty()) return random_coins(1);
        Inputs inputs = random_coins(one_in(8) ? 1 : 0);
        const TransactionRef& parent = trucs[pick(trucs.size())];
        const size_t at = pick(parent->outputs.size());
        if (parent->outputs[at].script_pubkey == anyone_script())
            inputs.insert({{parent->txid, uint32_t(at)}, parent->outputs[at].value});
        return inputs.empty() ? random_coins(1) : inputs;
    }

    /// Outputs of `parent`, its dust mostly among them, and perhaps another coin.
    Inputs child_inputs(const TransactionRef& parent) {
        Inputs inputs;
        for (const OutPoint& dust : Model::dust_of(*parent))
            if (!one_in(6)) inputs.insert({dust, parent->outputs[dust.index].value});
        if (inputs.empty() || !one_in(6))
            inputs.insert({{parent->txid, 0}, parent->outputs[0].value});
        if (one_in(3)) inputs.insert(random_coin());
        return inputs;
    }

    /// As those that it spends from have it, mostly.
    int32_t random_version(const Inputs& inputs, const TransactionRef& parent) {
        for (const auto& [point, value] : inputs)
            if (const auto waiting = model.pool.find(point.txid); !one_in(10)) {
                if (waiting != model.pool.end()) return waiting->second.tx->version;
                if (parent && point.txid == parent->txid) return parent->version;
            }
        return one_in(5) ? TRUC_VERSION : 2;
    }

    /// Mostly none; or so much data that it, or its cluster, comes close to a limit.
    void pad(Transaction& tx) {
        if (!one_in(3)) return;
        Txids around;
        for (const TxIn& in : tx.inputs)
            if (model.pool.contains(in.prevout.txid)) around.merge(model.cluster(in.prevout.txid));
        const int64_t room = (MAX_CLUSTER_WEIGHT - model.weight_of(around)) / 4;
        const int64_t targets[] = {
            MAX_TRUC_CHILD_VSIZE, MAX_TRUC_VSIZE, room, room, static_cast<int64_t>(pick(40'000))};
        const int64_t target = targets[pick(5)] + static_cast<int64_t>(pick(5)) - 2;
        const auto missing = [&] { return target - make_transaction(tx)->vsize(); };
        if (missing() < 100 || target > 99'000) return;
        TxOut& data = tx.outputs.emplace_back();
        int64_t bytes = 0;
        for (int round = 0; round < 3; ++round) { // as long as lengths before it grow, too
            bytes += missing();
            data.script_pubkey = Script(Bytes{cairn::consensus::OP_RETURN});
            push_data(data.script_pubkey, Bytes(static_cast<size_t>(bytes)));
        }
    }

    /// Spend `inputs`; `free` if another is to pay, as one with dust has to be.
    std::optional<Transaction>
    payment(const Inputs& inputs, bool free = false, const TransactionRef& parent = nullptr) {
        Amount value;
        std::vector<OutPoint> spent;
        for (const auto& [point, amount] : inputs) {
            spent.push_back(point);
            value += amount;
        }
        const size_t count = 1 + pick(4);
        Transaction tx = spend(spent, std::vector<TxOut>(count, {0, anyone_script()}));
        tx.version = random_version(inputs, parent);
        for (size_t i = one_in(free ? 3 : 20) ? 1 + one_in(12) : 0; i > 0; --i) {
            tx.outputs.push_back(
                {Amount(static_cast<int64_t>(pick(DUST_BELOW + 1))), anyone_script()});
            value -= tx.outputs.back().value;
        }
        pad(tx);
        if (!free)
            value -= random_fee(make_transaction(tx)->vsize());
        else if (one_in(tx.outputs.size() > count ? 8 : 2))
            value -= Amount(static_cast<int64_t>(pick(40)));
        const Amount each(value.value / static_cast<int64_t>(count));
        if (each < Amount(1'000)) return std::nullopt;
        for (size_t i = 0; i < count; ++i) tx.outputs[i].value = each;
        tx.outputs[0].value += Amount(value.value % static_cast<int64_t>(count));
        return tx;
    }

    std::optional<Transaction> random_payment() {
        return payment(one_in(4) ? truc_inputs() : random_coins(1 + pick(3)));
    }

    /// Some at once, which may depend on each other or be at odds.
    void submit_payments() {
        std::vector<TransactionRef> txs;
        std::vector<Result<Accepted>> results;
        for (size_t i = 1 + pick(3); i > 0; --i)
            if (const std::optional<Transaction> payment = random_payment())
                txs.push_back(make_transaction(*payment));
        for (const TransactionRef& tx : txs)
            chain().accept_transaction(
                tx, {}, [&results](const Result<Accepted>& result) { results.push_back(result); });
        wait();
        for (size_t i = 0; i < txs.size(); ++i) {
            const Result<Accepted>& result = results.at(i);
            if (model.accept({txs[i]}, false) == Model::Refusal::None) enforce_limits();
            ++outcomes
                [result ? (result->replaced.empty() ? "accepted" : "replaced") : reason_of(result)];
            remember(txs[i]);
        }
    }

    /// A parent that mostly pays too little, with a child.
    void submit_package() {
        const auto parent = payment(random_coins(1 + pick(2)), true);
        if (!parent) return;
        const TransactionRef made = make_transaction(*parent);
        const auto child = payment(child_inputs(made), false, made);
        if (!child) return;
        const std::vector<TransactionRef> txs{made, make_transaction(*child)};
        const bool at_odds = std::ranges::any_of(child->inputs, [&](const TxIn& in) {
            return std::ranges::find(parent->inputs, in.prevout, &TxIn::prevout) !=
                   parent->inputs.end();
        });
        if (at_odds || made->weight() + txs[1]->weight() > MAX_PACKAGE_WEIGHT) return; // no package
        if (one_in(10)) prioritise_at_will(made->txid); // as if it had paid a fee
        const PackageOutcome outcome = TestChain::submit_package({*parent, *child});
        model.accept_package(txs);
        enforce_limits();
        ++outcomes
            [!outcome.verdict           ? "package: " + reason_of(outcome.verdict)
             : outcome.replaced.empty() ? "package"
                                        : "package replaced"];
        for (const TransactionRef& tx : txs) remember(tx);
    }

    void remember(const TransactionRef& tx) {
        if (!model.pool.contains(tx->txid)) return;
        for (uint32_t i = 0; i < tx->outputs.size(); ++i)
            if (tx->outputs[i].script_pubkey == anyone_script()) points.push_back({tx->txid, i});
    }

    void confirm(const Block& block) {
        model.confirm(block);
        enforce_limits();
    }

    void enforce_limits() {
        model.expire();
        model.evict();
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
        for (const BlockRef& block : blocks) // what they spent is there again, too
            for (const auto& tx : block->transactions) {
                for (const TxIn& in : tx.inputs) points.push_back(in.prevout);
                remember(std::make_shared<const cairn::consensus::SealedTransaction>(tx));
            }
    }

    /// To a branch that confirms some of what the other had, and contradicts the rest.
    void reorganise_to_a_rival() {
        if (tip().height.value < 28) return mine_template();
        const size_t depth = 1 + pick(2);
        const BlockNode& fork = *chain().view().at(tip().height - Height(int32_t(depth)));
        std::vector<BlockRef> old;
        std::vector<TransactionRef> taken; // by one block
        int64_t weight = 0;
        for (const BlockNode* node = &tip(); node != &fork; node = node->parent_node()) {
            const BlockRef block = chain().read_block(*node);
            const auto undo = chain().read_undo(*node, *block);
            std::erase_if(taken, [&](const TransactionRef& tx) { return depends_on(*tx, *block); });
            for (size_t i = 1; i < block->transactions.size(); ++i) {
                const auto& tx = block->transactions[i];
                if (depends_on(tx, *block) || !mature(undo->spent(i), fork)) continue;
                const bool same = one_in(2);
                const auto chosen = same ? make_transaction(tx) : rival_of(tx, undo->spent(i));
                weight += chosen->weight();
                if (weight < params().max_block_weight - 8'000) taken.push_back(chosen);
            }
            old.insert(old.begin(), block);
        }
        const std::vector<BlockRef> way =
            make_branch(*this, fork, static_cast<int>(old.size()) + 1, uint32_t(random()), taken);
        for (const BlockRef& block : way) BOOST_REQUIRE_EQUAL(reason_of(submit(block).verdict), "");
        BOOST_REQUIRE((tip().hash == way.back()->header.hash()));
        // Or reorganise() would lead back to it.
        BOOST_REQUIRE(invalidate(*chain().find_block(old.front()->header.hash())));
        for (const BlockRef& block : way) model.confirm(*block);
        model.bring_back(old);
        enforce_limits();
        for (const TransactionRef& tx : taken) points.push_back({tx->txid, 0});
    }

    /// Whether the block after `fork` may spend them.
    static bool mature(std::span<const Coin> coins, const BlockNode& fork) {
        return std::ranges::none_of(coins, [&](const Coin& coin) {
            return coin.coinbase && (fork.height - coin.height).value + 1 < MATURITY;
        });
    }

    static bool depends_on(const Transaction& tx, const Block& block) {
        return std::ranges::any_of(tx.inputs, [&](const TxIn& in) {
            return std::ranges::count(
                       block.transactions, in.prevout.txid,
                       &cairn::consensus::SealedTransaction::txid) != 0;
        });
    }

    /// Spends the most valuable of the coins of `tx` otherwise.
    static TransactionRef rival_of(const Transaction& tx, std::span<const Coin> coins) {
        const auto value = [](const Coin& coin) { return coin.out.value; };
        const auto coin = std::ranges::max_element(coins, {}, value);
        const TxIn& spent = tx.inputs[static_cast<size_t>(coin - coins.begin())];
        const Amount left = std::max(coin->out.value, Amount(1'000)) - Amount(1'000);
        return make_transaction(spend({spent.prevout}, {{left, anyone_script()}}));
    }

    void prioritise_any() {
        if (model.pool.empty()) return;
        auto chosen = model.pool.begin();
        std::advance(chosen, static_cast<ptrdiff_t>(pick(model.pool.size())));
        prioritise_at_will(chosen->first);
    }

    void prioritise_at_will(const Txid& txid) {
        const Amount delta(static_cast<int64_t>(pick(200'000)) - 50'000);
        prioritise(txid, delta);
        model.deltas[txid] += delta.value;
    }

    /// Nobody pays for what is long past.
    void fade_away() {
        mine_template();
        now += 600'000;
        model.pass(600'000);
    }

    void act() {
        const auto seconds = static_cast<int64_t>(pick(pick(100) == 0 ? 40'000 : 100));
        now += seconds;
        model.pass(seconds);
        const size_t choice = pick(100);
        if (choice < 70) return submit_payments();
        if (choice < 90) return submit_package();
        if (choice < 95) return prioritise_any();
        if (choice < 98) return mine_template();
        if (choice < 99) return mine_rival();
        return one_in(2) ? reorganise() : reorganise_to_a_rival();
    }

    void compare() {
        // Both fade by steps of their own: a price that is whole to a millionth goes either way.
        const FeeRate least = chain().mempool_min_feerate();
        BOOST_REQUIRE((least == model.least(-1e-6) || least == model.least(1e-6)));
        const Parts expected = model.order();
        Parts found;
        {
            const MempoolReader pool = chain().mempool();
            BOOST_REQUIRE(pool->size() == model.pool.size());
            BOOST_REQUIRE(pool->memory_bytes() == model.bytes());
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
            const FeeRate price = FeeRate::of(part.cost.fee, virtual_size(part.cost.size));
            if (part.cost.size > weight_left || price < options().block_min_feerate) break;
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

/// How often a play has to meet what, so that it can't go blind: a third of what is usual. A reason
/// of the product's, or what the model has seen.
constexpr std::pair<const char*, int> LEAST[] = {
    {"accepted", 500},
    {"replaced", 50},
    {"insufficient fee", 300},
    {"replacement-failed", 15},
    {"mempool min fee not met", 20},
    {"bad-txns-spends-conflicting-tx", 40},
    {"package", 20},
    {"package replaced", 2},
    {"package: transaction failed", 50},
    {"evicted", 3},
    {"trimmed", 20},
    {"forgotten", 1},
    // Clusters, of so many and so heavy.
    {"too-large-cluster", 70},
    {"heavy", 2},
    {"too heavy", 5},
    // Version 3.
    {"TRUC", 40},
    {"TRUC child", 40},
    {"sibling evicted", 5},
    {"TRUC-violation", 150},
    {"package: TRUC-violation", 3},
    {"insufficient fee (including sibling eviction)", 15},
    {"TRUC and not", 100},
    {"TRUC ancestors", 70},
    {"TRUC siblings", 3},
    {"TRUC too big", 10},
    {"TRUC child too big", 5},
    // Dust.
    {"dust spent at once", 5},
    {"dust with a fee", 40},
    {"two dusts", 5},
    {"missing-ephemeral-spends", 2},
    {"package: unspent-dust", 1}};

void play_with(uint64_t seed) {
    BOOST_TEST_MESSAGE("seed " << seed);
    Play play(seed);
    const auto enough = [&] {
        return play.tried() >= 4'000 && std::ranges::all_of(LEAST, [&](const auto& asked) {
                   return play.seen(asked.first) >= asked.second;
               });
    };
    for (int step = 0; step < 3'000 || (step < 40'000 && !enough()); ++step) {
        BOOST_TEST_CONTEXT("seed " << seed << ", step " << step) {
            if (step % 1'500 == 1'499) play.fade_away();
            play.act();
            play.compare();
        }
    }
    for (const auto& [what, count] : LEAST) BOOST_TEST(play.seen(what) >= count, what);
    for (const auto& all : {play.outcomes, play.model.seen})
        for (const auto& [what, count] : all) BOOST_TEST_MESSAGE(what << " " << count);
    BOOST_TEST(play.tried() >= 4'000);
}

} // namespace

BOOST_AUTO_TEST_SUITE(mempool_model)

BOOST_AUTO_TEST_CASE(random_play__at_every_step__as_if_all_were_worked_out_anew) {
    const uint64_t first = setting("CAIRN_MEMPOOL_SEED", std::random_device()());
    const uint64_t plays = setting("CAIRN_MEMPOOL_PLAYS", 1);
    for (uint64_t i = 0; i < plays; ++i) play_with(first + i);
}

BOOST_AUTO_TEST_SUITE_END()
