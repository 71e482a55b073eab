// SPDX-License-Identifier: MIT
// cairn chain new|key
#include "consensus/address.h"
#include "consensus/chain_file.h"
#include "consensus/script.h"
#include "rpc/server/new_file.h"
#include "wallet/commands.h"
#include "wallet/keys/block_signer.h"
#include "wallet/keys/sign.h"
#include "wallet/mnemonic.h"
#include "wallet/new_chain.h"
#include "wallet/terminal.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <ctime>
#include <iostream>
#include <memory>

namespace cairn::wallet {

namespace fs = std::filesystem;
using rpc::server::write_new_file;

namespace {

constexpr size_t MAX_DEFAULT_HRP = 8;
constexpr size_t MAX_SIGNERS = 16;

struct NewChainOptions {
    NewChain chain;
    fs::path out;
    std::string subsidy;
    std::vector<std::string> premine; ///< ADDRESS=AMOUNT, or AMOUNT alone.
    std::vector<std::string> signers; ///< Public keys.
    int signatures = 0;               ///< 0: of more than half of them.
    std::string challenge;            ///< A script, for what `signers` can't say.
};

/// The letters that addresses of a chain called `name` begin with, if nothing else is said.
std::string default_hrp(const std::string& name) {
    std::string hrp;
    for (const char c : name) {
        if (c >= 'a' && c <= 'z') hrp += c;
        if (c >= 'A' && c <= 'Z') hrp += static_cast<char>(c - 'A' + 'a');
    }
    if (hrp.empty()) throw WalletError("say what addresses shall begin with: --hrp LETTERS");
    return hrp.substr(0, MAX_DEFAULT_HRP);
}

/// The first address of the wallet of `words` on a chain with this prefix.
std::string first_address(const SecretText& words, const std::string& hrp) {
    const auto master = keys::master_key(mnemonic_seed(words, "").view());
    keys::KeyPath path = keys::bip84_account(NEW_CHAIN_COIN_TYPE, 0);
    path.insert(path.end(), {0, 0});
    const auto key = master ? derive(*master, path) : std::nullopt;
    if (!key) throw WalletError("these words have no keys: try again");
    return consensus::segwit_address(hrp, 0, consensus::hash160(keys::public_key(key->key)));
}

/// The premine as the options say it. Where no address is given, new words own it: returns them.
SecretText add_premine(NewChainOptions& options) {
    SecretText words;
    for (const std::string& item : options.premine) {
        const size_t sign = item.find('=');
        std::string address = item.substr(0, sign == std::string::npos ? 0 : sign);
        if (address.empty()) {
            if (words.empty()) words = random_mnemonic(12);
            address = first_address(words, options.chain.address.bech32_hrp);
        }
        const Amount amount = amount_of(sign == std::string::npos ? item : item.substr(sign + 1));
        if (amount == Amount(0)) throw WalletError("a premine of 0 gives nobody anything");
        options.chain.premine.push_back({std::move(address), amount});
    }
    return words;
}

/// What each block must be signed with; empty for a chain without signers.
Script challenge_of(const NewChainOptions& options) {
    const auto bytes_of = [](const std::string& hex) {
        const auto bytes = consensus::from_hex(hex);
        if (!bytes) throw WalletError("'" + hex + "' is not hexadecimal");
        return *bytes;
    };
    if (options.signers.empty()) {
        Script challenge(bytes_of(options.challenge));
        if (const auto program = consensus::witness_program(challenge); program && program->version)
            throw WalletError(
                "such a challenge asks for nothing: BIP325 knows witness version 0 only, so that "
                "anyone could sign");
        return challenge;
    }
    std::vector<consensus::Bytes> signers;
    for (const std::string& hex : options.signers) {
        signers.push_back(bytes_of(hex));
        if (!keys::is_public_key(signers.back()))
            throw WalletError("'" + hex + "' is no public key: `cairn chain key` makes one");
    }
    const auto count = static_cast<int>(signers.size());
    const int required = options.signatures != 0 ? options.signatures : count / 2 + 1;
    if (required > count)
        throw WalletError(
            std::to_string(required) + " signatures are asked of " + std::to_string(count) +
            " signers");
    return keys::multisig_challenge(required, signers);
}

/// Before any work is done for it: write_new_file() sees to it that it stays true.
void check_new(const fs::path& file, const std::string& choice) {
    if (fs::exists(file))
        throw WalletError(file.string() + " exists already: choose another " + choice);
}

void make_chain(const Program& program, NewChainOptions options) {
    NewChain& chain = options.chain;
    if (program.is_chain(chain.name))
        throw WalletError(
            "there is a chain '" + chain.name +
            "', whose data directory has this name: choose another");
    if (chain.address.bech32_hrp.empty()) chain.address.bech32_hrp = default_hrp(chain.name);
    if (!options.subsidy.empty()) chain.subsidy = amount_of(options.subsidy);
    if (options.out.empty()) options.out = chain.name + ".json";
    check_new(options.out, "with --out");
    const SecretText words = add_premine(options);
    chain.challenge = challenge_of(options);
    chain.time = static_cast<uint32_t>(std::time(nullptr));

    show_progress("Mining the genesis block ...");
    const std::string text = new_chain_file(chain);
    show_progress("");
    const consensus::Params params = consensus::read_chain_file(text);
    write_new_file(options.out, text, 0644); // for all to read

    const std::string path = fs::absolute(options.out).string();
    Fields made{
        {"chain", params.name},
        {"file", path},
        {"genesis", params.genesis_hash.to_string()},
        {"p2p_port", params.p2p_port},
        {"rpc_port", params.rpc_port}};
    if (program.json && !words.empty()) made.emplace_back("words", std::string_view(words));
    print(made, program.json);
    if (program.json) return;
    if (!words.empty())
        std::cout << "\nThe premine belongs to these words; write them down:\n\n  " << words
                  << "\n\nA wallet from them:  cairn wallet restore " << params.name
                  << " -chain=" << path << "\n";
    if (params.signed_blocks())
        std::cout << "A node:              cairnd -chain=" << path
                  << "\nA block to sign:     cairn chain block ADDRESS -chain=" << path << "\n";
    else
        std::cout << "A node that mines:   cairnd -chain=" << path << " -mine=ADDRESS\n";
}

void make_key(const Program& program, const fs::path& file) {
    check_new(file, "FILE");
    const keys::SecretKey secret = random_secret_key();
    consensus::SecretKeyText key;
    std::copy_n(secret.data(), secret.size(), key.secret.begin());
    write_new_file(file, consensus::encode_secret(key, program.params().address) + "\n");
    print(
        {{"file", fs::absolute(file).string()},
         {"public_key", consensus::to_hex(keys::public_key(secret))}},
        program.json);
}

} // namespace

void add_chain_commands(CLI::App& app, Program& program) {
    CLI::App* chain = app.add_subcommand("chain", "Make chains, and sign their blocks");
    chain->require_subcommand(1);
    CLI::App* command = chain->add_subcommand("new", "Write the chain file of a new chain");
    const auto options = std::make_shared<NewChainOptions>();
    command->add_option("NAME", options->chain.name, "What it is called")->required();
    command->add_option(
        "--hrp", options->chain.address.bech32_hrp,
        "Addresses begin with it (the name's letters, at most " + std::to_string(MAX_DEFAULT_HRP) +
            ")");
    command->add_option("--spacing", options->chain.work.spacing, "Seconds between blocks (15)")
        ->check(CLI::Range(1, 86'400));
    command->add_option("--subsidy", options->subsidy, "Coins that a block creates (1)");
    command->add_option("--halving", options->chain.halving_interval, "Blocks; 0: never");
    command->add_option("--maturity", options->chain.coinbase_maturity, "Blocks (10)");
    command->add_option(
        "--premine", options->premine,
        "AMOUNT for a new wallet, or ADDRESS=AMOUNT; may be repeated");
    command->add_option("--text", options->chain.coinbase_text, "What the genesis block says");
    const CLI::Range port(1, 65535);
    command->add_option("--p2p-port", options->chain.p2p_port, "Default: from the genesis hash")
        ->check(port);
    command->add_option("--rpc-port", options->chain.rpc_port, "Default: from the genesis hash")
        ->check(port);
    command->add_option("--peer", options->chain.bootstrap_peers, "host[:port] to start from");
    CLI::Option* signers =
        command
            ->add_option("--signed-by", options->signers, "Public key that signs blocks; repeated")
            ->expected(1, MAX_SIGNERS);
    command->add_option("--signatures", options->signatures, "That a block needs (more than half)")
        ->needs(signers)
        ->check(CLI::Range(size_t{1}, MAX_SIGNERS));
    command->add_option("--challenge", options->challenge, "Script (hex) each block must satisfy")
        ->excludes(signers);
    command->add_option("--out", options->out, "The file (NAME.json)");
    command->callback([&program, options] { make_chain(program, *options); });

    const auto key_file = std::make_shared<fs::path>();
    CLI::App* key = chain->add_subcommand("key", "A new key that signs blocks, into a file");
    key->add_option("FILE", *key_file, "Where the secret goes")->required();
    key->callback([&program, key_file] { make_key(program, *key_file); });
    add_sign_commands(*chain, program);
}

} // namespace cairn::wallet
