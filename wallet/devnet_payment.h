// SPDX-License-Identifier: MIT
// The two wallets of `cairn devnet`, and a payment between them as its people would make it.
#pragma once

#include "wallet/devnet_network.h"
#include "wallet/wallet_file.h"

#include <filesystem>
#include <string>

namespace cairn::wallet {

/// alice, whom the miner pays, and bob. Their passphrase lies beside them, since their coins are
/// worth nothing.
class DevnetWallets {
public:
    /// Makes what is missing. `params` outlives this. Throws WalletError, DatabaseError.
    DevnetWallets(const std::filesystem::path& network, const consensus::Params& params);

    const consensus::Params& params() const { return params_; }

    keys::SecretText passphrase() const;

    /// Open "alice" or "bob"; nobody else can meanwhile.
    WalletFile open(const std::string& name) const;

    /// An address of the wallet, the same until it is paid.
    std::string address_of(const std::string& name) const;

private:
    const consensus::Params& params_;
    std::filesystem::path network_;
};

/// Wait until alice has coins that can be spent, let her pay bob through node 2 while he looks
/// through node 3, wait until all nodes have it in a block, and print the balances. False if
/// `pause` said to give up. Throws std::runtime_error with what failed or took too long.
bool pay_between_wallets(
    const DevnetNetwork& network, const DevnetWallets& wallets, const Pause& pause);

} // namespace cairn::wallet
