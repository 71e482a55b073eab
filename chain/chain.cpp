// SPDX-License-Identifier: MIT
#include "chain/chain.h"

#include "chain/admission.h"
#include "chain/best_chain.h"
#include "chain/block_template.h"
#include "chain/chainstate.h"
#include "chain/import.h"
#include "chain/mempool_file.h"
#include "chain/work_queue.h"
#include "consensus/block_rules.h"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <spdlog/spdlog.h>
#include <thread>

namespace cairn::chain {

void ChainObserver::tip_changed(const TipChange& /*change*/) {}

void ChainObserver::transaction_added(const TransactionRef& /*tx*/, FeeRate /*feerate*/) {}

void ChainObserver::transaction_removed(const TransactionRef& /*tx*/, RemovalReason /*reason*/) {}

/// All that the chain thread owns, and the thread.
class Chain::State {
public:
    State(Chain& chain, const consensus::Params& params, ChainOptions options)
        : chain_(chain),
          options_(std::move(options)),
          chainstate_(params, options_),
          pool_(chainstate_.coins().salt()),
          admission_(chainstate_, pool_),
          best_chain_(
              chainstate_,
              admission_,
              stopping_,
              [this](const TipChange& change) { tip_changed(change); },
              [this] { wake(); }) {}

    void start();
    void stop();
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

    /// Have `task` done on the chain thread. False if it is refused, since too much waits.
    bool push(Lane lane, WorkQueue::Task task, bool must = false) {
        return queue_.push(lane, std::move(task), must) != WorkQueue::Pushed::Full;
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
        std::shared_ptr<CheckedBlock> block, bool requested, BestChain::Done done, bool must);

    // On the chain thread:
    HeadersOutcome accept_headers(const std::vector<BlockHeader>& headers);
    void accept_block(
        const std::shared_ptr<CheckedBlock>& checked, bool requested, const BestChain::Done& done);
    Result<Accepted> accept_transaction(const TransactionRef& tx, const AcceptOptions& options);
    Result<> test_block(const BlockRef& block);
    Result<> change(const BlockNode& node, Result<> (BestChain::*how)(BlockNode&));
    /// The chain has moved on: tell observers, and those who gave us blocks.
    void announce();

    WorkQueue queue_; ///< Outlives the pool, whose threads wake the chain thread.
    std::atomic<bool> woken_{false};
    Chain& chain_;
    const ChainOptions options_;
    Chainstate chainstate_;
    Mempool pool_;
    Admission admission_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> mempool_loaded_{false};
    BestChain best_chain_;
    std::mutex observers_mutex_; ///< Held during each call, so that one can leave for good.
    std::vector<ChainObserver*> observers_;
    std::function<void(const std::string&)> fatal_;

private:
    void run();
    void open();
    void wake();
    void load_mempool_part(const std::shared_ptr<SavedMempool>& saved, size_t first);
    void tip_changed(const TipChange& change);
    void tell_observers();

    std::filesystem::path mempool_path() const { return options_.directory / "mempool.dat"; }

    std::thread thread_;
    std::thread aside_;
    std::mutex aside_mutex_; ///< Over aside_: calls come from any thread.
    bool failed_ = false;    ///< The disk did; nothing more is written.
};

void Chain::State::start() {
    assert(!thread_.joinable());
    queue_.push(Lane::Control, [this] { open(); });
    thread_ = std::thread([this] { run(); });
}

void Chain::State::run() {
    try {
        // While no block fits, those that come wait in the queue, and all behind them.
        while (const std::optional<WorkQueue::Task> task =
                   queue_.pop(best_chain_.full() ? Lane::Control : Lane::Transactions))
            (*task)();
    } catch (const std::exception& error) {
        failed_ = true;
        queue_.close();
        fail(error.what());
    }
}

void Chain::State::fail(const std::string& message) {
    spdlog::error("chain_failed error=\"{}\"", message);
    if (fatal_) fatal_(message);
}

/// Some blocks in flight are through. One task is enough for all that are by then.
void Chain::State::wake() {
    if (woken_.exchange(true)) return;
    push(
        Lane::Control,
        [this] {
            woken_ = false;
            best_chain_.advance();
            announce();
        },
        true);
}

void Chain::State::open() {
    chainstate_.rebuild(stopping_);
    chainstate_.complete_filters(stopping_);
    best_chain_.finish();
    announce();
    std::optional<SavedMempool> saved;
    if (options_.persist_mempool) saved = load_mempool(mempool_path());
    if (!saved) {
        mempool_loaded_ = true;
        return;
    }
    for (const auto& [txid, amount] : saved->priorities) admission_.prioritise(txid, amount);
    load_mempool_part(std::make_shared<SavedMempool>(std::move(*saved)), 0);
}

/// In parts, so that blocks don't wait for it.
void Chain::State::load_mempool_part(const std::shared_ptr<SavedMempool>& saved, size_t first) {
    constexpr size_t PART = 100;
    const size_t last = std::min(first + PART, saved->items.size());
    const int64_t oldest = options_.now() - options_.mempool_expiry_seconds;
    for (size_t i = first; i < last; ++i) {
        const SavedMempool::Item& item = saved->items[i];
        if (item.priority != Amount(0)) admission_.prioritise(item.tx->txid, item.priority);
        if (item.time >= oldest) (void)admission_.accept(item.tx, {}, {.time = item.time});
    }
    announce();
    if (last < saved->items.size()) {
        push(
            Lane::Transactions, [this, saved, last] { load_mempool_part(saved, last); }, true);
        return;
    }
    mempool_loaded_ = true;
    spdlog::info("mempool_loaded transactions={} of={}", pool_.size(), saved->items.size());
}

void Chain::State::stop() {
    if (stopping_.exchange(true)) return;
    queue_.close();
    if (thread_.joinable()) thread_.join();
    best_chain_.abandon(); // an import waits for its blocks
    {
        const std::scoped_lock lock(aside_mutex_);
        if (aside_.joinable()) aside_.join();
    }
    if (failed_) return;
    try {
        if (options_.persist_mempool && mempool_loaded_) save_mempool(mempool_path(), pool_);
        chainstate_.flush();
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void Chain::State::aside(std::function<void()> work) {
    const std::scoped_lock lock(aside_mutex_);
    if (stopping_) return;
    if (aside_.joinable()) aside_.join();
    aside_ = std::thread([this, work = std::move(work)] {
        try {
            work();
        } catch (const std::exception& error) {
            fail(error.what());
        }
    });
}

void Chain::State::announce() {
    tell_observers();
    best_chain_.answer();
}

void Chain::State::tell_observers() {
    const std::scoped_lock lock(observers_mutex_);
    for (const MempoolEvent& event : admission_.take_events()) {
        for (ChainObserver* observer : observers_) {
            if (event.removed)
                observer->transaction_removed(event.tx, *event.removed);
            else
                observer->transaction_added(event.tx, event.feerate);
        }
    }
}

void Chain::State::tip_changed(const TipChange& change) {
    tell_observers();
    const BlockNode& tip = *change.new_tip;
    spdlog::log(
        change.initial_download && tip.height.value % 1000 != 0 ? spdlog::level::debug
                                                                : spdlog::level::info,
        "tip_changed height={} hash={} time={} txs={}", tip.height.value, tip.hash.to_string(),
        tip.header.time, tip.chain_tx_count.load());
    const std::scoped_lock lock(observers_mutex_);
    for (ChainObserver* observer : observers_) observer->tip_changed(change);
}

bool Chain::State::take_headers(
    std::vector<BlockHeader> headers, std::function<void(const HeadersOutcome&)> done, bool must) {
    return push(
        Lane::Control,
        [this, headers = std::move(headers), done = std::move(done)] {
            done(accept_headers(headers));
        },
        must);
}

bool Chain::State::take_block(
    std::shared_ptr<CheckedBlock> checked, bool requested, BestChain::Done done, bool must) {
    const bool taken = push(
        Lane::Blocks,
        [this, checked, requested, done = std::move(done)] {
            accept_block(checked, requested, done);
        },
        must);
    if (taken)
        // Weak: the chain thread may have been there first, and the block gone its way.
        chainstate_.verify_pool().push_urgent([this, weak = std::weak_ptr(checked)] {
            try {
                if (const auto block = weak.lock()) block->check(chainstate_);
            } catch (const std::exception&) {
                // The chain thread tries it again, and stops.
            }
        });
    return taken;
}

HeadersOutcome Chain::State::accept_headers(const std::vector<BlockHeader>& headers) {
    HeadersOutcome outcome;
    const size_t before = chainstate_.tree().size();
    for (const BlockHeader& header : headers) {
        const Result<BlockNode*> node = chainstate_.accept_header(header, header.hash());
        if (!node) {
            outcome.verdict = node.error();
            break;
        }
        outcome.last = *node;
        ++outcome.accepted;
    }
    outcome.new_count = chainstate_.tree().size() - before;
    chainstate_.write_headers();
    announce();
    return outcome;
}

void Chain::State::accept_block(
    const std::shared_ptr<CheckedBlock>& checked, bool requested, const BestChain::Done& done) {
    BlockOutcome outcome;
    outcome.verdict = chainstate_.accept_block(*checked, requested, outcome);
    best_chain_.add(outcome, checked, done);
    best_chain_.advance();
    announce();
}

Result<Accepted>
Chain::State::accept_transaction(const TransactionRef& tx, const AcceptOptions& options) {
    const Result<Accepted> accepted = admission_.accept(tx, options, {});
    if (!accepted)
        spdlog::debug(
            "transaction_refused txid={} reason=\"{}\"", tx->txid.to_string(),
            accepted.error().reason);
    announce();
    return accepted;
}

Result<> Chain::State::test_block(const BlockRef& proposed) {
    const Block& block = *proposed;
    const BlockNode& tip = chainstate_.tip();
    const consensus::Params& params = chainstate_.params();
    if (block.header.prev_hash != tip.hash)
        return consensus::invalid("inconclusive-not-best-prevblk");
    Result<> verdict = consensus::accept_header(block.header, tip, params, options_.now());
    if (verdict) verdict = consensus::check_block(block, params, consensus::BlockProof::NotYet);
    if (verdict) verdict = consensus::accept_block(block, tip, params);
    if (!verdict) return verdict;
    const consensus::HeaderNode node(block.header, block.header.hash(), &tip);
    const auto connecting = chainstate_.connect_block(proposed, node);
    if (!connecting) return connecting.error();
    return (*connecting)->script_verdict();
}

Result<> Chain::State::change(const BlockNode& node, Result<> (BestChain::*how)(BlockNode&)) {
    // The caller's node is one of the tree's own, which belong to this thread.
    Result<> verdict = (best_chain_.*how)(const_cast<BlockNode&>(node));
    announce();
    return verdict;
}

Chain::Chain(const consensus::Params& params, ChainOptions options)
    : state_(std::make_unique<State>(*this, params, std::move(options))) {}

Chain::~Chain() {
    stop();
}

void Chain::start() {
    state_->start();
}

void Chain::stop() {
    state_->stop();
}

void Chain::add_observer(ChainObserver& observer) {
    const std::scoped_lock lock(state_->observers_mutex_);
    state_->observers_.push_back(&observer);
}

void Chain::remove_observer(ChainObserver& observer) {
    const std::scoped_lock lock(state_->observers_mutex_);
    std::erase(state_->observers_, &observer);
}

void Chain::on_fatal(std::function<void(const std::string& message)> handler) {
    state_->fatal_ = std::move(handler);
}

const consensus::Params& Chain::params() const {
    return state_->chainstate_.params();
}

View Chain::view() const {
    return View(&state_->chainstate_.tip());
}

const BlockNode& Chain::best_header() const {
    return state_->chainstate_.tree().best_header();
}

const BlockNode* Chain::find_block(const BlockHash& hash) const {
    return std::as_const(state_->chainstate_).tree().find(hash);
}

std::vector<ChainTip> Chain::tips() const {
    const BlockNode& active = state_->chainstate_.tip();
    std::vector<const BlockNode*> ends = state_->chainstate_.tree().leaves();
    if (std::ranges::find(ends, &active) == ends.end()) ends.push_back(&active);
    std::vector<ChainTip> tips;
    for (const BlockNode* node : ends) {
        ChainTip tip;
        tip.node = node;
        tip.branch_length = node->height.value - last_common_ancestor(node, &active)->height.value;
        if (active.descends_from(*node))
            tip.status = "active";
        else if (node->failed())
            tip.status = "invalid";
        else if (node->chain_tx_count == 0)
            tip.status = "headers-only";
        else
            tip.status = node->has(BlockNode::VALID_SCRIPTS) ? "valid-fork" : "valid-headers";
        tips.push_back(tip);
    }
    std::ranges::sort(tips, [](const ChainTip& a, const ChainTip& b) {
        return a.node->height != b.node->height ? a.node->height > b.node->height
                                                : a.node->hash < b.node->hash;
    });
    return tips;
}

bool Chain::initial_download() const {
    return state_->chainstate_.initial_download();
}

BlockRef Chain::read_block(const BlockNode& node) const {
    if (!node.has(BlockNode::HAVE_BODY)) return nullptr;
    return state_->from_disk([&] { return state_->chainstate_.load_block(node); }, &node);
}

Bytes Chain::read_block_bytes(const BlockNode& node) const {
    if (!node.has(BlockNode::HAVE_BODY)) return {};
    return state_->from_disk([&] { return state_->chainstate_.store().read_block(node); });
}

std::optional<BlockUndo> Chain::read_undo(const BlockNode& node, const Block& block) const {
    if (!node.has(BlockNode::HAVE_UNDO)) return std::nullopt;
    return state_->from_disk(
        [&] { return std::optional(state_->chainstate_.load_undo(node, block)); }, &node);
}

Height Chain::first_body() const {
    return state_->chainstate_.first_body();
}

std::optional<FilterEntry> Chain::read_filter(const BlockNode& node) const {
    return state_->from_disk([&] { return state_->chainstate_.store().read_filter(node); });
}

std::optional<Coin>
Chain::find_coin(const OutPoint& point, bool with_mempool, const BlockNode** tip) const {
    State& state = *state_;
    const std::shared_lock lock(state.chainstate_.commit_mutex());
    if (tip) *tip = &state.chainstate_.tip();
    if (with_mempool) {
        if (state.pool_.spender(point)) return std::nullopt;
        if (std::optional<Coin> coin = state.pool_.find_coin(point)) return coin;
    }
    return state.from_disk([&] { return state.chainstate_.coins().find(point); });
}

MempoolReader Chain::mempool() const {
    return {std::shared_lock(state_->chainstate_.commit_mutex()), state_->pool_};
}

bool Chain::mempool_loaded() const {
    return state_->mempool_loaded_;
}

FeeRate Chain::mempool_min_feerate() const {
    const std::shared_lock lock(state_->chainstate_.commit_mutex());
    return state_->admission_.min_feerate();
}

const ChainOptions& Chain::options() const {
    return state_->options_;
}

ChainStatistics Chain::statistics() const {
    const Chainstate::CacheSize& cache = state_->chainstate_.cache_size();
    const Store& store = state_->chainstate_.store();
    ChainStatistics now{store.disk_bytes(), store.coin_bytes(), cache.bytes, cache.coins, {}};
    for (size_t i = 0; i < STAGE_NAMES.size(); ++i)
        now.stage_seconds[i] = state_->chainstate_.times().seconds(static_cast<Stage>(i));
    return now;
}

std::optional<Event> Chain::read_event(uint64_t number) const {
    return state_->from_disk([&] { return state_->chainstate_.read_event(number); });
}

static Reject busy() {
    return consensus::policy("busy", "too much waits for the chain already");
}

void Chain::accept_headers(
    std::vector<BlockHeader> headers, std::function<void(const HeadersOutcome&)> done) {
    if (!state_->take_headers(std::move(headers), done, false)) done({.verdict = busy()});
}

void Chain::import_headers(
    std::vector<BlockHeader> headers, std::function<void(const HeadersOutcome&)> done) {
    state_->take_headers(std::move(headers), std::move(done), true);
}

void Chain::accept_block(
    BlockRef block, bool requested, std::function<void(const BlockOutcome&)> done) {
    if (!state_->take_block(
            std::make_shared<CheckedBlock>(std::move(block)), requested, done, false))
        done({.verdict = busy()});
}

void Chain::import_block(Bytes block, std::function<void(const BlockOutcome&)> done) {
    state_->take_block(
        std::make_shared<CheckedBlock>(std::move(block)), true, std::move(done), true);
}

void Chain::accept_transaction(
    TransactionRef tx, AcceptOptions options, std::function<void(const Result<Accepted>&)> done) {
    const bool taken =
        state_->push(Lane::Transactions, [state = state_.get(), tx = std::move(tx), options, done] {
            done(state->accept_transaction(tx, options));
        });
    if (!taken) done(busy());
}

void Chain::make_template(Script payout, std::function<void(const BlockTemplate&)> done) {
    state_->ask(
        [state = state_.get(), payout = std::move(payout)] {
            return make_block_template(state->chainstate_, state->pool_, payout);
        },
        std::move(done));
}

void Chain::test_block(BlockRef block, std::function<void(const Result<>&)> done) {
    state_->ask(
        [state = state_.get(), block = std::move(block)] { return state->test_block(block); },
        std::move(done));
}

void Chain::invalidate_block(const BlockNode& node, std::function<void(const Result<>&)> done) {
    state_->ask(
        [state = state_.get(), &node] { return state->change(node, &BestChain::invalidate); },
        std::move(done));
}

void Chain::reconsider_block(const BlockNode& node, std::function<void(const Result<>&)> done) {
    state_->ask(
        [state = state_.get(), &node] { return state->change(node, &BestChain::reconsider); },
        std::move(done));
}

void Chain::precious_block(const BlockNode& node, std::function<void(const Result<>&)> done) {
    state_->ask(
        [state = state_.get(), &node] { return state->change(node, &BestChain::precious); },
        std::move(done));
}

void Chain::prioritise(const Txid& txid, Amount delta, std::function<void()> done) {
    state_->push(
        Lane::Control,
        [state = state_.get(), txid, delta, done = std::move(done)] {
            state->admission_.prioritise(txid, delta);
            done();
        },
        true);
}

void Chain::scan_coins(std::function<void(const CoinScan&)> done) {
    state_->ask(
        [state = state_.get()] { return state->chainstate_.scan_coins(); }, std::move(done));
}

void Chain::import_blocks(
    std::vector<std::filesystem::path> files, std::function<void(const Result<>&)> done) {
    state_->aside([this, files = std::move(files), done = std::move(done)] {
        const Result<> verdict = import_block_files(*this, files, state_->stopping_);
        state_->push(
            Lane::Blocks, [verdict, done] { done(verdict); }, true);
    });
}

void Chain::prune(Height last, std::function<void(Height)> done) {
    state_->ask(
        [state = state_.get(), last] { return state->chainstate_.prune(last); }, std::move(done));
}

void Chain::export_blocks(std::filesystem::path file, std::function<void()> done) {
    state_->aside([this, file = std::move(file), done = std::move(done)] {
        export_block_file(*this, file, state_->stopping_);
        state_->push(Lane::Control, done, true);
    });
}

void Chain::after_all(std::function<void()> done) {
    // The last lane: whatever came before, in any lane, was taken out before this.
    state_->push(
        Lane::Transactions,
        [state = state_.get(), done = std::move(done)] {
            state->best_chain_.finish();
            state->announce();
            done();
        },
        true);
}

} // namespace cairn::chain
