// SPDX-License-Identifier: MIT
// Whom blocks are asked of, and how many at once.
#include "harness.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

namespace {

/// Of a peer that gives what it was asked for at a limited rate.
struct Giver {
    PeerId stub = NO_PEER;
    size_t blocks_a_second = 0;
    std::deque<Inventory> wanted{};

    /// For a tenth of a second, of which `number` went by before.
    void give(TestNet& net, TestNode& node, const FakeChain& source, size_t number) {
        for (const Inventory& item : asked(net.heard(node, stub))) wanted.push_back(item);
        for (size_t i = number * blocks_a_second / 10;
             i < (number + 1) * blocks_a_second / 10 && !wanted.empty(); ++i) {
            net.say(node, stub, "block", source.body(consensus::BlockHash(wanted.front().hash)));
            wanted.pop_front();
        }
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(block_download)

BOOST_AUTO_TEST_CASE(requests__peer_withholds_blocks__they_are_asked_of_another) {
    TestNet net;
    TestNode& old = net.add();
    TestNode& fresh = net.add();
    old.chain.mine(100);
    const PeerId liar = net.connect_stub(fresh);
    net.say(fresh, liar, "headers", headers_payload(headers_of(old.chain)));
    BOOST_TEST(asked(net.heard(fresh, liar)).size() == BlockDownload::START_IN_FLIGHT);
    net.connect(fresh, old);
    net.advance(5s);
    BOOST_TEST(fresh.chain.height() == 100);
    net.advance(70s);
    BOOST_TEST(!net.is_connected(fresh, liar));
    BOOST_TEST(fresh.drops.back() == "timeout downloading block");
}

BOOST_AUTO_TEST_CASE(requests__many_peers__share_the_requests_and_none_twice) {
    TestNet net;
    FakeChain source;
    source.mine(100);
    TestNode& fresh = net.add();
    std::set<consensus::Hash256> hashes;
    size_t count = 0;
    for (int i = 0; i < 4; ++i) {
        const PeerId stub = net.connect_stub(fresh);
        net.say(fresh, stub, "headers", headers_payload(headers_of(source)));
        for (const Inventory& item : asked(net.heard(fresh, stub))) {
            hashes.insert(item.hash);
            ++count;
        }
    }
    BOOST_TEST(count == 4 * BlockDownload::START_IN_FLIGHT);
    BOOST_TEST(hashes.size() == count);
}

BOOST_AUTO_TEST_CASE(requests__peer_without_history__is_asked_for_what_it_keeps) {
    const auto lowest_asked = [](uint64_t services, bool initial_download) {
        TestNet net;
        FakeChain source;
        source.mine(400);
        TestNode& fresh = net.add();
        fresh.chain.initial_download_ = initial_download;
        net.stub_services = services;
        const PeerId stub = net.connect_stub(fresh);
        net.say(fresh, stub, "headers", headers_payload(headers_of(source)));
        const std::vector<Inventory> items = asked(net.heard(fresh, stub));
        if (items.empty()) return -1;
        return fresh.chain.find_block(consensus::BlockHash(items.front().hash))->height.value;
    };
    BOOST_TEST(lowest_asked(NODE_NETWORK | NODE_WITNESS, true) == 1);
    BOOST_TEST(lowest_asked(NODE_NETWORK_LIMITED | NODE_WITNESS, true) == -1);
    BOOST_TEST(lowest_asked(NODE_NETWORK_LIMITED | NODE_WITNESS, false) == 400 - 285);
    BOOST_TEST(lowest_asked(NODE_WITNESS, false) == 400 - 15); // it told of them
    BOOST_TEST(lowest_asked(NODE_NETWORK, false) == -1);
}

BOOST_AUTO_TEST_CASE(requests__new_block__compact_unless_there_is_no_mempool) {
    for (const bool blocks_only : {false, true}) {
        TestNet net;
        TestNode& node = net.add({.blocks_only = blocks_only});
        const PeerId stub = net.connect_stub(node);
        net.say(node, stub, "sendcmpct", consensus::encode(SendCompactMessage{false}));
        FakeChain source;
        source.mine(1);
        net.say(node, stub, "headers", headers_payload(headers_of(source)));
        const auto type = blocks_only ? InventoryType::WitnessBlock : InventoryType::CompactBlock;
        const std::vector<Inventory> items = asked(net.heard(node, stub));
        BOOST_REQUIRE(items.size() == 1U);
        BOOST_TEST((items.front().type == type));
    }
}

BOOST_AUTO_TEST_CASE(requests__peers_of_unequal_speed__are_asked_for_what_they_send_in_a_while) {
    TestNet net;
    FakeChain source;
    source.mine(2000);
    TestNode& fresh = net.add();
    std::vector<Giver> givers{{net.connect_stub(fresh), 200}, {net.connect_stub(fresh), 20}};
    givers.push_back({net.connect_stub(fresh), 1});
    for (const Giver& giver : givers)
        net.say(fresh, giver.stub, "headers", headers_payload(headers_of(source)));
    for (size_t i = 0; i < 60; ++i) {
        for (Giver& giver : givers) giver.give(net, fresh, source, i);
        net.advance(100ms);
    }
    const auto in_flight = [&](const Giver& giver) {
        return fresh.protocol.peers().at(giver.stub).blocks.in_flight.size();
    };
    BOOST_TEST(in_flight(givers[0]) == BlockDownload::MAX_IN_FLIGHT);
    BOOST_TEST(in_flight(givers[1]) > 30U); // two seconds of it
    BOOST_TEST(in_flight(givers[1]) < 50U);
    BOOST_TEST(fresh.drops.empty());
    size_t last = 60; // tenth of a second in which something was missing
    for (size_t i = 60; i < 300; ++i) {
        if (fresh.chain.height() < 2000) last = i;
        for (Giver& giver : givers) giver.give(net, fresh, source, i);
        net.advance(100ms);
    }
    BOOST_TEST(fresh.chain.height() == 2000);
    BOOST_TEST(last < 95U); // 221 a second: 91; in the end nobody waits for the slowest
}

BOOST_AUTO_TEST_SUITE_END()
