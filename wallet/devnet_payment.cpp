// SPDX-License-Identifier: MIT
#include "wallet/devnet_payment.h"

#include "consensus/address.h"
#include "wallet/devnet_view.h"
#include "wallet/mnemonic.h"
#include "wallet/spend.h"
#include "wallet/sync.h"
#include "wallet/terminal.h"

#include <boost/json/value_to.hpp>

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
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

/// One of the two, and the node that it asks.
struct Person {
    Person(const DevnetWallets& devnet, const std::string& name, const DevnetNode& asked)
        : params(devnet.params()),
          wallet(devnet.open(name)),
          node(asked.client(CALL_PATIENCE)) {}

    Balance balance() {
        height = sync_wallet(node, wallet, params).height;
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
            say(fmt::format(
                "Block {}: alice has mined {}, which matures after {} blocks", alice.height.value,
                to_text(now.immature), alice.params.coinbase_maturity));
        shown = alice.height;
        return false;
    });
}

/// Returns the payment's id.
Txid pay(Person& alice, const std::string& address, const keys::SecretText& passphrase) {
    const auto script = consensus::script_of_address(address, alice.params.address);
    const PaymentRequest request{script.value(), PAYMENT, fee_rate_from(alice.node, 6)};
    const PaymentDraft draft = draft_payment(alice.wallet.ledger(), request, alice.params);
    const auto account = alice.wallet.unlock(passphrase);
    if (!account) throw std::runtime_error("the passphrase file does not open alice's wallet");
    const consensus::TransactionRef tx = sign_payment(draft, *account);
    send_payment(alice.node, alice.wallet, tx, std::time(nullptr));
    say(fmt::format(
        "alice pays {} to bob at {}, through node 2\nTransaction {}", to_text(PAYMENT), address,
        tx->txid.to_string()));
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

bool wait_for_block(
    const DevnetNetwork& network, Person& bob, const Txid& txid, const Pause& pause) {
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
    if (mined) say(fmt::format("Confirmed on all three nodes, in block {}", block));
    return mined;
}

} // namespace

DevnetWallets::DevnetWallets(const fs::path& network, const consensus::Params& params)
    : params_(params),
      network_(network) {
    fs::create_directories(network_ / "wallets");
    if (!fs::exists(network_ / "passphrase")) std::ofstream(network_ / "passphrase") << "devnet\n";
    for (const char* name : {"alice", "bob"}) {
        const fs::path path = network_ / "wallets" / fmt::format("{}.wallet", name);
        if (!fs::exists(path))
            WalletFile::create(
                path, {params_, {random_mnemonic(12), {}}, passphrase(), Height(0), CHEAP});
    }
}

keys::SecretText DevnetWallets::passphrase() const {
    return first_line_of(network_ / "passphrase");
}

WalletFile DevnetWallets::open(const std::string& name) const {
    return {network_ / "wallets" / (name + ".wallet"), params_};
}

std::string DevnetWallets::address_of(const std::string& name) const {
    WalletFile wallet = open(name);
    return wallet.address_of(wallet.ledger().receive_key());
}

bool pay_between_wallets(
    const DevnetNetwork& network, const DevnetWallets& wallets, const Pause& pause) {
    Person alice(wallets, "alice", network.nodes().at(1));
    Person bob(wallets, "bob", network.nodes().at(2));
    if (!wait_for_coins(alice, pause)) return false;
    const Amount before = bob.balance().spendable;
    const std::string address = bob.wallet.address_of(bob.wallet.ledger().receive_key());
    const Txid txid = pay(alice, address, wallets.passphrase());
    if (!wait_for_block(network, bob, txid, pause)) return false;
    const Balance left = alice.balance();
    const Amount after = bob.balance().spendable;
    if (after - before != PAYMENT)
        throw std::runtime_error(fmt::format(
            "bob should have {} more than {}, but has {}", to_text(PAYMENT), to_text(before),
            to_text(after)));
    say(fmt::format(
        "Balances: alice {} (and {} not yet mature), bob {}", to_text(left.spendable),
        to_text(left.immature), to_text(after)));
    return true;
}

} // namespace cairn::wallet
