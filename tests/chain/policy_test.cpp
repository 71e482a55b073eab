// SPDX-License-Identifier: MIT
#include "chain/policy.h"
#include "consensus/standard.h"
#include "tests/chain/fixture.h"

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(policy)

BOOST_AUTO_TEST_CASE(dust__usual_outputs__have_the_reference_thresholds) {
    const FeeRate dust{3'000};
    const std::vector<uint8_t> hash(20);
    const std::vector<uint8_t> long_hash(32);
    const auto threshold = [&](const Script& script) { return dust_threshold({0, script}, dust); };
    BOOST_TEST(threshold(cairn::consensus::pay_to_pubkey_hash(hash)) == Amount(546));
    BOOST_TEST(threshold(cairn::consensus::pay_to_script_hash(hash)) == Amount(540));
    BOOST_TEST(threshold(cairn::consensus::pay_to_witness(0, hash)) == Amount(294));
    BOOST_TEST(threshold(cairn::consensus::pay_to_witness(0, long_hash)) == Amount(330));
    BOOST_TEST(threshold(cairn::consensus::pay_to_witness(1, long_hash)) == Amount(330));
    Script data;
    cairn::consensus::push_opcode(data, cairn::consensus::OP_RETURN);
    BOOST_TEST(threshold(data) == Amount(0));
}

namespace {

/// Whether a witness is standard for spending `script_pubkey`.
bool standard(
    const Script& script_pubkey, const std::vector<size_t>& item_sizes, uint8_t last = 0) {
    Transaction tx;
    auto& in = tx.inputs.emplace_back();
    for (size_t i = 0; i < item_sizes.size(); ++i) {
        std::vector<uint8_t> item(item_sizes[i]);
        if (i + 1 == item_sizes.size() && !item.empty()) item[0] = last;
        in.witness.push_back(item);
    }
    const Coin coin{{1, script_pubkey}, 1, false};
    return has_standard_witness(tx, {&coin, 1});
}

} // namespace

BOOST_AUTO_TEST_CASE(witness__sizes__have_limits_by_kind) {
    const Script p2wsh = cairn::consensus::pay_to_witness(0, std::vector<uint8_t>(32));
    const Script p2tr = cairn::consensus::pay_to_witness(1, std::vector<uint8_t>(32));
    const Script p2pkh = cairn::consensus::pay_to_pubkey_hash(std::vector<uint8_t>(20));
    BOOST_TEST(!standard(p2pkh, {1}));
    BOOST_TEST(standard(p2wsh, {80, 3600}));
    BOOST_TEST(!standard(p2wsh, {81, 3600}));
    BOOST_TEST(!standard(p2wsh, {80, 3601}));
    BOOST_TEST(!standard(p2wsh, std::vector<size_t>(102, 1)));
    BOOST_TEST(standard(p2wsh, std::vector<size_t>(101, 1)));
    BOOST_TEST(standard(p2tr, {64}));
    BOOST_TEST(standard(p2tr, {80, 10'000, 33}, 0xc0));
    BOOST_TEST(!standard(p2tr, {81, 10'000, 33}, 0xc0));
    BOOST_TEST(standard(p2tr, {81, 10'000, 33}, 0xc2)); // a leaf version of the future
    BOOST_TEST(!standard(p2tr, {64, 10}, 0x50));        // an annex
    BOOST_TEST(!standard(p2tr, {64, 0}));
}

/// Each item is looked at once, not walked to from the first: that would take minutes here.
BOOST_AUTO_TEST_CASE(witness__as_many_items_as_a_transaction_holds__are_judged_at_once) {
    std::vector<size_t> sizes(390'000);
    sizes.insert(sizes.end(), {1, 33}); // script and control block
    BOOST_TEST(
        standard(cairn::consensus::pay_to_witness(1, std::vector<uint8_t>(32)), sizes, 0xc0));
}

namespace {

/// True, and counts as so many signature operations, none of which is run.
Script with_sigops(int count) {
    using namespace cairn::consensus;
    Script script = Script(Bytes{OP_0, OP_IF});
    for (int i = 0; i < count; ++i) push_opcode(script, OP_CHECKSIG);
    push_opcode(script, OP_ENDIF);
    push_opcode(script, OP_1);
    return script;
}

Script hidden(const Script& redeem) {
    return cairn::consensus::pay_to_script_hash(
        cairn::consensus::hash160({redeem.data(), redeem.size()}));
}

} // namespace

BOOST_AUTO_TEST_CASE(inputs__one_rule_broken__says_which) {
    constexpr Amount COIN = cairn::consensus::COIN / 10;
    const Script few = with_sigops(15);
    const Script many = with_sigops(16);
    TestChain test;
    test.options().accept_nonstandard = true;
    test.open();
    std::vector<TxOut> outputs{
        {COIN, Script(Bytes{cairn::consensus::OP_1})},
        {COIN, cairn::consensus::pay_to_witness(2, std::vector<uint8_t>(20))},
        {COIN, hidden(many)}};
    outputs.resize(3 + 167, {COIN, hidden(few)});
    const Transaction funding = spend({test.mature_coins(1)[0]}, std::move(outputs));
    BOOST_REQUIRE(test.pay(funding).has_value());
    test.mine();
    test.close();
    test.options().accept_nonstandard = false;
    test.open();
    const auto words = [&](uint32_t first, uint32_t count, const Script& redeem) {
        Transaction tx;
        for (uint32_t i = first; i < first + count; ++i) {
            cairn::consensus::TxIn& in = tx.inputs.emplace_back();
            in.prevout = {cairn::consensus::make_transaction(funding)->txid, i};
            if (!redeem.empty()) push_data(in.script_sig, {redeem.data(), redeem.size()});
        }
        tx.outputs.push_back({COIN - Amount(100'000), anyone_script()});
        return words_of(test.pay(tx));
    };
    const std::string nonstandard = "bad-txns-nonstandard-inputs, ";
    BOOST_TEST(words(0, 1, {}) == nonstandard + "input 0 script unknown");
    BOOST_TEST(words(1, 1, {}) == nonstandard + "input 0 witness program is undefined");
    BOOST_TEST(words(2, 1, many) == nonstandard + "input 0 p2sh redeemscript sigops exceed limit");
    BOOST_TEST(words(3, 1, {}) == nonstandard + "input 0 P2SH redeemscript missing");
    BOOST_TEST(words(3, 167, few) == nonstandard + "non-witness sigops exceed bip54 limit");
    BOOST_TEST(words(3, 166, few).empty());
}

BOOST_AUTO_TEST_CASE(feerate__fees__round_against_the_payer) {
    BOOST_TEST(FeeRate{1'000}.fee(141) == Amount(141));
    BOOST_TEST(FeeRate{100}.fee(141) == Amount(15));
    BOOST_TEST(FeeRate::of(1, 3).per_kvb == Amount(333));
}

BOOST_AUTO_TEST_SUITE_END()
