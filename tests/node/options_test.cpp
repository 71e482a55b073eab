// SPDX-License-Identifier: MIT
#include "node/options.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::node;

namespace {

using Texts = std::vector<std::string>;

Settings from_line(const Texts& arguments) {
    return Settings(std::vector<SettingList>{parse_arguments(arguments).settings});
}

/// The chain that a command line chooses; the default one's if it doesn't.
std::string chain_of(const Texts& arguments) {
    const std::vector<SettingList> sources{parse_arguments(arguments).settings};
    return chosen_chain(sources).value_or(Settings().text("chain"));
}

template <class Function>
std::string error_of(Function&& function) {
    try {
        function();
    } catch (const OptionError& error) {
        return error.what();
    }
    return "no error";
}

} // namespace

BOOST_AUTO_TEST_SUITE(options)

BOOST_AUTO_TEST_CASE(option_table__every_row__is_named_once_and_described) {
    for (const Option& row : option_table()) {
        BOOST_TEST(find_option(row.name) == &row, row.name);
        BOOST_TEST(row.group.empty() == row.help.empty(), row.name);
        const bool silent = row.kind == Option::Kind::Flag || row.kind == Option::Kind::Ignored;
        BOOST_TEST(row.argument.empty() == silent, row.name);
    }
}

BOOST_AUTO_TEST_CASE(options_help__shows_what_works_and_hides_what_is_ignored) {
    const std::string help = options_help();
    BOOST_TEST(help.find("\nOptions:\n") != std::string::npos);
    BOOST_TEST(help.find("  -dbcache=<MiB>\n      Memory") != std::string::npos);
    BOOST_TEST(help.find("(default: 450)") != std::string::npos);
    BOOST_TEST(help.find("-fallbackfee") == std::string::npos);
    for (size_t at = 0; at < help.size();) {
        const size_t end = help.find('\n', at);
        BOOST_TEST(end - at < 80U);
        at = end + 1;
    }
}

BOOST_AUTO_TEST_CASE(parse_arguments__each_form__gives_its_value) {
    BOOST_TEST(from_line({"-par=3"}).number("par") == 3);
    BOOST_TEST(from_line({"--par=3"}).number("par") == 3);
    BOOST_TEST(from_line({"--par", "3"}).number("par") == 3);
    BOOST_TEST(from_line({"--par", "-3"}).number("par") == -3);
    BOOST_TEST(from_line({"-daemon"}).flag("daemon"));
    BOOST_TEST(from_line({"-daemon=1"}).flag("daemon"));
    BOOST_TEST(!from_line({"-daemon=0"}).flag("daemon"));
    BOOST_TEST(!from_line({"-nolisten"}).flag("listen"));
    BOOST_TEST(!from_line({"-nolisten=1"}).flag("listen"));
    BOOST_TEST(from_line({"-nolisten=0"}).flag("listen"));
    BOOST_TEST(from_line({"-noconf"}).text("conf").empty());
    BOOST_TEST(from_line({"-debug"}).list("debug") == Texts{"1"});
    BOOST_TEST(
        from_line({"-fallbackfee=1", "-disablewallet", "-nologratelimit"}).is_set("logratelimit"));
}

/// What Bitcoin Core's functional tests start every node with.
BOOST_AUTO_TEST_CASE(parsers__what_the_reference_s_tests_give__is_taken) {
    const Texts arguments{"-datadir=/d",           "-logtimemicros",     "-debug",
                          "-debugexclude=leveldb", "-debugexclude=rand", "-uacomment=testnode0",
                          "-disablewallet",        "-logthreadnames",    "-logsourcelocations",
                          "-loglevel=trace",       "-nologratelimit",    "-v2transport=0"};
    Config config = parse_config(
        "regtest=1\n[regtest]\nport=11060\nrpcport=16060\nrpcservertimeout=99000\n"
        "rpcdoccheck=1\nrpcthreads=2\nfallbackfee=0.0002\nserver=1\nkeypool=1\ndiscover=0\n"
        "dnsseed=0\nfixedseeds=0\nlistenonion=0\npeertimeout=999999999\nprinttoconsole=0\n"
        "natpmp=0\nshrinkdebugfile=0\nunsafesqlitesync=1\nconnect=0\nmaxconnections=94\n"
        "par=2\nprevoutfetchthreads=1\nbind=127.0.0.1\n",
        "bitcoin.conf");
    const std::vector sources{
        parse_arguments(arguments).settings, config["regtest"].settings, config[""].settings};
    const Settings settings(sources);
    BOOST_TEST(chosen_chain(sources).value() == "regtest");
    BOOST_TEST(settings.text("loglevel") == "trace");
    BOOST_TEST((settings.list("connect") == Texts{"0"}));
    BOOST_TEST(settings.number("peertimeout") == 999'999'999);
}

BOOST_AUTO_TEST_CASE(parse_arguments__flag_before_a_word__leaves_the_word) {
    const Texts arguments{"--daemon", "getblock", "-par=1"};
    const CommandLine line = parse_arguments(arguments);
    BOOST_TEST((line.rest == Texts{"getblock", "-par=1"}));
    BOOST_TEST(line.settings.size() == 1U);
}

BOOST_AUTO_TEST_CASE(take_option__words_of_another_reader__are_left) {
    const std::pair<Texts, size_t> lines[] = {
        {{"-par=1", "x"}, 1},   {{"--par", "1", "x"}, 2}, {{"--regtest", "x"}, 1},
        {{"--debug", "x"}, 1},  {{"--noconf", "x"}, 1},   {{"--fake", "x"}, 0},
        {{"par", "1", "x"}, 0}, {{"-", "x"}, 0},
    };
    for (const auto& [line, taken] : lines) {
        SettingList settings;
        BOOST_TEST(take_option(line, settings) == taken, line[0]);
        BOOST_TEST(settings.size() == (taken == 0 ? 0U : 1U), line[0]);
    }
}

BOOST_AUTO_TEST_CASE(settings__option_repeated__last_value_wins_and_lists_keep_all) {
    const Settings settings =
        from_line({"-par=1", "-uacomment=a", "-par=2", "-uacomment=b", "-nolisten", "-listen"});
    BOOST_TEST(settings.number("par") == 2);
    BOOST_TEST((settings.list("uacomment") == Texts{"a", "b"}));
    BOOST_TEST(settings.flag("listen"));
    BOOST_TEST(
        (from_line({"-uacomment=a", "-nouacomment", "-uacomment=b"}).list("uacomment") ==
         Texts{"b"}));
}

BOOST_AUTO_TEST_CASE(settings__option_not_given__has_its_fallback) {
    const Settings settings = from_line({});
    BOOST_TEST(!settings.is_set("dbcache"));
    BOOST_TEST(settings.number("dbcache") == 450);
    BOOST_TEST(settings.flag("listen"));
    BOOST_TEST(!settings.flag("daemon"));
    BOOST_TEST(settings.text("conf") == "cairn.conf");
    BOOST_TEST(settings.list("connect").empty());
}

BOOST_AUTO_TEST_CASE(settings__several_sources__the_first_wins_and_lists_join) {
    const std::vector<SettingList> sources{
        {{"par", "1"}, {"addnode", "a"}},
        {{"par", "2"}, {"dbcache", "20"}, {"addnode", "b"}},
        {{"par", "3"}, {"dbcache", "30"}, {"maxmempool", "300"}, {"addnode", "c"}}};
    const Settings settings(sources);
    BOOST_TEST(settings.number("par") == 1);
    BOOST_TEST(settings.number("dbcache") == 20);
    BOOST_TEST(settings.number("maxmempool") == 300);
    BOOST_TEST((settings.list("addnode") == Texts{"a", "b", "c"}));
}

BOOST_AUTO_TEST_CASE(settings__negated_list__hides_weaker_sources) {
    const std::vector<SettingList> sources{{{"connect", "", true}}, {{"connect", "a"}}};
    const Settings settings(sources);
    BOOST_TEST(settings.is_set("connect"));
    BOOST_TEST(settings.list("connect").empty());
}

BOOST_AUTO_TEST_CASE(settings__chain_shortcuts__are_chains) {
    BOOST_TEST(chain_of({"-regtest"}) == "regtest");
    BOOST_TEST(chain_of({"-testnet"}) == "testnet3");
    BOOST_TEST(chain_of({"-testnet4"}) == "testnet4");
    BOOST_TEST(chain_of({"-signet"}) == "signet");
    BOOST_TEST(chain_of({"-noregtest"}) == "cairn");
    BOOST_TEST(chain_of({"-regtest", "-noregtest"}) == "cairn");
    BOOST_CHECK_THROW(chain_of({"-regtest", "-signet"}), OptionError);
    BOOST_CHECK_THROW(chain_of({"-regtest", "-chain=signet"}), OptionError);
    BOOST_TEST(chain_of({"-regtest=0"}) == "cairn");
}

BOOST_AUTO_TEST_CASE(parse_arguments__mistake__says_which) {
    const std::pair<std::string, std::string> mistakes[] = {
        {"-fakearg", "Invalid parameter -fakearg"},
        {"-fakearg=secret", "Invalid parameter -fakearg"},
        {"--nofakearg", "Invalid parameter -nofakearg"},
        {"-par=two", "-par=two: expected a whole number"},
        {"-par=", "-par=: expected a whole number"},
        {"-dbcache=0", "-dbcache=0 is not between 4 and 1048576"},
        {"-nodbcache", "-nodbcache=0 is not between 4 and 1048576"},
        {"-par", "-par needs a value: -par=<n>"},
        {"-datadir", "-datadir needs a value: -datadir=<dir>"},
        {"-listen=maybe", "-listen=maybe: expected 0 or 1"},
        {"-nolisten=maybe", "-nolisten: expected no value"},
        {"-nopar=0", "-nopar=0 says nothing"},
        {"-includeconf=a.conf",
         "-includeconf cannot be used from commandline; -includeconf=\"a.conf\""},
    };
    for (const auto& [argument, expected] : mistakes) {
        BOOST_TEST(error_of([&text = argument] { // clang 14 takes no binding itself
                       from_line({text});
                   }) == "Error parsing command line arguments: " + expected);
    }
}

BOOST_AUTO_TEST_CASE(parse_environment__cairn_variables__are_options) {
    const Texts environment{
        "PATH=/bin", "CAIRN_RPCPORT=7", "CAIRN_NOLISTEN=1", "CAIRN_HELP_DEBUG=1"};
    const SettingList settings = parse_environment(environment);
    const SettingList expected{{"rpcport", "7"}, {"listen", "0", true}, {"help-debug", "1"}};
    BOOST_TEST((settings == expected));
    BOOST_TEST(error_of([] {
                   parse_environment(Texts{"CAIRN_FAKE=1"});
               }) == "Error reading the environment: Invalid parameter CAIRN_FAKE");
    BOOST_TEST(error_of([] {
                   parse_environment(Texts{"CAIRN_PAR=x"});
               }) == "Error reading the environment: CAIRN_PAR=x: expected a whole number");
}

BOOST_AUTO_TEST_CASE(parse_config__sections_comments_blanks__are_sorted_out) {
    Config config = parse_config(
        "# all chains\n"
        "par = 2   # threads\r\n"
        "\n"
        "regtest.port=7\n"
        "[regtest]\n"
        "port=8\n"
        "  nolisten=1\n"
        "[other]\n"
        "rpcpassword=a b=c",
        "x.conf");
    BOOST_TEST((config[""].settings == SettingList{{"par", "2"}}));
    BOOST_TEST(
        (config["regtest"].settings ==
         SettingList{{"port", "7"}, {"port", "8"}, {"listen", "0", true}}));
    BOOST_TEST((config["other"].settings == SettingList{{"rpcpassword", "a b=c"}}));
    BOOST_TEST(config["regtest"].place == "x.conf:4");
    BOOST_TEST(config["other"].place == "x.conf:8");
}

BOOST_AUTO_TEST_CASE(parse_config__mistake__names_file_and_line) {
    const std::pair<std::string, std::string> mistakes[] = {
        {"fakearg=1", "Invalid parameter fakearg"},
        {"listen", "expected name=value, not listen"},
        {"-listen=1", "-listen, options in configuration file must be specified without leading -"},
        {"[regtest", "expected ] at the end of a section"},
        {"port=x", "port=x: expected a whole number"},
        {"conf=a",
         "conf cannot be set in the configuration file; use includeconf= if you want to include "
         "additional config files"},
        {"rpcpassword=a#b", "using # in rpcpassword can be ambiguous and should be avoided"},
        {"a.chain=b", "chain must stand above the first section"},
        {"a.regtest=1", "regtest must stand above the first section"},
        {"a.datadir=b", "datadir must stand above the first section"},
    };
    for (const auto& [line, expected] : mistakes) {
        BOOST_TEST(error_of([&text = line] {
                       parse_config("\n\n" + text + "\n", "x.conf");
                   }) == "Error reading configuration file: x.conf:3: " + expected);
    }
}

BOOST_AUTO_TEST_SUITE_END()
