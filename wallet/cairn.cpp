// SPDX-License-Identifier: MIT
// The program `cairn`: the wallet and the command line of a node. The options that say where the
// node is are cairnd's own and read by its reader; CLI11 sees what is left.
#include "node/node_options.h"
#include "node/setup.h"
#include "wallet/commands.h"
#include "wallet/devnet.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <optional>
#include <unistd.h>

namespace cairn {

namespace {

namespace fs = std::filesystem;

constexpr int FAILED = 1;
constexpr int MISUSED = 2;

/// Names that cairn gives a meaning of its own, whatever they mean to cairnd.
constexpr std::array<std::string_view, 4> OWN_OPTIONS{"wallet", "help", "h", "version"};
/// Those of cairn's own options that take the next word.
constexpr std::array<std::string_view, 2> TAKE_NEXT{"--wallet", "--passphrase-file"};

/// The command line sorted by who reads it.
struct Arguments {
    std::vector<std::string> node; ///< Options of cairnd.
    std::vector<std::string> own;  ///< For CLI11.
    std::vector<std::string> rpc;  ///< METHOD and all after it.
};

/// The row of cairnd's table that `argument` sets, or null.
const node::Option* node_option(std::string_view argument) {
    if (argument.size() < 2 || argument[0] != '-') return nullptr;
    argument.remove_prefix(argument.starts_with("--") ? 2 : 1);
    std::string_view name = argument.substr(0, argument.find('='));
    if (std::ranges::find(OWN_OPTIONS, name) != OWN_OPTIONS.end()) return nullptr;
    const node::Option* option = node::find_option(name);
    if (option == nullptr && name.starts_with("no")) option = node::find_option(name.substr(2));
    return option;
}

Arguments sort_arguments(int argc, char** argv) {
    Arguments sorted;
    bool has_command = false;
    bool in_rpc = false;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (const node::Option* option = node_option(argument)) {
            sorted.node.push_back(argument);
            const bool takes_next = argument.starts_with("--") &&
                                    argument.find('=') == std::string::npos &&
                                    !option->stands_alone();
            if (takes_next && i + 1 < argc) sorted.node.emplace_back(argv[++i]);
            continue;
        }
        if (in_rpc && !argument.starts_with('-')) {
            sorted.rpc.assign(argv + i, argv + argc);
            break;
        }
        sorted.own.push_back(argument);
        if (!argument.starts_with('-')) {
            in_rpc = !has_command && argument == "rpc";
            has_command = true;
        } else if (std::ranges::find(TAKE_NEXT, argument) != TAKE_NEXT.end() && i + 1 < argc) {
            sorted.own.emplace_back(argv[++i]);
        }
    }
    return sorted;
}

std::vector<std::string> environment_lines() {
    std::vector<std::string> lines;
    for (char** line = environ; *line != nullptr; ++line) lines.emplace_back(*line);
    return lines;
}

/// Reads the node's files when a command first needs them.
class NodeSetup {
public:
    explicit NodeSetup(node::SettingList arguments) : arguments_(std::move(arguments)) {}

    const node::Setup& get() {
        if (!setup_) {
            setup_ = node::read_setup(arguments_, environment_lines());
            for (const std::string& warning : setup_->warnings)
                std::cerr << "Note: " << warning << "\n";
        }
        return *setup_;
    }

    wallet::RpcEndpoint endpoint() {
        const node::Setup& setup = get();
        wallet::RpcEndpoint endpoint;
        endpoint.host = setup.settings.text("rpcconnect");
        endpoint.port = node::port_option(setup.settings, "rpcport", setup.params.rpc_port);
        endpoint.user = setup.settings.text("rpcuser");
        endpoint.password = setup.settings.text("rpcpassword");
        endpoint.cookie_file = setup.chain_path("rpccookiefile");
        return endpoint;
    }

    /// As everything of a user, in the data directory, whichever chain it is for.
    fs::path wallet_directory() {
        const std::string given = get().settings.text("walletdir");
        return (get().locations.data_directory / (given.empty() ? "wallets" : given))
            .lexically_normal();
    }

private:
    node::SettingList arguments_;
    std::optional<node::Setup> setup_;
};

/// Where the node of a data directory is, by its own configuration file.
wallet::NodePlace place_of(const fs::path& data_directory) {
    const std::vector<std::string> arguments{"-datadir=" + data_directory.string()};
    NodeSetup setup(node::parse_arguments(arguments).settings);
    return {
        setup.get().params.name, setup.get().locations.chain_directory,
        node::port_option(setup.get().settings, "port", setup.get().params.p2p_port),
        setup.endpoint()};
}

void describe(CLI::App& app, wallet::Program& program) {
    app.set_version_flag("--version", "Cairn " CAIRN_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_flag("--json", program.json, "Print JSON");
    app.add_option("--wallet", program.wallet, "The wallet (default)");
    app.add_option(
        "--passphrase-file", program.passphrase_file, "File whose first line is the passphrase");
    app.footer("The node is found by cairnd's options, wherever they stand: -chain -datadir -conf\n"
               "-rpcconnect -rpcport -rpcuser -rpcpassword -rpccookiefile; wallets by -walletdir.");
    wallet::add_wallet_commands(app, program);
    wallet::add_account_commands(app, program);
    wallet::add_send_commands(app, program);
    wallet::add_node_commands(app, program);
    wallet::add_chain_commands(app, program);
}

int run(int argc, char** argv) {
    Arguments arguments = sort_arguments(argc, argv);
    std::optional<node::SettingList> node_arguments;
    try {
        node_arguments = node::parse_arguments(arguments.node).settings;
    } catch (const node::OptionError& error) {
        std::cerr << "cairn: " << error.what() << "\n";
        return MISUSED;
    }
    NodeSetup setup(std::move(*node_arguments));
    wallet::Program program;
    program.rpc_arguments = std::move(arguments.rpc);
    program.params = [&]() -> const consensus::Params& { return setup.get().params; };
    program.endpoint = [&] { return setup.endpoint(); };
    program.wallet_directory = [&] { return setup.wallet_directory(); };

    CLI::App app("Wallet and command line of a Cairn node", "cairn");
    describe(app, program);
    wallet::add_devnet_commands(
        app, program.json,
        [&] {
            const bool given = setup.get().chain_chosen;
            return wallet::DevnetChain{
                given ? setup.get().locations.chain_file : fs::path(), program.params()};
        },
        place_of);
    if (arguments.own.empty()) arguments.own = {"--help"};
    const std::string& word = arguments.own[0];
    const auto is_word = [&](const CLI::App* command) { return command->check_name(word); };
    if (!word.starts_with('-') && app.get_subcommands(is_word).empty()) {
        std::cerr << "cairn: there is no command '" << arguments.own[0]
                  << "'; `cairn --help` lists them\n";
        return MISUSED;
    }
    try {
        std::ranges::reverse(arguments.own); // CLI11 takes them from the back
        app.parse(arguments.own);
        return 0;
    } catch (const CLI::RuntimeError& error) {
        return error.get_exit_code();
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : MISUSED;
    }
}

} // namespace

} // namespace cairn

int main(int argc, char** argv) {
    try {
        return cairn::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "cairn: " << error.what() << "\n";
    }
    return cairn::FAILED;
}
