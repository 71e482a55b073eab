// SPDX-License-Identifier: MIT
#include "node/setup.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::node;
using cairn::tests::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

using Texts = std::vector<std::string>;

/// A home without a configuration file yet.
struct Home {
    TemporaryFolder folder;

    fs::path data() const { return folder.path() / ".cairn"; }

    Setup read(const Texts& arguments, Texts environment = {}) const {
        environment.push_back("HOME=" + folder.path().string());
        return read_setup(parse_arguments(arguments).settings, environment);
    }

    std::string error(const Texts& arguments, const Texts& environment = {}) const {
        try {
            read(arguments, environment);
        } catch (const OptionError& error) {
            return error.what();
        }
        return "no error";
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(setup)

BOOST_AUTO_TEST_CASE(read_setup__nothing_given__default_chain_under_home) {
    const Home home;
    const Setup setup = home.read({});
    BOOST_TEST(setup.params.name == "cairn");
    BOOST_TEST(setup.locations.data_directory == home.data());
    BOOST_TEST(setup.locations.chain_directory == home.data() / setup.params.directory);
    BOOST_TEST(setup.locations.config_file == home.data() / "cairn.conf");
    BOOST_TEST(setup.locations.chain_file.filename() == "genesis.json");
    BOOST_TEST(setup.warnings.empty());
    BOOST_TEST(!fs::exists(home.data()));
}

BOOST_AUTO_TEST_CASE(read_setup__all_sources__flag_environment_section_top) {
    const Home home;
    home.folder.write(
        ".cairn/cairn.conf",
        "chain=regtest\npar=1\ndbcache=10\nmaxmempool=10\nrpcthreads=1\nuacomment=top\n"
        "[signet]\npar=9\n"
        "[regtest]\npar=2\ndbcache=20\nmaxmempool=20\nuacomment=section\n");
    const Setup setup =
        home.read({"-par=4", "-uacomment=flag"}, {"CAIRN_PAR=3", "CAIRN_DBCACHE=30"});
    BOOST_TEST(setup.params.name == "regtest");
    BOOST_TEST(setup.settings.number("par") == 4);
    BOOST_TEST(setup.settings.number("dbcache") == 30);
    BOOST_TEST(setup.settings.number("maxmempool") == 20);
    BOOST_TEST(setup.settings.number("rpcthreads") == 1);
    BOOST_TEST((setup.settings.list("uacomment") == Texts{"flag", "section", "top"}));
}

BOOST_AUTO_TEST_CASE(read_setup__chain_by_flag__beats_the_file) {
    const Home home;
    home.folder.write(".cairn/cairn.conf", "chain=signet\n");
    BOOST_TEST(home.read({"-chain=regtest"}).params.name == "regtest");
    BOOST_TEST(home.read({"-regtest"}).params.name == "regtest");
    BOOST_TEST(home.read({}, {"CAIRN_CHAIN=regtest"}).params.name == "regtest");
    BOOST_TEST(home.read({}).params.name == "signet");
    home.folder.write(".cairn/cairn.conf", "regtest=1\n");
    BOOST_TEST(home.read({}).params.name == "regtest");
    BOOST_TEST(home.read({}).chain_chosen);
    BOOST_TEST(!home.read({"-noregtest"}).chain_chosen);
}

BOOST_AUTO_TEST_CASE(read_setup__datadir_and_conf__are_seen_from_each_other) {
    const Home home;
    const std::string data = (home.folder.path() / "data").string();
    home.folder.write("data/bitcoin.conf", "regtest=1\n[regtest]\nrpcport=16060\n");
    const Setup setup = home.read({"-datadir=" + data, "-conf=bitcoin.conf"});
    BOOST_TEST(setup.locations.chain_directory == fs::path(data) / "regtest");
    BOOST_TEST(setup.settings.number("rpcport") == 16060);
    BOOST_TEST(setup.chain_path("debuglogfile") == fs::path(data) / "regtest" / "debug.log");

    const std::string conf = home.folder.write("other.conf", "datadir=" + data + "\n").string();
    BOOST_TEST(home.read({"-conf=" + conf}).locations.data_directory == data);
    BOOST_TEST(home.read({"-noconf"}).locations.config_file.empty());
}

BOOST_AUTO_TEST_CASE(read_setup__chain_file_in_the_configuration__is_seen_from_the_data) {
    const Home home;
    fs::copy_file(find_chain_file("regtest", chain_folders()), home.folder.path() / "my.json");
    home.folder.write("data/cairn.conf", "chain=../my.json\n");
    const fs::path data = home.folder.path() / "data";
    const Setup setup = home.read({"-datadir=" + data.string()});
    BOOST_TEST(setup.locations.chain_file == data / "../my.json");
    BOOST_TEST(setup.params.name == "regtest");
}

BOOST_AUTO_TEST_CASE(read_setup__includeconf__adds_a_file_but_not_from_an_included_one) {
    const Home home;
    home.folder.write(
        ".cairn/cairn.conf", "regtest=1\nuacomment=main\nincludeconf=a.conf\n"
                             "[regtest]\nincludeconf=b.conf\n");
    home.folder.write(".cairn/a.conf", "uacomment=a\nincludeconf=c.conf\n[regtest]\npar=7\n");
    home.folder.write(".cairn/b.conf", "uacomment=b\n");
    const Setup setup = home.read({});
    BOOST_TEST((setup.settings.list("uacomment") == Texts{"main", "a", "b"}));
    BOOST_TEST(setup.settings.number("par") == 7);
    BOOST_TEST(
        (setup.warnings ==
         Texts{"-includeconf cannot be used from included files; ignoring -includeconf=c.conf"}));
}

BOOST_AUTO_TEST_CASE(read_setup__section_of_no_chain__warns_of_file_and_line) {
    const Home home;
    const std::string data = home.data().string();
    home.folder.write(
        ".cairn/cairn.conf", "regtest=1\nnosuch.par=1\nincludeconf=a.conf\n[main]\npar=2\n"
                             "[signet]\n[regtest]\n[cairn]\n[nosuch]\n");
    home.folder.write(".cairn/a.conf", "[test]\n[nochain]\n");
    const Texts expected{
        data + "/a.conf:2 Section [nochain] is not recognized.",
        data + "/cairn.conf:2 Section [nosuch] is not recognized."};
    BOOST_TEST(home.read({}).warnings == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(read_setup__mistake__says_where) {
    const Home home;
    const std::string data = home.data().string();
    BOOST_TEST(
        home.error({"-conf=none.conf"}) ==
        "Error reading configuration file: specified config file \"" + data +
            "/none.conf\" could not be opened.");
    home.folder.write(".cairn/cairn.conf", "includeconf=none.conf\n");
    BOOST_TEST(
        home.error({}) ==
        "Error reading configuration file: Failed to include configuration file none.conf");
    home.folder.write(".cairn/cairn.conf", "regtest=1\n[regtest]\nlisten=1\nprot=5\n");
    BOOST_TEST(
        home.error({}) ==
        "Error reading configuration file: " + data + "/cairn.conf:4: Invalid parameter prot");
    home.folder.write(".cairn/cairn.conf", "");
    const std::string broken = home.folder.write("broken.json", "{").string();
    BOOST_TEST(home.error({"-chain=" + broken}).starts_with("Chain file " + broken + ": "));
    BOOST_TEST(
        home.error({"-chain=./none.json"}) ==
        "Chain file " + (fs::current_path() / "./none.json").string() + " could not be opened");
    try {
        read_setup({}, {});
        BOOST_TEST(false);
    } catch (const OptionError& error) {
        BOOST_TEST(error.what() == "HOME is not set; say where the data is with -datadir");
    }
}

BOOST_AUTO_TEST_CASE(find_chain_file__path_or_name__finds_it_in_the_first_folder) {
    const TemporaryFolder folder;
    folder.write("a/genesis.json", "");
    folder.write("a/genesis/bitcoin-mainnet.json", "");
    folder.write("b/genesis/shop.json", "");
    folder.write("b/genesis/bitcoin-mainnet.json", "");
    const fs::path a = folder.path() / "a";
    const fs::path b = folder.path() / "b";
    const std::vector<fs::path> folders{a, b};
    BOOST_TEST(find_chain_file("dir/x", folders) == "dir/x");
    BOOST_TEST(find_chain_file("x.json", folders) == "x.json");
    BOOST_TEST(find_chain_file("genesis", folders) == a / "genesis.json");
    BOOST_TEST(find_chain_file("shop", folders) == b / "genesis/shop.json");
    BOOST_TEST(find_chain_file("mainnet", folders) == a / "genesis/bitcoin-mainnet.json");
    BOOST_TEST(find_chain_file("main", folders) == a / "genesis/bitcoin-mainnet.json");
    try {
        find_chain_file("none", folders);
        BOOST_TEST(false);
    } catch (const OptionError& error) {
        BOOST_TEST(
            error.what() == "No chain file for -chain=none: there is no none.json, "
                            "genesis/none.json or genesis/bitcoin-none.json in " +
                                a.string() + ", " + b.string());
    }
    const fs::path before = fs::current_path();
    fs::current_path(b / "genesis");
    try {
        find_chain_file("shop", std::vector{a});
        BOOST_TEST(false);
    } catch (const OptionError& error) {
        BOOST_TEST(std::string_view(error.what()).ends_with("the file here is -chain=./shop.json"));
    }
    fs::current_path(before);
}

BOOST_AUTO_TEST_SUITE_END()
