// SPDX-License-Identifier: MIT
// How transactions travel: asked for once, announced, within limits.
#include "harness.h"
#include "node/messages.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

namespace {

void ask(TestNet& net, TestNode& node, PeerId stub, const consensus::TransactionRef& tx) {
    const Inventory item{InventoryType::WtxidTransaction, tx->wtxid};
    net.say(node, stub, "getdata", consensus::encode(InventoryMessage{{item}}));
}

/// Let the chain judge it now.
void release(TestNet& net, TestNode& node, Actions& held) {
    net.intercept = nullptr;
    net.perform(node, std::exchange(held, {}));
}

} // namespace

BOOST_AUTO_TEST_SUITE(transaction_relay)

BOOST_AUTO_TEST_CASE(relay__line_of_nodes__reaches_the_last) {
    TestNet net;
    std::vector<TestNode*> nodes(4);
    for (TestNode*& node : nodes) node = &net.add();
    for (size_t i = 1; i < nodes.size(); ++i) net.connect(*nodes[i], *nodes[i - 1]);
    const auto tx = make_payment(COIN, 1);
    net.submit(*nodes[0], tx);
    net.advance(5min);
    for (const TestNode* node : nodes) BOOST_TEST(waits(*node, tx));
}

BOOST_AUTO_TEST_CASE(request__announced_by_many__is_sent_to_one_then_to_the_next) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId inbound = net.connect_stub(node);
    const PeerId outbound = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto tx = make_payment(COIN, 1);
    announce(net, node, inbound, tx);
    announce(net, node, outbound, tx);
    BOOST_TEST(net.heard(node, outbound, "getdata").size() == 1); // preferred: at once
    net.advance(30s);
    BOOST_TEST(net.heard(node, inbound, "getdata").empty());
    net.advance(31s);
    BOOST_TEST(net.heard(node, inbound, "getdata").size() == 1); // the first has timed out
    send(net, node, inbound, tx);
    BOOST_TEST(waits(node, tx));
    net.advance(2min);
    BOOST_TEST(net.heard(node, outbound, "getdata").empty());
}

BOOST_AUTO_TEST_CASE(request__peer_did_not_answer_the_last__is_asked_after_its_equals) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId silent = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto first = make_payment(COIN, 1);
    announce(net, node, silent, first);
    net.advance(61s);
    BOOST_TEST(net.heard(node, silent, "getdata").size() == 1);
    const PeerId outbound = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const PeerId inbound = net.connect_stub(node);
    const auto second = make_payment(COIN, 2);
    announce(net, node, silent, second);
    announce(net, node, outbound, second);
    net.advance(3s);
    BOOST_TEST(net.heard(node, outbound, "getdata").size() == 1);
    BOOST_TEST(net.heard(node, silent, "getdata").empty());
    send(net, node, outbound, second);
    const auto third = make_payment(COIN, 3);
    announce(net, node, inbound, third);
    announce(net, node, silent, third); // callers may all be one liar's: still before those
    net.advance(3s);
    BOOST_TEST(net.heard(node, silent, "getdata").size() == 1);
    BOOST_TEST(net.heard(node, inbound, "getdata").empty());
    send(net, node, silent, third); // now it did answer
    const auto last = make_payment(COIN, 4);
    announce(net, node, silent, last);
    BOOST_TEST(net.heard(node, silent, "getdata").size() == 1); // at once
}

BOOST_AUTO_TEST_CASE(transaction__chain_has_no_room__is_asked_for_again) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto tx = make_payment(COIN, 1);
    node.chain.busy_ = true;
    announce(net, node, stub, tx);
    BOOST_TEST(net.heard(node, stub, "getdata").size() == 1);
    send(net, node, stub, tx);
    node.chain.busy_ = false;
    net.advance(1s);
    BOOST_TEST(net.heard(node, stub, "getdata").empty());
    net.advance(5s);
    BOOST_TEST(net.heard(node, stub, "getdata").size() == 1);
    send(net, node, stub, tx);
    BOOST_TEST(waits(node, tx));
}

BOOST_AUTO_TEST_CASE(transaction__chain_had_no_room_and_its_sender_left__is_asked_of_another) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId sender = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const PeerId other = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto tx = make_payment(COIN, 1);
    node.chain.busy_ = true;
    announce(net, node, other, tx);
    send(net, node, sender, tx);
    net.disconnect(node, sender);
    node.chain.busy_ = false;
    net.heard(node, other);
    net.advance(6s);
    BOOST_TEST(net.heard(node, other, "getdata").size() == 1);
}

BOOST_AUTO_TEST_CASE(transaction__larger_than_is_relayed__is_refused_unless_the_chain_takes_such) {
    for (const int64_t most : {consensus::MAX_STANDARD_TX_WEIGHT, int64_t{4'000'000}}) {
        TestNet net;
        TestNode& node = net.add({.max_transaction_weight = most});
        const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
        consensus::Transaction large = *make_payment(COIN, 1);
        large.outputs[0].script_pubkey.assign(consensus::Bytes(100'000));
        const auto tx = consensus::make_transaction(std::move(large));
        send(net, node, stub, tx);
        const bool taken = most > consensus::MAX_STANDARD_TX_WEIGHT;
        BOOST_TEST(waits(node, tx) == taken);
        announce(net, node, stub, tx); // it isn't wanted any more, in either case
        BOOST_TEST(net.heard(node, stub, "getdata").empty());
        BOOST_TEST(net.is_connected(node, stub));
    }
}

BOOST_AUTO_TEST_CASE(transaction__many_bytes_wait_at_the_chain__the_next_waits_for_them) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    Actions held;
    net.hold<AcceptTransaction>(held);
    for (int i = 0; i < 3; ++i) {
        consensus::Transaction tx = *make_payment(COIN, i);
        tx.outputs[0].script_pubkey.assign(
            consensus::Bytes(TransactionDownload::MAX_PROCESSING_BYTES * 2 / 5));
        send(net, node, stub, consensus::make_transaction(std::move(tx)));
    }
    const Peer& peer = node.protocol.peers().at(stub);
    BOOST_TEST(held.size() == 2U);
    BOOST_TEST(peer.transaction_bytes <= TransactionDownload::MAX_PROCESSING_BYTES);
    BOOST_TEST(!node.protocol.takes_messages(stub));
    release(net, node, held);
    BOOST_TEST(node.protocol.takes_messages(stub));
    BOOST_TEST(peer.transactions_processing == 0U);
    BOOST_TEST(peer.transaction_bytes == 0U);
    BOOST_TEST(node.chain.waiting_transactions().size() == 3U);
}

BOOST_AUTO_TEST_CASE(request__notfound__goes_to_the_next_at_once) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId first = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const PeerId second = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto tx = make_payment(COIN, 1);
    announce(net, node, first, tx);
    announce(net, node, second, tx);
    const Inventory item{InventoryType::WtxidTransaction, tx->wtxid};
    net.say(node, first, "notfound", consensus::encode(InventoryMessage{{item}}));
    net.advance(100ms);
    BOOST_TEST(net.heard(node, second, "getdata").size() == 1);
}

BOOST_AUTO_TEST_CASE(request__peer_leaves__goes_to_the_next) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId first = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const PeerId second = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto tx = make_payment(COIN, 1);
    announce(net, node, first, tx);
    announce(net, node, second, tx);
    net.disconnect(node, first);
    net.advance(100ms);
    BOOST_TEST(net.heard(node, second, "getdata").size() == 1);
}

/// A peer that isn't connected anywhere.
Peer& new_peer(Peers& peers, PeerId id) {
    const NewPeer fresh{id, ConnectionType::Inbound, {}};
    return peers.try_emplace(id, fresh, Time(1000s), consensus::SaltedHasher{7, 8}).first->second;
}

BOOST_AUTO_TEST_CASE(request__peer_leaves__only_what_it_announced_is_looked_at) {
    Random random(1, 2);
    TransactionRequests requests(random, {3, 4});
    Peers peers;
    Peer& first = new_peer(peers, 1);
    Peer& second = new_peer(peers, 2);
    const auto number = [](uint32_t i) { return consensus::sha256(consensus::encode(i)); };
    for (uint32_t i = 0; i < 100; ++i) requests.add(i < 60 ? first : second, {.hash = number(i)});
    requests.add(second, {.hash = number(0)});
    BOOST_TEST(first.transactions.announced.size() == 60U);
    BOOST_TEST(second.transactions.announced.size() == 41U);
    // What isn't listed any more is found by a walk over all there is, and by that alone.
    second.transactions.announced.erase(number(99));
    requests.disconnected(second, peers);
    BOOST_TEST(requests.size() == 61U);
    requests.disconnected(first, peers);
    BOOST_TEST(requests.size() == 1U);
    BOOST_TEST(first.transactions.announced.empty());
}

BOOST_AUTO_TEST_CASE(request__flood_of_announcements__is_bounded) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    InventoryMessage message;
    for (uint32_t i = 0; i < 20'000; ++i) {
        const consensus::Hash256 hash = consensus::sha256(consensus::encode(i));
        message.items.push_back({InventoryType::WtxidTransaction, hash});
    }
    net.say(node, stub, "inv", consensus::encode(message));
    BOOST_TEST(
        node.protocol.peers().at(stub).transactions.announced.size() ==
        TransactionRequests::MAX_ANNOUNCED);
}

BOOST_AUTO_TEST_CASE(request__refused_before__is_not_asked_again_until_the_next_block) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto bad = make_payment(COIN, -1);
    send(net, node, stub, bad);
    announce(net, node, stub, bad);
    net.advance(5s);
    BOOST_TEST(net.heard(node, stub, "getdata").empty());
    net.mine(node, 1);
    announce(net, node, stub, bad);
    BOOST_TEST(net.heard(node, stub, "getdata").size() == 1);
}

BOOST_AUTO_TEST_CASE(request__announced_before_the_verdict__is_not_asked_for) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId sender = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const PeerId other = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto bad = make_payment(COIN, -1);
    Actions held;
    net.hold<AcceptTransaction>(held);
    send(net, node, sender, bad);
    announce(net, node, other, bad);
    send(net, node, other, bad);
    BOOST_TEST(held.size() == 1U);
    release(net, node, held);
    net.advance(5s);
    BOOST_TEST(net.heard(node, other, "getdata").empty());
}

BOOST_AUTO_TEST_CASE(request__refused_while_others_wait_to_be_asked__is_not_asked_of_them) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId silent = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const PeerId orphaned = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const PeerId sender = net.connect_stub(node);
    const auto bad = make_payment(COIN, -1); // without a witness: its ids are the same
    announce(net, node, silent, bad);
    send(net, node, orphaned, make_payment(bad->txid, 1)); // has it, by its txid
    net.advance(1s);
    net.heard(node, orphaned);
    send(net, node, sender, bad);
    net.advance(61s); // and who was asked doesn't answer
    BOOST_TEST(net.heard(node, orphaned, "getdata").empty());
}

BOOST_AUTO_TEST_CASE(last_transaction__only_one_that_was_taken__counts) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    const auto good = make_payment(COIN, 1);
    const auto last_at = [&] { return node.protocol.peers().at(stub).transactions.last_at; };
    send(net, node, stub, make_payment(COIN, -1));
    send(net, node, stub, make_payment(good->txid, 1)); // an orphan
    BOOST_TEST(last_at() == 0);
    send(net, node, stub, good);
    const int64_t taken_at = seconds_of(net.now);
    net.advance(10s);
    send(net, node, stub, good);
    BOOST_TEST(last_at() == taken_at);
}

BOOST_AUTO_TEST_CASE(request__witness_spoilt_by_another__is_still_sent_to_the_next) {
    const auto good = make_payment(COIN, 3);
    const auto bare = make_payment(COIN, STRIPPED);
    for (const auto& [parent, lie] : {std::pair(good, spoilt(good)), std::pair(bare, bare)}) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId silent = net.connect_stub(node);
        const PeerId honest = net.connect_stub(node);
        const PeerId liar = net.connect_stub(node);
        // Of each its parent is asked for, by txid.
        send(net, node, silent, make_payment(parent->txid, 1));
        send(net, node, honest, make_payment(parent->txid, 2));
        net.advance(5s);
        net.heard(node, honest);
        send(net, node, liar, lie);
        net.advance(61s);
        BOOST_TEST(net.heard(node, honest, "getdata").size() == 1);
    }
}

BOOST_AUTO_TEST_CASE(request__one_witness_of_two_missing__is_not_asked_for_again) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId sender = net.connect_stub(node);
    const PeerId other = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto bad = spoilt(make_payment(COIN, STRIPPED)); // refused in the words for a cut one
    send(net, node, sender, bad);
    announce(net, node, other, bad);
    BOOST_TEST(net.heard(node, other, "getdata").empty());
}

BOOST_AUTO_TEST_CASE(request__txid_named_as_a_wtxid__is_asked_of_each_as_it_named_it) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId liar = net.connect_stub(node);
    const PeerId honest = net.connect_stub(node);
    const auto parent = make_payment(COIN, 2);
    const Inventory named{InventoryType::WtxidTransaction, parent->txid};
    net.say(node, liar, "inv", consensus::encode(InventoryMessage{{named}}));
    net.heard(node, honest);
    send(net, node, honest, make_payment(parent->txid, 1));
    net.advance(70s); // the liar has his time
    const std::vector<Message> requests = net.heard(node, honest, "getdata");
    BOOST_REQUIRE_EQUAL(requests.size(), 1U);
    const Inventory expected{InventoryType::WitnessTransaction, parent->txid};
    BOOST_TEST((parse<InventoryMessage>(requests[0].payload)->items.at(0) == expected));
}

BOOST_AUTO_TEST_CASE(announce__sent_again__only_if_its_sender_may) {
    for (const uint32_t permissions : {0u, PERMIT_FORCE_RELAY | PERMIT_RELAY}) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId sender = net.connect_stub(node, ConnectionType::Inbound, permissions);
        const auto tx = make_payment(COIN, 1);
        send(net, node, sender, tx);
        const PeerId late = net.connect_stub(node);
        net.advance(1min);
        BOOST_TEST(net.heard(node, late, "inv").empty());
        send(net, node, sender, tx);
        net.advance(1min);
        BOOST_TEST(net.heard(node, late, "inv").size() == (permissions == 0 ? 0u : 1u));
    }
}

BOOST_AUTO_TEST_CASE(announce__trusted_peer__hears_at_once_and_others_later) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId trusted = net.connect_stub(node, ConnectionType::Inbound, PERMIT_NOBAN);
    const PeerId source = net.connect_stub(node);
    const auto tx = make_payment(COIN, 1);
    send(net, node, source, tx);
    BOOST_TEST(net.heard(node, trusted, "inv").size() == 1);
    net.advance(2min);
    BOOST_TEST(net.heard(node, source, "inv").empty()); // never back to where it came from
}

BOOST_AUTO_TEST_CASE(announce__below_the_peers_fee_filter__is_left_out) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    net.say(node, stub, "feefilter", consensus::encode(FeeFilterMessage{1001}));
    net.submit(node, make_payment(COIN, 1));
    net.advance(2min);
    BOOST_TEST(net.heard(node, stub, "inv").empty());
    net.say(node, stub, "feefilter", consensus::encode(FeeFilterMessage{1000}));
    net.submit(node, make_payment(COIN, 2));
    net.advance(2min);
    BOOST_TEST(net.heard(node, stub, "inv").size() == 1);
}

BOOST_AUTO_TEST_CASE(announce__round_of_many__parents_first_and_else_not_as_they_came) {
    const auto parent = make_payment(COIN, 1);
    const auto child = make_payment(parent->txid, 2);
    std::vector<consensus::TransactionRef> ways[] = {{parent, child}, {parent, child}};
    for (int value = 3; value < 9; ++value) {
        ways[0].push_back(make_payment(COIN, value));
        ways[1].insert(ways[1].begin(), ways[0].back());
    }
    std::vector<Inventory> told[2];
    for (size_t way = 0; way < 2; ++way) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId stub = net.connect_stub(node);
        for (const auto& tx : ways[way]) net.submit(node, tx);
        net.advance(2min);
        const std::vector<Message> heard = net.heard(node, stub, "inv");
        BOOST_REQUIRE(heard.size() == 1);
        told[way] = parse<InventoryMessage>(heard[0].payload).value().items;
    }
    BOOST_REQUIRE(told[0].size() == ways[0].size());
    BOOST_TEST((told[0] == told[1]));
    const auto place = [&](const consensus::TransactionRef& tx) {
        return std::ranges::find(told[0], consensus::Hash256(tx->wtxid), &Inventory::hash);
    };
    BOOST_TEST((place(parent) < place(child)));
}

BOOST_AUTO_TEST_CASE(fee_filter__of_a_full_mempool__is_told_on_a_coarse_scale) {
    const auto told = [](int64_t per_kvb, int nodes) {
        std::set<int64_t> filters;
        TestNet net;
        for (; nodes > 0; --nodes) {
            TestNode& node = net.add();
            node.chain.min_feerate_ = per_kvb;
            const PeerId stub = net.connect_stub(node);
            net.advance(1s);
            for (const Message& message : net.heard(node, stub, "feefilter"))
                filters.insert(parse<FeeFilterMessage>(message.payload)->per_kvb);
        }
        return filters;
    };
    BOOST_TEST((told(100, 10) == std::set<int64_t>{100})); // not full: what all nodes say
    const std::set<int64_t> filters = told(5000, 40);
    BOOST_TEST(filters.size() == 2);
    BOOST_TEST((told(5001, 40) == filters));
    BOOST_TEST(*filters.begin() > 5000 / 1.11);
    BOOST_TEST(*filters.begin() <= 5000);
    BOOST_TEST(*filters.rbegin() >= 5000);
    BOOST_TEST(*filters.rbegin() < 5000 * 1.11);
}

BOOST_AUTO_TEST_CASE(serve__not_announced_yet__is_not_found) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    net.advance(1min);
    const auto tx = make_payment(COIN, 1);
    net.submit(node, tx);
    net.heard(node, stub);
    ask(net, node, stub, tx);
    BOOST_TEST(net.heard(node, stub, "notfound").size() == 1);
    announce(net, node, stub, tx); // as if it had it: that tells nothing either
    ask(net, node, stub, tx);
    BOOST_TEST(net.heard(node, stub, "notfound").size() == 1);
    send(net, node, stub, tx);
    ask(net, node, stub, tx);
    BOOST_TEST(net.heard(node, stub, "notfound").size() == 1);
    net.advance(2min);
    ask(net, node, stub, tx);
    BOOST_TEST(net.heard(node, stub, "tx").size() == 1);
}

BOOST_AUTO_TEST_CASE(serve__new_caller__is_given_nothing_before_the_round_of_all) {
    const auto commands = [](uint32_t permissions, ConnectionType type) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId early = net.connect_stub(node); // of the same round
        net.heard(node, early);
        const auto tx = make_payment(COIN, 1);
        net.submit(node, tx);
        const PeerId late = net.connect_stub(node, type, permissions);
        std::vector<std::string> heard;
        const auto ask_now = [&](const consensus::TransactionRef& wanted) {
            net.heard(node, late);
            ask(net, node, late, wanted);
            heard.push_back(net.heard(node, late).at(0).command);
        };
        ask_now(tx);
        for (bool round = false; !round; round = !net.heard(node, early, "inv").empty())
            net.advance(100ms);
        ask_now(tx);
        const auto next = make_payment(COIN, 2);
        net.submit(node, next);
        ask_now(next); // the round is over
        return heard;
    };
    using Commands = std::vector<std::string>;
    BOOST_TEST((commands(0, ConnectionType::Inbound) == Commands{"notfound", "tx", "notfound"}));
    BOOST_TEST((commands(PERMIT_NOBAN, ConnectionType::Inbound) == Commands{"tx", "tx", "tx"}));
    BOOST_TEST(
        (commands(0, ConnectionType::OutboundFullRelay) == Commands{"tx", "tx", "notfound"}));
}

BOOST_AUTO_TEST_CASE(serve__named_in_answer_to_mempool__is_given_at_once) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay, PERMIT_MEMPOOL);
    const auto tx = make_payment(COIN, 1);
    net.submit(node, tx);
    net.say(node, stub, "mempool");
    BOOST_TEST(net.heard(node, stub, "inv").size() == 1);
    ask(net, node, stub, tx);
    BOOST_TEST(net.heard(node, stub, "tx").size() == 1);
}

BOOST_AUTO_TEST_CASE(broadcast__own_transaction__is_announced_again_until_asked_for) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    const auto tx = make_payment(COIN, 1);
    net.submit(node, tx, true);
    BOOST_TEST(node.protocol.unbroadcast().size() == 1);
    net.advance(2h);
    BOOST_TEST(net.heard(node, stub, "inv").size() >= 2);
    const PeerId late = net.connect_stub(node);
    const PeerId called = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    net.advance(20s);
    BOOST_TEST(net.heard(node, late, "inv").empty()); // it may have come to learn what is ours
    BOOST_TEST(net.heard(node, called, "inv").size() == 1);
    net.advance(15min);
    BOOST_TEST(net.heard(node, late, "inv").size() >= 1);
    ask(net, node, late, tx);
    BOOST_TEST(node.protocol.unbroadcast().empty());
}

BOOST_AUTO_TEST_CASE(announce__read_from_a_file__only_what_nobody_asked_for_yet) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto known = make_payment(COIN, 1);
    const auto unsent = make_payment(COIN, 2);
    node.protocol.transaction_unsent(unsent, net.now);
    for (const auto& tx : {known, unsent}) {
        BOOST_TEST(node.chain.accept_transaction(tx).has_value());
        net.perform(node, node.protocol.transaction_added(tx, net.now, true));
    }
    net.advance(2min);
    const std::vector<Message> heard = net.heard(node, stub, "inv");
    BOOST_REQUIRE(heard.size() == 1);
    const InventoryMessage expected{{{InventoryType::WtxidTransaction, unsent->wtxid}}};
    BOOST_TEST((heard[0].payload == consensus::encode(expected)));
    ask(net, node, stub, known); // what spends it may have been announced
    BOOST_TEST(net.heard(node, stub, "tx").size() == 1);
}

BOOST_AUTO_TEST_CASE(refused__waits_already_or_not_looked_at__pushes_nothing_out_of_what_was) {
    for (const bool busy : {false, true}) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId stubs[] = {net.connect_stub(node), net.connect_stub(node)};
        const auto dropped = make_payment(COIN, 1);
        net.perform(node, node.protocol.transaction_removed(dropped));
        Actions held;
        net.hold<AcceptTransaction>(held);
        for (size_t i = 0; i < CompactRelay::MAX_DROPPED; ++i) {
            const auto tx = make_payment(COIN, 10 + static_cast<int64_t>(i));
            send(net, node, stubs[i % 2], tx);
            if (!busy) BOOST_REQUIRE(node.chain.accept_transaction(tx)); // by other ways
        }
        BOOST_REQUIRE(held.size() == CompactRelay::MAX_DROPPED);
        node.chain.busy_ = busy;
        release(net, node, held);
        const consensus::Block block = block_with(node.chain, {dropped}); // of which it has all
        net.say(node, stubs[0], "cmpctblock", consensus::encode(CompactBlockMessage::of(block, 7)));
        BOOST_TEST((node.chain.tip().hash == block.header.hash()));
    }
}

BOOST_AUTO_TEST_CASE(blocks_only__transactions__drop_their_sender) {
    const auto tx = make_payment(COIN, 1);
    for (const bool announced : {true, false}) {
        TestNet net;
        ProtocolOptions options;
        options.blocks_only = true;
        TestNode& node = net.add(options);
        const PeerId stub = net.connect_stub(node);
        if (announced)
            announce(net, node, stub, tx);
        else
            send(net, node, stub, tx);
        BOOST_TEST(!net.is_connected(node, stub));
    }
}

BOOST_AUTO_TEST_SUITE_END()
