// SPDX-License-Identifier: MIT
#include "chain/work_queue.h"

#include <boost/test/unit_test.hpp>

#include <thread>
#include <vector>

using namespace cairn::chain;

BOOST_AUTO_TEST_SUITE(work_queue)

BOOST_AUTO_TEST_CASE(pop__tasks_in_all_lanes__control_first_each_in_order) {
    WorkQueue queue;
    std::vector<int> order;
    const auto note = [&order](int i) { return [&order, i] { order.push_back(i); }; };
    queue.push(Lane::Transactions, note(5));
    queue.push(Lane::Blocks, note(3));
    queue.push(Lane::Control, note(1));
    queue.push(Lane::Blocks, note(4));
    queue.push(Lane::Control, note(2));
    for (int i = 0; i < 5; ++i) (*queue.pop())();
    BOOST_TEST((order == std::vector<int>{1, 2, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(push__lane_full__is_refused_unless_it_must) {
    WorkQueue queue;
    for (int i = 0; i < 1'000; ++i)
        BOOST_REQUIRE((queue.push(Lane::Control, [] {}) == WorkQueue::Pushed::Yes));
    BOOST_TEST((queue.push(Lane::Control, [] {}) == WorkQueue::Pushed::Full));
    BOOST_TEST(
        (queue.push(
             Lane::Control, [] {}, true) == WorkQueue::Pushed::Yes));
    BOOST_TEST((queue.push(Lane::Blocks, [] {}) == WorkQueue::Pushed::Yes));
}

BOOST_AUTO_TEST_CASE(push__lane_full_by_bytes__is_refused_until_some_are_taken_out) {
    WorkQueue queue;
    const auto push = [&](size_t bytes) {
        return queue.push(
            Lane::Transactions, [] {}, false, bytes);
    };
    BOOST_TEST((push(40'000'000) == WorkQueue::Pushed::Yes)); // too large, but alone
    BOOST_TEST((push(1) == WorkQueue::Pushed::Full));
    queue.pop();
    BOOST_TEST((push(30'000'000) == WorkQueue::Pushed::Yes));
    BOOST_TEST((push(3'000'000) == WorkQueue::Pushed::Full));
    BOOST_TEST((push(2'000'000) == WorkQueue::Pushed::Yes));
}

BOOST_AUTO_TEST_CASE(close__wakes_the_waiting_and_drops_the_rest) {
    WorkQueue queue;
    std::thread waiting([&queue] { BOOST_TEST(!queue.pop()); });
    queue.close();
    waiting.join();
    BOOST_TEST((queue.push(Lane::Control, [] {}) == WorkQueue::Pushed::Closed));
    BOOST_TEST(!queue.pop());
}

BOOST_AUTO_TEST_SUITE_END()
