// SPDX-License-Identifier: MIT
// Reads blocks from files, for -loadblock and for a chain kept elsewhere.
#pragma once

#include "chain/chain.h"

#include <atomic>

namespace cairn::chain {

/// Give `chain` all blocks in `files`, of the blk*.dat framing (magic, length, block), in any
/// order: headers of all files first, so that -assumevalid works and blocks then go in by height.
/// Returns early once `stop` is true. Errors: Invalid, for a file that can't be read.
///
/// Thread: one of its own; waits for the chain thread.
Result<> import_block_files(
    Chain& chain, const std::vector<std::filesystem::path>& files, const std::atomic<bool>& stop);

} // namespace cairn::chain
