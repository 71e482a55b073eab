// SPDX-License-Identifier: MIT
// Transactions that come together, TRUC and ephemeral dust: what gets in, and why the rest doesn't.
#include "chain/package.h"
#include "tests/chain/fixture.h"

#include <atomic>
#include <future>

using namespace cairn::tests;
using cairn::consensus::COIN;
using cairn::consensus::make_transaction;

namespace {

/// A chain with coins to spend, and who sends packages to it.
struct Funded : TestChain {
    std::vector<OutPoint> coins;

    explicit Funded(int count = 4) {
        open();
        coins = mature_coins(count);
    }

    /// Spend a coinbase's coin into `outputs` equal ones.
    Transaction payment(const OutPoint& coin, int64_t fee, int outputs = 1, int32_t version = 2) {
        const int64_t each = (params().subsidy.value - fee) / outputs;
        Transaction tx = spend(
            {coin}, std::vector<TxOut>(static_cast<size_t>(outputs), {each, anyone_script()}));
        tx.outputs[0].value += Amount(params().subsidy.value - fee - each * outputs);
        tx.version = version;
        return tx;
    }

    bool waits(const Transaction& tx) {
        return chain().mempool()->find(make_transaction(tx)->txid) != nullptr;
    }
};

/// Spend some of the outputs of `parents` into one.
Transaction child_of(
    const std::vector<Transaction>& parents,
    int64_t fee,
    const std::vector<uint32_t>& outputs = {0}) {
    Transaction tx;
    int64_t value = -fee;
    for (const Transaction& parent : parents)
        for (const uint32_t i : outputs) {
            tx.inputs.push_back(spend({{make_transaction(parent)->txid, i}}, {}).inputs.front());
            value += parent.outputs[i].value.value;
        }
    tx.outputs.push_back({value, anyone_script()});
    tx.version = parents[0].version;
    return tx;
}

/// With as many bytes more.
Transaction padded(Transaction tx, size_t bytes) {
    Script data;
    cairn::consensus::push_opcode(data, cairn::consensus::OP_RETURN);
    cairn::consensus::push_data(data, std::vector<uint8_t>(bytes));
    tx.outputs.push_back({0, data});
    return tx;
}

std::string verdict_of(const PackageOutcome& outcome) {
    return reason_of(outcome.verdict);
}

/// Why `tx` was refused; empty if it wasn't, "-" if it was not looked at.
std::string verdict_of(const PackageOutcome& outcome, const Transaction& tx) {
    const auto found = outcome.each.find(make_transaction(tx)->wtxid);
    return found == outcome.each.end() ? "-" : reason_of(found->second);
}

std::string detail_of(const Result<>& verdict) {
    return verdict ? std::string() : verdict.error().detail;
}

} // namespace

BOOST_AUTO_TEST_SUITE(package)

BOOST_AUTO_TEST_CASE(check_package__one_rule_broken__names_that_rule) {
    const auto tx = [](uint8_t n) {
        return spend(
            {{Txid(cairn::consensus::sha256(std::vector<uint8_t>{n})), 0}},
            {{COIN, anyone_script()}});
    };
    const auto check = [](const std::vector<Transaction>& package) {
        std::vector<TransactionRef> transactions;
        transactions.reserve(package.size());
        for (const Transaction& each : package) transactions.push_back(make_transaction(each));
        return reason_of(check_package(transactions));
    };
    const Transaction parent = tx(1);
    BOOST_TEST(check({parent, child_of({parent}, 1)}).empty());
    std::vector<Transaction> many;
    for (uint8_t i = 0; i < 26; ++i) many.push_back(tx(i));
    BOOST_TEST(check(many) == "package-too-many-transactions");
    many.resize(5);
    for (Transaction& each : many) each = padded(each, 25'000);
    BOOST_TEST(check(many) == "package-too-large");
    BOOST_TEST(check({parent, parent}) == "package-contains-duplicates");
    BOOST_TEST(check({child_of({parent}, 1), parent}) == "package-not-sorted");
    Transaction rival = parent;
    rival.outputs[0].value -= Amount(1);
    BOOST_TEST(check({parent, rival}) == "conflict-in-package");
}

BOOST_AUTO_TEST_CASE(is_child_with_parents__by_topology) {
    Funded test(2);
    const TransactionRef a = make_transaction(test.payment(test.coins[0], 1));
    const TransactionRef b = make_transaction(test.payment(test.coins[1], 1));
    const TransactionRef child = make_transaction(child_of({*a, *b}, 1));
    const TransactionRef below = make_transaction(child_of({*child}, 1));
    using Package = std::vector<TransactionRef>;
    BOOST_TEST(is_child_with_parents(Package{a}));
    BOOST_TEST(is_child_with_parents(Package{a, b, child}));
    BOOST_TEST(!is_child_with_parents(Package{a, b}));
    BOOST_TEST(!is_child_with_parents(Package{a, child, below}));
}

BOOST_AUTO_TEST_CASE(submit__child_pays_for_its_parent__both_get_in) {
    Funded test;
    const Transaction parent = test.payment(test.coins[0], 0);
    const Transaction child = child_of({parent}, 5'000);
    BOOST_TEST(reason_of(test.pay(parent)) == "min relay fee not met");
    const PackageOutcome outcome = test.submit_package({parent, child});
    BOOST_TEST(verdict_of(outcome).empty());
    for (const Transaction& tx : {parent, child}) {
        const Accepted accepted = outcome.each.at(make_transaction(tx)->wtxid).value();
        BOOST_TEST(accepted.effective_of.size() == 2u);
        BOOST_TEST(
            (accepted.effective_feerate ==
             FeeRate::of(
                 5'000, make_transaction(parent)->vsize() + make_transaction(child)->vsize())));
        BOOST_TEST(test.waits(tx));
    }
    // Again: they wait already; with another witness, too.
    const PackageOutcome again = test.submit_package({parent, child});
    BOOST_TEST(verdict_of(again).empty());
    BOOST_TEST(again.each.at(make_transaction(child)->wtxid).value().effective_of.empty());
    Transaction other = parent;
    other.inputs[0].witness.push_back({});
    const PackageOutcome differs = test.submit_package({other, child});
    BOOST_TEST(
        (differs.each.at(make_transaction(other)->wtxid).value().waits_as ==
         make_transaction(parent)->wtxid));
    test.mine();
    BOOST_TEST(test.chain().mempool()->size() == 0u);
}

BOOST_AUTO_TEST_CASE(submit__what_is_bad__says_of_which_why) {
    Funded test;
    const Transaction parent = test.payment(test.coins[0], 0);
    // All together pay too little.
    const Transaction poor = child_of({parent}, 1);
    PackageOutcome outcome = test.submit_package({parent, poor});
    BOOST_TEST(verdict_of(outcome) == "transaction failed");
    BOOST_TEST(verdict_of(outcome, parent) == "min relay fee not met");
    BOOST_TEST(verdict_of(outcome, poor) == "min relay fee not met");
    // The child is bad whoever pays; the parent gets in.
    const Transaction rich = test.payment(test.coins[1], 5'000);
    Transaction odd = child_of({rich}, 5'000);
    odd.version = 9;
    outcome = test.submit_package({rich, odd});
    BOOST_TEST(verdict_of(outcome) == "transaction failed");
    BOOST_TEST(verdict_of(outcome, rich).empty());
    BOOST_TEST(verdict_of(outcome, odd) == "version");
    // Its script fails when fees are fine already.
    Transaction unsigned_child = child_of({parent}, 5'000);
    unsigned_child.inputs[0].witness.clear();
    outcome = test.submit_package({parent, unsigned_child});
    BOOST_TEST(verdict_of(outcome) == "transaction failed");
    BOOST_TEST(verdict_of(outcome, unsigned_child).starts_with("mempool-script-verify-flag"));
    BOOST_TEST(!test.waits(parent));
    // It pays more than the sender wants to.
    const AcceptOptions cautious{.max_feerate = FeeRate{20'000}};
    outcome = test.submit_package({parent, child_of({parent}, 500'000)}, cautious);
    BOOST_TEST(verdict_of(outcome, child_of({parent}, 500'000)) == "max feerate exceeded");
    BOOST_TEST(verdict_of(test.submit_package({parent, parent})) == "package-contains-duplicates");
    BOOST_TEST(test.chain().mempool()->size() == 1u);
}

BOOST_AUTO_TEST_CASE(test_only__each_pays_for_itself__nothing_is_kept) {
    Funded test;
    const AcceptOptions only{.test_only = true};
    const Transaction parent = test.payment(test.coins[0], 5'000);
    const Transaction child = child_of({parent}, 5'000);
    BOOST_TEST(verdict_of(test.submit_package({parent, child}, only)).empty());
    const Transaction free = test.payment(test.coins[0], 0);
    const PackageOutcome poor = test.submit_package({free, child_of({free}, 5'000)}, only);
    BOOST_TEST(verdict_of(poor) == "transaction failed");
    BOOST_TEST(verdict_of(poor, free) == "min relay fee not met");
    BOOST_TEST(verdict_of(poor, child_of({free}, 5'000)) == "-");
    BOOST_TEST(reason_of(test.pay(parent)).empty());
    const Transaction rival = test.payment(test.coins[0], 500'000);
    const Transaction other = test.payment(test.coins[1], 5'000);
    BOOST_TEST(
        verdict_of(test.submit_package({rival, other}, only), rival) ==
        "bip125-replacement-disallowed");
    BOOST_TEST(test.chain().mempool()->size() == 1u);
}

BOOST_AUTO_TEST_CASE(replacement__by_a_package__if_it_is_one_pair_that_pays_more) {
    Funded test;
    const Transaction old = test.payment(test.coins[0], 10'000);
    BOOST_TEST(reason_of(test.pay(old)).empty());
    const auto try_pair = [&](int64_t parent_fee, int64_t child_fee) {
        const Transaction parent = test.payment(test.coins[0], parent_fee);
        return words_of(test.submit_package({parent, child_of({parent}, child_fee)}).verdict);
    };
    const std::string too_little =
        "package RBF failed: insufficient anti-DoS fees, rejecting replacement ";
    BOOST_TEST(try_pair(500, 5'000).starts_with(too_little));
    BOOST_TEST(
        try_pair(500, 5'000).ends_with(", less fees than conflicting txs; 0.000055 < 0.0001"));
    BOOST_TEST(try_pair(500, 9'510).starts_with(too_little));
    BOOST_TEST(try_pair(500, 9'510)
                   .ends_with(", not enough additional fees to relay; 0.0000001 < 0.0000002"));
    BOOST_TEST(
        try_pair(9'999, 9'000) ==
        "package RBF failed: package feerate is less than or equal to parent feerate, "
        "package feerate 0.00098953 <= parent feerate is 0.00104156");
    BOOST_TEST(
        try_pair(500, 11'000) ==
        "package RBF failed: insufficient feerate: does not improve feerate diagram");
    const Transaction waiting = test.payment(test.coins[1], 10'000);
    BOOST_TEST(reason_of(test.pay(waiting)).empty());
    Transaction parent = test.payment(test.coins[0], 500);
    const Transaction with_ancestor = child_of({parent, waiting}, 100'000);
    BOOST_TEST(
        verdict_of(test.submit_package({parent, with_ancestor})) ==
        "package RBF failed: new transaction cannot have mempool ancestors");
    const Transaction second = test.payment(test.coins[2], 0);
    BOOST_TEST(
        verdict_of(test.submit_package({parent, second, child_of({parent, second}, 100'000)})) ==
        "package RBF failed: package must be 1-parent-1-child");
    const PackageOutcome good = test.submit_package({parent, child_of({parent}, 40'000)});
    BOOST_TEST(verdict_of(good).empty());
    BOOST_TEST((good.replaced == std::vector<Txid>{make_transaction(old)->txid}));
    BOOST_TEST(!test.waits(old));
}

BOOST_AUTO_TEST_CASE(replacement__by_a_package__not_of_more_than_100_clusters) {
    Funded test(2);
    std::vector<OutPoint> coins;
    for (const OutPoint& coin : test.coins) {
        const Transaction split = test.payment(coin, 20'000, 51);
        BOOST_TEST(reason_of(test.pay(split)).empty());
        for (uint32_t i = 0; i < 51; ++i) coins.push_back({make_transaction(split)->txid, i});
    }
    test.mine();
    coins.pop_back();
    Amount sum;
    for (const OutPoint& coin : coins) {
        const Amount value = test.chain().find_coin(coin, false)->out.value;
        sum += value;
        BOOST_REQUIRE(test.pay(spend({coin}, {{value - Amount(1'000), anyone_script()}})));
    }
    const Transaction parent = spend(coins, {{sum, anyone_script()}});
    BOOST_TEST(
        verdict_of(test.submit_package({parent, child_of({parent}, 5'000'000)})) ==
        "package RBF failed: too many potential replacements");
}

BOOST_AUTO_TEST_CASE(truc__one_rule_broken__says_which) {
    Funded test;
    const auto violation = [&](const Transaction& tx) {
        const Result<Accepted> result = test.pay(tx);
        BOOST_TEST(reason_of(result) == "TRUC-violation");
        return result ? std::string() : result.error().detail;
    };
    const auto says = [&](const Transaction& tx, std::string_view what) {
        return violation(tx).find(what) != std::string::npos;
    };
    BOOST_TEST(says(padded(test.payment(test.coins[0], 50'000, 1, 3), 10'000), "is too big: "));
    const Transaction parent = test.payment(test.coins[0], 5'000, 3, 3);
    const Transaction plain = test.payment(test.coins[1], 5'000, 1, 2);
    for (const Transaction& tx : {parent, plain}) BOOST_TEST(reason_of(test.pay(tx)).empty());
    Transaction child = child_of({parent}, 5'000);
    child.version = 2;
    BOOST_TEST(says(child, "cannot spend from version=3 tx"));
    child = child_of({plain}, 5'000);
    child.version = 3;
    BOOST_TEST(says(child, "cannot spend from non-version=3 tx"));
    child = child_of({parent}, 5'000);
    BOOST_TEST(says(padded(child, 1'000), "version=3 child tx"));
    BOOST_TEST(reason_of(test.pay(child)).empty());
    const TransactionRef third_in_line = make_transaction(child_of({child}, 5'000));
    BOOST_TEST(
        violation(*third_in_line) == "tx " + third_in_line->txid.to_string() +
                                         " (wtxid=" + third_in_line->wtxid.to_string() +
                                         ") would have too many ancestors");
    // A sibling makes way for one that pays more.
    const Transaction poor = child_of({parent}, 5'001, {1});
    BOOST_TEST(reason_of(test.pay(poor)) == "insufficient fee (including sibling eviction)");
    const Transaction rich = child_of({parent}, 50'000, {1});
    BOOST_TEST(reason_of(test.pay(rich)).empty());
    BOOST_TEST(!test.waits(child));
    // Not in a package.
    const Transaction third = child_of({parent}, 0, {2});
    BOOST_TEST(
        verdict_of(test.submit_package({third, child_of({third}, 90'000)}), third) ==
        "TRUC-violation");
}

BOOST_AUTO_TEST_CASE(truc__in_a_package__by_all_that_comes) {
    Funded test;
    const AcceptOptions only{.test_only = true};
    const Transaction parent = test.payment(test.coins[0], 5'000, 2, 3);
    const Transaction child = child_of({parent}, 5'000);
    const Transaction sibling = child_of({parent}, 5'000, {1});
    const PackageOutcome two = test.submit_package({parent, child, sibling}, only);
    BOOST_TEST(verdict_of(two) == "TRUC-violation");
    BOOST_TEST(detail_of(two.verdict).ends_with("would exceed descendant count limit"));
    const PackageOutcome three =
        test.submit_package({parent, child, child_of({child}, 5'000)}, only);
    BOOST_TEST(detail_of(three.verdict).ends_with("would have too many ancestors"));
    BOOST_TEST(verdict_of(test.submit_package({parent, child}, only)).empty());
}

BOOST_AUTO_TEST_CASE(truc__reorganisation__its_rules_don_t_hold) {
    Funded test;
    const Transaction parent = test.payment(test.coins[0], 5'000, 2, 3);
    const Transaction child = child_of({parent}, 5'000);
    for (const Transaction& tx : {parent, child}) BOOST_TEST(reason_of(test.pay(tx)).empty());
    test.mine();
    Transaction below = child_of({child}, 5'000);
    below.version = 2;
    BOOST_TEST(reason_of(test.pay(below)).empty());
    BOOST_TEST(test.invalidate(test.tip()).has_value());
    BOOST_TEST(test.chain().mempool()->size() == 3u);
    // Now its sibling has a child, so that it doesn't make way.
    const Result<> rival = test.pay(child_of({parent}, 500'000, {1})).error();
    BOOST_TEST(reason_of(rival) == "TRUC-violation");
    BOOST_TEST(detail_of(rival).ends_with("would exceed descendant count limit"));
}

BOOST_AUTO_TEST_CASE(ephemeral_dust__spent_at_once_or_not_at_all) {
    Funded test;
    Transaction dusty = test.payment(test.coins[0], 0, 1, 3);
    dusty.outputs.push_back({0, anyone_script()});
    const Transaction wasteful = child_of({dusty}, 5'000);
    PackageOutcome outcome = test.submit_package({dusty, wasteful});
    BOOST_TEST(verdict_of(outcome) == "unspent-dust");
    BOOST_TEST(words_of(outcome.each.at(make_transaction(wasteful)->wtxid))
                   .ends_with(") did not spend parent's ephemeral dust"));
    const Transaction sweep = child_of({dusty}, 5'000, {0, 1});
    outcome = test.submit_package({dusty, sweep});
    BOOST_TEST(verdict_of(outcome).empty());
    // Nor may a replacement leave it.
    BOOST_TEST(reason_of(test.pay(child_of({dusty}, 50'000))) == "missing-ephemeral-spends");
    // One with a fee would be mined for itself.
    Transaction paying = test.payment(test.coins[1], 1'000, 1, 3);
    paying.outputs.push_back({0, anyone_script()});
    outcome = test.submit_package({paying, child_of({paying}, 5'000, {0, 1})});
    BOOST_TEST(
        words_of(outcome.each.at(make_transaction(paying)->wtxid)) ==
        "dust, tx with dust output must be 0-fee");
}

BOOST_AUTO_TEST_CASE(restart__mempool__is_saved_and_loaded) {
    Funded test;
    const Transaction parent = test.payment(test.coins[0], 100);
    const Txid parent_id = make_transaction(parent)->txid;
    const Transaction child = spend({{parent_id, 0}}, {{COIN, anyone_script()}});
    BOOST_TEST(reason_of(test.pay(parent)).empty());
    test.now += 60;
    BOOST_TEST(reason_of(test.pay(child)).empty());
    test.prioritise(parent_id, 777);
    const Txid absent = make_transaction(test.payment(test.coins[3], 0))->txid;
    test.prioritise(absent, 5);
    test.wait_for_mempool();
    test.close();
    test.now += 60;
    test.open();
    test.wait_for_mempool();
    const MempoolReader pool = test.chain().mempool();
    BOOST_TEST(pool->size() == 2u);
    BOOST_REQUIRE(pool->find(parent_id));
    BOOST_TEST(pool->find(parent_id)->time == START_TIME);
    BOOST_TEST(pool->find(parent_id)->modified_fee == Amount(877));
    BOOST_TEST(pool->priority(absent) == Amount(5));
}

BOOST_AUTO_TEST_CASE(import__a_saved_mempool__with_what_is_wanted) {
    Funded test;
    const Transaction tx = test.payment(test.coins[0], 5'000);
    const Txid txid = make_transaction(tx)->txid;
    BOOST_TEST(reason_of(test.pay(tx)).empty());
    test.prioritise(txid, 100);

    struct Watch : ChainObserver {
        std::vector<Txid> unsent;

        void transaction_unsent(const TransactionRef& unsent_tx) override {
            unsent.push_back(unsent_tx->txid);
        }
    } watch;

    const std::filesystem::path file = test.chain().save_mempool({txid}).value();
    BOOST_TEST(file == test.directory() / "mempool.dat");
    test.chain().add_observer(watch);
    const auto import = [&](const std::filesystem::path& from, const MempoolImport& what) {
        std::promise<bool> done;
        test.chain().import_mempool(from, what, [&](bool good) { done.set_value(good); });
        return done.get_future().get();
    };
    BOOST_TEST(!import(test.directory() / "absent", {}));
    BOOST_TEST(import(file, {}));
    BOOST_TEST(test.chain().mempool()->priority(txid) == Amount(100));
    BOOST_TEST(watch.unsent.empty());
    BOOST_TEST(import(file, {.times = true, .priorities = true, .unbroadcast = true}));
    BOOST_TEST(test.chain().mempool()->priority(txid) == Amount(200));
    BOOST_TEST((watch.unsent == std::vector<Txid>{txid}));
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    BOOST_TEST(!import(file, {.times = true, .priorities = true})); // though it takes what is there
    BOOST_TEST(test.chain().mempool()->priority(txid) == Amount(300));
    test.chain().remove_observer(watch);
}

BOOST_AUTO_TEST_CASE(import__what_comes_from_the_file__is_told_as_such) {
    struct Watch : ChainObserver {
        std::vector<bool> saved;

        void transaction_added(const MempoolEvent& event) override { saved.push_back(event.saved); }
    } watch;

    Funded source;
    Funded test; // the same chain
    BOOST_REQUIRE((source.tip().hash == test.tip().hash));
    test.chain().add_observer(watch);
    for (Funded* chain : {&source, &test})
        BOOST_TEST(reason_of(chain->pay(chain->payment(chain->coins[0], 5'000))).empty());
    BOOST_TEST(reason_of(source.pay(source.payment(source.coins[1], 5'000))).empty());
    std::promise<bool> done;
    const std::filesystem::path file = source.chain().save_mempool({}).value();
    test.chain().import_mempool(file, {}, [&](bool good) { done.set_value(good); });
    BOOST_TEST(done.get_future().get());
    test.chain().remove_observer(watch);
    BOOST_TEST((watch.saved == std::vector<bool>{false, true}));
}

BOOST_AUTO_TEST_CASE(accept__queue_full__only_those_that_must_wait) {
    Funded test;
    const TransactionRef tx = make_transaction(test.payment(test.coins[0], 10'000));
    std::promise<void> go; // until then the chain thread stands still
    test.chain().prioritise({}, 0, [held = go.get_future().share()] { held.wait(); });
    std::atomic<int> busy{0};
    while (busy == 0)
        test.chain().accept_transaction(tx, {}, [&](const Result<Accepted>& result) {
            if (!result && result.error().kind == Reject::Kind::Busy) ++busy;
        });
    std::vector<std::string> reasons;
    test.chain().accept_transaction(tx, {.must = true}, [&](const Result<Accepted>& result) {
        reasons.push_back(reason_of(result));
    });
    BOOST_TEST(reasons.empty());
    go.set_value();
    test.wait();
    BOOST_TEST(busy == 1);
    BOOST_TEST(reasons == std::vector<std::string>{"txn-already-in-mempool"});
}

BOOST_AUTO_TEST_SUITE_END()
