// SPDX-License-Identifier: MIT
// The mempool, through all that can happen to it, held against a simple one that keeps no order and
// works everything out anew, by trying all there is.
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

    /// So that hardly ever two feerates are the same; mostly about what is asked for, or more.
    Amount random_fee() {
        const Amount asked = pick(3) > 0 ? chain().mempool_min_feerate().fee(300) : Amount(0);
        return asked + Amount(static_cast<int64_t>(pick(1'000'000) >> pick(12)));
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
               pick(20) > 0;
    }

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

    /// Of some coins; of the first output of `parent`, too, if that is given.
    std::optional<Transaction> random_payment(Amount fee, const Transaction* parent = nullptr) {
        std::set<OutPoint> inputs;
        Amount value;
        for (size_t i = parent ? pick(2) : 1 + pick(3); i > 0; --i) {
            const auto [point, amount] = random_coin();
            if (inputs.insert(point).second) value += amount;
        }
        if (parent) {
            inputs.insert({make_transaction(*parent)->txid, 0});
            value += parent->outputs[0].value;
        }
        const size_t outputs = 1 + pick(4);
        const Amount each = (value - fee).value / static_cast<int64_t>(outputs);
        if (each < Amount(1'000)) return std::nullopt;
        std::vector<TxOut> outs(outputs, {each, anyone_script()});
        outs[0].value += Amount((value - fee).value % static_cast<int64_t>(outputs));
        return spend({inputs.begin(), inputs.end()}, outs);
    }

    /// Some at once, which may depend on each other or be at odds.
    void submit_payments() {
        std::vector<TransactionRef> txs;
        std::vector<Result<Accepted>> results;
        for (size_t i = 1 + pick(3); i > 0; --i)
            if (const std::optional<Transaction> payment = random_payment(random_fee()))
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
        const auto parent = random_payment(Amount(static_cast<int64_t>(pick(40))));
        if (!parent) return;
        const auto child = random_payment(random_fee(), &*parent);
        if (!child) return;
        const bool at_odds = std::ranges::any_of(child->inputs, [&](const TxIn& in) {
            return std::ranges::find(parent->inputs, in.prevout, &TxIn::prevout) !=
                   parent->inputs.end();
        });
        if (at_odds) return; // no package
        const PackageOutcome outcome = TestChain::submit_package({*parent, *child});
        const std::vector<TransactionRef> txs{make_transaction(*parent), make_transaction(*child)};
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
        for (uint32_t i = 0; i < tx->outputs.size(); ++i) points.push_back({tx->txid, i});
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
        const std::optional<Transaction> payment = random_payment(random_fee());
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

    void prioritise_any() {
        if (model.pool.empty()) return;
        auto chosen = model.pool.begin();
        std::advance(chosen, static_cast<ptrdiff_t>(pick(model.pool.size())));
        const Amount delta(static_cast<int64_t>(pick(200'000)) - 50'000);
        prioritise(chosen->first, delta);
        model.deltas[chosen->first] += delta.value;
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
        reorganise();
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
    const uint64_t seed = setting("CAIRN_MEMPOOL_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    Play play(seed);
    const std::pair<const char*, int> least[] = {
        {"accepted", 500},
        {"replaced", 50},
        {"insufficient fee", 300},
        {"replacement-failed", 15},
        {"mempool min fee not met", 300},
        {"too-large-cluster", 70},
        {"bad-txns-spends-conflicting-tx", 50},
        {"package", 15},
        {"package: transaction failed", 100}};
    const auto tried = [&] {
        int sum = 0;
        for (const auto& [outcome, count] : play.outcomes) sum += count;
        return sum;
    };
    const auto enough = [&] {
        return tried() >= 4'000 && std::ranges::all_of(least, [&](const auto& asked) {
                   return play.outcomes[asked.first] >= asked.second;
               });
    };
    for (int step = 0; step < 3'000 || (step < 12'000 && !enough()); ++step) {
        BOOST_TEST_CONTEXT("step " << step) {
            if (step == 1'500) play.fade_away();
            play.act();
            play.compare();
        }
    }
    for (const auto& [outcome, count] : least) BOOST_TEST(play.outcomes[outcome] >= count, outcome);
    for (const auto& [outcome, count] : play.outcomes) BOOST_TEST_MESSAGE(outcome << " " << count);
    BOOST_TEST(tried() >= 4'000);
    BOOST_TEST(play.model.forgotten > 0);
    BOOST_TEST(play.model.evictions > 0);
    BOOST_TEST(play.model.trims > 0);
}

BOOST_AUTO_TEST_SUITE_END()
