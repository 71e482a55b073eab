// SPDX-License-Identifier: MIT
// cairn send, abandon.
#include "consensus/address.h"
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

namespace {

// Exit codes of `cairn send`, beside 1: nothing was sent.
constexpr int KEPT = 3;         ///< Not known to have been sent; the next command sends it.
constexpr int SENT_EARLIER = 4; ///< This run sent an earlier payment, and not this one.

struct SendOptions {
    std::string address;
    std::string amount;
    std::string fee_rate;
    int blocks = 6;
    bool yes = false;
    bool anyway = false;
};

[[noreturn]] void fail(int exit_code, const std::string& message) {
    std::cerr << "cairn: " << message << "\n";
    throw CLI::RuntimeError(exit_code);
}

/// What the command line says, checked before anything else is asked of anyone; a rate of 0: as the
/// node estimates.
PaymentRequest read_request(const SendOptions& options, const consensus::Params& params) {
    PaymentRequest request;
    request.script = script_of(options.address, params);
    if (options.amount != "all") request.amount = amount_of(options.amount);
    if (!options.fee_rate.empty()) {
        const auto rate = read_fee_rate(options.fee_rate);
        if (!rate)
            throw WalletError(
                "'" + options.fee_rate +
                "' is no fee rate: give satoshis per virtual byte, as in 2 or 1.5");
        request.rate = *rate;
    }
    return request;
}

/// Show what is about to happen, and ask; throws if the answer is no.
void confirm(const SendOptions& options, const PaymentDraft& draft, FeeRate rate) {
    std::cerr << "  To      " << options.address << "\n"
              << columns(
                     {{"Amount", draft.amount},
                      {"Fee", draft.fee, to_text(rate) + " sat/vB"},
                      {"Total", draft.amount + draft.fee}});
    if (draft.left > 0)
        std::cerr << "Note: these are the largest " << draft.inputs.size() << " coins, "
                  << draft.left << " have no room in one transaction: send them with another\n";
    if (options.yes) return;
    if (!input_is_terminal())
        throw WalletError("nobody is there to say yes: add --yes to send without being asked");
    if (!ask_yes("Send?")) throw WalletError("not sent");
}

void send(const Program& program, const SendOptions& options) {
    const consensus::Params& params = program.params();
    PaymentRequest request = read_request(options, params);
    WalletFile wallet = program.open_wallet();
    RpcClient node(program.endpoint());
    const SyncReport report = sync_with_node(program, wallet, node);
    // A script that repeats a command whose end it didn't see would pay twice.
    if (options.yes && !options.anyway && !report.resent.empty())
        fail(
            SENT_EARLIER, "an earlier payment was sent only now, and not this one: if it isn't the "
                          "same once more, add --anyway");

    if (request.rate == FeeRate{}) request.rate = fee_rate_from(node, options.blocks);
    const PaymentDraft draft = report.mempool_unseen
                                   ? draft_unspent(node, wallet.ledger(), request, params)
                                   : draft_payment(wallet.ledger(), request, params);
    confirm(options, draft, request.rate);
    const consensus::TransactionRef tx = sign_payment(draft, program.unlock(wallet));
    const std::string txid = tx->txid.to_string();
    try {
        send_payment(node, wallet, tx, std::time(nullptr));
    } catch (const RpcError& error) {
        if (error.code != 0)
            throw WalletError(
                "the node refused the payment: " + std::string(error.what()) +
                "; nothing was sent");
        if (program.json) print({{"txid", txid}, {"sent", {"", "false"}}}, true);
        fail(
            KEPT, std::string(error.what()) + "; the payment " + txid +
                      " is kept and will be sent by the next command that reaches the node");
    }
    if (!program.json) {
        std::cout << "Sent: " << txid << "\n";
        return;
    }
    print(
        {{"txid", txid},
         {"address", options.address},
         {"amount", draft.amount},
         {"fee", draft.fee},
         {"change", draft.change},
         {"vsize", tx->vsize()},
         {"coins_left", draft.left}},
        true);
}

void abandon(const Program& program, const std::string& text, bool force) {
    const auto txid = Txid::from_string(text);
    if (!txid) throw WalletError("'" + text + "' is no transaction id: see cairn history --full");
    WalletFile wallet = program.open_wallet();
    RpcClient node(program.endpoint());
    abandon_payment(node, wallet, *txid, program.params(), force);
    if (program.json) return print({{"abandoned", text}}, true);
    std::cout << "Given up: " << text
              << "\nIts coins can be spent again. If it was ever sent, it may still be mined, "
                 "also beside a payment\nthat is made in its place.\n";
}

} // namespace

Amount amount_of(const std::string& argument) {
    if (const auto amount = read_amount(argument)) return *amount;
    throw WalletError(
        "'" + argument + "' is no amount: give at most 21000000 coins, to 8 decimals, as in 0.25");
}

Script script_of(const std::string& address, const consensus::Params& params) {
    consensus::AddressError error;
    if (const auto script = consensus::script_of_address(address, params.address, &error))
        return *script;
    throw WalletError(
        "'" + address + "' is no address on chain " + params.name + ": " + error.message);
}

void add_send_commands(CLI::App& app, Program& program) {
    const auto options = std::make_shared<SendOptions>();
    CLI::App* send_command = app.add_subcommand("send", "Pay to an address");
    send_command->add_option("ADDRESS", options->address, "Who is paid")->required();
    send_command->add_option("AMOUNT", options->amount, "Coins with up to 8 decimals, or: all")
        ->required();
    CLI::Option* fee_rate = send_command->add_option(
        "--fee-rate", options->fee_rate, "Satoshis per virtual byte (default: estimated)");
    send_command
        ->add_option("--blocks", options->blocks, "Aim at a confirmation within so many (6)")
        ->check(CLI::Range(1, 1008))
        ->excludes(fee_rate);
    send_command->add_flag("--yes,-y", options->yes, "Don't ask");
    send_command->add_flag(
        "--anyway", options->anyway, "With --yes: also if this run has sent an earlier payment");
    send_command->footer(
        "Exit codes:\n"
        "  1  nothing was sent\n"
        "  3  the connection was lost: the payment is kept, and the next command that reaches the\n"
        "     node sends it if need be. Don't repeat it. --json prints its txid and \"sent\": "
        "false\n"
        "  4  with --yes: this run sent an earlier payment, and not this one");
    send_command->callback([&program, options] { send(program, *options); });

    const auto txid = std::make_shared<std::string>();
    const auto force = std::make_shared<bool>(false);
    CLI::App* abandon_command = app.add_subcommand(
        "abandon", "Give up an unconfirmed payment that isn't in the node's mempool");
    abandon_command->add_option("TXID", *txid, "Its transaction id")->required();
    abandon_command->add_flag("--force", *force, "Though the node can't say whether it is there");
    abandon_command->callback([&program, txid, force] { abandon(program, *txid, *force); });
}

} // namespace cairn::wallet
