// SPDX-License-Identifier: MIT
// Puts a block together for a miner.
#pragma once

#include "chain/chainstate.h"
#include "chain/mempool.h"

namespace cairn::chain {

/// A block over the tip that pays to `payout`, with the transactions that pay best.
/// Source: the reference's BlockAssembler. Thread: chain.
BlockTemplate
make_block_template(const Chainstate& chainstate, const Mempool& pool, const Script& payout);

} // namespace cairn::chain
