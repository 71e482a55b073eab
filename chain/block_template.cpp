// SPDX-License-Identifier: MIT
#include "chain/block_template.h"

#include "chain/policy.h"
#include "consensus/block_rules.h"
#include "consensus/pow.h"
#include "consensus/version_bits.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace cairn::chain {

using consensus::Params;
using consensus::SealedTransaction;
using consensus::Transaction;

namespace {

/// What transactions add to a block.
struct Load {
    int64_t fee = 0;
    int64_t weight = 0;
    int64_t sigop_cost = 0;

    static Load of(const MempoolEntry& entry) {
        return {entry.modified_fee.value, entry.tx->weight(), entry.sigop_cost};
    }

    Load& operator+=(const Load& other) {
        fee += other.fee;
        weight += other.weight;
        sigop_cost += other.sigop_cost;
        return *this;
    }

    Load& operator-=(const Load& other) {
        fee -= other.fee;
        weight -= other.weight;
        sigop_cost -= other.sigop_cost;
        return *this;
    }

    bool within(const Load& limit) const {
        return weight <= limit.weight && sigop_cost <= limit.sigop_cost;
    }
};

/// The last of a block that is full and the first that it has no room for: tries all ways to choose
/// among them, one after the other, as far as there are steps for it.
class Tail {
public:
    static constexpr size_t MAX_TAKEN = 16;
    static constexpr size_t MAX_ITEMS = 32;

    Tail(const Load& before, const Load& limit) : before_(before), limit_(limit), best_(before) {}

    /// `parents`: those before it that it needs.
    void add(const Load& load, TxSet parents) { items_.push_back({load, parents}); }

    /// What pays most, of all that holds what it depends on.
    TxSet choose() {
        by_feerate_.resize(items_.size());
        std::iota(by_feerate_.begin(), by_feerate_.end(), size_t{0});
        std::ranges::sort(by_feerate_, [this](size_t a, size_t b) {
            const Load& first = items_[a].load;
            const Load& second = items_[b].load;
            return compare_feerates({first.fee, first.weight}, {second.fee, second.weight}) > 0;
        });
        search(0, 0, before_);
        return chosen_;
    }

    const Load& load() const { return best_; }

private:
    struct Item {
        Load load;
        TxSet parents;
    };

    void search(size_t at, TxSet set, const Load& load) {
        if (load.fee > best_.fee) {
            best_ = load;
            chosen_ = set;
        }
        if (at == items_.size() || ++steps_ > MAX_STEPS || at_best(at, load) <= best_.fee) return;
        const auto& [more, parents] = items_[at];
        Load with = load;
        with += more;
        if ((parents & ~set) == 0 && with.within(limit_))
            search(at + 1, set | TxSet{1} << at, with);
        search(at + 1, set, load);
    }

    /// More than this it can't become, with those from `at` on.
    int64_t at_best(size_t at, const Load& load) const {
        int64_t fee = load.fee;
        int64_t room = limit_.weight - load.weight;
        for (const size_t i : by_feerate_) {
            const Load& next = items_[i].load;
            if (i < at || next.fee <= 0) continue;
            if (next.weight > room) // by priorities a fee may be very high
                return fee + static_cast<int64_t>(__int128{next.fee} * room / next.weight) + 1;
            fee += next.fee;
            room -= next.weight;
        }
        return fee;
    }

    static constexpr int MAX_STEPS = 10'000; ///< A millisecond, about.

    const Load before_;
    const Load limit_;
    std::vector<Item> items_;
    std::vector<size_t> by_feerate_;
    int steps_ = 0;
    Load best_;
    TxSet chosen_ = 0;
};

/// Chooses chunks as long as they fit, and at the end of a full block the best of what is left.
class Selection {
public:
    Selection(const Chainstate& chainstate, const Mempool& pool)
        : pool_(pool),
          height_(chainstate.tip().height + Height(1)),
          median_time_(chainstate.tip().median_time_past()),
          segwit_(height_ >= chainstate.params().activation.segwit),
          least_(chainstate.options().block_min_feerate),
          limit_{
              0,
              chainstate.options().block_max_weight.value_or(chainstate.params().max_block_weight),
              max_block_sigop_cost(chainstate.params())},
          load_{
              0, chainstate.options().block_reserved_weight,
              reserved_sigop_cost(chainstate.params())} {
        pool.visit_chunks([&](const Mempool::Entries& chunk) {
            if (!pays(chunk.front()->place.cost)) return false;
            if (!take(chunk)) take_apart(chunk);
            return failures_ < MAX_FAILURES || load_.weight < limit_.weight - NEARLY_FULL;
        });
        if (!no_room_.empty()) improve();
    }

    const Mempool::Entries& entries() const { return chosen_; }

    int64_t weight() const { return load_.weight; }

private:
    /// By virtual bytes, rounded up, as wallets count them, too.
    bool pays(const FeeSize& cost) const {
        const FeeSize rounded{cost.fee, virtual_size(cost.size)};
        return compare_feerates(rounded, {least_.per_kvb.value, 1000}) >= 0;
    }

    /// Of a chunk no part is taken for nothing: it may have an output that only the rest makes up
    /// for (check_ephemeral_dust()).
    bool pays_alone(const MempoolEntry& entry) const {
        return entry.modified_fee > Amount(0) && pays(entry.cost());
    }

    /// What doesn't fit as a whole may still fill a gap in part.
    void take_apart(const Mempool::Entries& chunk) {
        for (const MempoolEntry* entry : chunk) {
            if (chunk.size() > 1 && pays_alone(*entry) && take({entry})) continue;
            left_out_.insert(entry);
            if (no_room_.size() < Tail::MAX_ITEMS && is_final(*entry)) no_room_.push_back(entry);
        }
    }

    bool take(const Mempool::Entries& entries) {
        Load load = load_;
        for (const MempoolEntry* entry : entries) load += Load::of(*entry);
        const bool fits =
            load.within(limit_) && std::ranges::all_of(entries, [&](const MempoolEntry* entry) {
                return is_minable(*entry);
            });
        failures_ = fits ? 0 : failures_ + 1;
        if (!fits) return false;
        load_ = load;
        chosen_.insert(chosen_.end(), entries.begin(), entries.end());
        return true;
    }

    bool is_minable(const MempoolEntry& entry) const {
        if (!is_final(entry)) return false;
        if (left_out_.empty()) return true;
        return std::ranges::none_of(pool_.parents(entry), [&](const MempoolEntry* parent) {
            return left_out_.contains(parent);
        });
    }

    bool is_final(const MempoolEntry& entry) const {
        if (!segwit_ && entry.tx->has_witness()) return false; // "unexpected-witness"
        return consensus::is_final(*entry.tx, height_, median_time_);
    }

    /// Best chunks first is best for blocks that end where a chunk ends; in others, a gap remains.
    void improve() {
        const size_t kept = chosen_.size() - std::min(chosen_.size(), Tail::MAX_TAKEN);
        Mempool::Entries open(chosen_.begin() + static_cast<ptrdiff_t>(kept), chosen_.end());
        for (const MempoolEntry* entry : open) load_ -= Load::of(*entry);
        chosen_.resize(kept);
        open.insert(open.end(), no_room_.begin(), no_room_.end());
        if (open.size() > Tail::MAX_ITEMS) open.resize(Tail::MAX_ITEMS);
        Tail tail(load_, limit_);
        for (size_t i = 0; i < open.size(); ++i) {
            TxSet parents = 0;
            for (const MempoolEntry* parent : pool_.parents(*open[i])) {
                const auto at = std::ranges::find(open, parent) - open.begin();
                const bool elsewhere = at == std::ssize(open);
                if (!elsewhere)
                    parents |= TxSet{1} << at;
                else if (left_out_.contains(parent))
                    parents |= TxSet{1} << i; // never there
            }
            Load load = Load::of(*open[i]);
            // Only together with what pays for it.
            if (!pays_alone(*open[i]))
                load.fee -= std::max<int64_t>(1, least_.fee(open[i]->vsize()).value);
            tail.add(load, parents);
        }
        const TxSet best = tail.choose();
        for (size_t i = 0; i < open.size(); ++i)
            if ((best >> i & 1) != 0) chosen_.push_back(open[i]);
        load_ = tail.load();
    }

    /// Once so many have not fitted into a nearly full block, the rest is not tried.
    static constexpr int MAX_FAILURES = 1000;
    static constexpr int64_t NEARLY_FULL = 4'000;

    const Mempool& pool_;
    const Height height_;
    const int64_t median_time_;
    const bool segwit_;
    const FeeRate least_;
    const Load limit_;
    Load load_;
    int failures_ = 0;
    Mempool::Entries chosen_;
    std::unordered_set<const MempoolEntry*> left_out_;
    Mempool::Entries no_room_; ///< The first of these.
};

/// The earliest time a block after `parent` may have. The first of a retargeting period also obeys
/// BIP-0094, which miners keep to on every chain.
int64_t min_time_after(const BlockNode& parent, const Params& params) {
    const int64_t time = parent.median_time_past() + 1;
    const auto* rule = std::get_if<consensus::BitcoinRule>(&params.pow);
    if (!rule || (parent.height.value + 1) % rule->interval() != 0) return time;
    return std::max(time, int64_t{parent.header.time} - consensus::MAX_TIMEWARP_SECONDS);
}

Transaction make_coinbase(Height height, Amount value, const Script& payout) {
    Transaction coinbase;
    consensus::TxIn& in = coinbase.inputs.emplace_back();
    in.prevout.index = consensus::OutPoint::NULL_INDEX;
    consensus::push_number(in.script_sig, height.value);                       // BIP-0034
    if (in.script_sig.size() < 2) push_opcode(in.script_sig, consensus::OP_0); // bad-cb-length
    // A time-lock that the block itself satisfies makes coinbases unique (BIP-0054).
    in.sequence = consensus::TxIn::SEQUENCE_FINAL - 1;
    coinbase.lock_time = static_cast<uint32_t>(height.value - 1);
    coinbase.outputs.push_back({value, payout});
    return coinbase;
}

} // namespace

BlockTemplate
make_block_template(const Chainstate& chainstate, const Mempool& pool, const Script& payout) {
    const Params& params = chainstate.params();
    const BlockNode& parent = chainstate.tip();
    BlockTemplate made;
    made.block = std::make_shared<Block>();
    made.parent = &parent;
    made.height = parent.height + Height(1);
    made.mempool_sequence = pool.sequence();
    made.fees.emplace_back(0);
    made.sigop_costs.push_back(0);

    Block& block = *made.block;
    block.transactions.emplace_back();
    Amount fees;
    const Selection selection(chainstate, pool);
    made.weight = selection.weight();
    for (const MempoolEntry* entry : selection.entries()) {
        block.transactions.push_back(*entry->tx);
        made.fees.push_back(entry->fee);
        made.sigop_costs.push_back(entry->sigop_cost);
        fees += entry->fee;
    }
    made.coinbase_value = block_subsidy(made.height, params) + fees;

    Transaction coinbase = make_coinbase(made.height, made.coinbase_value, payout);
    if (made.height >= params.activation.segwit) {
        coinbase.inputs[0].witness.push_back(Hash256{}.bytes);
        coinbase.outputs.push_back({0, consensus::witness_commitment_script({})});
    }
    block.transactions[0] = SealedTransaction(std::move(coinbase));
    regenerate_commitments(block);
    if (const auto index = consensus::witness_commitment_index(block.transactions[0]))
        made.witness_commitment = block.transactions[0].outputs[*index].script_pubkey;
    made.sigop_costs[0] =
        int64_t{consensus::legacy_sigops(block.transactions[0])} * consensus::WITNESS_SCALE_FACTOR;

    const int64_t min_time = min_time_after(parent, params);
    made.min_time = static_cast<uint32_t>(min_time);
    block.header.version =
        chainstate.options().block_version.value_or(consensus::block_version(&parent, params));
    block.header.prev_hash = parent.hash;
    block.header.time = static_cast<uint32_t>(std::max(min_time, chainstate.options().now()));
    block.header.bits = next_bits(parent, block.header.time, params);
    return made;
}

void regenerate_commitments(Block& block) {
    Transaction coinbase = block.transactions.at(0);
    if (const auto index = consensus::witness_commitment_index(coinbase)) {
        coinbase.outputs[*index].script_pubkey =
            consensus::witness_commitment_script(consensus::witness_merkle_root(block));
        block.transactions[0] = SealedTransaction(std::move(coinbase));
    }
    block.header.merkle_root = consensus::merkle_root(block);
}

} // namespace cairn::chain
