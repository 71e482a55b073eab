// SPDX-License-Identifier: MIT
#include "chain/block_template.h"

#include "consensus/block_rules.h"
#include "consensus/pow.h"
#include "consensus/version_bits.h"

#include <algorithm>
#include <unordered_set>

namespace cairn::chain {

using consensus::Params;
using consensus::SealedTransaction;
using consensus::Transaction;

namespace {

constexpr int64_t RESERVED_WEIGHT = 8'000; ///< Header, count and coinbase.
constexpr int64_t RESERVED_SIGOP_COST = 400;

/// Chooses chunks as long as they fit.
class Selection {
public:
    Selection(const Chainstate& chainstate, const Mempool& pool)
        : pool_(pool),
          height_(chainstate.tip().height + Height(1)),
          median_time_(chainstate.tip().median_time_past()),
          weight_limit_(chainstate.params().max_block_weight),
          sigop_limit_(max_block_sigop_cost(chainstate.params())) {
        const FeeSize least{
            chainstate.options().block_min_feerate.per_kvb.value,
            int64_t{1000} * consensus::WITNESS_SCALE_FACTOR};
        pool.visit_chunks([&](const Mempool::Entries& chunk) {
            if (compare_feerates(chunk.front()->place.cost, least) < 0) return false;
            if (!take(chunk)) take_apart(chunk, least);
            return failures_ < MAX_FAILURES || weight_ < weight_limit_ - NEARLY_FULL;
        });
    }

    const Mempool::Entries& entries() const { return chosen_; }

    int64_t weight() const { return weight_; }

private:
    /// What doesn't fit as a whole may still fill a gap in part.
    void take_apart(const Mempool::Entries& chunk, const FeeSize& least) {
        for (const MempoolEntry* entry : chunk)
            if (chunk.size() == 1 || compare_feerates(entry->cost(), least) < 0 || !take({entry}))
                left_out_.insert(entry);
    }

    bool take(const Mempool::Entries& entries) {
        int64_t weight = weight_;
        int64_t sigop_cost = sigop_cost_;
        for (const MempoolEntry* entry : entries) {
            weight += entry->tx->weight();
            sigop_cost += entry->sigop_cost;
        }
        const bool fits = weight <= weight_limit_ && sigop_cost <= sigop_limit_ &&
                          std::ranges::all_of(entries, [&](const MempoolEntry* entry) {
                              return is_minable(*entry);
                          });
        failures_ = fits ? 0 : failures_ + 1;
        if (!fits) return false;
        weight_ = weight;
        sigop_cost_ = sigop_cost;
        chosen_.insert(chosen_.end(), entries.begin(), entries.end());
        return true;
    }

    bool is_minable(const MempoolEntry& entry) const {
        if (!consensus::is_final(*entry.tx, height_, median_time_)) return false;
        if (left_out_.empty()) return true;
        return std::ranges::none_of(pool_.parents(entry), [&](const MempoolEntry* parent) {
            return left_out_.contains(parent);
        });
    }

    /// Once so many have not fitted into a nearly full block, the rest is not tried.
    static constexpr int MAX_FAILURES = 1000;
    static constexpr int64_t NEARLY_FULL = 4'000;

    const Mempool& pool_;
    const Height height_;
    const int64_t median_time_;
    const int64_t weight_limit_;
    const int64_t sigop_limit_;
    int64_t weight_ = RESERVED_WEIGHT;
    int64_t sigop_cost_ = RESERVED_SIGOP_COST;
    int failures_ = 0;
    Mempool::Entries chosen_;
    std::unordered_set<const MempoolEntry*> left_out_;
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
    block.header.version = consensus::block_version(&parent, params);
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
