// SPDX-License-Identifier: MIT
#include "chain/admission.h"

#include "chain/attempt.h"
#include "chain/policy.h"
#include "consensus/block_rules.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <spdlog/spdlog.h>

namespace cairn::chain {

using consensus::missing_inputs;
using consensus::policy;
using consensus::premature;
using consensus::Reject;
using consensus::SealedTransaction;
using consensus::TxIn;

namespace {

constexpr int64_t ROLLING_HALF_LIFE_SECONDS = 43'200;  ///< 12 hours.
constexpr int64_t MIN_DISCONNECTED_BYTES = 20'000'000; ///< Enough for five blocks of Bitcoin.

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

Height Admission::next_height() const {
    return chainstate_.tip().height + Height(1);
}

Result<Accepted>
Admission::accept(const TransactionRef& tx, const AcceptOptions& options, const Origin& origin) {
    Attempt attempt{
        .from_block = origin.from_block,
        .saved = origin.saved,
        .max_feerate = options.max_feerate,
        .max_fee = options.max_fee};
    attempt.time = origin.time.value_or(chainstate_.options().now());
    Result<Accepted> accepted = accept_alone(attempt, tx, options.test_only, origin.scripts);
    if (!accepted || options.test_only || origin.from_block) return accepted;
    enforce_limits();
    if (!pool_.find(tx->txid)) return policy("mempool full");
    return accepted;
}

Result<Accepted> Admission::accept_alone(
    Attempt& attempt,
    const TransactionRef& tx,
    bool test_only,
    const std::optional<Result<>>& scripts) {
    if (Result<> verdict = examine(attempt, tx); !verdict) return verdict.error();
    const Candidate& candidate = attempt.candidates[0];
    if (Result<> verdict = judge_conflicts(attempt); !verdict) return verdict.error();
    // To order anew what a hundred rivals hang together with takes longer: who wants that, signs.
    if (!attempt.replaced.empty())
        if (Result<> verdict = check_scripts(candidate, scripts); !verdict) return verdict.error();
    if (Result<> verdict = judge_order(attempt); !verdict) return verdict.error();
    if (Result<> verdict = check_dust(attempt, attempt.last()); !verdict) return verdict.error();
    if (Result<> verdict = check_scripts(candidate, scripts); !verdict) return verdict.error();
    if (attempt.max_fee && attempt.last().fee > *attempt.max_fee) return policy("max-fee-exceeded");
    const Accepted accepted = attempt.accepted(attempt.last());
    if (!test_only) commit(attempt);
    return accepted;
}

std::optional<Result<>> Admission::check_ahead(const TransactionRef& tx) const {
    // More are shared out among the threads, for which one of them must not wait.
    if (tx->inputs.size() >= ScriptBatch::JOB_INPUTS || !check_alone(*tx)) return std::nullopt;
    Candidate candidate;
    MempoolEntry& entry = candidate.entry;
    entry.tx = tx;
    candidate.coins.resize(tx->inputs.size());
    std::vector<size_t> on_disk;
    FeeRate least;
    {
        // The chain thread may need this lock, and the caller is easily kept from going on: so
        // nothing here takes long.
        const std::shared_lock lock(chainstate_.commit_mutex());
        if (!check_new(*tx)) return std::nullopt;
        least = min_feerate();
        entry.modified_fee = pool_.priority(tx->txid);
        for (size_t i = 0; i < tx->inputs.size(); ++i) {
            const OutPoint& point = tx->inputs[i].prevout;
            if (pool_.spender(point)) return std::nullopt;
            std::optional<Coin> coin = pool_.find_coin(point);
            if (!coin && !chainstate_.coins().knows(point)) {
                on_disk.push_back(i);
                continue;
            }
            if (!coin) coin = chainstate_.coins().find(point);
            if (!coin) return std::nullopt;
            candidate.coins[i] = std::move(*coin);
        }
    }
    for (const size_t i : on_disk) {
        std::optional<Coin> coin = chainstate_.store().find_coin(tx->inputs[i].prevout);
        if (!coin) return std::nullopt;
        candidate.coins[i] = std::move(*coin);
    }
    if (!check_coins(candidate) || entry.modified_fee < least.fee(entry.vsize()))
        return std::nullopt;
    return run_scripts(candidate);
}

Result<> Admission::examine(Attempt& attempt, const TransactionRef& tx) const {
    Candidate& candidate = attempt.candidates.emplace_back();
    MempoolEntry& entry = candidate.entry;
    entry.tx = tx;
    entry.time = attempt.time;
    entry.height = chainstate_.tip().height;
    entry.was_confirmed = attempt.from_block;
    entry.modified_fee = pool_.priority(tx->txid);
    if (Result<> verdict = check_alone(*tx); !verdict) return verdict;
    if (Result<> verdict = check_new(*tx); !verdict) return verdict;
    if (Result<> verdict = find_coins(attempt, candidate); !verdict) return verdict;
    if (Result<> verdict = check_coins(candidate); !verdict) return verdict;
    if (attempt.max_feerate &&
        entry.modified_fee.value * 1000 > attempt.max_feerate->per_kvb.value * entry.vsize())
        return policy("max feerate exceeded");
    if (attempt.from_block) return {};
    if (!attempt.together)
        if (Result<> verdict = check_fee(entry.modified_fee, entry.vsize()); !verdict)
            return verdict;
    if (Result<> verdict = check_parents(*tx); !verdict) return verdict;
    const Family family = family_of(entry, {}, attempt.conflicts);
    const std::optional<TrucViolation> violation = check_truc(family);
    if (!violation) return {};
    // Its sibling may make way for it, if nothing else hangs on that, which a reorganisation may
    // have brought about: then it is as if they had a coin in common.
    const bool in_the_way = violation->only_sibling && family.siblings.size() == 1 &&
                            pool_.ancestors(*family.siblings[0]).size() == 1 &&
                            pool_.children(*family.siblings[0]).empty();
    if (!in_the_way || attempt.together || !attempt.may_replace)
        return policy("TRUC-violation", violation->text);
    attempt.conflicts.push_back(family.siblings[0]);
    attempt.evicts_sibling = true;
    return {};
}

/// All would be one cluster with it: told before any is walked, which costs its sender nothing.
Result<> Admission::check_parents(const SealedTransaction& tx) const {
    const size_t most = chainstate_.options().max_cluster_count;
    if (tx.inputs.size() < most) return {};
    std::set<Txid> parents;
    for (const TxIn& in : tx.inputs)
        if (pool_.find(in.prevout.txid)) parents.insert(in.prevout.txid);
    if (parents.size() < most) return {};
    return policy("too-large-cluster");
}

/// What needs no state.
Result<> Admission::check_alone(const SealedTransaction& tx) const {
    const ChainOptions& options = chainstate_.options();
    if (Result<> verdict = consensus::check_transaction(tx, chainstate_.params()); !verdict)
        return verdict;
    if (tx.is_coinbase()) return consensus::invalid("coinbase");
    if (!options.accept_nonstandard)
        if (Result<> verdict = check_standard(tx, options, chainstate_.params()); !verdict)
            return verdict;
    if (tx.stripped_bytes < MIN_STANDARD_TX_STRIPPED_BYTES) return policy("tx-size-small");
    return {};
}

Result<> Admission::check_new(const SealedTransaction& tx) const {
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

Result<> Admission::find_coins(Attempt& attempt, Candidate& candidate) const {
    const SealedTransaction& tx = *candidate.entry.tx;
    for (const TxIn& in : tx.inputs) {
        const MempoolEntry* spender = pool_.spender(in.prevout);
        if (spender && std::ranges::find(attempt.conflicts, spender) == attempt.conflicts.end())
            attempt.conflicts.push_back(spender);
        if (spender && !attempt.may_replace) return policy("bip125-replacement-disallowed");
        std::optional<Coin> coin = find_coin(in.prevout);
        for (const Candidate& earlier : attempt.candidates)
            if (earlier.entry.tx->txid == in.prevout.txid &&
                in.prevout.index < earlier.entry.tx->outputs.size())
                coin = Coin{earlier.entry.tx->outputs[in.prevout.index], next_height(), false};
        if (!coin) {
            for (uint32_t i = 0; i < tx.outputs.size(); ++i)
                if (const OutPoint made{tx.txid, i}; // not on disk: there may be thousands
                    chainstate_.coins().knows(made) && chainstate_.coins().find(made))
                    return known("txn-already-known");
            return missing_inputs("bad-txns-inputs-missingorspent");
        }
        candidate.entry.spends_coinbase |= coin->coinbase;
        candidate.coins.push_back(std::move(*coin));
    }
    candidate.entry.locks = consensus::sequence_locks(tx, candidate.coins, chainstate_.tip());
    return {};
}

Result<> Admission::check_coins(Candidate& candidate) const {
    MempoolEntry& entry = candidate.entry;
    const SealedTransaction& tx = *entry.tx;
    const ChainOptions& options = chainstate_.options();
    if (!consensus::locks_passed(entry.locks, chainstate_.tip()))
        return premature("non-BIP68-final");
    const Result<Amount> fee =
        consensus::connect_inputs(tx, candidate.coins, next_height(), chainstate_.params());
    if (!fee) return fee.error();
    entry.fee = *fee;
    entry.modified_fee += *fee; // to what prioritisetransaction gave
    entry.sigop_cost = consensus::sigop_cost(tx, candidate.coins, consensus::STANDARD_FLAGS);
    entry.weight = policy_weight(tx.weight(), entry.sigop_cost, options.bytes_per_sigop);

    if (!options.accept_nonstandard) {
        if (Result<> verdict = check_inputs_standard(tx, candidate.coins); !verdict) return verdict;
        if (!has_standard_witness(tx, candidate.coins)) return policy("bad-witness-nonstandard");
        const bool free = entry.fee == Amount(0) && entry.modified_fee == Amount(0);
        if (!free && count_dust(tx, options.dust_feerate) > 0)
            return policy("dust", "tx with dust output must be 0-fee");
    }
    if (entry.sigop_cost > max_standard_sigop_cost(chainstate_.params()))
        return policy("bad-txns-too-many-sigops", std::to_string(entry.sigop_cost));
    return {};
}

Result<> Admission::check_fee(Amount fee, int64_t vsize) const {
    const auto below = [fee](std::string_view reason, Amount needed) {
        return policy(reason, fmt::format("{} < {}", fee.value, needed.value));
    };
    const Amount rolling = rolling_feerate().fee(vsize);
    if (fee < rolling) return below("mempool min fee not met", rolling);
    const Amount relay = chainstate_.options().min_relay_feerate.fee(vsize);
    if (fee < relay) return below("min relay fee not met", relay);
    return {};
}

Family Admission::family_of(
    const MempoolEntry& entry,
    const Mempool::Entries& added,
    const Mempool::Entries& conflicts) const {
    const auto add_parents = [&](const MempoolEntry& child, Mempool::Entries& parents) {
        for (const MempoolEntry* parent : pool_.parents(child)) parents.push_back(parent);
        for (const MempoolEntry* other : added)
            if (other != &child && spends_from(*child.tx, other->tx->txid))
                parents.push_back(other);
    };
    Family family{entry, {}, {}, {}};
    add_parents(entry, family.parents);
    if (!is_truc(entry)) return family; // nobody asks for the rest
    for (const MempoolEntry* parent : family.parents) {
        add_parents(*parent, family.grandparents);
        // A parent that has too many children since a reorganisation may exchange each of them.
        const Mempool::Entries children = pool_.children(*parent);
        if (std::ranges::find_first_of(children, conflicts) == children.end())
            family.siblings.insert(family.siblings.end(), children.begin(), children.end());
        for (const MempoolEntry* other : added)
            if (other != &entry && spends_from(*other->tx, parent->tx->txid))
                family.siblings.push_back(other);
    }
    return family;
}

Result<> Admission::check_families(const Attempt& attempt) const {
    const Mempool::Entries added = attempt.change().added;
    for (const MempoolEntry* entry : added)
        if (const auto violation = check_truc(family_of(*entry, added, attempt.conflicts)))
            return policy("TRUC-violation", violation->text);
    return {};
}

Result<> Admission::judge_conflicts(Attempt& attempt) const {
    if (attempt.conflicts.empty()) return {};
    if (Result<> verdict = check_conflicts(attempt); !verdict) return verdict;
    attempt.replaced = pool_.with_descendants(attempt.conflicts);
    return check_replacement(attempt);
}

Result<> Admission::judge_order(Attempt& attempt) const {
    std::vector<Mempool::Entries> clusters = pool_.clusters_after(attempt.change());
    if (Result<> verdict = check_clusters(attempt, clusters); !verdict) return verdict;
    const MempoolChange change = attempt.change();
    if (!attempt.trimmed.empty()) clusters = pool_.clusters_after(change);
    Mempool::Effort effort = pool_.effort_for_a_change();
    if (!change.removed.empty() && !pool_.improves(change, clusters, effort)) {
        const std::string why = "insufficient feerate: does not improve feerate diagram";
        return change.added.size() > 1 ? policy("package RBF failed: " + why)
                                       : policy("replacement-failed", why);
    }
    return {};
}

Result<> Admission::check_dust(const Attempt& attempt, const MempoolEntry& entry) const {
    const ChainOptions& options = chainstate_.options();
    if (attempt.from_block || options.accept_nonstandard) return {};
    return check_ephemeral_dust(
        family_of(entry, attempt.change().added, attempt.conflicts), options.dust_feerate);
}

/// What hangs together, however far, is ordered together: so there may only be so much of it. What
/// comes back from a block may tie together what was apart: then the worst of it all makes way.
Result<>
Admission::check_clusters(Attempt& attempt, const std::vector<Mempool::Entries>& clusters) const {
    const ChainOptions& options = chainstate_.options();
    attempt.trimmed = Mempool::excess(
        clusters, options.max_cluster_count,
        options.max_cluster_vsize * consensus::WITNESS_SCALE_FACTOR);
    if (attempt.trimmed.empty()) return {};
    if (!attempt.from_block ||
        std::ranges::find(attempt.trimmed, &attempt.last()) != attempt.trimmed.end())
        return policy("too-large-cluster");
    return {};
}

/// What may be replaced at all.
Result<> Admission::check_conflicts(const Attempt& attempt) const {
    const bool package = attempt.candidates.size() > 1;
    const std::string txid = attempt.last().tx->txid.to_string();
    // Only the simplest package may replace: then it is clear who pays for what.
    if (attempt.candidates.size() > 2)
        return policy("package RBF failed: package must be 1-parent-1-child");
    for (const Candidate& each : attempt.candidates)
        if (package && !pool_.parents(each.entry).empty())
            return policy("package RBF failed: new transaction cannot have mempool ancestors");
    for (const MempoolEntry* ancestor : pool_.ancestors(attempt.last()))
        if (std::ranges::find(attempt.conflicts, ancestor) != attempt.conflicts.end())
            return consensus::invalid(
                "bad-txns-spends-conflicting-tx",
                fmt::format(
                    "{} spends conflicting transaction {}", txid, ancestor->tx->txid.to_string()));
    std::set<const MempoolEntry*> clusters;
    for (const MempoolEntry* conflict : attempt.conflicts) clusters.insert(conflict->place.cluster);
    if (clusters.size() <= MAX_REPLACED_CLUSTERS) return {};
    const std::string reason = package ? "package RBF failed: too many potential replacements"
                                       : "too many potential replacements";
    return policy(
        reason + attempt.suffix(),
        fmt::format(
            "rejecting replacement {}; too many conflicting clusters ({} > {})", txid,
            clusters.size(), MAX_REPLACED_CLUSTERS));
}

/// Source: BIP-0125, rules 3 and 4, for every transaction.
Result<> Admission::check_replacement(const Attempt& attempt) const {
    const bool package = attempt.candidates.size() > 1;
    Amount old_fees;
    for (const MempoolEntry* each : attempt.replaced) old_fees += each->modified_fee;
    const Amount more = attempt.fees() - old_fees;
    const Amount relay = chainstate_.options().incremental_feerate.fee(attempt.vsize());
    const auto too_little = [&](std::string_view what, Amount is, Amount least) {
        const std::string reason =
            package ? "package RBF failed: insufficient anti-DoS fees" : "insufficient fee";
        return policy(
            reason + attempt.suffix(),
            fmt::format(
                "rejecting replacement {}, {}; {} < {}", attempt.last().tx->txid.to_string(), what,
                amount_text(is), amount_text(least)));
    };
    if (more < Amount(0))
        return too_little("less fees than conflicting txs", attempt.fees(), old_fees);
    if (more < relay) return too_little("not enough additional fees to relay", more, relay);
    if (!package) return {};
    const FeeRate rate = FeeRate::of(attempt.fees(), attempt.vsize());
    const FeeRate parent_rate = attempt.candidates[0].entry.feerate();
    if (rate > parent_rate) return {};
    return policy(
        "package RBF failed: package feerate is less than or equal to parent feerate",
        fmt::format(
            "package feerate {} <= parent feerate is {}", amount_text(rate.per_kvb),
            amount_text(parent_rate.per_kvb)));
}

Result<> Admission::run_scripts(const Candidate& candidate) const {
    const SealedTransaction& tx = *candidate.entry.tx;
    const auto run = [&](uint32_t flags) {
        ScriptBatch batch(chainstate_.verify_pool(), flags);
        batch.add(tx, candidate.coins);
        return batch.finish();
    };
    const std::optional<ScriptFailure> failure = run(consensus::STANDARD_FLAGS);
    if (!failure) return {};
    Reject reject = failure->reject(Reject::Kind::Policy, "mempool-script-verify-flag-failed");
    // A relay may have cut the witness off: then this says nothing about the transaction.
    if (!tx.has_witness() && needs_witness(tx, candidate.coins))
        reject.kind = Reject::Kind::Mutated;
    else if (run(block_script_flags({}, next_height(), chainstate_.params())))
        reject.kind = Reject::Kind::Invalid;
    return reject;
}

Result<>
Admission::check_scripts(const Candidate& candidate, const std::optional<Result<>>& ahead) {
    const consensus::Wtxid& wtxid = candidate.entry.tx->wtxid;
    if (chainstate_.script_cache().contains(wtxid, consensus::STANDARD_FLAGS)) return {};
    Result<> verdict = ahead ? *ahead : run_scripts(candidate);
    if (verdict) chainstate_.script_cache().insert(wtxid);
    return verdict;
}

void Admission::commit(Attempt& attempt) {
    const std::unique_lock lock(chainstate_.commit_mutex());
    Mempool::Effort effort = pool_.effort_for_a_change();
    remove(attempt.replaced, RemovalReason::Replaced, effort);
    remove(attempt.trimmed, RemovalReason::SizeLimit, effort);
    fade();
    for (Candidate& candidate : attempt.candidates) {
        candidate.entry.spent_scripts = pack_scripts(candidate.coins);
        const MempoolEntry& entry = pool_.add(std::move(candidate.entry));
        events_.push_back(
            {entry.tx, FeeRate::of(entry.fee, entry.vsize()), std::nullopt, entry.spent_scripts,
             attempt.saved});
    }
}

void Admission::tell_removed(const Mempool::Entries& entries, RemovalReason reason) {
    if (entries.empty()) return;
    fade();
    // What a block spends its own event tells: to fetch that from the memory would take as long
    // again.
    const bool tell_scripts = reason != RemovalReason::Block;
    if (events_.empty()) events_.reserve(entries.size());
    for (const MempoolEntry* entry : entries)
        events_.push_back(
            {entry->tx, {}, reason, tell_scripts ? entry->spent_scripts : SpentScripts()});
}

void Admission::remove(
    const Mempool::Entries& entries, RemovalReason reason, Mempool::Effort& effort) {
    tell_removed(entries, reason);
    pool_.remove(entries, effort);
}

void Admission::remove_families(
    const Mempool::Entries& entries, RemovalReason reason, Mempool::Effort& effort) {
    remove(pool_.with_descendants(entries), reason, effort);
}

void Admission::remove_spenders(const SealedTransaction& tx, Mempool::Effort& effort) {
    Mempool::Entries spenders;
    for (uint32_t i = 0; i < tx.outputs.size(); ++i)
        if (const MempoolEntry* child = pool_.spender({tx.txid, i})) spenders.push_back(child);
    remove_families(spenders, RemovalReason::Reorg, effort);
}

void Admission::block_connected(const Block& block, BlockImpact& impact) {
    disconnected_.confirm(block);
    pool_.look_up(block, impact, block.transactions.size());
    tell_removed(impact.confirmed, RemovalReason::Block);
    Mempool::Effort effort = pool_.effort_for_a_change();
    pool_.remove_confirmed(impact, effort);
    std::vector<Txid> contradicted;
    for (const MempoolEntry* entry : impact.conflicts) contradicted.push_back(entry->tx->txid);
    remove_families(impact.conflicts, RemovalReason::Conflict, effort);
    if (!pool_.priorities().empty()) { // they have served
        const auto forget = [this](const Txid& txid) {
            pool_.prioritise(txid, -pool_.priority(txid));
        };
        for (const SealedTransaction& tx : block.transactions) forget(tx.txid);
        for (const Txid& txid : contradicted) forget(txid);
    }
    pool_.go_on();
    if (!rolling_.fading_since) rolling_.fading_since = chainstate_.options().now();
}

void Admission::block_disconnected(const Block& block) {
    const int64_t five_blocks = 5 * chainstate_.params().max_block_weight;
    const auto room = static_cast<size_t>(std::max(MIN_DISCONNECTED_BYTES, five_blocks));
    Mempool::Effort effort = pool_.effort_for_a_change();
    for (const TransactionRef& tx : disconnected_.add(block, room)) remove_spenders(*tx, effort);
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
    Mempool::Effort effort = pool_.effort_for_a_change();
    for (const TransactionRef& tx : disconnected_.take()) {
        const Result<Accepted> accepted = accept(tx, {}, {.from_block = true});
        if (accepted || accepted.error().kind == Reject::Kind::Known) continue;
        const std::unique_lock lock(chainstate_.commit_mutex());
        remove_spenders(*tx, effort);
    }
    Mempool::Entries stale;
    pool_.visit([&](const MempoolEntry& entry) {
        if (!still_minable(entry)) stale.push_back(&entry);
    });
    {
        const std::unique_lock lock(chainstate_.commit_mutex());
        remove_families(stale, RemovalReason::Reorg, effort);
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
    Mempool::Effort effort = pool_.effort_for_a_change();
    while (has_expired()) remove_families({pool_.oldest()}, RemovalReason::Expiry, effort);
    while (pool_.memory_bytes() > options.max_mempool_bytes) {
        const Mempool::Entries worst = pool_.worst_chunk();
        const FeeSize& cost = worst.front()->place.cost;
        const FeeRate raised{
            FeeRate::of(cost.fee, virtual_size(cost.size)).per_kvb +
            options.incremental_feerate.per_kvb};
        if (static_cast<double>(raised.per_kvb.value) > faded()) {
            rolling_ = {static_cast<double>(raised.per_kvb.value), std::nullopt};
            spdlog::debug("rolling minimum fee bumped to {}", raised.per_kvb.value);
        }
        remove(worst, RemovalReason::SizeLimit, effort);
    }
}

/// Source: the reference's CTxMemPool::GetMinFee, as a function of time.
double Admission::faded() const {
    if (rolling_.per_kvb == 0 || !rolling_.fading_since) return rolling_.per_kvb;
    const ChainOptions& options = chainstate_.options();
    int64_t half_life = ROLLING_HALF_LIFE_SECONDS;
    if (pool_.memory_bytes() < options.max_mempool_bytes / 4)
        half_life /= 4;
    else if (pool_.memory_bytes() < options.max_mempool_bytes / 2)
        half_life /= 2;
    const auto elapsed =
        static_cast<double>(std::max<int64_t>(0, options.now() - *rolling_.fading_since));
    const double left = rolling_.per_kvb * std::exp2(-elapsed / static_cast<double>(half_life));
    const Amount incremental = options.incremental_feerate.per_kvb;
    return left < static_cast<double>(incremental.value) / 2 ? 0 : left;
}

void Admission::fade() {
    rolling_.per_kvb = faded();
    if (rolling_.fading_since) rolling_.fading_since = chainstate_.options().now();
}

FeeRate Admission::rolling_feerate() const {
    const double now = faded();
    if (now == 0) return {};
    return std::max(chainstate_.options().incremental_feerate, FeeRate{static_cast<int64_t>(now)});
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
