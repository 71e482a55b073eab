// SPDX-License-Identifier: MIT
#include "wallet/devnet_payment.h"

#include "consensus/address.h"
#include "wallet/mnemonic.h"
#include "wallet/spend.h"
#include "wallet/sync.h"

#include <boost/json/value_to.hpp>

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

class Payment {
public:
    Payment(const DevnetNetwork& network, const DevnetWallets& wallets, const Pause& pause)
        : wallets_(wallets),
          pause_(pause),
          alice_(wallets.open(DevnetWallets::ALICE)),
          bob_(wallets.open(DevnetWallets::BOB)) {
        for (const DevnetNode& node : network.nodes())
            clients_.emplace_back(node.endpoint(CALL_PATIENCE));
    }

    bool run() {
        if (!wait_for_coins()) return false;
        const Balance before = balance(bob_, client_of(3));
        const std::string txid = pay();
        if (!wait_for_confirmation(txid)) return false;
        const Balance alice = balance(alice_, client_of(2));
        const Balance bob = balance(bob_, client_of(3));
        if (bob.spendable.value - before.spendable.value != PAYMENT.value)
            throw std::runtime_error(
                "bob should have " + to_text(PAYMENT) + " more than " + to_text(before.spendable) +
                ", but has " + to_text(bob.spendable));
        say(fmt::format(
            "Balances: alice {} (and {} not yet mature), bob {}", to_text(alice.spendable),
            to_text(alice.immature), to_text(bob.spendable)));
        return true;
    }

private:
    RpcClient& client_of(int node) { return clients_.at(static_cast<size_t>(node - 1)); }

    Balance balance(WalletFile& wallet, RpcClient& client) {
        sync_wallet(client, wallet, wallets_.params());
        return wallet.ledger().balance(wallets_.params().coinbase_maturity);
    }

    /// Look until `done`, or throw that `what` took too long. False if told to give up.
    template <class Done>
    bool wait_until(const std::string& what, std::chrono::minutes patience, Done done) {
        const auto deadline = steady_clock::now() + patience;
        while (!done()) {
            if (steady_clock::now() > deadline)
                throw std::runtime_error(
                    fmt::format("waited {} minutes for {}", patience.count(), what));
            if (!pause_(LOOK_INTERVAL)) return false;
        }
        return true;
    }

    bool wait_for_coins() {
        Height shown{-1};
        const auto enough = [&] {
            const SyncReport report = sync_wallet(client_of(2), alice_, wallets_.params());
            const Balance now = alice_.ledger().balance(wallets_.params().coinbase_maturity);
            if (now.spendable.value > PAYMENT.value) return true;
            if (report.height != shown)
                say(fmt::format(
                    "Block {}: alice has mined {}, which matures after {} blocks",
                    report.height.value, to_text(now.immature),
                    wallets_.params().coinbase_maturity));
            shown = report.height;
            return false;
        };
        return wait_until("a coinbase to mature", MATURITY_PATIENCE, enough);
    }

    std::string pay() {
        const std::string address = wallets_.address_of(bob_);
        const std::optional<Script> script =
            consensus::script_of_address(address, wallets_.params().address);
        const PaymentRequest request{script.value(), PAYMENT, fee_rate_from(client_of(2), 6)};
        const PaymentDraft draft = draft_payment(alice_.ledger(), request, wallets_.params());
        const std::optional<keys::ExtendedSecretKey> account = alice_.unlock(wallets_.passphrase());
        if (!account) throw std::runtime_error("the passphrase file does not open alice's wallet");
        const consensus::TransactionRef tx = sign_payment(draft, *account);
        send_payment(client_of(2), alice_, tx, std::time(nullptr));
        const std::string txid = tx->txid.to_string();
        say(fmt::format(
            "alice pays {} to bob at {}, through node 2\nTransaction {}", to_text(PAYMENT), address,
            txid));
        return txid;
    }

    bool wait_for_confirmation(const std::string& txid) {
        std::string block;
        const auto confirmed = [&] {
            sync_wallet(client_of(3), bob_, wallets_.params());
            for (const HistoryEntry& entry : bob_.ledger().history()) {
                if (entry.txid.to_string() != txid || !entry.height) continue;
                block = json::value_to<std::string>(
                    client_of(3).call("getblockhash", {entry.height->value}));
                return holds_everywhere(block, txid);
            }
            return false;
        };
        if (!wait_until("the payment to be mined", BLOCK_PATIENCE, confirmed)) return false;
        say(fmt::format("Confirmed on all three nodes, in block {}", block));
        return true;
    }

    /// Do all nodes have `block` on their best chain, with `txid` in it?
    bool holds_everywhere(const std::string& block, const std::string& txid) {
        for (RpcClient& client : clients_) {
            try {
                const json::value found = client.call("getrawtransaction", {txid, true, block});
                if (!found.as_object().at("in_active_chain").as_bool()) return false;
            } catch (const RpcError& error) {
                if (error.code == 0) throw;
                return false; // this node hasn't the block yet
            }
        }
        return true;
    }

    const DevnetWallets& wallets_;
    const Pause& pause_;
    WalletFile alice_;
    WalletFile bob_;
    std::vector<RpcClient> clients_;
};

} // namespace

DevnetWallets::DevnetWallets(const fs::path& network, const consensus::Params& params)
    : params_(params),
      directory_(network / "wallets"),
      passphrase_file_(network / "passphrase") {
    fs::create_directories(directory_);
    if (!fs::exists(passphrase_file_)) std::ofstream(passphrase_file_) << "devnet\n";
    for (const char* name : {ALICE, BOB}) {
        if (fs::exists(path_of(name))) continue;
        std::array<uint8_t, 16> entropy{};
        fill_random(entropy.data(), entropy.size());
        WalletFile::create(
            path_of(name), {.params = params_,
                            .words = {make_mnemonic(entropy), {}},
                            .passphrase = keys::SecretText(passphrase()),
                            .birthday = Height(0),
                            .cost = CHEAP});
    }
}

std::string DevnetWallets::passphrase() const {
    std::ifstream file(passphrase_file_);
    std::string line;
    std::getline(file, line);
    return line;
}

fs::path DevnetWallets::path_of(const std::string& name) const {
    return directory_ / (name + ".wallet");
}

WalletFile DevnetWallets::open(const std::string& name) const {
    return {path_of(name), params_};
}

std::string DevnetWallets::address_of(WalletFile& wallet) const {
    Ledger& ledger = wallet.ledger();
    const Script script = ledger.script_of(ledger.receive_key());
    return consensus::address_of_script(script, params_.address).value();
}

bool pay_between_wallets(
    const DevnetNetwork& network, const DevnetWallets& wallets, const Pause& pause) {
    return Payment(network, wallets, pause).run();
}

} // namespace cairn::wallet
