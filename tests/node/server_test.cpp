// SPDX-License-Identifier: MIT
// What peers are given, how much of it at a time, and what they are refused.
#include "harness.h"
#include "node/messages.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(serve__getheaders__from_the_fork_to_the_stop) {
    TestNet net;
    TestNode& node = net.add();
    node.chain.mine(10);
    const PeerId stub = net.connect_stub(node);
    const LocatorMessage message{0, {node.chain.view().at(3)->hash}, node.chain.view().at(7)->hash};
    net.say(node, stub, "getheaders", consensus::encode(message));
    const std::vector<Message> answers = net.heard(node, stub, "headers");
    BOOST_REQUIRE(answers.size() == 1);
    const auto headers = parse<HeadersMessage>(answers[0].payload)->headers;
    BOOST_TEST(headers.size() == 4);
    BOOST_TEST((headers.front() == node.chain.view().at(4)->header));
}

BOOST_AUTO_TEST_CASE(serve__getblocks__names_what_follows) {
    TestNet net;
    TestNode& node = net.add();
    node.chain.mine(10);
    const PeerId stub = net.connect_stub(node);
    const LocatorMessage message{0, {node.chain.view().at(3)->hash}, {}};
    net.say(node, stub, "getblocks", consensus::encode(message));
    const std::vector<Message> answers = net.heard(node, stub, "inv");
    BOOST_REQUIRE(answers.size() == 1);
    BOOST_TEST(parse<InventoryMessage>(answers[0].payload)->items.size() == 7);
}

BOOST_AUTO_TEST_CASE(serve__getdata__keeps_the_order_and_names_what_is_missing) {
    TestNet net;
    TestNode& node = net.add();
    node.chain.mine(3);
    const PeerId stub = net.connect_stub(node);
    net.heard(node, stub);
    const Inventory missing{InventoryType::WtxidTransaction, consensus::sha256(Bytes{1})};
    InventoryMessage message{{missing}};
    for (const int at : {2, 1})
        message.items.push_back({InventoryType::WitnessBlock, node.chain.view().at(at)->hash});
    net.say(node, stub, "getdata", consensus::encode(message));
    net.say(node, stub, "ping", consensus::encode(NonceMessage{7}));
    const std::vector<Message> answers = net.heard(node, stub);
    std::vector<std::string> commands;
    commands.reserve(answers.size());
    for (const Message& one : answers) commands.push_back(one.command);
    const std::vector<std::string> expected{"block", "block", "notfound", "pong"};
    BOOST_TEST(commands == expected, boost::test_tools::per_element());
    BOOST_TEST(answers[0].payload == node.chain.body(node.chain.view().at(2)->hash));
}

BOOST_AUTO_TEST_CASE(serve__request_past_its_limit__drops) {
    const auto filters = [](int32_t start, const consensus::Hash256& stop) {
        return consensus::encode(FilterRangeMessage{
            BASIC_FILTER, static_cast<uint32_t>(start), consensus::BlockHash(stop)});
    };
    FakeChain model;
    model.mine(1000);
    LocatorMessage locator;
    locator.locator.resize(MAX_LOCATOR_HASHES + 1);
    InventoryMessage inventory;
    inventory.items.resize(MAX_INVENTORY + 1);
    const std::pair<std::string, Bytes> requests[] = {
        {"getheaders", consensus::encode(locator)},
        {"getblocks", consensus::encode(locator)},
        {"getdata", consensus::encode(inventory)},
        {"inv", consensus::encode(inventory)},
        {"getcfilters", filters(0, model.tip().hash)},            // 1,001 of them
        {"getcfilters", filters(1001, model.tip().hash)},         // after its end
        {"getcfheaders", filters(0, consensus::sha256(Bytes{}))}, // unknown block
        {"mempool", {}},                                          // without a permission
        {"filterload", {}},
    };
    for (const auto& [command, payload] : requests) {
        TestNet net;
        TestNode& node = net.add();
        node.chain.mine(1000);
        const NetAddress open = NetAddress::ipv4({5, 6, 7, 8}, 8333);
        const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, 0, true, open);
        net.say(node, stub, command, payload);
        BOOST_TEST(!net.is_connected(node, stub), command);
        // A light client may just know of another tip.
        BOOST_TEST((!command.starts_with("getcf") || !node.protocol.discourages(open)), command);
    }
}

BOOST_AUTO_TEST_CASE(serve__filters_of_an_old_branch__are_refused_like_those_of_no_block) {
    for (const char* command : {"getcfilters", "getcfheaders", "getcfcheckpt"}) {
        TestNet net;
        TestNode& node = net.add();
        node.chain.mine(1, 1);
        const consensus::BlockHash stale = node.chain.tip().hash;
        FakeChain rival;
        rival.mine(1);
        consensus::Block late = rival.next_block();
        late.header.time += 31 * 24 * 3600;
        std::optional<chain::TipChange> change;
        for (const consensus::Block& block : {rival.block(rival.tip().hash), late})
            node.chain.accept_block(std::make_shared<consensus::Block>(block), change);
        BOOST_REQUIRE(!node.chain.view().contains(*node.chain.find_block(stale)));
        const PeerId stub = net.connect_stub(node);
        const bool one = std::string_view(command) == "getcfcheckpt";
        net.say(
            node, stub, command,
            one ? consensus::encode(GetFilterCheckpointsMessage{BASIC_FILTER, stale})
                : consensus::encode(FilterRangeMessage{BASIC_FILTER, 1, stale}));
        BOOST_TEST(!net.is_connected(node, stub), command);
    }
}

BOOST_AUTO_TEST_CASE(serve__filter_that_is_not_indexed_yet__ends_the_answer) {
    TestNet net;
    TestNode& node = net.add();
    node.chain.mine(4);
    const PeerId stub = net.connect_stub(node);
    net.intercept = [&](TestNode& at, const Action& action) {
        const auto* read = std::get_if<DiskRead>(&action);
        if (read == nullptr) return false;
        std::optional<Message> answer(Message{"cfilter", Bytes(1)});
        if (read->block->height.value == 3) answer.reset();
        net.perform(at, at.protocol.read_done(stub, std::move(answer), net.now));
        return true;
    };
    const FilterRangeMessage request{BASIC_FILTER, 1, node.chain.tip().hash};
    net.say(node, stub, "getcfilters", consensus::encode(request));
    BOOST_TEST(net.heard(node, stub, "cfilter").size() == 2U); // not those after the hole
    net.say(node, stub, "ping", consensus::encode(NonceMessage{7}));
    BOOST_TEST(net.heard(node, stub, "pong").size() == 1U);
}

BOOST_AUTO_TEST_CASE(serve__slow_reader__gets_no_more_than_its_buffer_holds) {
    TestNet net;
    TestNode& node = net.add();
    node.chain.mine(1);
    const PeerId stub = net.connect_stub(node);
    int reads = 0;
    size_t unsent = 0;
    net.intercept = [&](TestNode& at, const Action& action) {
        const auto* read = std::get_if<DiskRead>(&action);
        if (read != nullptr) { // a block of a megabyte, that isn't taken
            ++reads;
            net.perform(
                at, at.protocol.read_done(stub, Message{"cfilter", Bytes(1 << 20)}, net.now));
            return true;
        }
        const auto* send = std::get_if<Send>(&action);
        if (send == nullptr || send->message.command != "cfilter") return false;
        unsent += FRAME_HEADER_BYTES + send->message.payload.size();
        return true;
    };
    InventoryMessage message;
    message.items.resize(100, {InventoryType::WitnessBlock, node.chain.tip().hash});
    net.say(node, stub, "getdata", consensus::encode(message));
    BOOST_TEST(reads == 1);
    net.perform(node, node.protocol.sent(stub, unsent, net.now));
    BOOST_TEST(reads == 2);
}

BOOST_AUTO_TEST_CASE(serve__much_is_missing__is_told_so_a_thousand_at_a_time) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    InventoryMessage message;
    for (int i = 0; i < 2'500; ++i)
        message.items.push_back(
            {InventoryType::WtxidTransaction, consensus::sha256(consensus::encode(i))});
    net.say(node, stub, "getdata", consensus::encode(message));
    InventoryMessage missing;
    const std::vector<Message> answers = net.heard(node, stub, "notfound");
    BOOST_TEST(answers.size() == 3U);
    for (const Message& answer : answers) {
        const auto content = parse<InventoryMessage>(answer.payload);
        missing.items.insert(missing.items.end(), content->items.begin(), content->items.end());
    }
    BOOST_TEST((missing.items == message.items));
}

BOOST_AUTO_TEST_CASE(send__peer_leaves_too_much_unread__is_dropped) {
    const FakeChain chain;
    const consensus::SaltedHasher salt{};
    Context context{chain, {}, Random(1, 2), {}, {}, {}, RollingSet(1, salt), salt};
    Peer& peer = context.peers.try_emplace(1, NewPeer{.id = 1}, Time(), salt).first->second;
    size_t sent = 0;
    for (; !peer.dropped && sent < 100; ++sent) context.send(peer, Message{"inv", Bytes(100'000)});
    BOOST_TEST(sent == 55U); // half a megabyte more than a full buffer and an answer
    BOOST_TEST(std::get<Drop>(context.out.back()).reason == "too much is left unread");
}

BOOST_AUTO_TEST_CASE(serve__asks_and_does_not_read__is_not_read_either) {
    const LocatorMessage locator{0, {FakeChain().params().genesis_hash}, {}};
    const std::pair<std::string, Bytes> requests[] = {
        {"getheaders", consensus::encode(locator)},
        {"getblocks", consensus::encode(locator)},
        {"ping", consensus::encode(NonceMessage{7})},
        {"mempool", {}},
    };
    for (const auto& [command, payload] : requests) {
        TestNet net;
        TestNode& node = net.add();
        node.chain.mine(500);
        const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, PERMIT_MEMPOOL);
        const Peer& peer = node.protocol.peers().at(stub);
        net.submit(node, make_payment({}, 1));
        net.intercept = [](TestNode&, const Action& action) {
            return std::holds_alternative<Send>(action); // nothing is taken by the system
        };
        constexpr size_t LONGEST_ANSWER = 50'000;
        for (int i = 0; i < 1'000'000 && node.protocol.takes_messages(stub); ++i)
            net.perform(node, node.protocol.received(stub, {command, payload}, net.now));
        BOOST_TEST(!node.protocol.takes_messages(stub), command);
        BOOST_TEST(peer.unsent_bytes <= MAX_UNSENT_BYTES + LONGEST_ANSWER, command);
        net.perform(node, node.protocol.sent(stub, peer.unsent_bytes, net.now));
        BOOST_TEST(node.protocol.takes_messages(stub), command);
    }
}

BOOST_AUTO_TEST_SUITE_END()
