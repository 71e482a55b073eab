// SPDX-License-Identifier: MIT
// Vectors: BIP-0380 (checksums), BIP-0381 to BIP-0386 and Bitcoin Core's rpc_deriveaddresses.
#include "wallet/keys/descriptor.h"

#include <boost/test/unit_test.hpp>

namespace cairn::wallet::keys {

namespace {

const std::string KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const std::string LONG_KEY = "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
                             "5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235";
const std::string WIF = "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1";
const std::string WIF_KEY = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd";
const std::string XPRV =
    "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8N"
    "SpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U";
const std::string XPUB =
    "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8"
    "idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB";

consensus::AddressPrefixes prefixes() {
    consensus::AddressPrefixes prefixes;
    prefixes.bech32_hrp = "bc";
    prefixes.pubkey_hash = {0};
    prefixes.script_hash = {5};
    prefixes.secret_key = {0x80};
    prefixes.extended_public = {0x04, 0x88, 0xb2, 0x1e};
    prefixes.extended_secret = {0x04, 0x88, 0xad, 0xe4};
    return prefixes;
}

std::vector<Descriptor> read(const std::string& text) {
    return read_descriptors(text, prefixes()).value();
}

/// The scripts with that index, one after the other with commas between.
std::string scripts(const std::string& text, uint32_t index = 0) {
    std::string all;
    const auto scripts = read(text)[0].scripts(index);
    if (!scripts) return "none";
    for (const DescribedScript& one : *scripts)
        all += (all.empty() ? "" : ",") + consensus::to_hex(one.script);
    return all;
}

std::string error(const std::string& text, bool need_checksum = false) {
    const auto read = read_descriptors(text, prefixes(), need_checksum);
    return read ? "none" : read.error().why;
}

} // namespace

BOOST_AUTO_TEST_SUITE(descriptor)

BOOST_AUTO_TEST_CASE(checksum__known_ones__same) {
    const std::pair<std::string_view, std::string_view> known[] = {
        {"raw(6a24aa21a9ed06964e11476630f2ef8f0d482ddc5668fd7eb51a5355620e593d2dfa04f160e3)",
         "etn5scpv"},
        {"addr(mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z)", "jdtmxdcm"},
        {"rawtr(2913b252fe537830f843bfdc5fa7d20ba48639a87c86ff837b92d083c55ad7c1)", "jfevjtpc"},
        {"raw(deadbeef)", "89f8spxm"}, // BIP-0380
    };
    for (const auto& [text, checksum] : known)
        BOOST_TEST(descriptor_checksum(text).value() == checksum, text);
    BOOST_TEST(!descriptor_checksum("raw(\xff)"));
}

BOOST_AUTO_TEST_CASE(scripts__each_function__as_its_bip_says) {
    BOOST_TEST(scripts("raw(deadbeef)#89f8spxm") == "deadbeef");
    BOOST_TEST(scripts("pk(" + WIF + ")") == "21" + WIF_KEY + "ac");
    BOOST_TEST(
        scripts("pkh([deadbeef/1/2'/3/4']" + WIF + ")") ==
        "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac");
    BOOST_TEST(scripts("wpkh(" + WIF + ")") == "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e");
    BOOST_TEST(
        scripts("sh(wpkh(" + WIF + "))") == "a91484ab21b1b2fd065d4504ff693d832434b6108d7b87");
    BOOST_TEST(
        scripts(
            "sh(wsh(pkh(02e493dbf1c10d80f3581e4904930b1404cc6c13900ee0758474fa94abe8c4cd13)))") ==
        "a91455e8d5e8ee4f3604aba23c71c2684fa0a56a3a1287");
    BOOST_TEST(
        scripts("combo(" + WIF + ")") ==
        "21" + WIF_KEY +
            "ac,76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac,"
            "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e,"
            "a91484ab21b1b2fd065d4504ff693d832434b6108d7b87");
    BOOST_TEST(
        scripts("combo(" + LONG_KEY + ")") ==
        "41" + LONG_KEY + "ac,76a914b5bd079c4d57cc7fc28ecf8213a6b791625b818388ac");
    BOOST_TEST(
        scripts("tr(a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)") ==
        "512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11");
    BOOST_TEST(scripts("tr(" + WIF + ")") == scripts("tr(" + WIF_KEY + ")"));
    BOOST_TEST(scripts("rawtr(" + WIF_KEY + ")") == "5120" + WIF_KEY.substr(2));
    BOOST_TEST(
        scripts("multi(1," + WIF_KEY + "," + LONG_KEY + ")") ==
        "5121" + WIF_KEY + "41" + LONG_KEY + "52ae");
    // BIP-0067: in the order of the keys' bytes.
    BOOST_TEST(
        scripts("sortedmulti(2," + WIF_KEY + "," + KEY + ")") ==
        scripts("multi(2," + KEY + "," + WIF_KEY + ")"));
}

BOOST_AUTO_TEST_CASE(scripts__extended_keys__their_children) {
    BOOST_TEST(read("wpkh(" + XPUB + "/1/*)")[0].is_range());
    BOOST_TEST(scripts("wpkh(" + XPUB + "/1/*)", 7) == scripts("wpkh(" + XPRV + "/1/7)"));
    BOOST_TEST(scripts("wpkh(" + XPRV + "/1/*h)", 7) == scripts("wpkh(" + XPRV + "/1/7')"));
    BOOST_TEST(scripts("wpkh(" + XPUB + "/1/*h)") == "none");
    BOOST_TEST(scripts("wpkh(" + XPUB + "/1h/2)") == "none");
    BOOST_TEST(read("wpkh(" + XPRV + "/1h/2)")[0].text() == "wpkh(" + XPUB + "/1h/2)");
    const auto from = read("pkh([abcdef01/4h]" + XPRV + "/1h/*)")[0].scripts(2).value();
    BOOST_TEST(from[0].text.starts_with("pkh([abcdef01/4h/1h/2]0"));
}

BOOST_AUTO_TEST_CASE(read__alternatives__one_descriptor_each) {
    const auto both = read("pkh(" + XPUB + "/<0;1>/*)");
    BOOST_TEST_REQUIRE(both.size() == 2u);
    BOOST_TEST(both[1].text() == "pkh(" + XPUB + "/1/*)");
    BOOST_TEST(
        error("multi(1," + XPUB + "/<0;1>/*," + XPUB + "/<0;1;2>/*)") ==
        "Multipath derivation paths have mismatched lengths");
    BOOST_TEST(
        error("pkh(" + XPUB + "/<0;1>/<2;3>)") == "Multiple multipath key path specifiers found");
    BOOST_TEST(error("pkh(" + XPUB + "/<0>)").starts_with("Multipath key path specifiers must"));
    BOOST_TEST(error("pkh(" + XPUB + "/<0;1)") == "Key path value '<0;1)' is not valid");
    BOOST_TEST(
        error("pkh(" + XPUB + "/<0;00>)") == "Duplicated key path value 00 in multipath specifier");
    BOOST_TEST(error("pkh(" + XPUB + "/<0;0h>)") == "none");
    BOOST_TEST(error("pkh(" + XPUB + "/<0;*>)") == "Key path value '*' is not a valid uint32");
    BOOST_TEST(error("pkh(" + XPUB + "/<0;1/2>)") == "Key path value '1/2' is not a valid uint32");
    for (const std::string& elsewhere :
         {"<pk;pkh>(" + KEY + ")", "pkh([01020304/<0;1>/0]" + XPUB + ")",
          "pkh(" + XPUB + "/<0;1>h)"})
        BOOST_TEST(error(elsewhere).starts_with("Key path value '<"), elsewhere);
}

BOOST_AUTO_TEST_CASE(read__more_alternatives_than_fit_into_memory__refused_at_once) {
    std::string values;
    for (int i = 0; i < 100'000; ++i) values += ";" + std::to_string(i);
    const std::string all = "/<" + values.substr(1) + ">)";
    BOOST_TEST(
        error("raw(" + std::string(100'000, '0') + "," + XPUB + all) ==
        "Multipath key path specifiers have too many items");
}

BOOST_AUTO_TEST_CASE(descriptor__what_is_known_of_it) {
    const Descriptor secret = read("wsh(multi(1," + WIF + "," + KEY + "))")[0];
    BOOST_TEST(secret.has_secrets());
    BOOST_TEST(secret.text() == "wsh(multi(1," + WIF_KEY + "," + KEY + "))");
    BOOST_TEST(secret.is_solvable());
    BOOST_TEST(!secret.is_range());
    BOOST_TEST(!read("raw(00)")[0].is_solvable());
}

BOOST_AUTO_TEST_CASE(read__one_rule_broken__says_which) {
    const std::pair<std::string, std::string_view> wrong[] = {
        {"", "'' is not a valid descriptor function"},
        {"pk", "'pk' is not a valid descriptor function"},
        {"raw(00)#", "Expected 8 character checksum, not 0 characters"},
        {"raw(00)#qqqqqqqq", "Provided checksum 'qqqqqqqq' does not match computed checksum"},
        {"raw(00)#89f8spxm#89f8spxm", "Multiple '#' symbols"},
        {"raw(\xff)", "Invalid characters in payload"},
        {"raw(0)", "Raw script is not hex"},
        {"addr(1)", "Address is not valid"},
        {"wpkh()", "wpkh(): No key provided"},
        {"pk( " + KEY + ")", "pk(): Key ' 02"},
        {"wpkh(" + LONG_KEY + ")", "wpkh(): Uncompressed keys are not allowed"},
        {"wsh(pk(" + LONG_KEY + "))", "pk(): Uncompressed keys are not allowed"},
        {"pk(00)", "pk(): Pubkey '00' is invalid"},
        {"pk(no)", "pk(): key 'no' is not valid"},
        {"pk([0102]" + KEY + ")", "pk(): Fingerprint is not 4 bytes (4 characters instead of 8"},
        {"pk([0102030z]" + KEY + ")", "pk(): Fingerprint '0102030z' is not hex"},
        {"pk(0102]" + KEY + ")",
         "pk(): Key origin start '[ character expected but not found, got '0'"},
        {"pk([01020304/x]" + KEY + ")", "pk(): Key path value 'x' is not valid"},
        {"pk(" + XPUB + "/x)", "pk(): Key path value 'x' is not a valid uint32"},
        {"pk(" + XPUB + "/)", "pk(): Key path value '' is not a valid uint32"},
        {"pk(" + XPUB + "/*x)", "pk(): Key path value '*x' is not a valid uint32"},
        {"sh(sh(pk(" + KEY + ")))", "Can only have sh() at top level"},
        {"wsh(wpkh(" + KEY + "))", "Can only have wpkh() at top level or inside sh()"},
        {"multi(x," + KEY + ")", "Multi threshold 'x' is not valid"},
        {"multi(0," + KEY + ")", "Multisig threshold cannot be 0, must be at least 1"},
        {"multi(2," + KEY + ")", "Multisig threshold cannot be larger than the number of keys;"},
        {"multi(1)", "Cannot have 0 keys in multisig; must have between 1 and 20 keys"},
        {"multi(1," + KEY + "," + KEY + "," + KEY + "," + KEY + ")",
         "Cannot have 4 pubkeys in bare multisig; only at most 3 pubkeys"},
        {"wsh(multi(1, " + KEY + "))", "Multi: Key ' 02"},
        {"sh(multi(1," + LONG_KEY + "," + LONG_KEY + "," + LONG_KEY + "," + LONG_KEY + "," +
             LONG_KEY + "," + LONG_KEY + "," + LONG_KEY + "," + LONG_KEY + "))",
         "P2SH script is too large, 531 bytes is larger than 520 bytes"},
    };
    for (const auto& [text, why] : wrong)
        BOOST_TEST(error(text).starts_with(why), text << error(text));
    BOOST_TEST(error("raw(deadbeef)", true) == "Missing checksum");
    BOOST_TEST(error("raw(deadbeef)#89f8spxm", true) == "none");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet::keys
