// SPDX-License-Identifier: MIT
// What the methods do, and the errors they answer with, on a real chain.
#include "consensus/address.h"
#include "rpc/describe.h"
#include "tests/rpc/test_node.h"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <spdlog/spdlog.h>

using namespace cairn::rpc;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(methods, TestNode)

BOOST_AUTO_TEST_CASE(blocks__by_hash_and_height__as_mined) {
    const std::string tip = mine(3);
    BOOST_TEST(text("getblockcount") == "3");
    BOOST_TEST(result("getbestblockhash").text == tip);
    BOOST_TEST(result("getblockhash", "[3]").text == tip);
    BOOST_TEST(error("getblockhash", "[4]") == "-8 Block height out of range");
    BOOST_TEST(error("getblockhash", "[-1]") == "-8 Block height out of range");
    BOOST_TEST(error("getblock", list_of(NO_HASH)) == "-5 Block not found");
    BOOST_TEST(error("getblockheader", list_of(NO_HASH)) == "-5 Block not found");
    const std::string bytes = result("getblock", "[\"" + tip + "\",0]").text;
    BOOST_TEST(result("getblock", "[\"" + tip + "\",false]").text == bytes);
    BOOST_TEST(result("getblockheader", "[\"" + tip + "\",false]").text == bytes.substr(0, 160));
    BOOST_TEST(field("getblock", list_of(tip), "confirmations") == "1");
    BOOST_TEST(field("getblock", list_of(tip), "nextblockhash") == "absent");
    const std::string genesis = result("getblockhash", "[0]").text;
    BOOST_TEST(field("getblock", list_of(genesis), "previousblockhash") == "absent");
    BOOST_TEST(field("getblock", list_of(genesis), "confirmations") == "4");
    BOOST_TEST(result("getblock", "[\"" + tip + "\",2]").find("tx")->items.size() == 1U);
}

BOOST_AUTO_TEST_CASE(getblockfilter__known_and_unknown) {
    const std::string tip = mine(1);
    BOOST_TEST(result("getblockfilter", list_of(tip)).find("filter")->text.size() > 2U);
    BOOST_TEST(error("getblockfilter", list_of(NO_HASH)) == "-5 Block not found");
    BOOST_TEST(error("getblockfilter", "[\"" + tip + "\",\"full\"]") == "-5 Unknown filtertype");
}

BOOST_AUTO_TEST_CASE(transaction__from_sending_to_block__seen_everywhere) {
    mine(101);
    const std::string hex = spend_coinbase(1);
    const std::string txid = result("decoderawtransaction", list_of(hex)).find("txid")->text;
    const Json tested = result("testmempoolaccept", "[[\"" + hex + "\"]]").items.at(0);
    BOOST_TEST(tested.find("allowed")->truth);
    BOOST_TEST(tested.find("fees")->find("base")->text == "0.00010000");
    BOOST_TEST(result("sendrawtransaction", list_of(hex)).text == txid);
    BOOST_TEST(result("sendrawtransaction", list_of(hex)).text == txid); // again: no error
    BOOST_TEST(
        result("testmempoolaccept", "[[\"" + hex + "\"]]")
            .items.at(0)
            .find("reject-reason")
            ->text == "txn-already-in-mempool");
    BOOST_TEST(text("getrawmempool") == list_of(txid));
    BOOST_TEST(field("getmempoolentry", list_of(txid), "unbroadcast") == "true");
    BOOST_TEST(field("getmempoolinfo", "[]", "unbroadcastcount") == "1");
    BOOST_TEST(result("getrawtransaction", list_of(txid)).text == hex);
    BOOST_TEST(field("gettxout", "[\"" + txid + "\",0]", "confirmations") == "0");
    BOOST_TEST(text("gettxout", "[\"" + txid + "\",0,false]") == "null");
    const std::string block = mine(1);
    BOOST_TEST(text("getrawmempool") == "[]");
    BOOST_TEST(field("gettxout", "[\"" + txid + "\",0]", "value") == "49.99990000");
    const std::string found = "[\"" + txid + "\",2,\"" + block + "\"]";
    BOOST_TEST(field("getrawtransaction", found, "fee") == "0.00010000");
    BOOST_TEST(field("getrawtransaction", found, "in_active_chain") == "true");
    BOOST_TEST(result("getrawtransaction", list_of(txid)).text == hex); // by the index
    BOOST_TEST(field("getrawtransaction", "[\"" + txid + "\",2]", "confirmations") == "1");
    BOOST_TEST(
        error("sendrawtransaction", list_of(hex)) == "-27 Transaction outputs already in utxo set");
    const Json tx3 = result("getblock", "[\"" + block + "\",3]").find("tx")->items.at(1);
    BOOST_TEST(text_of(*tx3.find("fee")) == "0.00010000");
    const Json* prevout = tx3.find("vin")->items.at(0).find("prevout");
    BOOST_TEST(prevout->find("generated")->truth);
    BOOST_TEST(prevout->find("height")->text == "1");
}

BOOST_AUTO_TEST_CASE(getrawtransaction__not_there__says_where_it_looked) {
    const std::string tip = mine(1);
    BOOST_TEST(
        error("getrawtransaction", "[\"" + NO_HASH + "\",0,\"" + NO_HASH + "\"]") ==
        "-5 Block hash not found");
    BOOST_TEST(
        error("getrawtransaction", "[\"" + NO_HASH + "\",0,\"" + tip + "\"]") ==
        "-5 No such transaction found in the provided block. Use gettransaction for wallet "
        "transactions.");
    BOOST_TEST(
        error("getrawtransaction", list_of(NO_HASH)) ==
        "-5 No such mempool or blockchain transaction. Use gettransaction for wallet "
        "transactions.");
    const std::string genesis = result("getblockhash", "[0]").text;
    const std::string coinbase = result("getblock", list_of(genesis)).find("tx")->items.at(0).text;
    BOOST_TEST(
        error("getrawtransaction", list_of(coinbase)) ==
        "-5 The genesis block coinbase is not considered an ordinary transaction and cannot be "
        "retrieved");
}

BOOST_AUTO_TEST_CASE(sendrawtransaction__refused__code_and_reason) {
    mine(101);
    BOOST_TEST(
        error("sendrawtransaction", "[\"00\"]") ==
        "-22 TX decode failed. Make sure the tx has at least one input.");
    BOOST_TEST(error("sendrawtransaction", list_of(spend_coinbase(1, 0)))
                   .starts_with("-26 min relay fee"));
    BOOST_TEST(
        error("sendrawtransaction", list_of(spend_coinbase(3))) ==
        "-26 bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 99");
    std::string missing = spend_coinbase(1);
    missing[20] = missing[20] == '0' ? '1' : '0'; // in the outpoint's txid
    BOOST_TEST(
        error("sendrawtransaction", list_of(missing)) == "-25 bad-txns-inputs-missingorspent");
    BOOST_TEST(
        result("testmempoolaccept", "[[\"" + missing + "\"]]")
            .items.at(0)
            .find("reject-reason")
            ->text == "missing-inputs");
    const std::string generous = spend_coinbase(1, 100'000'000);
    BOOST_TEST(
        error("sendrawtransaction", list_of(generous)) ==
        "-25 Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
    BOOST_TEST(
        result("testmempoolaccept", "[[\"" + generous + "\"]]")
            .items.at(0)
            .find("reject-reason")
            ->text == "max-fee-exceeded");
    BOOST_TEST(
        error("sendrawtransaction", "[\"" + generous + "\",1]") ==
        "-8 Fee rates larger than or equal to 1BTC/kvB are not accepted");
    result("sendrawtransaction", "[\"" + generous + "\",0]"); // no limit
    BOOST_TEST(
        error("testmempoolaccept", "[[]]") ==
        "-8 Array must contain between 1 and 25 transactions.");
}

BOOST_AUTO_TEST_CASE(maxfeerate__size_raised_by_sigops__sendrawtransaction_takes_the_plain_one) {
    using namespace cairn::consensus;
    mine(101);
    const Bytes bytes = from_hex(spend_coinbase(1, 30'000)).value();
    Reader reader(bytes);
    auto tx = reader.read<Transaction>();
    Script multisig; // counts for 20 signature checks
    push_number(multisig, 1);
    for (int i = 0; i < 3; ++i) push_data(multisig, Bytes(33, 2));
    push_number(multisig, 3);
    push_opcode(multisig, OP_CHECKMULTISIG);
    tx.outputs.push_back({1'000, multisig});
    tx.outputs[0].value -= Amount(1'000);
    const std::string hex = to_hex(encode(tx));
    const Json tested = result("testmempoolaccept", "[[\"" + hex + "\"],0.001]").items.at(0);
    BOOST_TEST(tested.find("vsize")->text == "400"); // so this is 75 satoshis a virtual byte
    BOOST_TEST(
        error("sendrawtransaction", "[\"" + hex + "\",0.001]") ==
        "-25 Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
    result("sendrawtransaction", "[\"" + hex + "\",0.002]");
}

BOOST_AUTO_TEST_CASE(getblocktemplate__young_chain_without_peers__is_mineable) {
    mine(101);
    const std::string txid = result("sendrawtransaction", list_of(spend_coinbase(1))).text;
    BOOST_TEST(
        error("getblocktemplate", "[{}]") ==
        "-8 getblocktemplate must be called with the segwit rule set (call with {\"rules\": "
        "[\"segwit\"]})");
    BOOST_TEST(
        error("getblocktemplate", R"([{"mode":"x","rules":["segwit"]}])") == "-8 Invalid mode");
    const Json made = result("getblocktemplate", R"([{"rules":["segwit"]}])");
    BOOST_TEST(made.find("previousblockhash")->text == result("getbestblockhash").text);
    BOOST_TEST(made.find("coinbasevalue")->text == "5000010000");
    BOOST_TEST(made.find("transactions")->items.at(0).find("txid")->text == txid);
    BOOST_TEST(made.find("height")->text == "102");
    BOOST_TEST(field("getmininginfo", "[]", "currentblocktx") == "1");
}

BOOST_AUTO_TEST_CASE(getblocktemplate__asked_again__tells_the_time_and_what_is_new) {
    mine(101);
    const auto ask_now = [this] { return result("getblocktemplate", R"([{"rules":["segwit"]}])"); };
    const Json first = ask_now();
    const int64_t later = std::stoll(first.find("curtime")->text) + 1000;
    result("setmocktime", "[" + std::to_string(later) + "]");
    const Json again = ask_now();
    BOOST_TEST(again.find("curtime")->text == std::to_string(later));
    BOOST_TEST(again.find("longpollid")->text == first.find("longpollid")->text);
    const std::string txid = result("sendrawtransaction", list_of(spend_coinbase(1))).text;
    BOOST_TEST(ask_now().find("transactions")->items.at(0).find("txid")->text == txid);
    result("prioritisetransaction", "[\"" + txid + "\",0,-100000000]");
    BOOST_TEST(ask_now().find("transactions")->items.empty());
    const std::string tip = mine(1);
    BOOST_TEST(ask_now().find("previousblockhash")->text == tip);
}

BOOST_AUTO_TEST_CASE(getblocktemplate__behind_a_header_in_initial_download__refused) {
    const std::string block =
        result("generateblock", "[\"" + address + "\",[],false]").find("hex")->text;
    result("getblocktemplate", R"([{"rules":["segwit"]}])"); // the first block of a chain
    result("submitheader", "[\"" + block.substr(0, 160) + "\"]");
    BOOST_TEST(
        error("getblocktemplate", R"([{"rules":["segwit"]}])") ==
        "-10 The node is in initial sync and waiting for blocks...");
    result("submitblock", "[\"" + block + "\"]");
    result("getblocktemplate", R"([{"rules":["segwit"]}])");
}

BOOST_AUTO_TEST_CASE(getblocktemplate__long_poll__answers_on_a_new_tip) {
    mine(1);
    const std::string id =
        result("getblocktemplate", R"([{"rules":["segwit"]}])").find("longpollid")->text;
    std::future<Json> poll =
        ask("getblocktemplate", R"([{"rules":["segwit"],"longpollid":")" + id + "\"}]");
    BOOST_TEST((poll.wait_for(0s) == std::future_status::timeout));
    const std::string tip = mine(1);
    BOOST_TEST(poll.get().find("result")->find("previousblockhash")->text == tip);
    BOOST_TEST(
        error("getblocktemplate", R"([{"rules":["segwit"],"longpollid":"x"}])") ==
        "-8 longpollid must be of length 64 (not 1, for 'x')");
}

BOOST_AUTO_TEST_CASE(getblocktemplate__proposal__verdict_without_proof_of_work) {
    mine(1);
    const auto propose = [this](const std::string& hex) {
        return text("getblocktemplate", R"([{"mode":"proposal","data":")" + hex + "\"}]");
    };
    const std::string block =
        result("generateblock", "[\"" + address + "\",[],false]").find("hex")->text;
    BOOST_TEST(propose(block) == "null");
    std::string bad_root = block;
    bad_root[80] = bad_root[80] == '0' ? '1' : '0';
    BOOST_TEST(propose(bad_root) == "\"bad-txnmrklroot\"");
    const std::string tip = result("getbestblockhash").text;
    BOOST_TEST(propose(result("getblock", "[\"" + tip + "\",0]").text) == "\"duplicate\"");
    result("generatetodescriptor", R"x([1,"raw(51)"])x"); // another block than the one proposed
    BOOST_TEST(propose(block) == "\"inconclusive-not-best-prevblk\"");
    const std::string next =
        result("generateblock", "[\"" + address + "\",[],false]").find("hex")->text;
    BOOST_TEST(text("submitheader", list_of(next.substr(0, 160))) == "null");
    BOOST_TEST(propose(next) == "\"duplicate-inconclusive\"");
    BOOST_TEST(
        error("getblocktemplate", R"([{"mode":"proposal"}])") ==
        "-3 Missing data String key for proposal");
    BOOST_TEST(
        error("getblocktemplate", R"([{"mode":"proposal","data":"00"}])") ==
        "-22 Block decode failed");
}

BOOST_AUTO_TEST_CASE(submitblock__each_outcome__bip22_word) {
    const std::string tip = mine(2);
    const std::string block =
        result("generateblock", "[\"" + address + "\",[],false]").find("hex")->text;
    const std::string rival =
        result("generateblock", R"x(["raw(51)",[],false])x").find("hex")->text;
    BOOST_TEST(error("submitblock", "[\"00\"]") == "-22 Block decode failed");
    BOOST_TEST(text("submitblock", list_of(block.substr(0, 160) + "00")) == "\"bad-txnmrklroot\"");
    BOOST_TEST(text("submitblock", list_of(block + "00")) == "null"); // the rest is ignored
    BOOST_TEST(text("submitblock", list_of(block)) == "\"duplicate\"");
    BOOST_TEST(text("submitblock", list_of(rival)) == "\"inconclusive\"");
    std::string bad_root = block;
    bad_root[80] = bad_root[80] == '0' ? '1' : '0';
    BOOST_TEST(text("submitblock", list_of(solve(bad_root))) == "\"bad-txnmrklroot\"");
    BOOST_TEST(result("getchaintips").items.size() == 2U);
    BOOST_TEST(error("submitheader", "[\"00\"]") == "-22 Block header decode failed");
    BOOST_TEST(text("submitheader", list_of(block.substr(0, 160))) == "null");
    BOOST_TEST(text("submitheader", list_of(block)) == "null");
    const std::string orphan = block.substr(0, 8) + NO_HASH + block.substr(72, 88);
    BOOST_TEST(
        error("submitheader", list_of(orphan)) ==
        "-25 Must submit previous header (" + NO_HASH + ") first");
}

BOOST_AUTO_TEST_CASE(generateblock__chosen_transactions__in_that_block) {
    mine(102);
    const std::string first = spend_coinbase(1);
    const std::string second = spend_coinbase(2);
    const std::string waiting = result("sendrawtransaction", list_of(first)).text;
    const std::string params = "[\"" + address + "\",[\"" + second + "\",\"" + waiting + "\"]]";
    const std::string hash = result("generateblock", params).find("hash")->text;
    BOOST_TEST(result("getbestblockhash").text == hash);
    BOOST_TEST(result("getblock", list_of(hash)).find("tx")->items.size() == 3U);
    BOOST_TEST(text("getrawmempool") == "[]");
    BOOST_TEST(
        error("generateblock", "[\"" + address + "\",[\"" + NO_HASH + "\"]]") ==
        "-5 Transaction " + NO_HASH + " not in mempool.");
    BOOST_TEST(error("generateblock", "[\"" + address + "\",[\"" + second + "\"]]")
                   .starts_with("-25 TestBlockValidity failed: bad-txns-inputs-missingorspent"));
    BOOST_TEST(
        error("generateblock", "[\"nobody\",[]]") == "-5 Error: Invalid address or descriptor");
    BOOST_TEST(error("generatetoaddress", "[1,\"nobody\"]") == "-5 Error: Invalid address");
    BOOST_TEST(
        error("generatetodescriptor", "[1,\"raw(51)#xxxxxxxx\"]") ==
        "-5 Provided checksum 'xxxxxxxx' does not match computed checksum '8lvh9jxk'");
    BOOST_TEST(result("generatetodescriptor", "[2,\"addr(" + address + ")\"]").items.size() == 2U);
}

BOOST_AUTO_TEST_CASE(invalidateblock__and_back__tip_moves) {
    const std::string second = mine(2);
    const std::string third = mine(1);
    result("invalidateblock", list_of(third));
    BOOST_TEST(result("getbestblockhash").text == second);
    BOOST_TEST(result("getchaintips").items.at(0).find("status")->text == "invalid");
    result("reconsiderblock", list_of(third));
    BOOST_TEST(result("getbestblockhash").text == third);
    BOOST_TEST(error("preciousblock", list_of(NO_HASH)) == "-5 Block not found");
}

BOOST_AUTO_TEST_CASE(getnetworkhashps__bounds) {
    mine(5);
    BOOST_TEST(
        error("getnetworkhashps", "[0]") == "-8 Invalid nblocks. Must be a positive number or -1.");
    BOOST_TEST(error("getnetworkhashps", "[1,6]") == "-8 Block does not exist at specified height");
    BOOST_TEST(text("getnetworkhashps", "[120,0]") == "0");
}

BOOST_AUTO_TEST_CASE(estimaterawfee__nothing_seen_yet__says_so) {
    BOOST_TEST(field("estimatesmartfee", "[6]", "feerate") == "0.00000100");
    BOOST_TEST(field("estimatesmartfee", "[6,\"CONSERVATIVE\"]", "blocks") == "6");
    const Json raw = result("estimaterawfee", "[6,0.5]");
    BOOST_TEST((raw.names == std::vector<std::string>{"short", "medium", "long"}));
    BOOST_TEST(raw.items[0].find("feerate") == nullptr);
    BOOST_TEST(result("estimaterawfee", "[100]").names.size() == 1U);
    BOOST_TEST(
        error("estimaterawfee", "[0]") == "-8 Invalid conf_target, must be between 1 and 1008");
    for (const char* threshold : {"2", "-1", "1e999"})
        BOOST_TEST(
            error("estimaterawfee", "[1," + std::string(threshold) + "]") ==
            "-8 Invalid threshold");
}

BOOST_AUTO_TEST_CASE(estimatesmartfee__quiet_chain__a_floor_and_never_an_error) {
    for (const char* target : {"1", "2", "1008"})
        BOOST_TEST(
            field("estimatesmartfee", "[" + std::string(target) + "]", "feerate") == "0.00000100");
    BOOST_TEST(field("estimatesmartfee", "[1]", "blocks") == "2");
    BOOST_TEST(
        error("estimatesmartfee", "[0]") == "-8 Invalid conf_target, must be between 1 and 1008");
    BOOST_TEST(
        error("estimatesmartfee", "[1,\"x\"]") ==
        "-8 Invalid estimate_mode parameter, must be one of: \"unset\", \"economical\", "
        "\"conservative\"");
}

BOOST_AUTO_TEST_CASE(setmocktime__range_and_chain) {
    result("setmocktime", "[1800000000]");
    BOOST_TEST(clock().wall_seconds() == 1'800'000'000);
    mine(1);
    BOOST_TEST(field("getblockchaininfo", "[]", "time") == "1800000000");
    BOOST_TEST(
        error("setmocktime", "[-1]") ==
        "-8 Mocktime must be in the range [0, 4294967295], not -1.");
    result("mockscheduler", "[3600]");
    for (const char* delta : {"[0]", "[3601]"})
        BOOST_TEST(
            error("mockscheduler", delta) ==
            "-1 delta_time must be between 1 and 3600 seconds (1 hr)");
    TestNode mainnet(read_params("bitcoin-mainnet.json"));
    const std::pair<std::string, std::string> calls[] = {
        {"setmocktime", "[1]"},
        {"mockscheduler", "[1]"},
        {"addconnection", R"(["127.0.0.1:1","feeler",false])"}};
    for (const auto& [method, params] : calls)
        BOOST_TEST(
            mainnet.error(method, params) ==
            "-1 " + method + " is for regression testing (-regtest mode) only");
}

BOOST_AUTO_TEST_CASE(validateaddress__good_and_bad) {
    const Json good = result("validateaddress", list_of(address));
    BOOST_TEST(good.find("isvalid")->truth);
    BOOST_TEST(good.find("isscript")->truth);
    BOOST_TEST(good.find("witness_version")->text == "0");
    const Json key =
        result("validateaddress", "[\"BCRT1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KYGT080\"]");
    BOOST_TEST(key.find("address")->text == "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080");
    BOOST_TEST(!key.find("isscript")->truth);
    const Json bad = result("validateaddress", "[\"bcrt\"]");
    BOOST_TEST(!bad.find("isvalid")->truth);
    BOOST_TEST(!bad.find("error")->text.empty());
}

BOOST_AUTO_TEST_CASE(peers__none__errors_name_them) {
    BOOST_TEST(text("getpeerinfo") == "[]");
    BOOST_TEST(text("getconnectioncount") == "0");
    BOOST_TEST(
        error("disconnectnode", "[\"1.2.3.4:5\"]") == "-29 Node not found in connected nodes");
    BOOST_TEST(error("disconnectnode", "[\"\",7]") == "-29 Node not found in connected nodes");
    BOOST_TEST(
        error("disconnectnode", "[\"1.2.3.4:5\",7]") ==
        "-32602 Only one of address and nodeid should be provided.");
    BOOST_TEST(
        error("addnode", "[\"127.0.0.1:1\",\"remove\"]") ==
        "-24 Error: Node could not be removed. It has not been added previously.");
    result("addnode", R"(["127.0.0.1:1","add"])");
    BOOST_TEST(error("addnode", R"(["127.0.0.1:1","add"])") == "-23 Error: Node already added");
    BOOST_TEST(result("getaddednodeinfo").items.at(0).find("addednode")->text == "127.0.0.1:1");
    BOOST_TEST(
        error("getaddednodeinfo", "[\"127.0.0.1:2\"]") == "-24 Error: Node has not been added.");
    BOOST_TEST(error("addnode", "[\"127.0.0.1:1\",\"x\"]").starts_with("-1 addnode \"node\""));
    BOOST_TEST(text("setnetworkactive", "[false]") == "false");
    BOOST_TEST(error("getnodeaddresses", "[-1]") == "-8 Address count out of range");
    BOOST_TEST(error("getnodeaddresses", "[1,\"x\"]") == "-8 Network not recognized: x");
}

BOOST_AUTO_TEST_CASE(addpeeraddress__makes_it_known_once) {
    BOOST_TEST(field("addpeeraddress", R"(["5.6.7.8",8333,true])", "success") == "true");
    BOOST_TEST(
        field("addpeeraddress", R"(["5.6.7.8",8333])", "error") == "\"failed-adding-to-new\"");
    BOOST_TEST(result("getnodeaddresses", "[0,\"ipv4\"]").items.size() == 1u);
    BOOST_TEST(result("getnodeaddresses", "[0,\"ipv6\"]").items.empty());
    BOOST_TEST(error("addpeeraddress", R"(["localhost",8333])") == "-30 Invalid IP address");
    BOOST_TEST(error("addpeeraddress", R"(["5.6.7.8",65536])") == "-1 JSON integer out of range");
}

BOOST_AUTO_TEST_CASE(setban__lists_and_errors) {
    BOOST_TEST(text("listbanned") == "[]");
    result("setban", R"(["10.0.0.0/8","add"])");
    result("setban", R"(["1.2.3.4","add",60])");
    const Json listed = result("listbanned");
    BOOST_REQUIRE(listed.items.size() == 2);
    BOOST_TEST(listed.items[0].find("address")->text == "1.2.3.4/32");
    BOOST_TEST(listed.items[0].find("ban_duration")->text == "60");
    BOOST_TEST(listed.items[1].find("ban_duration")->text == "86400");
    BOOST_TEST(error("setban", R"(["10.1.1.1","add"])") == "-23 Error: IP/Subnet already banned");
    BOOST_TEST(error("setban", R"(["10.0.0.0/8","add"])") == "-23 Error: IP/Subnet already banned");
    BOOST_TEST(error("setban", R"(["1.2.3.4/42","add"])") == "-30 Error: Invalid IP/Subnet");
    BOOST_TEST(
        error("setban", R"(["1.2.3.5","add",123,true])") ==
        "-8 Error: Absolute timestamp is in the past");
    BOOST_TEST(
        error("setban", R"(["10.1.1.1","remove"])") ==
        "-30 Error: Unban failed. Requested address/subnet was not previously manually banned.");
    BOOST_TEST(error("setban", R"(["10.1.1.1","x"])").starts_with("-1 setban \"subnet\""));
    result("setban", R"(["10.1.1.1/8","remove"])");
    BOOST_TEST(result("listbanned").items.size() == 1u);
    result("clearbanned");
    BOOST_TEST(text("listbanned") == "[]");
}

BOOST_AUTO_TEST_CASE(addconnection__kinds_of_peers__only_what_the_node_chooses) {
    const std::string kinds[] = {"outbound-full-relay", "block-relay-only", "addr-fetch", "feeler"};
    for (const std::string& kind : kinds)
        BOOST_TEST(
            field("addconnection", "[\"127.0.0.1:1\",\"" + kind + "\",false]", "address") ==
            "\"127.0.0.1:1\"");
    BOOST_TEST(error("addconnection", R"(["127.0.0.1:1","manual",false])").starts_with("-8 addc"));
    BOOST_TEST(
        error("addconnection", R"(["127.0.0.1:1","feeler",true])") ==
        "-8 Error: Adding v2transport connections requires -v2transport init flag to be set.");
}

BOOST_AUTO_TEST_CASE(memory_and_logging__modes_and_categories) {
    BOOST_TEST(result("getmemoryinfo").find("locked")->find("used")->text == "0");
    BOOST_TEST(result("getmemoryinfo", "[\"mallocinfo\"]").text.starts_with("<malloc"));
    BOOST_TEST(error("getmemoryinfo", "[\"foobar\"]") == "-8 unknown mode foobar");
    const std::string rpc_only =
        R"({"chain":false,"index":false,"main":false,"mine":false,"net":false,"rpc":true})";
    BOOST_TEST(text("logging", R"([["http"]])") == rpc_only);
    BOOST_TEST(text("logging") == rpc_only);
    BOOST_TEST(text("logging", R"([["all"],["1"]])").find("true") == std::string::npos);
    BOOST_TEST(error("logging", "[[\"foobar\"]]") == "-8 unknown logging category foobar");
    spdlog::set_level(spdlog::level::warn);
}

BOOST_AUTO_TEST_CASE(scantxoutset__coins_of_descriptors__found_with_their_blocks) {
    mine(103);
    const std::string tip = result("getbestblockhash").text;
    const std::string scan = R"(["start",["addr()" + address + R"+()"]])+";
    const Json found = result("scantxoutset", scan);
    BOOST_TEST(found.find("success")->truth);
    BOOST_TEST(found.find("bestblock")->text == tip);
    BOOST_TEST(found.find("txouts")->text == "103");
    BOOST_TEST(found.find("unspents")->items.size() == 103U);
    BOOST_TEST(text_of(*found.find("total_amount")) == "5150.00000000");
    const Json& coin = found.find("unspents")->items.at(0);
    BOOST_TEST(
        coin.find("blockhash")->text ==
        result("getblockhash", "[" + coin.find("height")->text + "]").text);
    BOOST_TEST(coin.find("desc")->text.starts_with("addr(" + address + ")#"));
    // What a transaction that waits spends is spent only once it is in a block.
    result("sendrawtransaction", list_of(spend_coinbase(1)));
    BOOST_TEST(field("scantxoutset", scan, "txouts") == "103");
    const std::string key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    result("generatetodescriptor", "[1,\"wpkh(" + key + ")\"]");
    const Json own = result("scantxoutset", R"(["start",[{"desc":"combo()" + key + R"+()"}]])+");
    BOOST_TEST(own.find("unspents")
                   ->items.at(0)
                   .find("desc")
                   ->text.starts_with("wpkh([751e76e8]" + key + ")#"));
}

/// Where the scripts take longer than the coins, too.
BOOST_AUTO_TEST_CASE(scantxoutset__aborted__ends_and_tells_so) {
    mine(1);
    const std::string ranged =
        R"+(["start",[{"desc":"wpkh()+" + TEST_KEY + R"+(/*)","range":[0,999999]}])+";
    for (const std::string method : {"scantxoutset", "scanblocks"}) {
        std::future<Json> scan = ask(method, ranged + "]");
        while (result(method, R"(["status"])").is_null() &&
               scan.wait_for(0s) == std::future_status::timeout)
            std::this_thread::yield();
        BOOST_TEST(result(method, R"(["abort"])").truth);
        const Json answer = *scan.get().find("result");
        BOOST_TEST(!answer.find(method == "scanblocks" ? "completed" : "success")->truth);
    }
}

BOOST_AUTO_TEST_CASE(scantxoutset__wrong_request__says_why) {
    BOOST_TEST(text("scantxoutset", "[\"status\"]") == "null");
    BOOST_TEST(text("scantxoutset", "[\"abort\"]") == "false");
    const std::string range = R"(["start",[{"desc":"desc","range":)";
    const std::pair<std::string, std::string_view> wrong[] = {
        {R"(["start"])", "-1 scanobjects argument is required for the start action"},
        {R"(["stop"])", "-8 Invalid action 'stop'"},
        {R"(["start",[1]])", "-8 Scan object needs to be either a string or an object"},
        {R"(["start",[{}]])", "-8 Descriptor needs to be provided in scan object"},
        {R"(["start",["desc"]])", "-5 'desc' is not a valid descriptor function"},
        {range + "\"x\"}]]", "-8 Range must be specified as end or as [begin,end]"},
        {range + "-1}]]", "-8 End of range is too high"},
        {range + "[2,1]}]]", "-8 Range specified as [begin,end] must not have begin after end"},
        {range + "[-1,1]}]]", "-8 Range should be greater or equal than 0"},
        {range + "[0,1000000]}]]", "-8 Range is too large"},
    };
    for (const auto& [params, why] : wrong) BOOST_TEST(error("scantxoutset", params) == why);
    BOOST_TEST(text("scantxoutset", "[\"status\"]") == "null"); // none of them goes on
}

BOOST_AUTO_TEST_CASE(deriveaddresses__wrong_request__says_why) {
    const std::string key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    const auto derive = [&](const std::string& descriptor, const std::string& range = "") {
        const std::string sum =
            result("getdescriptorinfo", list_of(descriptor)).find("checksum")->text;
        return error("deriveaddresses", "[\"" + descriptor + "#" + sum + "\"" + range + "]");
    };
    BOOST_TEST(error("deriveaddresses", list_of("pkh(" + key + ")")) == "-5 Missing checksum");
    BOOST_TEST(derive("pkh(" + key + ")") == "no error");
    BOOST_TEST(derive("pk(" + key + ")") == "-5 Descriptor does not have a corresponding address");
    BOOST_TEST(
        derive("pkh(" + key + ")", ",1") ==
        "-8 Range should not be specified for an un-ranged descriptor");
    BOOST_TEST(
        derive("wpkh(" + TEST_KEY + "/*)") == "-8 Range must be specified for a ranged descriptor");
    BOOST_TEST(
        derive("wpkh(" + TEST_KEY + "/1'/*)", ",1") ==
        "-5 Cannot derive script without private keys");
    BOOST_TEST(
        error("generatetodescriptor", "[1,\"wpkh(" + TEST_KEY + "/*)\"]") ==
        "-8 Ranged descriptor not accepted. Maybe pass through deriveaddresses first?");
    BOOST_TEST(
        error("generatetodescriptor", "[1,\"wpkh(" + TEST_KEY + "/<0;1>)\"]") ==
        "-8 Multipath descriptor not accepted");
}

BOOST_AUTO_TEST_CASE(control__stop_echo_and_rpcinfo) {
    BOOST_TEST(result("stop", R"({"wait":0})").text == "Cairn stopping");
    BOOST_TEST(stops == 1);
    BOOST_TEST(text("echo", R"([1,"a",null,1.10])") == R"([1,"a",null,1.10])");
    BOOST_TEST(text("echo", R"({"arg1":5})") == "[null,5]");
    BOOST_TEST(error("getinfo") == "-32601 Method not found");
    const Json info = result("getrpcinfo");
    BOOST_TEST(info.find("active_commands")->items.at(0).find("method")->text == "getrpcinfo");
}

BOOST_AUTO_TEST_CASE(decodescript__hashable_script__addresses_of_it) {
    const Json key =
        result("decodescript", "[\"76a914751e76e8199196d454941c45d1b3a323f1433bd688ac\"]");
    BOOST_TEST(key.find("type")->text == "pubkeyhash");
    BOOST_TEST(key.find("segwit")->find("type")->text == "witness_v0_keyhash");
    BOOST_TEST(
        key.find("segwit")->find("address")->text ==
        "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080");
    BOOST_TEST(result("decodescript", "[\"6a00\"]").find("p2sh") == nullptr);
    BOOST_TEST(error("decodescript", "[\"6\"]").starts_with("-8 argument must be hexadecimal"));
}

BOOST_AUTO_TEST_CASE(getaddrmaninfo__addresses_told_of__counted_by_network) {
    result("addpeeraddress", R"(["1.2.3.4",8333])");
    result("addpeeraddress", R"(["1.3.3.4",8333,true])");
    BOOST_TEST(field("getaddrmaninfo", "[]", "ipv4") == R"({"new":1,"tried":1,"total":2})");
    BOOST_TEST(field("getaddrmaninfo", "[]", "all_networks") == R"({"new":1,"tried":1,"total":2})");
    BOOST_TEST(field("getaddrmaninfo", "[]", "onion") == R"({"new":0,"tried":0,"total":0})");
}

BOOST_AUTO_TEST_CASE(sendmsgtopeer__to_nobody__refused) {
    BOOST_TEST(
        error("sendmsgtopeer", R"([100,"addr","ff"])") ==
        "-1 Error: Could not send message to peer");
    BOOST_TEST(
        error("sendmsgtopeer", R"([0,"long_msg_type","ff"])") ==
        "-8 Error: msg_type too long, max length is 12");
    BOOST_TEST(text("getzmqnotifications") == "[]");
}

BOOST_AUTO_TEST_SUITE_END()
