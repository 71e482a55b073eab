// SPDX-License-Identifier: MIT
// The chain behind one simulated node: its own tree of headers, tip and mempool, over bodies that
// all nodes share. Which blocks are good the ledger knows; how long judging them takes is modelled.
#pragma once

#include "ledger.h"
#include "node/chain_reader.h"

#include <deque>

namespace cairn::sim {

/// How long a node takes, on two cores. Measured with Cairn (tests/bench): 602,005 signatures in
/// 16.5 s, 2.2 ms for a block of 2,000 transactions whose signatures were checked before.
struct Costs {
    Duration block{200};       ///< Of any block.
    Duration known_input{1};   ///< An input whose signature was checked before.
    Duration input{28};        ///< One that wasn't.
    Duration transaction{150}; ///< On its own, to the mempool.
    Duration headers{20};      ///< Of any run of them.
    Duration hundred_headers{150};
    Duration read{300}; ///< A block from the disk.
};

/// Judges what a node is given, at once; the node says when. The same rules for headers as in the
/// product; of a block, that its body belongs to its header and the ledger calls it valid.
class SimChain final : public node::ChainReader {
public:
    SimChain(const Ledger& ledger, const Timeline& timeline);

    // ChainReader.
    const consensus::Params& params() const override { return ledger_.params(); }

    chain::View view() const override { return chain::View(tip_); }

    const chain::BlockNode& best_header() const override { return *best_header_; }

    const chain::BlockNode* find_block(const BlockHash& hash) const override { return find(hash); }

    std::optional<chain::AssumedChain> assumed() const override { return {}; }

    bool initial_download() const override;

    consensus::Uint256 minimum_chain_work() const override { return params().minimum_chain_work; }

    std::optional<node::WaitingTransaction>
    find_transaction(const node::Inventory& item) const override;
    std::vector<node::WaitingTransaction> waiting_transactions() const override;
    void visit_transactions(
        const std::function<void(const chain::TransactionRef&)>& visit) const override;

    uint64_t mempool_sequence() const override { return next_sequence_; }

    chain::FeeRate mempool_min_feerate() const override { return {100}; }

    chain::HeadersOutcome accept_headers(const std::vector<consensus::BlockHeader>& headers);

    struct BlockVerdict {
        chain::BlockOutcome outcome;
        std::optional<chain::TipChange> change; ///< If the tip moved.
        std::vector<TransactionRef> back;       ///< They are in it again.
        chain::BlockNode* fresh = nullptr;      ///< Its body is good, and new.
    };

    /// Take in the body; connect_block() follows.
    BlockVerdict check_block(const BlockHash& hash, const Bytes& payload);
    void connect_block(BlockVerdict& verdict);
    /// `paid_for`: by a child that comes with it.
    consensus::Result<chain::Accepted>
    accept_transaction(const TransactionRef& tx, bool paid_for = false);

    static chain::FeeRate feerate_of(const consensus::Transaction& tx);

    /// From now on every block is taken for valid, as by a node that breaks the rules.
    void believe_all() { believes_all_ = true; }

    /// How long accept_block() will take.
    Duration cost_of(const BlockHash& hash) const;

    /// What to mine: up to `count` transactions that wait, in the order in which they came.
    std::vector<TransactionRef> candidates(size_t count) const;

    const chain::BlockNode& tip() const { return *tip_; }

    size_t mempool_size() const { return pool_.size(); }

    const Ledger& ledger() const { return ledger_; }

    static constexpr Costs COSTS{};

private:
    chain::BlockNode* find(const BlockHash& hash) const;
    chain::BlockNode& insert(
        const consensus::BlockHeader& header,
        const BlockHash& hash,
        const chain::BlockNode* parent);
    void complete(chain::BlockNode& node, BlockVerdict& verdict);
    void fail(chain::BlockNode& node);
    void move_tip(const chain::BlockNode& to, BlockVerdict& verdict);
    bool is_confirmed(const consensus::Txid& txid) const;

    const Ledger& ledger_;
    const Timeline& timeline_;
    std::deque<chain::BlockNode> nodes_; ///< Parents before their children.
    std::unordered_map<BlockHash, chain::BlockNode*, consensus::BlockHasher> index_;
    /// Bodies whose parents' are missing, by those parents; only looked up.
    std::unordered_map<BlockHash, std::vector<chain::BlockNode*>, consensus::BlockHasher> waiting_;
    const chain::BlockNode* tip_ = nullptr;
    const chain::BlockNode* best_header_ = nullptr;
    std::map<uint64_t, TransactionRef> pool_; ///< By sequence.
    std::unordered_map<consensus::Txid, uint64_t, consensus::BlockHasher> sequences_;
    uint64_t next_sequence_ = 0;
    mutable bool was_current_ = false; ///< initial_download() is over for good.
    bool believes_all_ = false;
};

} // namespace cairn::sim
