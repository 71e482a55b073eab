// SPDX-License-Identifier: MIT
// What is behind the door (chain.h): the chain thread, and all that it owns.
#pragma once

#include "chain/admission.h"
#include "chain/best_chain.h"
#include "chain/chainstate.h"
#include "chain/history.h"
#include "chain/indexer.h"
#include "chain/mempool_file.h"
#include "chain/once.h"
#include "chain/work_queue.h"
#include "consensus/version_bits.h"

#include <mutex>
#include <thread>

namespace cairn::chain {

/// All that the chain thread owns, and the thread.
class Chain::State {
public:
    State(Chain& chain, const consensus::Params& params, ChainOptions options)
        : chain_(chain),
          options_(std::move(options)),
          chainstate_(params, options_),
          indexer_(chainstate_, [this](const std::string& message) { fail(message); }),
          pool_(chainstate_.coins().salt()),
          admission_(chainstate_, pool_),
          unknown_rules_(params),
          best_chain_(
              chainstate_,
              admission_,
              stopping_,
              [this](const TipChange& change) { tip_changed(change); },
              [this] { wake(); }) {
        chainstate_.when_flush_fails([this] {
            push(
                Lane::Control, [this] { chainstate_.flush(); }, true);
        });
    }

    void start();
    void stop(const std::vector<Txid>& unbroadcast);
    /// Throws StorageError. Thread: any but the chain's.
    void save_mempool(const std::vector<Txid>& unbroadcast);
    /// Have import_mempool() done.
    void import_soon(
        std::optional<SavedMempool> read,
        const MempoolImport& what,
        std::function<void(bool)> done);

    /// Bits of rules that hold after `tip` and aren't known here. Thread: any.
    std::vector<int> unknown_rules(const BlockNode& tip) {
        const std::scoped_lock lock(unknown_rules_mutex_);
        return unknown_rules_.active(tip);
    }

    /// Have `work` done on a thread of its own. One such work after the other.
    void aside(std::function<void()> work);

    /// The disk failed, on any thread: the node is to stop.
    void fail(const std::string& message);

    /// What `read` finds on disk, of the block of `node` if that is given; nothing if it was pruned
    /// just now. If the disk fails, so does the node.
    template <class Read>
    auto from_disk(Read read, const BlockNode* node = nullptr) -> decltype(read()) {
        try {
            return read();
        } catch (const StorageError& error) {
            if (node && node->pruned()) return {};
            fail(error.what());
            throw;
        }
    }

    /// Null if its body is not stored. `checked`: by its checksum, too.
    StoredBlockRef read_stored(const BlockNode& node, bool checked) {
        if (!node.has(BlockNode::HAVE_BODY)) return nullptr;
        const auto read = [&] {
            Bytes bytes = chainstate_.store().read_block(node, checked);
            return std::make_shared<const StoredBlock>(std::move(bytes), node);
        };
        return from_disk(read, &node);
    }

    /// Have `task` done on the chain thread. False if it is refused, since too much waits.
    bool push(Lane lane, WorkQueue::Task task, bool must = false, size_t bytes = 0) {
        return queue_.push(lane, std::move(task), must, bytes) != WorkQueue::Pushed::Full;
    }

    /// Have `work` done on the chain thread, before blocks, and give `done` what it returns.
    template <class Work, class Done>
    void ask(Work work, Done done) {
        push(
            Lane::Control, [work = std::move(work), done = std::move(done)] { done(work()); },
            true);
    }

    // Have it accepted on the chain thread; false and `must` as for push().
    bool take_headers(
        std::vector<BlockHeader> headers,
        std::function<void(const HeadersOutcome&)> done,
        bool must);
    bool take_block(
        const std::shared_ptr<CheckedBlock>& block,
        bool requested,
        BestChain::Done done,
        bool must);

    bool take_transaction(
        const TransactionRef& tx,
        const AcceptOptions& options,
        std::function<void(const Result<Accepted>&)> done);

    // On the chain thread:
    HeadersOutcome accept_headers(const std::vector<BlockHeader>& headers);
    void accept_block(
        const std::shared_ptr<CheckedBlock>& checked, bool requested, const BestChain::Done& done);
    Result<Accepted> accept_transaction(
        const TransactionRef& tx,
        const AcceptOptions& options,
        const std::optional<Result<>>& scripts);
    PackageOutcome
    accept_package(const std::vector<TransactionRef>& package, const AcceptOptions& options);
    Result<> test_block(const BlockRef& block);
    Result<> change(const BlockNode& node, Result<> (BestChain::*how)(BlockNode&));
    Result<> adopt_snapshot(const BlockHash& base);
    void import_mempool(
        std::optional<SavedMempool> read,
        const MempoolImport& what,
        const std::function<void(bool)>& done);

    std::filesystem::path mempool_path() const { return options_.directory / "mempool.dat"; }

    /// The chain has moved on: tell observers, and those who gave us blocks.
    void announce();

    WorkQueue queue_; ///< Outlives the pool, whose threads wake the chain thread.
    std::atomic<bool> woken_{false};
    std::atomic<bool> history_woken_{false};
    Chain& chain_;
    const ChainOptions options_;
    Chainstate chainstate_;
    Indexer indexer_;
    Mempool pool_;
    Admission admission_;
    std::mutex unknown_rules_mutex_;
    consensus::UnknownRules unknown_rules_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> mempool_loaded_{false};
    std::atomic<TemplateSize> last_template_{{}};
    BestChain best_chain_;
    std::optional<History> history_; ///< There from a snapshot on until the next start.
    RecentBlocks recent_blocks_{16'000'000};
    std::mutex loading_;         ///< Held while a snapshot is read.
    std::mutex observers_mutex_; ///< Held during each call, so that one can leave for good.
    std::vector<ChainObserver*> observers_;
    std::function<void(const std::string&)> fatal_;

private:
    /// The scripts of a transaction, by the pool, unless the chain thread gets there first.
    struct ScriptsAhead {
        TransactionRef tx;
        Once once;
        std::optional<Result<>> verdict;
        std::atomic<bool> begun{false};
        std::atomic<bool> done{false};
    };

    void look_up(const consensus::Block& block, const std::weak_ptr<CheckedBlock>& checked) const;
    void check_ahead(const std::shared_ptr<ScriptsAhead>& ahead);
    /// Wait for it, if it has begun; meanwhile look at those that come after it.
    const std::optional<Result<>>& join(ScriptsAhead& ahead);

    void run();
    void open();
    void wake();
    void start_history();
    void wake_history();
    void begin_mempool();
    /// A thread that does `work`; if it fails, so does the node.
    std::thread spawn(std::function<void()> work);
    void import_part(
        const std::shared_ptr<const SavedMempool>& saved,
        const MempoolImport& what,
        size_t first,
        const std::function<void(bool)>& done);
    void tip_changed(const TipChange& change);
    void tell_observers();

    std::vector<TransactionRef> unsent_; ///< To be told of.
    std::thread thread_;
    std::thread aside_;
    std::thread mempool_reader_;    ///< Reads mempool.dat at the start: there may be much in it.
    std::mutex saving_;             ///< Held while that file is written.
    std::mutex aside_mutex_;        ///< Over aside_: calls come from any thread.
    bool failed_ = false;           ///< The disk did; nothing more is written.
    std::atomic<bool> told_{false}; ///< That it did.
    bool opened_ = false;           ///< open() is through.
    bool mempool_begun_ = false;    ///< Being loaded, or loaded.
};

} // namespace cairn::chain
