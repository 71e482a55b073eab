// SPDX-License-Identifier: MIT
// cairn wallet create|restore|list
#include "consensus/address.h"
#include "rpc/server/json_writer.h"
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
using keys::SecretText;
using rpc::server::JsonWriter;

namespace {

constexpr std::string_view SUFFIX = ".wallet";
constexpr size_t MAX_NAME_LENGTH = 64;

/// Blocks below the tip that a new wallet looks through: so many may yet be reorganised.
constexpr int32_t BIRTHDAY_MARGIN = 100;

struct CreateOptions {
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

/// The height from which a new wallet can be paid; 0, which only costs time, if no node answers.
Height birthday_now(Program& program) {
    RpcClient node(program.endpoint());
    try {
        const auto height = node.call("getblockcount").to_number<int32_t>();
        return std::max(height - BIRTHDAY_MARGIN, 0);
    } catch (const RpcError& error) {
        std::cerr << "Note: " << error.what() << "\n";
        return 0;
    }
}

/// The words with their numbers, four a line.
std::string word_table(std::string_view words) {
    using Align = Table::Align;
    std::vector<Align> columns;
    for (int i = 0; i < 4; ++i) columns.insert(columns.end(), {Align::Right, Align::Left});
    Table table(columns);
    std::vector<std::string> row;
    for (int number = 1; !words.empty(); ++number) {
        const size_t end = std::min(words.find(' '), words.size());
        row.push_back(std::to_string(number));
        row.emplace_back(words.substr(0, end));
        words.remove_prefix(std::min(end + 1, words.size()));
        if (number % 4 == 0 || words.empty()) table.add(std::exchange(row, {}));
    }
    return table.text();
}

/// Tell what was made; with its words, if they are new.
void report(Program& program, const std::string& name, const WalletWords* words) {
    const consensus::Params& params = program.params();
    const fs::path path = program.wallet_path(name);
    WalletFile wallet(path, params);
    const Script script = wallet.ledger().script_of({Branch::Receive, 0});
    const std::string address = *consensus::address_of_script(script, params.address);
    if (program.json) {
        JsonWriter out;
        out.begin_object().field("wallet", name).field("file", path.string());
        out.field("chain", params.name).field("birthday", wallet.identity().birthday.value);
        if (words != nullptr) out.field("words", std::string_view(words->words));
        out.field("address", address).end_object();
        return print_json(out.text());
    }
    std::cout << "Wallet '" << name << "' for chain " << params.name << " is in " << path.string()
              << "\n";
    if (words != nullptr)
        std::cout << "\nWrite these words down, in this order, on paper. Whoever has them has the "
                     "money,\nand without them a lost file or passphrase is lost money:\n\n"
                  << word_table(words->words) << "\n";
    std::cout << "Its first address: " << address << "\n";
}

void make_wallet(
    Program& program, const std::string& name, const WalletWords& words, Height birthday) {
    SecretText passphrase = read_passphrase(program.passphrase_file, true);
    if (passphrase.empty()) throw WalletError("the passphrase is empty: choose one");
    WalletFile::create(
        program.wallet_path(name),
        {program.params(), words, std::move(passphrase), birthday, GuessCost{}});
}

/// Before anything is asked of anyone; WalletFile::create() sees to it that it stays true.
void refuse_taken_name(const Program& program, const std::string& name) {
    const fs::path path = program.wallet_path(name);
    if (fs::exists(path))
        throw WalletError("there is a wallet " + path.string() + " already: choose another name");
}

void create(Program& program, const CreateOptions& options) {
    refuse_taken_name(program, options.name);
    keys::SecretBytes<32> entropy;
    fill_random(entropy.data(), entropy.size());
    const size_t bytes = static_cast<size_t>(options.words) * 4 / 3;
    const WalletWords words{
        make_mnemonic({entropy.data(), bytes}), seed_passphrase(options.seed_passphrase_file)};
    make_wallet(program, options.name, words, birthday_now(program));
    report(program, options.name, &words);
}

void restore(Program& program, const CreateOptions& options) {
    refuse_taken_name(program, options.name);
    const SecretText typed = options.words_file.empty() ? ask_line("The wallet's words: ")
                                                        : first_line_of(options.words_file);
    const WalletWords words{
        normalize_mnemonic(typed), seed_passphrase(options.seed_passphrase_file)};
    if (const auto error = mnemonic_error(words.words)) throw WalletError(*error);
    make_wallet(program, options.name, words, options.birthday);
    report(program, options.name, nullptr);
}

void list(Program& program) {
    const fs::path directory = program.wallet_directory();
    std::vector<fs::path> files;
    if (fs::is_directory(directory))
        for (const fs::directory_entry& entry : fs::directory_iterator(directory))
            if (entry.path().extension() == SUFFIX) files.push_back(entry.path());
    std::ranges::sort(files);

    JsonWriter out;
    out.begin_array();
    Table table({Table::Align::Left, Table::Align::Left, Table::Align::Left});
    table.add({"NAME", "CHAIN", "KEY"});
    for (const fs::path& file : files) {
        const std::string name = file.stem().string();
        try {
            const WalletIdentity identity = WalletFile::read_identity(file);
            const std::string origin = keys::to_text(identity.origin);
            table.add({name, identity.chain, origin});
            out.begin_object().field("wallet", name).field("chain", identity.chain);
            out.field("genesis", identity.genesis.to_string()).field("key_origin", origin);
            out.field("account", identity.account).field("birthday", identity.birthday.value);
            out.end_object();
        } catch (const std::runtime_error& error) {
            table.add({name, "?", error.what()});
            out.begin_object().field("wallet", name).field("error", error.what()).end_object();
        }
    }
    out.end_array();
    if (program.json) return print_json(out.text());
    if (files.empty())
        std::cout << "No wallets in " << directory.string() << ": make one with `cairn wallet "
                  << "create`\n";
    else
        std::cout << table.text();
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
    return wallet_directory() / (name + std::string(SUFFIX));
}

void add_wallet_commands(CLI::App& app, Program& program) {
    CLI::App* wallet = app.add_subcommand("wallet", "Make, restore and list wallets");
    wallet->require_subcommand(1);
    const auto options = std::make_shared<CreateOptions>();
    const auto add_common = [&](CLI::App* command) {
        command->add_option("NAME", options->name, "The wallet's name (default: --wallet's)");
        command->add_option(
            "--seed-passphrase-file", options->seed_passphrase_file,
            "File with the BIP39 passphrase that goes with the words (usually there is none)");
        command->preparse_callback([options](size_t) { *options = {}; });
    };
    const auto named = [&program, options] {
        if (options->name.empty()) options->name = program.wallet;
    };

    CLI::App* create_command = wallet->add_subcommand("create", "A new wallet from new words");
    add_common(create_command);
    create_command->add_option("--words", options->words, "How many words: 12 or 24")
        ->check(CLI::IsMember({12, 24}));
    create_command->callback([&program, options, named] {
        named();
        create(program, *options);
    });

    CLI::App* restore_command =
        wallet->add_subcommand("restore", "A wallet from words that were written down");
    add_common(restore_command);
    restore_command->add_option(
        "--words-file", options->words_file, "File with the words (default: asked for)");
    restore_command
        ->add_option("--birthday", options->birthday, "Height below which it was never paid")
        ->check(CLI::NonNegativeNumber);
    restore_command->callback([&program, options, named] {
        named();
        restore(program, *options);
    });

    wallet->add_subcommand("list", "The wallets there are")->callback([&program] {
        list(program);
    });
}

} // namespace cairn::wallet
