// SPDX-License-Identifier: MIT
// Core's script_tests.json: a script, flags, and the error that it must give.
#include "consensus/interpreter.h"
#include "consensus/taproot.h"
#include "tests/consensus/script_assembler.h"
#include "tests/consensus/script_error_name.h"
#include "tests/vectors.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <random>

using namespace cairn::consensus;
using namespace cairn::tests;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(script_vectors)

namespace {

struct Vector {
    Script script_sig;
    Script script_pubkey;
    Witness witness;
    Amount amount;
    uint32_t flags = 0;
    std::string error;
    std::string text;
};

/// The key that nobody knows the secret of, which the vectors' taproot outputs have inside.
/// Source: BIP-0341.
constexpr std::string_view UNSPENDABLE_KEY =
    "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

constexpr std::string_view SCRIPT_MARK = "#SCRIPT#";

/// Read the witness's items. A script marked #SCRIPT# is the one leaf of a taproot output, whose
/// key is returned; #CONTROLBLOCK# is the proof of it.
std::optional<TweakedKey> read_witness(const json::array& items, Witness& witness) {
    const Bytes internal_key = from_hex(UNSPENDABLE_KEY).value();
    std::optional<TweakedKey> output_key;
    for (size_t i = 0; i + 1 < items.size(); ++i) {
        const std::string_view item = items[i].as_string();
        if (item.starts_with(SCRIPT_MARK)) {
            const Script script = assemble(item.substr(SCRIPT_MARK.size()));
            output_key = tweak_key(internal_key, tapleaf_hash(TAPSCRIPT_LEAF_VERSION, script));
            witness.push_back(script);
        } else if (item == "#CONTROLBLOCK#") {
            Bytes control = internal_key;
            control.insert(
                control.begin(), TAPSCRIPT_LEAF_VERSION | (output_key.value().odd ? 1 : 0));
            witness.push_back(control);
        } else {
            witness.push_back(from_hex(item).value());
        }
    }
    return output_key;
}

Script read_script_pubkey(std::string text, const std::optional<TweakedKey>& output_key) {
    constexpr std::string_view MARK = "#TAPROOTOUTPUT#";
    if (const size_t at = text.find(MARK); at != std::string::npos)
        text.replace(at, MARK.size(), "0x" + to_hex(output_key.value().key));
    return assemble(text);
}

Vector read_vector(const json::array& entry) {
    Vector vector;
    vector.text = json::serialize(entry);
    size_t at = 0;
    std::optional<TweakedKey> output_key;
    if (entry[0].is_array()) {
        const json::array& items = entry[at++].as_array();
        output_key = read_witness(items, vector.witness);
        vector.amount = std::llround(items.back().to_number<double>() * COIN);
    }
    vector.script_sig = assemble(std::string_view(entry[at].as_string()));
    vector.script_pubkey = read_script_pubkey(entry[at + 1].as_string().c_str(), output_key);
    vector.flags = parse_flags(std::string_view(entry[at + 2].as_string()));
    // Core's runner adds these too.
    if ((vector.flags & VERIFY_CLEANSTACK) != 0) vector.flags |= VERIFY_P2SH | VERIFY_WITNESS;
    vector.error = entry[at + 3].as_string().c_str();
    return vector;
}

/// The transaction that pays to the script, as the vectors' head says.
Transaction crediting(const Vector& vector) {
    Transaction tx;
    tx.version = 1;
    tx.inputs.resize(1);
    tx.inputs[0].prevout.index = OutPoint::NULL_INDEX;
    tx.inputs[0].script_sig = assemble("0 0");
    tx.outputs = {{vector.amount, vector.script_pubkey}};
    return tx;
}

Transaction spending(const Vector& vector) {
    Transaction tx;
    tx.version = 1;
    tx.inputs.resize(1);
    tx.inputs[0].prevout = {SealedTransaction(crediting(vector)).txid, 0};
    tx.inputs[0].script_sig = vector.script_sig;
    tx.inputs[0].witness = vector.witness;
    tx.outputs = {{vector.amount, {}}};
    return tx;
}

ScriptError run(const Vector& vector, uint32_t flags) {
    const TxOut spent{vector.amount, vector.script_pubkey};
    const Transaction tx = spending(vector);
    return verify_input(tx, 0, spent, flags, SighashMidstates(tx, {spent}));
}

std::vector<Vector> read_all(const std::filesystem::path& dir) {
    std::vector<Vector> vectors;
    for (const json::value& entry : read_vectors(dir / "core" / "script_tests.json")) {
        // Single strings are remarks.
        if (entry.as_array().size() >= 4) vectors.push_back(read_vector(entry.as_array()));
    }
    return vectors;
}

} // namespace

BOOST_AUTO_TEST_CASE(verify_input__script_tests__gives_the_error_named) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const std::vector<Vector> vectors = read_all(*dir);
    BOOST_TEST(vectors.size() == 1222U);
    for (const Vector& vector : vectors) {
        BOOST_TEST_CONTEXT(vector.text)
        BOOST_TEST(script_error_name(run(vector, vector.flags)) == vector.error);
    }
}

/// Every flag only forbids: more of them make nothing valid, fewer nothing invalid.
BOOST_AUTO_TEST_CASE(verify_input__flags_added_or_removed__only_forbid_more) {
    const auto dir = vectors_dir();
    if (!dir) return;
    constexpr int COMBINATIONS = 16;
    std::mt19937 random(1); // NOLINT: the same each time
    for (const Vector& vector : read_all(*dir)) {
        const bool valid = vector.error == "OK";
        for (int i = 0; i < COMBINATIONS; ++i) {
            const auto other = static_cast<uint32_t>(random());
            const uint32_t flags =
                valid ? trim_flags(vector.flags & ~other) : fill_flags(vector.flags | other);
            BOOST_TEST_CONTEXT(vector.text << " with flags " << flags)
            BOOST_TEST((run(vector, flags) == ScriptError::Ok) == valid);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
