// SPDX-License-Identifier: MIT
// In which order the transactions of a cluster (those that hang together, however far) pay a miner
// best. Pure: fees, sizes and who spends from whom go in, an order comes out.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace cairn::chain {

/// What transactions pay and weigh, together; and so, the price at which they are sold together.
struct FeeSize {
    int64_t fee = 0;
    int64_t size = 0;

    bool operator==(const FeeSize&) const = default;

    FeeSize& operator+=(const FeeSize& other) {
        fee += other.fee;
        size += other.size;
        return *this;
    }

    FeeSize operator-(const FeeSize& other) const { return {fee - other.fee, size - other.size}; }
};

/// By feerate; exact, nothing is rounded. Requires: sizes above 0.
std::strong_ordering compare_feerates(const FeeSize& a, const FeeSize& b);

/// Transactions of a cluster, by the bits of their numbers.
using TxSet = uint64_t;
constexpr size_t MAX_LINEARIZED = 64;

/// One transaction of a cluster.
struct ClusterNode {
    FeeSize cost;
    TxSet parents = 0;     ///< Those it spends from.
    uint64_t sequence = 0; ///< Order of entry: decides between equals.
};

/// Neighbours in the order that are mined together: none of them earlier pays as much by itself.
struct Chunk {
    FeeSize cost;
    size_t count = 0;
};

/// An order of a cluster: parents before children, chunks of falling feerates.
struct Linearization {
    std::vector<uint8_t> order;
    std::vector<Chunk> chunks;
    bool optimal = false; ///< No other order has earned more at any point of it.
    int splits = 0;       ///< It took to find it.
};

/// The chunks of `order`.
std::vector<Chunk> chunks_of(std::span<const ClusterNode> nodes, std::span<const uint8_t> order);

/// Random clusters need dozens, 32 transactions that all depend on 32 others up to 400, in 2 ms.
/// What somebody searched for until it needs more gets what is found by then.
constexpr int MAX_SPLITS = 1'000;

/// The best order, or if that takes more than `max_splits` steps, one that is at no point worse
/// than that of `nodes`, provided that this has parents first. Of equals the older goes first; a
/// set is as old as its youngest.
///
/// Requires: at most MAX_LINEARIZED nodes.
/// Source: P. Wuille, "Spanning-forest cluster linearization" (delvingbitcoin.org).
Linearization linearize(std::span<const ClusterNode> nodes, int max_splits = MAX_SPLITS);

/// How the fees of two sets of chunks add up, best first: `less` if `b` is at some point above `a`
/// and nowhere below, `unordered` if each is above the other somewhere.
std::partial_ordering
compare_diagrams(const std::vector<FeeSize>& a, const std::vector<FeeSize>& b);

} // namespace cairn::chain
