// SPDX-License-Identifier: MIT
// Errors that a row of the method table lists and that take a node of a special kind, or a special
// request, to meet.
#include "test_node.h"

#include <boost/test/unit_test.hpp>

#include <fstream>

using namespace cairn;
using namespace cairn::rpc;

namespace {

/// Without any index, as most nodes are.
void without_indexes(chain::ChainOptions& options) {
    for (const chain::IndexRow& row : chain::index_table()) options.*row.option = false;
}

std::string in_quotes(const std::string& text) {
    return '"' + text + '"';
}

} // namespace

BOOST_AUTO_TEST_SUITE(refusals)

BOOST_AUTO_TEST_CASE(no_index__what_needs_one__says_which) {
    TestNode node(read_params("bitcoin-regtest.json"), without_indexes);
    const std::string tip = node.mine(1);
    const std::string unindexed = "-1 Address index is not enabled (-addressindex)";
    for (const char* method : {"getaddressbalance", "getaddressutxos", "getaddresshistory"})
        BOOST_TEST(node.error(method, list_of(node.address)) == unindexed);
    BOOST_TEST(
        node.error("gettxoutsetinfo", R"(["none",0])") ==
        "-8 Querying specific block heights requires coinstatsindex");
    BOOST_TEST(
        node.error("getblockfilter", list_of(tip)) ==
        "-1 Index is not enabled for filtertype basic");
    BOOST_TEST(
        node.error(
            "gettxspendingprevout",
            R"([[{"txid":")" + tip + R"(","vout":0}],{"mempool_only":false}])") ==
        "-1 Mempool lacks a relevant spend, and txospenderindex is unavailable.");
    BOOST_TEST(
        node.error("getrawtransaction", list_of(tip)) ==
        "-5 No such mempool transaction. Use -txindex or provide a block hash to enable blockchain "
        "transaction queries. Use gettransaction for wallet transactions.");
}

BOOST_AUTO_TEST_CASE(pruned_node__what_is_gone_or_not_to_go__is_said) {
    TestNode node(read_params("bitcoin-regtest.json"), [](chain::ChainOptions& options) {
        without_indexes(options);
        options.prune_bytes = UINT64_MAX; // by the call alone
    });
    BOOST_TEST(node.error("pruneblockchain", "[-1]") == "-8 Negative block height.");
    BOOST_TEST(
        node.error("pruneblockchain", "[4000000000]") ==
        "-8 Could not find block with at least the specified timestamp.");
    BOOST_TEST(node.error("pruneblockchain", "[1]") == "-1 Blockchain is too short for pruning.");
    BOOST_TEST(
        node.error("getblockfrompeer", "[" + in_quotes(NO_HASH) + ",0]") ==
        "-1 Block header missing");
    node.mine(300);
    BOOST_TEST(
        node.error("pruneblockchain", "[301]") ==
        "-8 Blockchain is shorter than the attempted prune height.");
    BOOST_TEST(node.text("pruneblockchain", "[10]") == "10");
    const tests::TemporaryFolder folder;
    BOOST_TEST(
        node.error(
            "dumptxoutset", "[" + in_quotes((folder.path() / "coins.dat").string()) +
                                R"(,"rollback",{"rollback":5}])") ==
        "-1 Could not roll back to requested height since necessary block data is already pruned.");
    const std::string next =
        node.field("generateblock", "[" + in_quotes(node.address) + ",[],false]", "hex");
    const std::string header = TestNode::solve(next.substr(1, next.size() - 2)).substr(0, 160);
    BOOST_TEST(node.text("submitheader", list_of(header)) == "null");
    const Json tips = node.result("getchaintips");
    BOOST_TEST(
        node.error("getblockfrompeer", "[" + in_quotes(tips.items[0].find("hash")->text) + ",0]") ==
        "-1 In prune mode, only blocks that the node has already synced previously can be fetched "
        "from a peer");
}

BOOST_AUTO_TEST_CASE(pruned_node__blocks_that_are_to_be_looked_at__are_missed) {
    TestNode node(read_params("bitcoin-regtest.json"), [](chain::ChainOptions& options) {
        without_indexes(options);
        options.block_filters = true;
        options.prune_bytes = UINT64_MAX;
    });
    node.mine(300);
    BOOST_TEST(node.text("pruneblockchain", "[10]") == "10");
    const auto scan = [&](const std::string& first, const std::string& exactly) {
        return R"(["start",["addr()" + node.address + R"x()"],)x" + first +
               R"(,300,"basic",{"filter_false_positives":)" + exactly + "}]";
    };
    BOOST_TEST(
        node.error("scanblocks", scan("5", "true")) == "-1 Block not available (pruned data)");
    BOOST_TEST(node.result("scanblocks", scan("5", "false")).find("completed")->truth);
    BOOST_TEST(node.result("scanblocks", scan("11", "true")).find("completed")->truth);
}

BOOST_AUTO_TEST_CASE(coins__files_and_types_that_do_not_do__are_named) {
    TestNode node;
    const std::string stale = node.mine(3);
    const tests::TemporaryFolder folder;
    const std::string file = (folder.path() / "coins.dat").string();
    const std::string nowhere = (folder.path() / "no" / "coins.dat").string();
    BOOST_TEST(
        node.error("gettxoutsetinfo", R"(["sha1"])") == "-8 'sha1' is not a valid hash_type");
    BOOST_TEST(
        node.error("dumptxoutset", "[" + in_quotes(file) + R"(,"all"])") ==
        R"(-8 Invalid snapshot type "all" specified. Please specify "rollback" or "latest")");
    BOOST_TEST(
        node.error("dumptxoutset", "[" + in_quotes(file) + R"(,"rollback"])") ==
        "-8 The chain file has no snapshot height so far");
    node.result("invalidateblock", list_of(stale));
    BOOST_TEST(
        node.error(
            "dumptxoutset", "[" + in_quotes(file) + R"(,"rollback",{"rollback":)" +
                                in_quotes(stale) + "}]") == "-5 Block is not in the active chain");
    node.result("dumptxoutset", "[" + in_quotes(file) + R"(,"latest"])");
    BOOST_TEST(
        node.error("dumptxoutset", "[" + in_quotes(file) + R"(,"latest"])") ==
        "-8 " + file +
            " already exists. If you are sure this is what you want, move it out of the way "
            "first.");
    BOOST_TEST(
        node.error("dumptxoutset", "[" + in_quotes(nowhere) + R"(,"latest"])") ==
        "-8 Couldn't open file " + nowhere + ".incomplete for writing.");
    BOOST_TEST(
        node.error("loadtxoutset", list_of(nowhere)) ==
        "-8 Couldn't open file " + nowhere + " for reading.");
    std::ofstream(folder.path() / "rubbish") << "rubbish";
    BOOST_TEST(node.error("loadtxoutset", list_of((folder.path() / "rubbish").string()))
                   .starts_with("-22 Unable to parse metadata: "));
}

BOOST_AUTO_TEST_CASE(transactions__that_do_not_do__are_named) {
    TestNode node;
    node.mine(102);
    const std::string first = node.spend_coinbase(1);
    const std::string second = node.spend_coinbase(2);
    BOOST_TEST(
        node.error("submitpackage", R"([[")" + first + R"(",")" + second + R"("]])") ==
        "-25 package topology disallowed. not child-with-parents or parents depend on each other.");
    BOOST_TEST(
        node.error("testmempoolaccept", R"([["00"]])") ==
        "-22 TX decode failed: 00 Make sure the tx has at least one input.");
    BOOST_TEST(
        node.error("generateblock", "[" + in_quotes(node.address) + R"(,["00"]])") ==
        "-22 Transaction decode failed for 00. Make sure the tx has at least one input.");
    const std::string spent =
        node.field("decoderawtransaction", list_of(first), "vin"); // of a coinbase
    const std::string txid = server::parse_json(spent)->items[0].find("txid")->text;
    const std::string input = R"([{"txid":")" + txid + R"(","vout":0}])";
    BOOST_TEST(
        node.error("createrawtransaction", "[" + input + ",null]") ==
        "-8 Invalid parameter, output argument must be non-null");
    const std::string burning =
        node.result("createrawtransaction", "[" + input + R"(,[{"data":"00"}]])").text;
    const std::string lost = node.text(
        "createrawtransaction", "[" + input + R"(,[{"data":"00"},{")" + node.address + R"(":1}]])");
    BOOST_TEST(node.error("sendrawtransaction", list_of(burning)).starts_with("-2"));
    BOOST_TEST(
        node.error("decodescript", R"(["zz"])") ==
        "-8 argument must be hexadecimal string (not 'zz')");
    const std::string wrong_coin =
        R"([{"txid":")" + txid + R"(","vout":0,"scriptPubKey":"51","amount":50}])";
    BOOST_TEST(node.error("signrawtransactionwithkey", "[" + lost + ",[]," + wrong_coin + "]")
                   .starts_with("-22 Previous output scriptPubKey mismatch:\n"));
    const std::string key =
        in_quotes("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    std::string keys = key;
    for (int i = 1; i < 21; ++i) keys += "," + key;
    BOOST_TEST(
        node.error("createmultisig", "[1,[" + keys + "]]") ==
        "-8 Number of keys involved in the multisignature address creation > 20\nReduce the "
        "number");
}

BOOST_AUTO_TEST_CASE(header_alone__body_and_filter__are_not_there) {
    TestNode node;
    const std::string block =
        node.result("generateblock", "[" + in_quotes(node.address) + ",[],false]")
            .find("hex")
            ->text;
    const std::string header = TestNode::solve(block).substr(0, 160);
    BOOST_TEST(node.text("submitheader", list_of(header)) == "null");
    const std::string hash = node.result("getchaintips").items[0].find("hash")->text;
    BOOST_TEST(
        node.error("getblock", list_of(hash)) == "-1 Block not available (not fully downloaded)");
    BOOST_TEST(
        node.error("getblockfilter", list_of(hash)) ==
        "-5 Filter not found. Block was not connected to active chain.");
}

BOOST_AUTO_TEST_CASE(other_chains__what_they_do_not_do__is_said) {
    TestNode mainnet(read_params("bitcoin-mainnet.json"));
    BOOST_TEST(
        mainnet.error("importmempool", R"(["mempool.dat"])") ==
        "-10 Can only import the mempool after the block download and sync is done.");
    TestNode signet(read_params("bitcoin-signet.json"));
    BOOST_TEST(
        signet.error("getblocktemplate", R"([{"rules":["segwit"]}])") ==
        R"(-8 getblocktemplate must be called with the signet rule set (call with {"rules": )"
        R"(["segwit", "signet"]}))");
}

BOOST_AUTO_TEST_CASE(burn__more_coins_than_allowed__refused) {
    TestNode node;
    node.mine(101);
    auto tx = consensus::decode<consensus::Transaction>(
        consensus::from_hex(node.spend_coinbase(1)).value());
    BOOST_REQUIRE(tx.has_value());
    tx->outputs[0].script_pubkey.clear();
    consensus::push_opcode(tx->outputs[0].script_pubkey, consensus::OP_RETURN);
    consensus::push_data(tx->outputs[0].script_pubkey, consensus::Bytes(32));
    const std::string hex = consensus::to_hex(consensus::encode(*tx));
    const std::string burns =
        "-25 Unspendable output exceeds maximum configured by user (maxburnamount)";
    BOOST_TEST(node.error("sendrawtransaction", list_of(hex)) == burns);
    BOOST_TEST(node.error("submitpackage", "[[" + in_quotes(hex) + "]]") == burns);
    BOOST_TEST(node.text("sendrawtransaction", "[" + in_quotes(hex) + ",0.1,50]").size() == 66U);
}

BOOST_AUTO_TEST_SUITE_END()
