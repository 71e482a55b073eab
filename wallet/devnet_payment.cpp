// SPDX-License-Identifier: MIT
#include "wallet/devnet_payment.h"

#include "wallet/mnemonic.h"
#include "wallet/spend.h"
#include "wallet/sync.h"
#include "wallet/terminal.h"

#include <boost/json/value_to.hpp>

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace cairn::wallet {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds CALL_PATIENCE{60};
constexpr std::chrono::minutes MATURITY_PATIENCE{15}; // a slow machine mines eleven blocks
constexpr std::chrono::minutes BLOCK_PATIENCE{5};     // blocks come at random
constexpr std::chrono::milliseconds LOOK_INTERVAL{500};
constexpr Amount PAYMENT{100'000'000};

/// Cheap guesses: the passphrase lies beside the wallet.
constexpr GuessCost CHEAP{1, 8U << 20};

/// Look until `done`, or throw that `what` took too long. False if told to give up.
template <class Done>
bool wait_until(
    const std::string& what, std::chrono::minutes patience, const Pause& pause, Done done) {
    const auto deadline = steady_clock::now() + patience;
    while (!done()) {
        if (steady_clock::now() > deadline)
            throw std::runtime_error(
                fmt::format("waited {} minutes for {}", patience.count(), what));
        if (!pause(LOOK_INTERVAL)) return false;
    }
    return true;
}

fs::path wallet_path(const DevnetNetwork& network, const std::string& name) {
    return network.directory() / "wallets" / (name + ".wallet");
}

keys::SecretText passphrase_of(const DevnetNetwork& network) {
    return first_line_of(network.directory() / "passphrase");
}

std::string address_of(WalletFile& wallet) {
    return wallet.address_of(wallet.ledger().receive_key());
}

/// One of the two, and the node that they ask.
struct Person {
    Person(const DevnetNetwork& network, const std::string& name, const DevnetNode& asked)
        : params(network.params()),
          wallet(wallet_path(network, name), params),
          node(asked.client(CALL_PATIENCE)) {}

    Balance balance() {
        height = sync_wallet(node, wallet, params, std::time(nullptr)).height;
        return wallet.ledger().balance(params.coinbase_maturity);
    }

    const consensus::Params& params;
    WalletFile wallet;
    RpcClient node;
    Height height{-1}; ///< The wallet's.
};

bool wait_for_coins(Person& alice, const Pause& pause) {
    Height shown{-1};
    return wait_until("a coinbase to mature", MATURITY_PATIENCE, pause, [&] {
        const Balance now = alice.balance();
        if (now.spendable > PAYMENT) return true;
        if (alice.height != shown)
            std::cerr << fmt::format(
                "Block {}: alice has mined {}, which matures after {} blocks\n", alice.height.value,
                to_text(now.immature), alice.params.coinbase_maturity);
        shown = alice.height;
        return false;
    });
}

/// Returns the payment's id.
Txid pay(Person& alice, const std::string& address, const keys::SecretText& passphrase) {
    const Script script = script_of(address, alice.params);
    const PaymentRequest request{script, PAYMENT, fee_rate_from(alice.node, 6), {}};
    const PaymentDraft draft = draft_payment(alice.wallet.ledger(), request, alice.params);
    const auto account = alice.wallet.unlock(passphrase);
    if (!account) throw std::runtime_error("the passphrase file does not open alice's wallet");
    const consensus::TransactionRef tx = sign_payment(draft, *account);
    send_payment(alice.node, alice.wallet, tx, std::time(nullptr));
    std::cerr << fmt::format(
        "alice pays {} to bob at {}, through node 2\n", to_text(PAYMENT), address);
    return tx->txid;
}

/// Do all nodes have `block` on their best chain, with `txid` in it?
bool holds_everywhere(
    const DevnetNetwork& network, const std::string& block, const std::string& txid) {
    return std::ranges::all_of(network.nodes(), [&](const DevnetNode& node) {
        try {
            return node.client(CALL_PATIENCE)
                .call("getrawtransaction", {txid, true, block})
                .at("in_active_chain")
                .as_bool();
        } catch (const RpcError& error) {
            if (error.code == 0) throw;
            return false; // this node hasn't the block yet
        }
    });
}

/// The block with the payment, once all nodes have it; empty if told to give up.
std::string
wait_for_block(const DevnetNetwork& network, Person& bob, const Txid& txid, const Pause& pause) {
    std::string block;
    const bool mined = wait_until("the payment to be mined", BLOCK_PATIENCE, pause, [&] {
        bob.balance();
        const std::vector<HistoryEntry> history = bob.wallet.ledger().history();
        const auto payment = std::ranges::find(history, txid, &HistoryEntry::txid);
        if (payment == history.end() || !payment->height) return false;
        block =
            json::value_to<std::string>(bob.node.call("getblockhash", {payment->height->value}));
        return holds_everywhere(network, block, txid.to_string());
    });
    return mined ? block : "";
}

} // namespace

void make_wallets(const DevnetNetwork& network) {
    const fs::path passphrase = network.directory() / "passphrase";
    fs::create_directories(network.directory() / "wallets");
    if (!fs::exists(passphrase)) std::ofstream(passphrase) << "devnet\n";
    for (const char* name : {"alice", "bob"}) {
        const fs::path path = wallet_path(network, name);
        const WalletWords words{random_mnemonic(12), {}};
        if (!fs::exists(path))
            WalletFile::create(
                path, {network.params(), words, passphrase_of(network), Height(0), CHEAP});
    }
}

std::string address_of(const DevnetNetwork& network, const std::string& name) {
    WalletFile wallet(wallet_path(network, name), network.params());
    return address_of(wallet);
}

std::optional<Fields> pay_between_wallets(const DevnetNetwork& network, const Pause& pause) {
    Person alice(network, "alice", network.nodes().at(1));
    Person bob(network, "bob", network.nodes().at(2));
    if (!wait_for_coins(alice, pause)) return std::nullopt;
    const Amount before = bob.balance().spendable;
    const Txid txid = pay(alice, address_of(bob.wallet), passphrase_of(network));
    const std::string block = wait_for_block(network, bob, txid, pause);
    if (block.empty()) return std::nullopt;
    const Balance left = alice.balance();
    const Amount after = bob.balance().spendable;
    if (after - before != PAYMENT)
        throw std::runtime_error(fmt::format(
            "bob should have {} more than {}, but has {}", to_text(PAYMENT), to_text(before),
            to_text(after)));
    return Fields{
        {"paid", PAYMENT},         {"txid", txid.to_string()},        {"block_on_all_nodes", block},
        {"alice", left.spendable}, {"alice_immature", left.immature}, {"bob", after}};
}

} // namespace cairn::wallet
