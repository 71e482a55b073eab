// SPDX-License-Identifier: MIT
#include "chain/admission.h"

#include "chain/policy.h"
#include "consensus/block_rules.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>
#include <spdlog/spdlog.h>
#include <unordered_set>

namespace cairn::chain {

using consensus::missing_inputs;
using consensus::policy;
using consensus::premature;
using consensus::Reject;
using consensus::SealedTransaction;
using consensus::TxIn;

namespace {

constexpr int64_t ROLLING_HALF_LIFE_SECONDS = 43'200; ///< 12 hours.

/// In coins, with at least two decimals. Core: FormatMoney.
std::string amount_text(Amount amount) {
    const int64_t magnitude = std::abs(amount.value);
    std::string text = fmt::format(
        "{}{}.{:08}", amount < Amount(0) ? "-" : "", magnitude / consensus::COIN,
        magnitude % consensus::COIN);
    for (int spare = 6; spare > 0 && text.back() == '0'; --spare) text.pop_back();
    return text;
}

Reject known(std::string_view reason) {
    return {Reject::Kind::Known, std::string(reason), {}};
}

} // namespace

/// A transaction on its way in, with what was found out about it.
struct Admission::Candidate {
    const TransactionRef& tx;
    bool from_block = false;
    MempoolEntry entry;
    std::vector<Coin> coins;
    Mempool::Entries conflicts; ///< Spend the same coins.
    Mempool::Entries replaced;  ///< These and all that depends on them.

    MempoolChange change() const { return {.added = {&entry}, .removed = replaced}; }
};

Height Admission::next_height() const {
    return chainstate_.tip().height + Height(1);
}

Result<Accepted>
Admission::accept(const TransactionRef& tx, const AcceptOptions& options, const Origin& origin) {
    Candidate candidate{.tx = tx, .from_block = origin.from_block};
    candidate.entry.tx = tx;
    candidate.entry.time = origin.time.value_or(chainstate_.options().now());
    candidate.entry.height = chainstate_.tip().height;
    if (Result<> verdict = check_alone(candidate); !verdict) return verdict.error();
    if (Result<> verdict = find_coins(candidate); !verdict) return verdict.error();
    if (Result<> verdict = check_coins(candidate); !verdict) return verdict.error();
    if (!origin.from_block)
        if (Result<> verdict = check_fee(candidate); !verdict) return verdict.error();
    candidate.replaced = with_descendants(candidate.conflicts);
    if (Result<> verdict = check_replacement(candidate); !verdict) return verdict.error();
    if (Result<> verdict = check_cluster(candidate); !verdict) return verdict.error();
    if (!candidate.replaced.empty() && !pool_.improves(candidate.change()))
        return policy(
            "replacement-failed", "insufficient feerate: does not improve feerate diagram");
    if (Result<> verdict = check_scripts(candidate); !verdict) return verdict.error();

    const MempoolEntry& entry = candidate.entry;
    Accepted accepted{entry.fee, entry.vsize(), entry.feerate(), {}};
    for (const MempoolEntry* each : candidate.replaced) accepted.replaced.push_back(each->tx->txid);
    if (options.test_only) return accepted;
    commit(candidate);
    if (origin.from_block) return accepted;
    enforce_limits();
    if (!pool_.find(tx->txid)) return policy("mempool full");
    return accepted;
}

Result<> Admission::check_alone(const Candidate& candidate) const {
    const SealedTransaction& tx = *candidate.tx;
    const ChainOptions& options = chainstate_.options();
    if (Result<> verdict = consensus::check_transaction(tx, chainstate_.params()); !verdict)
        return verdict;
    if (tx.is_coinbase()) return consensus::invalid("coinbase");
    if (!options.accept_nonstandard)
        if (Result<> verdict = check_standard(tx, options); !verdict) return verdict;
    if (tx.stripped_bytes < MIN_STANDARD_TX_STRIPPED_BYTES) return policy("tx-size-small");
    if (!consensus::is_final(tx, next_height(), chainstate_.tip().median_time_past()))
        return premature("non-final");
    if (pool_.find(tx.wtxid)) return known("txn-already-in-mempool");
    if (pool_.find(tx.txid)) return policy("txn-same-nonwitness-data-in-mempool");
    return {};
}

std::optional<Coin> Admission::find_coin(const OutPoint& point) const {
    std::optional<Coin> coin = pool_.find_coin(point);
    if (!coin) return chainstate_.coins().find(point);
    coin->height = next_height(); // confirmed with what spends it, at best
    return coin;
}

Result<> Admission::find_coins(Candidate& candidate) const {
    const SealedTransaction& tx = *candidate.tx;
    for (const TxIn& in : tx.inputs) {
        const MempoolEntry* spender = pool_.spender(in.prevout);
        if (spender && std::ranges::find(candidate.conflicts, spender) == candidate.conflicts.end())
            candidate.conflicts.push_back(spender);
        std::optional<Coin> coin = find_coin(in.prevout);
        if (!coin) {
            for (uint32_t i = 0; i < tx.outputs.size(); ++i)
                if (chainstate_.coins().find({tx.txid, i})) return known("txn-already-known");
            return missing_inputs("bad-txns-inputs-missingorspent");
        }
        candidate.entry.spends_coinbase |= coin->coinbase;
        candidate.coins.push_back(std::move(*coin));
    }
    candidate.entry.locks = consensus::sequence_locks(tx, candidate.coins, chainstate_.tip());
    return {};
}

Result<> Admission::check_coins(Candidate& candidate) const {
    const SealedTransaction& tx = *candidate.tx;
    const ChainOptions& options = chainstate_.options();
    MempoolEntry& entry = candidate.entry;
    if (!consensus::locks_passed(entry.locks, chainstate_.tip()))
        return premature("non-BIP68-final");
    const Result<Amount> fee =
        consensus::connect_inputs(tx, candidate.coins, next_height(), chainstate_.params());
    if (!fee) return fee.error();
    entry.fee = *fee;
    entry.modified_fee = *fee + pool_.priority(tx.txid);
    entry.sigop_cost = consensus::sigop_cost(tx, candidate.coins, consensus::STANDARD_FLAGS);
    entry.weight = policy_weight(tx.weight(), entry.sigop_cost);

    if (!options.accept_nonstandard) {
        if (Result<> verdict = check_inputs_standard(tx, candidate.coins); !verdict) return verdict;
        if (!has_standard_witness(tx, candidate.coins)) return policy("bad-witness-nonstandard");
        const bool free = entry.fee == Amount(0) && entry.modified_fee == Amount(0);
        if (!free && count_dust(tx, options.dust_feerate) > 0)
            return policy("dust", "tx with dust output must be 0-fee");
    }
    if (entry.sigop_cost > MAX_STANDARD_TX_SIGOP_COST)
        return policy("bad-txns-too-many-sigops", std::to_string(entry.sigop_cost));
    return {};
}

Result<> Admission::check_fee(const Candidate& candidate) const {
    const MempoolEntry& entry = candidate.entry;
    const auto below = [&entry](std::string_view reason, Amount needed) {
        return policy(reason, fmt::format("{} < {}", entry.modified_fee.value, needed.value));
    };
    const Amount rolling = rolling_feerate().fee(entry.vsize());
    if (entry.modified_fee < rolling) return below("mempool min fee not met", rolling);
    const Amount relay = chainstate_.options().min_relay_feerate.fee(entry.vsize());
    if (entry.modified_fee < relay) return below("min relay fee not met", relay);
    return {};
}

/// What hangs together, however far, is ordered together: so there may only be so much of it.
Result<> Admission::check_cluster(const Candidate& candidate) const {
    const ChainOptions& options = chainstate_.options();
    for (const Mempool::Entries& cluster : pool_.clusters_after(candidate.change())) {
        int64_t weight = 0;
        for (const MempoolEntry* entry : cluster) weight += entry->weight;
        if (cluster.size() > options.max_cluster_count ||
            weight > options.max_cluster_vsize * consensus::WITNESS_SCALE_FACTOR)
            return policy("too-large-cluster");
    }
    return {};
}

Mempool::Entries Admission::with_descendants(const Mempool::Entries& entries) const {
    Mempool::Entries all;
    std::unordered_set<const MempoolEntry*> seen;
    const auto add = [&](const MempoolEntry* entry) {
        if (seen.insert(entry).second) all.push_back(entry);
    };
    for (const MempoolEntry* entry : entries) {
        add(entry);
        std::ranges::for_each(pool_.descendants(*entry), add);
    }
    return all;
}

/// Source: BIP-0125, rules 3 and 4, for every transaction, and the reference's limit of clusters.
Result<> Admission::check_replacement(const Candidate& candidate) const {
    if (candidate.conflicts.empty()) return {};
    const MempoolEntry& entry = candidate.entry;
    const auto refuse = [&](std::string_view reason, const std::string& why) {
        return policy(
            reason, fmt::format("rejecting replacement {}{}", candidate.tx->txid.to_string(), why));
    };
    for (const MempoolEntry* ancestor : pool_.ancestors(entry))
        if (std::ranges::find(candidate.conflicts, ancestor) != candidate.conflicts.end())
            return consensus::invalid(
                "bad-txns-spends-conflicting-tx",
                fmt::format(
                    "{} spends conflicting transaction {}", candidate.tx->txid.to_string(),
                    ancestor->tx->txid.to_string()));
    std::set<const MempoolEntry*> clusters;
    for (const MempoolEntry* conflict : candidate.conflicts)
        clusters.insert(conflict->place.cluster);
    if (clusters.size() > MAX_REPLACED_CLUSTERS)
        return refuse(
            "too many potential replacements", fmt::format(
                                                   "; too many conflicting clusters ({} > {})",
                                                   clusters.size(), MAX_REPLACED_CLUSTERS));
    Amount old_fees;
    for (const MempoolEntry* each : candidate.replaced) old_fees += each->modified_fee;
    const Amount more = entry.modified_fee - old_fees;
    if (more < Amount(0))
        return refuse(
            "insufficient fee", fmt::format(
                                    ", less fees than conflicting txs; {} < {}",
                                    amount_text(entry.modified_fee), amount_text(old_fees)));
    const Amount relay = chainstate_.options().incremental_feerate.fee(entry.vsize());
    if (more < relay)
        return refuse(
            "insufficient fee", fmt::format(
                                    ", not enough additional fees to relay; {} < {}",
                                    amount_text(more), amount_text(relay)));
    return {};
}

Result<> Admission::check_scripts(const Candidate& candidate) {
    const SealedTransaction& tx = *candidate.tx;
    ScriptCache& cache = chainstate_.script_cache();
    if (cache.contains(tx.wtxid, consensus::STANDARD_FLAGS)) return {};
    const auto run = [&](uint32_t flags) {
        ScriptBatch batch(chainstate_.verify_pool(), flags);
        batch.add(tx, candidate.coins);
        return batch.finish();
    };
    const std::optional<ScriptFailure> failure = run(consensus::STANDARD_FLAGS);
    if (!failure) {
        cache.insert(tx.wtxid);
        return {};
    }
    Reject reject = failure->reject(Reject::Kind::Policy, "mempool-script-verify-flag-failed");
    // A relay may have cut the witness off: then this says nothing about the transaction.
    if (!tx.has_witness() && spends_witness_program(tx, candidate.coins))
        reject.kind = Reject::Kind::Mutated;
    else if (run(block_script_flags({}, next_height(), chainstate_.params())))
        reject.kind = Reject::Kind::Invalid;
    return reject;
}

void Admission::commit(Candidate& candidate) {
    const std::unique_lock lock(chainstate_.commit_mutex());
    remove(candidate.replaced, RemovalReason::Replaced);
    const MempoolEntry& entry = pool_.add(std::move(candidate.entry));
    events_.push_back({entry.tx, entry.feerate(), std::nullopt});
}

void Admission::remove(const Mempool::Entries& entries, RemovalReason reason) {
    if (entries.empty()) return;
    for (const MempoolEntry* entry : entries) events_.push_back({entry->tx, {}, reason});
    pool_.remove(entries);
}

void Admission::remove_families(const Mempool::Entries& entries, RemovalReason reason) {
    remove(with_descendants(entries), reason);
}

void Admission::remove_spenders(const SealedTransaction& tx, RemovalReason reason) {
    Mempool::Entries spenders;
    for (uint32_t i = 0; i < tx.outputs.size(); ++i)
        if (const MempoolEntry* child = pool_.spender({tx.txid, i})) spenders.push_back(child);
    remove_families(spenders, reason);
}

void Admission::block_connected(const Block& block) {
    Mempool::Entries confirmed;
    Mempool::Entries conflicts;
    for (const SealedTransaction& tx : block.transactions) {
        if (const MempoolEntry* entry = pool_.find(tx.txid)) {
            confirmed.push_back(entry);
            continue;
        }
        for (const TxIn& in : tx.inputs)
            if (const MempoolEntry* conflict = pool_.spender(in.prevout))
                conflicts.push_back(conflict);
    }
    remove(confirmed, RemovalReason::Block);
    remove_families(conflicts, RemovalReason::Conflict);
    for (const SealedTransaction& tx : block.transactions)
        pool_.prioritise(tx.txid, -pool_.priority(tx.txid)); // it has served
    if (!rolling_.fading_since) rolling_.fading_since = chainstate_.options().now();
}

void Admission::block_disconnected(const Block& block) {
    std::vector<TransactionRef>& kept = disconnected_.emplace_front();
    for (const SealedTransaction& tx : block.transactions) {
        kept.push_back(std::make_shared<const SealedTransaction>(tx)); // not the whole block
        disconnected_bytes_ += tx.size_bytes;
    }
    while (disconnected_bytes_ > MAX_DISCONNECTED_BYTES) {
        // What was confirmed last goes first: it may depend on the rest, not the other way round.
        for (const TransactionRef& tx : disconnected_.back()) {
            disconnected_bytes_ -= tx->size_bytes;
            remove_spenders(*tx, RemovalReason::Reorg);
        }
        disconnected_.pop_back();
    }
}

bool Admission::still_minable(const MempoolEntry& entry) const {
    const BlockNode& tip = chainstate_.tip();
    if (!consensus::is_final(*entry.tx, next_height(), tip.median_time_past())) return false;
    const bool locked = entry.locks.height >= 0 || entry.locks.time >= 0;
    if (!locked && !entry.spends_coinbase) return true; // nothing else depends on heights
    std::vector<Coin> coins;
    for (const TxIn& in : entry.tx->inputs) {
        const std::optional<Coin> coin = find_coin(in.prevout);
        if (!coin) return false;
        const int32_t depth = next_height().value - coin->height.value;
        if (coin->coinbase && depth < chainstate_.params().coinbase_maturity) return false;
        coins.push_back(*coin);
    }
    return consensus::locks_passed(consensus::sequence_locks(*entry.tx, coins, tip), tip);
}

void Admission::after_reorganisation() {
    const auto back = std::exchange(disconnected_, {});
    disconnected_bytes_ = 0;
    for (const std::vector<TransactionRef>& block : back) {
        for (const TransactionRef& tx : block) {
            const Result<Accepted> accepted = accept(tx, {}, {.from_block = true});
            if (accepted || accepted.error().kind == Reject::Kind::Known) continue;
            const std::unique_lock lock(chainstate_.commit_mutex());
            remove_spenders(*tx, RemovalReason::Reorg);
        }
    }
    Mempool::Entries stale;
    pool_.visit([&](const MempoolEntry& entry) {
        if (!still_minable(entry)) stale.push_back(&entry);
    });
    {
        const std::unique_lock lock(chainstate_.commit_mutex());
        remove_families(stale, RemovalReason::Reorg);
    }
    enforce_limits();
}

void Admission::enforce_limits() {
    const ChainOptions& options = chainstate_.options();
    const int64_t oldest = options.now() - options.mempool_expiry_seconds;
    const auto has_expired = [&] {
        const MempoolEntry* first = pool_.oldest();
        return first && first->time < oldest;
    };
    if (!has_expired() && pool_.memory_bytes() <= options.max_mempool_bytes) return;
    const std::unique_lock lock(chainstate_.commit_mutex());
    while (has_expired()) remove_families({pool_.oldest()}, RemovalReason::Expiry);
    while (pool_.memory_bytes() > options.max_mempool_bytes) {
        const Mempool::Entries worst = pool_.worst_chunk();
        const FeeSize& cost = worst.front()->place.cost;
        const FeeRate raised{
            FeeRate::of(cost.fee, virtual_size(cost.size)).per_kvb +
            options.incremental_feerate.per_kvb};
        if (raised > rolling_feerate()) {
            rolling_ = {raised, std::nullopt};
            spdlog::debug("rolling minimum fee bumped to {}", raised.per_kvb.value);
        }
        remove(worst, RemovalReason::SizeLimit);
    }
}

/// Source: the reference's CTxMemPool::GetMinFee, as a function of time.
FeeRate Admission::rolling_feerate() const {
    if (!rolling_.fading_since) return rolling_.feerate;
    const ChainOptions& options = chainstate_.options();
    int64_t half_life = ROLLING_HALF_LIFE_SECONDS;
    if (pool_.memory_bytes() < options.max_mempool_bytes / 4)
        half_life /= 4;
    else if (pool_.memory_bytes() < options.max_mempool_bytes / 2)
        half_life /= 2;
    const auto elapsed =
        static_cast<double>(std::max<int64_t>(0, options.now() - *rolling_.fading_since));
    const double faded = static_cast<double>(rolling_.feerate.per_kvb.value) *
                         std::exp2(-elapsed / static_cast<double>(half_life));
    const Amount incremental = options.incremental_feerate.per_kvb;
    if (faded < static_cast<double>(incremental.value) / 2) return {};
    return {std::max(incremental, Amount(static_cast<int64_t>(faded)))};
}

FeeRate Admission::min_feerate() const {
    return std::max(rolling_feerate(), chainstate_.options().min_relay_feerate);
}

void Admission::prioritise(const Txid& txid, Amount delta) {
    const std::unique_lock lock(chainstate_.commit_mutex());
    pool_.prioritise(txid, delta);
}

std::vector<MempoolEvent> Admission::take_events() {
    return std::exchange(events_, {});
}

} // namespace cairn::chain
