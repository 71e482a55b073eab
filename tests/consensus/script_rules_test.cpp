// SPDX-License-Identifier: MIT
// Rules of scripts that need no key: each a script that passes, and the same broken in one way.
#include "consensus/interpreter.h"
#include "consensus/script_machine.h"
#include "tests/consensus/script_assembler.h"
#include "tests/consensus/script_error_name.h"
#include "tests/consensus/spend.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;
using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(script_rules)

namespace {

std::string_view run(std::string_view script_sig, std::string_view coin, uint32_t flags) {
    Spend spend(assemble(coin));
    spend.script_sig() = assemble(script_sig);
    return spend.result(flags);
}

std::string repeated(std::string_view words, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text.append(words).append(" ");
    return text;
}

/// P2WSH of `script`, with `items` below it.
Spend spend_witness_script(std::string_view script, std::vector<Bytes> items) {
    const Script assembled = assemble(script);
    Spend spend = Spend::of_program(0, sha256(assembled).bytes);
    items.emplace_back(assembled.begin(), assembled.end());
    spend.set_witness(items);
    return spend;
}

/// P2SH of `script`, revealed after `pushes`.
Spend spend_p2sh(std::string_view script, std::string_view pushes) {
    const Script assembled = assemble(script);
    Script coin;
    push_opcode(coin, OP_HASH160);
    push_data(coin, hash160(assembled));
    push_opcode(coin, OP_EQUAL);
    Spend spend(coin);
    spend.script_sig() = assemble(pushes);
    push_data(spend.script_sig(), assembled);
    return spend;
}

/// A script that passes and one that breaks one rule.
struct Rule {
    std::string_view error;
    std::pair<std::string_view, std::string_view> valid; ///< script_sig, then the coin's script.
    std::pair<std::string_view, std::string_view> broken;
    uint32_t flags = VERIFY_NONE;
};

const Rule RULES[] = {
    {"EVAL_FALSE", {"1", ""}, {"0", ""}},
    {"EVAL_FALSE", {"1", ""}, {"", ""}},
    {"EVAL_FALSE", {"0x01 0x81", ""}, {"0x01 0x80", ""}}, // negative zero
    {"EVAL_FALSE", {"0x02 0x8000", ""}, {"0x02 0x0080", ""}},
    {"OP_RETURN", {"1", "0 IF RETURN ENDIF"}, {"1", "1 IF RETURN ENDIF"}},
    {"SIG_COUNT", {"0 0 0", "CHECKMULTISIG"}, {"0 1 0", "CHECKMULTISIG"}},
    {"SIG_COUNT", {"0 0 0", "CHECKMULTISIG"}, {"0 -1 0", "CHECKMULTISIG"}},
    {"PUBKEY_COUNT", {"0 0 0", "CHECKMULTISIG"}, {"0 0 21", "CHECKMULTISIG"}},
    {"PUBKEY_COUNT", {"0 0 0", "CHECKMULTISIG"}, {"0 0 -1", "CHECKMULTISIG"}},
    {"VERIFY", {"1 1", "VERIFY"}, {"1 0", "VERIFY"}},
    {"EQUALVERIFY", {"1 2 2", "EQUALVERIFY"}, {"1 2 3", "EQUALVERIFY"}},
    {"NUMEQUALVERIFY", {"1 2 2", "NUMEQUALVERIFY"}, {"1 2 3", "NUMEQUALVERIFY"}},
    {"CHECKMULTISIGVERIFY",
     {"1 0 0 0", "CHECKMULTISIGVERIFY"},
     {"1 0 0 1 0 1", "CHECKMULTISIGVERIFY"}},
    {"BAD_OPCODE", {"1", "NOP"}, {"1", "RESERVED"}},
    {"BAD_OPCODE", {"1", "0 IF VER ENDIF"}, {"1", "1 IF VER ENDIF"}},
    {"BAD_OPCODE", {"1", "0 IF RESERVED ENDIF"}, {"1", "0 IF VERIF ENDIF"}},
    {"BAD_OPCODE", {"1", "0 IF 0xff ENDIF"}, {"1", "0xff"}},
    {"BAD_OPCODE", {"1", "0x4c 0x01 0x01"}, {"1", "0x4c 0x02 0x01"}},      // breaks off
    {"BAD_OPCODE", {"1", "NOP"}, {"1 1 1", "CHECKSIGADD"}},                // tapscript's alone
    {"DISABLED_OPCODE", {"1", "0 IF NOP ENDIF"}, {"1", "0 IF CAT ENDIF"}}, // CVE-2010-5137
    {"INVALID_STACK_OPERATION", {"1", "DUP"}, {"", "DUP"}},
    {"INVALID_STACK_OPERATION", {"1 1 1", "1 PICK"}, {"1", "1 PICK"}},
    {"INVALID_STACK_OPERATION", {"1 1 1", "0 ROLL"}, {"1 1 1", "-1 ROLL"}},
    {"INVALID_STACK_OPERATION", {"0 0 0", "CHECKMULTISIG"}, {"0 0", "CHECKMULTISIG"}},
    {"INVALID_ALTSTACK_OPERATION", {"1", "TOALTSTACK FROMALTSTACK"}, {"1", "FROMALTSTACK"}},
    {"UNBALANCED_CONDITIONAL", {"1", "IF 1 ENDIF"}, {"1", "IF 1"}},
    {"UNBALANCED_CONDITIONAL", {"1 1", "IF ELSE ENDIF"}, {"1", "ELSE"}},
    {"UNBALANCED_CONDITIONAL", {"1 1", "IF ENDIF"}, {"1", "ENDIF"}},
    {"SCRIPTNUM", {"0x04 0x01000000", "1ADD"}, {"0x05 0x0100000000", "1ADD"}},
    {"SCRIPTNUM", {"1", "1ADD"}, {"0x02 0x0100", "1ADD"}, VERIFY_MINIMALDATA},
    {"MINIMALDATA", {"2", ""}, {"0x01 0x02", ""}, VERIFY_MINIMALDATA},
    {"MINIMALDATA", {"0x01 0x11", ""}, {"0x4c 0x01 0x11", ""}, VERIFY_MINIMALDATA},
    {"SIG_PUSHONLY", {"1", ""}, {"1 NOP", ""}, VERIFY_SIGPUSHONLY},
    {"SIG_NULLDUMMY", {"0 0 0", "CHECKMULTISIG"}, {"1 0 0", "CHECKMULTISIG"}, VERIFY_NULLDUMMY},
    {"NULLFAIL",
     {"0 0 1 0 1", "CHECKMULTISIG NOT"},
     {"0 1 1 0 1", "CHECKMULTISIG NOT"}, // a number for a signature
     VERIFY_NULLFAIL},
    {"DISCOURAGE_UPGRADABLE_NOPS", {"1", "NOP"}, {"1", "NOP10"}, VERIFY_DISCOURAGE_UPGRADABLE_NOPS},
    {"CLEANSTACK", {"1", ""}, {"1 1", ""}, VERIFY_P2SH | VERIFY_WITNESS | VERIFY_CLEANSTACK},
    {"OP_CODESEPARATOR",
     {"1", "0 IF NOP ENDIF"},
     {"1", "0 IF CODESEPARATOR ENDIF"},
     VERIFY_CONST_SCRIPTCODE},
    {"SIG_FINDANDDELETE",
     {"0 1", "1 DROP CHECKSIG NOT"},
     {"0 1", "0 DROP CHECKSIG NOT"}, // an empty signature is pushed as the 0 is
     VERIFY_CONST_SCRIPTCODE},
    {"WITNESS_PROGRAM_WRONG_LENGTH",
     {"", "2 0x03 0x010203"},
     {"", "0 0x03 0x010203"},
     VERIFY_P2SH | VERIFY_WITNESS},
    {"WITNESS_MALLEATED",
     {"", "2 0x02 0x0102"},
     {"1", "2 0x02 0x0102"},
     VERIFY_P2SH | VERIFY_WITNESS},
    {"DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
     {"", "1 0x02 0x4e73"}, // the anchor has its meaning
     {"", "1 0x02 0x4e74"},
     VERIFY_P2SH | VERIFY_WITNESS | VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM},
};

} // namespace

BOOST_AUTO_TEST_CASE(verify_input__one_rule_broken__names_that_rule) {
    for (const Rule& rule : RULES) {
        BOOST_TEST_CONTEXT(rule.error << ": " << rule.broken.first << " | " << rule.broken.second) {
            BOOST_TEST(run(rule.valid.first, rule.valid.second, rule.flags) == "OK");
            BOOST_TEST(run(rule.broken.first, rule.broken.second, rule.flags) == rule.error);
        }
    }
}

BOOST_AUTO_TEST_CASE(verify_input__at_the_limit_and_past_it__only_past_fails) {
    const std::string push_520 = std::string("0x4d 0x0802 0x").append(1040, 'a').append(" ");
    const std::string push_521 = std::string("0x4d 0x0902 0x").append(1042, 'a').append(" ");
    BOOST_TEST(run(push_520, "", VERIFY_NONE) == "OK");
    BOOST_TEST(run(push_521, "", VERIFY_NONE) == "PUSH_SIZE");
    BOOST_TEST(run("1", "0 IF " + push_521 + "ENDIF", VERIFY_NONE) == "PUSH_SIZE");

    const std::string bytes_9975 = repeated(push_520 + "DROP", 19) + repeated("1", 19);
    BOOST_TEST(run("1", bytes_9975 + repeated("1", 25), VERIFY_NONE) == "OK");
    BOOST_TEST(run("1", bytes_9975 + repeated("1", 26), VERIFY_NONE) == "SCRIPT_SIZE");

    BOOST_TEST(run("1", repeated("NOP", 201), VERIFY_NONE) == "OK");
    BOOST_TEST(run("1", repeated("NOP", 202), VERIFY_NONE) == "OP_COUNT");
    BOOST_TEST(run("1", "0 IF " + repeated("NOP", 200) + "ENDIF", VERIFY_NONE) == "OP_COUNT");
    const std::string no_keys = "0 0 0 CHECKMULTISIG ";
    const std::string twenty_keys = "0 0 " + repeated("1", 20) + "20 CHECKMULTISIG ";
    BOOST_TEST(run("", twenty_keys + repeated("NOP", 180), VERIFY_NONE) == "OK");
    BOOST_TEST(run("", twenty_keys + repeated("NOP", 181), VERIFY_NONE) == "OP_COUNT");
    BOOST_TEST(run("", repeated("NOP", 181) + twenty_keys, VERIFY_NONE) == "OP_COUNT");
    BOOST_TEST(run("", repeated("NOP", 200) + no_keys, VERIFY_NONE) == "OK");

    BOOST_TEST(run("", repeated("1", 1000), VERIFY_NONE) == "OK");
    BOOST_TEST(run("", repeated("1", 1001), VERIFY_NONE) == "STACK_SIZE");
    const std::string one_aside = "1 TOALTSTACK ";
    BOOST_TEST(run("", one_aside + repeated("1", 999), VERIFY_NONE) == "OK");
    BOOST_TEST(run("", one_aside + repeated("1", 1000), VERIFY_NONE) == "STACK_SIZE");
}

BOOST_AUTO_TEST_CASE(verify_input__p2sh__runs_the_revealed_script) {
    const uint32_t flags = VERIFY_P2SH;
    BOOST_TEST(spend_p2sh("2 EQUAL", "2").result(flags) == "OK");
    BOOST_TEST(spend_p2sh("2 EQUAL", "3").result(flags) == "EVAL_FALSE");
    BOOST_TEST(spend_p2sh("2 EQUAL", "3").result(VERIFY_NONE) == "OK"); // before BIP-0016
    BOOST_TEST(spend_p2sh("2 EQUAL", "2 NOP").result(flags) == "SIG_PUSHONLY");
    Spend other = spend_p2sh("2 EQUAL", "2");
    other.script_sig() = assemble("2 0x02 0x5387");
    BOOST_TEST(other.result(flags) == "EVAL_FALSE");
}

BOOST_AUTO_TEST_CASE(verify_input__p2sh_witness__script_sig_is_one_push) {
    const uint32_t flags = VERIFY_P2SH | VERIFY_WITNESS;
    BOOST_TEST(spend_p2sh("2 0x02 0x0102", "").result(flags) == "OK");
    BOOST_TEST(spend_p2sh("2 0x02 0x0102", "1").result(flags) == "WITNESS_MALLEATED_P2SH");
    // Taproot and the anchor have no meaning inside P2SH.
    const std::string taproot = "1 0x20 0x" + std::string(64, 'a');
    BOOST_TEST(spend_p2sh(taproot, "").result(MANDATORY_FLAGS) == "OK");
    BOOST_TEST(
        spend_p2sh("1 0x02 0x4e73", "").result(STANDARD_FLAGS) ==
        "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM");
}

BOOST_AUTO_TEST_CASE(verify_input__witness_script__broken_in_one_way__names_it) {
    const std::vector<Bytes> one{{1}};
    BOOST_TEST(spend_witness_script("IF 1 ENDIF", one).result() == "OK");
    BOOST_TEST(spend_witness_script("IF 1 ENDIF", {{2}}).result() == "MINIMALIF");
    BOOST_TEST(spend_witness_script("NOTIF 0 ELSE 1 ENDIF", {{1, 0}}).result() == "MINIMALIF");
    BOOST_TEST(spend_witness_script("IF 1 ENDIF", {{2}}).result(MANDATORY_FLAGS) == "OK");
    BOOST_TEST(spend_witness_script("1 1", {}).result() == "CLEANSTACK");
    BOOST_TEST(spend_witness_script("", {}).result() == "CLEANSTACK");
    BOOST_TEST(spend_witness_script("", {{}}).result() == "EVAL_FALSE");
    BOOST_TEST(spend_witness_script("DROP 1", {Bytes(520)}).result() == "OK");
    BOOST_TEST(spend_witness_script("DROP 1", {Bytes(521)}).result() == "PUSH_SIZE");

    Spend other = spend_witness_script("1", {});
    other.set_witness({{OP_2}});
    BOOST_TEST(other.result() == "WITNESS_PROGRAM_MISMATCH");
    other.set_witness({});
    BOOST_TEST(other.result() == "WITNESS_PROGRAM_WITNESS_EMPTY");
    Spend bare(assemble("1"));
    bare.set_witness({{1}});
    BOOST_TEST(bare.result() == "WITNESS_UNEXPECTED");
}

namespace {

/// Run one script without signatures on `stack`. Core: EvalScript.
ScriptError
run_script(std::vector<Bytes>& stack, ByteView script, const SignatureChecker& checker) {
    const ScriptRules rules{VERIFY_NONE, checker};
    ScriptStack items;
    for (const Bytes& bytes : stack) items.push_back(StackItem::refer(bytes));
    const ScriptError error = ScriptMachine{rules, SigVersion::Base, script, items}.run();
    std::vector<Bytes> result;
    for (const StackItem& item : items) result.emplace_back(item.view().begin(), item.view().end());
    stack = std::move(result);
    return error;
}

} // namespace

BOOST_AUTO_TEST_CASE(run_script__each_opcode__leaves_what_it_should) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"1 2 2DROP 3", "3"},
        {"1 2 NIP", "2"},
        {"1 DUP", "1 1"},
        {"1 2 2DUP", "1 2 1 2"},
        {"1 2 3 3DUP", "1 2 3 1 2 3"},
        {"1 2 OVER", "1 2 1"},
        {"1 2 3 4 2OVER", "1 2 3 4 1 2"},
        {"1 2 TUCK", "2 1 2"},
        {"0 IFDUP 1 IFDUP", "0 1 1"},
        {"1 2 SWAP", "2 1"},
        {"1 2 3 ROT", "2 3 1"},
        {"1 2 3 4 2SWAP", "3 4 1 2"},
        {"1 2 3 4 5 6 2ROT", "3 4 5 6 1 2"},
        {"1 2 3 2 PICK", "1 2 3 1"},
        {"1 2 3 2 ROLL", "2 3 1"},
        {"1 TOALTSTACK 2 FROMALTSTACK", "2 1"},
        {"1 2 DEPTH", "1 2 2"},
        {"'abc' SIZE", "'abc' 3"},
        {"'a' 'a' EQUAL 'a' 'b' EQUAL", "1 0"},
        {"0 IF 1 ELSE 2 ELSE 3 ENDIF", "2"}, // each OP_ELSE turns the branch over
        {"1 IF 1 ELSE 2 ELSE 3 ENDIF", "1 3"},
        {"0 IF 1 IF 2 ELSE 3 ENDIF ELSE 4 ENDIF", "4"},
        {"0 NOTIF 1 ENDIF", "1"},
        {"1 1ADD 1 1SUB", "2 0"},
        {"5 NEGATE -5 ABS", "-5 5"},
        {"0 NOT 1 NOT 2 NOT", "1 0 0"},
        {"0 0NOTEQUAL 2 0NOTEQUAL", "0 1"},
        {"2 3 ADD 2 3 SUB", "5 -1"},
        {"2147483647 1ADD", "2147483648"}, // results may be longer than operands
        {"2 0 BOOLAND 2 3 BOOLAND 0 0 BOOLOR 0 2 BOOLOR", "0 1 0 1"},
        {"2 2 NUMEQUAL 2 3 NUMEQUAL 2 3 NUMNOTEQUAL", "1 0 1"},
        {"1 2 LESSTHAN 2 2 LESSTHAN 2 2 LESSTHANOREQUAL", "1 0 1"},
        {"2 1 GREATERTHAN 2 2 GREATERTHAN 2 2 GREATERTHANOREQUAL", "1 0 1"},
        {"2 3 MIN 2 3 MAX", "2 3"},
        {"1 1 3 WITHIN 3 1 3 WITHIN 0 1 3 WITHIN", "1 0 0"},
        {"'' RIPEMD160", "0x14 0x9c1185a5c5e9fc54612808977ee8f548b2258d31"},
        {"'' SHA1", "0x14 0xda39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"'' SHA256", "0x20 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"'' HASH160", "0x14 0xb472a266d0bd89c13706a4132ccfb16f7c3b9fcb"},
        {"'' HASH256", "0x20 0x5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456"},
    };
    const Spend spend{Script()};
    const SighashMidstates midstates(spend.tx, spend.spent);
    const TransactionChecker checker(spend.tx, 0, 0, midstates);
    for (const auto& [script, expected] : cases) {
        std::vector<Bytes> stack;
        std::vector<Bytes> wanted;
        const ScriptError error = run_script(stack, assemble(script), checker);
        run_script(wanted, assemble(expected), checker);
        BOOST_TEST_CONTEXT(script) {
            BOOST_TEST(script_error_name(error) == "OK");
            BOOST_TEST((stack == wanted));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
