// SPDX-License-Identifier: MIT
// What observers of a chain are told, and when.
#include "tests/chain/fixture.h"

using namespace cairn::tests;

namespace {

struct Checked : ChainObserver {
    std::vector<const BlockNode*> nodes;

    void block_checked(const BlockNode& node, const BlockRef& /*block*/) override {
        nodes.push_back(&node);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(observer)

BOOST_AUTO_TEST_CASE(block_checked__on_the_tip__is_told_before_its_coins_are_looked_at) {
    TestChain test;
    test.open();
    const OutPoint coin = test.mature_coins(1)[0];
    Checked checked;
    test.chain().add_observer(checked);
    const auto tx =
        cairn::consensus::make_transaction(spend({{coin.txid, 7}}, {{1, anyone_script()}}));
    const auto bad = std::make_shared<const Block>(make_block(test.tip(), test.params(), {tx}));
    const BlockOutcome outcome = test.submit(bad);
    BOOST_TEST(!outcome.verdict);
    BOOST_REQUIRE(checked.nodes.size() == 1u);
    BOOST_TEST((checked.nodes[0] == outcome.node));
    test.submit(bad); // not again, nor what isn't next
    test.submit(make_branch(test, *test.tip().parent_node(), 1, 7)[0]);
    BOOST_TEST(checked.nodes.size() == 1u);
    test.chain().remove_observer(checked);
}

BOOST_AUTO_TEST_CASE(transaction_unsent__ours__is_told_before_it_is_added__once) {
    struct Watch : ChainObserver {
        void transaction_unsent(const TransactionRef& tx) override {
            told.emplace_back("unsent", tx->txid);
        }

        void transaction_added(const MempoolEvent& event) override {
            told.emplace_back("added", event.tx->txid);
        }

        std::vector<std::pair<std::string, Txid>> told;
    };

    TestChain test;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(3);
    const auto pay = [](const OutPoint& coin) { return spend({coin}, {{9'000, anyone_script()}}); };
    const auto txid = [](const Transaction& tx) {
        return cairn::consensus::make_transaction(tx)->txid;
    };
    const Transaction ours = pay(coins[0]), theirs = pay(coins[1]), parent = pay(coins[2]);
    const Transaction child = spend({{txid(parent), 0}}, {{1'000, anyone_script()}});
    Watch watch;
    test.chain().add_observer(watch);
    BOOST_TEST(reason_of(test.pay(ours, {.test_only = true, .ours = true})).empty());
    BOOST_TEST(reason_of(test.pay(ours, {.ours = true})).empty());
    BOOST_TEST(!reason_of(test.pay(ours, {.ours = true})).empty()); // it waits
    BOOST_TEST(reason_of(test.pay(theirs)).empty());
    BOOST_TEST(reason_of(test.pay(parent)).empty());
    test.submit_package({parent, child}, {.test_only = true, .ours = true});
    BOOST_TEST(test.submit_package({parent, child}, {.ours = true}).verdict.has_value());
    const std::vector<std::pair<std::string, Txid>> expected{
        {"unsent", txid(ours)},  {"added", txid(ours)},   {"added", txid(theirs)},
        {"added", txid(parent)}, {"unsent", txid(child)}, {"added", txid(child)}};
    BOOST_TEST((watch.told == expected));
    test.chain().remove_observer(watch);
}

BOOST_AUTO_TEST_CASE(invalidate__cut_short_by_a_stop__is_no_success) {
    /// Stops the chain while blocks are disconnected, and lets it go on once it is stopping.
    struct Stopper : ChainObserver {
        void tip_changed(const TipChange&) override {
            if (stopper.joinable()) return;
            stopper = std::jthread([this] { chain->stop(); });
            while (!closed) { // what is asked is dropped from then on
                auto waits = std::make_shared<int>();
                chain->heartbeat([waits] {});
                closed = waits.use_count() == 1;
            }
        }

        Chain* chain = nullptr;
        bool closed = false;
        std::jthread stopper;
    };

    TestChain test;
    test.open();
    test.mine(200); // more than are told at once
    Stopper stopper;
    stopper.chain = &test.chain();
    test.chain().add_observer(stopper);
    BOOST_TEST(reason_of(test.invalidate(*test.chain().view().at(1))) == "shutdown");
    stopper.stopper.join();
    test.close();
    test.open();
    BOOST_TEST(test.tip().height == Height(200));
}

namespace {

/// What those that came in pay.
struct Prices : ChainObserver {
    void transaction_added(const MempoolEvent& event) override { seen.push_back(event.feerate); }

    std::vector<FeeRate> seen;
};

} // namespace

BOOST_AUTO_TEST_CASE(prioritised__tells_what_is_paid__and_a_block_that_contradicts_it_ends_that) {
    TestChain test;
    test.open();
    Prices prices;
    test.chain().add_observer(prices);
    const OutPoint coin = test.mature_coins(1)[0];
    const Transaction free = spend({coin}, {{test.params().subsidy, anyone_script()}});
    const auto prioritised = cairn::consensus::make_transaction(free);
    test.prioritise(prioritised->txid, 5'000);
    BOOST_TEST(reason_of(test.pay(free)).empty());
    BOOST_TEST((prices.seen == std::vector<FeeRate>{{0}}));
    const auto rival =
        cairn::consensus::make_transaction(spend({coin}, {{1'000, anyone_script()}}));
    const auto block =
        std::make_shared<const Block>(make_block(test.tip(), test.params(), {rival}));
    BOOST_TEST(test.submit(block).on_active_chain);
    BOOST_TEST(test.chain().mempool()->size() == 0u);
    BOOST_TEST(test.chain().mempool()->priorities().empty());
    test.chain().remove_observer(prices);
}

BOOST_AUTO_TEST_SUITE_END()
