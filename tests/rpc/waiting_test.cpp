// SPDX-License-Identifier: MIT
// Calls that wait for an event.
#include "tests/rpc/test_node.h"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
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
    BOOST_TEST(text_of(*calls.back().get().find("error")->find("code")) == "-9");
}

namespace {

/// Keeps the chain thread from going on.
struct Stopped {
    std::promise<void> let_go;

    explicit Stopped(chain::Chain& chain) {
        std::promise<void> begun;
        chain.heartbeat([&begun, until = let_go.get_future().share()] {
            begun.set_value();
            until.wait();
        });
        begun.get_future().wait();
    }
};

/// How many calls wait for the template that is being made.
size_t waiting_for_template(NodeContext& context) {
    const std::scoped_lock lock(context.template_cache.mutex);
    const auto making = context.template_cache.making.lock();
    return making ? making->size() : 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(deriveaddresses__by_the_million__ends_when_the_client_leaves) {
    const std::string descriptor =
        result("getdescriptorinfo", list_of("wpkh(" + TEST_KEY + "/*)")).find("descriptor")->text;
    const std::string text = "[\"" + descriptor + "\",999999]";
    std::stop_source left;
    std::future<Json> call = ask("deriveaddresses", text, left.get_token());
    while (dispatcher().active().empty())
        BOOST_REQUIRE(call.wait_for(0s) != std::future_status::ready);
    left.request_stop();
    BOOST_TEST(call.get().find("error")->find("message")->text == GIVEN_UP.message);
}

BOOST_AUTO_TEST_CASE(getblocktemplate__asked_while_one_is_made__all_get_that_one) {
    mine(101);
    result("sendrawtransaction", list_of(spend_coinbase(1)));
    Stopped chain_thread(chain());
    std::vector<std::future<Json>> calls;
    for (size_t i = 1; i <= 3; ++i) {
        calls.push_back(ask("getblocktemplate", R"([{"rules":["segwit"]}])"));
        while (waiting_for_template(context()) < i) std::this_thread::yield();
    }
    chain_thread.let_go.set_value();
    std::set<std::string> told;
    for (auto& call : calls) told.insert(text_of(*call.get().find("result")->find("longpollid")));
    BOOST_TEST(told.size() == 1U);
    // That one serves again: no other was made.
    const auto made = context().template_cache.last;
    result("getblocktemplate", R"([{"rules":["segwit"]}])");
    BOOST_TEST(context().template_cache.last == made);
}

BOOST_AUTO_TEST_CASE(calls_that_wait_for_the_chain_thread__it_stops__are_told) {
    mine(101);
    const std::string payment = list_of(spend_coinbase(1));
    auto chain_thread = std::make_unique<Stopped>(chain());
    std::vector<std::future<Json>> calls;
    calls.push_back(ask("sendrawtransaction", payment));
    for (size_t i = 1; i <= 2; ++i) {
        calls.push_back(ask("getblocktemplate", R"([{"rules":["segwit"]}])"));
        while (waiting_for_template(context()) < i) std::this_thread::yield();
    }
    std::thread stopper([this] { chain().stop(); });
    for (auto& call : calls)
        BOOST_TEST(call.get().find("error")->find("message")->text == "The node is stopping");
    chain_thread->let_go.set_value();
    stopper.join();
}

BOOST_AUTO_TEST_SUITE_END()
