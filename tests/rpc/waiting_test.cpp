// SPDX-License-Identifier: MIT
// Calls that wait for an event.
#include "tests/rpc/test_node.h"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <thread>

using namespace cairn;
using namespace cairn::rpc;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(waiting, TestNode)

BOOST_AUTO_TEST_CASE(waitfornewblock__without_news_or_with__answers) {
    mine(1);
    std::future<Json> news = ask("waitfornewblock");
    std::future<Json> height = ask("waitforblockheight", "[3]");
    BOOST_TEST((news.wait_for(0s) == std::future_status::timeout));
    const std::string second = mine(1);
    BOOST_TEST(news.get().find("result")->find("hash")->text == second);
    const std::string third = mine(1);
    BOOST_TEST(height.get().find("result")->find("hash")->text == third);
    BOOST_TEST(result("waitforblock", list_of(third)).find("height")->text == "3");
    // Times out, and tells the tip as it is.
    BOOST_TEST(result("waitforblock", "[\"" + NO_HASH + "\",1]").find("height")->text == "3");
    BOOST_TEST(error("waitfornewblock", "[-1]") == "-1 Negative timeout");
    std::future<Json> forever = ask("waitfornewblock");
    context().tips.cancel_all();
    BOOST_TEST(forever.get().find("result")->find("height")->text == "3");
}

BOOST_AUTO_TEST_CASE(tip_watch__call_answered_early__its_timer_ends) {
    boost::asio::io_context io;
    TipWatch watch(chain(), io);
    watch.wait([](auto&) { return true; }, 24h, {}, [](auto&) {});
    io.poll();
    BOOST_TEST(io.stopped()); // nothing is left to wait for
}

BOOST_AUTO_TEST_CASE(tip_watch__client_leaves__given_up_at_once) {
    boost::asio::io_context io;
    TipWatch watch(chain(), io);
    const auto kept = std::make_shared<int>();
    int answers = 0;
    const auto wait = [&](const std::stop_token& left) {
        watch.wait([](auto&) { return false; }, 0ms, left, [&answers, kept](auto&) { ++answers; });
    };
    std::stop_source left;
    wait(left.get_token());
    wait({}); // another's
    BOOST_TEST(answers == 0);
    left.request_stop();
    BOOST_TEST(answers == 1);
    wait(left.get_token()); // who has left before
    BOOST_TEST(answers == 2);
    BOOST_TEST(kept.use_count() == 2); // the other's
    watch.cancel_all();
    BOOST_TEST(answers == 3);
    BOOST_TEST(kept.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(waiting_calls__client_leaves__end) {
    mine(1);
    const std::string known = field("getblocktemplate", R"([{"rules":["segwit"]}])", "longpollid");
    std::stop_source left;
    std::vector<std::future<Json>> calls;
    calls.push_back(ask("waitforblockheight", "[2000000000]", left.get_token()));
    calls.push_back(ask("waitforblock", list_of(NO_HASH), left.get_token()));
    calls.push_back(
        ask("getblocktemplate", R"([{"rules":["segwit"],"longpollid":)" + known + "}]",
            left.get_token()));
    while (dispatcher().active().size() < calls.size()) std::this_thread::yield();
    left.request_stop();
    while (!dispatcher().active().empty()) std::this_thread::yield();
}

BOOST_AUTO_TEST_SUITE_END()
