// SPDX-License-Identifier: MIT
// cairn chain new
#include "consensus/address.h"
#include "consensus/chain_file.h"
#include "rpc/server/json_writer.h"
#include "wallet/commands.h"
#include "wallet/keys/sign.h"
#include "wallet/mnemonic.h"
#include "wallet/terminal.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <ctime>
#include <fcntl.h>
#include <iostream>
#include <memory>
#include <unistd.h>

namespace cairn::wallet {

namespace fs = std::filesystem;
using keys::SecretText;
using rpc::server::JsonWriter;

namespace {

constexpr size_t MAX_DEFAULT_HRP = 8;

struct NewChainOptions {
    consensus::NewChain chain;
    fs::path out;
    std::string subsidy;
    std::vector<std::string> premine; ///< ADDRESS=AMOUNT, or AMOUNT alone.
};

/// The letters that addresses of a chain called `name` begin with, if nothing else is said.
std::string default_hrp(const std::string& name) {
    std::string hrp;
    for (const char c : name) {
        if (c >= 'a' && c <= 'z') hrp += c;
        if (c >= 'A' && c <= 'Z') hrp += static_cast<char>(c - 'A' + 'a');
    }
    return hrp.substr(0, MAX_DEFAULT_HRP);
}

Amount amount_option(const std::string& text) {
    const auto amount = read_amount(text);
    if (!amount) throw WalletError("'" + text + "' is no amount: give coins, as in 1000000");
    return *amount;
}

/// The first address of the wallet of `words` on a chain with this prefix.
std::string first_address(const SecretText& words, const std::string& hrp) {
    const auto master = keys::master_key(mnemonic_seed(words, "").view());
    keys::KeyPath path = keys::bip84_account(consensus::NEW_CHAIN_COIN_TYPE, 0);
    path.insert(path.end(), {0, 0});
    const auto key = master ? derive(*master, path) : std::nullopt;
    if (!key) throw WalletError("these words have no keys: try again");
    return consensus::segwit_address(hrp, 0, consensus::hash160(keys::public_key(key->key)));
}

/// The premine as the options say it; where no address is given, new words own it, which are put
/// into `words`.
void add_premine(NewChainOptions& options, SecretText& words) {
    for (const std::string& item : options.premine) {
        const size_t sign = item.find('=');
        if (sign != std::string::npos) {
            options.chain.premine.push_back(
                {item.substr(0, sign), amount_option(item.substr(sign + 1))});
            continue;
        }
        if (words.empty()) {
            keys::SecretBytes<16> entropy;
            fill_random(entropy.data(), entropy.size());
            words = make_mnemonic(entropy.view());
        }
        options.chain.premine.push_back(
            {first_address(words, options.chain.bech32_hrp), amount_option(item)});
    }
}

void write_new_file(const fs::path& path, const std::string& text) {
    const int handle = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (handle < 0)
        throw WalletError(
            errno == EEXIST ? path.string() + " exists already: choose another with --out"
                            : "can't write " + path.string() + ": " + std::strerror(errno));
    const ssize_t written = ::write(handle, text.data(), text.size());
    const bool closed = ::close(handle) == 0;
    if (written != static_cast<ssize_t>(text.size()) || !closed) {
        fs::remove(path);
        throw WalletError("can't write " + path.string() + ": is the disk full?");
    }
}

void make_chain(Program& program, NewChainOptions options) {
    consensus::NewChain& chain = options.chain;
    if (chain.bech32_hrp.empty()) chain.bech32_hrp = default_hrp(chain.name);
    if (chain.bech32_hrp.empty())
        throw WalletError("say what addresses shall begin with: --hrp LETTERS");
    if (!options.subsidy.empty()) chain.subsidy = amount_option(options.subsidy);
    if (options.out.empty()) options.out = chain.name + ".json";
    if (fs::exists(options.out))
        throw WalletError(options.out.string() + " exists already: choose another with --out");
    SecretText words;
    add_premine(options, words);
    chain.time = static_cast<uint32_t>(std::time(nullptr));

    show_progress("Mining the genesis block ...");
    const std::string text = consensus::new_chain_file(chain);
    clear_progress();
    const consensus::Params params = consensus::read_chain_file(text);
    write_new_file(options.out, text);

    const std::string path = fs::absolute(options.out).string();
    if (program.json) {
        JsonWriter out;
        out.begin_object().field("chain", params.name).field("file", path);
        out.field("genesis", params.genesis_hash.to_string());
        out.field("p2p_port", uint32_t{params.p2p_port});
        out.field("rpc_port", uint32_t{params.rpc_port});
        if (!words.empty()) out.field("words", std::string_view(words));
        out.end_object();
        return print_json(out.text());
    }
    std::cout << "Chain " << params.name << " is in " << path << "\n  genesis block "
              << params.genesis_hash.to_string() << "\n";
    if (!words.empty())
        std::cout << "\nThe premine belongs to these words; write them down:\n\n  " << words
                  << "\n\nA wallet from them:  cairn wallet restore " << params.name
                  << " -chain=" << path << "\n";
    std::cout << "A node that mines:   cairnd -chain=" << path << " -mine=ADDRESS\n";
}

} // namespace

void add_chain_commands(CLI::App& app, Program& program) {
    CLI::App* chain = app.add_subcommand("chain", "Make chains");
    chain->require_subcommand(1);
    CLI::App* command = chain->add_subcommand("new", "Write the chain file of a new chain");
    const auto options = std::make_shared<NewChainOptions>();
    command->add_option("NAME", options->chain.name, "What it is called")->required();
    command->add_option("--hrp", options->chain.bech32_hrp, "Addresses begin with it (the name)");
    command->add_option("--spacing", options->chain.spacing, "Seconds between blocks (15)")
        ->check(CLI::PositiveNumber);
    command->add_option("--subsidy", options->subsidy, "Coins that a block creates (1)");
    command->add_option("--halving", options->chain.halving_interval, "Blocks; 0: never");
    command->add_option("--maturity", options->chain.coinbase_maturity, "Blocks (10)");
    command->add_option(
        "--premine", options->premine,
        "AMOUNT for a new wallet, or ADDRESS=AMOUNT; may be repeated");
    command->add_option("--text", options->chain.coinbase_text, "What the genesis block says");
    command->add_option("--p2p-port", options->chain.p2p_port, "Default: from the genesis hash");
    command->add_option("--rpc-port", options->chain.rpc_port, "Default: from the genesis hash");
    command->add_option("--peer", options->chain.bootstrap_peers, "host[:port] to start from");
    command->add_option("--out", options->out, "The file (NAME.json)");
    command->callback([&program, options] { make_chain(program, *options); });
}

} // namespace cairn::wallet
