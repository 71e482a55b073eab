// SPDX-License-Identifier: MIT
// The order of a cluster, held against all orders that there are.
#include "chain/linearize.h"
#include "tests/chain/fixture.h"

#include <numeric>
#include <random>

using namespace cairn::tests;

namespace {

using Nodes = std::vector<ClusterNode>;

std::vector<FeeSize> costs_of(const std::vector<Chunk>& chunks) {
    std::vector<FeeSize> costs;
    costs.reserve(chunks.size());
    for (const Chunk& chunk : chunks) costs.push_back(chunk.cost);
    return costs;
}

std::partial_ordering compare(const Nodes& nodes, const Linearization& a, const Linearization& b) {
    return compare_diagrams(
        costs_of(chunks_of(nodes, a.order)), costs_of(chunks_of(nodes, b.order)));
}

bool is_topological(const Nodes& nodes, const std::vector<uint8_t>& order) {
    TxSet placed = 0;
    for (const uint8_t node : order) {
        if ((nodes[node].parents & ~placed) != 0) return false;
        placed |= TxSet{1} << node;
    }
    return order.size() == nodes.size() &&
           static_cast<size_t>(std::popcount(placed)) == nodes.size();
}

/// The best by trying all: again and again the set of the best feerate among those that hold all
/// they depend on.
Linearization exhaustive(const Nodes& nodes) {
    Linearization best;
    const TxSet all = (TxSet{1} << nodes.size()) - 1;
    for (TxSet placed = 0; placed != all;) {
        TxSet chosen = 0;
        FeeSize chosen_cost;
        for (TxSet set = 1; set <= all; ++set) {
            if ((set & placed) != 0) continue;
            FeeSize cost;
            bool whole = true;
            for (size_t i = 0; i < nodes.size(); ++i) {
                if ((set >> i & 1) == 0) continue;
                cost += nodes[i].cost;
                whole = whole && (nodes[i].parents & ~(set | placed)) == 0;
            }
            if (!whole || (chosen != 0 && compare_feerates(cost, chosen_cost) <= 0)) continue;
            chosen = set;
            chosen_cost = cost;
        }
        for (TxSet before = placed; placed != (before | chosen);)
            for (size_t i = 0; i < nodes.size(); ++i)
                if ((chosen & ~placed) >> i & 1 && (nodes[i].parents & ~placed) == 0) {
                    best.order.push_back(static_cast<uint8_t>(i));
                    placed |= TxSet{1} << i;
                }
    }
    return best;
}

/// Again and again the one that pays best together with all it still depends on: what miners did
/// before there were clusters.
Linearization by_ancestor_feerate(const Nodes& nodes) {
    std::vector<TxSet> ancestors(nodes.size());
    for (size_t i = 0; i < nodes.size(); ++i) {
        ancestors[i] = TxSet{1} << i;
        for (size_t parent = 0; parent < i; ++parent)
            if ((nodes[i].parents >> parent & 1) != 0) ancestors[i] |= ancestors[parent];
    }
    Linearization made;
    TxSet placed = 0;
    while (made.order.size() < nodes.size()) {
        TxSet chosen = 0;
        FeeSize chosen_cost;
        for (size_t i = 0; i < nodes.size(); ++i) {
            const TxSet set = ancestors[i] & ~placed;
            FeeSize cost;
            for (size_t j = 0; j < nodes.size(); ++j)
                if ((set >> j & 1) != 0) cost += nodes[j].cost;
            if ((placed >> i & 1) != 0) continue;
            if (chosen != 0 && compare_feerates(cost, chosen_cost) <= 0) continue;
            chosen = set;
            chosen_cost = cost;
        }
        for (size_t i = 0; i < nodes.size(); ++i)
            if ((chosen >> i & 1) != 0) made.order.push_back(static_cast<uint8_t>(i));
        placed |= chosen;
    }
    return made;
}

/// As they are.
Linearization in_given_order(const Nodes& nodes) {
    Linearization given;
    given.order.resize(nodes.size());
    std::iota(given.order.begin(), given.order.end(), uint8_t{0});
    return given;
}

/// Nodes after those they depend on, of all shapes from a tree to a thicket.
Nodes random_cluster(std::mt19937_64& random, size_t size) {
    Nodes nodes(size);
    const size_t most_parents = 1 + random() % 4;
    const int64_t fees = random() % 2 == 0 ? 5 : 100'000;
    const int64_t sizes = random() % 2 == 0 ? 2 : 10'000;
    for (size_t i = 0; i < size; ++i) {
        nodes[i].cost = {
            static_cast<int64_t>(random() % static_cast<uint64_t>(fees)) - fees / 10,
            1 + static_cast<int64_t>(random() % static_cast<uint64_t>(sizes))};
        for (size_t k = random() % (most_parents + 1); i > 0 && k > 0; --k)
            nodes[i].parents |= TxSet{1} << random() % i;
    }
    return nodes;
}

} // namespace

BOOST_AUTO_TEST_SUITE(linearize)

BOOST_AUTO_TEST_CASE(small_clusters__any_shape__are_ordered_as_well_as_can_be) {
    const uint64_t seed = setting("CAIRN_LINEARIZE_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 1'000; ++round) {
        const Nodes nodes = random_cluster(random, 1 + random() % 9);
        const Linearization made = cairn::chain::linearize(nodes);
        BOOST_REQUIRE(made.optimal);
        BOOST_REQUIRE(is_topological(nodes, made.order));
        BOOST_REQUIRE((compare(nodes, made, exhaustive(nodes)) == 0));
    }
}

BOOST_AUTO_TEST_CASE(large_clusters__never_worse__than_by_ancestors_or_before) {
    const uint64_t seed = setting("CAIRN_LINEARIZE_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 300; ++round) {
        const Nodes nodes = random_cluster(random, 1 + random() % MAX_LINEARIZED);
        const Linearization made = cairn::chain::linearize(nodes);
        BOOST_TEST(made.optimal);
        BOOST_REQUIRE(is_topological(nodes, made.order));
        BOOST_REQUIRE((compare(nodes, made, by_ancestor_feerate(nodes)) >= 0));
        BOOST_REQUIRE((compare(nodes, made, in_given_order(nodes)) >= 0));
    }
}

BOOST_AUTO_TEST_CASE(stopped_early__never_worse_than_before) {
    const uint64_t seed = setting("CAIRN_LINEARIZE_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    int stopped = 0;
    for (int round = 0; round < 200; ++round) {
        const Nodes nodes = random_cluster(random, 2 + random() % (MAX_LINEARIZED - 1));
        for (const int splits : {0, 1, 2, 5}) {
            const Linearization made = cairn::chain::linearize(nodes, splits);
            BOOST_REQUIRE(is_topological(nodes, made.order));
            BOOST_REQUIRE((compare(nodes, made, in_given_order(nodes)) >= 0));
            if (!made.optimal) ++stopped;
        }
    }
    BOOST_TEST(stopped > 200); // not only those that had no time at all
}

/// 64 that depend on each other as much, or as evenly, as they can.
BOOST_AUTO_TEST_CASE(hard_shapes__of_the_largest_size__are_ordered_in_few_steps) {
    struct Shape {
        std::string_view name;
        size_t row;
        bool all;      ///< Each depends on all of the row before, or on two.
        int max_steps; ///< Twice what the worst of 3,000 needs, of the 1,000 that there are.
    };

    constexpr Shape SHAPES[] = {{"chain", 1, true, 2},           {"layers of 4", 4, true, 60},
                                {"layers of 16", 16, true, 350}, {"halves", 32, true, 750},
                                {"trellis of 4", 4, false, 40},  {"trellis of 16", 16, false, 40},
                                {"pairs", 32, false, 25}};
    std::mt19937_64 random(7);
    for (const auto& [name, row, all, max_steps] : SHAPES) {
        for (int round = 0; round < 100; ++round) {
            Nodes nodes(MAX_LINEARIZED);
            for (size_t i = 0; i < nodes.size(); ++i) {
                nodes[i].cost = {
                    static_cast<int64_t>(random() % 100'000), 400 + int64_t(random() % 8'000)};
                if (i < row) continue;
                const size_t before = i / row * row - row; // the first of that row
                for (size_t k = 0; k < row; ++k)
                    if (all || k == i % row || k == (i + 1) % row)
                        nodes[i].parents |= TxSet{1} << (before + k);
            }
            const Linearization made = cairn::chain::linearize(nodes, max_steps);
            BOOST_REQUIRE_MESSAGE(made.optimal, name);
            BOOST_REQUIRE(is_topological(nodes, made.order));
        }
    }
}

BOOST_AUTO_TEST_CASE(nodes_in_any_order__parents_last__same_result) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 3'000; ++round) {
        Nodes nodes = random_cluster(random, 1 + random() % 20);
        std::vector<uint8_t> places(nodes.size());
        std::iota(places.begin(), places.end(), uint8_t{0});
        std::ranges::shuffle(places, random);
        Nodes shuffled(nodes.size());
        for (size_t i = 0; i < nodes.size(); ++i) {
            nodes[i].sequence = i;
            shuffled[places[i]] = {nodes[i].cost, 0, i};
            for (size_t j = 0; j < i; ++j)
                if ((nodes[i].parents >> j & 1) != 0)
                    shuffled[places[i]].parents |= TxSet{1} << places[j];
        }
        const Linearization a = cairn::chain::linearize(nodes);
        const Linearization b = cairn::chain::linearize(shuffled);
        BOOST_REQUIRE(is_topological(shuffled, b.order));
        BOOST_REQUIRE((compare_diagrams(costs_of(a.chunks), costs_of(b.chunks)) == 0));
        for (size_t i = 0; i < nodes.size(); ++i) BOOST_REQUIRE(places[a.order[i]] == b.order[i]);
    }
}

BOOST_AUTO_TEST_CASE(chunks__child_pays_for_its_parent__they_go_together) {
    const Nodes nodes{{{1, 10}, 0}, {{30, 10}, 0b1}, {{9, 10}, 0b1}, {{9, 10}, 0b100}};
    const Linearization made = cairn::chain::linearize(nodes);
    BOOST_TEST(made.order == (std::vector<uint8_t>{0, 1, 2, 3}), boost::test_tools::per_element());
    BOOST_REQUIRE(made.chunks.size() == 3u); // equals stay apart
    BOOST_TEST((made.chunks[0].cost == FeeSize{31, 20}));
    BOOST_TEST(made.chunks[0].count == 2u);
}

BOOST_AUTO_TEST_CASE(compare_diagrams__by_fees_at_every_size) {
    const std::vector<FeeSize> base{{10, 10}, {5, 10}};
    using Order = std::partial_ordering;
    BOOST_TEST((compare_diagrams(base, base) == Order::equivalent));
    BOOST_TEST((compare_diagrams({{15, 20}}, base) == Order::less));
    BOOST_TEST((compare_diagrams({{11, 10}, {4, 10}}, base) == Order::greater));
    BOOST_TEST((compare_diagrams({{16, 20}}, base) == Order::unordered)); // more in the end only
    BOOST_TEST((compare_diagrams({{15, 15}}, base) == Order::greater));   // the same for less
    BOOST_TEST((compare_diagrams({}, {}) == Order::equivalent));
    BOOST_TEST((compare_diagrams({{-1, 5}}, {}) == Order::less));
    // At 15 it has lost more, in the end less.
    BOOST_TEST((compare_diagrams({{10, 10}, {-2, 5}}, {{10, 10}, {-3, 15}}) == Order::unordered));
}

BOOST_AUTO_TEST_SUITE_END()
