// SPDX-License-Identifier: MIT
#include "wallet/nonce_search.h"

#include "consensus/sha256_lanes.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace cairn::wallet {

std::optional<uint32_t>
search_nonce(const consensus::BlockHeader& header, const consensus::Uint256& target) {
    constexpr uint64_t ALL = uint64_t{1} << 32;
    constexpr uint64_t CHUNK = 1 << 16;
    std::atomic<uint64_t> next = 0;
    std::atomic<uint64_t> found = ALL; // Chunks are given out upwards: what is below it was tried.
    const auto search = [&] {
        for (uint64_t first = next += CHUNK; first <= found; first = next += CHUNK) {
            const auto nonce =
                consensus::find_nonce(header, static_cast<uint32_t>(first - CHUNK), CHUNK, target);
            uint64_t best = found;
            while (nonce && *nonce < best && !found.compare_exchange_weak(best, *nonce)) {
            }
        }
    };
    {
        std::vector<std::jthread> helpers;
        for (unsigned n = 1; n < std::thread::hardware_concurrency(); ++n)
            helpers.emplace_back(search);
        search();
    }
    if (found == ALL) return std::nullopt;
    return static_cast<uint32_t>(found);
}

} // namespace cairn::wallet
