// SPDX-License-Identifier: MIT
#include "chain/chain_state.h"

#include "chain/snapshot.h"
#include "consensus/block_rules.h"

#include <algorithm>
#include <cassert>
#include <spdlog/spdlog.h>

namespace cairn::chain {

namespace {

/// What is worth another thread to be destroyed.
constexpr size_t MANY_EVENTS = 100;

} // namespace

void Chain::State::start() {
    assert(!thread_.joinable());
    queue_.push(Lane::Control, [this] { open(); });
    indexer_.start();
    thread_ = std::thread([this] { run(); });
}

void Chain::State::run() {
    name_thread("chain");
    try {
        // While no block fits, those that come wait in the queue, and all behind them.
        while (const std::optional<WorkQueue::Task> task =
                   queue_.pop(best_chain_.full() ? Lane::Control : Lane::Transactions))
            (*task)();
    } catch (const std::exception& error) {
        failed_ = true;
        queue_.close();
        best_chain_.abandon(); // nobody is to wait for blocks that will not be connected
        fail(error.what());
    }
}

void Chain::State::fail(const std::string& message) {
    spdlog::error("chain_failed error=\"{}\"", message);
    if (fatal_ && !told_.exchange(true)) fatal_(message);
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

void Chain::State::start_history() {
    history_.emplace(chainstate_, stopping_, [this] { wake_history(); });
    wake_history();
}

/// A step of it, after all that is more urgent.
void Chain::State::wake_history() {
    if (history_woken_.exchange(true)) return;
    push(
        Lane::Transactions,
        [this] {
            history_woken_ = false;
            history_->advance();
        },
        true);
}

Result<> Chain::State::adopt_snapshot(const BlockHash& base) {
    best_chain_.drain(); // The snapshot's block may be on top of an invalid one.
    const Result<const consensus::Snapshot*> entry = check_snapshot(chain_, base);
    if (!entry) {
        best_chain_.advance();
        return entry.error();
    }
    best_chain_.adopt_snapshot(*chainstate_.tree().find(base), **entry);
    chainstate_.durable_moved(); // indexes wait for the history, and nobody for them
    start_history();
    announce();
    return {};
}

void Chain::State::open() {
    chainstate_.rebuild(stopping_);
    if (chainstate_.tree().assumed()) start_history();
    opened_ = true;
    best_chain_.advance();
    announce();
}

void Chain::State::begin_mempool() {
    mempool_begun_ = true;
    const auto loaded = [this](bool) { mempool_loaded_ = true; };
    if (!options_.persist_mempool) return loaded(false);
    mempool_reader_ = spawn([this, loaded] {
        const MempoolImport all{.times = true, .priorities = true, .unbroadcast = true};
        import_soon(load_mempool(mempool_path()), all, loaded);
    });
}

void Chain::State::import_soon(
    std::optional<SavedMempool> read, const MempoolImport& what, std::function<void(bool)> done) {
    push(
        Lane::Control,
        [this, read = std::move(read), what, done = std::move(done)]() mutable {
            import_mempool(std::move(read), what, done);
        },
        true);
}

void Chain::State::import_mempool(
    std::optional<SavedMempool> read,
    const MempoolImport& what,
    const std::function<void(bool)>& done) {
    if (!read) return done(false);
    const auto saved = std::make_shared<const SavedMempool>(std::move(*read));
    if (what.priorities)
        for (const auto& [txid, amount] : saved->priorities) admission_.prioritise(txid, amount);
    import_part(saved, what, 0, done);
}

/// In parts, so that blocks don't wait for it.
void Chain::State::import_part(
    const std::shared_ptr<const SavedMempool>& saved,
    const MempoolImport& what,
    size_t first,
    const std::function<void(bool)>& done) {
    constexpr size_t PART = 100;
    const size_t last = std::min(first + PART, saved->items.size());
    const int64_t oldest = options_.now() - options_.mempool_expiry_seconds;
    std::vector<std::shared_ptr<ScriptsAhead>> ahead;
    for (size_t i = first; i < last; ++i) {
        ahead.push_back(std::make_shared<ScriptsAhead>());
        ahead.back()->tx = saved->items[i].tx;
        check_ahead(ahead.back());
    }
    for (size_t i = first; i < last; ++i) {
        const SavedMempool::Item& item = saved->items[i];
        const Txid& txid = item.tx->txid;
        if (what.priorities && item.priority != Amount(0))
            admission_.prioritise(txid, item.priority);
        const auto time = what.times ? std::optional(item.time) : std::nullopt;
        if (time.value_or(oldest) >= oldest)
            (void)admission_.accept(
                item.tx, {}, {.saved = true, .time = time, .scripts = join(*ahead[i - first])});
        if (what.unbroadcast && saved->unbroadcast.contains(txid) && pool_.find(txid))
            unsent_.push_back(item.tx);
    }
    announce();
    if (last < saved->items.size()) {
        push(
            Lane::Transactions,
            [this, saved, what, last, done] { import_part(saved, what, last, done); }, true);
        return;
    }
    spdlog::info("mempool_loaded transactions={} of={}", pool_.size(), saved->items.size());
    done(!saved->damaged);
}

void Chain::State::stop(const std::vector<Txid>& unbroadcast) {
    if (stopping_.exchange(true)) return;
    queue_.close();
    indexer_.stop();
    if (thread_.joinable()) thread_.join();
    if (mempool_reader_.joinable()) mempool_reader_.join(); // begun by the one before
    best_chain_.abandon();                                  // an import waits for its blocks
    {
        const std::scoped_lock lock(aside_mutex_);
        if (aside_.joinable()) aside_.join();
    }
    chainstate_.verify_pool().stop(); // its jobs read what is destroyed before it
    if (failed_) return;
    try {
        if (options_.persist_mempool && mempool_loaded_) save_mempool(unbroadcast);
        chainstate_.flush();
        if (history_) history_->flush();
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

/// Only while the list of what waits is copied does the chain thread wait for it.
void Chain::State::save_mempool(const std::vector<Txid>& unbroadcast) {
    const std::scoped_lock lock(saving_);
    const SavedMempool saved = to_save(*chain_.mempool(), unbroadcast);
    chain::save_mempool(mempool_path(), saved);
}

void Chain::State::aside(std::function<void()> work) {
    const std::scoped_lock lock(aside_mutex_);
    if (stopping_) return;
    if (aside_.joinable()) aside_.join();
    aside_ = spawn(std::move(work));
}

std::thread Chain::State::spawn(std::function<void()> work) {
    return std::thread([this, work = std::move(work)] {
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
    // What waits fits the tip of a chain that is caught up with only.
    if (opened_ && !mempool_begun_ && best_chain_.resting()) begin_mempool();
}

void Chain::State::tell_observers() {
    const std::scoped_lock lock(observers_mutex_);
    for (const TransactionRef& tx : std::exchange(unsent_, {}))
        for (ChainObserver* observer : observers_) observer->transaction_unsent(tx);
    auto events = std::make_shared<std::vector<MempoolEvent>>(admission_.take_events());
    for (const MempoolEvent& event : *events) {
        for (ChainObserver* observer : observers_) {
            if (event.removed)
                observer->transaction_removed(event);
            else
                observer->transaction_added(event);
        }
    }
    // Memory of a block's transactions takes a while to give back.
    if (events->size() > MANY_EVENTS)
        chainstate_.verify_pool().push([events = std::move(events)] {});
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
    const size_t bytes = headers.size() * sizeof(BlockHeader);
    return push(
        Lane::Control,
        [this, headers = std::move(headers), done = std::move(done)] {
            done(accept_headers(headers));
        },
        must, bytes);
}

bool Chain::State::take_block(
    const std::shared_ptr<CheckedBlock>& checked, bool requested, BestChain::Done done, bool must) {
    const BlockRef block = checked->block;
    const size_t bytes = block ? static_cast<size_t>(block->size_bytes()) : checked->wire.size();
    const bool taken = push(
        Lane::Blocks,
        [this, checked, requested, done = std::move(done)] {
            accept_block(checked, requested, done);
        },
        must, bytes);
    if (!taken) return false;
    // Weak: the chain thread may have been there first, and the block gone its way.
    chainstate_.verify_pool().push_urgent([this, block, weak = std::weak_ptr(checked)] {
        try {
            // First, since a chain thread that isn't busy checks the block meanwhile.
            if (block) look_up(*block, weak); // an import's comes before the mempool is filled
            if (const auto mine = weak.lock(); mine && !mine->begun) mine->check(chainstate_);
        } catch (const std::exception&) {
            // The chain thread tries it again, and stops.
        }
    });
    return true;
}

/// What is to go from the mempool. A little at a time: whoever commits waits for the lock, and a
/// worker's priority is low. The chain thread does what is left.
void Chain::State::look_up(
    const consensus::Block& block, const std::weak_ptr<CheckedBlock>& checked) const {
    constexpr size_t AT_ONCE = 100;
    for (size_t looked_up = 0; looked_up < block.transactions.size();) {
        const std::shared_lock lock(chainstate_.commit_mutex());
        const auto mine = pool_.size() > 0 ? checked.lock() : nullptr;
        if (!mine) return;
        pool_.look_up(block, mine->impact, AT_ONCE);
        looked_up = mine->impact.looked_up;
    }
}

void Chain::State::check_ahead(const std::shared_ptr<ScriptsAhead>& ahead) {
    // Weak: the chain thread may have been there first. After all blocks: junk costs no fee.
    chainstate_.verify_pool().push_idle([this, weak = std::weak_ptr(ahead)] {
        try {
            if (const auto mine = weak.lock())
                mine->once.run([&] {
                    mine->begun = true;
                    mine->verdict = admission_.check_ahead(mine->tx);
                    mine->done = true;
                });
        } catch (const std::exception&) {
            // The chain thread tries it again, and stops.
        }
    });
}

const std::optional<Result<>>& Chain::State::join(ScriptsAhead& ahead) {
    // Not idly: the pool's threads may get the processor late, since theirs is a low priority.
    while (ahead.begun && !ahead.done && !queue_.busy(Lane::Control) &&
           !queue_.busy(Lane::Blocks) && chainstate_.verify_pool().help()) {
    }
    ahead.once.run([] {});
    return ahead.verdict;
}

bool Chain::State::take_transaction(
    const TransactionRef& tx,
    const AcceptOptions& options,
    std::function<void(const Result<Accepted>&)> done) {
    // One that needs not wait is better off without another thread.
    const bool waits = queue_.busy(Lane::Transactions);
    const auto ahead = std::make_shared<ScriptsAhead>();
    ahead->tx = tx;
    const bool taken = push(
        Lane::Transactions,
        [this, ahead, options, done = std::move(done)] {
            done(accept_transaction(ahead->tx, options, join(*ahead)));
        },
        options.must, tx->size_bytes);
    if (taken && waits) check_ahead(ahead);
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
    const bool is_next = outcome.verdict && !outcome.known &&
                         outcome.node->parent == &chainstate_.tip() &&
                         outcome.node->has(BlockNode::HAVE_BODY);
    if (is_next && !chainstate_.initial_download()) {
        const std::scoped_lock lock(observers_mutex_);
        for (ChainObserver* observer : observers_)
            observer->block_checked(*outcome.node, checked->block);
    }
    best_chain_.advance();
    if (history_) wake_history();
    announce();
}

Result<Accepted> Chain::State::accept_transaction(
    const TransactionRef& tx,
    const AcceptOptions& options,
    const std::optional<Result<>>& scripts) {
    Result<Accepted> accepted = admission_.accept(tx, options, {.scripts = scripts});
    if (!accepted)
        spdlog::debug(
            "transaction_refused txid={} reason=\"{}\"", tx->txid.to_string(),
            accepted.error().reason);
    if (accepted && options.ours && !options.test_only) unsent_.push_back(tx);
    announce();
    return accepted;
}

PackageOutcome Chain::State::accept_package(
    const std::vector<TransactionRef>& package, const AcceptOptions& options) {
    PackageOutcome outcome = admission_.accept_package(package, options);
    if (options.ours && !options.test_only) {
        for (const TransactionRef& tx : package) {
            const auto found = outcome.each.find(tx->wtxid);
            if (found != outcome.each.end() && found->second && found->second->is_new())
                unsent_.push_back(tx);
        }
    }
    announce();
    return outcome;
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

} // namespace cairn::chain
