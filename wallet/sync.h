// SPDX-License-Identifier: MIT
// Brings a wallet up to a node's tip by compact filters: the wallet downloads every filter and
// only those blocks that match, so the node doesn't learn which addresses are whose. For the same
// reason it downloads the whole mempool to find what is on its way.
#pragma once

#include "consensus/params.h"
#include "wallet/rpc_client.h"
#include "wallet/wallet_file.h"

#include <functional>
#include <string>
#include <vector>

namespace cairn::wallet {

/// Called now and then with the blocks looked through so far and the node's height.
using SyncProgress = std::function<void(Height done, Height target)>;

/// What a sync found.
struct SyncReport {
    Height height;               ///< Of the block the wallet is at now.
    bool node_behind = false;    ///< The node itself is still catching up.
    bool mempool_unseen = false; ///< What waits there may spend coins that count as unspent here.
    /// Payments from this wallet that the node hadn't got, and were sent to it now: whoever made
    /// them may not know that, and is about to make them once more.
    std::vector<Txid> resent;
    /// A sentence for each of those, each that another transaction has cancelled, each that the
    /// node doesn't take, and one if the mempool or no block was looked through.
    std::vector<std::string> warnings;
};

/// The node's height. Throws WalletError: the node is on another chain; RpcError.
Height node_height(NodeRpc& node, const consensus::Params& params);

/// Look through the blocks since the last time, undo those that are no longer on the node's chain,
/// send again what still waits, and find what waits for us in the mempool. All that was done so far
/// is kept if it is interrupted.
///
/// `now`: when payments in the mempool were seen first. Units: seconds since the Unix epoch.
/// Throws WalletError: the node is on another chain; RpcError; DatabaseError.
SyncReport sync_wallet(
    NodeRpc& node,
    WalletFile& wallet,
    const consensus::Params& params,
    int64_t now,
    const SyncProgress& progress = {});

} // namespace cairn::wallet
