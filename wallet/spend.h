// SPDX-License-Identifier: MIT
// From an intention to pay to a transaction that a node takes.
#pragma once

#include "consensus/params.h"
#include "wallet/rpc_client.h"
#include "wallet/wallet_file.h"

#include <optional>
#include <set>
#include <vector>

namespace cairn::wallet {

/// What is to be paid.
struct PaymentRequest {
    Script script;
    std::optional<Amount> amount; ///< nullopt: all there is, less the fee.
    FeeRate rate;
    std::set<OutPoint> avoided; ///< Coins that are not to be spent.
};

/// A payment worked out, not yet signed.
struct PaymentDraft {
    consensus::Transaction tx;
    std::vector<OwnCoin> inputs; ///< One an input of `tx`, in order.
    Amount amount;               ///< That the receiver gets.
    Amount fee;
    Amount change;   ///< 0: none.
    size_t left = 0; ///< Where all was asked for: coins that one transaction has no room for.
};

/// The fee rate for a confirmation within `blocks`: the node's estimate, but no less than its
/// mempool takes, which is also the rate where it has no estimate. Throws RpcError.
FeeRate fee_rate_from(NodeRpc& node, int blocks);

/// Choose coins and build the transaction: inputs and outputs in random order, replaceable
/// (BIP-0125), valid from the next block on.
///
/// Throws WalletError: not enough money, in too many coins, or too little to be relayed.
PaymentDraft
draft_payment(Ledger& ledger, const PaymentRequest& request, const consensus::Params& params);

/// The same, of coins that nothing in the node's mempool spends: for a wallet that has not looked
/// through it, where another copy of it may have paid. The node learns what the payment tells, too.
/// Throws RpcError.
PaymentDraft draft_unspent(
    NodeRpc& node, Ledger& ledger, PaymentRequest request, const consensus::Params& params);

/// The draft with all its signatures, each checked as a node will. `account`: as unlocked.
consensus::TransactionRef
sign_payment(const PaymentDraft& draft, const keys::ExtendedSecretKey& account);

/// Write `tx` down, then send it. If it isn't known whether the node got it, it stays written down
/// and the next sync sends it again: so no later payment spends its coins a second time.
///
/// Throws RpcError. With a code other than 0 the node refused it, and it is forgotten.
void send_payment(
    NodeRpc& node, WalletFile& wallet, const consensus::TransactionRef& tx, int64_t now);

/// Give up the unconfirmed transaction `txid`, and free its coins.
///
/// `force`: even if the node can't say whether it has it. Throws WalletError: there is none, or it
/// waits in the node's mempool, so that it is likely to be mined.
void abandon_payment(
    NodeRpc& node,
    WalletFile& wallet,
    const Txid& txid,
    const consensus::Params& params,
    bool force);

} // namespace cairn::wallet
