// SPDX-License-Identifier: MIT
#include "consensus/standard.h"
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

    /// The sequence of the mempool that the client's next notification says it begins at.
    static uint64_t live_since(TestClient& client) {
        const Json message = client.next();
        BOOST_REQUIRE(message.find("method")->text == "mempool");
        BOOST_REQUIRE(message.find("params")->find("live"));
        return std::stoull(number(message, "sequence"));
    }

    /// "kind txid" of the one change of the mempool that the client is told of next.
    static std::string next_touch(TestClient& client) {
        Json message = client.next();
        while (message.find("method")->text == "block") message = client.next();
        const std::vector<Json>& changes = message.find("params")->find("changes")->items;
        BOOST_REQUIRE(changes.size() == 1U);
        BOOST_REQUIRE(changes[0].find("scripts")->items.size() == 1U);
        return changes[0].find("kind")->text + " " + changes[0].find("txid")->text;
    }

    /// What mine() pays to.
    consensus::Script coinbase_script() {
        const consensus::BlockRef block = chain().read_block(*chain().view().at(1));
        return block->transactions[0].outputs[0].script_pubkey;
    }

    /// The same transaction, but that it pays to nobody who is watched.
    static std::string elsewhere(const std::string& hex) {
        auto tx = *consensus::decode<consensus::Transaction>(*consensus::from_hex(hex));
        const consensus::Bytes program(20);
        tx.outputs[0].script_pubkey = consensus::pay_to_witness(0, program);
        return consensus::to_hex(consensus::encode(tx));
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
    live_since(*follower);
    {
        const auto busy = busy_server();
        for (int i = 0; i < 20; ++i)
            small.transaction_removed({tx, {}, chain::RemovalReason::Expiry});
    }
    BOOST_TEST(follower->dropped() == "the mempool changes too fast");
    chain::TipChange change;
    mine(1);
    small.tip_changed(change);
    BOOST_TEST(next_block(*other) == "1 connected");
    // Nobody is told by it any more when it goes.
    synchronise();
}

BOOST_AUTO_TEST_CASE(mempool__goes_live__says_from_where_on) {
    mine(101);
    result("sendrawtransaction", list_of(spend_coinbase(1)));
    publisher.subscribe(shared_client(), {.mempool = true}, 0);
    const uint64_t since = live_since(client());
    BOOST_TEST(std::to_string(since) == field("getrawmempool", "[false,true]", "mempool_sequence"));
}

BOOST_AUTO_TEST_CASE(script__of_a_coin_that_a_block_spends_otherwise__told_that_it_goes) {
    mine(101);
    publisher.subscribe(shared_client(), {.scripts = {coinbase_script()}}, 101);
    live_since(client());
    const std::string waits = elsewhere(spend_coinbase(1));
    const std::string txid = result("sendrawtransaction", list_of(waits)).text;
    BOOST_TEST(next_touch(client()) == "added " + txid);
    result("generateblock", "[\"" + address + "\",[\"" + spend_coinbase(1, 20'000) + "\"]]");
    BOOST_TEST(next_touch(client()) == "removed " + txid);
}

BOOST_AUTO_TEST_CASE(script__of_a_parent_that_goes_too__told_of_both) {
    mine(101);
    const std::string parent = spend_coinbase(1);
    publisher.subscribe(shared_client(), {.scripts = {coinbase_script()}}, 101);
    live_since(client());
    const std::string first = result("sendrawtransaction", list_of(parent)).text;
    BOOST_TEST(next_touch(client()) == "added " + first);
    const std::string child = result("sendrawtransaction", list_of(elsewhere(spend(parent)))).text;
    BOOST_TEST(next_touch(client()) == "added " + child);
    {
        const auto busy = busy_server(); // so that both are gone when it is told
        result("sendrawtransaction", list_of(elsewhere(spend_coinbase(1, 50'000))));
    }
    const Json message = client().next();
    std::set<std::string> gone;
    for (const Json& change : message.find("params")->find("changes")->items)
        if (change.find("kind")->text == "removed") gone.insert(change.find("txid")->text);
    BOOST_TEST((gone == std::set{first, child}));
}

BOOST_AUTO_TEST_CASE(scripts__too_large_or_too_many__are_refused) {
    const auto script = [](size_t bytes) { return "[[\"" + std::string(2 * bytes, '5') + "\"]]"; };
    BOOST_TEST(error("subscribe", script(10'001)) == "-5 Invalid address or script");
    BOOST_TEST(field("subscribe", script(10'000), "subscription") == "1");
    // Each of a client of its own.
    std::set<consensus::Script> thousand;
    for (uint16_t i = 0; i < Publisher::MAX_SCRIPTS; ++i) {
        consensus::Bytes bytes(consensus::MAX_SCRIPT_SIZE);
        bytes[0] = static_cast<uint8_t>(i & 0xff);
        bytes[1] = static_cast<uint8_t>(i >> 8);
        thousand.insert(consensus::Script(bytes));
    }
    std::vector<std::shared_ptr<TestClient>> clients;
    bool taken = true;
    while (taken && clients.size() < 10) {
        clients.push_back(make_client());
        taken = publisher.subscribe(clients.back(), {.scripts = thousand}, 0).has_value();
    }
    BOOST_TEST(clients.size() == 4U); // 20 MB each
    publisher.unsubscribe(clients[0], std::nullopt);
    BOOST_TEST(publisher.subscribe(clients.back(), {.scripts = thousand}, 0).has_value());
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
