// SPDX-License-Identifier: MIT
// The program `cairn`: the wallet and the command line of a node. The options that say where the
// node is are cairnd's own and read by its reader; CLI11 sees what is left.
#include "node/net_address.h"
#include "node/node_options.h"
#include "node/process.h"
#include "node/setup.h"
#include "rpc/methods.h"
#include "wallet/commands.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iostream>
#include <optional>
#include <sys/resource.h>

namespace cairn {

namespace {

namespace fs = std::filesystem;

constexpr int FAILED = 1;
constexpr int MISUSED = 2;

/// The command line sorted by who reads it.
struct Arguments {
    node::SettingList node;       ///< Options of cairnd.
    std::vector<std::string> own; ///< For CLI11.
    std::vector<std::string> rpc; ///< METHOD and all after it.
};

/// `word` as CLI11 knows it, `--name=value` or `-n`, if it is an option of `command` or the ones
/// above it; like cairnd's they may be written with one dash. Empty if it is none.
std::string own_option(const CLI::App* command, std::string_view word, bool& takes_next) {
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const size_t end = std::min(word.find('='), word.size());
    const std::string dashes = end == 1 ? "-" : "--";
    const std::string name = dashes + std::string(word.substr(0, end));
    for (; command != nullptr; command = command->get_parent()) {
        const CLI::Option* option = command->get_option_no_throw(name);
        if (option == nullptr) continue;
        takes_next = end == word.size() && option->get_items_expected_min() > 0;
        return dashes + std::string(word);
    }
    return {};
}

/// Throws node::OptionError for a command that isn't there, and for cairnd's options.
Arguments sort_arguments(const CLI::App& app, std::span<const std::string> words) {
    Arguments sorted;
    const CLI::App* command = &app; // where the words so far lead
    for (; !words.empty(); words = words.subspan(1)) {
        const std::string& word = words[0];
        bool takes_next = false;
        if (!word.starts_with('-')) {
            if (command->get_name() == "rpc") {
                sorted.rpc.assign(words.begin(), words.end());
                break;
            }
            sorted.own.push_back(word);
            if (command->get_subcommands(nullptr).empty()) continue; // an argument of its own
            const auto next = command->get_subcommands(
                [&](const CLI::App* one) { return one->check_name(word); });
            const std::string path = command == &app ? "" : command->get_name() + " ";
            if (next.empty())
                throw node::OptionError(
                    std::string("there is no command '").append(path).append(word) + "'; `cairn " +
                    path + "--help` lists them");
            command = next[0];
        } else if (std::string own = own_option(command, word, takes_next); !own.empty()) {
            sorted.own.push_back(std::move(own));
            if (takes_next && words.size() > 1) {
                sorted.own.push_back(words[1]);
                words = words.subspan(1);
            }
        } else if (const size_t taken = node::take_option(words, sorted.node); taken > 0) {
            words = words.subspan(taken - 1);
        } else {
            sorted.own.push_back(word); // for CLI11 to name
        }
    }
    return sorted;
}

/// Where the node answers: -rpcport counts more than the port of -rpcconnect. Throws
/// node::OptionError.
wallet::RpcEndpoint endpoint_of(const node::Setup& setup) {
    const node::Settings& settings = setup.settings;
    const std::string place = settings.text("rpcconnect");
    const auto parts = node::split_host_port(place, setup.params.rpc_port);
    if (!parts || parts->port == 0)
        throw node::OptionError("Invalid port provided in -rpcconnect: " + place);
    const std::string wallet = settings.text("rpcwallet");
    const bool cookie = !settings.text("rpccookiefile").empty();
    return {
        .host = parts->host,
        .port = node::port_option(settings, "rpcport", parts->port),
        .user = settings.text("rpcuser"),
        .password = settings.text("rpcpassword"),
        .cookie_file = cookie ? setup.chain_path("rpccookiefile") : fs::path(),
        .path = wallet.empty() ? "/" : "/wallet/" + wallet,
        .timeout = std::chrono::seconds(settings.number("rpcclienttimeout"))};
}

/// Reads the node's files.
wallet::Place place_of(const node::SettingList& arguments) {
    const node::Setup setup = node::read_setup(arguments, node::environment_lines());
    for (const std::string& warning : setup.warnings) std::cerr << "Note: " << warning << "\n";
    const node::Settings& settings = setup.settings;
    // As everything of a user, wallets are in the data directory, whichever chain they are for.
    const std::string wallets = settings.text("walletdir");
    return {
        .params = setup.params,
        .chain_chosen = setup.chain_chosen,
        .chain_file = setup.locations.chain_file,
        .chain_directory = setup.locations.chain_directory,
        .wallet = settings.text("wallet"),
        .wallet_directory =
            (setup.locations.data_directory / (wallets.empty() ? "wallets" : wallets))
                .lexically_normal(),
        .p2p_port = node::port_option(settings, "port", setup.params.p2p_port),
        .endpoint = endpoint_of(setup),
        .rpc = {
            .named = settings.flag("named"),
            .reads_words = settings.flag("stdin"),
            .reads_password = settings.flag("stdinrpcpass"),
            .getinfo = settings.flag("getinfo"),
            .waits = settings.flag("rpcwait"),
            .patience = std::chrono::seconds(settings.number("rpcwaittimeout"))}};
}

const rpc::server::Method* find_method(std::string_view name) {
    for (const rpc::server::Group& group : rpc::node_methods())
        for (const rpc::server::Method* method : group.methods)
            if (method->name == name) return method;
    return nullptr;
}

/// A script for bash that completes commands, the node's options and methods, and true and false
/// where a method takes one.
std::string completion(const CLI::App& app) {
    std::string commands;
    std::string methods;
    std::string options;
    std::string flags; // "METHOD POSITION"
    for (const CLI::App* command : app.get_subcommands(nullptr))
        commands += command->get_name() + " ";
    for (const rpc::server::Group& group : rpc::node_methods())
        for (const rpc::server::Method* method : group.methods) {
            methods += std::string(method->name) + " ";
            for (size_t i = 0; i < method->params.size(); ++i)
                if (method->params[i].type == rpc::server::Type::Bool)
                    flags += (flags.empty() ? "'" : " | '") + std::string(method->name) + " " +
                             std::to_string(i) + "'";
        }
    for (const node::Option& option : node::option_table())
        if (!option.group.empty()) options += "-" + std::string(option.name) + " ";
    return "_cairn() {\n"
           "    local words='" +
           commands +
           "'\n"
           "    case \"$1 ${COMP_WORDS[*]:1}\" in\n"
           "    *bitcoin-cli\\ * | *\\ rpc\\ *)\n"
           "        words='" +
           methods +
           "'\n"
           "        local word method= at=-1 sign=\n"
           "        for word in \"${COMP_WORDS[@]:1:COMP_CWORD}\"; do\n"
           "            case $sign$word in\n"
           "            -* | rpc) continue ;;\n"
           "            =) sign== && continue ;;\n" // bash takes an option and its value apart
           "            =*) sign= && continue ;;\n"
           "            esac\n"
           "            if [ -n \"$method\" ]; then ((++at)); else method=$word; fi\n"
           "        done\n"
           "        if [ $at -ge 0 ]; then words=; fi\n"
           "        case \"$method $at\" in\n"
           "        " +
           flags +
           ") words='true false' ;;\n"
           "        esac ;;\n"
           "    esac\n"
           "    case $2 in -*) words='" +
           options +
           "' ;; esac\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$2\"))\n"
           "}\n"
           "complete -o default -F _cairn cairn bitcoin-cli\n";
}

void describe(CLI::App& app, wallet::Program& program) {
    app.set_version_flag("--version", "Cairn " CAIRN_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_flag("--json", program.json, "Print JSON");
    app.add_option(
        "--passphrase-file", program.passphrase_file, "File whose first line is the passphrase");
    app.footer("The node is found by cairnd's options, wherever they stand: -chain -datadir -conf\n"
               "-rpcconnect -rpcport -rpcuser -rpcpassword -rpccookiefile; the wallet by -wallet\n"
               "(default) and -walletdir.");
    app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
        return "cairn: " + CLI::FailureMessage::simple(failed, error);
    });
    wallet::add_wallet_commands(app, program);
    wallet::add_account_commands(app, program);
    wallet::add_send_commands(app, program);
    wallet::add_node_commands(app, program);
    wallet::add_chain_commands(app, program);
    wallet::add_devnet_commands(app, program);
    app.add_subcommand("completion", "Print a script for bash: source <(cairn completion)")
        ->callback([&app] { std::cout << completion(app); });
}

/// What other folders lend the commands; `settings` outlives it.
wallet::Program program_of(const node::SettingList& settings) {
    wallet::Program program;
    program.place =
        [&settings,
         place = std::make_shared<std::optional<wallet::Place>>()]() -> const wallet::Place& {
        if (!*place) *place = place_of(settings);
        return **place;
    };
    program.place_in = [](const fs::path& data_directory) {
        return place_of({{"datadir", data_directory.string()}});
    };
    program.is_chain = node::is_chain;
    program.find_method = find_method;
    program.lock = [](const fs::path& directory) {
        return std::make_shared<node::DirectoryLock>(directory);
    };
    return program;
}

int run(std::span<const std::string> words) {
    Arguments arguments;
    wallet::Program program = program_of(arguments.node);
    CLI::App app("Wallet and command line of a Cairn node", "cairn");
    describe(app, program);
    try {
        arguments = sort_arguments(app, words);
    } catch (const node::OptionError& error) {
        std::cerr << "cairn: " << error.what() << "\n";
        return MISUSED;
    }
    program.rpc_arguments = std::move(arguments.rpc);
    if (arguments.own.empty()) arguments.own = {"--help"};
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

/// Called by this name, `cairn` is `cairn rpc` with that program's command line and words.
constexpr std::string_view BITCOIN_CLI = "bitcoin-cli";

int run_as_bitcoin_cli(std::span<const std::string> words) {
    const node::CommandLine line = node::parse_arguments(words);
    const node::Settings settings(std::vector<node::SettingList>{line.settings});
    if (settings.flag("version") || settings.flag("help") || settings.flag("h") ||
        settings.flag("?")) {
        std::cout << "Cairn RPC client version v" CAIRN_VERSION "\n";
        if (!settings.flag("version"))
            std::cout << "\nUsage: bitcoin-cli [options] METHOD [parameters]\n"
                         "       bitcoin-cli [options] -named METHOD [name=value ...]\n"
                         "       bitcoin-cli [options] help [METHOD]\n"
                      << node::options_help();
        return 0;
    }
    wallet::Program program = program_of(line.settings);
    program.rpc_arguments = line.rest;
    return wallet::call_method(program);
}

} // namespace

} // namespace cairn

int main(int argc, char** argv) {
    const rlimit none{0, 0}; // a core file would hold keys
    ::setrlimit(RLIMIT_CORE, &none);
    const std::vector<std::string> words(argv + 1, argv + argc);
    const bool stands_in = std::filesystem::path(argv[0]).filename() == cairn::BITCOIN_CLI;
    try {
        return stands_in ? cairn::run_as_bitcoin_cli(words) : cairn::run(words);
    } catch (const std::exception& error) {
        std::cerr << (stands_in ? "error: " : "cairn: ") << error.what() << "\n";
    }
    return cairn::FAILED;
}
