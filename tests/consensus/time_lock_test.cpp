// SPDX-License-Identifier: MIT
// OP_CHECKLOCKTIMEVERIFY and OP_CHECKSEQUENCEVERIFY, in the order of BIP-0065 and BIP-0112.
#include "tests/consensus/script_assembler.h"
#include "tests/consensus/spend.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;
using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(time_lock)

namespace {

constexpr uint32_t IN_TIME = 1U << 22;
constexpr uint32_t NO_LOCK = 1U << 31;

std::string_view lock_time_result(
    std::string_view operand,
    uint32_t lock_time,
    uint32_t sequence = 0,
    uint32_t flags = VERIFY_CHECKLOCKTIMEVERIFY) {
    Spend spend(assemble(std::string(operand) + " CHECKLOCKTIMEVERIFY 1"));
    spend.tx.lock_time = lock_time;
    spend.tx.inputs[0].sequence = sequence;
    return spend.result(flags);
}

std::string_view sequence_result(
    int64_t operand,
    uint32_t sequence,
    int32_t version = 2,
    uint32_t flags = VERIFY_CHECKSEQUENCEVERIFY) {
    Spend spend(assemble(std::to_string(operand) + " CHECKSEQUENCEVERIFY 1"));
    spend.tx.version = version;
    spend.tx.inputs[0].sequence = sequence;
    return spend.result(flags);
}

} // namespace

BOOST_AUTO_TEST_CASE(check_lock_time__one_condition__decides) {
    BOOST_TEST(lock_time_result("", 0) == "INVALID_STACK_OPERATION");
    BOOST_TEST(lock_time_result("-1", 0) == "NEGATIVE_LOCKTIME");
    BOOST_TEST(lock_time_result("100", 100) == "OK");
    BOOST_TEST(lock_time_result("100", 101) == "OK");
    BOOST_TEST(lock_time_result("100", 99) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(lock_time_result("499999999", 500'000'000) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(lock_time_result("500000000", 499'999'999) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(lock_time_result("500000000", 500'000'000) == "OK");
    BOOST_TEST(lock_time_result("4294967295", UINT32_MAX) == "OK"); // five bytes
    BOOST_TEST(lock_time_result("4294967296", UINT32_MAX) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(lock_time_result("0x06 0x000000000001", 0) == "SCRIPTNUM");
    BOOST_TEST(lock_time_result("100", 100, TxIn::SEQUENCE_FINAL) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(lock_time_result("100", 99, 0, VERIFY_NONE) == "OK"); // a NOP before BIP-0065
    BOOST_TEST(lock_time_result("100", 99, 0, VERIFY_DISCOURAGE_UPGRADABLE_NOPS) == "OK");
}

BOOST_AUTO_TEST_CASE(check_sequence__one_condition__decides) {
    BOOST_TEST(sequence_result(-1, 0) == "NEGATIVE_LOCKTIME");
    BOOST_TEST(sequence_result(10, 10) == "OK");
    BOOST_TEST(sequence_result(10, 11) == "OK");
    BOOST_TEST(sequence_result(10, 9) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(sequence_result(10, 10, 1) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(sequence_result(10, 10, -1) == "OK"); // the version has no sign
    BOOST_TEST(sequence_result(NO_LOCK, 0, 1) == "OK");
    BOOST_TEST(sequence_result(10, NO_LOCK | 10) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(sequence_result(IN_TIME | 10, 10) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(sequence_result(10, IN_TIME | 10) == "UNSATISFIED_LOCKTIME");
    BOOST_TEST(sequence_result(IN_TIME | 10, IN_TIME | 10) == "OK");
    BOOST_TEST(sequence_result(10, 0x10000 | 10) == "OK"); // bits without a meaning
    BOOST_TEST(sequence_result(0x10000 | 10, 10) == "OK");
    BOOST_TEST(sequence_result(10, 9, 2, VERIFY_NONE) == "OK"); // a NOP before BIP-0112
    Spend empty(assemble("CHECKSEQUENCEVERIFY 1"));
    BOOST_TEST(empty.result(VERIFY_CHECKSEQUENCEVERIFY) == "INVALID_STACK_OPERATION");
    Spend wide(assemble("0x06 0x000000000001 CHECKSEQUENCEVERIFY 1"));
    BOOST_TEST(wide.result(VERIFY_CHECKSEQUENCEVERIFY) == "SCRIPTNUM");
}

BOOST_AUTO_TEST_SUITE_END()
