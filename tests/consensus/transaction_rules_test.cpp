// SPDX-License-Identifier: MIT
#include "consensus/interpreter.h"
#include "consensus/transaction_rules.h"
#include "tests/consensus/builders.h"

#include <functional>

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(transaction_rules)

namespace {

std::string checked(const Transaction& tx) {
    static const Params PARAMS = regtest();
    return reason_of(check_transaction(SealedTransaction(tx), PARAMS));
}

} // namespace

BOOST_AUTO_TEST_CASE(check_transaction__valid__passes) {
    BOOST_TEST(checked(valid_transaction()) == "");
    BOOST_TEST(checked(valid_coinbase(1)) == "");
}

/// Break a valid transaction one way; expect exactly one reason.
BOOST_AUTO_TEST_CASE(check_transaction__one_rule_broken__names_that_rule) {
    const std::pair<std::string_view, std::function<void(Transaction&)>> rules[] = {
        {"bad-txns-vin-empty", [](auto& tx) { tx.inputs.clear(); }},
        {"bad-txns-vout-empty", [](auto& tx) { tx.outputs.clear(); }},
        {"bad-txns-oversize",
         [](auto& tx) { tx.outputs[0].script_pubkey.resize_for_overwrite(1'000'000); }},
        {"bad-txns-vout-negative", [](auto& tx) { tx.outputs[0].value = -1; }},
        {"bad-txns-vout-toolarge", [](auto& tx) { tx.outputs[0].value = MAX_MONEY + Amount(1); }},
        {"bad-txns-txouttotal-toolarge", // CVE-2010-5139
         [](auto& tx) {
             tx.outputs[0].value = MAX_MONEY;
             tx.outputs.push_back({.value = 1, .script_pubkey = {}});
         }},
        {"bad-txns-inputs-duplicate", // CVE-2018-17144
         [](auto& tx) { tx.inputs.push_back(tx.inputs[0]); }},
        {"bad-txns-inputs-duplicate", // among many, where they are sorted
         [](auto& tx) {
             for (uint8_t i = 2; i < 20; ++i) tx.inputs.push_back({.prevout = some_outpoint(i)});
             tx.inputs.push_back(tx.inputs[7]);
         }},
        {"bad-txns-prevout-null",
         [](auto& tx) { tx.inputs.push_back({.prevout = {.txid = {}, .index = 0xffffffff}}); }},
    };
    for (const auto& [reason, break_it] : rules) {
        Transaction tx = valid_transaction();
        break_it(tx);
        BOOST_TEST(checked(tx) == reason);
    }
}

/// Of two rules that are broken the reference names the first of these.
BOOST_AUTO_TEST_CASE(check_transaction__all_rules_broken__are_named_in_order) {
    Transaction tx = valid_transaction();
    const Transaction good = tx;
    const std::pair<std::string_view, std::function<void()>> rules[] = {
        {"bad-txns-vin-empty",
         [&] {
             tx.inputs = {{.prevout = {.index = 0xffffffff}}, {}, {}};
         }},
        {"bad-txns-vout-empty",
         [&] {
             tx.outputs = {{MAX_MONEY, {}}, {MAX_MONEY + Amount(1), {}}, {-1, {}}};
             tx.outputs[0].script_pubkey.resize_for_overwrite(1'000'000);
         }},
        {"bad-txns-oversize",
         [&] {
             tx.outputs[0].script_pubkey.clear();
             std::swap(tx.outputs[0], tx.outputs[2]);
         }},
        {"bad-txns-vout-negative", [&] { tx.outputs[0].value = 1; }},
        {"bad-txns-vout-toolarge", [&] { tx.outputs[1].value = 1; }},
        {"bad-txns-txouttotal-toolarge", [&] { tx.outputs.pop_back(); }},
        {"bad-txns-inputs-duplicate", [&] { tx.inputs.pop_back(); }},
        {"bad-txns-prevout-null", [&] { tx.inputs = good.inputs; }},
        {"", [] {}},
    };
    tx.inputs.clear();
    tx.outputs.clear();
    for (const auto& [reason, mend] : rules) {
        BOOST_TEST(checked(tx) == reason);
        mend();
    }
}

BOOST_AUTO_TEST_CASE(check_transaction__edge_of_each_limit__passes) {
    Transaction tx = valid_transaction();
    tx.outputs[0].value = MAX_MONEY;
    BOOST_TEST(checked(tx) == "");
    tx.outputs[0].value = 0;
    const size_t rest = SealedTransaction(tx).stripped_bytes + 4; // the script's length grows by 4
    tx.outputs[0].script_pubkey.resize_for_overwrite(1'000'000 - rest + 1);
    BOOST_TEST(SealedTransaction(tx).stripped_bytes == 1'000'000U);
    BOOST_TEST(checked(tx) == "");
    for (uint8_t i = 2; i < 20; ++i) tx.inputs.push_back({.prevout = some_outpoint(i)});
    tx.outputs[0].script_pubkey.clear();
    BOOST_TEST(checked(tx) == "");
}

BOOST_AUTO_TEST_CASE(check_transaction__coinbase_script__has_2_to_100_bytes) {
    for (const auto& [size, reason] :
         {std::pair<size_t, std::string_view>{1, "bad-cb-length"},
          {2, ""},
          {100, ""},
          {101, "bad-cb-length"}}) {
        Transaction tx = valid_coinbase(1);
        tx.inputs[0].script_sig.resize_for_overwrite(size);
        BOOST_TEST(checked(tx) == reason);
    }
}

BOOST_AUTO_TEST_CASE(is_final__lock_time__is_last_height_or_time_that_locks) {
    Transaction tx = valid_transaction();
    tx.inputs[0].sequence = 0;
    BOOST_TEST(is_final(tx, 0, 0));
    tx.lock_time = 100;
    BOOST_TEST(!is_final(tx, 100, 2'000'000'000));
    BOOST_TEST(is_final(tx, 101, 0));
    tx.lock_time = LOCKTIME_THRESHOLD;
    BOOST_TEST(!is_final(tx, 600'000'000, LOCKTIME_THRESHOLD));
    BOOST_TEST(is_final(tx, 0, LOCKTIME_THRESHOLD + 1));
    tx.inputs[0].sequence = TxIn::SEQUENCE_FINAL;
    BOOST_TEST(is_final(tx, 0, 0));
}

namespace {

constexpr uint32_t IN_TIME = 1U << 22;
constexpr uint32_t DISABLED = 1U << 31;

/// Locks of a transaction whose one input has `sequence` and spends a coin of height 5.
SequenceLocks locks_of(const HeaderNode& parent, uint32_t sequence, int32_t version = 2) {
    Transaction tx = valid_transaction();
    tx.version = version;
    tx.inputs[0].sequence = sequence;
    const Coin coin{.out = {}, .height = 5};
    return sequence_locks(tx, {&coin, 1}, parent);
}

} // namespace

BOOST_AUTO_TEST_CASE(sequence_locks__blocks__count_from_the_coin) {
    HeaderTree tree;
    const HeaderNode* parent = tree.extend(tree.add(nullptr, 1000), 20, 600);
    BOOST_TEST(locks_of(*parent, 10).height == 14);
    BOOST_TEST(locks_of(*parent, 10).time == -1);
    BOOST_TEST(locks_of(*parent, 0x00a0000a).height == 14); // other bits mean nothing
    BOOST_TEST(locks_of(*parent, 10 | DISABLED).height == -1);
    BOOST_TEST(locks_of(*parent, 10, 1).height == -1);
    BOOST_TEST(locks_of(*parent, 10, -1).height == 14); // read as unsigned
}

BOOST_AUTO_TEST_CASE(sequence_locks__time__counts_from_median_before_the_coin) {
    HeaderTree tree;
    const HeaderNode* parent = tree.extend(tree.add(nullptr, 1000), 20, 600);
    const int64_t before = parent->ancestor(4)->median_time_past();
    BOOST_TEST(locks_of(*parent, IN_TIME | 3).time == before + 3 * 512 - 1);
    BOOST_TEST(locks_of(*parent, IN_TIME | 3).height == -1);
}

BOOST_AUTO_TEST_CASE(locks_passed__last_locking_height_and_time__still_lock) {
    HeaderTree tree;
    const HeaderNode* parent = tree.extend(tree.add(nullptr, 1000), 20, 600);
    const int64_t median = parent->median_time_past();
    BOOST_TEST(locks_passed({}, *parent));
    BOOST_TEST(locks_passed({.height = 20, .time = median - 1}, *parent));
    BOOST_TEST(!locks_passed({.height = 21, .time = -1}, *parent));
    BOOST_TEST(!locks_passed({.height = -1, .time = median}, *parent));
}

namespace {

struct Spend {
    Transaction tx = valid_transaction();
    std::vector<Coin> coins = {{.out = {.value = 2 * COIN, .script_pubkey = {}}, .height = 1}};
    int32_t height = 200;

    Result<Amount> connect() const { return connect_inputs(tx, coins, height, regtest()); }
};

} // namespace

BOOST_AUTO_TEST_CASE(connect_inputs__valid__returns_the_fee) {
    BOOST_CHECK(Spend().connect().value() == Amount(COIN));
}

BOOST_AUTO_TEST_CASE(connect_inputs__one_rule_broken__names_that_rule) {
    const std::pair<std::string_view, std::function<void(Spend&)>> rules[] = {
        {"bad-txns-inputs-missingorspent", [](Spend& s) { s.coins.clear(); }},
        {"bad-txns-premature-spend-of-coinbase",
         [](Spend& s) {
             s.coins[0].coinbase = true;
             s.height = 100;
         }},
        {"bad-txns-inputvalues-outofrange", [](Spend& s) { s.coins[0].out.value = -1; }},
        {"bad-txns-inputvalues-outofrange",
         [](Spend& s) {
             s.tx.inputs.push_back({.prevout = some_outpoint(2)});
             s.coins.push_back({.out = {.value = MAX_MONEY, .script_pubkey = {}}, .height = 1});
         }},
        {"bad-txns-in-belowout", [](Spend& s) { s.coins[0].out.value = COIN - 1; }},
    };
    for (const auto& [reason, break_it] : rules) {
        Spend spend;
        break_it(spend);
        BOOST_TEST(reason_of(spend.connect()) == reason);
    }
}

BOOST_AUTO_TEST_CASE(connect_inputs__kinds_of_refusal__tell_what_may_pass_later) {
    Spend missing;
    missing.coins.clear();
    BOOST_CHECK(missing.connect().error().kind == Reject::Kind::MissingInputs);
    Spend early;
    early.coins[0].coinbase = true;
    early.height = 100;
    BOOST_CHECK(early.connect().error().kind == Reject::Kind::Premature);
    early.height = 101; // the hundredth block after it
    BOOST_CHECK(early.connect().has_value());
}

BOOST_AUTO_TEST_CASE(sigop_cost__each_kind__weighs_as_bip141_says) {
    Transaction tx = valid_transaction();
    tx.outputs[0].script_pubkey = Script(Bytes{OP_CHECKSIG, OP_CHECKMULTISIG});
    BOOST_TEST(legacy_sigops(tx) == 21);

    // P2SH: what is revealed counts, exactly, four each.
    const Bytes redeem = {OP_2, OP_CHECKMULTISIG};
    Coin coin;
    Script& script = coin.out.script_pubkey;
    push_opcode(script, OP_HASH160);
    push_data(script, hash160(redeem));
    push_opcode(script, OP_EQUAL);
    push_data(tx.inputs[0].script_sig, redeem);
    const auto cost = [&](uint32_t flags) { return sigop_cost(tx, {&coin, 1}, flags); };
    BOOST_TEST(cost(VERIFY_NONE) == 84);
    BOOST_TEST(cost(VERIFY_P2SH) == 84 + 8);

    // A witness program to a key hash: one.
    tx.inputs[0].script_sig.clear();
    script.clear();
    push_opcode(script, OP_0);
    push_data(script, Bytes(20));
    BOOST_TEST(cost(VERIFY_P2SH) == 84);
    BOOST_TEST(cost(VERIFY_P2SH | VERIFY_WITNESS) == 84 + 1);
}

BOOST_AUTO_TEST_SUITE_END()
