// SPDX-License-Identifier: MIT
// Blocks from files and into one, for -loadblock, -exportblocks and a chain kept elsewhere.
#pragma once

#include "chain/chain.h"

#include <atomic>

namespace cairn::chain {

/// Give `chain` all blocks in `files`, of the blk*.dat framing (magic, length, block), in any
/// order: headers of all files first, so that -assumevalid works and blocks then go in by height.
/// What a file or block lacks keeps nobody from the others. Returns early once `stop` is true.
/// Errors: Invalid "incomplete import": files that can't be read or have no block of this chain,
/// blocks that were refused (how many; where and why the first), `stop`.
///
/// Thread: one of its own; waits for the chain thread.
Result<> import_block_files(
    Chain& chain, const std::vector<std::filesystem::path>& files, const std::atomic<bool>& stop);

/// Write the active chain to `file` in the same framing, by height, whole or not at all: not if
/// `stop` becomes true. Throws StorageError.
///
/// Thread: any but the chain's, which need not wait.
void export_block_file(
    const Chain& chain, const std::filesystem::path& file, const std::atomic<bool>& stop);

} // namespace cairn::chain
