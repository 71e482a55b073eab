// SPDX-License-Identifier: MIT
// Frames and messages: what is written is read again, what is malformed is refused.
#include "node/protocol.h"

#include <boost/test/unit_test.hpp>

#include <deque>

using namespace cairn;
using namespace cairn::node;

namespace {

constexpr Magic MAGIC = {0xfa, 0xbf, 0xb5, 0xda};
constexpr uint32_t MAX_BLOCK = 4'000'000;

uint32_t max_bytes(std::string_view command) {
    return Protocol::max_payload_bytes(command, MAX_BLOCK);
}

template <class T>
void check_round_trip(const T& content) {
    const Bytes bytes = consensus::encode(content);
    const std::optional<T> again = parse<T>(bytes);
    BOOST_REQUIRE(again.has_value());
    BOOST_TEST(consensus::encode(*again) == bytes);
    // Cut anywhere it is refused, or is a message of an older form.
    for (size_t size = 0; size < bytes.size(); ++size) {
        const std::optional<T> part = parse<T>(ByteView(bytes).first(size));
        if (part && !std::is_same_v<T, VersionMessage>) BOOST_ERROR("read a part: " << size);
    }
}

Outcome<std::optional<Message>> read_one(ByteView bytes) {
    FrameReader reader(MAGIC, max_bytes);
    return reader.next(bytes);
}

} // namespace

BOOST_AUTO_TEST_SUITE(messages)

BOOST_AUTO_TEST_CASE(frame__any_pieces__gives_the_messages) {
    Bytes stream;
    const std::vector<Message> sent = {
        {"verack", {}}, {"ping", Bytes(8, 7)}, {"unknown", Bytes(1000, 1)}, {"verack", {}}};
    for (const Message& message : sent) {
        const Bytes bytes = frame_bytes(MAGIC, message);
        stream.insert(stream.end(), bytes.begin(), bytes.end());
    }
    for (const size_t piece : {size_t{1}, size_t{23}, size_t{24}, size_t{25}, stream.size()}) {
        FrameReader reader(MAGIC, max_bytes);
        std::vector<Message> received;
        for (size_t at = 0; at < stream.size(); at += piece) {
            ByteView in = ByteView(stream).subspan(at, std::min(piece, stream.size() - at));
            for (;;) {
                const auto message = reader.next(in);
                BOOST_REQUIRE(message.has_value());
                if (!*message) break;
                received.push_back(**message);
            }
        }
        BOOST_TEST((received == sent));
    }
}

BOOST_AUTO_TEST_CASE(frame__known_bytes__verack) {
    // Source: the example of the protocol documentation, with another magic.
    const Bytes expected = *consensus::from_hex("fabfb5da76657261636b000000000000000000005df6e0e2");
    BOOST_TEST(frame_bytes(MAGIC, {"verack", {}}) == expected);
}

BOOST_AUTO_TEST_CASE(frame__wrong_magic_or_too_long__ends_the_connection) {
    Bytes bytes = frame_bytes(MAGIC, {"ping", Bytes(8)});
    bytes[0] ^= 1;
    BOOST_TEST(read_one(bytes).has_error());
    const std::pair<std::string, size_t> too_long[] = {
        {"ping", 65},       {"version", 1025},        {"headers", 200'001},
        {"inv", 2'000'001}, {"block", MAX_BLOCK + 1}, {"unknown", 4'000'001}};
    for (const auto& [command, size] : too_long) {
        const Bytes frame = frame_bytes(MAGIC, {command, Bytes(size)});
        // The header alone decides: the body is never taken.
        BOOST_TEST(read_one(ByteView(frame).first(FRAME_HEADER_BYTES)).has_error(), command);
        const Bytes fits = frame_bytes(MAGIC, {command, Bytes(size - 1)});
        BOOST_TEST(read_one(fits).has_value(), command);
    }
}

BOOST_AUTO_TEST_CASE(frame__wrong_checksum_or_name__is_passed_over) {
    Bytes bytes = frame_bytes(MAGIC, {"ping", Bytes(8)});
    bytes[20] ^= 1;
    Bytes named = frame_bytes(MAGIC, {"pi\x01ng", Bytes(8)});
    bytes.insert(bytes.end(), named.begin(), named.end());
    named = frame_bytes(MAGIC, {"pi", Bytes(8)});
    named[10] = 'x'; // after the zero
    bytes.insert(bytes.end(), named.begin(), named.end());
    const Bytes good = frame_bytes(MAGIC, {"pong", Bytes(8)});
    bytes.insert(bytes.end(), good.begin(), good.end());
    const auto message = read_one(bytes);
    BOOST_REQUIRE(message.has_value());
    BOOST_TEST(message->value().command == "pong");
}

BOOST_AUTO_TEST_CASE(messages__any__round_trip_and_refuse_a_part) {
    VersionMessage version;
    version.services = NODE_NETWORK | NODE_WITNESS;
    version.time = 1'700'000'000;
    version.receiver = {1, NetAddress::ipv4({1, 2, 3, 4}, 8333)};
    version.nonce = 42;
    version.user_agent = "/Cairn:0.1.0/";
    version.start_height = 7;
    version.relay = false;
    check_round_trip(version);
    check_round_trip(FeatureMessage{"cairn:meet/1", {1}});
    check_round_trip(SendCompactMessage{true, 2});
    check_round_trip(NonceMessage{~uint64_t{0}});
    check_round_trip(FeeFilterMessage{1000});
    check_round_trip(LocatorMessage{70017, std::vector<consensus::BlockHash>(3), {}});
    check_round_trip(HeadersMessage{std::vector<consensus::BlockHeader>(3)});
    check_round_trip(InventoryMessage{{{InventoryType::WitnessBlock, {}}, {}}});
    check_round_trip(FilterRangeMessage{0, 5, {}});
    check_round_trip(GetFilterCheckpointsMessage{});
    check_round_trip(FilterMessage{0, {}, {1, 2, 3}});
    check_round_trip(FilterHeadersMessage{0, {}, {}, std::vector<consensus::Hash256>(2)});
    check_round_trip(FilterCheckpointsMessage{0, {}, std::vector<consensus::Hash256>(2)});
    check_round_trip(AddrMessage{{{1, 9, NetAddress::ipv4({1, 2, 3, 4}, 8333)}}});
    AddrV2Message addresses;
    addresses.addresses = {
        {1, 9, NetAddress::ipv4({1, 2, 3, 4}, 8333)},
        {2, 1, NetAddress::ipv6({0x2a, 1}, 8333)},
        {3, 1, {NetworkId::TorV3, Bytes(32, 7), 8333}},
        {4, 1, {NetworkId::I2p, Bytes(32, 8), 0}},
        {5, 1, {NetworkId::Cjdns, Bytes(16, 0xfc), 8333}}};
    check_round_trip(addresses);
}

BOOST_AUTO_TEST_CASE(version__of_older_peers__may_end_early) {
    VersionMessage full;
    full.user_agent = "/x/";
    const Bytes bytes = consensus::encode(full);
    const size_t ends[] = {46, 80, 84, 88}; // after receiver, nonce, user agent, start height
    for (const size_t end : ends)
        BOOST_TEST(parse<VersionMessage>(ByteView(bytes).first(end)).has_value(), end);
    for (const size_t end : {size_t{20}, size_t{50}, size_t{82}})
        BOOST_TEST(!parse<VersionMessage>(ByteView(bytes).first(end)).has_value(), end);
}

BOOST_AUTO_TEST_CASE(version__user_agent_too_long__is_refused) {
    VersionMessage message;
    message.user_agent = std::string(257, 'x');
    BOOST_TEST(!parse<VersionMessage>(consensus::encode(message)).has_value());
}

BOOST_AUTO_TEST_CASE(addrv2__networks_and_lengths__as_bip155_says) {
    const auto entry = [](const char* network_and_address) {
        return *consensus::from_hex(
            std::string("01") + "61bc6649" + "00" + network_and_address + "0001");
    };
    const auto ipv4 = parse<AddrV2Message>(entry("010401020304"));
    BOOST_REQUIRE(ipv4.has_value());
    BOOST_TEST(ipv4->addresses.at(0).address.to_string() == "1.2.3.4:1");
    const auto unknown = parse<AddrV2Message>(entry("aa0401020304"));
    BOOST_REQUIRE(unknown.has_value());
    BOOST_TEST(unknown->addresses.empty());
    BOOST_TEST(unknown->count == 1);
    BOOST_TEST(!parse<AddrV2Message>(entry("01050102030405")).has_value());
    // 10.0.0.1 as IPv6 would be dialled as what it is, in the node's own net.
    const auto mapped = parse<AddrV2Message>(entry("021000000000000000000000ffff0a000001"));
    BOOST_REQUIRE(mapped.has_value());
    BOOST_TEST(mapped->addresses.empty());
    BOOST_TEST(mapped->count == 1);
    const auto ipv6 = parse<AddrV2Message>(entry("02102a0000000000000000000000000000ff"));
    BOOST_TEST(ipv6.value().addresses.size() == 1U);
    const std::string too_long = "aafd0102" + std::string(size_t{2} * 513, '0');
    BOOST_TEST(!parse<AddrV2Message>(entry(too_long.c_str())).has_value());
}

BOOST_AUTO_TEST_CASE(counts__beyond_reason__take_no_memory) {
    const Bytes huge = *consensus::from_hex("feffffff01");
    BOOST_TEST(!parse<InventoryMessage>(huge).has_value());
    BOOST_TEST(!parse<HeadersMessage>(huge).has_value());
    BOOST_TEST(!parse<AddrMessage>(huge).has_value());
    BOOST_TEST(!parse<AddrV2Message>(huge).has_value());
}

BOOST_AUTO_TEST_CASE(locator_of__long_chain__ten_in_a_row_then_doubling) {
    std::deque<consensus::HeaderNode> chain;
    for (uint32_t i = 0; i <= 1000; ++i) {
        const consensus::BlockHeader header{.nonce = i};
        chain.emplace_back(header, header.hash(), i == 0 ? nullptr : &chain.back());
    }
    const std::vector<consensus::BlockHash> locator = locator_of(&chain.back());
    for (size_t i = 0; i <= 10; ++i) BOOST_CHECK(locator.at(i) == chain[1000 - i].hash);
    BOOST_CHECK(locator.at(11) == chain[988].hash);
    BOOST_CHECK(locator.at(12) == chain[984].hash);
    BOOST_CHECK(locator.back() == chain[0].hash);
    BOOST_TEST(locator.size() < 22U);
    BOOST_TEST(locator_of(&chain[0]).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
