// SPDX-License-Identifier: MIT
// cairn address, balance, history: what needs no passphrase.
#include "consensus/address.h"
#include "rpc/server/json_writer.h"
#include "wallet/commands.h"
#include "wallet/json_text.h"
#include "wallet/sync.h"
#include "wallet/terminal.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cctype>
#include <iostream>
#include <memory>

namespace cairn::wallet {

using consensus::Params;
using rpc::server::JsonWriter;

namespace {

struct AddressOptions {
    bool fresh = false;
    bool no_qr = false;
};

struct HistoryOptions {
    size_t count = 20;
    bool full = false;
};

void address(Program& program, const AddressOptions& options) {
    const Params& params = program.params();
    WalletFile wallet(program.wallet_path(program.wallet), params);
    // Whether the last address was paid only the chain can tell; without it, it is shown again.
    try {
        RpcClient node(program.endpoint());
        sync_with_node(program, wallet, node);
    } catch (const RpcError& error) {
        std::cerr << "Note: " << error.what() << "\n";
    }
    const KeyPosition key =
        options.fresh ? wallet.ledger().new_receive_key() : wallet.ledger().receive_key();
    const std::string text =
        *consensus::address_of_script(wallet.ledger().script_of(key), params.address);
    if (program.json) {
        keys::KeyOrigin origin = wallet.identity().origin;
        origin.path.insert(origin.path.end(), {static_cast<uint32_t>(key.branch), key.number});
        JsonWriter out;
        out.begin_object().field("address", text).field("key_origin", keys::to_text(origin));
        out.end_object();
        return print_json(out.text());
    }
    std::cout << text << "\n";
    if (!output_is_terminal() || options.no_qr) return;
    // In capitals a bech32 address takes a smaller code, and means the same (BIP-0173).
    std::string capitals = text;
    std::ranges::transform(capitals, capitals.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    std::cout << "\n" << qr_code(capitals);
}

void balance(Program& program) {
    const Params& params = program.params();
    WalletFile wallet(program.wallet_path(program.wallet), params);
    RpcClient node(program.endpoint());
    const Height height = sync_with_node(program, wallet, node);
    const Balance sums = wallet.ledger().balance(params.coinbase_maturity);
    if (program.json) {
        JsonWriter out;
        out.begin_object().field("wallet", program.wallet).field("chain", params.name);
        out.field("height", height.value);
        out.key("spendable").amount(sums.spendable.value);
        out.key("unconfirmed_change").amount(sums.unconfirmed.value);
        out.key("incoming").amount(sums.incoming.value);
        out.key("immature").amount(sums.immature.value);
        out.end_object();
        return print_json(out.text());
    }
    Table table({Table::Align::Left, Table::Align::Right, Table::Align::Left});
    table.add({"Spendable", to_text(sums.spendable), ""});
    if (sums.unconfirmed > Amount(0))
        table.add({"  of this", to_text(sums.unconfirmed), "own change, not yet in a block"});
    if (sums.incoming > Amount(0))
        table.add({"Incoming", to_text(sums.incoming), "not in a block"});
    if (sums.immature > Amount(0))
        table.add(
            {"Immature", to_text(sums.immature),
             "mined, spendable after " + std::to_string(params.coinbase_maturity) + " blocks"});
    std::cout << "Wallet '" << program.wallet << "' on chain " << params.name << " at block "
              << height.value << "\n"
              << table.text();
}

std::string kind_of(const HistoryEntry& entry) {
    if (entry.dead) return "cancelled";
    if (entry.coinbase) return entry.height == Height(0) ? "premine" : "mined";
    if (entry.net >= Amount(0)) return "received";
    return entry.payments.empty() ? "to myself" : "sent";
}

void print_history_json(
    const std::vector<HistoryEntry>& entries, Height tip, const Params& params) {
    JsonWriter out;
    out.begin_array();
    for (const HistoryEntry& entry : entries) {
        out.begin_object().field("txid", entry.txid.to_string()).field("kind", kind_of(entry));
        out.key("height");
        if (entry.height)
            out.integer(entry.height->value);
        else
            out.null();
        out.field("confirmations", entry.height ? tip.value - entry.height->value + 1 : 0);
        out.field("time", entry.time);
        out.key("amount").amount(entry.net.value);
        out.key("fee");
        if (entry.fee)
            out.amount(entry.fee->value);
        else
            out.null();
        out.key("payments").begin_array();
        for (const TxOut& payment : entry.payments) {
            out.begin_object();
            if (const auto text =
                    consensus::address_of_script(payment.script_pubkey, params.address))
                out.field("address", *text);
            out.key("amount").amount(payment.value.value);
            out.end_object();
        }
        out.end_array().end_object();
    }
    out.end_array();
    print_json(out.text());
}

void history(Program& program, const HistoryOptions& options) {
    const Params& params = program.params();
    WalletFile wallet(program.wallet_path(program.wallet), params);
    RpcClient node(program.endpoint());
    const Height tip = sync_with_node(program, wallet, node);
    std::vector<HistoryEntry> entries = wallet.ledger().history();
    if (options.count != 0 && entries.size() > options.count)
        entries.erase(entries.begin(), entries.end() - static_cast<ptrdiff_t>(options.count));
    if (program.json) return print_history_json(entries, tip, params);
    if (entries.empty()) {
        std::cout << "No payments yet. An address to be paid at: cairn address\n";
        return;
    }
    using Align = Table::Align;
    Table table({Align::Left, Align::Right, Align::Left, Align::Right, Align::Left});
    table.add({"TIME", "BLOCK", "WHAT", "AMOUNT", "TRANSACTION"});
    for (const HistoryEntry& entry : entries) {
        const std::string txid = entry.txid.to_string();
        table.add(
            {local_time(entry.time), entry.height ? std::to_string(entry.height->value) : "-",
             kind_of(entry), (entry.net > Amount(0) ? "+" : "") + to_text(entry.net),
             options.full ? txid : txid.substr(0, 16) + "..."});
    }
    std::cout << table.text();
}

} // namespace

Height sync_with_node(Program& program, WalletFile& wallet, NodeRpc& node) {
    const SyncProgress progress = [](Height done, Height target) {
        if (done < target)
            show_progress(
                "Looking through block " + std::to_string(done.value) + " of " +
                std::to_string(target.value));
    };
    const SyncReport report = sync_wallet(node, wallet, program.params(), progress);
    clear_progress();
    for (const std::string& warning : report.warnings) std::cerr << "Note: " << warning << "\n";
    if (report.node_behind)
        std::cerr << "Note: the node is still catching up with its peers; newer payments show "
                     "later\n";
    return report.height;
}

void print_json(std::string_view json) {
    std::cout << indent_json(json) << "\n";
}

void add_account_commands(CLI::App& app, Program& program) {
    const auto address_options = std::make_shared<AddressOptions>();
    CLI::App* address_command = app.add_subcommand("address", "An address to be paid at");
    address_command->add_flag("--new", address_options->fresh, "One that was not shown before");
    address_command->add_flag("--no-qr", address_options->no_qr, "No QR code");
    address_command->callback([&program, address_options] { address(program, *address_options); });

    app.add_subcommand("balance", "What the wallet holds")->callback([&program] {
        balance(program);
    });

    const auto history_options = std::make_shared<HistoryOptions>();
    CLI::App* history_command = app.add_subcommand("history", "Payments, the newest last");
    history_command->add_option("--count", history_options->count, "How many (20; 0: all)");
    history_command->add_flag("--full", history_options->full, "Whole transaction ids");
    history_command->callback([&program, history_options] { history(program, *history_options); });
}

} // namespace cairn::wallet
