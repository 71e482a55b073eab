// SPDX-License-Identifier: MIT
// The state machines, driven without sockets: nodes joined in memory, and peers the test plays.
#include "consensus/pow.h"
#include "harness.h"
#include "node/messages.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> commands(const std::vector<Message>& messages) {
    std::vector<std::string> names;
    names.reserve(messages.size());
    for (const Message& message : messages) names.push_back(message.command);
    return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// A caller, handshaken, that speaks the protocol of that version.
PeerId connect_old(TestNet& net, TestNode& node, int32_t spoken) {
    const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, 0, false);
    net.say(node, stub, "version", consensus::encode(VersionMessage{.version = spoken}));
    net.say(node, stub, "verack");
    return stub;
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol)

// Handshake /////////////////////////////////////////////////////////////////////////////////////

BOOST_AUTO_TEST_CASE(handshake__inbound_peer__hears_nothing_before_its_version) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, 0, false);
    net.say(node, stub, "ping", consensus::encode(NonceMessage{1}));
    net.say(node, stub, "getaddr");
    net.advance(1s);
    BOOST_TEST(net.heard(node, stub).empty());
}

BOOST_AUTO_TEST_CASE(handshake__peer_of_today__is_answered_in_the_proper_order) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, 0, false);
    net.say(node, stub, "version", consensus::encode(VersionMessage{}));
    const std::vector<std::string> expected{"version", "wtxidrelay", "sendaddrv2", "verack"};
    BOOST_TEST(commands(net.heard(node, stub)) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(handshake__peer_of_old__hears_no_message_of_later_protocols) {
    const std::pair<const char*, int32_t> firsts[] = {
        {"pong", 60001},      {"notfound", 70001},   {"sendheaders", 70012}, {"feefilter", 70013},
        {"sendcmpct", 70014}, {"wtxidrelay", 70016}, {"sendaddrv2", 70016},  {"feature", 70017},
    };
    for (const int32_t spoken :
         {31800, 60000, 60001, 70000, 70001, 70011, 70012, 70013, 70014, 70015, 70016}) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId stub = connect_old(net, node, spoken);
        net.say(node, stub, "ping", spoken > 60000 ? consensus::encode(NonceMessage{1}) : Bytes());
        const InventoryMessage unknown{{{InventoryType::Transaction, {}}}};
        net.say(node, stub, "getdata", consensus::encode(unknown));
        net.advance(1s);
        const std::vector<Message> heard = net.heard(node, stub);
        const std::vector<std::string> names = commands(heard);
        for (const auto& [name, first] : firsts)
            BOOST_TEST(contains(names, name) == (spoken >= first), name << " and " << spoken);
        const auto ping = std::ranges::find(heard, "ping", &Message::command);
        BOOST_REQUIRE(ping != heard.end());
        BOOST_TEST(ping->payload.size() == (spoken > 60000 ? 8 : 0));
    }
}

BOOST_AUTO_TEST_CASE(keepalive__peer_that_knows_no_pong__stays) {
    TestNet net;
    net.stubs_answer_pings = false;
    TestNode& node = net.add();
    for (const int32_t spoken : {60000, 60001}) {
        const PeerId stub = connect_old(net, node, spoken);
        net.advance(30min);
        BOOST_TEST(net.is_connected(node, stub) == (spoken == 60000));
    }
}

BOOST_AUTO_TEST_CASE(handshake__over__ping_and_getheaders_come_at_once) {
    TestNet net;
    TestNode& node = net.add();
    node.chain.initial_download_ = true;
    const PeerId stub = net.connect_stub(node);
    const std::vector<std::string> names = commands(net.heard(node, stub));
    BOOST_TEST(contains(names, "ping"));
    BOOST_TEST(contains(names, "getheaders"));
}

BOOST_AUTO_TEST_CASE(handshake__call_to_ourselves__is_dropped) {
    TestNet net;
    TestNode& node = net.add();
    net.connect(node, node);
    BOOST_TEST(node.protocol.peers().empty());
    BOOST_TEST(node.drops.front() == "connected to self");
}

BOOST_AUTO_TEST_CASE(handshake__rule_broken__drops) {
    const std::pair<std::string, Bytes> late[] = {
        {"wtxidrelay", {}},
        {"sendaddrv2", {}},
        {"feature", consensus::encode(FeatureMessage{"some:id/1", {}})},
    };
    for (const auto& [command, payload] : late) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId stub = net.connect_stub(node);
        net.say(node, stub, command, payload);
        BOOST_TEST(!net.is_connected(node, stub), command);
    }
    for (const size_t size : {size_t{3}, size_t{81}}) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, 0, false);
        net.say(node, stub, "version", consensus::encode(VersionMessage{}));
        net.say(
            node, stub, "feature", consensus::encode(FeatureMessage{std::string(size, 'x'), {}}));
        BOOST_TEST(!net.is_connected(node, stub), size);
    }
}

BOOST_AUTO_TEST_CASE(handshake__unknown_feature_and_unknown_message__are_ignored) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, 0, false);
    net.say(node, stub, "version", consensus::encode(VersionMessage{}));
    net.say(node, stub, "feature", consensus::encode(FeatureMessage{"some:id/1", {1, 2}}));
    net.say(node, stub, "nonsense", {1, 2, 3});
    net.say(node, stub, "verack");
    net.say(node, stub, "nonsense", {1, 2, 3});
    BOOST_TEST(node.protocol.peers().at(stub).established);
}

BOOST_AUTO_TEST_CASE(handshake__time_that_cannot_be__is_taken_as_the_nearest_that_can) {
    for (const auto& [time, expected] :
         {std::pair(INT64_MIN, int64_t{0}), std::pair(INT64_MAX, int64_t{UINT32_MAX})}) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, 0, false);
        VersionMessage version;
        version.time = time;
        net.say(node, stub, "version", consensus::encode(version));
        BOOST_TEST(node.protocol.peers().at(stub).time_offset == expected - seconds_of(net.now));
    }
}

BOOST_AUTO_TEST_CASE(dates__wall_clock_was_set__follow_it) {
    TestNet net;
    TestNode& node = net.add();
    node.protocol.set_wall_ahead(8h);
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay, 0, false);
    const Bytes told = net.heard(node, stub, "version").at(0).payload;
    BOOST_TEST(parse<VersionMessage>(told).value().time == seconds_of(net.now + 8h));
    VersionMessage version;
    version.time = seconds_of(net.now + 8h);
    version.services = NODE_NETWORK | NODE_WITNESS;
    net.say(node, stub, "version", consensus::encode(version));
    BOOST_TEST(node.protocol.peers().at(stub).time_offset == 0);
}

BOOST_AUTO_TEST_CASE(time_offset__of_peers_we_called__is_their_median) {
    TestNet net;
    TestNode& node = net.add();
    const auto meet = [&](ConnectionType type, int64_t offset) {
        const PeerId stub = net.connect_stub(node, type, 0, false);
        VersionMessage version;
        version.time = seconds_of(net.now) + offset;
        version.services = NODE_NETWORK | NODE_WITNESS;
        net.say(node, stub, "version", consensus::encode(version));
    };
    for (int i = 0; i < 9; ++i) meet(ConnectionType::Inbound, 5000); // who calls us may lie
    for (const int64_t offset : {-700, 10, -600, 900})
        meet(ConnectionType::OutboundFullRelay, offset);
    BOOST_TEST(node.protocol.time_offset() == 0); // too few
    meet(ConnectionType::OutboundFullRelay, -650);
    BOOST_TEST(node.protocol.time_offset() == -600);
    for (int i = 0; i < 50; ++i)
        meet(ConnectionType::OutboundFullRelay, 3); // the others are forgotten
    BOOST_TEST(node.protocol.time_offset() == 3);
}

BOOST_AUTO_TEST_CASE(handshake__silence__ends_by_time_out) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, 0, false);
    net.advance(59s);
    BOOST_TEST(net.is_connected(node, stub));
    net.advance(2s);
    BOOST_TEST(!net.is_connected(node, stub));
}

BOOST_AUTO_TEST_CASE(keepalive__no_pong__ends_after_twenty_minutes) {
    TestNet net;
    net.stubs_answer_pings = false;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    net.advance(19min);
    BOOST_TEST(net.is_connected(node, stub));
    net.advance(2min);
    BOOST_TEST(!net.is_connected(node, stub));
    BOOST_TEST(node.drops.back().starts_with("ping timeout: 1200."));
}

BOOST_AUTO_TEST_CASE(keepalive__pong__measures_the_round_trip) {
    TestNet net;
    net.stubs_answer_pings = false;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    const std::vector<Message> pings = net.heard(node, stub, "ping");
    BOOST_REQUIRE(pings.size() == 1);
    net.advance(300ms);
    net.say(node, stub, "pong", pings[0].payload);
    BOOST_TEST(node.protocol.peers().at(stub).ping.last.value().count() == 300'000);
}

// Sync //////////////////////////////////////////////////////////////////////////////////////////

BOOST_AUTO_TEST_CASE(keepalive__wrong_pong__the_ping_waits_on_unless_without_a_number) {
    TestNet net;
    net.stubs_answer_pings = false;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    const auto waits = [&] { return node.protocol.peers().at(stub).ping.nonce != 0; };
    BOOST_TEST(waits());
    net.say(node, stub, "pong", Bytes(8, 0xaa));
    BOOST_TEST(waits());
    net.say(node, stub, "pong", Bytes(8, 0));
    BOOST_TEST(!waits());
    net.advance(121s);
    BOOST_TEST(waits());
    net.say(node, stub, "pong");
    BOOST_TEST(!waits());
}

BOOST_AUTO_TEST_CASE(kinds__peers_we_chose__do_what_they_are_for) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId feeler = net.connect_stub(node, ConnectionType::Feeler);
    BOOST_TEST(!net.is_connected(node, feeler));
    BOOST_TEST(node.drops.back() == "feeler connection completed");

    const PeerId blocks = net.connect_stub(node, ConnectionType::BlockRelayOnly);
    std::set<std::string> commands;
    for (const Message& message : net.heard(node, blocks)) commands.insert(message.command);
    BOOST_TEST(commands.contains("getheaders"));
    BOOST_TEST(!commands.contains("getaddr"));
    BOOST_TEST(!commands.contains("feefilter"));
    const auto tx = make_payment({}, 1000);
    net.submit(node, tx);
    net.advance(60s);
    BOOST_TEST(net.heard(node, blocks, "inv").empty());
    net.say(node, blocks, "tx", consensus::encode(*tx));
    BOOST_TEST(!net.is_connected(node, blocks));
    BOOST_TEST(node.drops.back() == "transaction sent in violation of protocol");

    const AddrMessage one{{{1, 1, NetAddress::ipv4({8, 8, 8, 8}, 1)}}};
    const AddrMessage two{{one.addresses[0], one.addresses[0]}};
    const PeerId fetch = net.connect_stub(node, ConnectionType::AddrFetch);
    BOOST_TEST(net.heard(node, fetch, "getaddr").size() == 1U);
    net.say(node, fetch, "addr", consensus::encode(one));
    BOOST_TEST(net.is_connected(node, fetch));
    net.say(node, fetch, "addr", consensus::encode(two));
    BOOST_TEST(node.drops.back() == "addrfetch connection completed");
    const PeerId silent = net.connect_stub(node, ConnectionType::AddrFetch);
    net.advance(299s);
    BOOST_TEST(net.is_connected(node, silent));
    net.advance(2s);
    BOOST_TEST(node.drops.back() == "addrfetch connection timeout");
}

BOOST_AUTO_TEST_CASE(sync__empty_node_meets_a_long_chain__has_it) {
    TestNet net;
    TestNode& old = net.add();
    TestNode& fresh = net.add();
    old.chain.mine(2500);
    net.connect(fresh, old);
    net.advance(1s);
    BOOST_TEST(fresh.chain.height() == 2500);
    BOOST_TEST(fresh.drops.empty());
}

BOOST_AUTO_TEST_CASE(sync__two_parts_that_mined_apart__end_on_the_chain_of_most_work) {
    TestNet net;
    TestNode& a = net.add();
    TestNode& b = net.add();
    TestNode& c = net.add();
    net.connect(a, b);
    a.chain.mine(20, 1);
    b.chain.mine(20, 1);
    c.chain.mine(30, 2);
    net.connect(c, a); // the one with less work is called
    net.advance(1s);
    for (TestNode* node : {&a, &b, &c}) BOOST_TEST((node->chain.tip().hash == c.chain.tip().hash));
}

BOOST_AUTO_TEST_CASE(sync__block_mined__reaches_all_along_a_line) {
    TestNet net;
    std::vector<TestNode*> nodes(5);
    for (TestNode*& node : nodes) node = &net.add();
    for (size_t i = 1; i < nodes.size(); ++i) net.connect(*nodes[i], *nodes[i - 1]);
    net.mine(*nodes[2], 3);
    for (const TestNode* node : nodes) BOOST_TEST(node->chain.height() == 3);
}

BOOST_AUTO_TEST_CASE(sync__first_peer_silent__the_next_is_asked) {
    TestNet net;
    TestNode& fresh = net.add();
    TestNode& old = net.add();
    old.chain.mine(10);
    net.connect_stub(fresh);
    net.connect(fresh, old);
    BOOST_TEST(fresh.chain.height() == 0);
    net.advance(6s);
    BOOST_TEST(fresh.chain.height() == 10);
}

BOOST_AUTO_TEST_CASE(sync__first_peer_answers_as_late_as_it_may__others_wait_no_longer_for_it) {
    TestNet net;
    TestNode& fresh = net.add();
    TestNode& old = net.add();
    const PeerId slow = net.connect_stub(fresh, ConnectionType::OutboundFullRelay);
    net.heard(fresh, slow);
    old.chain.mine(10, 7);
    net.connect(fresh, old);
    consensus::BlockHeader header = fresh.chain.tip().header;
    for (auto waited = 0s; waited < HeaderSync::FIRST_LIMIT; waited += 4s) {
        BOOST_TEST(!old.protocol.peers().begin()->second.headers.best_sent);
        std::vector<consensus::BlockHeader> headers;
        for (size_t i = 0; i < MAX_HEADERS; ++i) {
            header.prev_hash = header.hash();
            ++header.time;
            while (!consensus::meets_target(
                header.hash(), header.bits, fresh.chain.params().pow_limit))
                ++header.nonce;
            headers.push_back(header);
        }
        net.advance(4s);
        net.say(fresh, slow, "headers", headers_payload(headers));
    }
    net.advance(10s);
    BOOST_TEST(old.protocol.peers().begin()->second.headers.best_sent == &old.chain.tip());
}

BOOST_AUTO_TEST_CASE(sync__headers_of_a_first_peer_that_may_stay_are_refused__the_next_is_asked) {
    TestNet net;
    TestNode& fresh = net.add();
    const PeerId first = net.connect_stub(fresh, ConnectionType::Inbound, PERMIT_NOBAN);
    const consensus::BlockHeader bad = fresh.chain.next_block(0, BAD_HEADER).header;
    net.say(fresh, first, "headers", headers_payload({bad}));
    BOOST_TEST(net.is_connected(fresh, first));
    const PeerId next = net.connect_stub(fresh);
    net.advance(1s);
    BOOST_TEST(net.heard(fresh, next, "getheaders").size() == 1U);
}

BOOST_AUTO_TEST_CASE(sync__peer_lies__is_dropped_and_the_others_stay) {
    const auto broken =
        [](const std::function<void(FakeChain&, std::vector<consensus::BlockHeader>&)>& lie) {
            TestNet net;
            TestNode& fresh = net.add();
            FakeChain source;
            source.mine(5);
            std::vector<consensus::BlockHeader> headers;
            lie(source, headers);
            const PeerId liar = net.connect_stub(fresh);
            const PeerId honest = net.connect_stub(fresh);
            net.say(fresh, liar, "headers", headers_payload(headers));
            for (const Inventory& item : asked(net.heard(fresh, liar)))
                net.say(fresh, liar, "block", source.body(consensus::BlockHash(item.hash)));
            BOOST_TEST(!net.is_connected(fresh, liar));
            BOOST_TEST(net.is_connected(fresh, honest));
            return fresh.drops.empty() ? std::string() : fresh.drops.back();
        };
    BOOST_TEST(broken([](FakeChain& source, auto& headers) {
                   headers = headers_of(source);
                   std::swap(headers[1], headers[2]);
               }) == "non-continuous headers sequence");
    BOOST_TEST(broken([](FakeChain& source, auto& headers) {
                   headers = headers_of(source);
                   headers.push_back(source.next_block(0, BAD_HEADER).header);
               }) == "invalid header received: high-hash");
    BOOST_TEST(broken([](FakeChain& source, auto& headers) {
                   source.mine(1);
                   headers = headers_of(source);
                   headers.resize(MAX_HEADERS + 1, headers.back());
               }) == "headers message size = 2001");
}

BOOST_AUTO_TEST_CASE(sync__invalid_or_mangled_body__drops_its_sender) {
    for (const bool mangled : {false, true}) {
        TestNet net;
        TestNode& fresh = net.add();
        const consensus::Block block = fresh.chain.next_block(0, mangled ? 4 : BAD_BLOCK);
        Bytes bytes = consensus::encode(block);
        if (mangled) bytes.pop_back();
        const PeerId liar = net.connect_stub(fresh);
        net.say(fresh, liar, "headers", headers_payload({block.header}));
        net.say(fresh, liar, "block", bytes);
        BOOST_TEST(!net.is_connected(fresh, liar));
        BOOST_TEST(fresh.drops.back() == (mangled ? "block decode failed" : "bad-cb-amount"));
    }
}

BOOST_AUTO_TEST_CASE(misbehaviour__its_host__is_discouraged_unless_private_or_trusted) {
    const NetAddress open = NetAddress::ipv4({5, 6, 7, 8}, 8333);
    const NetAddress home = NetAddress::ipv4({192, 168, 1, 1}, 8333);
    const auto discourages = [](ConnectionType type, uint32_t permissions,
                                const NetAddress& address, bool broken) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId stub = net.connect_stub(node, type, permissions, true, address);
        if (broken) net.say(node, stub, "feature");
        NetAddress other_port = address;
        other_port.port = 1;
        return node.protocol.discourages(other_port);
    };
    BOOST_TEST(discourages(ConnectionType::Inbound, 0, open, true));
    BOOST_TEST(discourages(ConnectionType::OutboundFullRelay, 0, open, true));
    BOOST_TEST(!discourages(ConnectionType::Inbound, 0, open, false));
    BOOST_TEST(!discourages(ConnectionType::Inbound, 0, home, true));
    BOOST_TEST(!discourages(ConnectionType::Inbound, PERMIT_NOBAN, open, true));
    BOOST_TEST(!discourages(ConnectionType::Manual, 0, open, true));
}

BOOST_AUTO_TEST_CASE(sync__nobody_has_more_than_genesis__all_stay) {
    TestNet net;
    TestNode& fresh = net.add();
    const PeerId chosen = net.connect_stub(fresh, ConnectionType::OutboundFullRelay);
    net.say(fresh, chosen, "headers", headers_payload({}));
    net.advance(30min);
    BOOST_TEST(net.is_connected(fresh, chosen));
}

BOOST_AUTO_TEST_CASE(sync__one_whom_we_called_is_there__callers_are_not_the_first_to_be_asked) {
    TestNet net;
    TestNode& fresh = net.add();
    const PeerId first = net.connect_stub(fresh);
    const PeerId caller = net.connect_stub(fresh);
    const PeerId called = net.connect_stub(fresh, ConnectionType::OutboundFullRelay);
    BOOST_TEST(net.heard(fresh, first, "getheaders").size() == 1U);
    net.disconnect(fresh, first);
    BOOST_TEST(net.heard(fresh, caller, "getheaders").empty());
    BOOST_TEST(net.heard(fresh, called, "getheaders").size() == 1U);
}

BOOST_AUTO_TEST_CASE(sync__peer_stays_behind__goes_if_we_chose_it) {
    const auto stays = [](ConnectionType type, bool had_our_chain) {
        TestNet net;
        TestNode& node = net.add();
        node.chain.mine(3);
        const PeerId stub = net.connect_stub(node, type);
        std::vector<consensus::BlockHeader> headers = headers_of(node.chain);
        headers.resize(had_our_chain ? 3 : 2);
        net.say(node, stub, "headers", headers_payload(headers));
        net.mine(node, 1);
        net.advance(HeaderSync::CATCH_UP_TIMEOUT + 5s);
        BOOST_TEST(net.is_connected(node, stub));
        net.advance(HeaderSync::ANSWER_TIMEOUT + 1s);
        return net.is_connected(node, stub);
    };
    BOOST_TEST(!stays(ConnectionType::OutboundFullRelay, false));
    BOOST_TEST(stays(ConnectionType::OutboundFullRelay, true));
    BOOST_TEST(!stays(ConnectionType::BlockRelayOnly, true));
    BOOST_TEST(stays(ConnectionType::Manual, false));
    BOOST_TEST(stays(ConnectionType::Inbound, false));
}

BOOST_AUTO_TEST_CASE(sync__peer_behind_where_many_headers_are_missing__has_more_time) {
    TestNet net;
    net.now += 24h * 300;
    TestNode& node = net.add();
    node.chain.mine(1);
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    net.advance(HeaderSync::CATCH_UP_TIMEOUT + HeaderSync::ANSWER_TIMEOUT + 10min);
    BOOST_TEST(net.is_connected(node, stub));
    net.advance(10min); // they are 432,000: 14 minutes
    BOOST_TEST(!net.is_connected(node, stub));
}

BOOST_AUTO_TEST_CASE(sync__unsolicited_block__is_processed) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    net.say(node, stub, "block", consensus::encode(node.chain.next_block()));
    BOOST_TEST(node.chain.height() == 1);
    BOOST_TEST(net.is_connected(node, stub));
}

BOOST_AUTO_TEST_CASE(sync__spoilt_body_of_another__the_one_who_was_asked_still_owes_it) {
    TestNet net;
    TestNode& node = net.add();
    const consensus::Block block = node.chain.next_block();
    const PeerId asked_one = net.connect_stub(node);
    const PeerId liar = net.connect_stub(node);
    net.say(node, asked_one, "headers", headers_payload({block.header}));
    BOOST_TEST(asked(net.heard(node, asked_one)).size() == 1);
    Bytes mangled = consensus::encode(block);
    mangled.pop_back();
    net.say(node, liar, "block", mangled);
    BOOST_TEST(!net.is_connected(node, liar));
    net.advance(1s);
    BOOST_TEST(asked(net.heard(node, asked_one)).empty()); // not again
    BOOST_TEST(node.protocol.peers().at(asked_one).blocks.in_flight.size() == 1);
    net.say(node, asked_one, "block", consensus::encode(block));
    BOOST_TEST(node.chain.height() == 1);
}

BOOST_AUTO_TEST_CASE(sync__block_of_unknown_parent__drops_its_sender) {
    TestNet net;
    TestNode& node = net.add();
    FakeChain other;
    other.mine(3);
    const PeerId stub = net.connect_stub(node);
    net.say(node, stub, "block", other.body(other.tip().hash));
    BOOST_TEST(node.drops.back() == "prev-blk-not-found");
}

BOOST_AUTO_TEST_CASE(order__blocks_of_one_another__wait_for_those_before) {
    TestNet net;
    TestNode& node = net.add();
    FakeChain other;
    other.mine(2);
    const PeerId stub = net.connect_stub(node);
    Actions held;
    net.hold<AcceptBlock>(held);
    net.say(node, stub, "block", other.body(other.view().at(1)->hash));
    net.say(node, stub, "block", other.body(other.tip().hash));
    BOOST_TEST(held.size() == 1U);
    net.intercept = nullptr;
    net.perform(node, held);
    BOOST_TEST(node.chain.height() == 2);
    BOOST_TEST(node.drops.empty());
}

BOOST_AUTO_TEST_CASE(order__ping_after_block__is_answered_after_its_verdict) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    Actions held;
    net.hold<AcceptBlock>(held);
    net.say(node, stub, "block", consensus::encode(node.chain.next_block()));
    net.say(node, stub, "ping", consensus::encode(NonceMessage{7}));
    BOOST_TEST(net.heard(node, stub, "pong").empty());
    BOOST_TEST(!node.protocol.takes_messages(stub));
    net.intercept = nullptr;
    net.perform(node, held);
    BOOST_TEST(node.chain.height() == 1);
    BOOST_TEST(net.heard(node, stub, "pong").size() == 1);
}

// Announcing ////////////////////////////////////////////////////////////////////////////////////

BOOST_AUTO_TEST_CASE(announce__new_tip__by_headers_or_inv_as_the_peer_asked) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId plain = net.connect_stub(node);
    const PeerId modern = net.connect_stub(node);
    net.say(node, modern, "sendheaders");
    net.say(node, modern, "headers", headers_payload({}));
    const LocatorMessage locator{0, {node.chain.params().genesis_hash}, {}};
    net.say(node, modern, "getheaders", consensus::encode(locator));
    net.heard(node, modern);
    net.mine(node, 1);
    BOOST_TEST(net.heard(node, plain, "inv").size() == 1);
    BOOST_TEST(net.heard(node, modern, "headers").size() == 1);
}

// Malformed messages ////////////////////////////////////////////////////////////////////////////

BOOST_AUTO_TEST_CASE(messages__cut_short__are_passed_over) {
    for (const char* command :
         {"addr", "addrv2", "block", "feefilter", "getblocks", "getcfcheckpt", "getcfheaders",
          "getcfilters", "getdata", "getheaders", "headers", "inv", "notfound", "ping", "pong",
          "tx"}) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId stub = net.connect_stub(node);
        net.say(node, stub, command, {2, 0, 0});
        BOOST_TEST(net.is_connected(node, stub), command);
        net.say(node, stub, "ping", consensus::encode(NonceMessage{7}));
        BOOST_TEST(net.heard(node, stub, "pong").size() == 1, command);
    }
}

BOOST_AUTO_TEST_SUITE_END()
