// SPDX-License-Identifier: MIT
#include "chain/block_template.h"

#include "consensus/block_rules.h"
#include "consensus/pow.h"
#include "consensus/version_bits.h"

#include <cassert>
#include <unordered_set>

namespace cairn::chain {

using consensus::Params;
using consensus::SealedTransaction;
using consensus::Transaction;

namespace {

constexpr int64_t RESERVED_WEIGHT = 8'000; ///< Header, count and coinbase.
constexpr int64_t RESERVED_SIGOP_COST = 400;

/// Chooses transactions as long as they fit.
class Selection {
public:
    Selection(const Chainstate& chainstate, const Mempool& pool)
        : pool_(pool),
          min_feerate_(chainstate.options().block_min_feerate),
          height_(chainstate.tip().height + Height(1)),
          median_time_(chainstate.tip().median_time_past()),
          weight_limit_(chainstate.params().max_block_weight),
          sigop_limit_(max_block_sigop_cost(chainstate.params())) {
        std::unordered_set<const MempoolEntry*> left_out;
        for (const MempoolEntry* entry : pool.in_mining_order()) {
            bool whole = true; // a child goes only with its parents
            for (const MempoolEntry* parent : pool.parents(*entry))
                whole = whole && !left_out.contains(parent);
            if (!whole || !take(*entry)) left_out.insert(entry);
        }
    }

    const std::vector<const MempoolEntry*>& entries() const { return chosen_; }

private:
    bool take(const MempoolEntry& entry) {
        if (!pays(entry)) return false;
        if (weight_ + entry.tx->weight() > weight_limit_) return false;
        if (sigop_cost_ + entry.sigop_cost > sigop_limit_) return false;
        if (!consensus::is_final(*entry.tx, height_, median_time_)) return false;
        weight_ += entry.tx->weight();
        sigop_cost_ += entry.sigop_cost;
        chosen_.push_back(&entry);
        return true;
    }

    /// It does itself, or something that needs it does.
    bool pays(const MempoolEntry& entry) const {
        if (entry.feerate() >= min_feerate_) return true;
        for (const MempoolEntry* child : pool_.descendants(entry))
            if (child->feerate() >= min_feerate_) return true;
        return false;
    }

    const Mempool& pool_;
    const FeeRate min_feerate_;
    const Height height_;
    const int64_t median_time_;
    const int64_t weight_limit_;
    const int64_t sigop_limit_;
    int64_t weight_ = RESERVED_WEIGHT;
    int64_t sigop_cost_ = RESERVED_SIGOP_COST;
    std::vector<const MempoolEntry*> chosen_;
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
        consensus::legacy_sigops(block.transactions[0]) * consensus::WITNESS_SCALE_FACTOR;

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
