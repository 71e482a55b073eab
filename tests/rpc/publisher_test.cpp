// SPDX-License-Identifier: MIT
#include "rpc/publisher.h"
#include "tests/rpc/test_node.h"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::rpc;

namespace {

std::string number(const Json& message, const char* member) {
    return message.find("params")->find(member)->text;
}

/// "sequence kind" of the client's next notification, and "reorganisation" with its depth.
std::string next_block(TestClient& client) {
    const Json message = client.next();
    BOOST_REQUIRE(message.find("method")->text == "block");
    std::string text = number(message, "sequence") + " " + number(message, "kind");
    if (const Json* reorganisation = message.find("params")->find("reorganisation"))
        text += " reorganisation " + reorganisation->find("depth")->text;
    return text;
}

struct PublishingNode : TestNode {
    Publisher& publisher = context().publisher;

    /// Keep the server's thread busy as long as the result lives.
    std::shared_ptr<void> busy_server() {
        auto begun = std::make_shared<std::promise<void>>();
        auto done = std::make_shared<std::promise<void>>();
        boost::asio::post(io(), [begun, over = done->get_future().share()] {
            begun->set_value();
            over.wait();
        });
        begun->get_future().wait();
        return {nullptr, [done](void*) { done->set_value(); }};
    }

    /// Until the server has done what it has to do now.
    void synchronise() {
        for (int i = 0; i < 10; ++i) { // tasks may leave others
            std::promise<void> done;
            boost::asio::post(io(), [&] { done.set_value(); });
            done.get_future().wait();
        }
    }

    chain::TransactionRef transaction() {
        const consensus::BlockRef block = chain().read_block(*chain().view().at(1));
        return {block, &block->transactions[0]};
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(publisher, PublishingNode)

BOOST_AUTO_TEST_CASE(since__in_the_past__the_log_and_then_what_is_new) {
    mine(5);
    BOOST_TEST(field("subscribe", R"([["blocks"],2])", "next") == "2");
    for (const char* event : {"2 connected", "3 connected", "4 connected"})
        BOOST_TEST(next_block(client()) == event);
    mine(2);
    BOOST_TEST(next_block(client()) == "5 connected");
    BOOST_TEST(next_block(client()) == "6 connected");
    BOOST_TEST(error("subscribe", R"([["blocks"],8])") == "-8 There are not so many events");
    BOOST_TEST(error("subscribe", R"([["blocks"],-1])") == "-8 There are not so many events");
}

BOOST_AUTO_TEST_CASE(live__many_clients__one_message) {
    const auto other = make_client();
    publisher.subscribe(shared_client(), {.blocks = true}, 0);
    publisher.subscribe(other, {.blocks = true}, 0);
    mine(1);
    next_block(client()); // both are live after it
    next_block(*other);
    synchronise();
    mine(1);
    synchronise();
    BOOST_REQUIRE(client().told().size() == 1U);
    BOOST_TEST((client().told() == other->told()));
}

BOOST_AUTO_TEST_CASE(reorganisation__wherever_one_comes_in__told_with_its_first_block) {
    mine(3);
    const std::string second = text("getblockhash", "[2]");
    result("invalidateblock", "[" + second + "]"); // events 3 and 4
    address = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202";
    mine(2); // 5 and 6
    for (const int since : {0, 4, 5}) {
        const auto one = make_client();
        publisher.subscribe(one, {.reorganisations = true}, static_cast<uint64_t>(since));
        BOOST_TEST(next_block(*one) == "5 connected reorganisation 2");
    }
    const auto late = make_client();
    publisher.subscribe(late, {.blocks = true, .reorganisations = true}, 6);
    BOOST_TEST(next_block(*late) == "6 connected");
}

BOOST_AUTO_TEST_CASE(many_at_once__live_client__all_in_order) {
    publisher.subscribe(shared_client(), {.blocks = true}, 0);
    mine(1);
    BOOST_TEST(next_block(client()) == "0 connected"); // live, or nearly
    {
        const auto busy = busy_server();
        mine(1200);
    }
    for (int i = 1; i <= 1200; ++i)
        BOOST_REQUIRE(next_block(client()) == std::to_string(i) + " connected");
}

BOOST_AUTO_TEST_CASE(mempool__more_than_can_be_told__its_followers_dropped_only) {
    mine(1);
    Publisher small(chain(), io(), 10);
    const auto follower = make_client();
    const auto other = make_client();
    small.subscribe(follower, {.mempool = true}, 1);
    small.subscribe(other, {.blocks = true}, 1);
    const chain::TransactionRef tx = transaction();
    // It is live once it is told something.
    while (follower->told().empty()) {
        small.transaction_added(tx, {});
        synchronise();
    }
    {
        const auto busy = busy_server();
        for (int i = 0; i < 20; ++i) small.transaction_removed(tx, chain::RemovalReason::Expiry);
    }
    BOOST_TEST(follower->dropped() == "the mempool changes too fast");
    chain::TipChange change;
    mine(1);
    small.tip_changed(change);
    BOOST_TEST(next_block(*other) == "1 connected");
    // Nobody is told by it any more when it goes.
    synchronise();
}

BOOST_AUTO_TEST_CASE(limits__each__an_error) {
    std::string scripts;
    for (int i = 0; i <= 1000; ++i)
        scripts += (i > 0 ? ",\"51" : "\"51") + std::to_string(1000 + i) + "\"";
    BOOST_TEST(error("subscribe", "[[" + scripts + "]]") == "-8 Too many addresses");
    BOOST_TEST(error("subscribe", "[[]]") == "-8 No topic");
    BOOST_TEST(error("subscribe", R"([["block"]])") == "-5 Invalid address or script");
    BOOST_TEST(
        error("subscribe", "[[1]]") ==
        "-3 JSON value of type number is not of expected type string");
    for (size_t i = 0; i < Publisher::MAX_SUBSCRIPTIONS; ++i)
        result("subscribe", R"([["blocks"]])");
    BOOST_TEST(error("subscribe", R"([["blocks"]])") == "-1 Too many subscriptions");
    BOOST_TEST(text("unsubscribe") == "true");
    BOOST_TEST(text("unsubscribe") == "false");
    const std::string id = field("subscribe", R"([["blocks"]])", "subscription");
    BOOST_TEST(text("unsubscribe", "[" + id + "]") == "true");
    BOOST_TEST(text("unsubscribe", "[" + id + "]") == "false");
}

BOOST_AUTO_TEST_SUITE_END()
