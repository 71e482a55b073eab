// SPDX-License-Identifier: MIT
// Mines on the CPU, and makes blocks on request for tests and new chains.
#pragma once

#include "chain/chain.h"

#include <atomic>
#include <memory>
#include <optional>

namespace cairn::node {

/// Look for a nonce that meets `header.bits` in [first, first + count); nullopt if there is none.
/// Uses the CPU's SHA instructions. Returns early, with nullopt, once `stop` is true.
std::optional<uint32_t> find_nonce(
    consensus::BlockHeader header, uint32_t first, uint64_t count, const std::atomic<bool>& stop);

/// Mine `template_block` until found, the nonces run out twice over, or `max_tries` hashes were
/// made. Also raises the time by `now` as it goes. True if found. Any thread; takes long.
bool mine(consensus::Block& template_block, uint64_t& max_tries, const std::atomic<bool>& stop);

/// Mines in the background, always on the best tip.
///
/// Thread: its own, as many as asked for, at low priority.
class Miner {
public:
    /// Pays to `payout`. `chain` outlives this.
    Miner(chain::Chain& chain, consensus::Script payout, int threads);
    ~Miner(); ///< Calls stop().

    void start();
    void stop();
    double hashes_per_second() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace cairn::node
