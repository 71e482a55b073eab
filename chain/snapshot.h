// SPDX-License-Identifier: MIT
// A coin set as a file, in the reference's format (dumptxoutset, loadtxoutset): magic, version,
// network, block and number of coins, then for each transaction its id, the number of its coins,
// and of each its output number and the coin in short.
#pragma once

#include "chain/chain.h"
#include "chain/file.h"

#include <atomic>

namespace cairn::chain {

/// Write the coins as of `base`, which is scan.tip or an ancestor: then the blocks between are
/// taken off again, in memory. Errors: Invalid "snapshot-pruned". Throws StorageError; also if
/// `stop` becomes true.
///
/// Thread: any but the chain's, which need not wait.
Result<SnapshotSummary> write_snapshot(
    const Chain& chain,
    const CoinScan& scan,
    const BlockNode& base,
    FileReplacement& out,
    const std::atomic<bool>& stop);

/// The entry of the chain file for the coins of `base`, if they may take the place of what the node
/// has. Errors: Invalid "snapshot-refused". Thread: any.
Result<const consensus::Snapshot*> check_snapshot(const Chain& chain, const BlockHash& base);

/// Read `file` into the coin set of `store` that isn't the active one; good only if its hash is
/// that of the chain file. Errors: Invalid "snapshot-unreadable", "snapshot-metadata",
/// "snapshot-refused". Throws StorageError.
///
/// Thread: any but the chain's, which need not wait; one at a time.
Result<SnapshotSummary> read_snapshot(
    const Chain& chain,
    Store& store,
    const std::filesystem::path& file,
    const std::atomic<bool>& stop);

} // namespace cairn::chain
