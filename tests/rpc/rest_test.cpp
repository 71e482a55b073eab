// SPDX-License-Identifier: MIT
// REST: each path in each format, and what is refused.
#include "rpc/rest.h"
#include "tests/rpc/test_node.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::rpc;
using cairn::rpc::server::parse_json;

namespace {

struct RestNode : TestNode {
    RestNode() {
        mine(101);
        txid = result("sendrawtransaction", list_of(spend_coinbase(1))).text;
        tip = mine(1);
        waiting = result("sendrawtransaction", list_of(spend_coinbase(2))).text;
    }

    Answer get(const std::string& path, const std::string& body = {}) {
        return rest_answer(dispatcher(), context(), "/rest/" + path, body);
    }

    /// The body of an answer that must succeed.
    std::string page(const std::string& path) {
        const Answer answer = get(path);
        BOOST_TEST(answer.http_status == 200, path + ": " + answer.body);
        return answer.body;
    }

    Json json(const std::string& path) { return parse_json(page(path + ".json")).value(); }

    std::string refusal(const std::string& path) {
        const Answer answer = get(path);
        return std::to_string(answer.http_status) + " " + answer.body;
    }

    std::string txid;
    std::string waiting;
    std::string tip;
};

std::string hex_of(const std::string& bytes) {
    return cairn::consensus::to_hex(cairn::consensus::as_bytes(bytes));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(rest, RestNode)

BOOST_AUTO_TEST_CASE(path__each_in_each_format__says_the_same) {
    const std::string same_in_both[] = {
        "tx/" + txid,
        "block/" + tip,
        "block/notxdetails/" + tip,
        "blockpart/" + tip,
        "headers/" + tip,
        "headers/2/" + tip,
        "blockhashbyheight/3",
        "blockfilter/basic/" + tip,
        "blockfilterheaders/basic/" + tip,
        "spenttxouts/" + tip,
        "getutxos/checkmempool/" + txid + "-0"};
    for (const std::string& path : same_in_both) {
        const std::string query = path.starts_with("blockpart") ? "?offset=4&size=32" : "";
        const std::string hex = page(path + ".hex" + query);
        std::string bytes = page(path + ".bin" + query);
        if (path.starts_with("blockhash")) std::ranges::reverse(bytes); // as people see it
        BOOST_TEST(hex == hex_of(bytes) + "\n", path);
    }
}

BOOST_AUTO_TEST_CASE(json__each_path__as_the_method_says) {
    BOOST_TEST(json("tx/" + txid).find("txid")->text == txid);
    const Json block = json("block/" + tip);
    BOOST_TEST(block.find("tx")->items[1].find("vin")->items[0].find("prevout") != nullptr);
    BOOST_TEST(json("block/notxdetails/" + tip).find("tx")->items[1].text == txid);
    BOOST_TEST(json("headers/" + tip).items[0].find("hash")->text == tip);
    BOOST_TEST(json("blockhashbyheight/102").find("blockhash")->text == tip);
    BOOST_TEST(json("chaininfo").find("bestblockhash")->text == tip);
    BOOST_TEST(json("deploymentinfo").find("hash")->text == tip);
    BOOST_TEST(json("deploymentinfo/" + tip).find("hash")->text == tip);
    BOOST_TEST(text_of(*json("mempool/info").find("size")) == "1");
    BOOST_TEST(json("mempool/contents").names.at(0) == waiting);
    BOOST_TEST(
        parse_json(page("mempool/contents.json?verbose=false&mempool_sequence=true"))
            ->find("txids")
            ->items[0]
            .text == waiting);
    const std::string filter = json("blockfilter/basic/" + tip).find("filter")->text;
    BOOST_TEST(filter == result("getblockfilter", list_of(tip)).find("filter")->text);
    BOOST_TEST(
        json("blockfilterheaders/basic/" + tip).items[0].text ==
        result("getblockfilter", list_of(tip)).find("header")->text);
    BOOST_TEST(json("spenttxouts/" + tip).items[1].items.size() == 1U);
    const std::string spent = result("getblockhash", "[2]").text;
    const std::string coinbase = result("getblock", list_of(spent)).find("tx")->items[0].text;
    const std::string both = txid + "-0/" + coinbase + "-0";
    BOOST_TEST(json("getutxos/" + both).find("bitmap")->text == "11");
    BOOST_TEST(json("getutxos/checkmempool/" + both).find("bitmap")->text == "10");
}

BOOST_AUTO_TEST_CASE(request__wrong__refused_in_the_references_words) {
    const std::pair<std::string, std::string> requests[] = {
        {"tx/abc.json", "400 Invalid hash: abc\r\n"},
        {"tx/" + NO_HASH + ".json", "404 " + NO_HASH + " not found\r\n"},
        {"tx/" + txid, "404 output format not found (available: .bin, .hex, .json)\r\n"},
        {"block/" + NO_HASH + ".bin", "404 " + NO_HASH + " not found\r\n"},
        {"headers/" + tip + ".json?count=2001",
         "400 Header count is invalid or out of acceptable range (1-2000): 2001\r\n"},
        {"blockhashbyheight/-1.json", "400 Invalid height: -1\r\n"},
        {"blockhashbyheight/1000.json", "404 Block height out of range\r\n"},
        {"blockpart/" + tip + ".bin", "400 Block part offset missing or invalid\r\n"},
        {"blockpart/" + tip + ".bin?offset=0", "400 Block part size missing or invalid\r\n"},
        {"blockpart/" + tip + ".json?offset=0&size=1",
         "400 JSON output is not supported for this request type\r\n"},
        {"chaininfo.hex", "404 output format not found (available: json)\r\n"},
        {"deploymentinfo/" + NO_HASH + ".json", "400 Block not found\r\n"},
        {"blockfilter/full/" + tip + ".json", "400 Unknown filtertype full\r\n"},
        {"mempool/contents.json?verbose=TRUE",
         "400 The \"verbose\" query parameter must be either \"true\" or \"false\".\r\n"},
        {"getutxos.json", "400 Error: empty request\r\n"},
        {"getutxos/" + txid + "--1.json", "400 Parse error\r\n"},
        {"nothing.json", "404 Not Found\r\n"}};
    for (const auto& [path, wrong] : requests) BOOST_TEST(refusal(path) == wrong);
    BOOST_TEST(get("getutxos.bin", "{\"x").http_status == 400);
    std::string many = "getutxos";
    for (int i = 0; i < 16; ++i) many += "/" + txid + "-" + std::to_string(i);
    BOOST_TEST(
        refusal(many + ".json") == "400 Error: max outpoints exceeded (max: 15, tried: 16)\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
