// SPDX-License-Identifier: MIT
// A process that is killed at any moment leaves a state that the next one goes on from. The
// environment may ask for more than the usual rounds (CAIRN_CRASH_ROUNDS) and for those of a seed
// that was printed (CAIRN_CRASH_SEED); victims are given one each.
#include "tests/chain/fixture.h"
#include "tests/chain/setting.h"
#include "tests/chain/victim.h"

#include <random>

using namespace cairn::tests;

namespace {

constexpr const char* SEED = "CAIRN_CRASH_SEED";
constexpr int64_t TIME_STEP = 1'000'000; ///< Seconds; each victim's clock is ahead by up to this.

constexpr int LENGTH = 400; ///< Of the branch that victims catch up with.

/// As a sync does: the headers of a long branch first, then its blocks. The same branch each time,
/// so that the next victim goes on where this one was killed.
void catch_up(TestChain& test) {
    std::vector<std::unique_ptr<cairn::consensus::HeaderNode>> nodes;
    std::vector<BlockRef> blocks;
    std::vector<BlockHeader> headers;
    const cairn::consensus::HeaderNode* at = test.chain().view().at(0);
    for (int i = 0; i < LENGTH; ++i) {
        blocks.push_back(std::make_shared<const Block>(make_block(*at, test.params())));
        headers.push_back(blocks.back()->header);
        nodes.push_back(std::make_unique<cairn::consensus::HeaderNode>(
            headers.back(), headers.back().hash(), at));
        at = nodes.back().get();
    }
    test.submit_headers(headers);
    for (const BlockRef& block : blocks) {
        test.chain().accept_block(block, true, [](const BlockOutcome&) { Victim::step(); });
        Victim::step();
    }
    test.wait();
}

/// Catch up, then mine, pay, and reorganise for ever in `directory`.
[[noreturn]] void work(const std::filesystem::path& directory) {
    TestChain test;
    test.options().directory = directory;
    keep_all_indexes(test.options());
    test.options().cache_bytes = 80'000; // some 250 blocks' coins in half of it: flushes in between
    test.open();
    catch_up(test);
    std::mt19937_64 random(setting(SEED, 0));
    // Later than all before, and at random: so that no block is mined twice.
    test.now =
        std::max<int64_t>(test.now, test.tip().header.time) + 1 + int64_t(random() % TIME_STEP);
    for (;;) {
        Victim::step();
        ++test.now;
        test.mine(1 + int(random() % 3));
        ++test.now;
        const Height below = test.tip().height - Height(int32_t(random() % 4));
        const BlockNode& old = *test.chain().view().at(below - Height(MATURITY - 1));
        const OutPoint coin{test.chain().read_block(old)->transactions[0].txid, 0};
        test.pay(spend({coin}, {{1'000'000, anyone_script()}}));
        const BlockNode& node = *test.chain().view().at(below);
        Victim::step();
        test.invalidate(node);
        Victim::step();
        test.mine(1);
        test.reconsider(node);
    }
}

/// The chain starts, and its coins and indexes are those of its blocks alone. Returns its height.
Height check_state(const std::filesystem::path& directory) {
    TestChain test;
    keep_all_indexes(test.options());
    test.options().directory = directory;
    test.open();
    test.close(); // flushes what was connected of the bodies that waited on the disk
    test.open();
    test.wait_for_indexes();
    // Everything on the way down is there, and fits together.
    for (const BlockNode* node = &test.tip(); node; node = node->parent_node()) {
        const BlockRef block = test.chain().read_block(*node);
        BOOST_REQUIRE(block);
        BOOST_REQUIRE(test.chain().indexes().filter(*node));
        if (node->parent) BOOST_REQUIRE(test.chain().read_undo(*node, *block));
    }
    const Height height = test.tip().height;
    const BlockHash tip = test.tip().hash;
    // Blocks that were invalidated just before the kill are in the indexes until others come.
    const BlockNode& end = *test.chain().indexes().status().front().best;
    BOOST_REQUIRE(end.descends_from(test.tip()));
    std::vector<BlockRef> way;
    for (int32_t at = 1; at <= end.height.value; ++at)
        way.push_back(test.chain().read_block(*end.ancestor_node(at)));
    test.close();

    TestChain replay;
    replay.now += 1000 * TIME_STEP;
    keep_all_indexes(replay.options());
    replay.open();
    for (const BlockRef& block : way) replay.submit(block);
    replay.wait_for_indexes();
    if (way.size() > size_t(height.value))
        replay.invalidate(*replay.tip().ancestor_node(height + Height(1)));
    BOOST_TEST((replay.tip().hash == tip));
    replay.close();
    BOOST_TEST(
        (index_rows(directory, test.params(), way) ==
         index_rows(replay.directory(), replay.params(), way)));
    BOOST_TEST(
        (coins_hash(directory, test.params()) == coins_hash(replay.directory(), replay.params())));
    return height;
}

} // namespace

BOOST_AUTO_TEST_SUITE(crash)

BOOST_AUTO_TEST_CASE(victim, *boost::unit_test::disabled()) {
    Victim::run(work);
}

BOOST_AUTO_TEST_CASE(killed__at_any_moment__starts_again_on_a_consistent_tip) {
    const uint64_t seed = setting(SEED, std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    uint64_t rounds = 0;
    while (rounds < setting("CAIRN_CRASH_ROUNDS", 10)) {
        const TemporaryFolder folder;
        Height highest;
        // Until the victims did work: they caught up, and went on.
        for (int round = 0; round < 10 || highest <= Height(LENGTH); ++round, ++rounds) {
            const uint64_t steps = 1 + random() % (300 + 100 * uint64_t(round));
            Victim victim("crash/victim", folder.path(), random());
            BOOST_REQUIRE(victim.wait_for(steps));
            BOOST_REQUIRE(victim.kill());
            highest = std::max(highest, check_state(folder.path()));
        }
    }
    BOOST_TEST_MESSAGE(rounds << " rounds");
}

BOOST_AUTO_TEST_SUITE_END()
