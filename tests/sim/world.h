// SPDX-License-Identifier: MIT
// A run: nodes on a network, those who mine and pay, what goes wrong, and what is found.
#pragma once

#include "report.h"
#include "sim_node.h"

#include <set>

namespace cairn::sim {

/// Thread: one. Two runs with the same setup and calls do the same, to the last byte.
class World {
public:
    struct Setup {
        uint64_t seed = 1;
        Duration spacing{60'000'000}; ///< Between blocks.
        Duration age{3600'000'000};   ///< Of the genesis block.
        uint64_t least_blocks = 0;    ///< So much work a chain needs to be worth having.
    };

    explicit World(const Setup& setup);

    // Who there is.

    /// A node that can be called, unless told otherwise. It doesn't run yet.
    SimNode& add(bool callable = true);
    /// `count` of them; of these a `share` is behind NATs.
    void add_many(size_t count, double nats = 0);
    /// Let each node know `count` others that can be called.
    void introduce(size_t count);
    void introduce(SimNode& node, const NetAddress& other, const std::string& source = "seed");
    void start_all();
    /// An address that nobody has, in a group of its own.
    NetAddress new_address();

    // What happens.

    Time start() const { return start_; }

    void run(Duration time) { timeline.run_until(timeline.now() + time); }

    /// A block found by `node`, with up to `count` of the transactions that it has, stamped
    /// `ahead`.
    const Mined& mine(SimNode& node, size_t count = MANY, Duration ahead = {});
    /// `count` blocks at intervals by chance, found by whoever runs.
    void mine_every(Duration mean, size_t count);
    /// `count` blocks of about `bytes` before the run, which `nodes` have, at equal intervals up to
    /// now.
    void mine_history(const std::vector<SimNode*>& nodes, size_t count, size_t bytes = 10'000);
    /// `count` payments; of every fourth the parent pays too little, and comes with it.
    void pay_every(Duration mean, size_t count);
    /// Run until all of them were made.
    void run_until_paid();
    /// Nodes stop by chance, and start again after `away`, until `end`; the `steady` first stay.
    void churn(Duration mean, Duration away, Time end, size_t steady);
    /// Connections break by chance, until `end`.
    void break_links(Duration mean, Time end);

    // What is found.

    /// Until all that run are on the best chain, at most for `bound`; how long it took.
    std::optional<Duration> wait_for_one_tip(Duration bound);
    /// The most work of a chain that anybody made, its blocks being valid.
    consensus::Uint256 best_work() const;
    Report::Totals totals() const;
    /// Note it as a failure of this run, if it isn't true.
    void expect(bool holds, const std::string& what);
    /// That no node holds more of what peers make it hold than it may.
    void expect_limits();

    const std::vector<std::string>& failures() const { return failures_; }

    std::function<void(const Mined&)> news; ///< Told of a new block before anybody else is.
    std::vector<std::string> notes;         ///< Figures, for people.

    static constexpr size_t MANY = 100'000;

    Timeline timeline;
    Trace trace{timeline};
    Random random;
    Ledger ledger;
    Net net;
    Report report;
    std::vector<std::unique_ptr<SimNode>> nodes; ///< Honest, or nodes that lie.
    std::set<const SimNode*> liars;
    std::vector<TransactionRef> payments; ///< In the order in which they were made.

    /// Whether `node` runs and is honest.
    bool counts(const SimNode& node) const { return node.runs() && !liars.contains(&node); }

private:
    void tip_changed(SimNode& node, const chain::TipChange& change);
    void has_transaction(const SimNode& node, const consensus::Txid& txid);
    void next_block(Duration mean, size_t count);
    void next_payment(Duration mean, size_t count);
    void pay(SimNode& payer, const TransactionRef& tx);
    void next_churn(Duration mean, Duration away, Time end, size_t steady);
    void next_break(Duration mean, Time end);
    SimNode* somebody(size_t from = 0);

    Time start_;
    std::vector<std::set<size_t>> seen_; ///< Nodes that had a block, by its number.

    struct Payment {
        Time at;
        std::vector<bool> seen; ///< By nodes, by their numbers.
    };

    std::map<consensus::Txid, Payment> paid_;
    size_t unpaid_ = 0; ///< Of those of pay_every().
    std::vector<std::string> failures_;
    uint32_t addresses_ = 0;
    Shared shared_;
};

} // namespace cairn::sim
