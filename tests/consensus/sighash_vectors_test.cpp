// SPDX-License-Identifier: MIT
// Core's sighash.json (legacy hashes of random transactions), BIP-0341's wallet vectors and
// BIP-0340's signatures.
#include "consensus/address.h"
#include "consensus/interpreter.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "consensus/taproot.h"
#include "tests/consensus/script_assembler.h"
#include "tests/consensus/script_error_name.h"
#include "tests/consensus/spend.h"
#include "tests/naive_sighash.h"
#include "tests/processor_time.h"
#include "tests/vectors.h"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <sstream>

using namespace cairn::consensus;
using namespace cairn::tests;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(sighash_vectors)

namespace {

Bytes bytes_of(const json::value& hex) {
    return from_hex(std::string_view(hex.as_string())).value();
}

/// 32 bytes as they lie, unlike a txid.
Hash256 hash_of(const json::value& hex) {
    Hash256 hash;
    std::ranges::copy(bytes_of(hex), hash.bytes.begin());
    return hash;
}

/// The hashes of the leaves below `node`, in order, and the node's own.
Hash256 hash_tree(const json::value& node, std::vector<Hash256>& leaves) {
    if (node.is_array()) {
        const Hash256 left = hash_tree(node.as_array()[0], leaves);
        const Hash256 right = hash_tree(node.as_array()[1], leaves);
        return tapbranch_hash(left, right);
    }
    const auto version = node.at("leafVersion").to_number<uint8_t>();
    leaves.push_back(tapleaf_hash(version, bytes_of(node.at("script"))));
    return leaves.back();
}

std::vector<std::string> split_row(const std::string& row) {
    std::vector<std::string> cells;
    std::istringstream in(row);
    for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
    return cells;
}

} // namespace

BOOST_AUTO_TEST_CASE(legacy_sighash__core_vectors__gives_the_hash) {
    const auto dir = vectors_dir();
    if (!dir) return;
    int count = 0;
    for (const json::value& entry : read_vectors(*dir / "core" / "sighash.json")) {
        const json::array& fields = entry.as_array();
        if (fields.size() == 1) continue; // the head
        const auto tx = decode<Transaction>(bytes_of(fields[0])).value();
        const auto type = static_cast<uint32_t>(fields[3].to_number<int32_t>());
        const Hash256 hash =
            legacy_sighash(tx, fields[2].to_number<size_t>(), bytes_of(fields[1]), type);
        BOOST_TEST(hash.to_string() == std::string_view(fields[4].as_string()));
        ++count;
    }
    BOOST_TEST(count == 500);
}

BOOST_AUTO_TEST_CASE(legacy_sighashes__asked_again_and_for_others_between__are_the_same) {
    const auto dir = vectors_dir();
    if (!dir) return;
    for (const json::value& entry : read_vectors(*dir / "core" / "sighash.json")) {
        const json::array& fields = entry.as_array();
        if (fields.size() == 1) continue; // the head
        const auto tx = decode<Transaction>(bytes_of(fields[0])).value();
        const auto input = fields[2].to_number<size_t>();
        const auto type = static_cast<uint32_t>(fields[3].to_number<int32_t>());
        const Bytes code = bytes_of(fields[1]);
        LegacySighashes hashes(tx, input);
        for (int round = 0; round < 3; ++round)
            for (const uint32_t kind : {type, type ^ 0x40, type ^ SIGHASH_ANYONECANPAY, 2U, 3U})
                for (const ByteView of : {ByteView(code), ByteView(code), ByteView(code).first(0)})
                    BOOST_REQUIRE((hashes.hash(of, kind) == legacy_sighash(tx, input, of, kind)));
    }
}

BOOST_AUTO_TEST_CASE(legacy_sighashes__many_of_a_large_transaction__cost_little_more_than_a_few) {
    Transaction tx;
    tx.inputs.resize(20'000);
    const auto seconds = [&](int count) {
        return cairn::tests::processor_seconds([&] {
            LegacySighashes hashes(tx, 0);
            for (int i = 0; i < count; ++i) hashes.hash({}, SIGHASH_ALL + 0x40 * (i % 2));
        });
    };
    BOOST_TEST(seconds(200) < 20 * seconds(2)); // a hundred times, were each made anew
}

/// The vectors' scripts push nothing. With a last push that breaks off, before and after an
/// OP_CODESEPARATOR, the second implementation says what is signed.
BOOST_AUTO_TEST_CASE(legacy_sighash__core_vectors_with_broken_pushes__as_the_naive_one) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const std::vector<Bytes> ends = {
        {},
        {0x05},
        {0x05, 1, 2, 0xab},
        {0x4c},
        {0x4c, 1},
        {0x4c, 3, 0xab, 2},
        {0x4d, 1},
        {0x4d, 1, 0},
        {0x4e, 1, 0, 0},
        {0x4e, 0xff, 0xff, 0xff, 0xff, 1},
        {0x02, 0xab, 0xab, 0xab, 0x01},
        {0xab, 0x02, 0xab}};
    for (const json::value& entry : read_vectors(*dir / "core" / "sighash.json")) {
        const json::array& fields = entry.as_array();
        if (fields.size() == 1) continue; // the head
        SighashRequest request;
        request.tx = decode<Transaction>(bytes_of(fields[0])).value();
        request.input = fields[2].to_number<uint32_t>();
        request.type = static_cast<uint32_t>(fields[3].to_number<int32_t>());
        for (const Bytes& end : ends) {
            request.code.assign(bytes_of(fields[1]));
            request.code.append(end);
            const Hash256 hash =
                legacy_sighash(request.tx, request.input, request.code, request.type);
            BOOST_CHECK(hash == naive_legacy(request));
        }
    }
}

/// The length counts what the push lacks its end for; of the push itself its head is hashed.
BOOST_AUTO_TEST_CASE(legacy_sighash__broken_push__hashes_its_head_only) {
    Transaction tx;
    tx.inputs.resize(1);
    tx.outputs.push_back({.value = 5, .script_pubkey = Script(Bytes{OP_1})});
    const Bytes code = from_hex("51ab4c03ab02").value();
    Bytes signed_bytes;
    Writer writer(signed_bytes);
    writer(tx.version, uint8_t{1}, tx.inputs[0].prevout, uint8_t{5});
    writer.raw(from_hex("514c03").value());
    writer(tx.inputs[0].sequence, tx.outputs, tx.lock_time, uint32_t{SIGHASH_ALL});
    BOOST_CHECK(legacy_sighash(tx, 0, code, SIGHASH_ALL) == sha256d(signed_bytes));
}

BOOST_AUTO_TEST_CASE(tweak_key__bip341_vectors__gives_output_and_control_blocks) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const json::value file = json::parse(read_file(*dir / "core" / "bip341_wallet_vectors.json"));
    BOOST_TEST(file.at("scriptPubKey").as_array().size() == 7U);
    for (const json::value& vector : file.at("scriptPubKey").as_array()) {
        const json::value& given = vector.at("given");
        const json::value& intermediary = vector.at("intermediary");
        const json::value& expected = vector.at("expected");
        const Bytes internal = bytes_of(given.at("internalPubkey"));
        std::optional<Hash256> root;
        std::vector<Hash256> leaves;
        if (!given.at("scriptTree").is_null()) {
            root = hash_tree(given.at("scriptTree"), leaves);
            BOOST_TEST((*root == hash_of(intermediary.at("merkleRoot"))));
        }
        BOOST_TEST((taptweak_hash(internal, root) == hash_of(intermediary.at("tweak"))));
        const TweakedKey output = tweak_key(internal, root).value();
        BOOST_TEST(
            to_hex(output.key) == std::string_view(intermediary.at("tweakedPubkey").as_string()));
        BOOST_TEST(
            to_hex(pay_to_witness(1, output.key)) ==
            std::string_view(expected.at("scriptPubKey").as_string()));
        BOOST_TEST(
            segwit_address("bc", 1, output.key) ==
            std::string_view(expected.at("bip350Address").as_string()));
        const json::value* controls = expected.as_object().if_contains("scriptPathControlBlocks");
        BOOST_TEST((controls == nullptr) == leaves.empty());
        for (size_t i = 0; i < leaves.size(); ++i) {
            BOOST_TEST((leaves[i] == hash_of(intermediary.at("leafHashes").as_array()[i])));
            BOOST_TEST(proves_leaf(bytes_of(controls->as_array()[i]), output.key, leaves[i]));
        }
    }
}

BOOST_AUTO_TEST_CASE(taproot_sighash__bip341_vectors__gives_each_step_and_the_signature) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const json::value file = json::parse(read_file(*dir / "core" / "bip341_wallet_vectors.json"));
    int count = 0;
    for (const json::value& vector : file.at("keyPathSpending").as_array()) {
        const json::value& given = vector.at("given");
        const auto tx = decode<Transaction>(bytes_of(given.at("rawUnsignedTx"))).value();
        std::vector<TxOut> spent;
        for (const json::value& out : given.at("utxosSpent").as_array())
            spent.push_back(
                {out.at("amountSats").to_number<int64_t>(),
                 Script(bytes_of(out.at("scriptPubKey")))});
        const SighashMidstates midstates(tx, spent);
        const json::value& shared = vector.at("intermediary");
        BOOST_TEST((midstates.amounts_single == hash_of(shared.at("hashAmounts"))));
        BOOST_TEST((midstates.outputs_single == hash_of(shared.at("hashOutputs"))));
        BOOST_TEST((midstates.prevouts_single == hash_of(shared.at("hashPrevouts"))));
        BOOST_TEST((midstates.scripts_single == hash_of(shared.at("hashScriptPubkeys"))));
        BOOST_TEST((midstates.sequences_single == hash_of(shared.at("hashSequences"))));
        for (const json::value& spending : vector.at("inputSpending").as_array()) {
            const json::value& key = spending.at("given");
            const json::value& steps = spending.at("intermediary");
            const json::value& root = key.at("merkleRoot");
            const Signer signer(bytes_of(key.at("internalPrivkey")));
            const auto committed = root.is_null() ? std::nullopt : std::optional(hash_of(root));
            BOOST_CHECK(signer.x_only_key() == bytes_of(steps.at("internalPubkey")));
            BOOST_CHECK(
                taptweak_hash(signer.x_only_key(), committed) == hash_of(steps.at("tweak")));

            SighashRequest request{.tx = tx, .spent = spent};
            request.input = key.at("txinIndex").to_number<uint32_t>();
            request.type = key.at("hashType").to_number<uint8_t>();
            const auto type = static_cast<uint8_t>(request.type);
            const Hash256 hash =
                taproot_sighash(tx, request.input, type, SigVersion::Taproot, midstates, {})
                    .value();
            BOOST_CHECK(hash == hash_of(steps.at("sigHash")));
            BOOST_CHECK(naive_taproot_message(request).value() == bytes_of(steps.at("sigMsg")));
            BOOST_CHECK(hash == naive_taproot(request));

            Bytes signature = signer.sign_tweaked(hash, committed);
            if (type != SIGHASH_DEFAULT) signature.push_back(type);
            const json::array& witness = spending.at("expected").at("witness").as_array();
            BOOST_TEST(witness.size() == 1U);
            BOOST_CHECK(signature == bytes_of(witness[0]));
            Transaction spent_by = tx;
            spent_by.inputs[request.input].witness.push_back(signature);
            const ScriptError error = verify_input(
                spent_by, request.input, spent[request.input], STANDARD_FLAGS, midstates);
            BOOST_TEST(script_error_name(error) == "OK");
            ++count;
        }
    }
    BOOST_TEST(count == 7);
}

/// The fully signed transaction of the vectors also spends a P2PKH and a P2WPKH output.
BOOST_AUTO_TEST_CASE(verify_input__bip341_signed_transaction__all_inputs_valid) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const json::value file = json::parse(read_file(*dir / "core" / "bip341_wallet_vectors.json"));
    for (const json::value& vector : file.at("keyPathSpending").as_array()) {
        const auto tx =
            decode<Transaction>(bytes_of(vector.at("auxiliary").at("fullySignedTx"))).value();
        std::vector<TxOut> spent;
        for (const json::value& out : vector.at("given").at("utxosSpent").as_array())
            spent.push_back(
                {out.at("amountSats").to_number<int64_t>(),
                 Script(bytes_of(out.at("scriptPubKey")))});
        const SighashMidstates midstates(tx, spent);
        for (size_t i = 0; i < tx.inputs.size(); ++i)
            BOOST_TEST(
                script_error_name(verify_input(tx, i, spent[i], MANDATORY_FLAGS, midstates)) ==
                "OK");
    }
}

BOOST_AUTO_TEST_CASE(verify_schnorr__bip340_vectors__gives_the_result) {
    const auto dir = vectors_dir();
    if (!dir) return;
    std::istringstream file(read_file(*dir / "bips" / "bip-0340.csv"));
    std::string row;
    std::getline(file, row); // the head
    int count = 0;
    while (std::getline(file, row)) {
        const std::vector<std::string> cells = split_row(row);
        const bool valid = verify_schnorr(
            from_hex(cells[5]).value(), from_hex(cells[2]).value(), from_hex(cells[4]).value());
        BOOST_TEST_CONTEXT(row) BOOST_TEST(valid == (cells[6] == "TRUE"));
        ++count;
    }
    BOOST_TEST(count == 19);
}

BOOST_AUTO_TEST_SUITE_END()
