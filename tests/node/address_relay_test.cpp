// SPDX-License-Identifier: MIT
// How peers pass addresses on, and what they are told of our own.
#include "harness.h"
#include "node/messages.h"
#include "places.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

namespace {

/// A peer that `node` called, and that sees it at an address of the public net.
PeerId call(TestNet& net, TestNode& node, bool wants_addrv2, const NetAddress& address = {}) {
    const PeerId stub =
        net.connect_stub(node, ConnectionType::OutboundFullRelay, 0, false, address);
    VersionMessage version;
    version.services = NODE_NETWORK | NODE_WITNESS;
    version.receiver.address = place(1, NOW).address;
    net.say(node, stub, "version", consensus::encode(version));
    if (wants_addrv2) net.say(node, stub, "sendaddrv2");
    net.say(node, stub, "verack");
    return stub;
}

} // namespace

BOOST_AUTO_TEST_SUITE(address_relay)

BOOST_AUTO_TEST_CASE(fresh_address__goes_to_two_others) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId source = net.connect_stub(node);
    std::vector<PeerId> others;
    others.reserve(5);
    for (int i = 0; i < 5; ++i) others.push_back(net.connect_stub(node));
    for (const PeerId other : others) net.say(node, other, "getaddr");
    std::vector<PeerId> silent; // who doesn't want any, or never spoke of any
    for (int i = 0; i < 5; ++i) {
        silent.push_back(net.connect_stub(node, ConnectionType::BlockRelayOnly));
        silent.push_back(net.connect_stub(node));
    }
    const TimedAddress fresh = place(7, seconds_of(net.now));
    net.say(node, source, "addrv2", consensus::encode(AddrV2Message{{fresh}, 0}));
    net.advance(10min);
    size_t told = 0;
    for (const PeerId other : others) told += net.heard(node, other, "addrv2").size();
    BOOST_TEST(told == AddressRelay::RELAY_TO);
    for (const PeerId other : silent) BOOST_TEST(net.heard(node, other, "addrv2").empty());
    BOOST_TEST(node.book.size() == 1);
}

BOOST_AUTO_TEST_CASE(address_of_another_network__goes_to_who_understands_it) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId source = net.connect_stub(node);
    const PeerId modern = net.connect_stub(node);
    net.say(node, modern, "getaddr");
    std::vector<PeerId> old;
    for (int i = 0; i < 10; ++i) {
        old.push_back(net.connect_stub(node, ConnectionType::Inbound, 0, false));
        net.say(node, old.back(), "version", consensus::encode(VersionMessage{}));
        for (const char* command : {"verack", "getaddr"}) net.say(node, old.back(), command);
    }
    const TimedAddress onion{
        static_cast<uint32_t>(seconds_of(net.now)),
        NODE_NETWORK,
        {NetworkId::TorV3, Bytes(32, 7), 8333}};
    net.say(node, source, "addrv2", consensus::encode(AddrV2Message{{onion}, 0}));
    net.advance(10min);
    BOOST_TEST(net.heard(node, modern, "addrv2").size() == 1U);
    for (const PeerId other : old) BOOST_TEST(net.heard(node, other, "addr").empty());
}

BOOST_AUTO_TEST_CASE(who_has_no_blocks__is_not_kept) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    TimedAddress useless = place(7, seconds_of(net.now));
    useless.services = NODE_WITNESS;
    net.say(node, stub, "addrv2", consensus::encode(AddrV2Message{{useless}, 0}));
    BOOST_TEST(node.book.size() == 0U);
    node.book.add(useless, "source", seconds_of(net.now)); // told by an older version of ours
    BOOST_TEST(!node.book.pick({}, seconds_of(net.now)).has_value());
}

BOOST_AUTO_TEST_CASE(whom_we_shun__is_neither_kept_nor_told_of) {
    for (const bool banned : {true, false}) {
        TestNet net;
        const NetAddress bad = place(7, NOW).address;
        ProtocolOptions options;
        if (banned) options.is_banned = [&](const NetAddress& address) { return address == bad; };
        TestNode& node = net.add(options);
        const TimedAddress told = place(7, seconds_of(net.now));
        node.book.add(told, "source", seconds_of(net.now)); // of before
        fill(node.book, 7, seconds_of(net.now));
        if (!banned) {
            const PeerId liar = net.connect_stub(node, ConnectionType::Inbound, 0, true, bad);
            net.say(
                node, liar, "inv",
                consensus::encode(InventoryMessage{std::vector<Inventory>(MAX_INVENTORY + 1)}));
            BOOST_REQUIRE(node.protocol.discourages(bad));
        }
        const PeerId source = net.connect_stub(node);
        const PeerId other = net.connect_stub(node);
        net.say(node, other, "getaddr");
        TimedAddress next = told; // another port of that host
        if (!banned) next.address.port = 1;
        for (const TimedAddress& one : {next, place(200, seconds_of(net.now))}) {
            net.say(node, source, "addrv2", consensus::encode(AddrV2Message{{one}, 0}));
            net.advance(1min); // for another token
        }
        net.advance(10min);
        std::set<NetAddress> heard;
        for (const Message& message : net.heard(node, other, "addrv2")) {
            const auto content = parse<AddrV2Message>(message.payload);
            for (const TimedAddress& one : content->addresses) heard.insert(one.address);
        }
        BOOST_TEST(!heard.contains(told.address));
        BOOST_TEST(!heard.contains(next.address));
        BOOST_TEST(heard.contains(place(200, NOW).address));
        BOOST_TEST(node.book.size() == 9U);
    }
}

BOOST_AUTO_TEST_CASE(own_address__is_told_unless_hidden_or_of_no_use_yet) {
    const auto told = [](uint16_t port, bool initial_download) {
        TestNet net;
        ProtocolOptions options;
        options.announced_port = port;
        TestNode& node = net.add(options);
        node.chain.initial_download_ = initial_download;
        const PeerId stub = call(net, node, false);
        net.advance(10min);
        return net.heard(node, stub, "addr").size();
    };
    BOOST_TEST(told(8333, false) == 1U);
    BOOST_TEST(told(0, false) == 0U);
    BOOST_TEST(told(8333, true) == 0U);
}

BOOST_AUTO_TEST_CASE(own_address__is_told_alone_at_first_and_again_each_day) {
    TestNet net;
    net.stubs_answer_pings = true;
    ProtocolOptions options;
    options.external = {place(1, NOW).address};
    TestNode& node = net.add(options);
    node.chain.initial_download_ = false;
    fill(node.book, 1000, seconds_of(net.now));
    const PeerId caller = net.connect_stub(node);
    net.say(node, caller, "getaddr");
    const auto told = [&] {
        std::vector<size_t> sizes;
        for (const Message& message : net.heard(node, caller, "addrv2"))
            sizes.push_back(parse<AddrV2Message>(message.payload).value().addresses.size());
        return sizes;
    };
    const std::vector<size_t> at_first = told();
    BOOST_REQUIRE(at_first.size() == 2U);
    BOOST_TEST(at_first[0] == 1U); // whoever it calls takes one address at once, and no more
    BOOST_TEST(at_first[1] > 100U);
    for (int i = 0; i < 5; ++i) {
        net.now += 240h;
        net.advance(5min);
        BOOST_TEST((told() == std::vector<size_t>{1}));
    }
}

BOOST_AUTO_TEST_CASE(own_address_by_the_operator__is_told_where_it_can_be_reached) {
    const NetAddress ip = place(2, NOW).address;
    const NetAddress onion{NetworkId::TorV3, Bytes(32, 7), 8333};
    const auto told = [](std::vector<NetAddress> external, const NetAddress& peer) {
        TestNet net;
        ProtocolOptions options;
        options.external = std::move(external);
        TestNode& node = net.add(options);
        node.chain.initial_download_ = false;
        const PeerId stub = call(net, node, true, peer);
        net.advance(10min);
        std::vector<NetAddress> all;
        for (const Message& message : net.heard(node, stub, "addrv2")) {
            const AddrV2Message heard = parse<AddrV2Message>(message.payload).value();
            for (const TimedAddress& each : heard.addresses) all.push_back(each.address);
        }
        return all;
    };
    const NetAddress by_ip = place(3, NOW).address;
    const NetAddress by_tor{NetworkId::TorV3, Bytes(32, 9), 8333};
    BOOST_TEST((told({onion, ip}, by_ip) == std::vector{ip}));
    BOOST_TEST((told({ip, onion}, by_tor) == std::vector{onion}));
    BOOST_TEST(told({onion}, by_ip).empty()); // one node has both: nobody's business
    BOOST_TEST(told({ip}, by_tor).empty());
    const NetAddress here = NetAddress::ipv4({127, 0, 0, 1}, 8333); // or a Tor service of ours
    BOOST_TEST(told({onion, ip}, here).empty());
    BOOST_TEST((told({ip}, here) == std::vector{ip}));
}

BOOST_AUTO_TEST_CASE(too_many__are_rate_limited_or_drop) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    AddrV2Message message;
    for (uint32_t i = 0; i < MAX_ADDRESSES; ++i)
        message.addresses.push_back(place(i, seconds_of(net.now)));
    net.say(node, stub, "addrv2", consensus::encode(message));
    BOOST_TEST(node.protocol.peers().at(stub).addresses.processed == 1);
    BOOST_TEST(node.protocol.peers().at(stub).addresses.rate_limited == MAX_ADDRESSES - 1);
    message.addresses.push_back(place(MAX_ADDRESSES, seconds_of(net.now)));
    net.say(node, stub, "addrv2", consensus::encode(message));
    BOOST_TEST(node.drops.back() == "addrv2 message size = 1001");
}

BOOST_AUTO_TEST_CASE(getaddr__answered_once_and_to_callers_only) {
    TestNet net;
    TestNode& node = net.add();
    fill(node.book, 1000, seconds_of(net.now));
    const PeerId caller = net.connect_stub(node);
    const PeerId called = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    for (const PeerId stub : {caller, called, caller}) net.say(node, stub, "getaddr");
    BOOST_TEST(net.heard(node, called, "addrv2").empty());
    const std::vector<Message> answers = net.heard(node, caller, "addrv2");
    BOOST_REQUIRE(answers.size() == 1);
    BOOST_TEST(
        parse<AddrV2Message>(answers[0].payload)->addresses.size() == node.book.size() * 23 / 100);
}

BOOST_AUTO_TEST_CASE(getaddr__again_by_another__gets_the_same_for_a_day) {
    TestNet net;
    TestNode& node = net.add();
    fill(node.book, 1000, seconds_of(net.now));
    const auto answer = [&](uint32_t permissions = 0) {
        const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, permissions);
        net.say(node, stub, "getaddr");
        return net.heard(node, stub, "addrv2").at(0).payload;
    };
    const Bytes first = answer();
    BOOST_TEST((answer() == first));
    BOOST_TEST((answer(PERMIT_ADDR) != first));
    net.now += AddressRelay::ANSWER_LEAST - 1h;
    BOOST_TEST((answer() == first));
    net.now += AddressRelay::ANSWER_SPREAD + 1h;
    BOOST_TEST((answer() != first));
}

BOOST_AUTO_TEST_CASE(getaddr__of_an_older_peer__gets_no_address_of_other_networks) {
    TestNet net;
    TestNode& node = net.add();
    for (uint32_t i = 0; i < 50; ++i) {
        const auto now = static_cast<uint32_t>(seconds_of(net.now));
        const std::string source = std::to_string(i);
        node.book.add(place(i, now), source, now);
        node.book.add(
            {now, 1, {NetworkId::TorV3, Bytes(32, static_cast<uint8_t>(i)), 8333}}, source, now);
    }
    const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, 0, false);
    net.say(node, stub, "version", consensus::encode(VersionMessage{}));
    net.say(node, stub, "verack");
    net.say(node, stub, "getaddr");
    const std::vector<Message> answers = net.heard(node, stub, "addr");
    BOOST_REQUIRE(answers.size() == 1);
    const auto places = parse<AddrMessage>(answers[0].payload)->addresses;
    BOOST_TEST(!places.empty());
    for (const TimedAddress& place : places) BOOST_TEST(place.address.is_ip());
}

BOOST_AUTO_TEST_SUITE_END()
