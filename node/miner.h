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
    const consensus::BlockHeader& header,
    uint32_t first,
    uint64_t count,
    const std::atomic<bool>& stop);

/// Mine `template_block` until a nonce is found, which is set (true), or `max_tries` hashes were
/// made or `stop` is set (false). When the nonces run out, the time is raised by a second, once.
/// `max_tries` is lowered by what was tried. Any thread; takes long.
bool mine(consensus::Block& template_block, uint64_t& max_tries, const std::atomic<bool>& stop);

/// Mines in the background, always on the best tip.
///
/// On a chain so easy that block times run ahead of the clock, it makes one block a second.
/// Thread: its own, as many as asked for, at low priority.
class Miner {
public:
    /// Pays to `payout`. `chain` outlives it.
    static std::shared_ptr<Miner> make(chain::Chain& chain, consensus::Script payout, int threads);
    virtual ~Miner() = default; ///< As stop().

    virtual void start() = 0;
    virtual void stop() = 0;
    virtual uint64_t hashes() const = 0; ///< Tried since the start.
};

} // namespace cairn::node
