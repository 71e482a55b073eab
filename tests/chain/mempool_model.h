// SPDX-License-Identifier: MIT
// A mempool that keeps no order and works everything out anew, by trying all there is.
#pragma once

#include "tests/chain/fixture.h"

#include <map>
#include <set>

namespace cairn::tests {

constexpr size_t MAX_CLUSTER = 7;
constexpr int64_t MAX_CLUSTER_WEIGHT = 404'000; ///< That of 101 kvB.
constexpr int64_t EXPIRY_SECONDS = 20'000;
constexpr int32_t TRUC_VERSION = 3; ///< And limits of virtual bytes. Source: BIP-0431.
constexpr int64_t MAX_TRUC_VSIZE = 10'000;
constexpr int64_t MAX_TRUC_CHILD_VSIZE = 1'000;
constexpr int64_t DUST_BELOW = 330; ///< For an output to anyone_script().

using Txids = std::set<Txid>;

/// A chunk, and what is in it.
struct Part {
    FeeSize cost;
    Txids txids;
    uint64_t cluster = 0; ///< Number of its cluster's first to be mined: decides between equals.
};

using Parts = std::vector<Part>;

/// What waits, by the same rules as the chain's own mempool, with which it shares only the size of
/// an entry (which mempool_test holds against the heap).
class Model {
public:
    explicit Model(TestChain& test) : test_(test) {}

    struct Waiting {
        TransactionRef tx;
        int64_t fee = 0;
        int64_t time = 0;
        size_t bytes = 0;
        uint64_t number = 0; ///< In order of entry.
    };

    std::map<Txid, Waiting> pool;
    std::map<Txid, int64_t> deltas;
    std::map<std::string, int> seen; ///< How often what a play is to meet has happened.

    /// Why it doesn't get in.
    enum class Refusal : uint8_t { None, Missing, Cheap, Other };

    size_t bytes() const;
    /// The feerate that is asked for at present.
    FeeRate least(double error = 0) const;
    /// Time passes: what was asked for fades, the faster the more room there is.
    void pass(int64_t seconds);
    /// Whether all of `txs`, parents first, get in, as far as fees and room don't matter if they
    /// come `from_block`.
    Refusal accept(const std::vector<TransactionRef>& txs, bool from_block);
    /// A parent and its child: each by itself, or together.
    void accept_package(const std::vector<TransactionRef>& txs);
    void confirm(const Block& block);
    /// `blocks` were disconnected, lowest first.
    void bring_back(const std::vector<BlockRef>& blocks);
    void expire();
    void evict();
    /// All chunks, best first.
    Parts order() const;

    int64_t modified_fee(const Txid& txid) const { return pool.at(txid).fee + delta(txid); }

    /// All that hangs together with `txid`.
    Txids cluster(const Txid& txid) const;
    int64_t weight_of(const Txids& txids) const;
    /// Which outputs are not worth spending.
    static std::vector<OutPoint> dust_of(const consensus::SealedTransaction& tx);

private:
    /// Put them in; if something is said against it, they are to be taken out again.
    Refusal weigh(const std::vector<TransactionRef>& txs, bool from_block);
    /// `tx` by itself, after those that `come` with it; adds what spends the same.
    Refusal look_at(const TransactionRef& tx, std::map<Txid, Waiting>& come, Txids& conflicts);
    /// Count what came in for what is uncommon about it: `heavy` is within 10 virtual bytes of a
    /// cluster's limit.
    void note(const std::vector<TransactionRef>& txs);
    /// By BIP-0431. For this and what follows, `tx` is in the pool, beside what it replaces. Adds a
    /// sibling that makes way for one that comes `alone`.
    bool truc_allows(const consensus::SealedTransaction& tx, bool alone, Txids& conflicts);
    FeeSize cost_of(const std::vector<TransactionRef>& txs) const; ///< In virtual bytes.
    Refusal may_replace(const std::vector<TransactionRef>& txs, const Txids& replaced) const;
    /// Whether nothing of what it spends from keeps its dust.
    bool spends_dust(const consensus::SealedTransaction& tx) const;
    bool too_large(const Txids& cluster) const;
    /// What it takes, in a mempool of its own.
    static size_t bytes_of(const TransactionRef& tx);
    int64_t delta(const Txid& txid) const;
    /// Of what is there to be spent in the next block.
    bool is_confirmed(const consensus::SealedTransaction& tx) const;
    std::optional<int64_t> value_of(const OutPoint& point) const;
    void erase(const Txids& txids);
    bool spends(const Txid& child, const Txid& parent) const;
    /// What came back from a block may tie together too much: then the best stays, as it was
    /// `worth` before, as far as it fits with what it spends from.
    void trim(const Txid& came, const Parts& worth);
    /// Without `txid` itself, which needn't be here.
    Txids descendants(const Txid& txid) const;
    Txids ancestors(const Txid& txid) const;
    Txids with_descendants(const Txids& txids) const;
    /// The chunks of all clusters in `txids`, which are whole.
    Parts parts_of(Txids txids) const;
    /// Again and again the best set of those that hold all they depend on.
    Parts parts_of_cluster(std::vector<Txid> members) const;
    TestChain& test_;
    uint64_t count_ = 0; ///< Of all that was looked at.
    double price_ = 0;   ///< What the last evictions asked for, for 1,000 virtual bytes,
    bool fades_ = false; ///< and whether a block has made room since.
};

} // namespace cairn::tests
