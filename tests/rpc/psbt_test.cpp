// SPDX-License-Identifier: MIT
// Partially signed transactions: the vectors of BIP-0174 and BIP-0371, and each step by a method.
#include "tests/rpc/test_node.h"
#include "tests/vectors.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::rpc;
using cairn::rpc::server::parse_json;

namespace {

const std::string TXID(64, '1');
/// The key 1, and its hash.
const std::string SECRET = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA";
const std::string POINT = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const std::string KEY_HASH = "751e76e8199196d454941c45d1b3a323f1433bd6";

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(psbt, TestNode)

BOOST_AUTO_TEST_CASE(vectors__of_the_bips__read_and_worked_on_as_there) {
    const auto folder = cairn::tests::vectors_dir();
    if (!folder) return;
    const Json vectors =
        parse_json(cairn::tests::read_file(*folder / "core/rpc_psbt.json")).value();
    for (const Json& invalid : vectors.find("invalid")->items)
        BOOST_TEST(
            error("decodepsbt", list_of(invalid.text)).starts_with("-22 TX decode failed "),
            invalid.text);
    for (const Json& invalid : vectors.find("invalid_with_msg")->items)
        BOOST_TEST(
            error("decodepsbt", list_of(invalid.items[0].text))
                .starts_with("-22 TX decode failed "),
            invalid.text);
    int of_version_0 = 0;
    for (const Json& valid : vectors.find("valid")->items) {
        const Json reply = ask("decodepsbt", list_of(valid.text)).get();
        if (const Json* wrong = reply.find("error")) {
            // BIP-0370 is not read.
            BOOST_TEST(
                wrong->find("message")->text == "TX decode failed Unsupported version number",
                valid.text);
            continue;
        }
        ++of_version_0;
        BOOST_TEST(result("combinepsbt", "[[\"" + valid.text + "\"]]").text.size() > 0U);
    }
    BOOST_TEST(of_version_0 == 34);
    const Json& creator = vectors.find("creator")->items[0];
    BOOST_TEST(
        result(
            "createpsbt", "[" + text_of(*creator.find("inputs")) + "," +
                              text_of(*creator.find("outputs")) + ",0,false]")
            .text == creator.find("result")->text);
    const Json& combiner = vectors.find("combiner")->items[0];
    BOOST_TEST(
        result("combinepsbt", "[" + text_of(*combiner.find("combine")) + "]").text ==
        combiner.find("result")->text);
    const Json& finalizer = vectors.find("finalizer")->items[0];
    BOOST_TEST(
        result("finalizepsbt", "[" + text_of(*finalizer.find("finalize")) + ",false]")
            .find("psbt")
            ->text == finalizer.find("result")->text);
    const Json& extractor = vectors.find("extractor")->items[0];
    BOOST_TEST(
        result("finalizepsbt", "[" + text_of(*extractor.find("extract")) + "]").find("hex")->text ==
        extractor.find("result")->text);
}

BOOST_AUTO_TEST_CASE(steps__from_creator_to_extractor__sent) {
    const std::string descriptor =
        result("getdescriptorinfo", list_of("wpkh(" + POINT + ")")).find("descriptor")->text;
    const std::string mine_to = result("deriveaddresses", list_of(descriptor)).items[0].text;
    result("generatetoaddress", "[1,\"" + mine_to + "\"]");
    mine(100);
    const std::string block = result("getblockhash", "[1]").text;
    const std::string txid = result("getblock", list_of(block)).find("tx")->items[0].text;
    const std::string inputs = R"([{"txid":")" + txid + R"(","vout":0}])";
    const std::string created =
        result("createpsbt", "[" + inputs + ",{\"" + address + "\":49.999}]").text;
    const auto next = [&](const std::string& psbt) {
        return result("analyzepsbt", list_of(psbt)).find("next")->text;
    };
    BOOST_TEST(next(created) == "updater");
    const std::string updated =
        result("utxoupdatepsbt", "[\"" + created + "\",[\"" + descriptor + "\"]]").text;
    const Json analysis = result("analyzepsbt", list_of(updated));
    BOOST_TEST(analysis.find("next")->text == "signer");
    BOOST_TEST(text_of(*analysis.find("fee")) == "0.00100000");
    BOOST_TEST(text_of(*analysis.find("estimated_vsize")) == "122");
    const Json& missing = *analysis.find("inputs")->items[0].find("missing");
    BOOST_TEST(text_of(*missing.find("signatures")) == list_of(KEY_HASH));
    const Json input = result("decodepsbt", list_of(updated)).find("inputs")->items[0];
    BOOST_TEST(input.find("witness_utxo") != nullptr);
    BOOST_TEST(input.find("non_witness_utxo") != nullptr);
    BOOST_TEST(input.find("bip32_derivs")->items[0].find("pubkey")->text == POINT);
    BOOST_TEST(!result("finalizepsbt", list_of(updated)).find("complete")->truth);

    // Signed beside it, and put in as a PSBT's final witness would be.
    const std::string unsigned_tx =
        result("createrawtransaction", "[" + inputs + ",{\"" + address + "\":49.999}]").text;
    const Json reply =
        result("signrawtransactionwithkey", "[\"" + unsigned_tx + "\",[\"" + SECRET + "\"]]");
    BOOST_TEST(reply.find("complete")->truth);
    const std::string& signed_tx = reply.find("hex")->text;
    BOOST_TEST(
        error("converttopsbt", list_of(signed_tx)) ==
        "-22 Inputs must not have scriptSigs and scriptWitnesses");
    BOOST_TEST(result("converttopsbt", "[\"" + signed_tx + "\",true]").text == created);
    BOOST_TEST(
        result("combinepsbt", "[[\"" + created + "\",\"" + updated + "\"]]").text == updated);
}

BOOST_AUTO_TEST_CASE(joinpsbts__two__one_with_all) {
    const auto made = [&](char digit) {
        return result(
                   "createpsbt", R"([[{"txid":")" + std::string(64, digit) + R"(","vout":0}],{")" +
                                     address + "\":1}]")
            .text;
    };
    const Json joined = result(
        "decodepsbt",
        list_of(result("joinpsbts", "[[\"" + made('1') + "\",\"" + made('2') + "\"]]").text));
    BOOST_TEST(joined.find("inputs")->items.size() == 2U);
    BOOST_TEST(joined.find("outputs")->items.size() == 2U);
    BOOST_TEST(
        error("joinpsbts", "[[\"" + made('1') + "\",\"" + made('1') + "\"]]") ==
        "-8 Input " + TXID + ":0 exists in multiple PSBTs");
    BOOST_TEST(
        error("joinpsbts", "[[" + quoted(made('1')) + "]]") ==
        "-8 At least two PSBTs are required to join PSBTs.");
    BOOST_TEST(
        error("combinepsbt", "[[\"" + made('1') + "\",\"" + made('2') + "\"]]") ==
        "-8 PSBTs not compatible (different transactions)");
    BOOST_TEST(error("combinepsbt", "[[]]") == "-8 Parameter 'txs' cannot be empty");
    BOOST_TEST(error("decodepsbt", list_of(";")) == "-22 TX decode failed invalid base64");
}

BOOST_AUTO_TEST_SUITE_END()
