// SPDX-License-Identifier: MIT
// Transactions in the making, addresses of several keys, and signed messages.
#include "tests/rpc/test_node.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::rpc;

namespace {

const std::string TXID(64, '1');
const std::string INPUTS = R"([{"txid":")" + TXID + R"(","vout":0}])";
const std::string KEY_HASH = "751e76e8199196d454941c45d1b3a323f1433bd6";
/// The keys 1 and 2.
const std::string SECRET = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA";
const std::string SECRET_2 = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87K7XCyj5v";
const std::string POINT = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const std::string POINT_2 = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

/// A coin that is told of.
std::string coin(const std::string& script, const std::string& more = {}) {
    return R"({"txid":")" + TXID + R"(","vout":0,"scriptPubKey":")" + script + "\"" + more + "}";
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(raw_transactions, TestNode)

BOOST_AUTO_TEST_CASE(createrawtransaction__each_part__as_asked_for) {
    const std::string outputs = "{\"" + address + R"(":1.5,"data":"c0ffee"})";
    const auto create = [&](const std::string& rest) {
        return result("createrawtransaction", "[" + INPUTS + "," + outputs + rest + "]").text;
    };
    const Json tx = result("decoderawtransaction", list_of(create("")));
    BOOST_TEST(text_of(*tx.find("vin")->items[0].find("sequence")) == "4294967293");
    BOOST_TEST(text_of(*tx.find("vout")->items[0].find("value")) == "1.50000000");
    BOOST_TEST(tx.find("vout")->items[1].find("scriptPubKey")->find("hex")->text == "6a03c0ffee");
    const Json locked = result("decoderawtransaction", list_of(create(",500,false,3")));
    BOOST_TEST(text_of(*locked.find("vin")->items[0].find("sequence")) == "4294967294");
    BOOST_TEST(text_of(*locked.find("locktime")) == "500");
    BOOST_TEST(text_of(*locked.find("version")) == "3");
    BOOST_TEST(result("createrawtransaction", "[[],[]]").text == "02000000000000000000");
}

BOOST_AUTO_TEST_CASE(createrawtransaction__wrong_part__named) {
    const std::string to = "{\"" + address + "\":1}";
    const std::pair<std::string, std::string> calls[] = {
        {R"([["x"],{}])", "-3 JSON value of type string is not of expected type object"},
        {"[[{}],{}]", "-3 JSON value of type null is not of expected type string"},
        {R"([[{"txid":")" + TXID + "\"}],{}]", "-8 Invalid parameter, missing vout key"},
        {R"([[{"txid":")" + TXID + R"(","vout":-1}],{}])",
         "-8 Invalid parameter, vout cannot be negative"},
        {R"([[{"txid":")" + TXID + R"(","vout":0,"sequence":-1}],{}])",
         "-8 Invalid parameter, sequence number is out of range"},
        {"[[],7]", "-3 JSON value of type number is not of expected type array"},
        {"[[],{},-1]", "-8 Invalid parameter, locktime out of range"},
        {"[[],{},0,true,4]", "-8 Invalid parameter, version out of range(1~3)"},
        {"[[],[7]]", "-8 Invalid parameter, key-value pair not an object as expected"},
        {"[[],[{}]]", "-8 Invalid parameter, key-value pair must contain exactly one key"},
        {R"([[],{"data":"x"}])", "-8 Data must be hexadecimal string (not 'x')"},
        {R"([[],[{"data":"aa"},{"data":"bb"}]])", "-8 Invalid parameter, duplicate key: data"},
        {"[[],[" + to + "," + to + "]]", "-8 Invalid parameter, duplicated address: " + address},
        {R"([[],{"x":1}])", "-5 Invalid Bitcoin address: x"},
        {R"([[{"txid":")" + TXID + R"(","vout":0,"sequence":4294967295}],{},0,true])",
         "-8 Invalid parameter combination: Sequence number(s) contradict replaceable option"}};
    for (const auto& [params, wrong] : calls)
        BOOST_TEST(error("createrawtransaction", params) == wrong);
}

BOOST_AUTO_TEST_CASE(signrawtransactionwithkey__each_kind_of_output__complete) {
    const std::string tx = result("createrawtransaction", "[" + INPUTS + ",[]]").text;
    const auto sign = [&](const std::string& keys, const std::string& of) {
        return result("signrawtransactionwithkey", "[\"" + tx + "\",[" + keys + "],[" + of + "]]");
    };
    const std::string amount = R"(,"amount":1)";
    const std::string multisig =
        result("createmultisig", "[2,[\"" + POINT + "\",\"" + POINT_2 + "\"],\"bech32\"]")
            .find("redeemScript")
            ->text;
    const std::string multisig_program =
        result("decodescript", list_of(multisig)).find("segwit")->find("hex")->text;
    const std::string coins[] = {
        coin("21" + POINT + "ac"),              // P2PK
        coin("76a914" + KEY_HASH + "88ac"),     // P2PKH
        coin("0014" + KEY_HASH, amount),        // P2WPKH
        coin("5120" + POINT.substr(2), amount), // P2TR, of the output key
        coin(multisig),                         // bare multisig
        coin(multisig_program, R"(,"witnessScript":")" + multisig + "\"" + amount)};
    for (const std::string& one : coins)
        BOOST_TEST(sign(quoted(SECRET) + "," + quoted(SECRET_2), one).find("complete")->truth, one);
    // BIP341: the internal key 1 without scripts.
    const std::string tweaked =
        "5120da4710964f7852695de2da025290e24af6d8c281de5a0b902b7135fd9fd74d21";
    BOOST_TEST(sign(quoted(SECRET), coin(tweaked, amount)).find("complete")->truth);
    const Json unsigned_reply = sign("", coin("0014" + KEY_HASH, amount));
    BOOST_TEST(
        unsigned_reply.find("errors")->items[0].find("error")->text ==
        "Witness program hash mismatch");
    BOOST_TEST(
        sign(quoted(SECRET), coin("0014" + KEY_HASH))
            .find("errors")
            ->items[0]
            .find("error")
            ->text == "Missing amount");
}

BOOST_AUTO_TEST_CASE(signrawtransactionwithkey__bad_arguments__named) {
    const std::string tx = result("createrawtransaction", "[" + INPUTS + ",[]]").text;
    const std::string p2sh = "a914" + KEY_HASH + "87";
    const auto failure = [&](const std::string& rest) {
        return error("signrawtransactionwithkey", "[\"" + tx + "\"," + rest + "]");
    };
    BOOST_TEST(failure(R"(["x"])") == "-5 Invalid private key");
    BOOST_TEST(failure(R"([],[],"all")") == "-8 'all' is not a valid sighash parameter.");
    BOOST_TEST(failure("[],[{}]") == "-3 Missing txid");
    BOOST_TEST(failure("[],[" + coin(p2sh) + "]") == "-8 Missing redeemScript/witnessScript");
    BOOST_TEST(
        failure("[],[" + coin(p2sh, R"(,"redeemScript":"51")") + "]") ==
        "-8 redeemScript/witnessScript does not match scriptPubKey");
    BOOST_TEST(
        failure("[],[" + coin(p2sh, R"(,"redeemScript":"51","witnessScript":"52")") + "]") ==
        "-8 redeemScript does not correspond to witnessScript");
    BOOST_TEST(
        result("signrawtransactionwithkey", "[\"" + tx + "\",[]]")
            .find("errors")
            ->items[0]
            .find("error")
            ->text == "Input not found or already spent");
}

BOOST_AUTO_TEST_CASE(combinerawtransaction__halves__whole) {
    const std::string keys = "[\"" + POINT + "\",\"" + POINT_2 + "\"]";
    const Json shared = result("createmultisig", "[2," + keys + "]");
    const std::string& script = shared.find("redeemScript")->text;
    result("generatetoaddress", "[1,\"" + shared.find("address")->text + "\"]");
    mine(100);
    const std::string block = result("getblockhash", "[1]").text;
    const Json coinbase = result("getblock", "[\"" + block + "\",2]").find("tx")->items[0];
    const std::string& txid = coinbase.find("txid")->text;
    const std::string point = R"([{"txid":")" + txid + R"(","vout":0}])";
    const std::string tx =
        result("createrawtransaction", "[" + point + ",{\"" + address + "\":1}]").text;
    const std::string known =
        R"([{"txid":")" + txid + R"(","vout":0,"scriptPubKey":")" +
        coinbase.find("vout")->items[0].find("scriptPubKey")->find("hex")->text +
        R"(","redeemScript":")" + script + "\"}]";
    const auto half = [&](const std::string& secret) {
        const Json reply = result(
            "signrawtransactionwithkey", "[\"" + tx + "\",[\"" + secret + "\"]," + known + "]");
        BOOST_TEST(!reply.find("complete")->truth);
        return reply.find("hex")->text;
    };
    const std::string halves = "[[\"" + half(SECRET) + "\",\"" + half(SECRET_2) + "\"]]";
    const std::string whole = result("combinerawtransaction", halves).text;
    BOOST_TEST(result("sendrawtransaction", "[\"" + whole + "\",0]").text.size() == 64U);
    BOOST_TEST(
        error("combinerawtransaction", "[[]]") ==
        "-22 Missing transactions. At least two transactions required.");
    BOOST_TEST(
        error("combinerawtransaction", "[[\"" + tx + "\",\"00\"]]") ==
        "-22 TX decode failed for tx 1. Make sure the tx has at least one input.");
    const std::string other = result("createrawtransaction", "[" + INPUTS + ",[]]").text;
    BOOST_TEST(
        error("combinerawtransaction", "[[\"" + tx + "\",\"" + other + "\"]]") ==
        "-8 Transaction number 2 not compatible with first transaction");
    BOOST_TEST(
        error("combinerawtransaction", "[[\"" + other + "\",\"" + other + "\"]]") ==
        "-25 Input not found or already spent");
}

BOOST_AUTO_TEST_CASE(createmultisig__kinds__addresses_and_refusals) {
    const std::string uncompressed =
        "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fb"
        "fc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
    BOOST_TEST(result("createmultisig", "[1,[\"" + POINT + "\"],\"p2sh-segwit\"]")
                   .find("descriptor")
                   ->text.starts_with("sh(wsh(multi(1," + POINT + ")))#"));
    const Json old = result("createmultisig", "[1,[\"" + uncompressed + "\"],\"bech32\"]");
    BOOST_TEST(old.find("warnings")->items.size() == 1U);
    BOOST_TEST(old.find("descriptor")->text.starts_with("sh(multi(1,04"));
    // No witness takes these keys, and no P2SH output so many of them.
    const std::string eight = [&] {
        std::string keys = "\"" + uncompressed + "\"";
        for (int i = 1; i < 8; ++i) keys += ",\"" + uncompressed + "\"";
        return keys;
    }();
    BOOST_TEST(
        error("createmultisig", "[1,[" + eight + "],\"bech32\"]") ==
        "-8 redeemScript exceeds size limit: 531 > 520");
    const std::pair<std::string, std::string> calls[] = {
        {R"([1,["x"]])", "-5 Pubkey \"x\" must be a hex string"},
        {R"([1,["00"]])", "-5 Pubkey \"00\" must have a length of either 33 or 65 bytes"},
        {"[0,[]]", "-8 a multisignature address must require at least one key to redeem"},
        {"[1,[]]", "-8 not enough keys supplied (got 0 keys, but need at least 1 to redeem)"},
        {R"([1,[],"x"])", "-5 Unknown address type 'x'"},
        {R"([1,[],"bech32m"])", "-5 createmultisig cannot create bech32m multisig addresses"}};
    for (const auto& [params, wrong] : calls) BOOST_TEST(error("createmultisig", params) == wrong);
}

BOOST_AUTO_TEST_CASE(message__signed__verified) {
    // A signature that Core makes.
    const std::string secret = "cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N";
    const std::string message = "This is just a test message";
    const std::string owner = "mpLQjfK79b7CCV4VMJWEWAj5Mpx8Up5zxB";
    const std::string signature =
        result("signmessagewithprivkey", "[\"" + secret + "\",\"" + message + "\"]").text;
    BOOST_TEST(
        signature == "INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWI"
                     "QzRpG/U+S0=");
    const auto verify = [&](const std::string& who, const std::string& by) {
        return "[\"" + who + "\",\"" + by + "\",\"" + message + "\"]";
    };
    BOOST_TEST(text("verifymessage", verify(owner, signature)) == "true");
    BOOST_TEST(
        text("verifymessage", verify("mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r", signature)) == "false");
    BOOST_TEST(error("verifymessage", verify("x", signature)) == "-5 Invalid address");
    BOOST_TEST(
        error("verifymessage", verify(address, signature)) == "-3 Address does not refer to key");
    BOOST_TEST(error("verifymessage", verify(owner, "x")) == "-3 Malformed base64 encoding");
    BOOST_TEST(error("signmessagewithprivkey", R"(["x","y"])") == "-5 Invalid private key");
}

BOOST_AUTO_TEST_SUITE_END()
