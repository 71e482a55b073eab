// SPDX-License-Identifier: MIT
// Who goes when there is no room: each protection by itself, then against a crowd.
#include "node/eviction.h"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <set>

using namespace cairn;
using namespace cairn::node;
using namespace std::chrono_literals;

namespace {

constexpr consensus::SaltedHasher SECRET{7, 8};

/// `count` callers, each a second younger than the one before; all else is the same.
struct Crowd {
    explicit Crowd(uint32_t count) {
        for (uint32_t i = 0; i < count; ++i) add();
    }

    Peer& add(const NetAddress& address = NetAddress::ipv4({20, 1, 1, 1}, 8333)) {
        const PeerId id = next++;
        const NewPeer fresh{id, ConnectionType::Inbound, address};
        Peer& peer = peers.try_emplace(id, fresh, Time(1000s + id * 1s), SECRET).first->second;
        peer.established = true;
        peer.relays_transactions = true;
        peer.ping.least = 100ms;
        return peer;
    }

    Peer& youngest() { return peers.rbegin()->second; }

    std::optional<PeerId> evicted(const consensus::SaltedHasher& secret = SECRET) const {
        return choose_to_evict(peers, discouraged, secret);
    }

    Peers peers;
    RollingSet discouraged{10, SECRET};
    PeerId next = 0;
};

/// The `n`th address of many, no two of one group.
NetAddress in_group(uint32_t n) {
    return NetAddress::ipv4({20, static_cast<uint8_t>(n), 1, 1}, 8333);
}

} // namespace

BOOST_AUTO_TEST_SUITE(eviction)

BOOST_AUTO_TEST_CASE(evict__all_alike__takes_the_youngest) {
    const Crowd crowd(60);
    BOOST_TEST(crowd.evicted().value() == 59);
}

BOOST_AUTO_TEST_CASE(evict__one_merit__protects_the_youngest) {
    const std::pair<const char*, std::function<void(Peer&)>> merits[] = {
        {"ping", [](Peer& peer) { peer.ping.least = 1ms; }},
        {"transactions", [](Peer& peer) { peer.transactions.last_at = 5; }},
        {"blocks", [](Peer& peer) { peer.blocks.last_at = 5; }},
        {"only blocks", [](Peer& peer) { peer.relays_transactions = false; }},
        {"noban", [](Peer& peer) { peer.permissions = PERMIT_NOBAN; }},
        {"outbound", [](Peer& peer) { peer.type = ConnectionType::OutboundFullRelay; }},
        {"going already", [](Peer& peer) { peer.dropped = true; }},
    };
    for (const auto& [name, give] : merits) {
        Crowd crowd(60);
        give(crowd.youngest());
        BOOST_TEST_INFO(name);
        BOOST_TEST(crowd.evicted().value() == 58);
    }
}

BOOST_AUTO_TEST_CASE(evict__many_groups__some_are_protected_by_the_secret) {
    Crowd crowd(0);
    for (uint32_t i = 0; i < 60; ++i) crowd.add(in_group(i));
    std::set<PeerId> evicted;
    for (uint64_t secret = 0; secret < 200; ++secret)
        evicted.insert(crowd.evicted({secret, 1}).value());
    BOOST_TEST(evicted.contains(59)); // mostly
    BOOST_TEST(evicted.contains(58));
}

BOOST_AUTO_TEST_CASE(evict__groups__takes_from_the_largest) {
    Crowd crowd(60);
    for (uint32_t i = 0; i < 10; ++i) crowd.add(in_group(100 + i));
    BOOST_TEST(crowd.evicted().value() == 59);
}

BOOST_AUTO_TEST_CASE(evict__through_this_machine__some_stay_though_they_are_one_group) {
    Crowd crowd(0);
    for (uint32_t i = 0; i < 30; ++i) crowd.add(in_group(i));
    for (int i = 0; i < 10; ++i) crowd.add(NetAddress::ipv4({127, 0, 0, 1}, 8333));
    for (uint32_t newcomer = 40; newcomer < 200; ++newcomer) {
        crowd.peers.erase(crowd.evicted().value());
        crowd.add(in_group(newcomer));
    }
    BOOST_TEST(std::ranges::count_if(crowd.peers, [](const auto& entry) {
                   return !entry.second.address.is_routable();
               }) == 5);
}

BOOST_AUTO_TEST_CASE(evict__discouraged__goes_first) {
    Crowd crowd(60);
    crowd.add(in_group(99)); // of a small group, and then not the youngest
    crowd.add();
    crowd.discouraged.insert(in_group(99).host_hash());
    BOOST_TEST(crowd.evicted().value() == 60);
}

BOOST_AUTO_TEST_CASE(evict__few__none_goes) {
    BOOST_TEST(!Crowd(0).evicted().has_value());
    BOOST_TEST(!Crowd(20).evicted().has_value());
}

BOOST_AUTO_TEST_CASE(evict__flood_from_one_group__old_peers_stay) {
    Crowd crowd(0);
    for (uint32_t i = 0; i < 40; ++i) crowd.add(in_group(i));
    for (int i = 0; i < 74; ++i) crowd.add();
    for (int newcomer = 0; newcomer < 1000; ++newcomer) {
        crowd.peers.erase(crowd.evicted().value());
        crowd.add();
    }
    size_t old = 0;
    for (const auto& [id, peer] : crowd.peers) old += id < 40 ? 1 : 0;
    BOOST_TEST(old == 40u);
}

BOOST_AUTO_TEST_SUITE_END()
