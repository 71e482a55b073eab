// SPDX-License-Identifier: MIT
// Proofs, figures of blocks, and the document of all methods.
#include "tests/rpc/test_node.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace cairn::rpc;

BOOST_FIXTURE_TEST_SUITE(proofs, TestNode)

BOOST_AUTO_TEST_CASE(gettxoutproof__transactions_of_a_block__verified) {
    mine(103);
    const auto send = [this](int height) {
        return result("sendrawtransaction", list_of(spend_coinbase(height))).text;
    };
    const std::string first = send(1);
    const std::string second = send(2);
    const std::string list = "[[\"" + first + "\",\"" + second + "\"]]";
    // Its outputs are no coins yet, but -txindex is on.
    BOOST_TEST(error("gettxoutproof", list) == "-5 Transaction not yet in block");
    const std::string tip = mine(1);
    const Json shown = result("verifytxoutproof", list_of(result("gettxoutproof", list).text));
    BOOST_TEST(shown.items.size() == 2U);
    const std::string named = "[[\"" + first + "\"],\"" + tip + "\"]";
    const std::string proof = result("gettxoutproof", named).text;
    BOOST_TEST(text("verifytxoutproof", list_of(proof)) == list_of(first));
    std::string broken = proof;
    broken[200] = broken[200] == '0' ? '1' : '0';
    BOOST_TEST(text("verifytxoutproof", list_of(broken)) == "[]");
    BOOST_TEST(error("verifytxoutproof", list_of("00")) == "-22 Proof decode failed");
    BOOST_TEST(error("gettxoutproof", "[[]]") == "-8 Parameter 'txids' cannot be empty");
    BOOST_TEST(
        error("gettxoutproof", "[[\"" + first + "\",\"" + first + "\"]]") ==
        "-8 Invalid parameter, duplicated txid: " + first);
    BOOST_TEST(
        error("gettxoutproof", "[[\"" + first + "\",\"" + NO_HASH + "\"],\"" + tip + "\"]") ==
        "-5 Not all transactions found in specified or retrieved block");
    result("invalidateblock", list_of(tip));
    BOOST_TEST(error("verifytxoutproof", list_of(proof)) == "-5 Block not found in chain");
}

BOOST_AUTO_TEST_CASE(verifychain__each_level__finds_nothing_wrong) {
    mine(103);
    const std::string parent = spend_coinbase(1);
    result("sendrawtransaction", list_of(parent));
    result("sendrawtransaction", list_of(spend(parent))); // within one block
    mine(2);
    for (const char* level : {"0", "1", "2", "3", "4"})
        BOOST_TEST(text("verifychain", "[" + std::string(level) + ",0]") == "true", level);
}

BOOST_AUTO_TEST_CASE(getblockstats__a_block__its_figures) {
    mine(102);
    result("sendrawtransaction", list_of(spend_coinbase(1, 20'000)));
    result("sendrawtransaction", list_of(spend_coinbase(2, 10'000)));
    const std::string tip = mine(1);
    const Json stats = result("getblockstats", list_of(tip));
    const auto figure = [&](const char* name) { return text_of(*stats.find(name)); };
    BOOST_TEST(figure("txs") == "3");
    BOOST_TEST(figure("totalfee") == "30000");
    BOOST_TEST(figure("avgfee") == "15000");
    BOOST_TEST(figure("medianfee") == "15000");
    BOOST_TEST(figure("minfee") == "10000");
    BOOST_TEST(figure("maxfee") == "20000");
    BOOST_TEST(figure("ins") == "2");
    BOOST_TEST(figure("swtxs") == "2");
    BOOST_TEST(figure("subsidy") == "5000000000");
    BOOST_TEST(
        text("getblockstats", "[103,[\"maxfee\",\"height\"]]") ==
        R"({"maxfee":20000,"height":103})");
    // Nobody can spend the coinbase of genesis.
    BOOST_TEST(
        text("getblockstats", R"([0,["utxo_increase","utxo_increase_actual"]])") ==
        R"({"utxo_increase":1,"utxo_increase_actual":0})");
    BOOST_TEST(error("getblockstats", "[1,[\"x\"]]") == "-8 Invalid selected statistic 'x'");
    BOOST_TEST(
        error("getblockstats", "[104]") == "-8 Target block height 104 after current tip 103");
    BOOST_TEST(error("getblockstats", list_of(NO_HASH)) == "-5 Block not found");
}

BOOST_AUTO_TEST_CASE(discover__all_methods__as_openrpc) {
    const Json document = result("rpc.discover");
    BOOST_TEST(document.find("openrpc")->text == "1.2.6");
    const std::vector<Json>& methods = document.find("methods")->items;
    size_t count = 0;
    for (const server::Group& group : dispatcher().groups()) count += group.methods.size();
    BOOST_TEST(methods.size() == count);
    const auto named = [&](std::string_view name) -> const Json& {
        const auto is_it = [&](auto& method) { return method.find("name")->text == name; };
        return *std::ranges::find_if(methods, is_it);
    };
    const auto param = [&](std::string_view name, size_t at) -> const Json& {
        return named(name).find("params")->items.at(at);
    };
    const Json& block = named("getblock");
    const Json& first = param("getblock", 0);
    BOOST_TEST(first.find("name")->text == "blockhash");
    BOOST_TEST(first.find("required")->truth);
    BOOST_TEST(first.find("schema")->find("pattern")->text == "^[0-9a-fA-F]{64}$");
    BOOST_TEST(block.find("result")->find("schema")->find("anyOf")->items.size() == 3U);
    BOOST_TEST(text_of(*block.find("x-example")) == R"(["$BLOCKHASH",2])");
    BOOST_TEST(text_of(*block.find("tags")) == R"([{"name":"Blockchain"}])");
    BOOST_TEST(text_of(*named("generateblock").find("tags")) == R"([{"name":"hidden"}])");
    const Json& by_name = *param("getblockstats", 0).find("schema")->find("anyOf");
    BOOST_TEST(by_name.items.at(0).find("type")->text == "integer");
    BOOST_TEST(by_name.items.at(1).find("type")->text == "string");
    const Json& input = *param("createrawtransaction", 0).find("schema")->find("items");
    BOOST_TEST(text_of(*input.find("required")) == R"(["txid","vout"])");
}

BOOST_AUTO_TEST_SUITE_END()
