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

BOOST_AUTO_TEST_CASE(inputs__p2sh_with_many_sigops__are_not_standard) {
    for (const int sigops : {15, 16}) {
        Script redeem;
        for (int i = 0; i < sigops; ++i)
            cairn::consensus::push_opcode(redeem, cairn::consensus::OP_CHECKSIG);
        Transaction tx;
        cairn::consensus::push_data(
            tx.inputs.emplace_back().script_sig, {redeem.data(), redeem.size()});
        const Coin coin{
            {1, cairn::consensus::pay_to_script_hash(
                    cairn::consensus::hash160({redeem.data(), redeem.size()}))},
            1,
            false};
        BOOST_TEST(
            reason_of(check_inputs_standard(tx, {&coin, 1})) ==
            (sigops == 15 ? "" : "bad-txns-nonstandard-inputs"));
    }
}

BOOST_AUTO_TEST_CASE(inputs__more_than_2500_legacy_sigops__are_not_standard) {
    Script redeem;
    for (int i = 0; i < 15; ++i)
        cairn::consensus::push_opcode(redeem, cairn::consensus::OP_CHECKSIG);
    const Coin coin{
        {1, cairn::consensus::pay_to_script_hash(
                cairn::consensus::hash160({redeem.data(), redeem.size()}))},
        1,
        false};
    Transaction tx;
    std::vector<Coin> coins;
    for (int i = 0; i < 166; ++i) {
        cairn::consensus::push_data(
            tx.inputs.emplace_back().script_sig, {redeem.data(), redeem.size()});
        coins.push_back(coin);
    }
    BOOST_TEST(reason_of(check_inputs_standard(tx, coins)).empty());
    tx.inputs.push_back(tx.inputs[0]);
    coins.push_back(coin);
    BOOST_TEST(reason_of(check_inputs_standard(tx, coins)) == "bad-txns-nonstandard-inputs");
}

BOOST_AUTO_TEST_CASE(feerate__fees__round_against_the_payer) {
    BOOST_TEST(FeeRate{1'000}.fee(141) == Amount(141));
    BOOST_TEST(FeeRate{100}.fee(141) == Amount(15));
    BOOST_TEST(FeeRate::of(1, 3).per_kvb == Amount(333));
}

BOOST_AUTO_TEST_SUITE_END()
