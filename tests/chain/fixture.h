// SPDX-License-Identifier: MIT
// A small chain to test with: blocks are mined in memory at the easiest target, and coins are
// locked by a witness script that anyone can satisfy, so that payments are standard and need no
// keys.
#pragma once

#include "chain/indexer.h"
#include "tests/chain/setting.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <thread>

namespace cairn::consensus {

inline std::ostream& operator<<(std::ostream& out, Height height) {
    return out << height.value;
}

inline std::ostream& operator<<(std::ostream& out, Amount amount) {
    return out << amount.value;
}

} // namespace cairn::consensus

namespace cairn::tests {

using namespace chain;
using consensus::Block;
using consensus::Params;
using consensus::Transaction;
using consensus::TxOut;

constexpr int64_t START_TIME = 1'700'000'000;
constexpr int32_t MATURITY = 5;

/// Like regtest: any header hash but one in two will do, all rules from block 1.
Params test_params();

/// Pay-to-witness-script-hash of OP_TRUE.
Script anyone_script();

/// Raise the nonce until the header has the work it claims.
void solve(Block& block);

/// A solved block after `parent`, holding `transactions`; the coinbase takes `fees` and pays to
/// anyone_script(). `salt` makes blocks differ.
Block make_block(
    const consensus::HeaderNode& parent,
    const Params& params,
    const std::vector<TransactionRef>& transactions = {},
    Amount fees = 0,
    uint32_t salt = 0);

/// Set the commitments anew after a change of the transactions, and solve.
BlockRef finish(Block block);

/// Spend `points`, all locked by anyone_script(), into `outputs`.
Transaction spend(const std::vector<OutPoint>& points, std::vector<TxOut> outputs);

/// The reason of a verdict; empty for success.
template <class T>
std::string reason_of(const Result<T>& result) {
    return result ? std::string() : result.error().reason;
}

/// Reason and detail of a verdict, as a sender is told; empty for success.
template <class T>
std::string words_of(const Result<T>& result) {
    if (result || result.error().detail.empty()) return reason_of(result);
    return result.error().reason + ", " + result.error().detail;
}

/// SHA-256 over all coins in the store at `directory` (a chain's, not in use).
Hash256 coins_hash(const std::filesystem::path& directory, const Params& params);

/// The same over the coins as of the tip of `chain`, while it runs, with that tip.
std::pair<Hash256, const BlockNode*> coins_hash(Chain& chain);

/// Keep every index there is.
void keep_all_indexes(ChainOptions& options);

/// What the indexes in the store at `directory` (a chain's, not in use) hold of the chain of
/// `blocks`: records of other blocks are left out. For each index its rows, key first.
using IndexRows = std::map<std::string, std::vector<std::pair<Bytes, Bytes>>>;
IndexRows index_rows(
    const std::filesystem::path& directory,
    const Params& params,
    const std::vector<BlockRef>& blocks);

/// A chain in a folder of its own, whose answers are waited for.
class TestChain {
public:
    explicit TestChain(Params params = test_params());
    ~TestChain();
    TestChain(const TestChain&) = delete;
    TestChain& operator=(const TestChain&) = delete;

    /// Change options before open().
    ChainOptions& options() { return options_; }

    void open();  ///< Open and start.
    void close(); ///< Stop and close.

    /// Why the disk made the chain stop by itself; empty if it didn't. After close().
    const std::string& failure() const { return failure_; }

    Chain& chain() { return *chain_; }

    const Params& params() const { return params_; }

    const std::filesystem::path& directory() const { return folder_.path(); }

    std::atomic<int64_t> now = START_TIME; ///< Read by the chain's threads.

    const BlockNode& tip() { return chain_->view().tip(); }

    BlockOutcome submit(const BlockRef& block, bool requested = true);
    HeadersOutcome submit_headers(std::vector<BlockHeader> headers);
    Result<Accepted> pay(const Transaction& tx, AcceptOptions options = {});
    PackageOutcome
    submit_package(const std::vector<Transaction>& package, AcceptOptions options = {});
    Result<> invalidate(const BlockNode& node);
    Result<> reconsider(const BlockNode& node);
    Result<> precious(const BlockNode& node);
    Result<> test_block(const Block& block);
    void prioritise(const Txid& txid, Amount delta);
    BlockTemplate make_template(Script payout = anyone_script());
    Result<> import(std::vector<std::filesystem::path> files);
    void export_to(const std::filesystem::path& file);
    Height prune(Height last);
    void wait();             ///< Until all that was asked is done.
    void wait_for_indexes(); ///< Until they have reached the tip.
    void wait_for_mempool(); ///< Until what was saved is back: before that close() saves nothing.

    /// Mine `count` blocks of a template each on the tip; returns the last.
    BlockRef mine(int count = 1);

    /// Mine until `count` coins of coinbases can be spent; returns these, oldest first.
    std::vector<OutPoint> mature_coins(int count);

private:
    template <class T, class Function, class... Arguments>
    T ask(Function function, Arguments&&... arguments);

    tests::TemporaryFolder folder_;
    Params params_;
    ChainOptions options_;
    std::unique_ptr<Chain> chain_;
    std::atomic<bool> ended_{false};
    std::promise<std::string> end_; ///< Why it stops; empty if it was told to.
    std::string failure_;
    std::jthread stopper_; ///< Stops it as the process would, so that nobody waits for it.
};

/// A branch on `parent`, its blocks empty but for `transactions` in the first.
std::vector<BlockRef> make_branch(
    TestChain& test,
    const consensus::HeaderNode& parent,
    int length,
    uint32_t salt,
    std::vector<TransactionRef> transactions = {});

/// A block whose script is bad, under two weeks' worth of work and a block more: as much as
/// -assumevalid asks for.
struct BuriedBlock {
    const BlockNode* fork = nullptr; ///< What it is on, the tip of its source.
    BlockRef bad;
    std::vector<BlockRef> later;
};

BuriedBlock bury_bad_script(TestChain& source);

/// What a fresh coinbase holds, and what is left of it after `fee`.
inline Amount coin_value(const Params& params, Amount fee = 0) {
    return params.subsidy - fee;
}

} // namespace cairn::tests
