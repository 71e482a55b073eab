// SPDX-License-Identifier: MIT
#include "chain/fair_shared_mutex.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <shared_mutex>
#include <thread>
#include <vector>

using cairn::chain::FairSharedMutex;

BOOST_AUTO_TEST_SUITE(fair_shared_mutex)

BOOST_AUTO_TEST_CASE(writer__among_readers_that_never_pause__gets_its_turns) {
    FairSharedMutex mutex;
    std::atomic<bool> stop{false};
    std::atomic<int> inside{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
            // Hand over hand: one of them always holds it.
            while (!stop) {
                const std::shared_lock lock(mutex);
                ++inside;
                std::this_thread::yield();
                --inside;
            }
        });
    for (int turn = 0; turn < 200; ++turn) {
        const std::unique_lock lock(mutex);
        BOOST_REQUIRE(inside == 0);
    }
    stop = true;
    for (std::thread& reader : readers) reader.join();
}

BOOST_AUTO_TEST_SUITE_END()
