// SPDX-License-Identifier: MIT
// Whom blocks are asked of, and how many at once.
#include "consensus/block_rules.h"
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

/// One that tells of `chain` up to `height`, and gives so many of its blocks a second.
Giver giver_of(
    TestNet& net, TestNode& node, const FakeChain& chain, int32_t height, size_t blocks_a_second) {
    Giver giver{net.connect_stub(node), blocks_a_second};
    std::vector<consensus::BlockHeader> headers = headers_of(chain);
    headers.resize(static_cast<size_t>(height));
    net.say(node, giver.stub, "headers", headers_payload(headers));
    return giver;
}

/// Seconds until `node` has all of `source` from `givers`.
double
time_to_sync(TestNet& net, TestNode& node, const FakeChain& source, std::vector<Giver> givers) {
    constexpr size_t PATIENCE = 1000; // tenths
    size_t tenth = 0;
    for (; node.chain.height() < source.height() && tenth < PATIENCE; ++tenth) {
        for (Giver& giver : givers) giver.give(net, node, source, tenth);
        net.advance(100ms);
    }
    return static_cast<double>(tenth) / 10;
}

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

BOOST_AUTO_TEST_CASE(peer_is_late_for_its_first_block__what_it_sends_still_counts) {
    TestNet net;
    FakeChain source;
    source.mine(1000);
    TestNode& fresh = net.add();
    Giver slow = giver_of(net, fresh, source, 1000, 0);
    Giver fast = giver_of(net, fresh, source, 1000, 10);
    constexpr size_t TENTHS = 21; // that each of its blocks takes: more than a stall
    std::multiset<consensus::Hash256> asked_of_slow;
    for (size_t i = 1; i <= 20 * TENTHS; ++i) {
        slow.give(net, fresh, source, 0);
        fast.give(net, fresh, source, i);
        if (i % TENTHS == 0) {
            const consensus::Hash256 hash = slow.wanted.front().hash;
            net.say(fresh, slow.stub, "block", source.body(consensus::BlockHash(hash)));
            asked_of_slow.insert(hash);
            slow.wanted.pop_front();
        }
        net.advance(100ms);
    }
    // So it is known for slow, asked for no more than it sends, and not relieved again.
    BOOST_TEST(slow.wanted.size() <= BlockDownload::MIN_IN_FLIGHT);
    const Peer& peer = fresh.protocol.peers().at(slow.stub);
    BOOST_TEST(peer.blocks.owed.empty());
    BOOST_TEST(peer.blocks.bytes_a_second > 0);
    for (const consensus::Hash256& hash : asked_of_slow)
        BOOST_TEST(asked_of_slow.count(hash) == 1U);
}

BOOST_AUTO_TEST_CASE(peer_takes_no_answers__its_blocks_are_had_from_another) {
    TestNet net;
    FakeChain source;
    source.mine(300);
    TestNode& fresh = net.add();
    const Giver deaf = giver_of(net, fresh, source, 300, 0);
    net.intercept = [&](TestNode&, const Action& action) {
        const auto* send = std::get_if<Send>(&action);
        return send != nullptr && send->message.command == "notfound"; // unsent it stays
    };
    InventoryMessage unknown;
    unknown.items.resize(50'000, {InventoryType::WtxidTransaction, {}});
    net.say(fresh, deaf.stub, "getdata", consensus::encode(unknown));
    net.say(fresh, deaf.stub, "ping", Bytes(8));
    const Peer& peer = fresh.protocol.peers().at(deaf.stub);
    BOOST_REQUIRE(peer.waiting.has_value());
    const Giver good = giver_of(net, fresh, source, 300, 100);
    BOOST_TEST(time_to_sync(net, fresh, source, {good}) < 8); // 3, and a stall of two seconds
    net.advance(2min); // what it sent meanwhile may be behind its request: that isn't known
    BOOST_TEST(net.is_connected(fresh, deaf.stub));
    BOOST_TEST(!fresh.protocol.peers().at(deaf.stub).blocks.owed.empty());
}

BOOST_AUTO_TEST_CASE(end_of_the_chain__peer_has_the_last_blocks_only__another_sends_those_before) {
    TestNet net;
    FakeChain source;
    source.mine(1000);
    TestNode& fresh = net.add();
    const Giver whole = giver_of(net, fresh, source, 1000, 100);
    net.stub_services = NODE_NETWORK_LIMITED | NODE_WITNESS;
    const Giver pruned = giver_of(net, fresh, source, 1000, 100);
    const double seconds = time_to_sync(net, fresh, source, {whole, pruned});
    BOOST_TEST(seconds < 8.5); // 714 blocks that only one has: 7.1
}

BOOST_AUTO_TEST_CASE(end_of_the_chain__peer_has_a_shorter_one__another_sends_the_rest) {
    TestNet net;
    FakeChain source;
    source.mine(900);
    TestNode& fresh = net.add();
    const Giver lower = giver_of(net, fresh, source, 300, 100);
    const Giver whole = giver_of(net, fresh, source, 900, 100);
    const double seconds = time_to_sync(net, fresh, source, {lower, whole});
    BOOST_TEST(seconds < 8); // 600 blocks that only one has: 6
}

BOOST_AUTO_TEST_CASE(end_of_the_chain__newcomer__is_asked_for_one_block_at_first) {
    TestNet net;
    FakeChain source;
    source.mine(300);
    TestNode& fresh = net.add();
    Giver known = giver_of(net, fresh, source, 300, 20);
    for (size_t i = 0; i < 10; ++i) {
        known.give(net, fresh, source, i);
        net.advance(100ms);
    }
    const Giver newcomer = giver_of(net, fresh, source, 300, 0);
    net.advance(1s);
    BOOST_TEST(fresh.protocol.peers().at(newcomer.stub).blocks.in_flight.size() == 1U);
}

BOOST_AUTO_TEST_CASE(end_of_the_chain__fast_peer_has_nothing_of_it__another_gets_it_all) {
    TestNet net;
    FakeChain source;
    source.mine(200);
    TestNode& fresh = net.add();
    Giver stale = giver_of(net, fresh, source, 100, 1000);
    Giver slow = giver_of(net, fresh, source, 100, 10);
    for (size_t i = 0; fresh.chain.height() < 100 && i < 100; ++i) {
        for (Giver* giver : {&stale, &slow}) giver->give(net, fresh, source, i);
        net.advance(100ms);
    }
    BOOST_REQUIRE(fresh.chain.height() == 100);
    const auto& peers = fresh.protocol.peers();
    BOOST_REQUIRE(peers.at(stale.stub).blocks.bytes_a_second > 0);
    BOOST_REQUIRE(peers.at(slow.stub).blocks.bytes_a_second > 0);
    net.mine(fresh, 10);
    net.say(fresh, slow.stub, "headers", headers_payload(headers_of(source)));
    // What it sends in two seconds, though the other one would send all in a tenth of one.
    BOOST_TEST(peers.at(slow.stub).blocks.in_flight.size() >= 15U);
    BOOST_TEST(peers.at(stale.stub).blocks.in_flight.empty());
}

BOOST_AUTO_TEST_CASE(
    end_of_the_chain__holder_of_the_lowest_stalls__one_without_a_share_relieves_it) {
    TestNet net;
    FakeChain source;
    source.mine(300);
    TestNode& fresh = net.add();
    const Giver stalls = giver_of(net, fresh, source, 300, 0);
    const Giver slow = giver_of(net, fresh, source, 300, 2);
    net.stub_services = NODE_NETWORK_LIMITED | NODE_WITNESS;
    const Giver pruned = giver_of(net, fresh, source, 300, 100); // all but the first 14
    const double seconds = time_to_sync(net, fresh, source, {stalls, slow, pruned});
    BOOST_TEST(seconds < 12); // 14 blocks of two a second: 7, and a stall of two seconds
    BOOST_TEST(fresh.drops.empty());
}

BOOST_AUTO_TEST_CASE(too_much_at_the_chain__callers_wait_and_those_we_called_do_not) {
    TestNet net;
    FakeChain source;
    source.mine(15);
    TestNode& node = net.add();
    node.chain.accept_headers(headers_of(source));
    Actions held;
    net.intercept = [&](TestNode&, const Action& action) {
        const auto* block = std::get_if<AcceptBlock>(&action);
        if (block == nullptr || block->payload.size() < MAX_PAYLOAD_BYTES) return false;
        held.push_back(action);
        return true;
    };
    const auto send = [&](int32_t height, ConnectionType type) {
        const PeerId stub = net.connect_stub(node, type);
        Bytes body = source.body(source.view().at(height)->hash);
        body.resize(MAX_PAYLOAD_BYTES); // what follows a block is passed over
        net.say(node, stub, "block", body);
        return stub;
    };
    for (int32_t height = 1; height <= 13; ++height) send(height, ConnectionType::Inbound);
    BOOST_TEST(held.size() == 13U);
    const PeerId caller = send(14, ConnectionType::Inbound);
    BOOST_TEST(held.size() == 13U);
    BOOST_TEST(!node.protocol.takes_messages(caller));
    const PeerId called = send(15, ConnectionType::OutboundFullRelay);
    BOOST_TEST(held.size() == 14U);
    BOOST_TEST(node.protocol.takes_messages(called));
    for (Action& action : std::exchange(held, {})) {
        auto& block = std::get<AcceptBlock>(action);
        block.payload = source.body(block.hash);
        net.perform(node, {action});
    }
    net.advance(1s);
    BOOST_TEST(held.size() == 1U);
    BOOST_TEST(node.protocol.takes_messages(caller));
}

BOOST_AUTO_TEST_CASE(spoilt_body_is_being_judged__that_of_another_is_judged_too) {
    for (const bool liar_is_first : {true, false}) {
        TestNet net;
        TestNode& node = net.add();
        const consensus::Block block = node.chain.next_block();
        const PeerId liar = net.connect_stub(node);
        const PeerId honest = net.connect_stub(node);
        Actions held;
        net.hold<AcceptBlock>(held);
        Bytes mangled = consensus::encode(block);
        mangled.pop_back();
        if (liar_is_first) net.say(node, liar, "block", mangled);
        net.say(node, honest, "headers", headers_payload({block.header}));
        BOOST_TEST(asked(net.heard(node, honest)).size() == 1U);
        if (!liar_is_first) net.say(node, liar, "block", mangled);
        net.say(node, honest, "block", consensus::encode(block));
        BOOST_TEST(held.size() == 2U);
        net.intercept = nullptr;
        net.perform(node, held);
        BOOST_TEST(node.chain.height() == 1);
        BOOST_TEST(net.is_connected(node, honest));
        BOOST_TEST(!net.is_connected(node, liar));
    }
}

BOOST_AUTO_TEST_CASE(known_blocks_sent_again__are_not_parsed_and_no_progress) {
    TestNet net;
    TestNode& node = net.add();
    node.chain.mine(1);
    const Bytes known = node.chain.body(node.chain.tip().hash);
    const PeerId liar = net.connect_stub(node);
    net.say(node, liar, "headers", headers_payload({node.chain.next_block().header}));
    BOOST_TEST(asked(net.heard(node, liar)).size() == 1U);
    bool parsed = false;
    net.intercept = [&](TestNode&, const Action& action) {
        parsed |= std::holds_alternative<AcceptBlock>(action);
        return false;
    };
    for (int i = 0; i < 3; ++i) {
        net.say(node, liar, "block", known);
        net.advance(25s);
    }
    BOOST_TEST(!parsed);
    BOOST_REQUIRE(!node.drops.empty());
    BOOST_TEST(node.drops.back() == "timeout downloading block");
}

BOOST_AUTO_TEST_CASE(known_blocks_sent_again__do_not_pay_what_is_owed) {
    TestNet net;
    TestNode& node = net.add();
    node.chain.mine(1);
    const Bytes known = node.chain.body(node.chain.tip().hash);
    FakeChain source;
    source.mine(1);
    source.mine(100, 1);
    const Giver liar = giver_of(net, node, source, 101, 0);
    BOOST_TEST(asked(net.heard(node, liar.stub)).size() == BlockDownload::START_IN_FLIGHT);
    Giver honest = giver_of(net, node, source, 101, 10);
    for (size_t i = 0; i < 610; ++i) {
        honest.give(net, node, source, i);
        if (i % 50 == 0) net.say(node, liar.stub, "block", known);
        net.advance(100ms);
        if (i == 300) BOOST_TEST(node.chain.height() == 101);
        if (i == 300) BOOST_TEST(asked(net.heard(node, liar.stub)).empty());
    }
    BOOST_TEST(!net.is_connected(node, liar.stub));
    BOOST_TEST(net.is_connected(node, honest.stub));
    BOOST_REQUIRE(!node.drops.empty());
    BOOST_TEST(node.drops.back() == "timeout downloading block");
}

BOOST_AUTO_TEST_CASE(block_nobody_worked_for__is_not_even_parsed) {
    FakeChain other;
    other.mine(1);
    consensus::Block without_work = other.next_block();
    while (consensus::check_header(without_work.header, without_work.header.hash(), other.params()))
        ++without_work.header.nonce;
    consensus::Block too_easy = other.next_block(); // a target that is too low serves as well
    too_easy.header.bits = 0x207ffffe;
    while (!consensus::check_header(too_easy.header, too_easy.header.hash(), other.params()))
        ++too_easy.header.nonce;
    const consensus::Block nowhere = [] {
        FakeChain longer;
        longer.mine(3);
        return longer.block(longer.tip().hash);
    }();
    for (const auto& [block, reason] :
         {std::pair(without_work, "high-hash"), std::pair(too_easy, "bad-diffbits"),
          std::pair(nowhere, "prev-blk-not-found")}) {
        TestNet net;
        TestNode& node = net.add();
        node.chain.mine(1);
        const PeerId stub = net.connect_stub(node);
        bool parsed = false;
        net.intercept = [&](TestNode&, const Action& action) {
            parsed |= std::holds_alternative<AcceptBlock>(action);
            return false;
        };
        net.say(node, stub, "block", consensus::encode(block));
        BOOST_TEST(!parsed, reason);
        BOOST_REQUIRE(!node.drops.empty());
        BOOST_TEST(node.drops.back() == reason);
    }
}

BOOST_AUTO_TEST_CASE(block_after_the_header_of_its_parent__waits_for_that) {
    TestNet net;
    TestNode& node = net.add();
    FakeChain other;
    other.mine(2);
    const PeerId stub = net.connect_stub(node);
    Actions held;
    net.hold<AcceptHeaders>(held);
    net.say(node, stub, "headers", headers_payload({headers_of(other)[0]}));
    net.say(node, stub, "block", other.body(other.tip().hash));
    net.intercept = nullptr;
    net.perform(node, held);
    net.say(node, stub, "block", other.body(other.view().at(1)->hash));
    BOOST_TEST(node.chain.height() == 2);
    BOOST_TEST(node.drops.empty());
}

BOOST_AUTO_TEST_SUITE_END()
