// SPDX-License-Identifier: MIT
// Rules of taproot and tapscript: a signed input that passes, broken in one way.
#include "consensus/standard.h"
#include "tests/consensus/script_assembler.h"
#include "tests/consensus/spend.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;
using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(taproot_rules)

namespace {

const Signer ALICE(1);
const Signer BOB(2);

constexpr uint32_t PERMISSIVE = MANDATORY_FLAGS;

/// An output of Alice's key without scripts.
Spend spend_key_path() {
    return Spend::of_program(1, tweak_key(ALICE.x_only_key(), std::nullopt).value().key);
}

Bytes with_type(Bytes signature, uint8_t type) {
    signature.push_back(type);
    return signature;
}

Hash256 annex_hash(const Bytes& annex) {
    return sha256(encode(annex));
}

/// A tree of one script under Alice's key, and its spending.
struct Leaf {
    explicit Leaf(const Script& tapscript, uint8_t leaf_version = TAPSCRIPT_LEAF_VERSION)
        : script(tapscript.begin(), tapscript.end()),
          spend(spend_of(tapleaf_hash(leaf_version, tapscript))) {
        context.leaf_hash = tapleaf_hash(leaf_version, tapscript);
        const TweakedKey output = tweak_key(ALICE.x_only_key(), context.leaf_hash).value();
        control = ALICE.x_only_key();
        control.insert(control.begin(), leaf_version | (output.odd ? 1 : 0));
    }

    static Spend spend_of(const Hash256& root) {
        return Spend::of_program(1, tweak_key(ALICE.x_only_key(), root).value().key);
    }

    std::string_view result_with(std::vector<Bytes> items, uint32_t flags = STANDARD_FLAGS) {
        items.push_back(script);
        items.push_back(control);
        spend.set_witness(items);
        return spend.result(flags);
    }

    Hash256 hash(uint8_t type = SIGHASH_DEFAULT) const {
        return spend.taproot_hash(type, &context);
    }

    Bytes script;
    Spend spend;
    TapscriptContext context;
    Bytes control;
};

Script key_check(const Signer& signer, Opcode opcode = OP_CHECKSIG) {
    Script script;
    push_data(script, signer.x_only_key());
    push_opcode(script, opcode);
    return script;
}

} // namespace

BOOST_AUTO_TEST_CASE(key_path__each_hash_type__signs_its_parts) {
    for (const int type : {0, 1, 2, 3, 0x81, 0x82, 0x83}) {
        const int base = type & 3;
        Spend spend = spend_key_path();
        const auto kind = static_cast<uint8_t>(type);
        Bytes signature = ALICE.sign_tweaked(spend.taproot_hash(kind));
        if (type != 0) signature.push_back(kind);
        spend.set_witness({signature});
        BOOST_TEST_CONTEXT("type " << type) {
            BOOST_TEST(spend.result() == "OK");
            Spend other_amount = spend;
            other_amount.spent[1].value += 1;
            BOOST_TEST((other_amount.result() == "OK") == (type >= 0x80));
            Spend own_amount = spend;
            own_amount.spent[0].value += 1;
            BOOST_TEST(own_amount.result() == "SCHNORR_SIG");
            Spend own_sequence = spend;
            own_sequence.tx.inputs[0].sequence -= 1;
            BOOST_TEST(own_sequence.result() == "SCHNORR_SIG");
            Spend second_output = spend;
            second_output.tx.outputs[1].value += 1;
            BOOST_TEST((second_output.result() == "OK") == (base == 2 || base == 3));
            Spend first_output = spend;
            first_output.tx.outputs[0].value += 1;
            BOOST_TEST((first_output.result() == "OK") == (base == 2));
        }
    }
}

BOOST_AUTO_TEST_CASE(key_path__broken_in_one_way__names_the_rule) {
    Spend spend = spend_key_path();
    const Bytes good = ALICE.sign_tweaked(spend.taproot_hash());
    const auto result_with = [&](std::vector<Bytes> items) {
        spend.set_witness(items);
        return spend.result();
    };
    Bytes flipped = good;
    flipped[10] ^= 1;
    BOOST_TEST(result_with({good}) == "OK");
    BOOST_TEST(result_with({flipped}) == "SCHNORR_SIG");
    BOOST_TEST(result_with({{}}) == "SCHNORR_SIG_SIZE");
    BOOST_TEST(result_with({Bytes(63)}) == "SCHNORR_SIG_SIZE");
    BOOST_TEST(result_with({Bytes(66)}) == "SCHNORR_SIG_SIZE");
    BOOST_TEST(result_with({with_type(good, SIGHASH_DEFAULT)}) == "SCHNORR_SIG_HASHTYPE");
    BOOST_TEST(result_with({with_type(good, 4)}) == "SCHNORR_SIG_HASHTYPE");
    BOOST_TEST(result_with({with_type(good, 0x80)}) == "SCHNORR_SIG_HASHTYPE");
    BOOST_TEST(result_with({with_type(good, SIGHASH_ALL)}) == "SCHNORR_SIG");
    BOOST_TEST(result_with({}) == "WITNESS_PROGRAM_WITNESS_EMPTY");
    spend.script_sig() = assemble("0");
    BOOST_TEST(result_with({good}) == "WITNESS_MALLEATED");
    BOOST_TEST(spend_key_path().result(MANDATORY_FLAGS & ~VERIFY_TAPROOT) == "OK");
    // A key that is no x coordinate of the curve can be spent by nobody.
    Spend off_curve = Spend::of_program(1, Bytes(32, 0xff));
    off_curve.set_witness({good});
    BOOST_TEST(off_curve.result() == "SCHNORR_SIG");
}

BOOST_AUTO_TEST_CASE(key_path__single_without_its_output__is_refused) {
    Spend spend = spend_key_path();
    const Bytes signature = ALICE.sign_tweaked(spend.taproot_hash(SIGHASH_SINGLE));
    spend.tx.outputs.clear();
    spend.set_witness({with_type(signature, SIGHASH_SINGLE)});
    BOOST_TEST(spend.result() == "SCHNORR_SIG_HASHTYPE");
}

BOOST_AUTO_TEST_CASE(key_path__annex__is_signed) {
    Spend spend = spend_key_path();
    const Bytes annex{ANNEX_TAG, 1, 2, 3};
    const Bytes signature =
        ALICE.sign_tweaked(spend.taproot_hash(SIGHASH_DEFAULT, nullptr, annex_hash(annex)));
    spend.set_witness({signature, annex});
    BOOST_TEST(spend.result() == "OK");
    spend.set_witness({signature, {ANNEX_TAG, 1, 2, 4}});
    BOOST_TEST(spend.result() == "SCHNORR_SIG");
    spend.set_witness({signature});
    BOOST_TEST(spend.result() == "SCHNORR_SIG");
}

BOOST_AUTO_TEST_CASE(script_path__signature__signs_leaf_and_separator) {
    Leaf leaf(key_check(BOB));
    BOOST_TEST(leaf.result_with({BOB.sign_schnorr(leaf.hash())}) == "OK");
    BOOST_TEST(leaf.result_with({BOB.sign_schnorr(leaf.spend.taproot_hash())}) == "SCHNORR_SIG");
    BOOST_TEST(leaf.result_with({{}}) == "EVAL_FALSE");
    BOOST_TEST(leaf.result_with({Bytes(63)}) == "SCHNORR_SIG_SIZE");

    Script script = assemble("NOP CODESEPARATOR");
    script.append(key_check(BOB));
    Leaf separated(script);
    BOOST_TEST(separated.result_with({BOB.sign_schnorr(separated.hash())}) == "SCHNORR_SIG");
    separated.context.codeseparator_position = 1;
    BOOST_TEST(separated.result_with({BOB.sign_schnorr(separated.hash())}) == "OK");
}

BOOST_AUTO_TEST_CASE(script_path__control_block_broken__names_the_rule) {
    Leaf leaf(assemble("1"));
    BOOST_TEST(leaf.result_with({}) == "OK");
    const Bytes good = leaf.control;
    leaf.control.push_back(0);
    BOOST_TEST(leaf.result_with({}) == "TAPROOT_WRONG_CONTROL_SIZE");
    leaf.control.resize(33 + 32 * 129);
    BOOST_TEST(leaf.result_with({}) == "TAPROOT_WRONG_CONTROL_SIZE");
    leaf.control.resize(33 + 32 * 128);
    BOOST_TEST(leaf.result_with({}) == "WITNESS_PROGRAM_MISMATCH");
    leaf.control = {};
    BOOST_TEST(leaf.result_with({}) == "TAPROOT_WRONG_CONTROL_SIZE");
    leaf.control = good;
    leaf.control[0] ^= 1; // the parity
    BOOST_TEST(leaf.result_with({}) == "WITNESS_PROGRAM_MISMATCH");
    leaf.control[0] ^= 3; // the leaf version
    BOOST_TEST(leaf.result_with({}) == "WITNESS_PROGRAM_MISMATCH");
    leaf.control = good;
    leaf.control[1] ^= 1;
    BOOST_TEST(leaf.result_with({}) == "WITNESS_PROGRAM_MISMATCH");
    leaf.control = good;
    leaf.script = {OP_2};
    BOOST_TEST(leaf.result_with({}) == "WITNESS_PROGRAM_MISMATCH");
}

BOOST_AUTO_TEST_CASE(script_path__what_later_forks_may_define__passes_unless_discouraged) {
    Leaf version(assemble("0"), 0xc2);
    BOOST_TEST(version.result_with({}, PERMISSIVE) == "OK");
    BOOST_TEST(version.result_with({}) == "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION");
    for (int opcode = 0; opcode < 256; ++opcode) {
        const bool op_success =
            opcode == 80 || opcode == 98 || (opcode >= 126 && opcode <= 129) ||
            (opcode >= 131 && opcode <= 134) || opcode == 137 || opcode == 138 || opcode == 141 ||
            opcode == 142 || (opcode >= 149 && opcode <= 153) || (opcode >= 187 && opcode <= 254);
        if (!op_success) continue;
        Script script = assemble("0 RETURN");
        push_opcode(script, static_cast<Opcode>(opcode));
        script.append(Bytes{OP_PUSHDATA1}); // Broken off, but nobody looks any more.
        Leaf leaf(script);
        BOOST_TEST(leaf.result_with({}, PERMISSIVE) == "OK");
        BOOST_TEST(leaf.result_with({}) == "DISCOURAGE_OP_SUCCESS");
    }
    Script unknown_key;
    push_data(unknown_key, Bytes(33, 2));
    push_opcode(unknown_key, OP_CHECKSIG);
    Leaf key(unknown_key);
    BOOST_TEST(key.result_with({{1}}, PERMISSIVE) == "OK");
    BOOST_TEST(key.result_with({{}}, PERMISSIVE) == "EVAL_FALSE");
    BOOST_TEST(key.result_with({{1}}) == "DISCOURAGE_UPGRADABLE_PUBKEYTYPE");
}

BOOST_AUTO_TEST_CASE(tapscript__broken_in_one_way__names_the_rule) {
    const std::vector<Bytes> one{{1}};
    BOOST_TEST(Leaf(assemble("IF 1 ENDIF")).result_with(one) == "OK");
    BOOST_TEST(
        Leaf(assemble("IF 1 ENDIF")).result_with({{2}}, PERMISSIVE) == "TAPSCRIPT_MINIMALIF");
    BOOST_TEST(
        Leaf(assemble("NOTIF 1 ENDIF")).result_with({{0}}, PERMISSIVE) == "TAPSCRIPT_MINIMALIF");
    BOOST_TEST(Leaf(assemble("0 0 0 CHECKMULTISIG")).result_with({}) == "TAPSCRIPT_CHECKMULTISIG");
    BOOST_TEST(
        Leaf(assemble("0 0 0 CHECKMULTISIGVERIFY 1")).result_with({}) == "TAPSCRIPT_CHECKMULTISIG");
    BOOST_TEST(Leaf(assemble("0 CHECKSIG")).result_with({{}}) == "TAPSCRIPT_EMPTY_PUBKEY");
    BOOST_TEST(Leaf(assemble("0x4c")).result_with({}) == "BAD_OPCODE");
    BOOST_TEST(Leaf(assemble("VERIF")).result_with({}) == "BAD_OPCODE");
    BOOST_TEST(Leaf(assemble("1 1")).result_with({}) == "CLEANSTACK");
    BOOST_TEST(Leaf(assemble("DROP 1")).result_with({Bytes(521)}) == "PUSH_SIZE");
    BOOST_TEST(Leaf(assemble("1")).result_with(std::vector<Bytes>(1001)) == "STACK_SIZE");
    BOOST_TEST(Leaf(assemble("1")).result_with(std::vector<Bytes>(1000)) == "STACK_SIZE");
    BOOST_TEST(Leaf(assemble("1")).result_with(std::vector<Bytes>(999)) == "CLEANSTACK");
    BOOST_TEST(Leaf(assemble("CHECKSIGADD")).result_with({{}, {}}) == "INVALID_STACK_OPERATION");
}

/// Neither size nor operations are counted: the weight of the witness bounds both.
BOOST_AUTO_TEST_CASE(tapscript__long_script__has_no_old_limits) {
    Script script;
    for (int i = 0; i < 20'000; ++i) push_opcode(script, OP_NOP);
    push_opcode(script, OP_1);
    BOOST_TEST(Leaf(script).result_with({}) == "OK");
}

BOOST_AUTO_TEST_CASE(tapscript__checksigadd__counts_the_signers) {
    Script script = key_check(ALICE);
    script.append(key_check(BOB, OP_CHECKSIGADD));
    script.append(assemble("2 NUMEQUAL"));
    Leaf leaf(script);
    const Bytes alice = ALICE.sign_schnorr(leaf.hash());
    const Bytes bob = BOB.sign_schnorr(leaf.hash());
    BOOST_TEST(leaf.result_with({bob, alice}) == "OK");
    BOOST_TEST(leaf.result_with({{}, alice}) == "EVAL_FALSE");
    BOOST_TEST(leaf.result_with({alice, alice}) == "SCHNORR_SIG");
    Leaf number(assemble("0x05 0x0100000000 1 CHECKSIGADD"));
    BOOST_TEST(number.result_with({{}}) == "SCRIPTNUM");
}

BOOST_AUTO_TEST_CASE(tapscript__signature_budget__fifty_units_each) {
    // Signatures are checked again and again; each check costs 50 of witness weight plus 50.
    const auto result_with = [](int checks, size_t padding) {
        Script script;
        push_data(script, Bytes(padding));
        push_opcode(script, OP_DROP);
        push_data(script, BOB.x_only_key());
        for (int i = 0; i < checks; ++i) {
            push_opcode(script, OP_2DUP);
            push_opcode(script, OP_CHECKSIGVERIFY);
        }
        push_opcode(script, OP_2DROP);
        push_opcode(script, OP_1);
        Leaf leaf(script);
        const std::string_view result = leaf.result_with({BOB.sign_schnorr(leaf.hash())});
        const auto weight = static_cast<int>(leaf.spend.witness().wire_bytes()) + 50;
        BOOST_TEST((result == "OK") == (checks * 50 <= weight));
        return result;
    };
    BOOST_TEST(result_with(1, 1) == "OK");
    BOOST_TEST(result_with(4, 10) == "OK");
    BOOST_TEST(result_with(6, 1) == "TAPSCRIPT_VALIDATION_WEIGHT");
    for (size_t padding = 1; padding < 75; ++padding) result_with(4, padding);
}

BOOST_AUTO_TEST_SUITE_END()
