// SPDX-License-Identifier: MIT
#include "rpc/server/call_queue.h"

#include <boost/test/unit_test.hpp>

#include <latch>
#include <memory>
#include <string>

using namespace cairn::rpc::server;

namespace {

/// Of connections, which are told apart by an address.
const char CONNECTIONS[3] = {};
const void* const A = &CONNECTIONS[0];
const void* const B = &CONNECTIONS[1];
const void* const C = &CONNECTIONS[2];

/// Tasks that tell that they ran; the first of all holds the only thread for slow ones until go_on.
struct Fixture {
    CallQueue queue;
    std::mutex mutex;
    std::string ran;
    std::latch begun{1};
    std::latch go_on{1};

    Fixture() {
        queue.start(1); // two are taken: one is left to the others
        queue.push(A, Pace::Slow, [this] {
            begun.count_down();
            go_on.wait();
        });
        begun.wait();
    }

    ~Fixture() { queue.stop(); }

    void push(const void* connection, Pace pace, char name) {
        queue.push(connection, pace, [this, name] {
            const std::lock_guard lock(mutex);
            ran += name;
        });
    }

    /// What ran until all that was given has.
    std::string all_that_ran() {
        std::latch done(1);
        queue.push(&done, Pace::Slow, [&] { done.count_down(); });
        go_on.count_down();
        done.wait();
        const std::lock_guard lock(mutex);
        return ran;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(call_queue, Fixture)

BOOST_AUTO_TEST_CASE(push__many_of_one_connection__others_are_not_behind_them) {
    for (const char name : {'1', '2', '3'}) push(A, Pace::Slow, name);
    push(B, Pace::Slow, 'b');
    push(C, Pace::Slow, 'c');
    BOOST_TEST(all_that_ran().starts_with("1bc"));
}

BOOST_AUTO_TEST_CASE(push__slow_calls__leave_a_thread_to_those_that_wait) {
    std::latch ran_meanwhile(1);
    queue.push(B, Pace::Waits, [&] { ran_meanwhile.count_down(); });
    ran_meanwhile.wait(); // the slow call still holds its thread
    push(B, Pace::Slow, 'b');
    BOOST_TEST(all_that_ran() == "b");
}

BOOST_AUTO_TEST_CASE(push__busy_calls__behind_those_that_wait_not_behind_slow_ones) {
    std::latch busy_begun(1);
    std::latch busy_go_on(1);
    queue.push(B, Pace::Busy, [&] {
        busy_begun.count_down();
        busy_go_on.wait();
    });
    busy_begun.wait(); // the slow call still holds the other thread
    push(C, Pace::Slow, 's');
    push(C, Pace::Busy, 'b');
    push(C, Pace::Waits, 'w');
    std::latch read(1);
    queue.push(&read, Pace::Busy, [&] { read.count_down(); });
    busy_go_on.count_down();
    read.wait();
    BOOST_TEST(all_that_ran() == "wbs");
}

BOOST_AUTO_TEST_CASE(forget__connection_has_ended__its_calls_are_dropped_at_once) {
    auto kept = std::make_shared<int>();
    queue.push(B, Pace::Slow, [kept] {});
    push(B, Pace::Slow, 'b');
    push(C, Pace::Slow, 'c');
    queue.forget(B);
    BOOST_TEST(kept.use_count() == 1);
    BOOST_TEST(all_that_ran() == "c");
}

BOOST_AUTO_TEST_CASE(stop__calls_wait__each_is_run_to_say_so) {
    bool was_stopping = false;
    queue.push(B, Pace::Slow, [&] { was_stopping = queue.stopping(); });
    std::thread stopper([this] { queue.stop(); });
    while (!queue.stopping()) std::this_thread::yield();
    go_on.count_down();
    stopper.join();
    BOOST_TEST(was_stopping);
    push(B, Pace::Slow, 'b'); // at once, on this thread
    BOOST_TEST(ran == "b");
}

BOOST_AUTO_TEST_SUITE_END()
