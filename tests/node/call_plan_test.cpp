// SPDX-License-Identifier: MIT
// Whom a node calls when all its slots are taken, and whom it gives up again.
#include "harness.h"
#include "node/call_plan.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

namespace {

/// Notes whom it would call; every call is answered at once.
class Plan final : public CallPlan {
public:
    Plan(
        const NetworkOptions& options,
        const consensus::Params& params,
        TestNet& net,
        TestNode& node)
        : CallPlan(options, params, node.protocol, node.book, Random(7, 8)),
          net_(net),
          node_(node) {}

    std::vector<ConnectionType> calls; ///< Their kinds.
    std::vector<PeerId> ended;

private:
    void call(const std::string& target, ConnectionType type) override {
        calls.push_back(type);
        targets_.push_back(target);
    }

    void ask_seed(const std::string& /*host*/) override {}

    void hang_up(PeerId peer, const std::string& /*reason*/) override {
        ended.push_back(peer);
        net_.disconnect(node_, peer);
    }

public:
    /// Connect whom it called.
    void answer() {
        for (size_t i = 0; i < targets_.size(); ++i) {
            const NetAddress address = *NetAddress::from_string(targets_[i], 8333);
            if (calls[calls.size() - targets_.size() + i] != ConnectionType::Feeler)
                peers.push_back(net_.connect_stub(
                    node_, calls[calls.size() - targets_.size() + i], 0, true, address));
            called(targets_[i]);
        }
        targets_.clear();
    }

    std::vector<PeerId> peers; ///< In the order in which they came.

private:
    TestNet& net_;
    TestNode& node_;
    std::vector<std::string> targets_;
};

/// A node that knows so many, its plan, and time.
struct Scene {
    explicit Scene(uint8_t known = 199) {
        const auto now = static_cast<uint32_t>(seconds_of(net.now));
        for (uint8_t i = 1; i <= known; ++i)
            node.book.add({now, NODE_NETWORK | NODE_WITNESS, address(i)}, std::to_string(i), now);
    }

    static NetAddress address(uint8_t i) {
        return NetAddress::ipv4({static_cast<uint8_t>(20 + i % 100), i, 1, 1}, 8333);
    }

    void pass(std::chrono::seconds time) {
        for (auto passed = 0s; passed < time; passed += 1s) {
            net.advance(1s);
            plan.tick(net.now);
            plan.answer();
        }
    }

    bool is_connected(PeerId peer) { return net.is_connected(node, peer); }

    size_t count(ConnectionType type) const {
        return static_cast<size_t>(std::ranges::count(plan.calls, type));
    }

    size_t peers(ConnectionType type) const {
        return static_cast<size_t>(std::ranges::count_if(
            node.protocol.peers(), [&](const auto& entry) { return entry.second.type == type; }));
    }

    TestNet net;
    TestNode& node = net.add();
    NetworkOptions options;
    consensus::Params params = node.chain.params();
    Plan plan{options, params, net, node};
};

/// Gives a block on the tip, unasked.
void give_block(Scene& scene, PeerId peer) {
    const consensus::Block block = scene.node.chain.next_block();
    scene.net.say(scene.node, peer, "headers", consensus::encode(HeadersMessage{{block.header}}));
    scene.net.say(scene.node, peer, "block", consensus::encode(block));
}

} // namespace

BOOST_AUTO_TEST_SUITE(call_plan)

BOOST_AUTO_TEST_CASE(seed__nobody_known__is_asked_at_once) {
    Scene scene(0);
    scene.options.seed_nodes = {"1.2.3.4"};
    scene.plan.tick(scene.net.now);
    BOOST_TEST(scene.count(ConnectionType::AddrFetch) == 1U);
}

BOOST_AUTO_TEST_CASE(seed__known_peers_do_not_answer__is_asked_after_a_while) {
    Scene scene;
    scene.options.seed_nodes = {"1.2.3.4"};
    const auto end = scene.net.now + CallPlan::SEED_PATIENCE;
    for (; scene.net.now < end; scene.net.advance(1s)) scene.plan.tick(scene.net.now);
    BOOST_TEST(scene.count(ConnectionType::OutboundFullRelay) == 8U); // that are being called
    BOOST_TEST(scene.count(ConnectionType::AddrFetch) == 0U);
    scene.plan.tick(scene.net.now);
    BOOST_TEST(scene.count(ConnectionType::AddrFetch) == 1U);
}

BOOST_AUTO_TEST_CASE(seed__known_peers_answer__is_left_alone) {
    Scene scene;
    scene.options.seed_nodes = {"1.2.3.4"};
    scene.pass(60s);
    BOOST_TEST(scene.count(ConnectionType::AddrFetch) == 0U);
}

BOOST_AUTO_TEST_CASE(added__connected_by_another_spelling__is_not_called_again) {
    Scene scene(0);
    scene.options.connect_only = true;
    BOOST_TEST(scene.plan.add("20.1.1.1:8333"));
    scene.plan.tick(scene.net.now);
    scene.plan.answer();
    BOOST_TEST(scene.plan.calls.size() == 1U);
    BOOST_TEST(!scene.plan.add("20.1.1.1:8333"));
    BOOST_TEST(scene.plan.add("[::ffff:20.1.1.1]:8334"));
    BOOST_TEST(!scene.plan.add("20.1.1.1:8334"));
    BOOST_TEST(scene.plan.remove("[::ffff:20.1.1.1]:8334"));
    BOOST_TEST(!scene.plan.add("[::ffff:20.1.1.1]:8333"));
    BOOST_TEST(scene.plan.find_peer("[::ffff:20.1.1.1]:8333") != nullptr);
    scene.pass(10s);
    BOOST_TEST(scene.plan.calls.size() == 1U);
}

BOOST_AUTO_TEST_CASE(added__hangs_up_again_and_again__is_called_once_a_minute_at_last) {
    Scene scene(0);
    scene.options.connect_only = true;
    scene.plan.add("20.1.1.1:8333");
    for (int i = 0; i < 600; ++i) {
        scene.pass(1s);
        if (!scene.plan.peers.empty()) scene.net.disconnect(scene.node, scene.plan.peers.back());
        scene.plan.peers.clear();
    }
    BOOST_TEST(scene.plan.calls.size() > 5U);
    BOOST_TEST(scene.plan.calls.size() < 20U);
}

BOOST_AUTO_TEST_CASE(bootstrap_peers__of_another_network_than_wanted__are_not_called) {
    Scene scene(0);
    scene.params.bootstrap_peers = {"20.1.1.1:8333"};
    scene.options.only_networks = {NetworkId::Ipv6};
    scene.plan.tick(scene.net.now);
    BOOST_TEST(scene.plan.calls.empty());
    scene.options.only_networks = {NetworkId::Ipv4};
    scene.plan.tick(scene.net.now);
    BOOST_TEST(scene.plan.calls.size() == 1U);
}

BOOST_AUTO_TEST_CASE(not_active__nobody_is_called) {
    Scene scene;
    scene.plan.set_active(false);
    scene.plan.dial("20.1.1.1:8333", ConnectionType::Manual);
    scene.pass(10s);
    BOOST_TEST(scene.plan.calls.empty());
    scene.plan.set_active(true);
    scene.pass(10s);
    BOOST_TEST(!scene.plan.calls.empty());
}

BOOST_AUTO_TEST_CASE(no_anchors__those_for_blocks_only_are_of_the_first_that_ever_answered) {
    constexpr uint8_t FIRST = 10;
    Scene scene;
    const int64_t now = seconds_of(scene.net.now);
    for (uint8_t i = 1; i <= 199; ++i)
        scene.node.book.succeeded(
            Scene::address(i), NODE_NETWORK | NODE_WITNESS, i <= FIRST ? now - 86400 : now);
    scene.pass(10s); // ten calls, none of them for an extra one
    BOOST_TEST(scene.peers(ConnectionType::BlockRelayOnly) == 2U);
    for (const auto& [id, peer] : scene.node.protocol.peers())
        if (peer.type == ConnectionType::BlockRelayOnly) BOOST_TEST(peer.address.bytes[1] <= FIRST);
}

BOOST_AUTO_TEST_CASE(slots_full__another_is_heard_now_and_then__and_goes_again) {
    Scene scene;
    scene.pass(20s);
    BOOST_TEST(scene.peers(ConnectionType::BlockRelayOnly) >= 2U);
    for (int minute = 0; minute < 18; ++minute) {
        scene.net.mine(scene.node, 1); // never stale
        scene.pass(60s);
        BOOST_TEST(scene.peers(ConnectionType::BlockRelayOnly) <= 3U);
    }
    BOOST_TEST(scene.count(ConnectionType::BlockRelayOnly) > 3U);
    BOOST_TEST(scene.count(ConnectionType::OutboundFullRelay) == 8U);
    BOOST_REQUIRE(!scene.plan.ended.empty());
    // Nobody gave a block, so those who were there first stay.
    for (size_t i = 0; i < 10; ++i)
        BOOST_TEST(scene.net.is_connected(scene.node, scene.plan.peers[i]));
}

BOOST_AUTO_TEST_CASE(no_block_for_long__one_more_peer_for_all_is_called) {
    Scene scene;
    scene.pass(20s);
    BOOST_TEST(scene.count(ConnectionType::OutboundFullRelay) == 8U);
    const auto spacing = std::chrono::seconds(scene.node.chain.params().spacing());
    scene.pass(CallPlan::STALE_SPACINGS * spacing + 30s);
    BOOST_TEST(scene.count(ConnectionType::OutboundFullRelay) == 9U);
    scene.pass(CallPlan::EXTRA_STAY + 10s);
    BOOST_TEST(scene.peers(ConnectionType::OutboundFullRelay) == 8U);
    scene.pass(CallPlan::STALE_PAUSE);
    BOOST_TEST(scene.count(ConnectionType::OutboundFullRelay) == 10U);
}

BOOST_AUTO_TEST_CASE(extra_peer__gave_the_newest_block__another_goes) {
    Scene scene;
    scene.pass(20s);
    const auto spacing = std::chrono::seconds(scene.node.chain.params().spacing());
    scene.pass(CallPlan::STALE_SPACINGS * spacing + 30s);
    BOOST_REQUIRE(scene.count(ConnectionType::OutboundFullRelay) == 9U);
    const PeerId extra = scene.plan.peers.back();
    give_block(scene, extra);
    scene.pass(CallPlan::EXTRA_STAY + 10s);
    BOOST_TEST(scene.peers(ConnectionType::OutboundFullRelay) == 8U);
    BOOST_TEST(scene.net.is_connected(scene.node, extra));
}

BOOST_AUTO_TEST_CASE(extra_peers__each_quicker_than_the_others__the_oldest_stays) {
    Scene scene;
    scene.pass(20s);
    std::vector<PeerId> for_blocks;
    const auto look = [&] {
        for_blocks.clear();
        for (const auto& [id, peer] : scene.node.protocol.peers())
            if (peer.type == ConnectionType::BlockRelayOnly) for_blocks.push_back(id);
    };
    look();
    BOOST_REQUIRE(for_blocks.size() >= 2U);
    const PeerId oldest = for_blocks.front();
    for (int extras = 0; extras < 5;) {
        scene.pass(5s);
        look();
        if (for_blocks.size() < 3) continue;
        ++extras;
        give_block(scene, for_blocks.back());
        scene.pass(CallPlan::EXTRA_STAY + 10s);
        BOOST_TEST(scene.is_connected(for_blocks.back()));
        BOOST_REQUIRE(scene.is_connected(oldest));
        scene.net.mine(scene.node, 1); // never stale
        const HeadersMessage tip{{scene.node.chain.tip().header}};
        scene.net.say(scene.node, oldest, "headers", consensus::encode(tip)); // nor it behind
    }
}

BOOST_AUTO_TEST_CASE(anchors__wall_clock_was_set__bear_its_date) {
    Scene scene;
    scene.node.protocol.set_wall_ahead(8h);
    scene.pass(30s);
    BOOST_REQUIRE(!scene.plan.anchors().empty());
    BOOST_TEST(scene.plan.anchors()[0].time == seconds_of(scene.net.now + 8h));
}

BOOST_AUTO_TEST_CASE(block__that_leads_nowhere__counts_as_none) {
    Scene scene;
    const PeerId peer = scene.net.connect_stub(scene.node);
    FakeChain other;
    other.mine(1, 9);
    scene.net.mine(scene.node, 3);
    const auto last_at = [&] { return scene.node.protocol.peers().at(peer).blocks.last_at; };
    for (int again = 0; again < 2; ++again)
        scene.net.say(scene.node, peer, "block", consensus::encode(other.block(other.tip().hash)));
    BOOST_TEST(last_at() == 0);
    give_block(scene, peer);
    BOOST_TEST(last_at() == seconds_of(scene.net.now));
}

BOOST_AUTO_TEST_SUITE_END()
