// SPDX-License-Identifier: MIT
// A process that is killed at any moment leaves a state that the next one goes on from. The victim
// is this program again, started for one test case that nothing else runs.
#include "tests/chain/fixture.h"

#include <chrono>
#include <csignal>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace cairn::tests;

namespace {

constexpr const char* DIRECTORY = "CAIRN_CRASH_TEST_DIRECTORY";
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
    for (const BlockRef& block : blocks) test.submit(block);
}

/// Catch up, then mine, pay, and reorganise for ever in `directory`.
[[noreturn]] void work(const std::filesystem::path& directory) {
    TestChain test;
    test.options().directory = directory;
    test.options().cache_bytes = 150'000; // holds some 200 blocks' coins: flushes in between
    test.open();
    catch_up(test);
    std::mt19937_64 random(std::random_device{}());
    // Later than all before, and at random: so that no block is mined twice.
    test.now =
        std::max<int64_t>(test.now, test.tip().header.time) + 1 + int64_t(random() % TIME_STEP);
    for (;;) {
        ++test.now;
        test.mine(1 + int(random() % 3));
        ++test.now;
        const Height below = test.tip().height - Height(int32_t(random() % 4));
        const BlockNode& old = *test.chain().view().at(below - Height(MATURITY - 1));
        const OutPoint coin{test.chain().read_block(old)->transactions[0].txid, 0};
        test.pay(spend({coin}, {{1'000'000, anyone_script()}}));
        const BlockNode& node = *test.chain().view().at(below);
        test.invalidate(node);
        test.mine(1);
        test.reconsider(node);
    }
}

pid_t start_victim(const std::filesystem::path& directory) {
    const pid_t child = fork();
    if (child != 0) return child;
    setenv(DIRECTORY, directory.c_str(), 1);
    execl(
        "/proc/self/exe", "test_chain", "--run_test=crash/victim", "--log_level=nothing",
        static_cast<char*>(nullptr));
    _exit(1);
}

} // namespace

BOOST_AUTO_TEST_SUITE(crash)

BOOST_AUTO_TEST_CASE(victim, *boost::unit_test::disabled()) {
    if (const char* directory = std::getenv(DIRECTORY)) work(directory);
}

BOOST_AUTO_TEST_CASE(killed__at_any_moment__starts_again_on_a_consistent_tip) {
    const uint64_t seed = std::random_device()();
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    const TemporaryFolder folder;
    Height highest;
    // Until the victims did work: they caught up, and went on.
    for (int round = 0; round < 10 || highest <= Height(LENGTH); ++round) {
        const pid_t child = start_victim(folder.path());
        BOOST_REQUIRE(child > 0);
        std::this_thread::sleep_for(
            std::chrono::milliseconds(100 + random() % (300 + 50 * uint64_t(round))));
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        BOOST_REQUIRE(WIFSIGNALED(status));

        TestChain test;
        test.options().directory = folder.path();
        test.open();
        // Everything on the way down is there, and fits together.
        for (const BlockNode* node = &test.tip(); node; node = node->parent_node()) {
            BOOST_REQUIRE(test.chain().read_block(*node));
            BOOST_REQUIRE(test.chain().read_filter(*node));
            if (node->parent) BOOST_REQUIRE(test.chain().read_undo(*node));
        }
        highest = std::max(highest, test.tip().height);
        const BlockHash tip = test.tip().hash;
        std::vector<BlockRef> way;
        for (int32_t height = 1; height <= test.tip().height.value; ++height)
            way.push_back(test.chain().read_block(*test.chain().view().at(height)));
        test.close();

        TestChain replay;
        replay.now += 1000 * TIME_STEP;
        replay.open();
        for (const BlockRef& block : way) replay.submit(block);
        BOOST_TEST((replay.tip().hash == tip));
        replay.close();
        BOOST_TEST(
            (coins_hash(folder.path(), test.params()) ==
             coins_hash(replay.directory(), replay.params())));
    }
}

BOOST_AUTO_TEST_SUITE_END()
