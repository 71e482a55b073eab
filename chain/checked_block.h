// SPDX-License-Identifier: MIT
// A block that came, and what can be found out of it before its turn.
#pragma once

#include "chain/chain.h"
#include "chain/coins_cache.h"
#include "chain/once.h"

#include <atomic>
#include <optional>

namespace cairn::chain {

class Chainstate;

/// A block, read and with all its checks that need no coins, and the coins it needs fetched from
/// the disk, by whoever asks first: a worker, or the chain thread if none came to it yet.
///
/// Thread: any.
struct CheckedBlock {
    explicit CheckedBlock(BlockRef checked) : block(std::move(checked)) {
        impact.verified = std::vector<std::atomic<bool>>(block->transactions.size());
    }

    explicit CheckedBlock(Bytes bytes) : wire(std::move(bytes)) {}

    void check(Chainstate& chainstate);

    std::atomic<bool> begun = false; ///< Whether somebody is about it.
    BlockRef block;                  ///< Null if it can't be read.
    Bytes wire;                      ///< The same as bytes, if it came so and isn't stored yet.
    FetchedCoins fetched;            ///< What it spends, as far as that was on disk only.
    BlockHash hash;
    Result<> verdict; ///< Of its proof of work, and of the body alone.
    /// Of its place in the chain; nullopt as long as the header before it wasn't known.
    std::optional<Result<>> place;
    /// What it takes out of the mempool, as far as a worker has looked. Its only one writes under a
    /// shared commit lock, the chain thread after it, under one of its own; `verified` may be read.
    BlockImpact impact;

private:
    Once once_;
};

} // namespace cairn::chain
