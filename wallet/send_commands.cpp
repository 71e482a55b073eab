// SPDX-License-Identifier: MIT
// cairn send, abandon.
#include "consensus/address.h"
#include "rpc/server/json_writer.h"
#include "wallet/commands.h"
#include "wallet/spend.h"
#include "wallet/terminal.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <ctime>
#include <iostream>
#include <memory>

namespace cairn::wallet {

using consensus::Params;
using rpc::server::JsonWriter;

namespace {

struct SendOptions {
    std::string address;
    std::string amount;
    std::string fee_rate;
    int blocks = 6;
    bool yes = false;
};

/// What the command line says, checked before anything else is asked of anyone.
struct Intention {
    Script script;
    std::optional<Amount> amount; ///< nullopt: all.
    std::optional<FeeRate> rate;  ///< nullopt: as the node estimates.
};

Intention read_intention(const SendOptions& options, const Params& params) {
    Intention intention;
    consensus::AddressError error;
    const auto script = consensus::script_of_address(options.address, params.address, &error);
    if (!script)
        throw WalletError(
            "'" + options.address + "' is no address on chain " + params.name + ": " +
            error.message);
    intention.script = *script;
    if (options.amount != "all") {
        intention.amount = read_amount(options.amount);
        if (!intention.amount)
            throw WalletError(
                "'" + options.amount +
                "' is no amount: give coins with up to 8 decimals, as in 0.25, or all");
    }
    if (!options.fee_rate.empty()) {
        intention.rate = read_fee_rate(options.fee_rate);
        if (!intention.rate)
            throw WalletError(
                "'" + options.fee_rate +
                "' is no fee rate: give satoshis per virtual byte, as in 2 or 1.5");
    }
    return intention;
}

/// Show what is about to happen, and ask; throws if the answer is no.
void confirm(const SendOptions& options, const PaymentDraft& draft, FeeRate rate) {
    using Align = Table::Align;
    Table table({Align::Left, Align::Right, Align::Left});
    table.add({"Amount", to_text(draft.amount), ""});
    table.add({"Fee", to_text(draft.fee), to_text(rate) + " sat/vB"});
    table.add({"Total", to_text(draft.amount + draft.fee), ""});
    std::cerr << "  To      " << options.address << "\n";
    std::cerr << table.text();
    if (options.yes) return;
    if (!input_is_terminal())
        throw WalletError("nobody is there to say yes: add --yes to send without being asked");
    if (!ask_yes("Send?")) throw WalletError("not sent");
}

void send(Program& program, const SendOptions& options) {
    const Params& params = program.params();
    const Intention intention = read_intention(options, params);
    WalletFile wallet(program.wallet_path(program.wallet), params);
    RpcClient node(program.endpoint());
    sync_with_node(program, wallet, node);

    const FeeRate rate = intention.rate ? *intention.rate : fee_rate_from(node, options.blocks);
    const PaymentDraft draft =
        draft_payment(wallet.ledger(), {intention.script, intention.amount, rate}, params);
    confirm(options, draft, rate);
    const auto account = wallet.unlock(read_passphrase(program.passphrase_file, false));
    if (!account)
        throw WalletError(
            "wrong passphrase for wallet '" + program.wallet +
            "' (or its file was changed by another program); nothing was sent");
    const consensus::TransactionRef tx = sign_payment(draft, *account);
    try {
        send_payment(node, wallet, tx, std::time(nullptr));
    } catch (const RpcError& error) {
        if (error.code != 0)
            throw WalletError(
                "the node refused the payment: " + std::string(error.what()) +
                "; nothing was sent");
        throw WalletError(
            std::string(error.what()) + "; the payment " + tx->txid.to_string() +
            " is kept and will be sent by the next command that reaches the node");
    }
    if (!program.json) {
        std::cout << "Sent: " << tx->txid.to_string() << "\n";
        return;
    }
    JsonWriter out;
    out.begin_object().field("txid", tx->txid.to_string()).field("address", options.address);
    out.key("amount").amount(draft.amount.value);
    out.key("fee").amount(draft.fee.value);
    out.key("change").amount(draft.change.value);
    out.field("vsize", tx->vsize()).end_object();
    print_json(out.text());
}

void abandon(Program& program, const std::string& text) {
    const Params& params = program.params();
    const auto txid = Txid::from_string(text);
    if (!txid) throw WalletError("'" + text + "' is no transaction id: see cairn history --full");
    WalletFile wallet(program.wallet_path(program.wallet), params);
    bool waits = false;
    for (const PendingTransaction& pending : wallet.ledger().pending())
        waits = waits || pending.tx->txid == *txid;
    if (!waits) throw WalletError("the wallet has no unconfirmed transaction " + text);
    DatabaseTransaction transaction(wallet.database());
    wallet.ledger().abandon(*txid);
    transaction.commit();
    if (program.json) {
        JsonWriter out;
        out.begin_object().field("abandoned", text).end_object();
        return print_json(out.text());
    }
    std::cout << "Given up: " << text << "\nIts coins can be spent again; whichever payment a "
              << "miner takes first is the one that counts.\n";
}

} // namespace

void add_send_commands(CLI::App& app, Program& program) {
    const auto options = std::make_shared<SendOptions>();
    CLI::App* send_command = app.add_subcommand("send", "Pay to an address");
    send_command->add_option("ADDRESS", options->address, "Who is paid")->required();
    send_command->add_option("AMOUNT", options->amount, "Coins with up to 8 decimals, or: all")
        ->required();
    send_command->add_option(
        "--fee-rate", options->fee_rate, "Satoshis per virtual byte (default: estimated)");
    send_command
        ->add_option("--blocks", options->blocks, "Aim at a confirmation within so many (6)")
        ->check(CLI::Range(1, 1008));
    send_command->add_flag("--yes,-y", options->yes, "Don't ask");
    send_command->callback([&program, options] { send(program, *options); });

    const auto txid = std::make_shared<std::string>();
    CLI::App* abandon_command =
        app.add_subcommand("abandon", "Give up an unconfirmed payment that no node takes");
    abandon_command->add_option("TXID", *txid, "Its transaction id")->required();
    abandon_command->callback([&program, txid] { abandon(program, *txid); });
}

} // namespace cairn::wallet
