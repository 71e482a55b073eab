// SPDX-License-Identifier: MIT
// The door to the chain: what the network, the miner and JSON-RPC may ask of it. Reads go to
// immutable data and wait for no validation; changes are handed to the chain thread, which alone
// owns and alters the state.
#pragma once

#include "chain/accepted.h"
#include "chain/block_node.h"
#include "chain/chain_options.h"
#include "chain/stage_times.h"
#include "chain/store.h"
#include "chain/stored_block.h"
#include "consensus/block.h"
#include "consensus/coin.h"
#include "consensus/params.h"
#include "consensus/result.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cairn::chain {

using consensus::BlockHeader;
using consensus::BlockRef;
using consensus::Script;

/// A block that entered or left the active chain.
struct BlockChange {
    const BlockNode* node = nullptr;
    BlockRef block;
};

/// One move of the tip: blocks disconnected (highest first), then connected (lowest first).
struct TipChange {
    const BlockNode* old_tip = nullptr;
    const BlockNode* new_tip = nullptr;
    std::vector<BlockChange> disconnected;
    std::vector<BlockChange> connected;
    bool initial_download = false;
};

/// Told of each change, on the chain thread, after readers can see it. Returns at once.
class ChainObserver {
public:
    virtual ~ChainObserver() = default;
    /// `block` extends the tip, and its coins are looked at next: peers may have it (BIP-0152).
    virtual void block_checked(const BlockNode& node, const BlockRef& block);
    virtual void tip_changed(const TipChange& change);
    virtual void transaction_added(const MempoolEvent& event);
    virtual void transaction_removed(const MempoolEvent& event);
    /// Ours, or saved as one that no peer had asked for. If it is added just now, said before that:
    /// no peer can have asked for it yet.
    virtual void transaction_unsent(const TransactionRef& tx);
};

/// Outcome of a run of headers: how far they were accepted, and what stopped them.
struct HeadersOutcome {
    Result<> verdict;
    const BlockNode* last = nullptr; ///< The last one that is in the tree; null for none.
    size_t new_count = 0;            ///< How many were not known before.
    size_t accepted = 0;             ///< How many are good, from the first on.
};

/// Outcome of a block.
struct BlockOutcome {
    /// Of its checks, scripts included if it was connected or failed to be.
    Result<> verdict;
    const BlockNode* node = nullptr; ///< Its place in the tree, if its header is good.
    bool known = false;              ///< The body was here before.
    bool on_active_chain = false;    ///< After this call.
};

/// What importing a saved mempool takes over besides transactions.
struct MempoolImport {
    bool times = false;       ///< When they came in; else: now.
    bool priorities = false;  ///< Added to those that are here.
    bool unbroadcast = false; ///< Which of them no peer has asked for.
};

/// A block to be mined, complete but for its nonce. Core: CBlockTemplate.
struct BlockTemplate {
    std::shared_ptr<consensus::Block> block; ///< Coinbase first; merkle root set.
    const BlockNode* parent = nullptr;
    Height height;
    std::vector<Amount> fees;         ///< One a transaction; of the coinbase 0.
    std::vector<int64_t> sigop_costs; ///< One a transaction.
    Amount coinbase_value;            ///< Subsidy and fees.
    int64_t weight = 0;               ///< With what is reserved for header and coinbase.
    Script witness_commitment;        ///< Of the output that carries it.
    uint32_t min_time = 0;            ///< The earliest time the header may have.
    uint64_t mempool_sequence = 0;    ///< It was made from the mempool as of this.
};

/// How full a template is.
struct TemplateSize {
    uint32_t weight = 0;       ///< With what is reserved; 0: there was none yet.
    uint32_t transactions = 0; ///< Without the coinbase.
};

/// A leaf of the header tree, as getchaintips tells it.
struct ChainTip {
    const BlockNode* node = nullptr;
    int32_t branch_length = 0;
    std::string_view status; ///< Core's: active, valid-fork, valid-headers, headers-only, invalid
};

/// Progress of the store and caches, for getblockchaininfo and the log.
struct ChainStatistics {
    uint64_t disk_bytes = 0;
    uint64_t body_bytes = 0; ///< Of them for blocks and undo data.
    uint64_t coin_bytes = 0; ///< Of them for coins, about.
    size_t cache_bytes = 0;
    size_t cached_coins = 0;
    std::array<double, STAGE_NAMES.size()> stage_seconds{}; ///< Of the processor, since the start.
};

/// A coin set as a file has it.
struct SnapshotSummary {
    const BlockNode* base = nullptr; ///< The coins are as of this block.
    uint64_t coins = 0;
    Hash256 hash; ///< hash_serialized_3
};

/// A snapshot that was loaded, and how far the blocks before it are validated.
struct AssumedChain {
    const BlockNode* base = nullptr;
    const BlockNode* validated = nullptr;
};

/// All coins of one tip. The chain outlives it.
struct CoinScan {
    const BlockNode* tip = nullptr;
    std::shared_ptr<CoinCursor> coins;
};

class Indexer;

/// The chain, from its directory on disk to its tip.
///
/// Construction opens the store, recovers to a consistent tip and starts the chain thread.
/// Thread: reads from any; the state is the chain thread's. `done` functions and observers run on
/// the chain thread and must return at once: post what takes longer.
class Chain {
public:
    /// Throws StorageError: locked by another process, newer format, damaged, disk error.
    Chain(const consensus::Params& params, ChainOptions options);
    ~Chain(); ///< Calls stop().
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;

    /// Connect what waits, load the mempool, accept work. Observers are added before.
    void start();
    /// Leave the blocks in flight for the next start, save the mempool, flush, close. Later calls
    /// do nothing; their `done`, and those of blocks in flight, are dropped.
    /// `unbroadcast`: transactions that no peer has asked for, to be saved as such.
    void stop(const std::vector<Txid>& unbroadcast = {});

    void add_observer(ChainObserver& observer);
    /// Afterwards it is not called any more; waits for a call in progress. Not from within one.
    void remove_observer(ChainObserver& observer);
    /// Called, on any thread, if the disk fails, be it for a reader: the process must stop.
    void on_fatal(std::function<void(const std::string& message)> handler);

    // Reads, any thread ///////////////////////////////////////////////////////////////////////

    const consensus::Params& params() const;
    View view() const;
    const BlockNode& best_header() const; ///< Most work, not known to be invalid.
    const BlockNode* find_block(const BlockHash& hash) const;
    std::vector<ChainTip> tips() const;          ///< Highest first.
    std::optional<AssumedChain> assumed() const; ///< nullopt once it is validated.
    bool initial_download() const;               ///< Latched: once false, false until restart.
    TemplateSize last_template() const;          ///< Whoever asked for it.
    bool catching_up() const; ///< In the initial download, and better blocks are known already.
    std::vector<std::string> warnings() const; ///< To an operator, in the reference's words.

    // Blocks; null or empty if they are not stored (any more). Throw StorageError.
    BlockRef read_block(const BlockNode& node) const;
    Bytes read_block_bytes(const BlockNode& node) const; ///< As on the wire.
    /// To list its transactions: of what is read only what the merkle root tells is checked.
    StoredBlockRef read_outline(const BlockNode& node) const;
    /// To find a few of its transactions. All of it is checked, and kept for the next ones.
    StoredBlockRef recent_block(const BlockNode& node) const;
    /// Of `block`; nullopt if it was never connected, or is genesis. Throws StorageError.
    std::optional<BlockUndo> read_undo(const BlockNode& node, const consensus::Block& block) const;
    Height first_body() const;      ///< Bodies of the active chain are stored from this one on.
    const Indexer& indexes() const; ///< What was asked for, beside the chain (-txindex and others).

    /// The coin at `point` in the tip's set and, if `with_mempool`, after what waits. `tip`, if
    /// given, is set to the tip it belongs to. Height of a waiting coin: MEMPOOL_HEIGHT.
    std::optional<Coin>
    find_coin(const OutPoint& point, bool with_mempool, const BlockNode** tip = nullptr) const;
    MempoolReader mempool() const;
    bool mempool_loaded() const;
    FeeRate mempool_min_feerate() const; ///< What the mempool takes at present.
    const ChainOptions& options() const;
    ChainStatistics statistics() const;

    /// What joined or left the active chain, by consecutive numbers from 0; nullopt past the last
    /// one that is on disk together with its tip. Throws StorageError.
    std::optional<Event> read_event(uint64_t number) const;
    uint64_t event_count() const; ///< How many there are of these.

    // Changes, any thread; `done` runs on the chain thread. The accept_ functions, if too much
    // waits already, call it at once on the caller's thread, with a Reject of kind Busy

    void accept_headers(
        std::vector<BlockHeader> headers, const std::function<void(const HeadersOutcome&)>& done);
    /// Check, store, make it the tip if it has the most work; then call `done`. `requested`: by us,
    /// so it is stored even where it isn't the best chain yet.
    void accept_block(
        BlockRef block, bool requested, const std::function<void(const BlockOutcome&)>& done);
    void accept_transaction(
        const TransactionRef& tx,
        const AcceptOptions& options,
        const std::function<void(const Result<Accepted>&)>& done);
    /// Parents first; see Admission::accept_package().
    void accept_package(
        std::vector<TransactionRef> package,
        const AcceptOptions& options,
        const std::function<void(const PackageOutcome&)>& done);
    /// As accept_headers() and accept_block(), never refused: for one who limits himself.
    void import_headers(
        std::vector<BlockHeader> headers, std::function<void(const HeadersOutcome&)> done);
    void import_block(Bytes block, std::function<void(const BlockOutcome&)> done);
    /// A template over the tip, paying to `payout`.
    void make_template(Script payout, std::function<void(const BlockTemplate&)> done);
    /// Check a block as if it were next, without its proof of work. Core: TestBlockValidity.
    void test_block(BlockRef block, std::function<void(const Result<>&)> done);
    void invalidate_block(const BlockNode& node, std::function<void(const Result<>&)> done);
    void reconsider_block(const BlockNode& node, std::function<void(const Result<>&)> done);
    void precious_block(const BlockNode& node, std::function<void(const Result<>&)> done);
    void prioritise(const Txid& txid, Amount delta, std::function<void()> done);
    /// Write mempool.dat, as stop() does. Its path; nullopt if it can't be written. Thread: any but
    /// the chain's, on which nothing waits for it.
    std::optional<std::filesystem::path> save_mempool(const std::vector<Txid>& unbroadcast) const;
    /// Take over what is in such a file, read on the caller's thread; `done` is given whether it
    /// could be read.
    void import_mempool(
        const std::filesystem::path& file,
        const MempoolImport& what,
        std::function<void(bool)> done);
    /// A walk over all coins as of a tip, while the chain goes on. Writes what is only in memory.
    void scan_coins(std::function<void(const CoinScan&)> done);
    /// Make the coins of a snapshot file (snapshot.h) those of the tip, if the chain file has their
    /// hash; what led there is validated afterwards. Errors: Invalid, as read_snapshot()'s.
    /// Thread: any but the chain's. Takes as long as it takes, or until `stop` becomes true.
    Result<SnapshotSummary>
    load_snapshot(const std::filesystem::path& file, const std::atomic<bool>& stop);
    /// Read blocks from files of the common blk*.dat framing (magic, length, block), in any order.
    void import_blocks(
        std::vector<std::filesystem::path> files, std::function<void(const Result<>&)> done);
    /// Delete bodies up to `last`, never the last KEPT_BLOCKS; `done` is given first_body().
    void prune(Height last, std::function<void(Height)> done);
    /// Write the active chain to `file` in that framing; `done` is called once it is complete.
    void export_blocks(std::filesystem::path file, std::function<void()> done);
    /// Called as soon as the thread has done what it is at: it still turns.
    void heartbeat(std::function<void()> done);
    /// Called once all that was asked before is done. Core: SyncWithValidationInterfaceQueue.
    void after_all(std::function<void()> done);

    static constexpr Height MEMPOOL_HEIGHT = 0x7fffffff;
    static constexpr int32_t KEPT_BLOCKS = 288; ///< Core: MIN_BLOCKS_TO_KEEP.

private:
    class State;
    std::unique_ptr<State> state_;
};

/// Make the coinbase's witness commitment and the merkle root anew, after a change of the
/// transactions or of the coinbase's scripts. Core: RegenerateCommitments.
void regenerate_commitments(consensus::Block& block);

} // namespace cairn::chain
