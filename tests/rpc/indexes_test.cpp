// SPDX-License-Identifier: MIT
// What the methods say that read indexes; how these are built, tests/chain/indexer_test.cpp says.
#include "rpc/server/json_writer.h"
#include "tests/rpc/test_node.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::rpc;

namespace {

struct Fixture : TestNode {
    std::string field(const std::string& method, const std::string& params, const char* name) {
        const Json value = result(method, params);
        const Json* member = value.find(name);
        if (member == nullptr) return "absent";
        server::JsonWriter writer;
        member->write(writer);
        return writer.take();
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(indexes, Fixture)

BOOST_AUTO_TEST_CASE(getindexinfo__all_or_one__follow_the_tip) {
    mine(3);
    BOOST_TEST(chain().indexes().catch_up(cairn::chain::IndexId::Transactions));
    const Json all = result("getindexinfo");
    const std::vector<std::string> names{
        "txindex", "coinstatsindex", "basic block filter index", "txospenderindex", "addressindex"};
    BOOST_TEST((all.names == names));
    const Json one = result("getindexinfo", "[\"txindex\"]");
    BOOST_REQUIRE(one.items.size() == 1U);
    BOOST_TEST(one.find("txindex")->find("synced")->truth);
    BOOST_TEST(one.find("txindex")->find("best_block_height")->text == "3");
    BOOST_TEST(result("getindexinfo", "[\"foo\"]").items.empty());
}

BOOST_AUTO_TEST_CASE(address__mined_to_and_spent_from__history_balance_and_coins) {
    mine(101);
    const std::string hex = spend_coinbase(1);
    const std::string txid = result("sendrawtransaction", "[\"" + hex + "\"]").text;
    mine(1);
    const std::string of = "[\"" + address + "\"]";
    BOOST_TEST(field("getaddressbalance", of, "utxos") == "102");
    BOOST_TEST(field("getaddressbalance", of, "transactions") == "103");
    BOOST_TEST(field("getaddressbalance", of, "balance") == "5100.00000000");
    BOOST_TEST(field("getaddressbalance", of, "received") == "5150.00000000");
    BOOST_TEST(field("getaddressbalance", of, "height") == "102");
    BOOST_TEST(result("getaddressutxos", of).items.size() == 102U);
    const Json history = result("getaddresshistory", "[\"" + address + "\",2]");
    BOOST_REQUIRE(history.items.size() == 2U);
    const Json& spending = history.items[0];
    BOOST_TEST(spending.find("txid")->text == txid);
    BOOST_TEST(spending.find("spent")->text == "50.00000000");
    BOOST_TEST(spending.find("received")->text == "49.99990000");
    const Json rest = result("getaddresshistory", "[\"" + address + "\",1000,2]");
    BOOST_TEST(rest.items.size() == 101U);
    const std::string script = result("validateaddress", of).find("scriptPubKey")->text;
    BOOST_TEST(result("getaddressutxos", "[\"" + script + "\"]").items.size() == 102U);
    BOOST_TEST(result("getaddressutxos", "[\"6a\"]").items.empty());
    BOOST_TEST(error("getaddressutxos", "[\"x\"]") == "-5 Invalid address or script");
    for (const std::string method : {"getaddresshistory", "getaddressutxos"}) {
        const auto with = [&](const std::string& numbers) {
            return "[\"" + address + "\"," + numbers + "]";
        };
        BOOST_TEST(error(method, with("-1")) == "-8 Negative count or skip");
        BOOST_TEST(error(method, with("1,-1")) == "-8 Negative count or skip");
        BOOST_TEST(error(method, with("10001")) == "-8 Count is more than 10000");
        const Json all = result(method, with("1000"));
        Json pages;
        for (int skip = 0; skip < 110; skip += 11)
            for (const Json& one : result(method, with("11," + std::to_string(skip))).items)
                pages.items.push_back(one);
        pages.kind = Json::Kind::Array;
        BOOST_TEST(text_of(pages) == text_of(all));
    }
}

BOOST_AUTO_TEST_CASE(gettxoutsetinfo__block_that_was_never_connected__refused_for_good) {
    const Json rival = result("generateblock", R"+(["raw(51)",[],false])+");
    mine(2);
    BOOST_TEST(text("submitblock", "[\"" + rival.find("hex")->text + "\"]") == "\"inconclusive\"");
    BOOST_TEST(
        error("gettxoutsetinfo", "[\"muhash\",\"" + rival.find("hash")->text + "\"]") ==
        "-32603 Unable to read UTXO set");
}

BOOST_AUTO_TEST_CASE(gettxoutsetinfo__by_height_and_hash__as_of_that_block) {
    const std::string fifth = mine(5);
    mine(5);
    const std::string by_height = "[\"muhash\",5]";
    BOOST_TEST(field("gettxoutsetinfo", by_height, "txouts") == "5");
    BOOST_TEST(field("gettxoutsetinfo", by_height, "bestblock") == "\"" + fifth + "\"");
    BOOST_TEST(field("gettxoutsetinfo", by_height, "total_unspendable_amount") == "50.00000000");
    BOOST_TEST(field("gettxoutsetinfo", by_height, "transactions") == "absent");
    BOOST_TEST(
        field("gettxoutsetinfo", by_height, "muhash") ==
        field("gettxoutsetinfo", "[\"muhash\",\"" + fifth + "\"]", "muhash"));
    BOOST_TEST(
        field("gettxoutsetinfo", "[\"muhash\"]", "muhash") ==
        field("gettxoutsetinfo", "[\"muhash\",null,false]", "muhash"));
    const std::pair<std::string, std::string_view> wrong[] = {
        {R"(["muhash",-1])", "-8 Target block height -1 is negative"},
        {R"(["muhash",11])", "-8 Target block height 11 after current tip 10"},
        {R"(["none",")" + NO_HASH + R"("])", "-5 Block not found"},
        {R"(["none",5,false])",
         "-8 Cannot set use_index to false when querying for a specific block"},
        {R"(["hash_serialized_3",5])",
         "-8 hash_serialized_3 hash type cannot be queried for a specific block"},
    };
    for (const auto& [params, why] : wrong) BOOST_TEST(error("gettxoutsetinfo", params) == why);
}

BOOST_AUTO_TEST_CASE(scanblocks__for_an_address__blocks_that_touch_it) {
    mine(3);
    const std::string start = R"(["start",["addr()" + address + R"+()"])+";
    const Json all = result("scanblocks", start + "]");
    BOOST_TEST(all.find("completed")->truth);
    BOOST_TEST(all.find("to_height")->text == "3");
    BOOST_TEST(all.find("relevant_blocks")->items.size() == 3U);
    const Json exact =
        result("scanblocks", start + R"(,2,2,"basic",{"filter_false_positives":true}])");
    BOOST_TEST(exact.find("relevant_blocks")->items.size() == 1U);
    BOOST_TEST(error("scanblocks", start + ",4]") == "-1 Invalid start_height");
    BOOST_TEST(error("scanblocks", start + ",2,1]") == "-1 Invalid stop_height");
    BOOST_TEST(error("scanblocks", start + ",0,1,\"x\"]") == "-5 Unknown filtertype");
    BOOST_TEST(error("scanblocks", "[\"stop\"]") == "-8 Invalid action 'stop'");
    BOOST_TEST(result("scanblocks", "[\"status\"]").is_null());
    BOOST_TEST(!result("scanblocks", "[\"abort\"]").truth);
}

BOOST_AUTO_TEST_CASE(gettxspendingprevout__mined__told_by_the_index_with_its_block) {
    mine(101);
    const std::string hex = spend_coinbase(1);
    const std::string txid = result("sendrawtransaction", "[\"" + hex + "\"]").text;
    const Json block = result("getblock", "[\"" + result("getblockhash", "[1]").text + "\"]");
    const std::string coin = R"([{"txid":")" + block.find("tx")->items[0].text + R"(","vout":0}])";
    const Json waiting = result("gettxspendingprevout", "[" + coin + "]").items.at(0);
    BOOST_TEST(waiting.find("spendingtxid")->text == txid);
    BOOST_TEST(waiting.find("blockhash") == nullptr);
    const std::string tip = mine(1);
    const std::string named = "{\"args\":[" + coin + "],\"return_spending_tx\":true}";
    const Json mined = result("gettxspendingprevout", named).items.at(0);
    BOOST_TEST(mined.find("spendingtxid")->text == txid);
    BOOST_TEST(mined.find("spendingtx")->text == hex);
    BOOST_TEST(mined.find("blockhash")->text == tip);
    const std::string pool_only = "[" + coin + ",{\"mempool_only\":true}]";
    BOOST_TEST(
        result("gettxspendingprevout", pool_only).items.at(0).find("spendingtxid") == nullptr);
    BOOST_TEST(
        error("gettxspendingprevout", R"([[{"txid":"x","vout":0}],{"mempool_only":"x"}])") ==
        "-3 JSON value of type string for field mempool_only is not of expected type bool");
    BOOST_TEST(
        error("gettxspendingprevout", R"([[{"txid":"x","vout":0,"more":1}]])") ==
        "-3 Unexpected key more");
}

BOOST_AUTO_TEST_CASE(getchaintxstats__window__counts_what_is_in_it) {
    const std::string tip = mine(5);
    BOOST_TEST(field("getchaintxstats", "[]", "txcount") == "6");
    BOOST_TEST(field("getchaintxstats", "[]", "window_block_count") == "4");
    BOOST_TEST(field("getchaintxstats", "[2]", "window_tx_count") == "2");
    BOOST_TEST(field("getchaintxstats", "[0]", "window_interval") == "absent");
    BOOST_TEST(field("getchaintxstats", "[1,\"" + tip + "\"]", "window_final_block_height") == "5");
    BOOST_TEST(
        error("getchaintxstats", "[5]") ==
        "-8 Invalid block count: should be between 0 and the block's height - 1");
    BOOST_TEST(error("getchaintxstats", "[1,\"" + NO_HASH + "\"]") == "-5 Block not found");
    result("invalidateblock", "[\"" + tip + "\"]");
    BOOST_TEST(error("getchaintxstats", "[1,\"" + tip + "\"]") == "-8 Block is not in main chain");
}

BOOST_AUTO_TEST_SUITE_END()
