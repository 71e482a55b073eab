// SPDX-License-Identifier: MIT
#include "chain/indexer.h"

#include "chain/progress.h"
#include "chain/store_keys.h"

#include <algorithm>
#include <deque>
#include <future>
#include <spdlog/fmt/fmt.h>

namespace cairn::chain {

using Overwrite = consensus::Exceptions::Overwrite;
using consensus::as_bytes;
using consensus::last_common_ancestor;

namespace {

/// Holds the hash of an index' best block; before all other keys, which are longer.
constexpr std::string_view BEST_KEY = TIP_KEY;

/// Of entries that wait in memory while an index is built, a part of -dbcache (and as much is being
/// written); and of an index, if its keys have no order, what is worth table files of its own.
constexpr size_t GATHERED_PART = 16;
constexpr size_t INGESTED_PART = 512;

/// Blocks that are looked at side by side, while an index is built.
size_t blocks_ahead() {
    return std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
}

Height height_of(const BlockNode* best) {
    return best ? best->height : Height(-1);
}

/// The height at which `node`'s chain leaves that to `tip`; -1 for null.
Height fork_height(const BlockNode* node, const BlockNode& tip) {
    return node ? last_common_ancestor(node, &tip)->height : Height(-1);
}

template <class T>
T decoded(ByteView bytes, std::string_view what) {
    consensus::Result<T> value = consensus::decode<T>(bytes);
    if (!value) damaged(what);
    return std::move(*value);
}

} // namespace

/// What waits to be written.
struct Indexer::Gathered {
    struct OfIndex {
        std::vector<Entries> runs; ///< One a block.
        size_t bytes = 0;
    };

    std::vector<OfIndex> indexes; ///< Of a group.
    size_t bytes = 0;             ///< Of all.

    explicit Gathered(size_t count) : indexes(count) {}

    void add(size_t index, Entries run) {
        indexes[index].bytes += run.bytes();
        bytes += run.bytes();
        indexes[index].runs.push_back(std::move(run));
    }
};

Indexer::Indexer(Chainstate& chainstate, std::function<void(const std::string&)> fail)
    : chainstate_(chainstate),
      fail_(std::move(fail)) {
    for (size_t i = 0; i < indexes_.size(); ++i) {
        Index& index = indexes_[i];
        index.row = &index_table()[i];
        index.enabled = chainstate.options().*index.row->option;
        if (index.enabled) load(index);
    }
    limit_pruning();
}

Indexer::~Indexer() {
    stop();
}

void Indexer::load(Index& index) {
    const IndexRow& row = *index.row;
    if (const auto best = chainstate_.store().get(row.column, as_bytes(BEST_KEY))) {
        index.best = chainstate_.tree().find(decoded<BlockHash>(*best, row.name));
        if (!index.best) damaged(std::string("the best block of ") += row.name);
        if (!is_current(index)) {
            spdlog::warn("index_outdated name=\"{}\": it is built anew", row.name);
            index.best = nullptr;
        }
    }
    const BlockNode& target = chainstate_.indexable();
    const Height fork = fork_height(index.best, target);
    if (fork < target.height && fork + Height(1) < chainstate_.first_body())
        throw StorageError(fmt::format(
            "{} best block of the index goes beyond pruned data (including undo data). Please "
            "disable the index or reindex (which will download the whole blockchain again)",
            row.name));
}

/// Whether genesis' record is what it would be now: else an older version made all of them, by
/// other rules. What can't be built anew is taken as it is.
bool Indexer::is_current(Index& index) const {
    const BlockNode& genesis = *chainstate_.tree().find(chainstate_.params().genesis_hash);
    const auto stored = chainstate_.store().get(index.row->column, as_bytes(node_key(genesis)));
    if (!index.row->follow || !stored || chainstate_.first_body() > Height(0)) return true;
    const Group alone{&index};
    Prepared made = prepare(alone, genesis);
    std::vector<Bytes> records(1);
    complete(alone, genesis, made, records);
    return *stored == records[0];
}

void Indexer::start() {
    const bool any = std::ranges::any_of(indexes_, &Index::enabled);
    if (any) thread_ = std::thread([this] { run(); });
}

void Indexer::stop() {
    stopping_ = true;
    chainstate_.durable_moved();
    if (thread_.joinable()) thread_.join();
}

void Indexer::run() {
    name_thread("index");
    lower_priority();
    try {
        for (;;) {
            const uint32_t seen = chainstate_.durable_moves();
            if (stopping_) break; // looked at after that, or the last move may be missed
            while (!stopping_ && step()) {
            }
            const bool assumed = chainstate_.tree().assumed() != nullptr;
            for (Index& index : indexes_)
                if (assumed) { // a snapshot: it is far behind again
                    index.synced = false;
                } else if (index.enabled && !index.synced && at_tip(index)) {
                    index.synced = true;
                    spdlog::info(
                        "index_synced name=\"{}\" height={}", index.row->name,
                        index.best.load()->height.value);
                }
            { const std::scoped_lock lock(mutex_); }
            moved_.notify_all();
            chainstate_.wait_durable(seen);
        }
    } catch (const std::exception& error) {
        stopping_ = true;
        fail_(error.what());
    }
    const std::scoped_lock lock(mutex_);
    moved_.notify_all();
}

/// Whether there was something to do.
bool Indexer::step() {
    const BlockNode& target = chainstate_.indexable();
    Group lowest; // of those on the way to the target; so equal heights are equal blocks
    for (Index& index : indexes_) {
        const BlockNode* best = index.best;
        if (!index.enabled || best == &target || (best && best->descends_from(target))) continue;
        if (best && !target.descends_from(*best)) {
            take_back(index);
            return true;
        }
        const Height low = lowest.empty() ? Height(INT32_MAX) : height_of(lowest.front()->best);
        if (height_of(best) > low) continue;
        if (height_of(best) < low) lowest.clear();
        lowest.push_back(&index);
    }
    if (lowest.empty()) return false;
    const BlockNode* last = &target;
    for (const Index& index : indexes_) // from there on, it joins them
        if (const BlockNode* best = index.best;
            index.enabled && best && best != lowest.front()->best && last->descends_from(*best))
            last = best;
    add(lowest, *last);
    return true;
}

void Indexer::add(const Group& group, const BlockNode& last) {
    const Height first = height_of(group.front()->best) + Height(1);
    const auto how = last.height == first ? std::launch::deferred : std::launch::async;
    Progress progress("index_progress", static_cast<size_t>((last.height - first).value) + 1);
    std::deque<std::future<Prepared>> ahead;
    const ChainOptions& options = chainstate_.options();
    // Pruning waits for what is committed. (And has no index whose keys are in no order.)
    const size_t budget = options.prune_bytes ? 0 : options.cache_bytes / GATHERED_PART;
    Gathered gathered(group.size());
    std::vector<Bytes> records(group.size());
    std::future<void> written; // what was gathered before
    Height next = first;
    for (Height at = first; at <= last.height; ++at) {
        for (; next <= last.height && ahead.size() < blocks_ahead(); ++next)
            ahead.push_back(std::async(how, [this, &group, node = last.ancestor_node(next)] {
                lower_priority();
                return prepare(group, *node);
            }));
        Prepared prepared = ahead.front().get();
        ahead.pop_front();
        const BlockNode& node = *last.ancestor_node(at);
        const bool ends = at == last.height || stopping_;
        complete(group, node, prepared, records);
        for (size_t i = 0; i < group.size(); ++i) gathered.add(i, std::move(prepared[i].entries));
        if (gathered.bytes >= budget || ends) {
            if (written.valid()) written.get();
            written = std::async(how, [this, &group, &node, full = std::move(gathered)]() mutable {
                lower_priority();
                commit(group, node, std::move(full));
            });
            gathered = Gathered(group.size());
        }
        if (ends) return written.get();
        progress.step();
    }
}

Indexer::Prepared Indexer::prepare(const Group& group, const BlockNode& node) const {
    const BlockRef block = chainstate_.load_block(node);
    const BlockUndo undo = node.parent ? chainstate_.load_undo(node, *block) : BlockUndo();
    const IndexedBlock of{node, *block, undo, chainstate_};
    Prepared prepared(group.size());
    for (size_t i = 0; i < group.size(); ++i) {
        group[i]->row->make(of, prepared[i]);
        prepared[i].entries.sort();
    }
    return prepared;
}

/// Complete what was prepared of a block by `records` of the one before, which become its own.
void Indexer::complete(
    const Group& group,
    const BlockNode& node,
    Prepared& prepared,
    std::vector<Bytes>& records) const {
    for (size_t i = 0; i < group.size(); ++i) {
        const IndexRow& row = *group[i]->row;
        if (!row.follow) continue;
        if (const BlockNode* parent = node.parent_node(); parent && records[i].empty()) {
            const auto stored = chainstate_.store().get(row.column, as_bytes(node_key(*parent)));
            if (!stored) damaged(row.name);
            records[i] = *stored;
        }
        row.follow(records[i], prepared[i].record);
        records[i] = std::move(prepared[i].record);
        prepared[i].entries.put(as_bytes(node_key(node)), records[i]);
    }
}

/// Write what was gathered up to `node`. Readers know entries beyond the best block (look_up()).
void Indexer::commit(const Group& group, const BlockNode& node, Gathered gathered) {
    Store& store = chainstate_.store();
    const size_t worth_tables = chainstate_.options().cache_bytes / INGESTED_PART;
    StoreBatch batch;
    Entries best;
    best.put(as_bytes(BEST_KEY), node.hash.bytes);
    std::vector<std::future<void>> tables;
    for (size_t i = 0; i < group.size(); ++i) {
        const Column column = group[i]->row->column;
        gathered.add(i, best);
        const auto& [runs, bytes] = gathered.indexes[i];
        if (!group[i]->row->follow && bytes >= worth_tables) {
            tables.push_back(std::async(
                std::launch::async, [&store, &node, column, index = group[i], &runs = runs] {
                    lower_priority();
                    store.ingest(column, runs);
                    index->best = &node;
                }));
        } else {
            for (const Entries& run : runs)
                run.visit([&](auto key, auto value) { store.put(batch, column, key, value); });
        }
    }
    for (std::future<void>& each : tables) each.get();
    if (!batch.empty()) store.write(batch, Durability::Logged);
    for (Index* index : group) index->best = &node;
    limit_pruning();
}

void Indexer::take_back(Index& index) {
    const BlockNode& node = *index.best;
    const BlockNode& parent = *node.parent_node();
    const Column column = index.row->column;
    Store& store = chainstate_.store();
    StoreBatch batch;
    if (!index.row->follow)
        prepare({&index}, node).front().entries.visit([&](ByteView key, ByteView) {
            store.erase(batch, column, key);
        });
    store.put(batch, column, as_bytes(BEST_KEY), parent.hash.bytes);
    index.best = &parent; // first: a reader knows entries beyond the best block, not lost ones
    try {
        store.write(batch, Durability::Logged);
    } catch (const StorageError&) {
        index.best = &node; // or readers would wait for what stays
        throw;
    }
    limit_pruning();
}

void Indexer::limit_pruning() const {
    if (!chainstate_.options().prune_bytes) return;
    Height limit = INT32_MAX;
    for (const Index& index : indexes_)
        if (index.enabled) limit = std::min(limit, fork_height(index.best, chainstate_.tip()));
    chainstate_.set_indexed(limit);
}

Indexer::Status Indexer::status_of(const Index& index) const {
    const bool behind = chainstate_.catching_up() || chainstate_.tree().assumed();
    return {index.row->name, index.synced && !behind, index.best};
}

Indexer::Status Indexer::status(IndexId id) const {
    return status_of(index(id));
}

std::vector<Indexer::Status> Indexer::status() const {
    std::vector<Status> all;
    for (const Index& index : indexes_)
        if (index.enabled) all.push_back(status_of(index));
    return all;
}

bool Indexer::at_tip(const Index& index) const {
    const BlockNode* best = index.best;
    const BlockNode& tip = chainstate_.tip();
    return best && best->descends_from(tip) && &chainstate_.indexable() == &tip;
}

bool Indexer::catch_up(IndexId id) const {
    const Index& index = this->index(id);
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return stopping_ || !status_of(index).synced || at_tip(index); });
    return at_tip(index);
}

bool Indexer::must_catch_up(IndexId id) const {
    const Index& index = this->index(id);
    return index.enabled && status_of(index).synced && !at_tip(index);
}

template <class Read>
auto Indexer::from_disk(Read read) const {
    try {
        return read();
    } catch (const StorageError& error) {
        fail_(error.what());
        throw;
    }
}

/// The block that an index with this best block tells of: it may not be at the tip yet, or hold
/// blocks that left.
const BlockNode* Indexer::as_of(const BlockNode* best) const {
    const BlockNode& tip = chainstate_.tip();
    return best && best->descends_from(tip) ? &tip : best;
}

/// What `read` makes of the best block and of what the index holds as of that; nullopt: again,
/// since these two didn't fit.
template <class Read>
auto Indexer::look_up(IndexId id, Read read) const {
    return from_disk([&] {
        for (;;) {
            const BlockNode* best = index(id).best;
            const auto found = read(best);
            if (found && (best == index(id).best || stopping_)) return *found;
        }
    });
}

std::optional<Bytes> Indexer::record(IndexId id, const BlockNode& node) const {
    const auto read = [&] {
        return from_disk([&] {
            return chainstate_.store().get(index(id).row->column, as_bytes(node_key(node)));
        });
    };
    std::optional<Bytes> record = read();
    if (!record && catch_up(id)) record = read();
    return record;
}

std::optional<FilterEntry> Indexer::filter(const BlockNode& node) const {
    const std::optional<Bytes> bytes = record(IndexId::Filters, node);
    if (!bytes) return std::nullopt;
    return filter_of_record(*bytes);
}

std::optional<Hash256> Indexer::filter_hash(const BlockNode& node) const {
    const Column column = index(IndexId::Filters).row->column;
    const auto stored =
        from_disk([&] { return chainstate_.store().get(column, as_bytes(filter_hash_key(node))); });
    if (stored) return decoded<Hash256>(*stored, "hash of a filter");
    const std::optional<FilterEntry> entry = filter(node); // an older index holds these only
    if (!entry) return std::nullopt;
    return consensus::sha256d(entry->filter);
}

std::optional<BlockCoins> Indexer::coins(const BlockNode& node) const {
    const std::optional<Bytes> bytes = record(IndexId::CoinStatistics, node);
    if (!bytes) return std::nullopt;
    return decoded<BlockCoins>(*bytes, "coin statistics");
}

const BlockNode* Indexer::find_transaction(const Txid& txid) const {
    using Found = std::optional<const BlockNode*>;
    return look_up(IndexId::Transactions, [&](const BlockNode* best) -> Found {
        const auto value = chainstate_.store().get(Column::Transactions, txid.bytes);
        if (!value || !best) return nullptr;
        const BlockNode* node = best->ancestor_node(decoded<Height>(*value, "txindex"));
        return node ? Found(node) : std::nullopt;
    });
}

std::optional<Indexer::Spent> Indexer::find_spender(const OutPoint& point) const {
    using Found = std::optional<std::optional<Spent>>;
    return look_up(IndexId::Spenders, [&](const BlockNode* best) -> Found {
        const auto value = chainstate_.store().get(Column::Spenders, CoinDiskKey(point).bytes());
        if (!value || !best) return std::optional<Spent>();
        const auto spender = decoded<Spender>(*value, "txospenderindex");
        const BlockNode* node = best->ancestor_node(spender.height);
        return node ? Found(Spent{spender.txid, node}) : std::nullopt;
    });
}

/// Give `visit` the height, the number in its block and the record of each transaction up to
/// `tip`, until it returns false.
template <class Visit>
void Indexer::visit_address(
    const consensus::Script& script, const BlockNode& tip, bool backwards, Visit visit) const {
    const std::string prefix = address_key(script);
    const auto each = [&](ByteView key, ByteView value) {
        const ByteView place = key.subspan(prefix.size());
        const Height height = height_of(slice(place));
        if (height > tip.height) return true; // of a block that is to be taken back
        const bool first = height_of(slice(place.subspan(sizeof(uint32_t)))) == Height(0);
        return visit(height, first, decoded<AddressRecord>(value, "addressindex"));
    };
    chainstate_.store().visit(Column::Addresses, as_bytes(prefix), each, backwards);
}

std::vector<Indexer::AddressEntry> Indexer::address_history(
    const consensus::Script& script, size_t skip, size_t count, const BlockNode*& tip) const {
    return look_up(IndexId::Addresses, [&](const BlockNode* best) {
        std::vector<AddressEntry> entries;
        tip = as_of(best);
        size_t seen = 0;
        const auto add = [&](Height height, bool, AddressRecord record) {
            if (seen++ >= skip && entries.size() < count)
                entries.push_back({tip->ancestor_node(height), std::move(record)});
            return entries.size() < count && !stopping_;
        };
        if (tip && count > 0) visit_address(script, *tip, true, add);
        return std::optional(std::move(entries));
    });
}

Indexer::AddressCoins Indexer::address_coins(const consensus::Script& script) const {
    return look_up(IndexId::Addresses, [&](const BlockNode* best) {
        AddressCoins coins{as_of(best)};
        const auto add = [&](Height height, bool coinbase, const AddressRecord& record) {
            for (const AddressRecord::Input& in : record.spent) coins.unspent.erase(in.point);
            for (const AddressRecord::Output& out : record.received)
                coins.unspent[{record.txid, out.index}] = {height, coinbase, out.value};
            return !stopping_;
        };
        if (coins.tip) visit_address(script, *coins.tip, false, add);
        return std::optional(std::move(coins));
    });
}

Indexer::AddressTotals Indexer::address_totals(const consensus::Script& script) const {
    const auto& overwriting = chainstate_.params().exceptions.bip30;
    return look_up(IndexId::Addresses, [&](const BlockNode* best) {
        AddressTotals totals{as_of(best)};
        const auto add = [&](Height height, bool coinbase, const AddressRecord& record) {
            ++totals.transactions;
            for (const AddressRecord::Input& in : record.spent) totals.balance -= in.value;
            totals.unspent -= static_cast<int64_t>(record.spent.size());
            const bool overwrites =
                coinbase && std::ranges::count(overwriting, height, &Overwrite::height) != 0;
            for (const AddressRecord::Output& out : record.received) {
                totals.received += out.value;
                if (overwrites) continue; // an equal coin, which is lost
                totals.balance += out.value;
                ++totals.unspent;
            }
            return !stopping_;
        };
        if (totals.tip) visit_address(script, *totals.tip, false, add);
        return std::optional(totals);
    });
}

} // namespace cairn::chain
