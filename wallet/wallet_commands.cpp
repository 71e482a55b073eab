// SPDX-License-Identifier: MIT
// cairn wallet create|restore|list
#include "wallet/commands.h"
#include "wallet/mnemonic.h"
#include "wallet/terminal.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

namespace cairn::wallet {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view SUFFIX = ".wallet";
constexpr size_t MAX_NAME_LENGTH = 64;

/// Blocks below the tip that a new wallet looks through: so many may yet be reorganised.
constexpr int32_t BIRTHDAY_MARGIN = 100;

struct MakeOptions {
    bool restore = false;
    std::string name;
    int words = 12;
    fs::path words_file;
    fs::path seed_passphrase_file;
    int32_t birthday = 0;
};

SecretText seed_passphrase(const fs::path& file) {
    if (file.empty()) return {};
    SecretText text = first_line_of(file);
    if (std::ranges::any_of(text, [](char c) { return static_cast<uint8_t>(c) >= 0x80; }))
        throw WalletError(
            "the seed passphrase has other than ASCII characters, which this program can't bring "
            "into the Unicode form that BIP39 asks for");
    return text;
}

/// The words that were written down.
SecretText known_words(const fs::path& file) {
    SecretText words =
        normalize_mnemonic(file.empty() ? ask_line("The wallet's words: ") : first_line_of(file));
    if (const auto error = mnemonic_error(words)) throw WalletError(*error);
    return words;
}

/// The height from which a new wallet can be paid; 0, which only costs time, if no node answers.
Height birthday_now(const Program& program) {
    try {
        RpcClient node(program.endpoint());
        return std::max(node_height(node, program.params()) - BIRTHDAY_MARGIN, Height(0));
    } catch (const std::runtime_error& error) { // it is out of reach, or on another chain
        std::cerr << "Note: " << error.what()
                  << "\nThe wallet is made all the same. Not knowing the present height, it "
                     "will look at all blocks.\n";
        return 0;
    }
}

/// The words with their numbers, four a line.
std::string word_table(std::string_view words) {
    std::vector<std::vector<Value>> rows;
    for (int number = 1; !words.empty(); ++number) {
        const size_t end = std::min(words.find(' '), words.size());
        if (number % 4 == 1) rows.emplace_back();
        rows.back().insert(rows.back().end(), {number, words.substr(0, end)});
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return columns(rows);
}

void make_wallet(const Program& program, const MakeOptions& options) {
    const std::string& name = options.name.empty() ? program.wallet() : options.name;
    const fs::path path = program.wallet_path(name);
    // Before anything is asked of anyone; WalletFile::create() sees to it that it stays true.
    if (fs::exists(path))
        throw WalletError("there is a wallet " + path.string() + " already: choose another name");
    const WalletWords words{
        options.restore ? known_words(options.words_file) : random_mnemonic(options.words),
        seed_passphrase(options.seed_passphrase_file)};
    SecretText passphrase = read_passphrase(program.passphrase_file, true);
    if (passphrase.empty()) throw WalletError("the passphrase is empty: choose one");
    const consensus::Params& params = program.params();
    const Height birthday = options.restore ? options.birthday : birthday_now(program);
    WalletFile::create(path, {params, words, std::move(passphrase), birthday, GuessCost{}});

    WalletFile wallet(path, params);
    Fields made{
        {"wallet", name}, {"chain", params.name}, {"file", path.string()}, {"birthday", birthday}};
    if (!options.restore && program.json) made.emplace_back("words", std::string_view(words.words));
    made.emplace_back("address", wallet.address_of({Branch::Receive, 0}));
    print(made, program.json);
    if (!options.restore && !program.json)
        std::cout << "\nWrite these words down, in this order, on paper. Whoever has them has the "
                     "money,\nand without them a lost file or passphrase is lost money:\n\n"
                  << word_table(words.words);
}

void list_wallets(const Program& program) {
    const fs::path directory = program.place().wallet_directory;
    std::vector<fs::path> files;
    if (fs::is_directory(directory))
        for (const fs::directory_entry& entry : fs::directory_iterator(directory))
            if (entry.path().extension() == SUFFIX) files.push_back(entry.path());
    std::ranges::sort(files);
    std::vector<Fields> rows;
    for (const fs::path& file : files) {
        const std::string name = file.stem().string();
        try {
            const WalletIdentity identity = WalletFile::read_identity(file);
            rows.push_back(
                {{"wallet", name},
                 {"chain", identity.chain},
                 {"key_origin", keys::to_text(identity.origin)},
                 {"genesis", {"", Value(identity.genesis.to_string()).json}},
                 {"account", {"", Value(identity.account).json}},
                 {"birthday", identity.birthday}});
        } catch (const std::runtime_error& error) {
            rows.push_back({{"wallet", name}, {"chain", {"?", ""}}, {"error", error.what()}});
        }
    }
    print(
        rows, program.json,
        "No wallets in " + directory.string() + ": make one with `cairn wallet create`");
}

} // namespace

fs::path Program::wallet_path(const std::string& name) const {
    const bool plain = std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
    if (!plain || name.empty() || name.size() > MAX_NAME_LENGTH || name[0] == '.')
        throw WalletError(
            "'" + name + "' can't name a wallet: use letters, digits, '-', '_' and '.'");
    return place().wallet_directory / (name + std::string(SUFFIX));
}

keys::ExtendedSecretKey Program::unlock(WalletFile& file) const {
    const auto account = file.unlock(read_passphrase(passphrase_file, false));
    if (!account)
        throw WalletError(
            "wrong passphrase for wallet '" + wallet() +
            "' (or its file was changed by another program): nothing was done");
    return *account;
}

void add_wallet_commands(CLI::App& app, Program& program) {
    CLI::App* group = app.add_subcommand("wallet", "Make, restore and list wallets");
    group->require_subcommand(1);
    const auto options = std::make_shared<MakeOptions>();
    const auto add = [&](bool restore, const char* name, const char* summary) {
        CLI::App* command = group->add_subcommand(name, summary);
        command->add_option("NAME", options->name, "The wallet's name (default: -wallet's)");
        command->add_option(
            "--seed-passphrase-file", options->seed_passphrase_file,
            "File with the BIP39 passphrase that goes with the words (usually there is none)");
        command->callback([&program, options, restore] {
            options->restore = restore;
            make_wallet(program, *options);
        });
        return command;
    };
    add(false, "create", "A new wallet from new words")
        ->add_option("--words", options->words, "How many words: 12 or 24")
        ->check(CLI::IsMember({12, 24}));
    CLI::App* restore = add(true, "restore", "A wallet from words that were written down");
    restore->add_option(
        "--words-file", options->words_file, "File with the words (default: asked for)");
    restore->add_option("--birthday", options->birthday, "Height below which it was never paid")
        ->check(CLI::Range(0, INT32_MAX));
    group->add_subcommand("list", "The wallets there are")->callback([&program] {
        list_wallets(program);
    });
}

} // namespace cairn::wallet
