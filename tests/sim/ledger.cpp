// SPDX-License-Identifier: MIT
#include "ledger.h"

#include "chain/block_template.h"
#include "consensus/block_rules.h"
#include "consensus/pow.h"

namespace cairn::sim {

namespace {

constexpr uint32_t EASY_BITS = 0x207fffff; ///< Two hashes.
constexpr uint32_t HARD_BITS = 0x200fffff; ///< Sixteen.

consensus::SealedTransaction coinbase(int64_t height, int64_t number) {
    consensus::Transaction tx;
    tx.inputs.resize(1);
    tx.inputs[0].prevout.index = consensus::OutPoint::NULL_INDEX;
    tx.inputs[0].script_sig.assign(consensus::encode(height));
    tx.outputs.push_back({consensus::Amount(number), {}});
    tx.outputs.push_back({0, consensus::witness_commitment_script({})}); // to be filled in
    tx.inputs[0].witness.push_back(consensus::Hash256{}.bytes);
    return consensus::SealedTransaction(std::move(tx));
}

} // namespace

Ledger::Ledger(Duration age, Duration spacing, uint64_t least_blocks) {
    using std::chrono::seconds;
    params_.name = "sim";
    params_.p2p_port = 9333;
    constexpr int64_t NEVER = 1'000'000; // blocks until the difficulty changes
    const int64_t each = std::chrono::duration_cast<seconds>(spacing).count();
    params_.pow = consensus::BitcoinRule{each, NEVER * each, true};
    params_.pow_limit = *consensus::target_of(EASY_BITS);
    params_.minimum_chain_work = least_blocks * consensus::work_of(HARD_BITS);
    params_.genesis.header.bits = HARD_BITS;
    params_.genesis.header.time =
        static_cast<uint32_t>(node::seconds_of(Timeline::START) - age / 1s);
    params_.genesis.transactions.push_back(coinbase(0, 0));
    params_.genesis_hash = params_.genesis.header.hash();
}

const Mined& Ledger::mine(
    const consensus::BlockHeader& parent,
    const std::vector<TransactionRef>& transactions,
    Time now,
    size_t miner,
    bool valid,
    Duration ahead) {
    const Mined* before = find(parent.hash());
    const consensus::Height height = before != nullptr ? before->height + 1 : 1;
    consensus::Block block;
    block.header.version = 4;
    block.header.prev_hash = parent.hash();
    block.header.time =
        std::max(static_cast<uint32_t>(node::seconds_of(now + ahead)), parent.time + 1);
    const bool is_late = block.header.time > parent.time + 2 * params_.spacing();
    block.header.bits = is_late ? EASY_BITS : HARD_BITS;
    block.transactions.push_back(coinbase(height.value, next_number_++));
    for (const TransactionRef& tx : transactions) block.transactions.push_back(*tx);
    chain::regenerate_commitments(block);
    while (!consensus::meets_target(block.header.hash(), block.header.bits, params_.pow_limit))
        ++block.header.nonce;
    const BlockHash hash = block.header.hash();
    for (const TransactionRef& tx : transactions) payments_.at(tx->txid).holders.push_back(hash);
    Mined& mined = blocks_[hash];
    mined = {nullptr, consensus::encode(block), height, valid, now, miner, in_order_.size()};
    mined.block = std::make_shared<consensus::Block>(std::move(block));
    in_order_.push_back(&mined);
    return mined;
}

const Mined* Ledger::find(const BlockHash& hash) const {
    const auto found = blocks_.find(hash);
    return found == blocks_.end() ? nullptr : &found->second;
}

TransactionRef Ledger::pay(const consensus::Txid& parent, size_t bytes, Kind kind) {
    constexpr size_t REST = 80; // of a transaction with one input and one output
    consensus::Transaction tx;
    tx.inputs.resize(1);
    tx.inputs[0].prevout.txid = parent;
    tx.inputs[0].script_sig.assign(consensus::encode(next_number_++));
    tx.inputs[0].witness.push_back(Bytes(8));
    const Bytes filler(bytes - std::min(bytes, REST), 0x51);
    tx.outputs.push_back({consensus::Amount(static_cast<int64_t>(kind)), {}});
    tx.outputs[0].script_pubkey.assign(filler);
    TransactionRef sealed = consensus::make_transaction(std::move(tx));
    payments_[sealed->txid].tx = sealed;
    txids_[sealed->wtxid] = sealed->txid;
    return sealed;
}

TransactionRef Ledger::find_transaction(const consensus::Txid& txid) const {
    const auto found = payments_.find(txid);
    return found == payments_.end() ? nullptr : found->second.tx;
}

consensus::Txid Ledger::txid_of(const node::Inventory& item) const {
    if (item.type != node::InventoryType::WtxidTransaction) return consensus::Txid(item.hash);
    const auto found = txids_.find(consensus::Wtxid(item.hash));
    return found == txids_.end() ? consensus::Txid() : found->second;
}

const std::vector<BlockHash>& Ledger::holders(const consensus::Txid& txid) const {
    static const std::vector<BlockHash> NONE;
    const auto found = payments_.find(txid);
    return found == payments_.end() ? NONE : found->second.holders;
}

} // namespace cairn::sim
