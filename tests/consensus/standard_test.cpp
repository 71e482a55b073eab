// SPDX-License-Identifier: MIT
#include "consensus/standard.h"
#include "tests/consensus/script_assembler.h"
#include "tests/consensus/spend.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;
using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(standard)

namespace {

std::string_view type_of(const Script& script) {
    return output_type_name(match_template(script).type);
}

Script multisig(int required, int keys, int claimed) {
    Script script;
    push_number(script, required);
    for (int i = 0; i < keys; ++i) push_data(script, Signer(static_cast<uint8_t>(i + 1)).key());
    push_number(script, claimed);
    push_opcode(script, OP_CHECKMULTISIG);
    return script;
}

Script pay_to_key(const Bytes& key) {
    Script script;
    push_data(script, key);
    push_opcode(script, OP_CHECKSIG);
    return script;
}

} // namespace

BOOST_AUTO_TEST_CASE(match_template__each_kind__is_recognized) {
    const std::pair<std::string_view, Script> cases[] = {
        {"pubkey", pay_to_key(Signer(1).key())},
        {"pubkey", pay_to_key(Signer(1).uncompressed_key())},
        {"pubkeyhash", pay_to_pubkey_hash(Bytes(20))},
        {"scripthash", pay_to_script_hash(Bytes(20))},
        {"multisig", multisig(1, 1, 1)},
        {"multisig", multisig(2, 3, 3)},
        {"multisig", multisig(17, 20, 20)},
        {"nulldata", assemble("RETURN")},
        {"nulldata", assemble("RETURN 'data' 5")},
        {"witness_v0_keyhash", pay_to_witness(0, Bytes(20))},
        {"witness_v0_scripthash", pay_to_witness(0, Bytes(32))},
        {"witness_v1_taproot", pay_to_witness(1, Bytes(32))},
        {"witness_unknown", pay_to_witness(1, Bytes(33))},
        {"witness_unknown", pay_to_witness(16, Bytes(2))},
        {"anchor", pay_to_witness(1, Bytes{0x4e, 0x73})},
        {"nonstandard", pay_to_witness(0, Bytes(21))},
        {"nonstandard", pay_to_key(Bytes(33, 5))},
        {"nonstandard", pay_to_key(Bytes(34, 2))},
        {"nonstandard", multisig(2, 1, 1)},
        {"nonstandard", multisig(1, 2, 3)},
        {"nonstandard", multisig(0, 1, 1)},
        {"nonstandard", assemble("RETURN 0x02 0x01")},
        {"nonstandard", assemble("RETURN NOP")},
        {"nonstandard", assemble("1 0x01 0x01 CHECKMULTISIG")},
        {"nonstandard", assemble("CHECKMULTISIG")},
        {"nonstandard", Script()},
        {"nonstandard", assemble("1")},
    };
    for (const auto& [type, script] : cases)
        BOOST_TEST_CONTEXT(to_hex(script)) BOOST_TEST(type_of(script) == type);
}

BOOST_AUTO_TEST_CASE(match_template__parts__are_hashes_keys_and_program) {
    const Bytes hash(20, 7);
    BOOST_TEST((match_template(pay_to_pubkey_hash(hash)).parts == std::vector<Bytes>{hash}));
    BOOST_TEST((match_template(pay_to_script_hash(hash)).parts == std::vector<Bytes>{hash}));
    const OutputTemplate witness = match_template(pay_to_witness(5, hash));
    BOOST_TEST((witness.parts == std::vector<Bytes>{hash}));
    BOOST_TEST(witness.witness_version == 5);
    const OutputTemplate keys = match_template(multisig(2, 3, 3));
    BOOST_TEST(keys.required == 2);
    BOOST_TEST(keys.parts.size() == 3U);
    BOOST_TEST((keys.parts[2] == Signer(3).key()));
}

BOOST_AUTO_TEST_SUITE_END()
