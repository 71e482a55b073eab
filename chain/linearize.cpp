// SPDX-License-Identifier: MIT
#include "chain/linearize.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

namespace cairn::chain {

namespace {

/// Of two fees times sizes, the difference: too large for 64 bits.
__extension__ using Gain = __int128;

TxSet only(size_t node) {
    return TxSet{1} << node;
}

/// Call `visit` with each number in `set`, lowest first.
template <class Visit>
void each_of(TxSet set, const Visit& visit) {
    for (; set != 0; set &= set - 1) visit(static_cast<size_t>(std::countr_zero(set)));
}

/// Chunks, each held together by a tree of dependencies that are tied; the rest are loose.
///
/// A chunk whose tree has a dependency with the parent's side paying better than the child's can
/// be split there. Then chunks are merged until none depends on one that doesn't pay better. Each
/// such step leaves an order that is nowhere worse; where no split is left, it is the best.
class Forest {
public:
    explicit Forest(std::span<const ClusterNode> nodes) : nodes_(nodes) {
        for (size_t i = 0; i < nodes.size(); ++i)
            each_of(nodes[i].parents, [&](size_t parent) { children_[parent] |= only(i); });
        for (size_t i = 0; i < nodes.size(); ++i) load(i);
    }

    /// Split where it gains most, and mend. Returns whether there was something to split.
    bool improve() {
        Tie best;
        each_of(chunks_, [&](size_t chunk) {
            if (std::has_single_bit(members_[chunk])) return;
            sum_up(static_cast<size_t>(std::countr_zero(members_[chunk])), nodes_.size(), best);
        });
        if (best.gain <= 0) return false;
        split(best);
        merge_upwards(chunk_of_[best.parent]);
        merge_downwards(chunk_of_[best.child]);
        return true;
    }

    /// Chunks by falling feerates, in each its transactions likewise, parents always first.
    std::vector<uint8_t> order() const {
        std::vector<TxSet> parts; // the chunks, or of them what pays as much by itself
        each_of(chunks_, [&](size_t chunk) {
            const std::vector<uint8_t> inside = sorted(members_[chunk]);
            const std::vector<Chunk> split = chunks_of(nodes_, inside);
            if (compare_feerates(split.front().cost, split.back().cost) != 0)
                return parts.push_back(members_[chunk]); // not the best order yet
            auto node = inside.begin();
            for (const Chunk& part : split) {
                parts.push_back(0);
                for (size_t i = 0; i < part.count; ++i) parts.back() |= only(*node++);
            }
        });
        std::vector<uint8_t> order;
        TxSet placed = 0;
        for (TxSet left = ~TxSet{0} >> (MAX_LINEARIZED - parts.size()); left != 0;) {
            const size_t part = best_of(left, [&](size_t each) {
                Rating rating{.ready = true};
                each_of(parts[each], [&](size_t node) {
                    rating.cost += nodes_[node].cost;
                    rating.sequence = std::max(rating.sequence, nodes_[node].sequence);
                    rating.ready &= (nodes_[node].parents & ~(placed | parts[each])) == 0;
                });
                return rating;
            });
            for (const uint8_t node : sorted(parts[part])) order.push_back(node);
            placed |= parts[part];
            left &= ~only(part);
        }
        return order;
    }

private:
    struct Tie {
        size_t parent = 0;
        size_t child = 0;
        Gain gain = 0; ///< How much better the parent's side pays.
    };

    /// Put `node`, after those it depends on, where it belongs.
    void load(size_t node) {
        if ((loaded_ & only(node)) != 0) return;
        loaded_ |= only(node);
        each_of(nodes_[node].parents, [&](size_t parent) { load(parent); });
        chunk_of_[node] = node;
        chunks_ |= only(node);
        members_[node] = only(node);
        cost_[node] = nodes_[node].cost;
        merge_upwards(node);
    }

    struct Rating {
        FeeSize cost;
        uint64_t sequence = 0;
        bool ready = false; ///< All that it depends on is placed.

        bool better_than(const Rating& other) const {
            const auto order = compare_feerates(cost, other.cost);
            return order != 0 ? order > 0 : sequence < other.sequence;
        }
    };

    /// The best of those of `set` that are ready.
    template <class Rate>
    static size_t best_of(TxSet set, const Rate& rate) {
        std::optional<size_t> best;
        Rating highest;
        each_of(set, [&](size_t each) {
            const Rating rating = rate(each);
            if (!rating.ready || (best && !rating.better_than(highest))) return;
            best = each;
            highest = rating;
        });
        return best.value();
    }

    /// Each by its own feerate, as soon as all of `set` that it depends on has come.
    std::vector<uint8_t> sorted(TxSet set) const {
        std::vector<uint8_t> order;
        while (set != 0) {
            const size_t node = best_of(set, [&](size_t each) {
                const ClusterNode& one = nodes_[each];
                return Rating{one.cost, one.sequence, (one.parents & set) == 0};
            });
            order.push_back(static_cast<uint8_t>(node));
            set &= ~only(node);
        }
        return order;
    }

    void tie(size_t parent, size_t child) {
        tied_children_[parent] |= only(child);
        tied_parents_[child] |= only(parent);
        const size_t into = chunk_of_[parent];
        const size_t from = chunk_of_[child];
        each_of(members_[from], [&](size_t node) { chunk_of_[node] = into; });
        members_[into] |= members_[from];
        cost_[into] += cost_[from];
        chunks_ &= ~only(from);
    }

    /// As long as `chunk` depends on one that doesn't pay better, tie it to the worst of these.
    void merge_upwards(size_t chunk) {
        for (;;) {
            Tie worst;
            FeeSize lowest = cost_[chunk];
            bool found = false;
            each_of(members_[chunk], [&](size_t node) {
                each_of(nodes_[node].parents & ~members_[chunk], [&](size_t parent) {
                    const FeeSize& other = cost_[chunk_of_[parent]];
                    const auto order = compare_feerates(other, lowest);
                    if (order > 0 || (found && order == 0)) return;
                    worst = {parent, node};
                    lowest = other;
                    found = true;
                });
            });
            if (!found) return;
            tie(worst.parent, worst.child);
            chunk = chunk_of_[worst.parent];
        }
    }

    /// As long as one depends on `chunk` that pays no less, tie the best of these to it.
    void merge_downwards(size_t chunk) {
        for (;;) {
            Tie best;
            FeeSize highest = cost_[chunk];
            bool found = false;
            each_of(members_[chunk], [&](size_t node) {
                each_of(children_[node] & ~members_[chunk], [&](size_t child) {
                    const FeeSize& other = cost_[chunk_of_[child]];
                    const auto order = compare_feerates(other, highest);
                    if (order < 0 || (found && order == 0)) return;
                    best = {node, child};
                    highest = other;
                    found = true;
                });
            });
            if (!found) return;
            tie(best.parent, best.child);
        }
    }

    /// What hangs on `node` in its tree, seen from its neighbour `from`; finds the best tie to cut.
    FeeSize sum_up(size_t node, size_t from, Tie& best) const {
        FeeSize sum = nodes_[node].cost;
        const FeeSize& whole = cost_[chunk_of_[node]];
        const auto visit = [&](size_t next, bool next_is_child) {
            if (next == from) return;
            const FeeSize beyond = sum_up(next, node, best);
            sum += beyond;
            const FeeSize rest = whole - beyond;
            const FeeSize& top = next_is_child ? rest : beyond;
            const FeeSize& bottom = next_is_child ? beyond : rest;
            const Gain gain = Gain{top.fee} * bottom.size - Gain{bottom.fee} * top.size;
            if (gain > best.gain)
                best = next_is_child ? Tie{node, next, gain} : Tie{next, node, gain};
        };
        each_of(tied_children_[node], [&](size_t child) { visit(child, true); });
        each_of(tied_parents_[node], [&](size_t parent) { visit(parent, false); });
        return sum;
    }

    /// Cut `at`: the child's side becomes a chunk of its own, and so does the parent's.
    void split(const Tie& at) {
        tied_children_[at.parent] &= ~only(at.child);
        tied_parents_[at.child] &= ~only(at.parent);
        const size_t whole = chunk_of_[at.child];
        chunks_ &= ~only(whole);
        for (const size_t end : {at.parent, at.child}) {
            TxSet side = only(end);
            for (TxSet next = side; next != 0;) {
                TxSet near = 0;
                each_of(
                    next, [&](size_t node) { near |= tied_children_[node] | tied_parents_[node]; });
                next = near & ~side;
                side |= next;
            }
            members_[end] = side;
            chunks_ |= only(end);
            cost_[end] = {};
            each_of(side, [&](size_t node) {
                chunk_of_[node] = end;
                cost_[end] += nodes_[node].cost;
            });
        }
    }

    std::span<const ClusterNode> nodes_;
    std::array<TxSet, MAX_LINEARIZED> children_{};
    std::array<TxSet, MAX_LINEARIZED> tied_parents_{};
    std::array<TxSet, MAX_LINEARIZED> tied_children_{};
    std::array<size_t, MAX_LINEARIZED> chunk_of_{};
    TxSet loaded_ = 0;
    TxSet chunks_ = 0; ///< Each by the number of one of its transactions.
    std::array<TxSet, MAX_LINEARIZED> members_{};
    std::array<FeeSize, MAX_LINEARIZED> cost_{}; ///< Of a chunk.
};

} // namespace

std::strong_ordering compare_feerates(const FeeSize& a, const FeeSize& b) {
    return Gain{a.fee} * b.size <=> Gain{b.fee} * a.size;
}

std::vector<Chunk> chunks_of(std::span<const ClusterNode> nodes, std::span<const uint8_t> order) {
    std::vector<Chunk> chunks;
    for (const uint8_t node : order) {
        Chunk chunk{nodes[node].cost, 1};
        while (!chunks.empty() && compare_feerates(chunk.cost, chunks.back().cost) > 0) {
            chunk.cost += chunks.back().cost;
            chunk.count += chunks.back().count;
            chunks.pop_back();
        }
        chunks.push_back(chunk);
    }
    return chunks;
}

Linearization linearize(std::span<const ClusterNode> nodes, int max_splits) {
    if (nodes.size() == 1) return {{0}, {{nodes[0].cost, 1}}, true, 0};
    Forest forest(nodes);
    int splits = 0;
    while (splits < max_splits && forest.improve()) ++splits;
    std::vector<uint8_t> order = forest.order();
    std::vector<Chunk> chunks = chunks_of(nodes, order);
    return {std::move(order), std::move(chunks), splits < max_splits, splits};
}

namespace {

/// Sums from 0 on, of the best first; level from the last to `size`.
std::vector<FeeSize> diagram_of(std::vector<FeeSize> chunks, int64_t size) {
    std::ranges::sort(
        chunks, [](const FeeSize& a, const FeeSize& b) { return compare_feerates(a, b) > 0; });
    FeeSize sum;
    std::vector<FeeSize> points{sum};
    for (const FeeSize& chunk : chunks) points.push_back(sum += chunk);
    if (sum.size < size) points.push_back({sum.fee, size});
    return points;
}

struct Sides {
    bool above = false;
    bool below = false;
};

/// Where points of `a` are beside the line through those of `b`, which is as long.
Sides sides_of(const std::vector<FeeSize>& a, const std::vector<FeeSize>& b) {
    Sides sides;
    size_t next = 0; // the point of `b` at that size or after it
    for (const FeeSize& point : a) {
        while (b[next].size < point.size) ++next;
        const auto order = b[next].size == point.size
                               ? point.fee <=> b[next].fee
                               : compare_feerates(point - b[next - 1], b[next] - b[next - 1]);
        sides.above |= order > 0;
        sides.below |= order < 0;
    }
    return sides;
}

int64_t size_of(const std::vector<FeeSize>& chunks) {
    FeeSize sum;
    for (const FeeSize& chunk : chunks) sum += chunk;
    return sum.size;
}

} // namespace

std::partial_ordering
compare_diagrams(const std::vector<FeeSize>& a, const std::vector<FeeSize>& b) {
    const int64_t size = std::max(size_of(a), size_of(b));
    const std::vector<FeeSize> first = diagram_of(a, size);
    const std::vector<FeeSize> second = diagram_of(b, size);
    // Points of both count: a line may also bend upwards, where prices below zero end.
    const Sides ours = sides_of(first, second);
    const Sides theirs = sides_of(second, first);
    const bool more = ours.above || theirs.below;
    const bool less = ours.below || theirs.above;
    if (more && less) return std::partial_ordering::unordered;
    if (more) return std::partial_ordering::greater;
    return less ? std::partial_ordering::less : std::partial_ordering::equivalent;
}

} // namespace cairn::chain
