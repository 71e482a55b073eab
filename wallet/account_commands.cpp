// SPDX-License-Identifier: MIT
// cairn address, balance, history.
#include "consensus/address.h"
#include "wallet/commands.h"
#include "wallet/terminal.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cctype>
#include <ctime>
#include <iostream>
#include <memory>
#include <unistd.h>

namespace cairn::wallet {

using consensus::Params;

namespace {

struct AddressOptions {
    bool fresh = false;
    bool no_qr = false;
};

struct HistoryOptions {
    size_t count = 20;
    bool full = false;
};

void address(const Program& program, const AddressOptions& options) {
    WalletFile wallet = program.open_wallet();
    // Whether the last address was paid only the chain can tell; without it, it is shown again.
    try {
        RpcClient node(program.endpoint());
        sync_with_node(program, wallet, node);
    } catch (const RpcError& error) {
        std::cerr << "Note: " << error.what() << "\n";
    }
    const KeyPosition key =
        options.fresh ? wallet.ledger().new_receive_key() : wallet.ledger().receive_key();
    const std::string text = wallet.address_of(key);
    if (program.json) {
        keys::KeyOrigin origin = wallet.identity().origin;
        origin.path.insert(origin.path.end(), {static_cast<uint32_t>(key.branch), key.number});
        return print(
            {{"address", text},
             {"key_origin", keys::to_text(origin)},
             {"public_key", consensus::to_hex(wallet.ledger().public_key_of(key))}},
            true);
    }
    std::cout << text << "\n";
    if (::isatty(STDOUT_FILENO) != 1 || options.no_qr) return;
    // In capitals a bech32 address takes a smaller code, and means the same (BIP-0173).
    std::string capitals = text;
    std::ranges::transform(capitals, capitals.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    std::cout << "\n" << qr_code(capitals);
}

void balance(const Program& program) {
    const Params& params = program.params();
    WalletFile wallet = program.open_wallet();
    RpcClient node(program.endpoint());
    const Height height = sync_with_node(program, wallet, node).height;
    const Balance sums = wallet.ledger().balance(params.coinbase_maturity);
    print(
        {{"wallet", program.wallet()},
         {"chain", params.name},
         {"height", height},
         {"spendable", sums.spendable},
         {"unconfirmed_change", sums.unconfirmed}, // a part of it
         {"incoming", sums.incoming},
         {"immature", sums.immature}},
        program.json);
}

std::string_view kind_of(const HistoryEntry& entry) {
    // A coinbase lives and dies with its block.
    if (entry.dead) return entry.coinbase ? "orphaned" : "cancelled";
    if (entry.coinbase) return entry.height == Height(0) ? "premine" : "mined";
    if (entry.net >= Amount(0)) return "received";
    return entry.payments.empty() ? "to myself" : "sent";
}

Fields describe(const HistoryEntry& entry, Height tip, const Params& params, bool full) {
    std::vector<Fields> payments;
    for (const TxOut& payment : entry.payments) {
        payments.push_back({{"amount", payment.value}});
        if (const auto to = consensus::address_of_script(payment.script_pubkey, params.address))
            payments.back().emplace_back("address", *to);
    }
    const int32_t confirmations = entry.height ? tip.value - entry.height->value + 1 : 0;
    const std::string txid = entry.txid.to_string();
    Value amount(entry.net);
    if (entry.net > Amount(0)) amount.text.insert(0, "+");
    Value fee(entry.fee);
    if (!full || !entry.fee) fee.text.clear();
    // Cut so that a line fits a terminal.
    const auto shown = [&](const std::string& text, size_t length) {
        return full || text.size() <= length ? text : text.substr(0, length) + "...";
    };
    std::string to;
    if (entry.net < Amount(0) && !payments.empty())
        to = consensus::address_of_script(entry.payments[0].script_pubkey, params.address)
                 .value_or("script");
    return {
        {"time", {local_time(entry.time), std::to_string(entry.time)}},
        {"height", entry.height},
        {"kind", kind_of(entry)},
        {"amount", amount},
        {"fee", fee},
        {"to", {shown(to, 12), ""}}, // the first; `payments` holds all
        {"confirmations", {"", std::to_string(confirmations)}},
        {"payments", {"", array_text(payments)}},
        {"txid", {shown(txid, 8), Value(txid).json}}};
}

void history(const Program& program, const HistoryOptions& options) {
    WalletFile wallet = program.open_wallet();
    RpcClient node(program.endpoint());
    const Height tip = sync_with_node(program, wallet, node).height;
    std::vector<Fields> rows;
    for (const HistoryEntry& entry : wallet.ledger().history())
        rows.push_back(describe(entry, tip, program.params(), options.full));
    if (options.count != 0 && rows.size() > options.count)
        rows.erase(rows.begin(), rows.end() - static_cast<ptrdiff_t>(options.count));
    print(rows, program.json, "No payments yet. An address to be paid at: cairn address");
}

} // namespace

SyncReport sync_with_node(const Program& program, WalletFile& wallet, NodeRpc& node) {
    SyncReport report = sync_wallet(
        node, wallet, program.params(), std::time(nullptr), [](Height done, Height target) {
            if (done < target)
                show_progress(
                    "Looking through block " + std::to_string(done.value) + " of " +
                    std::to_string(target.value));
        });
    show_progress("");
    for (const std::string& warning : report.warnings) std::cerr << "Note: " << warning << "\n";
    if (report.node_behind)
        std::cerr << "Note: the node is still catching up with its peers; newer payments show "
                     "later\n";
    return report;
}

void add_account_commands(CLI::App& app, Program& program) {
    const auto address_options = std::make_shared<AddressOptions>();
    CLI::App* address_command = app.add_subcommand("address", "An address to be paid at");
    address_command->add_flag("--new", address_options->fresh, "One that was not shown before");
    address_command->add_flag("--no-qr", address_options->no_qr, "No QR code");
    address_command->callback([&program, address_options] { address(program, *address_options); });

    CLI::App* balance_command = app.add_subcommand("balance", "What the wallet holds");
    balance_command->footer(
        "  Spendable           what can be paid now, with the wallet's own change on its way\n"
        "  Unconfirmed change  the part of it that waits for its block\n"
        "  Incoming            sent by others, and spendable once it is in a block\n"
        "  Immature            mined, and spendable after some more blocks");
    balance_command->callback([&program] { balance(program); });

    const auto history_options = std::make_shared<HistoryOptions>();
    CLI::App* history_command = app.add_subcommand("history", "Payments, the newest last");
    history_command->add_option("--count", history_options->count, "How many (20; 0: all)");
    history_command->add_flag(
        "--full", history_options->full, "Fees, whole addresses and transaction ids");
    history_command->callback([&program, history_options] { history(program, *history_options); });
}

} // namespace cairn::wallet
