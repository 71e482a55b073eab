// SPDX-License-Identifier: MIT
#include "consensus/block.h"
#include "consensus/transaction.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(transaction)

namespace {

/// The signed transaction of BIP-0143's example "Native P2WPKH".
constexpr std::string_view WITH_WITNESS =
    "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830"
    "450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f928"
    "1a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e81"
    "5b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f6"
    "6f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988"
    "ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c"
    "4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7aca"
    "fcdb3566bb0ad253f62fc70f07aeee635711000000";

/// The same before it was signed.
constexpr std::string_view UNSIGNED =
    "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffff"
    "ef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206"
    "000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42db"
    "ee7e4dbe6a21b2d50ce2f0167faa815988ac11000000";

SealedTransaction parse(std::string_view hex) {
    return decode<SealedTransaction>(from_hex(hex).value()).value();
}

} // namespace

BOOST_AUTO_TEST_CASE(read__with_witness__fields_ids_and_sizes) {
    const SealedTransaction tx = parse(WITH_WITNESS);
    BOOST_TEST(tx.inputs.size() == 2U);
    BOOST_TEST(tx.inputs[0].witness.empty());
    BOOST_TEST(tx.inputs[1].witness.size() == 2U);
    BOOST_TEST(tx.inputs[1].witness[1].size() == 33U);
    BOOST_TEST(tx.outputs[1].value.value == 223450000);
    BOOST_TEST(tx.lock_time == 17U);
    BOOST_TEST(
        tx.txid.to_string() == "e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609");
    BOOST_TEST(tx.size_bytes == WITH_WITNESS.size() / 2);
    // Marker, flag, an empty stack and one of two items.
    BOOST_TEST(tx.stripped_bytes == tx.size_bytes - (2 + 1 + 1 + 1 + 71 + 1 + 33));
    BOOST_TEST(tx.weight() == int64_t{tx.stripped_bytes} * 4 + 2 + 1 + 1 + 1 + 71 + 1 + 33);
}

BOOST_AUTO_TEST_CASE(read__then_sealed_anew__same_ids_and_bytes) {
    for (const std::string_view hex : {WITH_WITNESS, UNSIGNED}) {
        const SealedTransaction tx = parse(hex);
        const SealedTransaction again(static_cast<const Transaction&>(tx));
        BOOST_TEST((again.txid == tx.txid));
        BOOST_TEST((again.wtxid == tx.wtxid));
        BOOST_TEST(again.size_bytes == tx.size_bytes);
        BOOST_TEST(again.stripped_bytes == tx.stripped_bytes);
        BOOST_TEST(to_hex(encode(tx)) == hex);
    }
}

BOOST_AUTO_TEST_CASE(read__without_witness__both_ids_are_one) {
    const SealedTransaction tx = parse(UNSIGNED);
    BOOST_TEST((Txid(tx.wtxid) == tx.txid));
    BOOST_TEST(tx.size_bytes == tx.stripped_bytes);
    BOOST_TEST((tx.txid == Txid(sha256d(from_hex(UNSIGNED).value()))));
}

BOOST_AUTO_TEST_CASE(read__cut_anywhere__refused) {
    const Bytes bytes = from_hex(WITH_WITNESS).value();
    for (size_t size = 0; size < bytes.size(); ++size)
        BOOST_TEST(!decode<SealedTransaction>(ByteView(bytes).first(size)).has_value(), size);
}

BOOST_AUTO_TEST_CASE(read__superfluous_witness__refused) {
    // Marker and flag, but the one input's stack is empty (BIP-0144).
    const std::string input = std::string(64, '1').append("00000000"
                                                          "00"
                                                          "ffffffff");
    const std::string output = "0000000000000000"
                               "00";
    const std::string body = "01" + input + "01" + output;
    BOOST_TEST(decode<Transaction>(*from_hex("02000000" + body + "00000000")).has_value());
    BOOST_TEST(!decode<Transaction>(*from_hex("020000000001" + body + "0000000000")).has_value());
}

BOOST_AUTO_TEST_CASE(read__unknown_flag__refused) {
    std::string hex(WITH_WITNESS);
    hex.replace(10, 2, "02");
    BOOST_TEST(!decode<Transaction>(*from_hex(hex)).has_value());
}

BOOST_AUTO_TEST_CASE(read__no_inputs_no_outputs__empty_transaction) {
    const auto tx = decode<Transaction>(*from_hex("02000000000000000000"));
    BOOST_REQUIRE(tx.has_value());
    BOOST_TEST(tx->inputs.empty());
    BOOST_TEST(tx->outputs.empty());
}

BOOST_AUTO_TEST_CASE(witness__items_of_many_sizes__walked_in_order) {
    Witness witness;
    std::vector<Bytes> model;
    for (const size_t size : {0U, 1U, 72U, 252U, 253U, 520U, 70'000U}) {
        model.emplace_back(size, static_cast<uint8_t>(size));
        witness.push_back(model.back());
    }
    BOOST_TEST(witness.size() == model.size());
    size_t i = 0;
    for (const ByteView item : witness) BOOST_TEST(std::ranges::equal(item, model[i++]));
    BOOST_TEST(std::ranges::equal(witness[5], model[5]));
    BOOST_TEST((decode<Witness>(encode(witness)).value() == witness));
    BOOST_TEST(encode(witness).size() == witness.wire_bytes());
}

BOOST_AUTO_TEST_CASE(share_transaction__block_let_go__transaction_lives) {
    Block block;
    block.transactions.push_back(parse(UNSIGNED));
    auto shared = std::make_shared<const Block>(std::move(block));
    const TransactionRef tx = share_transaction(shared, 0);
    shared.reset();
    BOOST_TEST(tx->inputs.size() == 2U);
}

BOOST_AUTO_TEST_CASE(quantity__arithmetic__of_its_own_kind_only) {
    BOOST_TEST((Amount(5) + 3 - Amount(1)).value == 7);
    BOOST_TEST((Height(2) < 3));
    static_assert(!std::is_convertible_v<Amount, Height>);
    static_assert(!std::is_convertible_v<Height, Amount>);
    static_assert(!std::is_convertible_v<Txid, BlockHash>);
    BOOST_TEST(money_range(MAX_MONEY));
    BOOST_TEST(!money_range(MAX_MONEY + 1));
    BOOST_TEST(!money_range(-1));
}

BOOST_AUTO_TEST_SUITE_END()
