// SPDX-License-Identifier: MIT
#include "consensus/pow.h"
#include "node/clock.h"
#include "node/miner.h"
#include "node/setup.h"
#include "tests/small_chain.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

using namespace cairn;
using namespace cairn::node;

namespace {

constexpr uint32_t EASY_BITS = 0x207fffff;   // every second hash
constexpr uint32_t MEDIUM_BITS = 0x1f00ffff; // one in 65,536
constexpr uint32_t HARD_BITS = 0x1d00ffff;   // one in 2^32
const std::atomic<bool> NEVER{false};

consensus::Block block_of(uint32_t bits) {
    consensus::Block block;
    block.header.time = 1'700'000'000;
    block.header.bits = bits;
    return block;
}

bool meets_its_target(const consensus::BlockHeader& header) {
    return consensus::to_number(header.hash()) <= *consensus::target_of(header.bits);
}

/// Waits for a height, by the chain's own events.
class HeightWatch : public chain::ChainObserver {
public:
    void tip_changed(const chain::TipChange& change) override {
        const std::lock_guard lock(mutex_);
        height_ = change.new_tip->height.value;
        changed_.notify_all();
    }

    void wait_for(int32_t height) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return height_ >= height; });
    }

    /// Whether it comes so far in so long.
    bool reaches(int32_t height, std::chrono::milliseconds limit) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [&] { return height_ >= height; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int32_t height_ = 0;
};

consensus::Script anyone_can_spend() {
    consensus::Script script;
    const uint8_t op_true = 0x51;
    script.push_back(op_true);
    return script;
}

/// A chain of blocks that cost nothing, in a folder of its own.
struct EasyChain {
    tests::TemporaryFolder folder;
    Clock clock;
    Setup setup = read_setup(
        parse_arguments(std::vector<std::string>{"-noconf", "-regtest"}).settings,
        std::vector<std::string>{"HOME=" + folder.path().string()});
    HeightWatch watch;
    chain::Chain chain{
        setup.params, tests::small_chain(folder.path(), [this] { return clock.wall_seconds(); })};

    /// One on the tip that somebody else has found.
    consensus::BlockRef next_block() {
        std::promise<std::shared_ptr<consensus::Block>> made;
        chain.make_template(
            anyone_can_spend(), [&](const auto& its) { made.set_value(its.block); });
        const auto block = made.get_future().get();
        uint64_t tries = 10'000;
        BOOST_TEST_REQUIRE(mine(*block, tries, NEVER));
        return block;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(miner)

BOOST_AUTO_TEST_CASE(find_nonce__easy_target__finds_the_first_that_meets_it) {
    const consensus::Block block = block_of(MEDIUM_BITS);
    const auto nonce = find_nonce(block.header, 0, uint64_t{1} << 32, NEVER);
    BOOST_TEST_REQUIRE(nonce.has_value());
    consensus::BlockHeader header = block.header;
    header.nonce = *nonce;
    BOOST_TEST(meets_its_target(header));
    BOOST_TEST(!find_nonce(block.header, 0, *nonce, NEVER).has_value());
    BOOST_TEST((find_nonce(block.header, *nonce, 1, NEVER) == nonce));
}

BOOST_AUTO_TEST_CASE(find_nonce__bad_bits_or_stopped__finds_none) {
    const std::atomic<bool> stopped{true};
    BOOST_TEST(!find_nonce(block_of(0).header, 0, 1000, NEVER).has_value());
    BOOST_TEST(!find_nonce(block_of(EASY_BITS).header, 0, 1000, stopped).has_value());
}

BOOST_AUTO_TEST_CASE(mine__easy_target__sets_the_nonce_and_counts_the_tries) {
    consensus::Block block = block_of(MEDIUM_BITS);
    uint64_t tries = 10'000'000;
    BOOST_TEST_REQUIRE(mine(block, tries, NEVER));
    BOOST_TEST(meets_its_target(block.header));
    BOOST_TEST(tries == 10'000'000 - uint64_t{block.header.nonce} - 1);
}

BOOST_AUTO_TEST_CASE(mine__tries_used_up__gives_up) {
    consensus::Block block = block_of(HARD_BITS);
    uint64_t tries = 1000;
    BOOST_TEST(!mine(block, tries, NEVER));
    BOOST_TEST(tries == 0U);
}

BOOST_AUTO_TEST_CASE(mine__stopped_while_at_it__returns) {
    consensus::Block block = block_of(0x03000001); // nothing meets it
    std::atomic<bool> stop{false};
    uint64_t tries = UINT64_MAX;
    auto mined = std::async(std::launch::async, [&] { return mine(block, tries, stop); });
    stop = true;
    BOOST_TEST(!mined.get());
}

BOOST_AUTO_TEST_CASE(miner__easy_chain__makes_blocks_that_pay_it_and_stops) {
    EasyChain easy;
    easy.chain.add_observer(easy.watch);
    const auto miner = Miner::make(easy.chain, anyone_can_spend(), 2);
    easy.chain.start();
    miner->start();
    easy.watch.wait_for(3);
    miner->stop();
    const chain::View view = easy.chain.view();
    BOOST_TEST(view.height().value >= 3);
    const auto block = easy.chain.read_block(*view.at(3));
    BOOST_TEST_REQUIRE(block != nullptr);
    BOOST_TEST((block->transactions[0].outputs[0].script_pubkey == anyone_can_spend()));
    easy.chain.stop();
}

BOOST_AUTO_TEST_CASE(miner__block_times_ahead_of_the_clock__slows_down_but_goes_on) {
    EasyChain easy;
    // Each block's time must be later than the median of those before it: with the clock at that
    // of genesis, all are ahead of it.
    easy.clock.set_mock(easy.setup.params.genesis.header.time);
    easy.chain.add_observer(easy.watch);
    const auto miner = Miner::make(easy.chain, anyone_can_spend(), 1);
    easy.chain.start();
    const auto begin = std::chrono::steady_clock::now();
    miner->start();
    easy.watch.wait_for(2);
    BOOST_TEST((std::chrono::steady_clock::now() - begin >= std::chrono::seconds(1)));
    miner->stop();
    easy.chain.stop();
}

BOOST_AUTO_TEST_CASE(miner__better_blocks_are_coming__waits_for_them) {
    EasyChain easy;
    easy.chain.add_observer(easy.watch);
    const auto miner = Miner::make(easy.chain, anyone_can_spend(), 1);
    easy.chain.start();
    const consensus::BlockRef first = easy.next_block();
    std::promise<void> known;
    easy.chain.accept_headers({first->header}, [&](const auto&) { known.set_value(); });
    known.get_future().wait();
    miner->start();
    BOOST_TEST(!easy.watch.reaches(1, std::chrono::milliseconds(300)));
    easy.chain.accept_block(first, true, [](const auto&) {});
    easy.watch.wait_for(2);
    miner->stop();
    BOOST_TEST((easy.chain.view().at(1)->hash == first->header.hash()));
    easy.chain.stop();
}

BOOST_AUTO_TEST_CASE(miner__never_started_or_stopped_twice__is_quiet) {
    EasyChain easy;
    const auto miner = Miner::make(easy.chain, anyone_can_spend(), 1);
    easy.chain.start();
    miner->stop();
    miner->stop();
    easy.chain.stop();
}

BOOST_AUTO_TEST_SUITE_END()
