// SPDX-License-Identifier: MIT
// What gets into the mempool, and by which name the rest is refused.
#include "chain/policy.h"
#include "consensus/standard.h"
#include "tests/chain/fixture.h"

#include <boost/test/data/test_case.hpp>

using namespace cairn::tests;
using cairn::consensus::COIN;
using cairn::consensus::make_transaction;

namespace {

constexpr Amount FEE = 10'000;

Txid txid_of(const Transaction& tx) {
    return make_transaction(tx)->txid;
}

/// A chain with coins to spend.
struct Funded : TestChain {
    std::vector<OutPoint> coins;

    explicit Funded(int count = 4, Params params = test_params()) : TestChain(std::move(params)) {
        open();
        coins = mature_coins(count);
    }

    /// Pays `fee` and returns the rest.
    Transaction payment(const OutPoint& coin, Amount fee = FEE) {
        return spend({coin}, {{coin_value(params(), fee), anyone_script()}});
    }
};

std::string refusal(TestChain& test, const Transaction& tx) {
    return reason_of(test.pay(tx));
}

} // namespace

BOOST_AUTO_TEST_SUITE(admission)

BOOST_AUTO_TEST_CASE(accept__standard_payment__waits_with_its_fee) {
    Funded test;
    const Transaction tx = test.payment(test.coins[0]);
    const Result<Accepted> accepted = test.pay(tx);
    BOOST_REQUIRE(accepted);
    BOOST_TEST(accepted->fee == FEE);
    {
        const MempoolReader pool = test.chain().mempool();
        const MempoolEntry* entry = pool->find(txid_of(tx));
        BOOST_REQUIRE(entry);
        BOOST_TEST(entry->vsize() == make_transaction(tx)->vsize());
        BOOST_TEST(entry->time == START_TIME);
        BOOST_TEST(pool->total_fee() == FEE);
        BOOST_TEST(entry->spends_coinbase);
        BOOST_TEST((pool->spender(test.coins[0]) == entry));
    }
    BOOST_TEST(!test.chain().find_coin(test.coins[0], true));
    BOOST_TEST(test.chain().find_coin(test.coins[0], false).has_value());
    const auto coin = test.chain().find_coin({txid_of(tx), 0}, true);
    BOOST_REQUIRE(coin);
    BOOST_TEST(coin->height == Chain::MEMPOOL_HEIGHT);
}

BOOST_AUTO_TEST_CASE(accept__test_only__changes_nothing) {
    Funded test;
    BOOST_TEST(test.pay(test.payment(test.coins[0]), {.test_only = true}).has_value());
    BOOST_TEST(test.chain().mempool()->size() == 0u);
}

BOOST_AUTO_TEST_CASE(accept__fee_above_what_the_sender_allows__refused_if_all_else_is_good) {
    Funded test;
    const Transaction tx = test.payment(test.coins[0]);
    const AcceptOptions less{.max_fee = FEE - Amount(1)};
    Transaction bad = tx;
    bad.inputs[0].witness.clear();
    BOOST_TEST(reason_of(test.pay(bad, less)).starts_with("mempool-script-verify-flag-failed"));
    BOOST_TEST(reason_of(test.pay(tx, less)) == "max-fee-exceeded");
    BOOST_TEST(test.chain().mempool()->size() == 0u);
    test.chain().prioritise(txid_of(tx), 1'000'000, [] {}); // which nobody pays
    BOOST_TEST(test.pay(tx, {.max_fee = FEE}).has_value());
}

namespace {

using Break = std::function<void(Transaction&)>;

Script script_of(std::initializer_list<uint8_t> bytes) {
    return Script(std::vector<uint8_t>(bytes));
}

Script bare_multisig(int keys) {
    Script bare;
    cairn::consensus::push_number(bare, 1);
    for (int i = 0; i < keys; ++i) cairn::consensus::push_data(bare, std::vector<uint8_t>(33, 2));
    cairn::consensus::push_number(bare, keys);
    cairn::consensus::push_opcode(bare, cairn::consensus::OP_CHECKMULTISIG);
    return bare;
}

/// A reason, and what has to be done to a valid payment to get it. `young`: a coinbase's output
/// that isn't mature; `next_height`: of the next block.
std::vector<std::pair<std::string_view, Break>>
broken_rules(const OutPoint& young, uint32_t next_height) {
    return {
        {"bad-txns-vout-empty", [](auto& tx) { tx.outputs.clear(); }},
        {"coinbase",
         [](auto& tx) {
             tx.inputs[0].prevout = {{}, OutPoint::NULL_INDEX};
             tx.inputs[0].script_sig = Script(std::vector<uint8_t>(2, 1));
         }},
        {"version", [](auto& tx) { tx.version = 4; }},
        {"version", [](auto& tx) { tx.version = 0; }},
        {"tx-size", [](auto& tx) { tx.outputs.resize(2400, tx.outputs[0]); }},
        {"scriptsig-size",
         [](auto& tx) { tx.inputs[0].script_sig = Script(std::vector<uint8_t>(1651, 0x51)); }},
        {"scriptsig-not-pushonly",
         [](auto& tx) { tx.inputs[0].script_sig = script_of({cairn::consensus::OP_NOP}); }},
        {"scriptpubkey",
         [](auto& tx) { tx.outputs[0].script_pubkey = script_of({cairn::consensus::OP_1}); }},
        {"scriptpubkey", [](auto& tx) { tx.outputs[0].script_pubkey = bare_multisig(4); }},
        {"dust",
         [](auto& tx) {
             tx.outputs.resize(3, {1, anyone_script()});
         }},
        {"dust",
         [](auto& tx) {
             tx.outputs.push_back({1, anyone_script()});
         }},
        {"tx-size-small",
         [](auto& tx) {
             tx.outputs = {{0, script_of({cairn::consensus::OP_RETURN})}};
         }},
        {"non-final",
         [next_height](auto& tx) {
             tx.lock_time = next_height;
             tx.inputs[0].sequence = 0;
         }},
        {"bad-txns-inputs-missingorspent", [](auto& tx) { tx.inputs[0].prevout.index = 9; }},
        {"non-BIP68-final", [](auto& tx) { tx.inputs[0].sequence = 100; }},
        {"bad-txns-premature-spend-of-coinbase",
         [young](auto& tx) { tx.inputs[0].prevout = young; }},
        {"bad-txns-in-belowout", [](auto& tx) { tx.outputs[0].value += FEE + Amount(1); }},
        {"bad-witness-nonstandard",
         [](auto& tx) { tx.inputs[0].witness.push_back(std::vector<uint8_t>(3601)); }},
        {"min relay fee not met", [](auto& tx) { tx.outputs[0].value += FEE; }},
        {"mempool-script-verify-flag-failed (Witness program hash mismatch)",
         [](auto& tx) {
             tx.inputs[0].witness.clear();
             tx.inputs[0].witness.push_back({});
         }},
        {"mempool-script-verify-flag-failed (Witness program was passed an empty witness)",
         [](auto& tx) { tx.inputs[0].witness.clear(); }},
    };
}

} // namespace

/// Break a valid payment in one way; expect exactly one reason.
BOOST_AUTO_TEST_CASE(accept__one_rule_broken__names_that_rule) {
    Funded test(1);
    const OutPoint young{test.mine()->transactions[0].txid, 0};
    const auto next_height = static_cast<uint32_t>(test.tip().height.value + 1);
    for (const auto& [reason, break_it] : broken_rules(young, next_height)) {
        Transaction tx = test.payment(test.coins[0]);
        break_it(tx);
        BOOST_TEST(refusal(test, tx) == reason);
        BOOST_TEST(test.chain().mempool()->size() == 0u);
    }
    BOOST_TEST(refusal(test, test.payment(test.coins[0])).empty());
}

BOOST_AUTO_TEST_CASE(accept__script_failures__tell_whose_fault_it_is) {
    Funded test;
    Transaction stripped = test.payment(test.coins[0]);
    stripped.inputs[0].witness.clear();
    BOOST_TEST((test.pay(stripped).error().kind == Reject::Kind::Mutated));
    Transaction wrong = test.payment(test.coins[0]);
    wrong.inputs[0].witness.clear();
    wrong.inputs[0].witness.push_back({});
    BOOST_TEST((test.pay(wrong).error().kind == Reject::Kind::Invalid));
    Transaction unknown = test.payment(test.coins[0]);
    unknown.inputs[0].prevout.index = 8;
    BOOST_TEST((test.pay(unknown).error().kind == Reject::Kind::MissingInputs));
}

BOOST_AUTO_TEST_CASE(accept__many_at_once__each_judged_as_if_alone) {
    constexpr uint32_t COUNT = 300;
    constexpr Amount VALUE = COIN / 10;
    Funded test(1);
    const Transaction split =
        spend({test.coins[0]}, std::vector<TxOut>(COUNT, TxOut{VALUE, anyone_script()}));
    BOOST_REQUIRE(refusal(test, split).empty());
    test.mine();
    // Their scripts are checked by other threads, while those before them may still be refused.
    std::vector<std::string> reasons(COUNT);
    for (uint32_t i = 0; i < COUNT; ++i) {
        const bool conflicts = i % 3 == 2; // with the one before last, for less
        const uint32_t coin = conflicts ? i - 2 : i;
        const Amount fee = conflicts ? FEE - Amount(1) : FEE;
        Transaction tx = spend({{txid_of(split), coin}}, {{VALUE - fee, anyone_script()}});
        if (i % 3 == 1) {
            tx.inputs[0].witness.clear();
            tx.inputs[0].witness.push_back({});
        }
        test.chain().accept_transaction(
            make_transaction(tx), {}, [&reason = reasons[i]](const Result<Accepted>& accepted) {
                reason = reason_of(accepted);
            });
    }
    test.wait();
    for (uint32_t i = 0; i < COUNT; ++i) {
        const std::string expected[] = {
            "", "mempool-script-verify-flag-failed (Witness program hash mismatch)",
            "insufficient fee"};
        BOOST_TEST(reasons[i] == expected[i % 3]);
    }
    BOOST_TEST(test.chain().mempool()->size() == COUNT / 3);
}

BOOST_AUTO_TEST_CASE(accept__scripts_that_failed_ahead__are_not_run_again) {
    Funded test(1);
    test.close();
    test.open(); // now the coin is on the disk only
    const auto script_seconds = [&] {
        return test.chain().statistics().stage_seconds[size_t(Stage::Scripts)];
    };
    Transaction stripped = test.payment(test.coins[0]);
    stripped.inputs[0].witness.clear();
    std::vector<std::string> reasons;
    const auto keep = [&](const Result<Accepted>& result) { reasons.push_back(reason_of(result)); };
    const double before = script_seconds();
    std::promise<void> go; // until then the chain thread stands still
    test.chain().prioritise({}, 0, [held = go.get_future().share()] { held.wait(); });
    test.chain().accept_transaction(make_transaction(test.payment(test.coins[0], 0)), {}, keep);
    test.chain().accept_transaction(make_transaction(stripped), {}, keep);
    while (script_seconds() == before) std::this_thread::yield();
    const double ahead = script_seconds();
    go.set_value();
    test.wait();
    BOOST_TEST(script_seconds() == ahead);
    BOOST_TEST(reasons.at(0) == "min relay fee not met");
    BOOST_TEST(
        reasons.at(1) ==
        "mempool-script-verify-flag-failed (Witness program was passed an empty witness)");
}

BOOST_AUTO_TEST_CASE(accept__again__is_known) {
    Funded test;
    const Transaction tx = test.payment(test.coins[0]);
    BOOST_TEST(refusal(test, tx).empty());
    BOOST_TEST(refusal(test, tx) == "txn-already-in-mempool");
    Transaction other = tx;
    other.inputs[0].witness.push_back({});
    BOOST_TEST(refusal(test, other) == "txn-same-nonwitness-data-in-mempool");
    test.mine();
    BOOST_TEST(refusal(test, tx) == "txn-already-known");
    BOOST_TEST((test.pay(tx).error().kind == Reject::Kind::Known));
}

BOOST_AUTO_TEST_CASE(accept__sigops__cost_size_and_have_a_limit) {
    Funded test;
    Script many; // each bare OP_CHECKMULTISIG counts 20
    for (int i = 0; i < 3; ++i)
        cairn::consensus::push_opcode(many, cairn::consensus::OP_CHECKMULTISIG);
    Script locked = cairn::consensus::pay_to_witness(
        0, cairn::consensus::sha256({many.data(), many.size()}).bytes);
    const Transaction funding =
        spend({test.coins[0]}, std::vector<TxOut>(300, TxOut{COIN / 100, locked}));
    BOOST_TEST(refusal(test, funding).empty());
    test.mine();
    const auto spend_of = [&](uint32_t count) {
        Transaction tx;
        for (uint32_t i = 0; i < count; ++i) {
            auto& in = tx.inputs.emplace_back();
            in.prevout = {txid_of(funding), i};
            in.witness.push_back({many.data(), many.size()});
        }
        tx.outputs.push_back({COIN / 200, anyone_script()});
        return tx;
    };
    BOOST_TEST(refusal(test, spend_of(267)) == "bad-txns-too-many-sigops"); // 60 each
    BOOST_TEST(policy_weight(400, 60, 20) == 1200);
    BOOST_TEST(policy_weight(4000, 60, 20) == 4000);
}

BOOST_AUTO_TEST_CASE(accept__options__decide_multisig_and_data) {
    TestChain test;
    test.options().permit_bare_multisig = false;
    test.options().max_datacarrier_bytes = 0;
    test.open();
    const OutPoint coin = test.mature_coins(1)[0];
    const Script bare = bare_multisig(1);
    BOOST_TEST(refusal(test, spend({coin}, {{COIN, bare}})) == "bare-multisig");
    Script data;
    cairn::consensus::push_opcode(data, cairn::consensus::OP_RETURN);
    BOOST_TEST(refusal(test, spend({coin}, {{COIN, data}})) == "datacarrier");
}

BOOST_AUTO_TEST_CASE(accept__relative_lock__until_it_has_passed) {
    Funded test(1);
    Transaction tx = test.payment(test.coins[0]);
    const Height coin_height = test.chain().find_coin(test.coins[0], false)->height;
    tx.inputs[0].sequence = static_cast<uint32_t>(test.tip().height.value + 2 - coin_height.value);
    BOOST_TEST(refusal(test, tx) == "non-BIP68-final");
    test.mine();
    BOOST_TEST(refusal(test, tx).empty());
}

BOOST_AUTO_TEST_CASE(replacement__pays_more__takes_the_place) {
    Funded test;
    const Transaction first = test.payment(test.coins[0], 1'000);
    const Transaction child = spend({{txid_of(first), 0}}, {{COIN, anyone_script()}});
    BOOST_TEST(refusal(test, first).empty());
    const auto size = make_transaction(first)->vsize();
    // Rule 4: the relay of the replacement is paid for, too (0.1 satoshi a byte).
    const auto extra = FeeRate{100}.fee(size);
    BOOST_TEST(extra == Amount(10));
    const auto check = [&](Amount fee, std::string_view why) {
        const Transaction tx = test.payment(test.coins[0], fee);
        BOOST_TEST(
            words_of(test.pay(tx)) == "insufficient fee, rejecting replacement " +
                                          txid_of(tx).to_string() + ", " + std::string(why));
    };
    check(999, "less fees than conflicting txs; 0.00000999 < 0.00001");
    check(
        Amount(1'000) + extra - Amount(1),
        "not enough additional fees to relay; 0.00000009 < 0.0000001");
    BOOST_TEST(refusal(test, child).empty());
    // Rule 3: the child's fee has to be made up for as well.
    check(5'000, "less fees than conflicting txs; 0.00005 < 49.00");
    const Result<Accepted> accepted = test.pay(test.payment(test.coins[0], 50 * COIN - 1'000));
    BOOST_REQUIRE(accepted);
    BOOST_TEST(accepted->replaced.size() == 2u);
    BOOST_TEST(test.chain().mempool()->size() == 1u);
}

BOOST_AUTO_TEST_CASE(replacement__spends_what_it_replaces__is_refused) {
    Funded test;
    const Transaction first = test.payment(test.coins[0]);
    BOOST_TEST(refusal(test, first).empty());
    const Transaction knot = spend({test.coins[0], {txid_of(first), 0}}, {{COIN, anyone_script()}});
    BOOST_TEST(
        words_of(test.pay(knot)) == "bad-txns-spends-conflicting-tx, " + txid_of(knot).to_string() +
                                        " spends conflicting transaction " +
                                        txid_of(first).to_string());
}

BOOST_AUTO_TEST_CASE(replacement__no_better_for_miners__is_refused) {
    Funded test;
    const Transaction first = test.payment(test.coins[0], 20'000);
    BOOST_TEST(refusal(test, first).empty());
    // Pays more in all, but less for each byte.
    std::vector<TxOut> many(100, TxOut{COIN / 10, anyone_script()});
    many[0].value = test.params().subsidy.value - 99 * COIN / 10 - 30'000;
    const Transaction dearer = spend({test.coins[0]}, many);
    BOOST_TEST(refusal(test, dearer) == "replacement-failed");
    // What is worked out for that is no stranger's who can't sign.
    Transaction unsigned_one = dearer;
    unsigned_one.inputs[0].witness.clear();
    unsigned_one.inputs[0].witness.push_back({});
    BOOST_TEST((test.pay(unsigned_one).error().kind == Reject::Kind::Invalid));
    test.prioritise(txid_of(first), -19'900);
    BOOST_TEST(refusal(test, spend({test.coins[0]}, many)).empty());
}

BOOST_AUTO_TEST_CASE(replacement__too_many_clusters_at_once__is_refused) {
    Funded test(2);
    std::vector<OutPoint> coins;
    for (const OutPoint& coin : test.coins) {
        const Transaction split =
            spend({coin}, std::vector<TxOut>(51, TxOut{COIN / 2, anyone_script()}));
        BOOST_TEST(refusal(test, split).empty());
        for (uint32_t i = 0; i < 51; ++i) coins.push_back({txid_of(split), i});
    }
    test.mine();
    coins.pop_back(); // 101 are left
    for (const OutPoint& coin : coins)
        BOOST_REQUIRE(refusal(test, spend({coin}, {{COIN / 2 - 1000, anyone_script()}})).empty());
    const std::vector<TxOut> rest{{COIN, anyone_script()}};
    BOOST_TEST(
        words_of(test.pay(spend(coins, rest))) ==
        "too many potential replacements, rejecting replacement " +
            txid_of(spend(coins, rest)).to_string() +
            "; too many conflicting clusters (101 > 100)");
    coins.pop_back();
    const Result<Accepted> accepted = test.pay(spend(coins, rest));
    BOOST_REQUIRE(accepted);
    BOOST_TEST(accepted->replaced.size() == 100u);
}

BOOST_AUTO_TEST_CASE(
    cluster__of_more_than_63_parents__is_refused_before_their_clusters_are_walked) {
    Funded test(65);
    std::vector<OutPoint> waiting;
    for (const OutPoint& coin : test.coins) {
        const Transaction tx =
            spend({coin}, {{test.params().subsidy - Amount(1'000), anyone_script()}});
        BOOST_TEST(refusal(test, tx).empty());
        waiting.push_back({txid_of(tx), 0});
    }
    const Transaction all = spend(waiting, {{1'000, anyone_script()}});
    waiting.pop_back();
    const Transaction too_many = spend(waiting, {{1'000, anyone_script()}});
    waiting.pop_back();
    for (const Transaction& tx : {all, too_many})
        BOOST_TEST(refusal(test, tx) == "too-large-cluster");
    BOOST_TEST(refusal(test, spend(waiting, {{1'000, anyone_script()}})).empty());
}

BOOST_AUTO_TEST_CASE(cluster__more_than_64__is_refused) {
    Funded test(1);
    OutPoint at = test.coins[0];
    for (int i = 1; i <= 65; ++i) {
        const Transaction tx =
            spend({at}, {{test.params().subsidy - Amount(int64_t{i} * 1'000), anyone_script()}});
        BOOST_TEST(refusal(test, tx) == (i <= 64 ? "" : "too-large-cluster"));
        at = {txid_of(tx), 0};
    }
}

BOOST_AUTO_TEST_CASE(cluster__more_than_101_kvb__is_refused) {
    constexpr int64_t LIMIT = 101'000L * 4; // weight
    Funded test(1);
    int64_t weight = 0;
    Amount left = test.params().subsidy;
    OutPoint at = test.coins[0];
    const auto with_data = [&](size_t bytes) {
        Script data(Bytes{cairn::consensus::OP_RETURN});
        push_data(data, Bytes(bytes));
        return spend({at}, {{left - Amount(20'000), anyone_script()}, {0, data}});
    };
    const auto weight_with = [&](const Transaction& tx) {
        return weight + make_transaction(tx)->weight();
    };
    for (int i = 0; i < 2; ++i) {
        const Transaction tx = with_data(40'000);
        BOOST_TEST(refusal(test, tx).empty());
        weight = weight_with(tx);
        left -= Amount(20'000);
        at = {txid_of(tx), 0};
    }
    size_t fits = 1'000; // bytes: so that one more is too much
    while (weight_with(with_data(fits + 1)) <= LIMIT) ++fits;
    BOOST_TEST(weight_with(with_data(fits)) > LIMIT - 4);
    BOOST_TEST(refusal(test, with_data(fits + 1)) == "too-large-cluster");
    BOOST_TEST(refusal(test, with_data(fits)).empty());
}

BOOST_AUTO_TEST_CASE(cluster__too_large_after_a_reorganisation__the_worst_goes) {
    constexpr int COUNT = 64;
    Funded test(1);
    const Transaction parent =
        spend({test.coins[0]}, std::vector<TxOut>(COUNT, TxOut{COIN / 2, anyone_script()}));
    BOOST_TEST(refusal(test, parent).empty());
    test.mine();
    std::vector<Txid> children; // the second pays least
    for (uint32_t i = 0; i < COUNT; ++i) {
        const Amount fee(i == 1 ? 500 : 1'000 + i);
        const Transaction child =
            spend({{txid_of(parent), i}}, {{Amount(COIN / 2) - fee, anyone_script()}});
        BOOST_TEST(refusal(test, child).empty());
        children.push_back(txid_of(child));
    }
    BOOST_TEST(test.invalidate(test.tip()).has_value());
    const MempoolReader pool = test.chain().mempool();
    BOOST_TEST((pool->find(txid_of(parent)) != nullptr));
    BOOST_TEST(pool->size() == size_t{COUNT});
    for (size_t i = 0; i < COUNT; ++i) BOOST_TEST((pool->find(children[i]) != nullptr) == (i != 1));
}

BOOST_AUTO_TEST_CASE(limits__mempool_full__drops_the_cheapest_and_raises_the_price) {
    TestChain test;
    test.options().max_mempool_bytes = 8'000;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(20);
    size_t accepted = 0;
    std::string reason;
    for (const OutPoint& coin : coins) {
        reason =
            refusal(test, spend({coin}, {{coin_value(test.params(), 1'000), anyone_script()}}));
        if (!reason.empty()) break;
        ++accepted;
    }
    BOOST_TEST(reason == "mempool full");
    BOOST_TEST(accepted > 5u);
    BOOST_TEST(test.chain().mempool()->memory_bytes() <= 8'000u);
    const FeeRate price = test.chain().mempool_min_feerate();
    BOOST_TEST((price > FeeRate::of(1'000, 100)));
    const Transaction same =
        spend({coins.back()}, {{coin_value(test.params(), 1'000), anyone_script()}});
    BOOST_TEST(refusal(test, same) == "mempool min fee not met");
    const Transaction more =
        spend({coins.back()}, {{coin_value(test.params(), 9'000), anyone_script()}});
    BOOST_TEST(refusal(test, more).empty());
    test.mine(); // makes room: from now on the price fades
    test.now += int64_t{12} * 3600;
    BOOST_TEST((test.chain().mempool_min_feerate() < price));
    test.now += int64_t{14} * 24 * 3600;
    BOOST_TEST((test.chain().mempool_min_feerate() == test.options().min_relay_feerate));
}

BOOST_AUTO_TEST_CASE(limits__price_that_has_faded__stays_so_when_more_waits) {
    TestChain test;
    test.options().max_mempool_bytes = 8'000;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(40);
    const auto pay = [&](size_t coin) {
        return refusal(
            test, spend({coins[coin]}, {{coin_value(test.params(), 1'000), anyone_script()}}));
    };
    size_t at = 0;
    while (pay(at).empty()) ++at;
    test.mine(); // an empty mempool forgets four times as fast as a full one
    const auto price = [&] { return test.chain().mempool_min_feerate(); };
    FeeRate last = price();
    const auto fill = [&](size_t bytes) {
        for (; test.chain().mempool()->memory_bytes() < bytes; ++at) {
            BOOST_REQUIRE(pay(at).empty());
            BOOST_TEST((price() <= last));
            last = price();
        }
    };
    test.now += int64_t{3} * 3600; // a half-life of the empty one
    BOOST_TEST(price().per_kvb.value == last.per_kvb.value / 2);
    last = price();
    fill(2'500);
    test.now += int64_t{6} * 3600; // one of what is a quarter full
    BOOST_TEST(price().per_kvb.value == last.per_kvb.value / 2);
    test.mine();
    test.now += int64_t{24} * 3600;
    last = price();
    BOOST_TEST((last == test.options().min_relay_feerate));
    fill(6'000);
}

BOOST_AUTO_TEST_CASE(limits__too_old__expires_with_what_depends_on_it) {
    Funded test;
    const Transaction old = test.payment(test.coins[0]);
    BOOST_TEST(refusal(test, old).empty());
    test.now += int64_t{335} * 3600;
    const Transaction child = spend({{txid_of(old), 0}}, {{COIN, anyone_script()}});
    BOOST_TEST(refusal(test, child).empty());
    const Transaction other = test.payment(test.coins[1]);
    BOOST_TEST(refusal(test, other).empty());
    test.now += int64_t{2} * 3600;
    BOOST_TEST(refusal(test, test.payment(test.coins[2])).empty());
    const MempoolReader pool = test.chain().mempool();
    BOOST_TEST(pool->size() == 2u);
    BOOST_TEST(!pool->find(txid_of(old)));
    BOOST_TEST((pool->find(txid_of(other)) != nullptr));
}

BOOST_AUTO_TEST_CASE(block__confirms_and_contradicts__both_leave) {
    Funded test;
    const Transaction confirmed = test.payment(test.coins[0]);
    const Transaction loser = test.payment(test.coins[1]);
    const Transaction child = spend({{txid_of(loser), 0}}, {{COIN, anyone_script()}});
    for (const Transaction& tx : {confirmed, loser, child}) BOOST_TEST(refusal(test, tx).empty());
    const Transaction winner = spend({test.coins[1]}, {{COIN, anyone_script()}});
    const Block block = make_block(
        test.tip(), test.params(), {make_transaction(confirmed), make_transaction(winner)});
    BOOST_TEST(test.submit(std::make_shared<const Block>(block)).on_active_chain);
    BOOST_TEST(test.chain().mempool()->size() == 0u);
}

BOOST_AUTO_TEST_CASE(block__known_payment_with_a_bad_witness__is_refused) {
    Funded test;
    const Transaction good = test.payment(test.coins[0]);
    BOOST_TEST(refusal(test, good).empty());
    Transaction bad = good;
    bad.inputs[0].witness.clear();
    const Block block = make_block(test.tip(), test.params(), {make_transaction(bad)});
    const BlockOutcome outcome = test.submit(std::make_shared<const Block>(block));
    BOOST_REQUIRE(!outcome.verdict);
    BOOST_TEST(outcome.verdict.error().reason.starts_with("block-script-verify-flag-failed"));
    BOOST_TEST((test.chain().mempool()->find(txid_of(good)) != nullptr));
}

BOOST_AUTO_TEST_CASE(prioritise__before_and_after_entry__counts_into_the_fee) {
    Funded test;
    const Transaction free = test.payment(test.coins[0], 0);
    BOOST_TEST(refusal(test, free) == "min relay fee not met");
    test.prioritise(txid_of(free), 5'000);
    BOOST_TEST(refusal(test, free).empty());
    BOOST_TEST(test.chain().mempool()->find(txid_of(free))->modified_fee == Amount(5'000));
    test.prioritise(txid_of(free), -2'000);
    BOOST_TEST(test.chain().mempool()->find(txid_of(free))->modified_fee == Amount(3'000));
    BOOST_TEST(test.chain().mempool()->find(txid_of(free))->fee == Amount(0));
    test.mine();
    BOOST_TEST(test.chain().mempool()->priorities().empty());
}

BOOST_AUTO_TEST_SUITE_END()
