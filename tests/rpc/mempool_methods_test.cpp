// SPDX-License-Identifier: MIT
// What the methods say of the mempool, and do to it.
#include "tests/rpc/test_node.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::rpc;

BOOST_FIXTURE_TEST_SUITE(mempool_methods, TestNode)

BOOST_AUTO_TEST_CASE(prioritisetransaction__counts_in_modified_fee) {
    mine(101);
    const std::string txid = result("sendrawtransaction", list_of(spend_coinbase(1))).text;
    result("prioritisetransaction", "[\"" + txid + "\",0,5000]");
    const Json priority = *result("getprioritisedtransactions").find(txid);
    BOOST_TEST(priority.find("fee_delta")->text == "5000");
    BOOST_TEST(priority.find("in_mempool")->truth);
    BOOST_TEST(priority.find("modified_fee")->text == "15000");
    const Json entry = result("getmempoolentry", list_of(txid));
    BOOST_TEST(entry.find("fees")->find("base")->text == "0.00010000");
    BOOST_TEST(entry.find("fees")->find("modified")->text == "0.00015000");
    BOOST_TEST(
        error("prioritisetransaction", "[\"" + txid + "\",1,5000]") ==
        "-8 Priority is no longer supported, dummy argument to prioritisetransaction must be 0.");
    BOOST_TEST(error("getmempoolentry", list_of(NO_HASH)) == "-5 Transaction not in mempool");
    BOOST_TEST(
        error("getrawmempool", "[true,true]") ==
        "-8 Verbose results cannot contain mempool sequence values.");
}

BOOST_AUTO_TEST_CASE(clusters__child_pays_for_its_parent__one_chunk) {
    mine(101);
    const std::string first = spend_coinbase(1, 500);
    const std::string parent = result("sendrawtransaction", list_of(first)).text;
    const std::string child =
        result("sendrawtransaction", "[\"" + spend(first, 20'000) + "\",0]").text;
    const Json cluster = result("getmempoolcluster", list_of(parent));
    BOOST_TEST(text_of(cluster) == text("getmempoolcluster", list_of(child)));
    BOOST_TEST(cluster.find("txcount")->text == "2");
    const std::vector<Json>& chunks = cluster.find("chunks")->items;
    BOOST_REQUIRE(chunks.size() == 1u);
    BOOST_TEST(chunks[0].find("chunkfee")->text == "0.00020500");
    BOOST_TEST(text_of(*chunks[0].find("txs")) == "[\"" + parent + "\",\"" + child + "\"]");
    const std::string weight = cluster.find("clusterweight")->text;
    BOOST_TEST(field("getmempoolentry", list_of(child), "chunkweight") == weight);
    BOOST_TEST(
        text("getmempoolfeeratediagram") ==
        "[{\"weight\":0,\"fee\":0.00000000},{\"weight\":" + weight + ",\"fee\":0.00020500}]");
    BOOST_TEST(text("getmempoolancestors", list_of(child)) == list_of(parent));
    BOOST_TEST(text("getmempooldescendants", list_of(child)) == "[]");
    const Json descendants = result("getmempooldescendants", "[\"" + parent + "\",true]");
    BOOST_TEST(text_of(*descendants.find(child)) == text("getmempoolentry", list_of(child)));
    for (const char* method : {"getmempoolcluster", "getmempoolancestors", "getmempooldescendants"})
        BOOST_TEST(error(method, list_of(NO_HASH)) == "-5 Transaction not in mempool");
    BOOST_TEST(field("getmempoolinfo", "[]", "optimal") == "true");
}

BOOST_AUTO_TEST_CASE(gettxspendingprevout__by_output__what_waits) {
    mine(101);
    const std::string first = spend_coinbase(1);
    const std::string parent = result("sendrawtransaction", list_of(first)).text;
    const std::string child = result("sendrawtransaction", list_of(spend(first))).text;
    const auto output = [](const std::string& txid) {
        return "{\"txid\":\"" + txid + "\",\"vout\":0";
    };
    BOOST_TEST(
        text("gettxspendingprevout", "[[" + output(parent) + "}," + output(child) + "}]]") ==
        "[" + output(parent) + ",\"spendingtxid\":\"" + child + "\"}," + output(child) + "}]");
    BOOST_TEST(
        error("gettxspendingprevout", "[[]]") == "-8 Invalid parameter, outputs are missing");
    BOOST_TEST(error("gettxspendingprevout", "[[{\"vout\":0}]]") == "-3 Missing txid");
    BOOST_TEST(
        error("gettxspendingprevout", "[[{\"txid\":\"" + parent + "\"}]]") == "-3 Missing vout");
    BOOST_TEST(
        error("gettxspendingprevout", "[[{\"txid\":\"" + parent + "\",\"vout\":-1}]]") ==
        "-8 Invalid parameter, vout cannot be negative");
    for (const char* vout : {"4294967296", "2147483648", "0.5"})
        BOOST_TEST(
            error(
                "gettxspendingprevout", "[[{\"txid\":\"" + parent + "\",\"vout\":" + vout +
                                            "}]]") == "-1 JSON integer out of range");
    BOOST_TEST(
        error("gettxspendingprevout", "[[{\"txid\":\"" + parent + "\",\"vout\":\"0\"}]]") ==
        "-3 JSON value of type string for field vout is not of expected type number");
}

BOOST_AUTO_TEST_CASE(estimaterawfee__counts__what_was_mined_for_its_own_price) {
    const auto counted = [this] {
        const Json raw = result("estimaterawfee", "[1]");
        return std::stod(raw.items[0].find("fail")->find("totalconfirmed")->text);
    };
    mine(103);
    BOOST_TEST(counted() == 0);
    const std::string txid = result("sendrawtransaction", list_of(spend_coinbase(1))).text;
    const std::string first = mine(1);
    BOOST_TEST(counted() == 1);
    result("invalidateblock", list_of(first));
    result("prioritisetransaction", "[\"" + txid + "\",0,-20000]");
    const std::string other = mine(1);
    mine(1);
    result("invalidateblock", list_of(other));
    result("reconsiderblock", list_of(first));
    result("reconsiderblock", list_of(other)); // back in the mempool, with no fewer blocks
    BOOST_TEST(field("getmempoolinfo", "[]", "size") == "1");
    mine(1);
    BOOST_TEST(field("getmempoolinfo", "[]", "size") == "0");
    BOOST_TEST(counted() < 1); // it fades
    const std::string parent = spend_coinbase(2, 0);
    result("submitpackage", "[[\"" + parent + "\",\"" + spend(parent, 5'000) + "\"]]");
    mine(1);
    BOOST_TEST(field("getmempoolinfo", "[]", "size") == "0");
    BOOST_TEST(counted() < 1);
}

BOOST_AUTO_TEST_CASE(estimaterawfee__came_in_while_blocks_were_missing__is_not_counted) {
    TestNode ahead;
    const auto block_at = [&](int height) {
        const Json hash = ahead.result("getblockhash", "[" + std::to_string(height) + "]");
        return ahead.result("getblock", "[\"" + hash.text + "\",0]").text;
    };
    const auto counted = [this] {
        const Json raw = result("estimaterawfee", "[1]");
        return std::stod(raw.items[0].find("fail")->find("totalconfirmed")->text);
    };
    ahead.mine(106);
    for (int height = 1; height <= 103; ++height) result("submitblock", list_of(block_at(height)));
    for (int height = 104; height <= 106; ++height)
        result("submitheader", list_of(block_at(height).substr(0, 160)));
    result("sendrawtransaction", list_of(spend_coinbase(1)));
    for (int height = 104; height <= 106; ++height)
        result("submitblock", list_of(block_at(height)));
    mine(1);
    BOOST_TEST(field("getmempoolinfo", "[]", "size") == "0");
    BOOST_TEST(counted() == 0);
    result("sendrawtransaction", list_of(spend_coinbase(2)));
    mine(1);
    BOOST_TEST(counted() == 1);
}

BOOST_AUTO_TEST_CASE(submitpackage__child_pays__tells_of_both) {
    mine(101);
    const std::string parent = spend_coinbase(1, 0);
    const std::string child = spend(parent, 5'000);
    const std::string both = "[[\"" + parent + "\",\"" + child + "\"]]";
    const Json tested = result("testmempoolaccept", both);
    BOOST_TEST(tested.items[0].find("reject-reason")->text == "min relay fee not met");
    BOOST_TEST((tested.items[1].find("allowed") == nullptr));
    const Json submitted = result("submitpackage", both);
    BOOST_TEST(submitted.find("package_msg")->text == "success");
    BOOST_TEST(text_of(*submitted.find("replaced-transactions")) == "[]");
    for (const Json& each : submitted.find("tx-results")->items) {
        BOOST_TEST((each.find("error") == nullptr));
        BOOST_TEST(each.find("fees")->find("effective-includes")->items.size() == 2u);
    }
    BOOST_TEST(result("getrawmempool").items.size() == 2u);
    const std::string swapped = "[[\"" + child + "\",\"" + parent + "\"]]";
    BOOST_TEST(error("submitpackage", swapped).starts_with("-25 package topology disallowed"));
    BOOST_TEST(
        result("testmempoolaccept", swapped).items[0].find("package-error")->text ==
        "package-not-sorted");
    BOOST_TEST(
        error("submitpackage", "[[]]") == "-8 Array must contain between 1 and 25 transactions.");
    BOOST_TEST(error("submitpackage", "[[\"00\"]]").starts_with("-22 TX decode failed"));
}

BOOST_AUTO_TEST_CASE(importmempool__what_savemempool_wrote__is_read) {
    mine(101);
    result("sendrawtransaction", list_of(spend_coinbase(1)));
    const std::string file = result("savemempool").find("filename")->text;
    mine(1);
    BOOST_TEST(text("getrawmempool") == "[]");
    BOOST_TEST(text("importmempool", list_of(file)) == "{}");
    BOOST_TEST(
        error("importmempool", list_of(file + ".absent")) ==
        "-1 Unable to import mempool file, see debug.log for details.");
    BOOST_TEST(std::filesystem::create_directory(file + ".new"));
    BOOST_TEST(error("savemempool") == "-1 Unable to dump mempool to disk");
}

BOOST_AUTO_TEST_CASE(getorphantxs__by_verbosity) {
    BOOST_TEST(text("getorphantxs") == "[]");
    BOOST_TEST(text("getorphantxs", "[2]") == "[]");
    BOOST_TEST(error("getorphantxs", "[3]") == "-8 Invalid verbosity value 3");
    BOOST_TEST(
        error("getorphantxs", "[true]") == "-3 Verbosity was boolean but only integer allowed");
}

BOOST_AUTO_TEST_SUITE_END()
