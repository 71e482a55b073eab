// SPDX-License-Identifier: MIT
#include "chain/chainstate.h"

#include "chain/progress.h"
#include "consensus/block_rules.h"
#include "consensus/pow.h"
#include "consensus/span_writer.h"

#include <cassert>
#include <chrono>
#include <spdlog/spdlog.h>

namespace cairn::chain {

using consensus::HeaderNode;
using consensus::invalid;
using consensus::Reject;
using consensus::SealedTransaction;
using consensus::Uint256;

namespace {

constexpr Height MAX_BLOCKS_AHEAD = 288;  ///< Unasked-for blocks above this are not stored.
constexpr int32_t BULK_DISTANCE = 100;    ///< Blocks behind the best header.
constexpr int32_t MIN_PRUNED_BLOCKS = 28; ///< At once, as each time costs a flush.
constexpr std::chrono::minutes BULK_FLUSH_INTERVAL{10}; ///< Of sync, lost in a crash at most.
/// Blocks between flushes at the tip: a start after a crash connects up to twice as many again.
constexpr uint64_t TIP_FLUSH_BLOCKS = 100;
constexpr size_t RECORDS_BYTES = 1000;               ///< Enough for what is written with a body.
constexpr int64_t ASSUMED_VALID_SECONDS = 1'209'600; ///< Two weeks.

/// Of -dbcache: what RocksDB gets for its blocks; the rest is for coins.
size_t block_cache_bytes(const ChainOptions& options) {
    return std::min<size_t>(options.cache_bytes / 4, 64 << 20);
}

const consensus::Snapshot& snapshot_entry(const consensus::Params& params, const BlockHash& base) {
    const auto entry = std::ranges::find(params.snapshots, base, &consensus::Snapshot::block);
    if (entry == params.snapshots.end())
        throw StorageError(
            "the coins are those of a snapshot at block " + base.to_string() +
            " that is not validated yet, and the chain file has it no more; start once with "
            "-reindex to do without");
    return *entry;
}

} // namespace

Chainstate::Chainstate(const consensus::Params& params, const ChainOptions& options)
    : params_(params),
      options_(options),
      minimum_work_(options.minimum_chain_work.value_or(params.minimum_chain_work)),
      assumed_valid_(options.assumed_valid.value_or(params.assumed_valid)),
      store_(
          {options.directory / "chainstate", block_cache_bytes(options), options.reindex,
           options.env},
          params),
      tree_(params),
      coins_(store_, random_salt()),
      script_cache_({coins_.salt().key1, coins_.salt().key0}),
      verify_pool_(options.verify_threads) {
    if (!store_.tip()) create_genesis();
    load();
    update_bulk();
}

void Chainstate::create_genesis() {
    const Block& genesis = params_.genesis;
    BlockNode& node = tree_.genesis();
    StoreBatch batch;
    node.tx_count = static_cast<uint32_t>(genesis.transactions.size());
    node.status = BlockNode::HAVE_BODY | BlockNode::VALID_SCRIPTS;
    store_.put_header(batch, node);
    store_.put_block(batch, node, consensus::encode(genesis));
    store_.write(batch, Durability::Synced);
    CoinTable coins(coins_.salt());
    const size_t spendable = params_.genesis_spendable ? genesis.transactions.size() : 0;
    for (size_t i = 0; i < spendable; ++i) {
        const SealedTransaction& tx = genesis.transactions[i];
        for (uint32_t out = 0; out < tx.outputs.size(); ++out)
            if (!consensus::is_unspendable(tx.outputs[out].script_pubkey))
                coins.create(coins.key(OutPoint{tx.txid, out}), {tx.outputs[out], 0, i == 0});
    }
    store_.ingest_coins({node.hash, node.height, 0}, coins.changes());
}

void Chainstate::load() {
    const std::optional<BlockHash>& snapshot = store_.snapshot();
    store_.load_headers([&](const HeaderRecord& record, const BlockHash& hash) {
        BlockNode* node = tree_.restore(record.header, hash, record.status, record.tx_count);
        if (!node) damaged("a header without its parent");
        if (snapshot == hash) tree_.assume(*node, snapshot_entry(params_, hash).chain_tx_count);
    });
    const TipRecord record = *store_.tip();
    tip_ = tree_.find(record.hash);
    if (!tip_.load() || tip().chain_tx_count == 0) damaged("the tip's block is missing");
    reads_disk_ = tip().height > Height(0);
    if (snapshot) {
        const std::optional<TipRecord> validated = store_.tip(CoinSet::Other);
        history_tip_ = validated ? tree_.find(validated->hash) : nullptr;
        if (!history_tip_ || !tree_.assumed()) damaged("what is before the snapshot is missing");
    }
    next_event_ = record.next_event;
    flushed_events_ = next_event_;
    const auto last = next_event_ > 0 ? store_.read_event(next_event_ - 1) : std::nullopt;
    if (next_event_ > 0 && (!last || last->tip() != record.hash)) damaged("the log of blocks");
    replay(store_.log_end());
    durable_events_ = next_event_;
    durable_tip_ = &tip();
    durable_history_ = history_tip_.load();
    const BlockNode* last_pruned = &tip();
    while (last_pruned && !last_pruned->pruned()) last_pruned = last_pruned->parent_node();
    if (last_pruned) {
        first_body_ = last_pruned->height + Height(1);
        tree_.prune(*last_pruned);
    }
    if (last_pruned && !options_.prune_bytes)
        throw StorageError(
            "You need to rebuild the database using -reindex to go back to unpruned mode.  This "
            "will redownload the entire blockchain");
    tip_.load()->sequence = -1; // among equals, stay
    tree_.rebuild_candidates(tip());
    tree_.take_dirty();
    spdlog::info(
        "chain_loaded height={} hash={} headers={}", tip().height.value, tip().hash.to_string(),
        tree_.size());
}

/// From the tip of the coins on disk to the one there was: all of these blocks were found valid,
/// and are on disk with what they spent.
void Chainstate::replay(uint64_t end) {
    if (next_event_ < end) spdlog::info("connecting_again blocks={}", end - next_event_);
    for (; next_event_ < end; ++next_event_) {
        const std::optional<Event> event = store_.read_event(next_event_);
        const BlockNode* node = event ? tree_.find(event->hash) : nullptr;
        const bool connects = event && event->kind == Event::Kind::Connected;
        if (!node || (connects ? node->parent : node) != &tip()) damaged("the log of blocks");
        const BlockRef block = load_block(*node);
        if (connects) {
            add_coins(fetch_coins(*block));
            ConnectingBlock connecting(block, *node, params_, coins_, verify_pool_);
            if (!connecting.connect({.run = false, .cache = script_cache_, .verified = {}}))
                damaged("a block of the log");
            commit(*node, connecting.changes(), {});
        } else {
            commit(*node->parent_node(), take_off(*node, *block), {});
        }
    }
}

void Chainstate::rebuild(const std::atomic<bool>& stop) {
    if (!store_.rebuilding()) return;
    spdlog::info("reindexing blocks={}", store_.block_count());
    Progress progress("reindex_progress", store_.block_count());
    StoreBatch batch;
    store_.visit_blocks([&](ByteView bytes) {
        progress.step();
        CheckedBlock checked(Bytes(bytes.begin(), bytes.end()));
        checked.check(*this);
        // What has no place in the chain as it is here now, peers may give again.
        if (!checked.verdict || !checked.place || !*checked.place) return !stop;
        const Result<BlockNode*> node = accept_header(checked.block->header, checked.hash);
        if (!node) return !stop;
        tree_.receive_body(**node, static_cast<uint32_t>(checked.block->transactions.size()));
        put_dirty_headers(batch);
        store_.write(batch, Durability::Logged);
        return !stop;
    });
    if (stop) return;
    store_.rebuilt();
    update_bulk();
}

bool Chainstate::initial_download() const {
    if (was_current_.load(std::memory_order_relaxed)) return false;
    const BlockNode& at = tip();
    const int64_t max_age = options_.max_tip_age.value_or(params_.max_tip_age);
    if (at.work < minimum_work_) return true;
    if (max_age > 0 && at.header.time < options_.now() - max_age) return true;
    was_current_.store(true, std::memory_order_relaxed);
    return false;
}

Result<BlockNode*> Chainstate::accept_header(const BlockHeader& header, const BlockHash& hash) {
    if (BlockNode* known = tree_.find(hash)) {
        if (known->failed()) return invalid("duplicate-invalid");
        return known;
    }
    if (Result<> verdict = consensus::check_header(header, hash, params_); !verdict)
        return verdict.error();
    const BlockNode* parent = tree_.find(header.prev_hash);
    if (!parent) return Reject{Reject::Kind::MissingParent, "prev-blk-not-found", {}};
    if (parent->failed()) return invalid("bad-prevblk");
    if (Result<> verdict = consensus::accept_header(header, *parent, params_, options_.now());
        !verdict)
        return verdict.error();
    BlockNode& node = tree_.insert(header, hash, *parent);
    if (node.work >= least_header_work(tip(), minimum_work_)) tree_.keep(node);
    return &node;
}

void Chainstate::put_dirty_headers(StoreBatch& batch) {
    for (const BlockNode* node : tree_.take_dirty()) store_.put_header(batch, *node);
}

void Chainstate::write_headers() {
    update_bulk();
    // In bulk, a record could say that a body is here which the disk has not got yet.
    write_dirty_headers(!bulk_);
}

void Chainstate::write_dirty_headers(bool bodies) {
    StoreBatch batch;
    for (const BlockNode* node : tree_.take_dirty(bodies)) store_.put_header(batch, *node);
    if (!batch.empty()) store_.write(batch, Durability::Logged);
}

Result<> Chainstate::accept_block(CheckedBlock& checked, bool requested, BlockOutcome& outcome) {
    checked.check(*this);
    if (!checked.verdict) return checked.verdict;
    const Block& block = *checked.block;
    const Result<BlockNode*> accepted = accept_header(block.header, checked.hash);
    if (!accepted) return accepted.error();
    BlockNode& node = **accepted;
    outcome.node = &node;
    outcome.known = node.tx_count > 0; // stored, or pruned
    if (outcome.known && !(node.pruned() && requested)) return {};
    if (!requested && (node.work < tip().work || node.height > tip().height + MAX_BLOCKS_AHEAD ||
                       node.work < minimum_work_))
        return {}; // not worth its disk space: peers can't make us store what leads nowhere
    Result<> place =
        checked.place ? *checked.place : consensus::accept_block(block, *node.parent, params_);
    if (!place) {
        if (place.error().kind == Reject::Kind::Invalid) tree_.mark_failed(node);
        write_headers();
        return place;
    }
    const auto put_body = [this, &node, body = checked.block,
                           wire = std::exchange(checked.wire, {})](StoreBatch& batch) {
        const StageTimes::Scope account(verify_pool_.times(), Stage::Write);
        Bytes encoded(wire.empty() ? static_cast<size_t>(body->size_bytes()) : 0);
        if (wire.empty()) consensus::SpanWriter{encoded}(*body);
        store_.put_block(batch, node, wire.empty() ? encoded : wire);
    };
    // In bulk, its record waits until the body is on disk: one on top of it must not come first.
    if (bulk_ && tree_.keep(node)) write_headers();
    const auto writing = store_.about_to_write();
    tree_.receive_body(node, static_cast<uint32_t>(block.transactions.size()));
    StoreBatch batch(bulk_ ? static_cast<size_t>(block.size_bytes()) + RECORDS_BYTES : 0);
    if (bulk_) {
        put_body(batch);
        store_.write(batch, Durability::Unlogged);
    } else { // at the tip, connecting it takes about as long
        put_dirty_headers(batch);
        store_.write_beside(std::move(batch), put_body);
    }
    return {};
}

bool Chainstate::runs_scripts(const HeaderNode& node) const {
    const BlockNode* assumed = assumed_valid_.is_null() ? nullptr : tree_.find(assumed_valid_);
    if (!assumed) return true;
    const BlockNode& best = tree_.best_header();
    const bool covered = assumed->ancestor(node.height) == &node &&
                         best.ancestor(assumed->height) == assumed && best.work >= minimum_work_;
    if (!covered) return true;
    // Under two weeks' worth of work a liar could have mined on it. Core: ConnectBlock.
    const Uint256 per_block = consensus::work_of(best.header.bits);
    const Uint256 later = best.work - node.work;
    return later * params_.spacing() / per_block <= ASSUMED_VALID_SECONDS;
}

Result<std::unique_ptr<ConnectingBlock>> Chainstate::connect_block(
    BlockRef block, const HeaderNode& node, const CoinsView* before, VerifiedScripts verified) {
    assert(before || node.parent == &tip());
    const StageTimes::Scope account(verify_pool_.times(), Stage::Connect);
    auto connecting = std::make_unique<ConnectingBlock>(
        std::move(block), node, params_, before ? *before : coins_, verify_pool_);
    const ConnectingBlock::Scripts scripts{runs_scripts(node), script_cache_, verified};
    if (Result<> verdict = connecting->connect(scripts); !verdict) return verdict.error();
    return connecting;
}

void Chainstate::commit(
    const BlockNode& new_tip, const CoinTable& changes, const WithCommit& with) {
    const StageTimes::Scope account(verify_pool_.times(), Stage::Connect);
    const auto apply = [this, &changes, once = std::make_shared<std::once_flag>()] {
        std::call_once(*once, [&] { coins_.apply(changes); });
    };
    const std::unique_lock lock(commit_mutex_);
    // By a worker, if one comes before `with` is done, or else by this thread: once.
    const std::shared_ptr<void> at_the_end(nullptr, [&](void*) { apply(); });
    if (with && !bulk_) verify_pool_.push_urgent(apply);
    tip_.store(const_cast<BlockNode*>(&new_tip), std::memory_order_release);
    if (with) with();
}

void Chainstate::put_event(StoreBatch& batch, Event::Kind kind, const BlockNode& node) {
    Event event{kind, node.height, node.hash, node.header.prev_hash, {}};
    event.work = consensus::to_hash(node.work);
    store_.put_event(batch, next_event_++, event);
}

/// The events of going from the tip to `to` at once. They count once a tip record says so.
void Chainstate::put_way(StoreBatch& batch, const BlockNode& to) {
    const auto* fork = static_cast<const BlockNode*>(consensus::last_common_ancestor(&tip(), &to));
    for (const BlockNode* node = &tip(); node != fork; node = node->parent_node())
        put_event(batch, Event::Kind::Disconnected, *node);
    for (Height at = fork->height + 1; at <= to.height; ++at) {
        put_event(batch, Event::Kind::Connected, *to.ancestor_node(at));
        if (at.value % 1000 == 0) store_.write(batch, Durability::Logged);
    }
}

/// Go to `new_tip`, in memory and, with `batch`, on disk.
void Chainstate::move_tip(
    const BlockNode& new_tip,
    const CoinTable& changes,
    const WithCommit& with,
    StoreBatch batch,
    const std::function<void(StoreBatch&)>& complete,
    std::unique_lock<std::shared_mutex> writing) {
    if (!bulk_) {
        put_dirty_headers(batch);
        store_.put_log_end(batch, next_event_);
    }
    // At the tip, the disk takes about as long as the mempool.
    auto written = std::async(bulk_ ? std::launch::deferred : std::launch::async, [&] {
        const StageTimes::Scope account(verify_pool_.times(), Stage::Write);
        if (complete) complete(batch);
        store_.write(batch, bulk_ ? Durability::Unlogged : Durability::Synced);
    });
    commit(new_tip, changes, with);
    written.get();
    if (writing) writing.unlock();
    if (!bulk_) {
        durable_events_ = next_event_;
        durable_tip_ = &tip();
        durable_moved();
    }
    flush_if_due();
    cache_size_.bytes = coins_.memory_bytes();
    cache_size_.coins = coins_.size();
    prune_to_target();
    update_bulk();
}

void Chainstate::flush_if_due() {
    if (flush_.valid() && flush_.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
        finish_flush(); // which throws, if it failed
    // Half of the budget for each generation: while one is being written, the other one grows.
    const size_t budget = options_.cache_bytes - block_cache_bytes(options_);
    const bool due = bulk_ ? std::chrono::steady_clock::now() - last_flush_ >= BULK_FLUSH_INTERVAL
                           : next_event_ - flushed_events_ >= TIP_FLUSH_BLOCKS;
    if (due || coins_.active_bytes() > budget / 2) start_flush();
}

/// Whether its undo data are still to be written.
static bool mark_connected(HeaderTree& tree, BlockNode& node) {
    const bool fresh = !node.has(BlockNode::HAVE_UNDO);
    tree.set_status(node, BlockNode::HAVE_UNDO | BlockNode::VALID_SCRIPTS);
    return fresh;
}

void Chainstate::put_undo(StoreBatch& batch, BlockNode& node, const ConnectingBlock& connected) {
    const StageTimes::Scope account(verify_pool_.times(), Stage::Write);
    if (mark_connected(tree_, node)) store_.put_undo(batch, node, connected.undo());
}

void Chainstate::commit_connect(
    BlockNode& node, const ConnectingBlock& connected, const WithCommit& with_commit) {
    StoreBatch batch;
    put_event(batch, Event::Kind::Connected, node);
    auto writing = store_.about_to_write();
    const auto put = [&, fresh = mark_connected(tree_, node)](StoreBatch& all) {
        if (fresh) store_.put_undo(all, node, connected.undo());
    };
    move_tip(node, connected.changes(), with_commit, std::move(batch), put, std::move(writing));
}

std::optional<Event> Chainstate::read_event(uint64_t number) const {
    if (number >= durable_events_) return std::nullopt;
    return store_.read_event(number);
}

BlockRef Chainstate::load_block(const BlockNode& node) const {
    const Bytes bytes = store_.read_block(node);
    Result<Block> block = consensus::decode<Block>(bytes);
    if (!block || block->header != node.header)
        damaged(
            "block " + node.hash.to_string() +
            (node.pruned()   ? " was pruned, and a reorganisation needs it"
             : bytes.empty() ? " is missing"
                             : " can't be read"));
    return std::make_shared<const Block>(std::move(*block));
}

BlockUndo Chainstate::load_undo(const BlockNode& node, const Block& block) const {
    std::optional<BlockUndo> undo = store_.read_undo(node);
    bool fits = undo && undo->ends.size() + 1 == block.transactions.size();
    for (size_t i = 1; fits && i < block.transactions.size(); ++i)
        fits = undo->spent(i).size() == block.transactions[i].inputs.size();
    if (!fits) damaged("undo data of " + node.hash.to_string());
    return std::move(*undo);
}

CoinTable Chainstate::take_off(const BlockNode& node, const Block& block) const {
    CoinTable changes(coins_.salt());
    disconnect_coins(block, load_undo(node, block), changes);
    return changes;
}

void Chainstate::disconnect_tip(const Block& block, const WithCommit& with_commit) {
    const BlockNode& node = tip();
    assert(node.parent);
    const CoinTable changes = take_off(node, block);
    StoreBatch batch;
    put_event(batch, Event::Kind::Disconnected, node);
    move_tip(*node.parent_node(), changes, with_commit, std::move(batch));
}

Height Chainstate::prune(Height last) {
    last = std::min({last, tip().height - Height(Chain::KEPT_BLOCKS), indexed_.load()});
    if (const BlockNode* assumed = tree_.assumed()) { // the history needs what it has not yet
        const BlockNode* validated = tree_.find(store_.tip(CoinSet::Other)->hash);
        last = std::min(last, assumed->descends_from(*validated) ? validated->height : Height(0));
    }
    if (last < first_body()) return first_body();
    flush(); // then the coins on disk are the tip's, and need no older block
    tree_.prune(*tip().ancestor_node(last));
    StoreBatch batch;
    put_dirty_headers(batch);
    store_.erase_bodies(batch, last);
    store_.write(batch, Durability::Synced);
    store_.reclaim(last);
    spdlog::info("pruned blocks={} to={}", (last - first_body()).value + 1, last.value);
    return first_body_ = last + Height(1);
}

void Chainstate::prune_to_target() {
    const uint64_t target = options_.prune_bytes.value_or(0);
    if (target == 0) return;
    const int32_t stored = (tip().height - first_body()).value + 1;
    const uint64_t used = store_.body_bytes();
    if (used <= target || stored < Chain::KEPT_BLOCKS + MIN_PRUNED_BLOCKS) return;
    // Somewhat more than needed, so that it isn't needed again at once; in bulk, where each time
    // costs a flush of all coins, far more.
    const uint64_t excess = used - target / 10 * (bulk_ ? 5 : 9);
    const auto count = static_cast<int32_t>(static_cast<uint64_t>(stored) * excess / used);
    prune(first_body() + Height(std::max(MIN_PRUNED_BLOCKS, count) - 1));
}

void Chainstate::update_bulk() {
    const bool bulk = tree_.best_header().height.value - tip().height.value > BULK_DISTANCE;
    if (bulk_ && !bulk) flush();
    if (bulk_.exchange(bulk) != bulk) durable_moved();
}

FetchedCoins Chainstate::fetch_coins(const Block& block) {
    FetchedCoins fetched;
    if (!reads_disk_) return fetched;
    const StageTimes::Scope account(verify_pool_.times(), Stage::Fetch);
    std::vector<OutPoint> unknown;
    {
        const std::shared_lock lock(commit_mutex_);
        fetched.generation = coins_.generation();
        for (size_t i = 1; i < block.transactions.size(); ++i)
            for (const consensus::TxIn& input : block.transactions[i].inputs)
                if (!coins_.knows(input.prevout)) unknown.push_back(input.prevout);
    }
    if (!unknown.empty()) fetched.coins = store_.find_coins(std::move(unknown));
    return fetched;
}

void Chainstate::add_coins(const FetchedCoins& fetched) {
    if (fetched.coins.empty()) return;
    const std::unique_lock lock(commit_mutex_);
    coins_.add(fetched);
}

void Chainstate::adopt_snapshot(BlockNode& base, const consensus::Snapshot& entry) {
    tree_.keep(base); // Of however little work, it is to be found at the next start.
    flush();
    StoreBatch batch;
    put_way(batch, base);
    {
        const std::unique_lock lock(commit_mutex_);
        store_.exchange_coins(batch, {base.hash, base.height, next_event_}, base.hash);
        coins_.forget();
        history_tip_ = &tip();
        durable_history_ = &tip();
        tree_.assume(base, entry.chain_tx_count);
        tip_.store(&base, std::memory_order_release);
    }
    durable_events_ = next_event_;
    flushed_events_ = next_event_;
    durable_tip_ = &base;
    reads_disk_ = true;
    tree_.rebuild_candidates(base);
    spdlog::info("snapshot_loaded height={} hash={}", base.height.value, base.hash.to_string());
    update_bulk();
}

void Chainstate::confirm_snapshot() {
    spdlog::info("snapshot_validated height={}", tree_.assumed()->height.value);
    store_.drop_other_coins();
    tree_.confirm();
    tree_.rebuild_candidates(tip());
    set_durable_history(nullptr);
}

void Chainstate::set_durable_history(const BlockNode* tip) {
    durable_history_ = tip;
    durable_moved();
}

void Chainstate::durable_moved() {
    ++durable_moves_;
    durable_moves_.notify_all();
}

const BlockNode& Chainstate::indexable() const {
    const BlockNode* history = durable_history_;
    return history ? *history : *durable_tip_;
}

void Chainstate::reject_snapshot(const BlockNode& valid, const std::string& why) {
    flush();
    StoreBatch batch;
    put_way(batch, valid);
    // What was found of the blocks on wrong coins says nothing.
    tree_.disown(*tree_.assumed());
    put_dirty_headers(batch);
    store_.exchange_coins(batch, {valid.hash, valid.height, next_event_}, std::nullopt);
    throw StorageError(
        "the snapshot that was loaded is not what its chain leads to: " + why +
        "; the node goes on without it, from what it has validated, when it is started again");
}

void Chainstate::flush() {
    if (bulk_ || flushed_events_ != next_event_) start_flush();
    finish_flush();
    StoreBatch headers; // and with them whatever is Logged
    put_dirty_headers(headers);
    store_.write(headers, Durability::Synced);
}

/// Returns the generation of coins that is dropped for it, to be destroyed anywhere.
std::unique_ptr<const CoinTable> Chainstate::freeze_coins() {
    const std::unique_lock lock(commit_mutex_);
    std::unique_ptr<const CoinTable> dropped = coins_.freeze();
    if (dropped->size() > 0) reads_disk_ = true;
    return dropped;
}

/// In the background, all as of now.
void Chainstate::start_flush() {
    finish_flush(); // one after the other: the tip record of the later one counts
    // Those without a body at once: the next change of one will not wait for the thread either.
    write_dirty_headers(false);
    StoreBatch headers;
    put_dirty_headers(headers);
    last_flush_ = std::chrono::steady_clock::now();
    flushed_events_ = next_event_;
    auto work = [this, node = &tip(), next_event = next_event_, headers = std::move(headers),
                 bulk = bulk_.load(), dropped = freeze_coins()]() mutable {
        lower_priority();
        const StageTimes::Scope account(verify_pool_.times(), Stage::Flush);
        dropped.reset(); // here, since giving back its memory takes a while
        // Bodies first, then the headers that say they are here, then the coins made of them.
        store_.flush_bodies();
        store_.write(headers, Durability::Synced);
        store_.ingest_coins({node->hash, node->height, next_event}, coins_.frozen_changes());
        if (bulk) { // else they are further, by the log
            durable_events_ = next_event;
            durable_tip_ = node;
            durable_moved();
        }
        spdlog::debug("coins_flushed height={}", node->height.value);
    };
    flush_ = std::async(std::launch::async, [this, work = std::move(work)]() mutable {
        try {
            work();
        } catch (...) {
            if (flush_failed_) flush_failed_(); // it may be long until finish_flush() throws this
            throw;
        }
    });
}

void Chainstate::finish_flush() {
    if (flush_.valid()) flush_.get();
}

CoinScan Chainstate::scan_coins() {
    flush();
    return {&tip(), std::make_shared<CoinCursor>(store_.coins())};
}

} // namespace cairn::chain
