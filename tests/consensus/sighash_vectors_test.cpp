// SPDX-License-Identifier: MIT
// Core's sighash.json (legacy hashes of random transactions), BIP-0341's wallet vectors and
// BIP-0340's signatures.
#include "consensus/interpreter.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "consensus/taproot.h"
#include "tests/consensus/script_assembler.h"
#include "tests/consensus/script_error_name.h"
#include "tests/vectors.h"

#include <boost/test/unit_test.hpp>

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

BOOST_AUTO_TEST_CASE(tweak_key__bip341_vectors__gives_output_and_control_blocks) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const json::value file = json::parse(read_file(*dir / "core" / "bip341_wallet_vectors.json"));
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
        const json::value* controls = expected.as_object().if_contains("scriptPathControlBlocks");
        BOOST_TEST((controls == nullptr) == leaves.empty());
        for (size_t i = 0; i < leaves.size(); ++i) {
            BOOST_TEST((leaves[i] == hash_of(intermediary.at("leafHashes").as_array()[i])));
            BOOST_TEST(proves_leaf(bytes_of(controls->as_array()[i]), output.key, leaves[i]));
        }
    }
}

BOOST_AUTO_TEST_CASE(taproot_sighash__bip341_vectors__gives_hashes_and_verifies) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const json::value file = json::parse(read_file(*dir / "core" / "bip341_wallet_vectors.json"));
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
            const auto input = spending.at("given").at("txinIndex").to_number<size_t>();
            const auto type = spending.at("given").at("hashType").to_number<uint8_t>();
            const auto hash = taproot_sighash(tx, input, type, SigVersion::Taproot, midstates, {});
            BOOST_TEST((hash.value() == hash_of(spending.at("intermediary").at("sigHash"))));
            Transaction spent_by = tx;
            for (const json::value& item : spending.at("expected").at("witness").as_array())
                spent_by.inputs[input].witness.push_back(bytes_of(item));
            const ScriptError error =
                verify_input(spent_by, input, spent[input], STANDARD_FLAGS, midstates);
            BOOST_TEST(script_error_name(error) == "OK");
        }
    }
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
    BOOST_TEST(count >= 15);
}

BOOST_AUTO_TEST_SUITE_END()
