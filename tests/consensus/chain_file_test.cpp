// SPDX-License-Identifier: MIT
#include "consensus/address.h"
#include "consensus/block_rules.h"
#include "consensus/chain_file.h"
#include "consensus/interpreter.h"
#include "tests/consensus/builders.h"

#include <boost/json.hpp>

#include <functional>

using namespace cairn::tests;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(chain_file)

namespace {

constexpr const char* FILES[] = {
    "genesis.json",
    "genesis/bitcoin-mainnet.json",
    "genesis/bitcoin-testnet3.json",
    "genesis/bitcoin-testnet4.json",
    "genesis/bitcoin-signet.json",
    "genesis/bitcoin-regtest.json",
};

std::string text_of(const std::string& file) {
    return read_file(std::string(CAIRN_SOURCE_DIR "/") + file);
}

/// What reading `text` says is wrong; "" for nothing.
std::string error_of(std::string_view text) {
    try {
        (void)read_chain_file(text);
        return "";
    } catch (const ChainFileError& error) {
        return error.what();
    }
}

json::object default_file() {
    return json::parse(text_of("genesis.json")).as_object();
}

/// The error after `change` to the default chain's file.
std::string error_after(const std::function<void(json::object&)>& change) {
    json::object file = default_file();
    change(file);
    return error_of(json::serialize(file));
}

/// Set the value at a path such as "genesis.outputs.0.amount"; "-" appends to an array.
void set(json::object& file, std::string_view path, const json::value& value) {
    const size_t dot = path.find('.');
    const std::string name(path.substr(0, dot));
    if (dot == std::string_view::npos) {
        file[name] = value;
        return;
    }
    const std::string_view rest = path.substr(dot + 1);
    if (file[name].is_object()) return set(file[name].as_object(), rest, value);
    json::array& items = file[name].as_array();
    if (rest == "-")
        items.push_back(value);
    else
        set(items.at(static_cast<size_t>(rest[0] - '0')).as_object(), rest.substr(2), value);
}

} // namespace

BOOST_AUTO_TEST_CASE(read_chain_file__each_file__computes_its_well_known_genesis_hash) {
    const std::pair<const char*, const char*> genesis[] = {
        {"mainnet", "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"},
        {"testnet3", "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943"},
        {"testnet4", "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043"},
        {"signet", "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6"},
        {"regtest", "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"},
    };
    for (const auto& [name, hash] : genesis) {
        const Params params = chain_params("genesis/bitcoin-" + std::string(name) + ".json");
        BOOST_TEST(params.genesis_hash.to_string() == hash);
        BOOST_TEST(!params.genesis_spendable);
    }
}

BOOST_AUTO_TEST_CASE(read_chain_file__mainnet__has_bitcoins_parameters) {
    const Params params = chain_params("genesis/bitcoin-mainnet.json");
    BOOST_TEST(params.name == "main");
    BOOST_TEST(to_hex(params.magic) == "f9beb4d9");
    BOOST_TEST(params.p2p_port == 8333);
    BOOST_TEST(params.rpc_port == 8332);
    BOOST_TEST(params.address.bech32_hrp == "bc");
    BOOST_TEST(params.spacing() == 600);
    BOOST_TEST(std::get<BitcoinRule>(params.pow).interval() == 2016);
    BOOST_TEST(params.subsidy.value == 50 * COIN);
    BOOST_TEST(params.coinbase_maturity == 100);
    BOOST_TEST(max_block_sigop_cost(params) == 80'000);
    BOOST_TEST(params.activation.segwit.value == 481'824);
    BOOST_TEST(
        params.genesis.header.merkle_root.to_string() ==
        "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
}

BOOST_AUTO_TEST_CASE(read_chain_file__default_chain__is_as_promised) {
    const Params params = chain_params("genesis.json");
    BOOST_TEST(params.name == "cairn");
    BOOST_TEST(params.directory == "cairn");
    BOOST_TEST(params.pow_limit == Uint256(1) << 232);
    const auto& rule = std::get<AsertRule>(params.pow);
    BOOST_TEST(rule.spacing == 15);
    BOOST_TEST(rule.half_life == 3600);
    BOOST_TEST(target_of(rule.start_bits).value() == params.pow_limit);
    BOOST_TEST(params.coinbase_maturity == 10);
    BOOST_TEST(params.max_tip_age == 0);
    BOOST_TEST(params.genesis_spendable);
    BOOST_CHECK(block_script_flags({}, 1, params) == MANDATORY_FLAGS);
    const TxOut& premine = params.genesis.transactions[0].outputs.at(0);
    BOOST_TEST(premine.value.value == 1'000'000 * COIN);
    BOOST_TEST(
        address_of_script(premine.script_pubkey, params.address).value() ==
        "crn1qjquh87vlludea8aenranjkezfvlhj7dfsuchhr");
}

BOOST_AUTO_TEST_CASE(read_chain_file__all_files__differ_in_magic_and_ports) {
    std::set<std::string> magics;
    std::set<int> ports;
    for (const char* file : FILES) {
        const Params params = chain_params(file);
        magics.insert(to_hex(params.magic));
        ports.insert(params.p2p_port);
        ports.insert(params.rpc_port);
    }
    BOOST_TEST(magics.size() == std::size(FILES));
    BOOST_TEST(ports.size() == 2 * std::size(FILES));
}

BOOST_AUTO_TEST_CASE(write_chain_file__what_was_read__reads_as_the_same) {
    for (const char* file : FILES) {
        const std::string written = write_chain_file(chain_params(file));
        BOOST_TEST(write_chain_file(read_chain_file(written)) == written);
        // Nothing is lost: the same fields with the same values as in the file.
        json::value there = json::parse(text_of(file));
        if (there.as_object()["bootstrap_peers"].as_array().empty())
            BOOST_TEST(json::parse(written) == there, file);
    }
}

namespace {

/// A path in the default chain's file, what it can't hold, and the error that this gives.
using BadValue = std::tuple<const char*, json::value, const char*>;

void check_bad_values(std::initializer_list<BadValue> values) {
    for (const auto& [path, value, error] : values)
        BOOST_TEST(error_after([&](json::object& file) { set(file, path, value); }) == error, path);
}

} // namespace

BOOST_AUTO_TEST_CASE(read_chain_file__bad_identity__names_field_content_and_expectation) {
    check_bad_values({
        {"format", 2, "format: holds 2, expected 1, the only format that this program knows"},
        {"format", "1", "format: holds \"1\", expected a whole number from 0 to 2147483647"},
        {"name", "", "name: holds \"\", expected text of 1 to 64 ASCII characters"},
        {"name", "../x", "name: holds \"../x\", expected letters, digits, - and _"},
        {"name", "wallets",
         "name: holds \"wallets\", expected a name that does not begin with - and is neither "
         "wallets nor devnet"},
        {"directory", "-regtest",
         "directory: holds \"-regtest\", expected a name that does not begin with - and is neither "
         "wallets nor devnet"},
        {"name", 7, "name: holds 7, expected text of 1 to 64 ASCII characters"},
        {"directory", "a b", "directory: holds \"a b\", expected letters, digits, - and _"},
        {"magic", "f9beb4", "magic: holds \"f9beb4\", expected 4 bytes in hexadecimal"},
        {"magic", "f9beb4xx", "magic: holds \"f9beb4xx\", expected 4 bytes in hexadecimal"},
        {"p2p_port", 0, "p2p_port: holds 0, expected a whole number from 1 to 65535"},
        {"p2p_port", 65536, "p2p_port: holds 65536, expected a whole number from 1 to 65535"},
        {"rpc_port", 27515, "rpc_port: holds 27515, expected another port than p2p_port"},
        {"rpc_port", 1e3, "rpc_port: holds 1E3, expected a whole number from 1 to 65535"},
        {"address", 1, "address: holds 1, expected an object"},
        {"address.bech32_hrp", "Crn",
         "address.bech32_hrp: holds \"Crn\", expected text without capital letters and spaces"},
        {"address.pubkey_hash", "",
         "address.pubkey_hash: holds \"\", expected 1 to 4 bytes in hexadecimal"},
        {"address.coin_type", -1,
         "address.coin_type: holds -1, expected a whole number from 0 to 2147483647"},
    });
}

BOOST_AUTO_TEST_CASE(read_chain_file__bad_work_or_genesis__names_field_content_and_expectation) {
    check_bad_values({
        {"proof_of_work.limit", "0", "proof_of_work.limit: holds \"0\", expected a number above 0"},
        {"proof_of_work.limit", "0x1",
         "proof_of_work.limit: holds \"0x1\", expected a number of 1 to 64 hexadecimal digits"},
        {"proof_of_work.rule", "luck",
         "proof_of_work.rule: holds \"luck\", expected asert, bitcoin or fixed"},
        {"proof_of_work.spacing", 0,
         "proof_of_work.spacing: holds 0, expected a whole number from 1 to 86400"},
        {"proof_of_work.half_life", 14,
         "proof_of_work.half_life: holds 14, expected a whole number from 15 to 31536000000"},
        {"proof_of_work.start_bits", "1f010000",
         "proof_of_work.start_bits: holds \"1f010000\", expected 8 hexadecimal digits of a target "
         "above 0 and at most proof_of_work.limit"},
        {"genesis.bits", "1e810000",
         "genesis.bits: holds \"1e810000\", expected 8 hexadecimal digits of a target above 0 and "
         "at most proof_of_work.limit"},
        {"genesis.time", 4294967296,
         "genesis.time: holds 4294967296, expected a whole number from 0 to 4294967295"},
        {"genesis.coinbase", json::string(91, 'x'),
         "genesis.coinbase: holds \"" // and no more of it than fits
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
         ", expected text of 1 to 90 ASCII characters"},
        {"genesis.spendable", 1, "genesis.spendable: holds 1, expected true or false"},
        {"genesis.outputs", json::array(),
         "genesis.outputs: holds [], expected at least one output"},
        {"genesis.outputs.0.amount", 2'100'000'000'000'001,
         "genesis.outputs[0].amount: holds 2100000000000001, expected a whole number from 0 to "
         "2100000000000000"},
        {"genesis.outputs.0.script", "51",
         "genesis.outputs[0]: holds "
         "{\"amount\":100000000000000,\"address\":\"crn1qjquh87vlludea8aenranjkezfvlhj7dfsuchhr..."
         ", expected either an address or a script"},
        {"genesis.outputs.0.address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
         "genesis.outputs[0].address: holds \"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\", "
         "expected an address with the prefixes of this file"},
    });
}

BOOST_AUTO_TEST_CASE(read_chain_file__bad_rules__names_field_content_and_expectation) {
    check_bad_values({
        {"subsidy.amount", -1,
         "subsidy.amount: holds -1, expected a whole number from 0 to 2100000000000000"},
        {"subsidy.coinbase_maturity", 0,
         "subsidy.coinbase_maturity: holds 0, expected a whole number from 1 to 2147483647"},
        {"max_block_weight", 3999,
         "max_block_weight: holds 3999, expected a whole number from 4000 to 33554432"},
        {"activation.bip34", -1,
         "activation.bip34: holds -1, expected a whole number from 0 to 2147483647"},
        {"deployments", 1, "deployments: holds 1, expected an array"},
        {"deployments.0.bit", 29,
         "deployments[0].bit: holds 29, expected a whole number from 0 to 28"},
        {"deployments.0.start_time", "now",
         "deployments[0].start_time: holds \"now\", expected seconds, \"always\" or \"never\""},
        {"deployments.0.threshold", 2017,
         "deployments[0].threshold: holds 2017, expected a whole number from 1 to 2016"},
        {"challenge", "", "challenge: holds \"\", expected 1 to 10000 bytes in hexadecimal"},
        {"assumed_valid", "00", "assumed_valid: holds \"00\", expected 32 bytes in hexadecimal"},
        {"max_tip_age", -1, "max_tip_age: holds -1, expected a whole number from 0 to 31536000000"},
        {"dns_seeds.-", "seed:1",
         "dns_seeds[0]: holds \"seed:1\", expected a host without spaces and port"},
    });
    const auto twice = [](json::object& file) {
        json::array& deployments = file["deployments"].as_array();
        deployments.push_back(deployments[0]);
    };
    BOOST_TEST(
        error_after(twice) == "deployments[1].name: holds \"taproot\", expected a name that no "
                              "other deployment has");
}

BOOST_AUTO_TEST_CASE(read_chain_file__bootstrap_peers__are_hosts_with_ports) {
    for (const char* good : {"host", "host:1", "1.2.3.4:65535", "[::1]", "[fe80::1]:8333"})
        BOOST_TEST(
            error_after([&](json::object& file) { set(file, "bootstrap_peers.-", good); }) == "");
    for (const char* bad :
         {"a host", "host:", "host:0", "host:65536", "host:x", "host:1:2", ":1", "::1", "[::1",
          "[::1]x", "host:-1", "host:000001"})
        BOOST_TEST(
            error_after([&](json::object& file) { set(file, "bootstrap_peers.-", bad); }) ==
            "bootstrap_peers[0]: holds \"" + std::string(bad) +
                "\", expected host, host:port or [IPv6]:port, with a port from 1 to 65535");
}

BOOST_AUTO_TEST_CASE(read_chain_file__one_prefix_for_two_kinds_of_address__refused) {
    json::object file = json::parse(read_file(CAIRN_SOURCE_DIR "/genesis.json")).as_object();
    json::object& address = file["address"].as_object();
    address["script_hash"] = address["pubkey_hash"];
    BOOST_CHECK_EXCEPTION(
        read_chain_file(json::serialize(file)), ChainFileError, [](const ChainFileError& error) {
            return std::string_view(error.what()).find("other bytes than those of pubkey_hash") !=
                   std::string_view::npos;
        });
}

BOOST_AUTO_TEST_CASE(read_chain_file__targets_further_apart_than_heights_go__refused) {
    const std::string path = CAIRN_SOURCE_DIR "/genesis/bitcoin-regtest.json";
    json::object file = json::parse(read_file(path)).as_object();
    json::object& work = file["proof_of_work"].as_object();
    work["rule"] = "bitcoin";
    work["spacing"] = 1;
    for (const auto& [timespan, good] :
         {std::pair<int64_t, bool>{1'000'000, true}, {1'000'001, false}, {4'294'967'296, false}}) {
        work["timespan"] = timespan;
        if (good)
            BOOST_CHECK_NO_THROW(read_chain_file(json::serialize(file)));
        else
            BOOST_CHECK_THROW(read_chain_file(json::serialize(file)), ChainFileError);
    }
}

BOOST_AUTO_TEST_CASE(read_chain_file__script_flags_that_make_no_sense__refused) {
    const std::string hash(64, '1');
    const auto with = [&](const json::array& flags) {
        return error_after([&](json::object& file) {
            file["exceptions"] = {{"script_flags", {{{"block", hash}, {"flags", flags}}}}};
        });
    };
    const std::string where = "exceptions.script_flags[0].flags";
    BOOST_TEST(
        with({"P2SH", "P2SH"}) ==
        where + "[1]: holds \"P2SH\", expected P2SH, WITNESS or TAPROOT, once");
    BOOST_TEST(
        with({"DERSIG"}) ==
        where + "[0]: holds \"DERSIG\", expected P2SH, WITNESS or TAPROOT, once");
    BOOST_TEST(
        with({"WITNESS"}) == where + ": holds [\"WITNESS\"], expected P2SH where there is WITNESS");
}

BOOST_AUTO_TEST_CASE(read_chain_file__required_field_missing__names_it) {
    for (const char* name :
         {"format", "name", "magic", "p2p_port", "rpc_port", "address", "proof_of_work", "genesis",
          "subsidy"}) {
        const std::string error = error_after([&](json::object& file) { file.erase(name); });
        BOOST_TEST(error.starts_with(std::string(name) + ": is missing, expected "), error);
    }
}

BOOST_AUTO_TEST_CASE(read_chain_file__field_nobody_knows__is_an_error_at_every_level) {
    const auto starts = [](const std::string& text, std::string_view start) {
        BOOST_TEST(text.starts_with(start), text);
    };
    starts(
        error_after([](json::object& file) { file["nmae"] = "x"; }),
        "nmae: holds \"x\", expected nothing of this name; what can stand here: activation "
        "address");
    starts(
        error_after([](json::object& file) { set(file, "genesis.outputs.0.fee", 1); }),
        "genesis.outputs[0].fee: holds 1, expected nothing of this name; what can stand here: "
        "address amount script");
    // What belongs to another rule of proof of work is unknown, too.
    starts(
        error_after([](json::object& file) { set(file, "proof_of_work.timespan", 100); }),
        "proof_of_work.timespan: holds 100, expected nothing of this name");
}

BOOST_AUTO_TEST_CASE(read_chain_file__field_twice__is_an_error) {
    std::string text = text_of("genesis.json");
    text.insert(text.find("\"magic\""), "\"name\": \"other\", ");
    BOOST_TEST(error_of(text) == "name: is there twice, expected once");
}

BOOST_AUTO_TEST_CASE(read_chain_file__no_json__names_the_line) {
    BOOST_TEST(error_of("").starts_with("line 1: not JSON: "));
    BOOST_TEST(error_of("{\n\"format\": 1,\n}").starts_with("line 3: not JSON: "));
    BOOST_TEST(error_of("{}\n x") == "line 2: not JSON: text after its end");
    BOOST_TEST(error_of("[]") == "the file: holds [], expected an object");
    BOOST_TEST(error_of(std::string(5'000'000, ' ')).starts_with("chain file: has 5000000 bytes"));
    BOOST_TEST(error_of(std::string(100'000, '[')).starts_with("line 1: not JSON: "));
}

BOOST_AUTO_TEST_CASE(read_chain_file__genesis_not_as_its_hash_says__tells_the_right_hash) {
    const std::string error =
        error_after([](json::object& file) { set(file, "genesis.time", 1'763'683'201); });
    BOOST_TEST(error.starts_with(
        "genesis.hash: holds \"000000f00012a916cfd65439b5b3b7f8efdc4b4dcd0c8670a41f17eb7dbfa95a\", "
        "expected the hash of what this section holds, "));
    // With that hash the file still fails: the nonce isn't good.
    const std::string right = error.substr(error.size() - 64);
    BOOST_TEST(
        error_after([&](json::object& file) {
            set(file, "genesis.time", 1'763'683'201);
            set(file, "genesis.hash", json::string(right));
        }) == "genesis.nonce: holds 4181047, expected a nonce with which the hash meets the bits");
}

BOOST_AUTO_TEST_CASE(read_chain_file__premine_above_all_money__is_an_error) {
    BOOST_TEST(error_after([](json::object& file) {
                   json::array& outputs = file["genesis"].as_object()["outputs"].as_array();
                   outputs[0].as_object()["amount"] = 2'100'000'000'000'000;
                   outputs.push_back({{"amount", 1}, {"script", "51"}});
               }).ends_with(", expected at most 21,000,000 coins in all"));
}

BOOST_AUTO_TEST_CASE(read_chain_file__optional_fields_absent__have_their_defaults) {
    json::object file = default_file();
    for (const char* name :
         {"max_block_weight", "activation", "deployments", "max_tip_age", "bootstrap_peers",
          "dns_seeds"})
        file.erase(name);
    const Params params = read_chain_file(json::serialize(file));
    BOOST_TEST(params.max_block_weight == 4'000'000);
    BOOST_TEST(params.activation.csv.value == 1);
    BOOST_TEST(params.deployments.empty());
    BOOST_TEST(params.max_tip_age == 86'400);
}

BOOST_AUTO_TEST_SUITE_END()
