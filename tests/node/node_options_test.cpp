// SPDX-License-Identifier: MIT
#include "consensus/address.h"
#include "node/node_options.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;

namespace {

Setup setup_of(const std::vector<std::string>& arguments) {
    Setup setup;
    setup.settings = Settings(std::vector<SettingList>{parse_arguments(arguments).settings});
    setup.locations.chain_directory = "/chain";
    setup.params.pow = consensus::FixedRule{};
    setup.params.p2p_port = 18444;
    setup.params.name = "regtest";
    setup.params.address.bech32_hrp = "bcrt";
    return setup;
}

template <class Function>
std::string error_of(Function&& read, const std::vector<std::string>& arguments) {
    Setup setup = setup_of(arguments);
    try {
        read(setup);
    } catch (const OptionError& error) {
        return error.what();
    }
    return "no error";
}

} // namespace

BOOST_AUTO_TEST_SUITE(node_options)

BOOST_AUTO_TEST_CASE(chain_options__table_fallbacks__are_those_of_the_struct) {
    const chain::ChainOptions from_table = chain_options(setup_of({}));
    const chain::ChainOptions plain;
    BOOST_TEST(from_table.cache_bytes == plain.cache_bytes);
    BOOST_TEST(from_table.max_mempool_bytes == plain.max_mempool_bytes);
    BOOST_TEST(from_table.mempool_expiry_seconds == plain.mempool_expiry_seconds);
    BOOST_TEST((from_table.min_relay_feerate == plain.min_relay_feerate));
    BOOST_TEST((from_table.incremental_feerate == plain.incremental_feerate));
    BOOST_TEST((from_table.dust_feerate == plain.dust_feerate));
    BOOST_TEST((from_table.block_min_feerate == plain.block_min_feerate));
    BOOST_TEST(from_table.block_reserved_weight == plain.block_reserved_weight);
    BOOST_TEST(!from_table.block_max_weight.has_value());
    BOOST_TEST(!from_table.block_version.has_value());
    BOOST_TEST(from_table.bytes_per_sigop == plain.bytes_per_sigop);
    BOOST_TEST(from_table.permit_bare_multisig == plain.permit_bare_multisig);
    BOOST_TEST(from_table.max_datacarrier_bytes == plain.max_datacarrier_bytes);
    BOOST_TEST(from_table.block_filters == plain.block_filters);
    BOOST_TEST(from_table.persist_mempool == plain.persist_mempool);
    BOOST_TEST(!from_table.assumed_valid.has_value());
    BOOST_TEST(!from_table.minimum_chain_work.has_value());
}

BOOST_AUTO_TEST_CASE(chain_options__values__arrive) {
    const chain::ChainOptions options = chain_options(setup_of(
        {"-dbcache=5", "-par=-1", "-assumevalid=0", "-minimumchainwork=0x65", "-maxtipage=9",
         "-minrelaytxfee=0.1", "-dustrelayfee=2", "-blockfilterindex=0", "-nopersistmempool",
         "-nodatacarrier", "-nopermitbaremultisig"}));
    BOOST_TEST(options.cache_bytes == size_t{5} << 20);
    BOOST_TEST(options.verify_threads == -1);
    BOOST_TEST(options.assumed_valid->is_null());
    BOOST_TEST((*options.minimum_chain_work == 0x65));
    BOOST_TEST(*options.max_tip_age == 9);
    BOOST_TEST(options.min_relay_feerate.per_kvb.value == 10'000'000);
    BOOST_TEST(options.dust_feerate.per_kvb.value == 200'000'000);
    BOOST_TEST(!options.block_filters);
    BOOST_TEST(!options.persist_mempool);
    BOOST_TEST(!options.permit_bare_multisig);
    BOOST_TEST(options.max_datacarrier_bytes == 0U);
    BOOST_TEST(chain_options(setup_of({"-datacarriersize=83"})).max_datacarrier_bytes == 83U);
    BOOST_TEST(options.directory == "/chain");
}

BOOST_AUTO_TEST_CASE(chain_options__of_blocks__arrive_and_fit_small_ones) {
    const chain::ChainOptions options = chain_options(setup_of(
        {"-blockmaxweight=50000", "-blockreservedweight=2000", "-blockversion=1337",
         "-bytespersigop=5"}));
    BOOST_TEST(options.block_max_weight.value() == 50'000);
    BOOST_TEST(options.block_reserved_weight == 2'000);
    BOOST_TEST(options.block_version.value() == 1337);
    BOOST_TEST(options.bytes_per_sigop == 5);
    Setup small = setup_of({});
    small.params.max_block_weight = 5'000;
    BOOST_TEST(chain_options(small).block_reserved_weight == 2'500);
    Setup mined = setup_of({"-blockversion=1"});
    mined.params.pow = consensus::BitcoinRule{};
    BOOST_CHECK_THROW(chain_options(mined), OptionError);
}

BOOST_AUTO_TEST_CASE(chain_options__bad_value__is_named) {
    const std::pair<std::string, std::string> mistakes[] = {
        {"-blockmaxweight=4000001",
         "-blockmaxweight (4000001) exceeds consensus maximum block weight (4000000)"},
        {"-blockreservedweight=4000001",
         "-blockreservedweight (4000001) exceeds consensus maximum block weight (4000000)"},
        {"-blockreservedweight=1999",
         "-blockreservedweight (1999) is lower than minimum safety value of (2000)"},
        {"-blockmaxweight=7999", "-blockreservedweight (8000) exceeds -blockmaxweight (7999)"},
        {"-minimumchainwork=test",
         "Invalid minimum work specified (test), must be up to 64 hex digits"},
        {"-assumevalid=xyz",
         "Invalid assumevalid block hash specified (xyz), must be up to 64 hex digits (or 0 to "
         "disable)"},
        {"-minrelaytxfee=1.123456789", "Invalid amount for -minrelaytxfee=<amount>: '1.123456789'"},
        {"-minrelaytxfee=-1", "Invalid amount for -minrelaytxfee=<amount>: '-1'"},
        {"-minrelaytxfee=.", "Invalid amount for -minrelaytxfee=<amount>: '.'"},
        {"-minrelaytxfee=1.2.3", "Invalid amount for -minrelaytxfee=<amount>: '1.2.3'"},
        {"-minrelaytxfee=99999999999", "Invalid amount for -minrelaytxfee=<amount>: "
                                       "'99999999999'"},
    };
    for (const auto& [argument, expected] : mistakes)
        BOOST_TEST(error_of(chain_options, {argument}) == expected);
}

BOOST_AUTO_TEST_CASE(network_options__whitelist_names_nothing__grants_what_options_say) {
    const uint32_t usual = PERMIT_NOBAN | PERMIT_DOWNLOAD | PERMIT_MEMPOOL;
    const std::pair<std::vector<std::string>, uint32_t> cases[] = {
        {{}, usual | PERMIT_RELAY},
        {{"-whitelistrelay=0"}, usual},
        {{"-whitelistforcerelay"}, usual | PERMIT_RELAY | PERMIT_FORCE_RELAY},
        {{"-whitelistforcerelay", "-whitelistrelay=0"}, usual | PERMIT_FORCE_RELAY},
        {{"-blocksonly"}, usual},
        {{"-blocksonly", "-whitelistrelay"}, usual | PERMIT_RELAY}};
    for (const auto& [arguments, expected] : cases)
        BOOST_TEST(network_options(setup_of(arguments)).implied_permissions == expected);
}

BOOST_AUTO_TEST_CASE(network_options__external_addresses__at_the_port_given_or_the_nodes) {
    const NetworkOptions options =
        network_options(setup_of({"-externalip=1.2.3.4", "-externalip=[2a00::1]:9", "-port=7"}));
    BOOST_REQUIRE(options.external.size() == 2U);
    BOOST_TEST(options.external[0].to_string() == "1.2.3.4:7");
    BOOST_TEST(options.external[1].to_string() == "[2a00::1]:9");
    BOOST_TEST(
        error_of(network_options, {"-externalip=example.org"}) ==
        "Cannot resolve -externalip address: 'example.org'");
}

BOOST_AUTO_TEST_CASE(network_options__only_one_network__is_called) {
    const NetworkOptions all = network_options(setup_of({}));
    BOOST_TEST(all.reaches(NetworkId::Ipv4));
    BOOST_TEST(all.reaches(NetworkId::Ipv6));
    BOOST_TEST(!all.reaches(NetworkId::TorV3));
    const NetworkOptions tor =
        network_options(setup_of({"-proxy=127.0.0.1:9050", "-onlynet=onion"}));
    BOOST_TEST(!tor.reaches(NetworkId::Ipv4));
    BOOST_TEST(tor.reaches(NetworkId::TorV3));
    BOOST_TEST(!tor.dns_seed); // it knows of no others
    const NetworkOptions old = network_options(setup_of({"-onlynet=ipv4", "-onion=127.0.0.1"}));
    BOOST_TEST(old.reaches(NetworkId::Ipv4));
    BOOST_TEST(!old.reaches(NetworkId::Ipv6));
    BOOST_TEST(!old.reaches(NetworkId::TorV3));
    BOOST_TEST(old.dns_seed);
    BOOST_TEST(
        error_of(network_options, {"-onlynet=ipx"}) ==
        "Unknown network specified in -onlynet: 'ipx'");
    BOOST_TEST(error_of(network_options, {"-onlynet=onion"}).starts_with("Outbound connections"));
    BOOST_TEST(error_of(network_options, {"-onlynet=i2p"}) == "-onlynet=i2p: no way leads there");
}

BOOST_AUTO_TEST_CASE(network_options__connect__means_no_other_peers) {
    const NetworkOptions none = network_options(setup_of({"-connect=0"}));
    BOOST_TEST(none.connect_only);
    BOOST_TEST(none.connect.empty());
    BOOST_TEST(!none.listen);
    BOOST_TEST(network_options(setup_of({"-connect=0", "-listen"})).listen);
    BOOST_TEST(network_options(setup_of({"-connect=0", "-bind=::1"})).listen);
    BOOST_TEST(network_options(setup_of({"-connect=0", "-whitebind=::1"})).listen);
    for (const char* place : {"-bind=::1", "-whitebind=noban@::1"})
        BOOST_TEST(
            error_of(network_options, {place, "-nolisten"}) ==
            "Cannot set -bind or -whitebind together with -listen=0");
    BOOST_TEST(network_options(setup_of({"-noconnect"})).connect_only);
    const NetworkOptions one = network_options(setup_of({"-connect=a:1", "-port=7"}));
    BOOST_TEST((one.connect == std::vector<std::string>{"a:1"}));
    BOOST_TEST(one.port == 7);
    const NetworkOptions open = network_options(setup_of({}));
    BOOST_TEST(!open.connect_only);
    BOOST_TEST(open.listen);
    BOOST_TEST(open.port == 18444);
    BOOST_TEST(open.directory == "/chain");
    BOOST_TEST(open.max_upload_bytes == 0u);
    for (const auto& [text, bytes] :
         {std::pair("1", 1u << 20), {"3k", 3000u}, {"3K", 3072u}, {"2G", 1u << 31}})
        BOOST_TEST(
            network_options(setup_of({std::string("-maxuploadtarget=") + text})).max_upload_bytes ==
            bytes);
}

BOOST_AUTO_TEST_CASE(network_options__proxy__hides_the_node) {
    const NetworkOptions hidden = network_options(setup_of({"-proxy=127.0.0.1:9050"}));
    BOOST_TEST(hidden.proxy == "127.0.0.1:9050");
    BOOST_TEST(hidden.onion_proxy == hidden.proxy);
    BOOST_TEST(!hidden.listen);
    BOOST_TEST(network_options(setup_of({"-proxy=[::1]:1", "-listen"})).listen);
    BOOST_TEST(network_options(setup_of({"-proxy=tor", "-noonion"})).onion_proxy.empty());
    const NetworkOptions onions = network_options(setup_of({"-onion=tor:1"}));
    BOOST_TEST(onions.listen);
    BOOST_TEST(onions.proxy.empty());
    BOOST_TEST(onions.onion_proxy == "tor:1");
}

BOOST_AUTO_TEST_CASE(network_options__bad_value__is_named) {
    BOOST_TEST(
        error_of(network_options, {"-proxy=abc..abc:23456"}) ==
        "Invalid -proxy address or hostname: 'abc..abc:23456'");
    BOOST_TEST(
        error_of(network_options, {"-onion=192.0.0.1:def"}) ==
        "Invalid port specified in -onion: '192.0.0.1:def'");
    BOOST_TEST(
        error_of(network_options, {"-port=65536"}) == "Invalid port specified in -port: '65536'");
    for (const std::string bad : {"abc", "", "1x", "1MM", "-1", "99999999999T"})
        BOOST_TEST(
            error_of(network_options, {"-maxuploadtarget=" + bad}) ==
            "Unable to parse -maxuploadtarget: '" + bad + "'");
    BOOST_TEST(
        error_of(network_options, {"-peertimeout=0"}) == "peertimeout must be a positive integer.");
    BOOST_TEST(
        error_of(network_options, {"-uacomment=a/b"}) ==
        "User Agent comment (a/b) contains unsafe characters.");
}

BOOST_AUTO_TEST_CASE(log_options__debug__raises_the_level) {
    using Texts = std::vector<std::string>;
    BOOST_TEST(log_options(setup_of({})).detailed.empty());
    BOOST_TEST(log_options(setup_of({"-debug"})).detailed == Texts{"1"});
    BOOST_TEST(
        log_options(setup_of({"-debug=net", "-debug=rpc"})).detailed == (Texts{"net", "rpc"}));
    BOOST_TEST((log_options(setup_of({"-debug=net"})).level == spdlog::level::debug));
    BOOST_TEST(log_options(setup_of({"-debug", "-debugexclude=rpc"})).excluded == Texts{"rpc"});
    BOOST_TEST(log_options(setup_of({"-debug", "-loglevel=info"})).detailed.empty());
    BOOST_TEST(
        (log_options(setup_of({"-debug", "-loglevel=trace"})).level == spdlog::level::trace));
    BOOST_TEST(error_of(log_options, {"-debug=net", "-debug=foo"})
                   .starts_with("-debug=foo: expected 0, none, all, one of chain, index, main"));
    BOOST_TEST(log_options(setup_of({"-debug=0"})).detailed.empty());
    BOOST_TEST(log_options(setup_of({"-debug", "-nodebug"})).detailed.empty());
    BOOST_TEST(!log_options(setup_of({})).json);
    BOOST_TEST(log_options(setup_of({"-logformat=json"})).json);
    BOOST_TEST(error_of(log_options, {"-logformat=x"}) == "-logformat=x: expected text or json");
    BOOST_TEST(log_options(setup_of({})).to_console);
    BOOST_TEST(!log_options(setup_of({"-daemon"})).to_console);
    BOOST_TEST(!log_options(setup_of({"-noprinttoconsole"})).to_console);
    BOOST_TEST(log_options(setup_of({})).file == "/chain/debug.log");
    BOOST_TEST(log_options(setup_of({"-nodebuglogfile"})).file.empty());
}

BOOST_AUTO_TEST_CASE(mining_payout__address__is_its_script) {
    BOOST_TEST(!mining_payout(setup_of({})).has_value());
    const auto script =
        mining_payout(setup_of({"-mine=bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"}));
    BOOST_TEST_REQUIRE(script.has_value());
    BOOST_TEST(script->size() == 22U);
    BOOST_TEST(error_of(mining_payout, {"-mine=nobody"})
                   .starts_with("-mine=nobody is no address of chain regtest: "));
    Setup signed_chain = setup_of({"-mine=bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"});
    const uint8_t op_true = 0x51;
    signed_chain.params.challenge.push_back(op_true);
    BOOST_CHECK_THROW(mining_payout(signed_chain), OptionError);
}

BOOST_AUTO_TEST_CASE(apply_test_heights__rules__change_and_mistakes_are_named) {
    Setup setup = setup_of({"-testactivationheight=cltv@111", "-testactivationheight=segwit@0"});
    apply_test_heights(setup);
    BOOST_TEST(setup.params.activation.bip65.value == 111);
    BOOST_TEST(setup.params.activation.segwit.value == 0);
    BOOST_TEST(setup.params.activation.bip66.value == 1);
    const std::pair<std::string, std::string> mistakes[] = {
        {"cltv", "Invalid format (cltv) for -testactivationheight=name@height."},
        {"cltv@x", "Invalid height value (cltv@x) for -testactivationheight=name@height."},
        {"cltv@-1", "Invalid height value (cltv@-1) for -testactivationheight=name@height."},
        {"bip1@1", "Invalid name (bip1@1) for -testactivationheight=name@height."},
    };
    for (const auto& [text, expected] : mistakes)
        BOOST_TEST(error_of(apply_test_heights, {"-testactivationheight=" + text}) == expected);
    Setup real = setup_of({"-testactivationheight=cltv@111"});
    real.params.pow = consensus::BitcoinRule{};
    BOOST_CHECK_THROW(apply_test_heights(real), OptionError);
}

BOOST_AUTO_TEST_SUITE_END()
