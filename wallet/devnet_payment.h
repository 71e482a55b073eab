// SPDX-License-Identifier: MIT
// The two wallets of `cairn devnet`, and a payment between them as its people would make it: of
// alice, whom the miner pays, and bob. Their passphrase lies beside them, since their coins are
// worth nothing.
#pragma once

#include "wallet/devnet_network.h"

#include <optional>
#include <string>

namespace cairn::wallet {

/// Make what is missing of the wallets. Throws WalletError, DatabaseError.
void make_wallets(const DevnetNetwork& network);

/// An address of "alice" or "bob", the same until it is paid.
std::string address_of(const DevnetNetwork& network, const std::string& name);

/// Wait until alice has coins that can be spent, let her pay bob through node 2 while he looks
/// through node 3, and wait until all nodes have it in a block; tells standard error how it goes.
/// Returns the payment and the balances; nullopt if `pause` said to give up. Throws
/// std::runtime_error with what failed or took too long.
std::optional<Fields> pay_between_wallets(const DevnetNetwork& network, const Pause& pause);

} // namespace cairn::wallet
