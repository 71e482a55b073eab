// SPDX-License-Identifier: MIT
#include "chain/chain.h"

#include "chain/block_template.h"
#include "chain/chain_state.h"
#include "chain/file.h"
#include "chain/import.h"
#include "chain/indexer.h"
#include "chain/snapshot.h"
#include "consensus/pow.h"

#include <algorithm>
#include <future>
#include <spdlog/spdlog.h>

namespace cairn::chain {

void ChainObserver::block_checked(const BlockNode& /*node*/, const BlockRef& /*block*/) {}

void ChainObserver::tip_changed(const TipChange& /*change*/) {}

void ChainObserver::transaction_added(const MempoolEvent& /*event*/) {}

void ChainObserver::transaction_unsent(const TransactionRef& /*tx*/) {}

void ChainObserver::transaction_removed(const MempoolEvent& /*event*/) {}

Chain::Chain(const consensus::Params& params, ChainOptions options)
    : state_(std::make_unique<State>(*this, params, std::move(options))) {}

Chain::~Chain() {
    stop();
}

void Chain::start() {
    state_->start();
}

void Chain::stop(const std::vector<Txid>& unbroadcast) {
    state_->stop(unbroadcast);
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

std::vector<std::string> Chain::warnings() const {
    constexpr int BLOCKS_AHEAD = 6;
    constexpr uint64_t LOW_DISK_BYTES = 5 * MIN_FREE_BYTES;
    const BlockNode& tip = state_->chainstate_.tip();
    const BlockNode* failed = state_->chainstate_.tree().best_failed();
    std::vector<std::string> warnings;
    const std::optional<uint64_t> free = free_bytes(state_->options_.directory);
    if (free && *free < LOW_DISK_BYTES)
        warnings.push_back(fmt::format(
            "Warning: Disk space is low: less than {} MB are free. The node stops while there is "
            "still some.",
            LOW_DISK_BYTES / 1'000'000));
    if (!initial_download())
        for (const int bit : state_->unknown_rules(tip))
            warnings.push_back(fmt::format("Unknown new rules activated (versionbit {})", bit));
    // Source: Core's CheckForkWarningConditions.
    if (failed && failed->work > tip.work + consensus::work_of(tip.header.bits) * BLOCKS_AHEAD)
        warnings.emplace_back(
            "Warning: Found invalid chain more than 6 blocks longer than our best chain. This "
            "could be due to database corruption or consensus incompatibility with peers.");
    return warnings;
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

std::optional<AssumedChain> Chain::assumed() const {
    const BlockNode* base = state_->chainstate_.tree().assumed();
    const BlockNode* validated = state_->chainstate_.history_tip();
    if (!base || !validated) return std::nullopt;
    return AssumedChain{base, validated};
}

bool Chain::initial_download() const {
    return state_->chainstate_.initial_download();
}

TemplateSize Chain::last_template() const {
    return state_->last_template_;
}

bool Chain::catching_up() const {
    return initial_download() && best_header().height > view().height();
}

BlockRef Chain::read_block(const BlockNode& node) const {
    if (!node.has(BlockNode::HAVE_BODY)) return nullptr;
    return state_->from_disk([&] { return state_->chainstate_.load_block(node); }, &node);
}

Bytes Chain::read_block_bytes(const BlockNode& node) const {
    if (!node.has(BlockNode::HAVE_BODY)) return {};
    return state_->from_disk([&] { return state_->chainstate_.store().read_block(node); });
}

StoredBlockRef Chain::read_outline(const BlockNode& node) const {
    return state_->read_stored(node, false);
}

StoredBlockRef Chain::recent_block(const BlockNode& node) const {
    if (StoredBlockRef block = state_->recent_blocks_.find(node)) return block;
    StoredBlockRef block = state_->read_stored(node, true);
    if (block) state_->recent_blocks_.add(node, block);
    return block;
}

std::optional<BlockUndo> Chain::read_undo(const BlockNode& node, const Block& block) const {
    if (!node.has(BlockNode::HAVE_UNDO)) return std::nullopt;
    return state_->from_disk(
        [&] { return std::optional(state_->chainstate_.load_undo(node, block)); }, &node);
}

Height Chain::first_body() const {
    return state_->chainstate_.first_body();
}

const Indexer& Chain::indexes() const {
    return state_->indexer_;
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
    ChainStatistics now{store.disk_bytes(), store.body_bytes(), store.coin_bytes(),
                        cache.bytes,        cache.coins,        {}};
    for (size_t i = 0; i < STAGE_NAMES.size(); ++i)
        now.stage_seconds[i] = state_->chainstate_.times().seconds(static_cast<Stage>(i));
    return now;
}

std::optional<Event> Chain::read_event(uint64_t number) const {
    return state_->from_disk([&] { return state_->chainstate_.read_event(number); });
}

uint64_t Chain::event_count() const {
    return state_->chainstate_.durable_events();
}

static Reject busy() {
    return {Reject::Kind::Busy, "busy", "too much waits for the chain already"};
}

void Chain::accept_headers(
    std::vector<BlockHeader> headers, const std::function<void(const HeadersOutcome&)>& done) {
    if (!state_->take_headers(std::move(headers), done, false)) done({.verdict = busy()});
}

void Chain::import_headers(
    std::vector<BlockHeader> headers, std::function<void(const HeadersOutcome&)> done) {
    state_->take_headers(std::move(headers), std::move(done), true);
}

void Chain::accept_block(
    BlockRef block, bool requested, const std::function<void(const BlockOutcome&)>& done) {
    if (!state_->take_block(
            std::make_shared<CheckedBlock>(std::move(block)), requested, done, false))
        done({.verdict = busy()});
}

void Chain::import_block(Bytes block, std::function<void(const BlockOutcome&)> done) {
    state_->take_block(
        std::make_shared<CheckedBlock>(std::move(block)), true, std::move(done), true);
}

void Chain::accept_transaction(
    const TransactionRef& tx,
    const AcceptOptions& options,
    const std::function<void(const Result<Accepted>&)>& done) {
    if (!state_->take_transaction(tx, options, done)) done(busy());
}

void Chain::accept_package(
    std::vector<TransactionRef> package,
    const AcceptOptions& options,
    const std::function<void(const PackageOutcome&)>& done) {
    size_t bytes = 0;
    for (const TransactionRef& tx : package) bytes += tx->size_bytes;
    const bool taken = state_->push(
        Lane::Transactions,
        [state = state_.get(), package = std::move(package), options, done] {
            done(state->accept_package(package, options));
        },
        options.must, bytes);
    if (!taken) done({.verdict = busy()});
}

void Chain::make_template(Script payout, std::function<void(const BlockTemplate&)> done) {
    state_->ask(
        [state = state_.get(), payout = std::move(payout)] {
            BlockTemplate made = make_block_template(state->chainstate_, state->pool_, payout);
            state->last_template_ = TemplateSize{
                static_cast<uint32_t>(made.weight),
                static_cast<uint32_t>(made.block->transactions.size() - 1)};
            return made;
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

std::optional<std::filesystem::path>
Chain::save_mempool(const std::vector<Txid>& unbroadcast) const {
    try {
        state_->save_mempool(unbroadcast);
        return state_->mempool_path();
    } catch (const StorageError& error) {
        spdlog::warn("mempool_not_saved reason=\"{}\"", error.what());
        return std::nullopt;
    }
}

void Chain::import_mempool(
    const std::filesystem::path& file, const MempoolImport& what, std::function<void(bool)> done) {
    state_->import_soon(read_mempool(file), what, std::move(done));
}

void Chain::scan_coins(std::function<void(const CoinScan&)> done) {
    state_->ask(
        [state = state_.get()] { return state->chainstate_.scan_coins(); }, std::move(done));
}

Result<SnapshotSummary>
Chain::load_snapshot(const std::filesystem::path& file, const std::atomic<bool>& stop) {
    const std::unique_lock lock(state_->loading_, std::try_to_lock);
    if (!lock) return consensus::invalid("snapshot-refused", "A snapshot is being loaded already");
    Result<SnapshotSummary> loaded = read_snapshot(*this, state_->chainstate_.store(), file, stop);
    if (loaded) {
        auto adopted = std::make_shared<std::promise<Result<>>>();
        std::future<Result<>> verdict = adopted->get_future();
        state_->ask(
            [state = state_.get(), base = loaded->base->hash] {
                return state->adopt_snapshot(base);
            },
            [adopted](const Result<>& result) { adopted->set_value(result); });
        adopted.reset();
        if (const Result<> result = verdict.get(); !result) {
            state_->chainstate_.store().drop_other_coins();
            loaded = result.error();
        }
    }
    return loaded;
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

void Chain::heartbeat(std::function<void()> done) {
    state_->push(Lane::Control, std::move(done), true);
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
