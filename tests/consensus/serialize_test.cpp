// SPDX-License-Identifier: MIT
#include "consensus/serialize.h"
#include "consensus/transaction.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(serialize)

namespace {

Bytes compact(uint64_t n) {
    Bytes out;
    Writer(out).compact_size(n);
    return out;
}

/// The number that `hex` holds in compact form; nullopt if the reader refuses it.
std::optional<uint64_t> read_compact(std::string_view hex) {
    const Bytes bytes = from_hex(hex).value();
    Reader reader(bytes);
    const uint64_t n = reader.compact_size();
    if (reader.failed()) return std::nullopt;
    return n;
}

} // namespace

BOOST_AUTO_TEST_CASE(writer__integers__little_endian) {
    Bytes out;
    Writer writer(out);
    writer(uint8_t{1}, uint16_t{0x0203}, int32_t{-2}, uint64_t{0x0102030405060708}, true);
    BOOST_TEST(to_hex(out) == "010302feffffff080706050403020101");
}

BOOST_AUTO_TEST_CASE(compact_size__each_width__shortest_form) {
    BOOST_TEST(to_hex(compact(0)) == "00");
    BOOST_TEST(to_hex(compact(252)) == "fc");
    BOOST_TEST(to_hex(compact(253)) == "fdfd00");
    BOOST_TEST(to_hex(compact(0xffff)) == "fdffff");
    BOOST_TEST(to_hex(compact(0x10000)) == "fe00000100");
    BOOST_TEST(to_hex(compact(0x100000000)) == "ff0000000001000000");
}

BOOST_AUTO_TEST_CASE(compact_size__shortest_form__read_back) {
    BOOST_TEST(read_compact("fc").value() == 252U);
    BOOST_TEST(read_compact("fdfd00").value() == 253U);
    BOOST_TEST(read_compact("fe00000100").value() == 0x10000U);
    BOOST_TEST(read_compact("fe00000002").value() == MAX_WIRE_SIZE);
}

BOOST_AUTO_TEST_CASE(compact_size__longer_than_needed__refused) {
    for (const auto* hex : {"fdfc00", "feffff0000", "ffffffffff00000000"})
        BOOST_TEST(!read_compact(hex).has_value(), hex);
}

BOOST_AUTO_TEST_CASE(compact_size__above_the_limit__refused) {
    BOOST_TEST(!read_compact("fe01000002").has_value());
    BOOST_TEST(!read_compact("ffffffffffffffffff").has_value());
}

BOOST_AUTO_TEST_CASE(reader__past_the_end__fails_and_stays_failed) {
    const Bytes bytes = {1, 2, 3};
    Reader reader(bytes);
    BOOST_TEST(reader.read<uint16_t>() == 0x0201);
    BOOST_TEST(reader.read<uint32_t>() == 0U);
    BOOST_TEST(reader.failed());
    BOOST_TEST(reader.read<uint8_t>() == 0);
    BOOST_TEST(!reader.at_end());
}

BOOST_AUTO_TEST_CASE(reader__false_count__takes_no_memory) {
    // 33 million outputs are announced, none follow.
    const Bytes bytes = from_hex("fe00000002").value();
    Reader reader(bytes);
    std::vector<TxOut> outputs;
    reader(outputs);
    BOOST_TEST(reader.failed());
    BOOST_TEST(outputs.capacity() < 10U);
}

BOOST_AUTO_TEST_CASE(reader__false_length__takes_no_memory) {
    const Bytes bytes = from_hex("fe0000000201").value();
    Reader reader(bytes);
    Script script;
    reader(script);
    BOOST_TEST(reader.failed());
    BOOST_TEST(script.heap_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(decode__bytes_left_over__refused) {
    BOOST_TEST(decode<OutPoint>(Bytes(36)).has_value());
    BOOST_TEST(!decode<OutPoint>(Bytes(35)).has_value());
    BOOST_TEST(decode<OutPoint>(Bytes(37)).error().reason == "decode failed");
}

BOOST_AUTO_TEST_CASE(hex__odd_or_foreign_digits__refused) {
    BOOST_TEST((from_hex("00fFAa") == Bytes{0, 0xff, 0xaa}));
    BOOST_TEST(from_hex("")->empty());
    for (const auto* text : {"0", "0g", "0x00", " 00", "00 "}) BOOST_TEST(!from_hex(text), text);
}

BOOST_AUTO_TEST_CASE(small_bytes__around_the_inline_size__keeps_its_bytes) {
    for (size_t size = 0; size < 100; ++size) {
        Bytes bytes(size);
        for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
        Script script(bytes);
        const Script copy = script;
        const Script moved = std::move(script);
        BOOST_TEST(std::ranges::equal(copy, bytes));
        BOOST_TEST((moved == copy));
        BOOST_TEST((copy.heap_bytes() == 0) == (size <= 40));
    }
}

BOOST_AUTO_TEST_CASE(small_bytes__appended_and_assigned__like_a_vector) {
    Script script;
    Bytes model;
    for (int i = 0; i < 200; ++i) {
        const auto byte = static_cast<uint8_t>(i);
        script.push_back(byte);
        model.push_back(byte);
        BOOST_TEST(std::ranges::equal(script, model));
    }
    Script other;
    other = script;
    script.assign(Bytes{1, 2});
    BOOST_TEST(std::ranges::equal(other, model));
    BOOST_TEST(std::ranges::equal(script, Bytes({1, 2})));
    other = std::move(script);
    BOOST_TEST(other.size() == 2U);
    BOOST_TEST((other < Script(Bytes{1, 3})));
}

BOOST_AUTO_TEST_SUITE_END()
