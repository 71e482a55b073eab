// SPDX-License-Identifier: MIT
#include "scenarios.h"

#include "liars.h"
#include "node/peer_limits.h"

#include <fmt/format.h>
#include <malloc.h>

namespace cairn::sim {

namespace {

double seconds(Duration time) {
    return std::chrono::duration<double>(time).count();
}

/// `share` of all have each transaction that was paid.
void expect_paid(World& world, double share) {
    const size_t nodes = world.totals().nodes;
    for (const TransactionRef& tx : world.payments)
        world.expect(
            world.report.time_to(tx->txid, share, nodes).has_value(),
            fmt::format("{} is not known to {:.0f} % of all", tx->txid.to_string(), 100 * share));
}

/// All have one tip within `bound`, that of the heaviest chain there is; of two that are as heavy,
/// once there is one more block.
void expect_one_tip(World& world, Duration bound) {
    world.mine(*world.nodes.front(), 0);
    const auto taken = world.wait_for_one_tip(bound);
    if (taken)
        world.notes.push_back(fmt::format("one tip after {:.0f} s", seconds(*taken)));
    else
        world.expect(false, fmt::format("not on one tip after {:.0f} s", seconds(bound)));
    const consensus::Uint256 best = world.best_work();
    for (const auto& node : world.nodes)
        if (world.counts(*node))
            world.expect(node->chain.tip().work == best, "a heavier chain was made");
}

/// Let `node` know all others. If the place of one in its book is taken, another tells of him, too.
void introduce_to_all(World& world, SimNode& node) {
    for (const auto& other : world.nodes) {
        const size_t known = node.book.size();
        for (std::string teller = "seed"; other.get() != &node && node.book.size() == known;
             teller += "'")
            world.introduce(node, other->address, teller);
    }
}

void mesh(World& world, const Wishes& wishes) {
    world.add_many(wishes.nodes, 0.3);
    world.introduce(60);
    world.start_all();
    world.run(40s);
    const Duration spacing = 4s;
    world.mine_every(spacing, wishes.blocks);
    world.pay_every(8 * spacing, wishes.blocks / 8);
    world.run(spacing * static_cast<int64_t>(wishes.blocks));
    world.run_until_paid(); // and what is late by chance
    world.run(60s);
    expect_one_tip(world, 60s);
    expect_paid(world, 0.99);
    world.expect_limits();
}

void relay(World& world, const Wishes& wishes) {
    constexpr size_t TRANSACTIONS = 2000;
    world.net.weather = {.fixed = 100ms, .across = 0s, .loss = 0};
    world.add_many(wishes.nodes);
    world.introduce(60);
    world.start_all();
    world.run(60s);
    for (int i = 0; i < 12; ++i) { // so that nodes know who is quick
        world.mine(*world.nodes[world.random.below(wishes.nodes)], 0);
        world.run(10s);
    }
    std::vector<TransactionRef> waiting;
    for (size_t i = 0; i < TRANSACTIONS; ++i) waiting.push_back(world.ledger.pay());
    for (const auto& node : world.nodes)
        for (const TransactionRef& tx : waiting) (void)node->chain.accept_transaction(tx);
    const Mined& mined = world.mine(*world.nodes[world.random.below(wishes.nodes)]);
    world.run(20s);
    const auto taken = world.report.time_to(mined.number, 0.95, wishes.nodes);
    world.notes.push_back(
        fmt::format("95 % have the block after {:.3f} s", taken ? seconds(*taken) : -1));
    world.expect(mined.block->transactions.size() == TRANSACTIONS + 1, "the block isn't full");
    world.expect(
        taken && *taken < 1s,
        fmt::format("95 % have the block after {:.3f} s", taken ? seconds(*taken) : -1));
}

/// One that is new, one that is honest, and all kinds of liars.
void sync(World& world, const Wishes& wishes) {
    constexpr size_t BLOCKS = 20'000; // in ten messages of headers, each heard twice
    constexpr Lie LIES[] = {Lie::Withhold, Lie::Stall, Lie::Trickle,     Lie::Spoil,
                            Lie::Silent,   Lie::Forge, Lie::Unrequested, Lie::Deaf};
    world.add_many(wishes.nodes);
    std::vector<SimNode*> owners;
    for (size_t i = 1; i < world.nodes.size(); ++i) {
        SimNode& node = *world.nodes[i];
        const Lie lie = LIES[(i - 2) % std::size(LIES)];
        if (i > 1) make_liar(world, node, lie);
        if (i > 1 && lie == Lie::Forge)
            forge_chain(world, node, BLOCKS + 500, 1000);
        else
            owners.push_back(&node);
    }
    world.mine_history(owners, BLOCKS, 1000);
    SimNode& fresh = *world.nodes.front();
    introduce_to_all(world, fresh);
    world.start_all();
    const chain::BlockNode& goal = world.nodes[1]->chain.tip();
    const Time begin = world.timeline.now();
    constexpr Duration BOUND = 10min;
    while (fresh.chain.tip().hash != goal.hash && world.timeline.now() - begin < BOUND)
        world.run(1s);
    const double taken = seconds(world.timeline.now() - begin);
    world.notes.push_back(fmt::format(
        "height {} of {} after {:.0f} s", fresh.chain.tip().height.value, BLOCKS, taken));
    world.expect(fresh.chain.tip().hash == goal.hash, "not synced");
    world.expect_limits();
    world.run(10min);
    world.expect(fresh.chain.tip().hash == goal.hash, "it left the best chain");
    world.expect(
        !fresh.protocol().peers().empty() && fresh.outbound() > 0, "it lost all its peers");
}

/// One that is new, and peers each of which is twice as fast as the one before: what their ways
/// carry together is used, and nobody is given up for being slow.
void swarm(World& world, const Wishes& wishes) {
    constexpr size_t BLOCKS = 600;
    constexpr size_t BYTES = 100'000;
    world.add_many(wishes.nodes);
    SimNode& fresh = *world.nodes.front();
    std::vector<SimNode*> owners;
    double rate = 0;
    for (size_t i = 1; i < world.nodes.size(); ++i) {
        owners.push_back(world.nodes[i].get());
        rate += owners.back()->host.up = 25'000 << i;
    }
    world.mine_history(owners, BLOCKS, BYTES);
    introduce_to_all(world, fresh);
    world.start_all();
    const auto goal = world.nodes.back()->chain.tip().height;
    constexpr Duration STEP = 100ms;
    while (fresh.chain.tip().height.value == 0 && world.timeline.now() < world.start() + 1min)
        world.run(STEP);
    const Time begin = world.timeline.now();
    while (fresh.chain.tip().height < goal && world.timeline.now() - begin < 10min) world.run(STEP);
    const double share = BLOCKS * BYTES / rate / seconds(world.timeline.now() - begin);
    world.notes.push_back(fmt::format("{:.2f} of what the ways carry", share));
    world.expect(fresh.chain.tip().height == goal, "not synced");
    world.expect(share > 0.85, "the ways are not used");
    world.expect(fresh.drops.empty(), "a peer was given up");
    world.expect_limits();
}

/// Half of all can't reach the other half for an hour, in which both mine: one side fewer blocks of
/// full work, the other more of little, stamped so that they may be.
void partition(World& world, const Wishes& wishes) {
    world.add_many(wishes.nodes, 0.2);
    world.introduce(40);
    world.start_all();
    world.run(2min);
    world.mine_every(60s, wishes.blocks);
    world.run(5min);
    std::array<std::vector<SimNode*>, 2> sides;
    for (size_t i = 0; i < world.nodes.size(); ++i) {
        SimNode& node = *world.nodes[i];
        sides[i % 2].push_back(&node);
        node.host.side = static_cast<int>(i % 2);
    }
    const auto miner = [&](size_t side) -> SimNode& {
        return *sides[side][world.random.below(sides[side].size())];
    };
    for (int minute = 0; minute < 60; ++minute) {
        world.run(45s);
        world.mine(miner(0));
        const int count = minute % 4 == 0 ? 2 : 1;
        for (int i = 0; i < count; ++i) {
            SimNode& light = miner(1);
            const Time parent(std::chrono::seconds(light.chain.tip().header.time));
            world.mine(light, World::MANY, parent + 121s - world.timeline.now());
            world.run(15s / count);
        }
    }
    const chain::BlockNode& heavy = sides[0].front()->chain.tip();
    const chain::BlockNode& light = sides[1].front()->chain.tip();
    world.expect(
        light.height > heavy.height && light.work < heavy.work, "the longer one is the heavier");
    for (const auto& node : world.nodes) node->host.side = 0;
    world.run(30min);
    const SimNode& other = *sides[1].back();
    const chain::BlockNode* won = other.chain.find_block(heavy.hash);
    world.expect(won && other.chain.view().contains(*won), "the heavy side has lost");
    expect_one_tip(world, 10min);
    world.expect_limits();
}

/// Nodes come and go, links break, some lie, all the while blocks are mined.
void converge(World& world, const Wishes& wishes) {
    world.add_many(wishes.nodes, 0.4);
    for (size_t i = 0; i < wishes.nodes / 5; ++i) {
        constexpr Lie LIES[] = {
            Lie::Withhold, Lie::Stall, Lie::Spoil, Lie::Silent, Lie::Unrequested};
        make_liar(world, *world.nodes[wishes.nodes - 1 - 4 * i], LIES[i % std::size(LIES)]);
    }
    world.introduce(40);
    world.start_all();
    world.run(60s);
    const Duration length = 20s * static_cast<int64_t>(wishes.blocks);
    const Time end = world.timeline.now() + length;
    world.churn(20s, 2min, end, 10);
    world.break_links(2s, end);
    world.mine_every(20s, wishes.blocks);
    world.pay_every(10s, wishes.blocks);
    world.run(length + 8min); // until the last is back
    expect_one_tip(world, 3min);
    world.expect_limits();
}

/// Payments among many who can't be called, lost links, and nodes that announce and don't give.
void payments(World& world, const Wishes& wishes) {
    world.add_many(wishes.nodes, 0.5);
    for (size_t i = 0; i < wishes.nodes / 10; ++i)
        make_liar(world, *world.nodes[i * 10], Lie::Withhold);
    world.introduce(60);
    world.start_all();
    world.run(60s);
    world.break_links(2s, world.timeline.now() + 100s);
    world.pay_every(1s, 100);
    world.run(5min);
    expect_paid(world, 0.99);
    const TransactionRef& last = world.payments.back();
    const auto taken = world.report.time_to(last->txid, 0.99, world.totals().nodes);
    world.notes.push_back(
        fmt::format("the last one reached 99 % after {:.0f} s", taken ? seconds(*taken) : -1));
    world.expect_limits();
}

/// The growth of memory under `run`, in bytes.
template <class F>
size_t growth(F run) {
    const auto used = [] {
        const struct mallinfo2 info = mallinfo2();
        return info.uordblks + info.hblkhd;
    };
    const size_t before = used();
    run();
    return std::max(used(), before) - before;
}

/// One node among flooders, who fill whatever can be filled: blocks in part and at the chain,
/// headers that wait, orphans, queues both ways.
void flood(World& world, const Wishes& wishes) {
    world.add_many(3);
    std::vector<SimNode*> owners;
    for (const auto& node : world.nodes) owners.push_back(node.get());
    world.mine_history(owners, 1000);
    world.introduce(10);
    world.start_all();
    world.run(30s);
    std::vector<std::unique_ptr<Flooder>> flooders;
    SimNode& victim = *world.nodes.front();
    const Bait bait(world, victim.chain.tip());
    size_t steady = 0;
    bool has_part = false;
    bool has_headers = false;
    const size_t grown = growth([&] {
        for (size_t i = 0; i + 3 < wishes.nodes; ++i) {
            constexpr Flooder::Manner MANNERS[] = {
                Flooder::Manner::Careful, Flooder::Manner::Deaf, Flooder::Manner::Reckless};
            const Flooder::Manner manner = MANNERS[i % std::size(MANNERS)];
            steady += manner == Flooder::Manner::Reckless ? 0 : 1;
            flooders.push_back(std::make_unique<Flooder>(
                world, world.new_address(), victim.address, manner, bait));
        }
        for (int i = 0; i < 60; ++i) {
            world.run(1s);
            world.expect_limits();
            for (const auto& [id, peer] : victim.protocol().peers()) {
                has_part |= peer.compact.partial.has_value();
                has_headers |= peer.headers.presync && !peer.headers.presync->counted();
            }
        }
    });
    world.expect(has_part, "no part of a block waited for the rest");
    world.expect(has_headers, "no headers waited");
    const size_t peers = victim.protocol().peers().size();
    world.notes.push_back(
        fmt::format("{:.1f} MB more with {} peers", static_cast<double>(grown) / 1e6, peers));
    constexpr size_t MOST_EACH = 8'000'000; // of MAX_PEER_BYTES: nobody fills all at once
    static_assert(MOST_EACH < node::MAX_PEER_BYTES);
    world.expect(grown < flooders.size() * MOST_EACH, "memory grew past its limit");
    for (const auto& [reason, count] : victim.drops)
        world.notes.push_back(fmt::format("{} dropped: {}", count, reason));
    const auto stayed = std::ranges::count_if(victim.protocol().peers(), [&](const auto& entry) {
        return entry.second.user_agent == Stranger::USER_AGENT &&
               world.timeline.now() - entry.second.connected_at > 50s;
    });
    world.expect(
        static_cast<size_t>(stayed) >= steady,
        "those who break no rule were dropped, and flooded nothing");
    world.mine(*world.nodes.back());
    world.run(10s);
    expect_one_tip(world, 20s);
}

/// `count` addresses in 500 groups.
std::vector<NetAddress> poison_of(const World& world, size_t count) {
    constexpr size_t GROUPS = 500;
    std::vector<NetAddress> poison;
    for (size_t i = 0; i < count; ++i) {
        const size_t group = i % GROUPS;
        poison.push_back(NetAddress::ipv4(
            {static_cast<uint8_t>(130 + group / 25), static_cast<uint8_t>(group % 25),
             static_cast<uint8_t>(1 + i / GROUPS), 1},
            world.ledger.params().p2p_port));
    }
    return poison;
}

/// `node` has called `other` in its life.
void let_know(World& world, SimNode& node, const NetAddress& other) {
    world.introduce(node, other);
    constexpr int64_t DAY = int64_t{24} * 3600;
    const uint64_t services = node::NODE_NETWORK | node::NODE_WITNESS;
    node.book.succeeded(other, services, world.timeline.seconds() - DAY);
}

/// After an hour of poison, and a crash of `victim`: does it find anybody honest?
void besiege(World& world, SimNode& victim, Eclipser& attacker, bool with_anchors) {
    world.start_all();
    world.run(2min);
    attacker.begin();
    world.mine_every(2min, 30);
    world.run(1h);
    size_t his = 0; // of those it chose to call
    for (const auto& [id, peer] : victim.protocol().peers())
        his += !peer.inbound() && peer.user_agent == Stranger::USER_AGENT ? 1 : 0;
    world.notes.push_back(fmt::format("{} of its calls were to him before the crash", his));
    attacker.strike();
    victim.stop(true);
    if (!with_anchors) victim.lose_anchors();
    world.run(30s);
    victim.start();
    world.run(5min);
    size_t honest = 0;
    size_t all = 0;
    for (const auto& [id, peer] : victim.protocol().peers()) {
        if (peer.inbound() || !peer.established) continue;
        ++all;
        const NetAddress& place = peer.address;
        honest += std::ranges::any_of(
            world.nodes, [&](const auto& node) { return node->address == place; });
    }
    world.notes.push_back(fmt::format(
        "{} of {} outbound connections are to honest nodes; {} addresses known", honest, all,
        victim.book.size()));
    world.expect(honest > 0, "eclipsed");
    const Mined& mined = world.mine(*world.nodes[1], 0);
    world.run(2min);
    const chain::BlockNode* heard = victim.chain.find_block(mined.block->header.hash());
    const bool follows =
        heard != nullptr && victim.chain.view().contains(*heard); // to it or beyond
    world.expect(follows, "it doesn't hear of a new block");
}

constexpr size_t POISON = 10'000;

/// It has met all honest ones in its life, and keeps its anchors.
void eclipse(World& world, const Wishes& wishes) {
    world.add_many(wishes.nodes);
    world.introduce(wishes.nodes);
    SimNode& victim = *world.nodes.front();
    for (const auto& node : world.nodes) let_know(world, victim, node->address);
    Eclipser attacker(world, poison_of(world, POISON), victim.address);
    besiege(world, victim, attacker, true);
}

/// It has met ten honest ones, has been told of all the poison, and loses its anchors.
void amnesia(World& world, const Wishes& wishes) {
    constexpr size_t KNOWN = 10;
    world.add_many(wishes.nodes - 1);
    world.introduce(wishes.nodes);
    SimNode& victim = world.add();
    for (const auto& node : world.nodes)
        if (node.get() != &victim) world.introduce(*node, victim.address);
    for (size_t i = 0; i < KNOWN; ++i) let_know(world, victim, world.nodes[i]->address);
    const std::vector<NetAddress> poison = poison_of(world, POISON);
    for (const NetAddress& address : poison)
        world.introduce(victim, address, poison[world.random.below(POISON)].group());
    Eclipser attacker(world, poison, victim.address);
    besiege(world, victim, attacker, false);
}

constexpr Scenario SCENARIOS[] = {
    {"mesh",
     "a network that mines and pays: one tip, and payments known to 99 % of all",
     {200, 20},
     {},
     mesh},
    {"relay",
     "a block of 2,000 known transactions is with 95 % of 1,000 nodes in under 1 s",
     {1000, 0},
     {},
     relay},
    {"sync",
     "a new node with one honest peer among eight that lie gets all blocks",
     {10, 0},
     {.spacing = 10min, .age = 24h * 160, .least_blocks = 15'000},
     sync},
    {"swarm",
     "a new node gets from slow and fast peers at once what all their ways carry",
     {7, 0},
     {.spacing = 10min, .age = 24h * 5},
     swarm},
    {"partition",
     "two halves that were parted for an hour agree on the heaviest chain",
     {40, 5},
     {},
     partition},
    {"converge",
     "with churn, lost links, NATs and liars, all honest nodes end on the best tip",
     {60, 30},
     {},
     converge},
    {"payments",
     "with NATs, lost links and nodes that withhold, 99 % of all get each payment",
     {150, 0},
     {},
     payments},
    {"flood",
     "nothing that peers send makes memory grow past its limit",
     {11, 0},
     {.age = 24h},
     flood},
    {"eclipse",
     "10,000 poisoned addresses leave an honest outbound connection after a crash",
     {50, 0},
     {},
     eclipse,
     1},
    {"amnesia",
     "likewise, with ten honest addresses known among the poison, and anchors lost",
     {50, 0},
     {},
     amnesia,
     1},
};

} // namespace

std::span<const Scenario> scenarios() {
    return SCENARIOS;
}

} // namespace cairn::sim
