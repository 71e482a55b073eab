// SPDX-License-Identifier: MIT
// Decides which transactions wait in the mempool: lets them in, and sends them off again when a
// block, a reorganisation, their age or the lack of room asks for it.
#pragma once

#include "chain/chainstate.h"
#include "chain/disconnected.h"
#include "chain/mempool.h"
#include "chain/package.h"

#include <span>
#include <vector>

namespace cairn::chain {

struct Attempt;
struct Candidate;

/// The only writer of the mempool.
///
/// Thread: chain, and for what is said to be for others, these.
class Admission {
public:
    Admission(Chainstate& chainstate, Mempool& pool) : chainstate_(chainstate), pool_(pool) {}

    /// What will be found of the scripts of `tx`, looked for ahead of accept() on another core.
    /// nullopt if it is large, spends what another that waits does, or already fails what is
    /// quickly said (so nobody gets scripts checked for no fee). Thread: any. Throws StorageError.
    std::optional<Result<>> check_ahead(const TransactionRef& tx) const;

    /// What accept() is to know of a transaction besides what its submitter asks.
    struct Origin {
        bool from_block = false;           ///< Was confirmed: fees and room don't matter.
        bool saved = false;                ///< Waited here before; it was read from a file.
        std::optional<int64_t> time{};     ///< When it came in first; default: now.
        std::optional<Result<>> scripts{}; ///< What check_ahead() said.
    };

    /// Let `tx` in, or only say whether it could come in. Errors: all kinds, by Core's names.
    Result<Accepted>
    accept(const TransactionRef& tx, const AcceptOptions& options, const Origin& origin);

    /// Requires: the commit lock is held. What `block` confirms, and what contradicts it, goes;
    /// `impact`: as far as somebody has found that already.
    void block_connected(const Block& block, BlockImpact& impact);

    /// Requires: the commit lock is held. Keep the transactions for after_reorganisation().
    void block_disconnected(const Block& block);

    /// The tip rests after blocks were disconnected: bring their transactions back, and drop what
    /// can't be in the next block any more.
    void after_reorganisation();

    /// Let in what is good of a package: a child and parents of it, each by itself or, where one
    /// pays too little, with its child. `test_only`: as if none of them could pay for another, and
    /// all or nothing.
    PackageOutcome
    accept_package(const std::vector<TransactionRef>& package, const AcceptOptions& options);

    /// Drop what is too old or too much.
    void enforce_limits();

    void prioritise(const Txid& txid, Amount delta);

    /// The feerate below which nothing gets in at present. Core: GetMinFee and -minrelaytxfee.
    /// Thread: any, under the commit lock.
    FeeRate min_feerate() const;

    /// What happened since the last call; for observers, once readers can see it.
    std::vector<MempoolEvent> take_events();

private:
    // The way of one transaction:
    Result<> examine(Attempt& attempt, const TransactionRef& tx) const;
    Result<> check_alone(const consensus::SealedTransaction& tx) const;
    Result<> check_new(const consensus::SealedTransaction& tx) const;
    Result<> find_coins(Attempt& attempt, Candidate& candidate) const;
    Result<> check_coins(Candidate& candidate) const;
    Result<> check_parents(const consensus::SealedTransaction& tx) const;
    Result<> check_fee(Amount fee, int64_t vsize) const;
    Result<> check_scripts(const Candidate& candidate, const std::optional<Result<>>& ahead = {});
    Result<> run_scripts(const Candidate& candidate) const;

    // Of all that are on their way together:
    Result<> judge_conflicts(Attempt& attempt) const;
    Result<> judge_order(Attempt& attempt) const;
    Result<> check_families(const Attempt& attempt) const;
    Result<> check_conflicts(const Attempt& attempt) const;
    Result<> check_replacement(const Attempt& attempt) const;
    Result<> check_dust(const Attempt& attempt, const MempoolEntry& entry) const;
    Result<> check_clusters(Attempt& attempt, const std::vector<Mempool::Entries>& clusters) const;
    void commit(Attempt& attempt);

    Result<Accepted> accept_alone(
        Attempt& attempt,
        const TransactionRef& tx,
        bool test_only,
        const std::optional<Result<>>& scripts = {});
    PackageOutcome
    accept_together(Attempt& attempt, const std::vector<TransactionRef>& package, bool test_only);

    /// `entry` among what waits but `conflicts`, and what is `added`.
    Family family_of(
        const MempoolEntry& entry,
        const Mempool::Entries& added,
        const Mempool::Entries& conflicts) const;
    /// Of the chain, or waiting.
    std::optional<Coin> find_coin(const OutPoint& point) const;

    bool still_minable(const MempoolEntry& entry) const;
    /// Requires for what follows: the commit lock is held.
    /// With all that depends on them.
    void
    remove_families(const Mempool::Entries& entries, RemovalReason reason, Mempool::Effort& effort);
    void remove(const Mempool::Entries& entries, RemovalReason reason, Mempool::Effort& effort);
    void tell_removed(const Mempool::Entries& entries, RemovalReason reason);
    void remove_spenders(const consensus::SealedTransaction& tx, Mempool::Effort& effort);
    double faded() const;
    FeeRate rolling_feerate() const;
    /// Before the mempool grows or shrinks, on which its pace depends.
    void fade();
    Height next_height() const;

    Chainstate& chainstate_;
    Mempool& pool_;
    std::vector<MempoolEvent> events_;

    DisconnectedTransactions disconnected_;

    /// What eviction asked for last, as far as it has faded since a block made room.
    struct Rolling {
        double per_kvb = 0;
        std::optional<int64_t> fading_since; ///< It was that much then.
    };

    Rolling rolling_;
};

} // namespace cairn::chain
