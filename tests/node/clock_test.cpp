// SPDX-License-Identifier: MIT
#include "node/clock.h"

#include <boost/test/unit_test.hpp>

#include <chrono>

using namespace std::chrono_literals;

namespace cairn::node {

BOOST_AUTO_TEST_SUITE(clock) // not in the global namespace, where libc has a function of this name

BOOST_AUTO_TEST_CASE(clock__real__agrees_with_the_system) {
    const Clock clock;
    const auto system = std::chrono::system_clock::now();
    BOOST_TEST((clock.now() - system < 10s && system - clock.now() < 10s));
    const int64_t seconds = std::chrono::system_clock::to_time_t(system);
    BOOST_TEST(std::abs(clock.wall_seconds() - seconds) < 10);
    const Time first = clock.now();
    BOOST_TEST((clock.now() >= first));
}

BOOST_AUTO_TEST_CASE(clock__mocked__stands_until_released_while_uptime_runs) {
    Clock clock;
    clock.set_mock(1'700'000'000);
    BOOST_TEST((clock.now() == Time(1'700'000'000s)));
    BOOST_TEST(clock.wall_seconds() == 1'700'000'000);
    BOOST_TEST((clock.uptime() < 100s));
    clock.set_mock(0);
    BOOST_TEST(clock.wall_seconds() != 1'700'000'000);
}

BOOST_AUTO_TEST_CASE(clock__wall_is_set__timers_go_on_and_rules_follow) {
    const auto begin = std::chrono::system_clock::now();
    auto wall = begin;
    Clock clock([&] { return wall; });
    const Time before = clock.now();
    for (const auto moved : {std::chrono::seconds(8h), std::chrono::seconds(-8h)}) {
        wall = begin + moved;
        BOOST_TEST((clock.now() - before >= 0s && clock.now() - before < 1h));
        BOOST_TEST(clock.wall_seconds() == std::chrono::system_clock::to_time_t(wall));
        BOOST_TEST(std::chrono::abs(clock.wall_ahead() - moved).count() < 3600);
    }
    clock.set_mock(1'700'000'000); // then both are this
    BOOST_TEST(clock.wall_ahead().count() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::node
