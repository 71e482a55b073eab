// SPDX-License-Identifier: MIT
#include "consensus/interpreter.h"
#include "consensus/script.h"
#include "consensus/script_error.h"
#include "consensus/script_text.h"
#include "consensus/standard.h"
#include "tests/consensus/script_assembler.h"
#include "tests/consensus/script_error_name.h"
#include "tests/consensus/spend.h"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace cairn::consensus;
using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(script)

namespace {

Bytes hex(std::string_view text) {
    return from_hex(text).value();
}

std::string number_hex(int64_t n) {
    return to_hex(script_number(n));
}

std::string text_of(std::string_view script_hex) {
    return script_to_text(hex(script_hex));
}

} // namespace

BOOST_AUTO_TEST_CASE(script_reader__push_of_each_kind__gives_its_data) {
    const Bytes bytes = hex("000201ff4c01aa4d0100bb4e01000000cc51");
    ScriptReader reader(bytes);
    for (const std::string_view data : {"", "01ff", "aa", "bb", "cc", ""}) {
        const auto instruction = reader.next();
        BOOST_TEST_REQUIRE(instruction.has_value());
        BOOST_TEST(to_hex(instruction->data) == data);
    }
    BOOST_TEST(reader.at_end());
    BOOST_TEST(!reader.next().has_value());
}

BOOST_AUTO_TEST_CASE(script_reader__push_past_the_end__stops_behind_its_head) {
    const std::pair<std::string_view, size_t> cases[] = {
        {"01", 1},   {"4b00", 1},   {"4c", 1},       {"4c02aa", 2},
        {"4d01", 1}, {"4d0100", 3}, {"4e010000", 1}, {"4effffffff00", 5}};
    for (const auto& [broken, head] : cases) {
        const Bytes bytes = hex(broken);
        ScriptReader reader(bytes);
        BOOST_TEST(!reader.next().has_value());
        BOOST_TEST(!reader.next().has_value()); // nothing behind it is taken for an opcode
        BOOST_TEST(!reader.at_end());
        BOOST_TEST(reader.position() == head);
    }
}

BOOST_AUTO_TEST_CASE(push_data__each_length__takes_the_shortest_opcode) {
    const std::pair<size_t, std::string_view> cases[] = {
        {0, "00"},     {1, "01"},       {75, "4b"},        {76, "4c4c"},
        {255, "4cff"}, {256, "4d0001"}, {65535, "4dffff"}, {65536, "4e00000100"},
    };
    for (const auto& [size, head] : cases) {
        Script pushed;
        push_data(pushed, Bytes(size, 7));
        BOOST_TEST(to_hex(ByteView(pushed).first(head.size() / 2)) == head);
        BOOST_TEST(pushed.size() == head.size() / 2 + size);
        ScriptReader reader(pushed);
        BOOST_TEST(is_minimal_push(reader.next().value()) == (size != 1)); // 7 has its own opcode
    }
}

BOOST_AUTO_TEST_CASE(push_number__each_kind__takes_the_shortest_form) {
    const std::pair<int64_t, std::string_view> cases[] = {
        {0, "00"},
        {1, "51"},
        {16, "60"},
        {-1, "4f"},
        {17, "0111"},
        {-2, "0182"},
        {127, "017f"},
        {128, "028000"},
        {-128, "028080"},
        {255, "02ff00"},
        {256, "020001"},
        {-255, "02ff80"},
        {2147483647, "04ffffff7f"},
        {INT64_MAX, "08ffffffffffffff7f"},
        {INT64_MIN, "09000000000000008080"},
    };
    for (const auto& [number, expected] : cases) {
        Script pushed;
        push_number(pushed, number);
        BOOST_TEST(to_hex(pushed) == expected);
    }
}

BOOST_AUTO_TEST_CASE(read_script_number__what_was_written__comes_back) {
    for (const int64_t n :
         {0L, 1L, -1L, 127L, 128L, -127L, -128L, 32767L, 32768L, -8388608L, 2147483647L,
          -2147483647L})
        BOOST_TEST(read_script_number(script_number(n), true, 4).value() == n);
    BOOST_TEST(number_hex(2147483648) == "0000008000");
    BOOST_TEST(!read_script_number(script_number(2147483648), true, 4).has_value());
    BOOST_TEST(read_script_number(script_number(2147483648), true, 5).value() == 2147483648);
}

BOOST_AUTO_TEST_CASE(read_script_number__longer_than_needed__only_if_not_minimal) {
    for (const std::string_view text : {"00", "80", "0100", "ff0000", "7f80"}) {
        BOOST_TEST(!read_script_number(hex(text), true).has_value());
        BOOST_TEST(read_script_number(hex(text), false).has_value());
    }
    BOOST_TEST(read_script_number(hex("80"), false).value() == 0);
    BOOST_TEST(read_script_number(hex("ff00"), true).value() == 255);
    BOOST_TEST(read_script_number(hex("ff80"), true).value() == -255);
}

BOOST_AUTO_TEST_CASE(count_sigops__multisig__accurately_or_twenty) {
    const Script multisig = assemble("1 0 0 2 CHECKMULTISIG CHECKSIG CHECKSIGVERIFY");
    BOOST_TEST(count_sigops(multisig, true) == 4);
    BOOST_TEST(count_sigops(multisig, false) == 22);
    BOOST_TEST(count_sigops(assemble("0 CHECKMULTISIGVERIFY"), true) == 20);
    BOOST_TEST(count_sigops(assemble("CHECKSIG 0x02 0xac"), true) == 1); // up to what breaks off
    BOOST_TEST(count_sigops(assemble("0x01 0xac"), true) == 0);          // data
}

BOOST_AUTO_TEST_CASE(count_p2sh_sigops__revealed_script__is_counted) {
    const Script coin = pay_to_script_hash(Bytes(20));
    Script script_sig = assemble("0");
    push_data(script_sig, assemble("1 0 0 2 CHECKMULTISIG"));
    BOOST_TEST(count_p2sh_sigops(script_sig, coin) == 2);
    BOOST_TEST(count_p2sh_sigops(script_sig, assemble("1")) == 0);
    push_opcode(script_sig, OP_NOP);
    BOOST_TEST(count_p2sh_sigops(script_sig, coin) == 0);
    BOOST_TEST(count_p2sh_sigops({}, coin) == 0);
}

BOOST_AUTO_TEST_CASE(count_witness_sigops__by_program__counts_key_or_script) {
    const Script key = pay_to_witness(0, Bytes(20));
    const Script wrapped = pay_to_witness(0, Bytes(32));
    const Script multisig = assemble("1 0 0 2 CHECKMULTISIG");
    Witness witness;
    witness.push_back(multisig);
    const uint32_t flags = VERIFY_P2SH | VERIFY_WITNESS;
    BOOST_TEST(count_witness_sigops({}, key, {}, flags) == 1);
    BOOST_TEST(count_witness_sigops({}, key, {}, VERIFY_P2SH) == 0);
    BOOST_TEST(count_witness_sigops({}, wrapped, witness, flags) == 2);
    BOOST_TEST(count_witness_sigops({}, wrapped, {}, flags) == 0);
    BOOST_TEST(count_witness_sigops({}, pay_to_witness(1, Bytes(32)), witness, flags) == 0);
    Script script_sig;
    push_data(script_sig, wrapped);
    BOOST_TEST(
        count_witness_sigops(script_sig, pay_to_script_hash(Bytes(20)), witness, flags) == 2);
}

BOOST_AUTO_TEST_CASE(script_to_text__each_kind__as_the_reference_shows_it) {
    BOOST_TEST(text_of("").empty());
    BOOST_TEST(
        text_of("76a914000102030405060708090a0b0c0d0e0f1011121388ac") ==
        "OP_DUP OP_HASH160 000102030405060708090a0b0c0d0e0f10111213 OP_EQUALVERIFY OP_CHECKSIG");
    BOOST_TEST(text_of("00516050614f") == "0 1 16 OP_RESERVED OP_NOP -1");
    BOOST_TEST(text_of("04ffffffff0101020080") == "-2147483647 1 0");
    BOOST_TEST(text_of("050102030405") == "0102030405");
    BOOST_TEST(text_of("baff") == "OP_CHECKSIGADD OP_INVALIDOPCODE");
    BOOST_TEST(text_of("6aee") == "OP_RETURN OP_UNKNOWN");
    BOOST_TEST(text_of("6a02ee") == "OP_RETURN [error]");
}

BOOST_AUTO_TEST_CASE(script_to_text__signature__names_its_hash_type) {
    const Bytes signature = Signer(1).sign({}, SIGHASH_ALL | SIGHASH_ANYONECANPAY);
    Script script_sig;
    push_data(script_sig, signature);
    const std::string body = to_hex(ByteView(signature).first(signature.size() - 1));
    BOOST_TEST(script_to_text(script_sig) == body + "81");
    BOOST_TEST(script_to_text(script_sig, true) == body + "[ALL|ANYONECANPAY]");
    Script data = assemble("RETURN");
    data.append(script_sig);
    BOOST_TEST(script_to_text(data, true) == "OP_RETURN " + body + "81");
}

BOOST_AUTO_TEST_CASE(script_error__each__has_words_of_its_own) {
    std::set<std::string_view> names;
    std::set<std::string_view> texts;
    for (int i = 0; i <= static_cast<int>(ScriptError::ScriptNum); ++i) {
        names.insert(script_error_name(static_cast<ScriptError>(i)));
        texts.insert(script_error_text(static_cast<ScriptError>(i)));
    }
    BOOST_TEST(names.size() == static_cast<size_t>(ScriptError::ScriptNum) + 1);
    BOOST_TEST(texts.size() == names.size());
    BOOST_TEST(script_error_name(ScriptError::SigNullFail) == "NULLFAIL");
    BOOST_TEST(
        script_error_text(ScriptError::ScriptNum) ==
        "Script number overflowed or is non-minimally encoded");
}

BOOST_AUTO_TEST_SUITE_END()
