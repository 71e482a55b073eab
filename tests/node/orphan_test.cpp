// SPDX-License-Identifier: MIT
// Transactions that come before their parents, or pay for them.
#include "harness.h"
#include "node/messages.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(orphan)

BOOST_AUTO_TEST_CASE(orphan__child_before_parent__parent_is_asked_for_and_both_are_taken) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    const auto parent = make_payment(COIN, 2);
    const auto child = make_payment(parent->txid, 1);
    net.heard(node, stub);
    send(net, node, stub, child);
    BOOST_TEST(!waits(node, child));
    BOOST_TEST(net.heard(node, stub, "getdata").empty()); // it may come by itself
    net.advance(5s);
    const std::vector<Message> requests = net.heard(node, stub, "getdata");
    BOOST_REQUIRE_EQUAL(requests.size(), 1U);
    const Inventory expected{InventoryType::WitnessTransaction, parent->txid};
    BOOST_TEST((parse<InventoryMessage>(requests[0].payload)->items.at(0) == expected));
    send(net, node, stub, parent);
    BOOST_TEST(waits(node, parent));
    BOOST_TEST(waits(node, child));
    BOOST_TEST(node.protocol.transactions().orphanage().size() == 0);
}

BOOST_AUTO_TEST_CASE(orphan__announced_by_several__each_is_asked_for_its_parent_in_turn) {
    TestNet net;
    TestNode& node = net.add();
    const Orphanage& orphanage = node.protocol.transactions().orphanage();
    const PeerId sender = net.connect_stub(node);
    const PeerId early = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const PeerId late = net.connect_stub(node);
    const auto parent = make_payment(COIN, 2);
    const auto child = make_payment(parent->txid, 1);
    const auto is_asked = [&](PeerId peer) {
        const Inventory item{InventoryType::WitnessTransaction, parent->txid};
        return std::ranges::count(asked(net.heard(node, peer)), item) == 1;
    };
    announce(net, node, early, child);
    send(net, node, sender, child);
    announce(net, node, late, child);
    net.settle();
    BOOST_REQUIRE(orphanage.size() == 1U);
    BOOST_TEST((orphanage.all().at(0).announcers == std::vector{sender, early, late}));
    net.advance(5s);
    BOOST_TEST(is_asked(early)); // we chose it
    net.disconnect(node, early);
    net.disconnect(node, sender);
    BOOST_TEST((orphanage.all().at(0).announcers == std::vector{late}));
    net.advance(5s);
    BOOST_TEST(is_asked(late));
    send(net, node, late, parent);
    BOOST_TEST(waits(node, child));
}

BOOST_AUTO_TEST_CASE(package__parent_pays_too_little__comes_in_with_its_child) {
    for (const bool child_first : {true, false}) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId stub = net.connect_stub(node);
        const auto parent = make_payment(COIN, TOO_CHEAP);
        const auto child = make_payment(parent->txid, 1);
        if (!child_first) send(net, node, stub, parent);
        net.heard(node, stub);
        send(net, node, stub, child);
        BOOST_TEST(!waits(node, child));
        net.advance(5s);
        BOOST_TEST(net.heard(node, stub, "getdata").size() == 1); // of the parent, be it again
        send(net, node, stub, parent);
        BOOST_TEST(waits(node, parent));
        BOOST_TEST(waits(node, child));
        BOOST_TEST(node.protocol.transactions().orphanage().size() == 0);
    }
}

BOOST_AUTO_TEST_CASE(package__parent_pays_too_little__is_not_asked_for_again) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    const auto parent = make_payment(COIN, TOO_CHEAP);
    send(net, node, stub, parent);
    announce(net, node, stub, parent);
    net.advance(5s);
    BOOST_TEST(net.heard(node, stub, "getdata").empty());
    BOOST_TEST(!waits(node, parent));
}

BOOST_AUTO_TEST_CASE(package__parent_spoilt_by_a_liar__comes_in_with_its_child_later) {
    for (const bool own_child : {false, true}) {
        TestNet net;
        TestNode& node = net.add();
        const PeerId liar = net.connect_stub(node);
        const PeerId honest = net.connect_stub(node);
        const auto parent = make_payment(COIN, TOO_CHEAP);
        const auto child = make_payment(parent->txid, 1);
        send(net, node, own_child ? liar : honest, child);
        for (int i = 0; i < 2; ++i) send(net, node, liar, spoilt(parent));
        BOOST_TEST(!waits(node, child));
        send(net, node, honest, parent);
        BOOST_TEST(waits(node, parent));
        BOOST_TEST(waits(node, child));
    }
}

BOOST_AUTO_TEST_CASE(package__many_children__one_is_tried_and_failures_not_again) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId stub = net.connect_stub(node);
    const PeerId other = net.connect_stub(node);
    const auto parent = spoilt(make_payment(COIN, TOO_CHEAP));
    for (int i = 0; i < 20; ++i) {
        send(net, node, stub, make_payment(parent->txid, 1000 + i));
        net.advance(1s);
    }
    std::vector<consensus::Amount> tried;
    net.intercept = [&](TestNode&, const Action& action) {
        const auto* accept = std::get_if<AcceptTransaction>(&action);
        if (accept != nullptr && accept->parent) tried.push_back(accept->tx->outputs[0].value);
        return false;
    };
    send(net, node, stub, parent);
    for (int i = 0; i < 2; ++i) send(net, node, other, parent);
    const std::vector<consensus::Amount> newest_first{1019, 1018, 1017};
    BOOST_TEST((tried == newest_first));
    BOOST_TEST(node.protocol.transactions().orphanage().size() == 20U);
}

BOOST_AUTO_TEST_CASE(
    package__very_many_children__only_the_newest_are_tried_until_there_is_another) {
    TestNet net;
    TestNode& node = net.add();
    const PeerId first = net.connect_stub(node);
    const PeerId second = net.connect_stub(node);
    const PeerId stub = net.connect_stub(node);
    const auto parent = spoilt(make_payment(COIN, TOO_CHEAP));
    constexpr size_t MOST = TransactionDownload::MAX_CHILDREN_TRIED;
    for (size_t i = 0; i < 2 * MOST; ++i) {
        const auto child = make_payment(parent->txid, 1000 + static_cast<int64_t>(i));
        send(net, node, i < MOST ? first : second, child);
        net.advance(1s);
    }
    size_t tried = 0;
    net.intercept = [&](TestNode&, const Action& action) {
        const auto* accept = std::get_if<AcceptTransaction>(&action);
        tried += accept != nullptr && accept->parent ? 1 : 0;
        return false;
    };
    for (size_t i = 0; i < 2 * MOST; ++i) send(net, node, stub, parent);
    BOOST_TEST(tried == MOST);
    net.disconnect(node, second); // those tried are gone; the others aren't even looked at
    for (int i = 0; i < 3; ++i) send(net, node, stub, parent);
    BOOST_TEST(tried == MOST);
    send(net, node, first, make_payment(parent->txid, 1));
    send(net, node, stub, parent);
    BOOST_TEST(tried == MOST + 1);
}

BOOST_AUTO_TEST_CASE(orphan__flood__stays_within_the_limits_and_ends) {
    TestNet net;
    TestNode& node = net.add();
    const Orphanage& orphanage = node.protocol.transactions().orphanage();
    for (int peer = 0; peer < 3; ++peer) {
        const PeerId stub = net.connect_stub(node);
        for (int i = 0; i < 1700; ++i) {
            const consensus::Txid unknown{consensus::sha256(consensus::encode(peer * 10'000 + i))};
            send(net, node, stub, make_payment(unknown, 1));
        }
        int64_t weight = 0;
        for (const Orphanage::Orphan& orphan : orphanage.all())
            weight += orphan.is_of(stub) ? orphan.tx->weight() : 0;
        BOOST_TEST(weight <= Orphanage::MAX_PEER_WEIGHT);
        BOOST_TEST(weight > Orphanage::MAX_PEER_WEIGHT / 2);
        BOOST_TEST(orphanage.size() <= Orphanage::MAX_TRANSACTIONS);
    }
    BOOST_TEST(orphanage.size() == Orphanage::MAX_TRANSACTIONS);
    net.advance(21min);
    BOOST_TEST(orphanage.size() == 0);
}

BOOST_AUTO_TEST_CASE(orphan__too_many_small_ones_of_others__do_not_push_out_a_large_one) {
    const auto orphan = [](int32_t number, size_t script_bytes) {
        consensus::Transaction tx;
        tx.inputs.emplace_back().prevout.txid =
            consensus::Txid(consensus::sha256(consensus::encode(number)));
        const Bytes script(script_bytes, 0x6a);
        tx.outputs.push_back({consensus::Amount(1), consensus::Script(ByteView(script))});
        return consensus::make_transaction(std::move(tx));
    };
    Orphanage orphanage({1, 2});
    const auto large = orphan(0, 90'000);
    BOOST_TEST(orphanage.add(large, 0, {}));
    constexpr int LIARS = 100;
    for (int i = 0; i < static_cast<int>(2 * Orphanage::MAX_TRANSACTIONS); ++i) {
        orphanage.add(orphan(i + 1, 1), 1 + i % LIARS, {});
        BOOST_TEST(orphanage.size() <= Orphanage::MAX_TRANSACTIONS);
    }
    BOOST_TEST(orphanage.size() == Orphanage::MAX_TRANSACTIONS);
    BOOST_TEST(orphanage.contains(large->wtxid));
}

BOOST_AUTO_TEST_SUITE_END()
