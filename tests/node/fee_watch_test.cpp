// SPDX-License-Identifier: MIT
#include "chain/file.h"
#include "consensus/chain_file.h"
#include "node/fee_watch.h"
#include "tests/small_chain.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace cairn;

namespace {

constexpr int64_t HOUR = 3600;
constexpr int64_t START = 1'800'000'000;
constexpr chain::FeeRate PRICE{5'000};

consensus::Params regtest() {
    std::ifstream file(CAIRN_SOURCE_DIR "/genesis/bitcoin-regtest.json");
    return consensus::read_chain_file(std::string{std::istreambuf_iterator<char>(file), {}});
}

/// What thirty blocks of one price teach.
chain::FeeEstimator learned() {
    chain::FeeEstimator estimator;
    uint32_t number = 0;
    for (int32_t height = 100; height < 130; ++height) {
        std::vector<consensus::SealedTransaction> block;
        for (int i = 0; i < 10; ++i) {
            consensus::Transaction tx;
            tx.lock_time = ++number;
            tx.inputs.emplace_back();
            estimator.add(block.emplace_back(std::move(tx)), PRICE, height);
        }
        estimator.connect(height + 1, block);
    }
    return estimator;
}

struct Fixture {
    Fixture() : chain(params, tests::small_chain(folder.path(), [this] { return now; })) {
        chain::replace_file(file, learned().save());
        written(0);
    }

    /// The file is as old as that.
    void written(int64_t seconds_ago) {
        const std::chrono::sys_seconds time{std::chrono::seconds(START - seconds_ago)};
        std::filesystem::last_write_time(file, std::chrono::file_clock::from_sys(time));
    }

    /// What one who starts now knows of the price.
    std::optional<chain::FeeRate> price() const {
        const node::FeeWatch watch(chain, file);
        return watch.ask([](const auto& estimator) { return estimator.estimate(2, false); })
            .feerate;
    }

    tests::TemporaryFolder folder;
    std::filesystem::path file = folder.path() / "fee_estimates.dat";
    int64_t now = START;
    consensus::Params params = regtest();
    chain::Chain chain;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(fee_watch, Fixture)

BOOST_AUTO_TEST_CASE(file__of_up_to_sixty_hours__is_gone_on_from) {
    BOOST_TEST((price() == PRICE));
    written(60 * HOUR);
    BOOST_TEST((price() == PRICE));
    written(60 * HOUR + 1);
    BOOST_TEST(!price());
}

BOOST_AUTO_TEST_CASE(file__damaged_or_absent__nothing_is_known) {
    chain::replace_file(file, consensus::Bytes(1'000, 0xff));
    written(0);
    BOOST_TEST(!price());
    std::filesystem::remove(file);
    BOOST_TEST(!price());
}

BOOST_AUTO_TEST_CASE(tips__once_an_hour__save__but_not_those_of_a_sync) {
    node::FeeWatch watch(chain, file);
    std::filesystem::remove(file);
    const auto saves = [&](int64_t at, bool initial_download) {
        now = at;
        watch.tip_changed({.initial_download = initial_download});
        return std::filesystem::remove(file);
    };
    BOOST_TEST(!saves(START + HOUR - 1, false));
    BOOST_TEST(!saves(START + HOUR, true));
    BOOST_TEST(saves(START + HOUR, false));
    BOOST_TEST(!saves(START + 2 * HOUR - 1, false));
    BOOST_TEST(saves(START + 2 * HOUR, false));
    BOOST_TEST(saves(START + 100 * HOUR, false));
    BOOST_TEST(saves(START + 3 * HOUR, false)); // the clock was ahead
    BOOST_TEST(!saves(START + 3 * HOUR + 1, false));
    watch.stop();
    written(0);
    BOOST_TEST((price() == PRICE));
}

BOOST_AUTO_TEST_CASE(stop__folder_is_gone__is_only_a_warning) {
    node::FeeWatch watch(chain, folder.path() / "nowhere" / "fee_estimates.dat");
    watch.stop();
    BOOST_TEST(!std::filesystem::exists(folder.path() / "nowhere"));
}

BOOST_AUTO_TEST_SUITE_END()
