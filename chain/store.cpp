// SPDX-License-Identifier: MIT
#include "chain/store.h"

#include "chain/file.h"
#include "chain/store_impl.h"
#include "chain/store_keys.h"
#include "chain/store_options.h"

#include <rocksdb/convenience.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <future>
#include <mutex>
#include <queue>
#include <spdlog/spdlog.h>

namespace cairn::chain {

using consensus::encode;

namespace {

constexpr size_t INGEST_FILE_BYTES = 64 << 20;
constexpr uint64_t COIN_BYTES = 80; ///< About, of a table file.

} // namespace

StoreBatch::StoreBatch(size_t expected_bytes)
    : batch_(std::make_unique<rocksdb::WriteBatch>(expected_bytes)) {}

StoreBatch::~StoreBatch() = default;
StoreBatch::StoreBatch(StoreBatch&&) noexcept = default;
StoreBatch& StoreBatch::operator=(StoreBatch&&) noexcept = default;

bool StoreBatch::empty() const {
    return batch_->Count() == 0;
}

void Entries::put(ByteView key, ByteView value) {
    entries_.push_back(
        {bytes_.size(), static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size())});
    bytes_.insert(bytes_.end(), key.begin(), key.end());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
}

void Entries::sort() {
    std::ranges::sort(entries_, [this](const Entry& a, const Entry& b) {
        const int order = slice(key(a)).compare(slice(key(b)));
        return order != 0 ? order < 0 : a.at < b.at;
    });
    Bytes in_order; // so that who reads them does so from front to back
    in_order.reserve(bytes_.size());
    for (Entry& entry : entries_) {
        const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(entry.at);
        entry.at = in_order.size();
        in_order.insert(in_order.end(), first, first + entry.key_size + entry.value_size);
    }
    bytes_ = std::move(in_order);
}

void Entries::visit(const std::function<void(ByteView key, ByteView value)>& visit) const {
    for (const Entry& entry : entries_) visit(key(entry), value(entry));
}

Store::Store(StoreOptions options, const consensus::Params& params)
    : impl_(std::make_unique<Impl>()) {
    impl_->options = std::move(options);
    impl_->start(params);
    impl_->exchanged = impl_->get(Column::Meta, EXCHANGED_KEY).has_value();
    if (const auto snapshot = impl_->get(Column::Meta, SNAPSHOT_KEY))
        impl_->snapshot = decoded(consensus::decode<BlockHash>(view_of(*snapshot)), "snapshot");
    else if (tip(CoinSet::Other))
        drop_other_coins();
}

Store::~Store() = default;

bool Store::rebuilding() const {
    return impl_->rebuilding;
}

void Store::rebuilt() {
    rocksdb::WriteBatch batch;
    batch.Delete(impl_->column(Column::Meta), REBUILD_KEY);
    impl_->write(synced(), batch);
    impl_->rebuilding = false;
}

void Store::put_header(StoreBatch& batch, const BlockNode& node) const {
    const HeaderRecord record{
        node.header, node.status.load() & ~uint32_t{BlockNode::FAILED_ANCESTOR},
        node.tx_count.load()};
    batch.batch_->Put(impl_->column(Column::Headers), node_key(node), slice(encode(record)));
}

void Store::put_block(StoreBatch& batch, const BlockNode& node, ByteView block) const {
    batch.batch_->Put(impl_->column(Column::Blocks), node_key(node), slice(block));
}

void Store::put_undo(StoreBatch& batch, const BlockNode& node, const BlockUndo& undo) const {
    batch.batch_->Put(impl_->column(Column::Undo), node_key(node), slice(encode_undo(undo)));
}

void Store::put_event(StoreBatch& batch, uint64_t number, const Event& event) const {
    batch.batch_->Put(impl_->column(Column::Events), event_key(number), slice(encode(event)));
}

void Store::put_log_end(StoreBatch& batch, uint64_t next_event) const {
    batch.batch_->Put(impl_->column(Column::Events), LOG_END_KEY, slice(encode(next_event)));
}

void Store::erase_bodies(StoreBatch& batch, Height last) const {
    for (const Column column : {Column::Blocks, Column::Undo})
        batch.batch_->DeleteRange(impl_->column(column), height_key(0), height_key(last + 1));
}

void Store::reclaim(Height last) {
    const std::string key = height_key(last + Height(1));
    const Slice end(key);
    for (const Column column : {Column::Blocks, Column::Undo})
        check(
            impl_->db->CompactRange(
                rocksdb::CompactRangeOptions(), impl_->column(column), nullptr, &end),
            "compaction failed");
}

void Store::put(StoreBatch& batch, Column column, ByteView key, ByteView value) const {
    batch.batch_->Put(impl_->column(column), slice(key), slice(value));
}

void Store::erase(StoreBatch& batch, Column column, ByteView key) const {
    batch.batch_->Delete(impl_->column(column), slice(key));
}

void Store::write(StoreBatch& batch, Durability durability) {
    impl_->join_write();
    write_now(batch, durability);
}

std::unique_lock<std::shared_mutex> Store::about_to_write() {
    return std::unique_lock(impl_->writing);
}

void Store::write_beside(StoreBatch batch, std::function<void(StoreBatch&)> complete) {
    impl_->join_write();
    auto work = [this, batch = std::move(batch), complete = std::move(complete)]() mutable {
        complete(batch);
        write_now(batch, Durability::Logged);
    };
    const std::scoped_lock lock(impl_->beside_mutex);
    impl_->beside = std::async(std::launch::async, std::move(work)).share();
}

void Store::write_now(StoreBatch& batch, Durability durability) {
    require_space(impl_->options.directory, batch.batch_->GetDataSize());
    rocksdb::WriteOptions options;
    options.sync = durability == Durability::Synced;
    options.disableWAL = durability == Durability::Unlogged;
    impl_->write(options, *batch.batch_);
    batch.batch_->Clear();
}

void Store::flush_bodies() {
    require_space(impl_->options.directory);
    const std::vector<rocksdb::ColumnFamilyHandle*> bodies{
        impl_->column(Column::Blocks), impl_->column(Column::Undo), impl_->column(Column::Events)};
    check(impl_->db->Flush(rocksdb::FlushOptions(), bodies), "flush failed");
}

namespace {

/// Table files that are ingested at once.
class TableFiles {
public:
    /// Writes what is sorted by key into as many files as it needs. Several threads may each write
    /// a range of the keys; `name` tells their files apart.
    class Range {
    public:
        Range(TableFiles& files, std::string name)
            : files_(files),
              name_(std::move(name)),
              // What was just written may well be read next: it stays in the system's cache.
              writer_(rocksdb::EnvOptions(), files.options_, nullptr, false) {}

        void put(const Slice& key, const Slice& value) {
            make_room();
            check(writer_.Put(key, value), "write failed");
        }

        void erase(const Slice& key) {
            make_room();
            check(writer_.Delete(key), "write failed");
        }

        void finish() {
            if (!open_) return;
            open_ = false;
            check(writer_.Finish(), "write failed");
        }

    private:
        void make_room() {
            if (open_ && writer_.FileSize() >= INGEST_FILE_BYTES) finish();
            if (open_) return;
            const std::string path = files_.add(name_ + std::to_string(next_++));
            check(writer_.Open(path), "cannot write " + path);
            open_ = true;
        }

        TableFiles& files_;
        std::string name_;
        rocksdb::SstFileWriter writer_;
        bool open_ = false;
        int next_ = 0;
    };

    TableFiles(
        rocksdb::DB& db,
        rocksdb::ColumnFamilyHandle* column,
        const std::filesystem::path& directory)
        : db_(db),
          column_(column),
          options_(db.GetOptions(column)),
          directory_(directory / column->GetName()) {
        make_directory(directory_);
    }

    /// What was not ingested, since something failed, is of no use to anyone.
    ~TableFiles() {
        std::error_code error;
        std::filesystem::remove_all(directory_, error);
    }

    TableFiles(const TableFiles&) = delete;
    TableFiles& operator=(const TableFiles&) = delete;

    /// All of them. Requires: each range is finished.
    void ingest() {
        rocksdb::IngestExternalFileOptions options;
        options.move_files = true;
        options.write_global_seqno = false;
        // RocksDB takes a table whose first block can't be read for one without keys, and says no
        // word: its coins would be gone. Now each block is read before, and stays in the cache.
        options.verify_checksums_before_ingest = true;
        check(db_.IngestExternalFile(column_, paths_, options), "ingestion failed");
    }

private:
    std::string add(const std::string& name) {
        const std::scoped_lock lock(mutex_);
        return paths_.emplace_back((directory_ / (name + ".sst")).string());
    }

    rocksdb::DB& db_;
    rocksdb::ColumnFamilyHandle* column_;
    rocksdb::Options options_;
    std::filesystem::path directory_;
    std::mutex mutex_;
    std::vector<std::string> paths_;
};

} // namespace

void Store::ingest_coins(const TipRecord& tip, const CoinChanges& changes, CoinSet set) {
    require_space(impl_->options.directory, changes.count * COIN_BYTES);
    TableFiles files(*impl_->db, impl_->coins(set), impl_->ingest_directory());
    const auto write = [&](uint8_t first, uint8_t last) {
        TableFiles::Range range(files, std::to_string(first) + "-");
        if (first == 0) range.put(TIP_KEY, slice(encode(tip))); // its key is the first of all
        Bytes value; // of all, one after the other: each would be an allocation
        changes.visit(first, last, [&](const CoinChange& change) {
            const CoinDiskKey key(change.point);
            if (!change.coin) return range.erase(key);
            value.clear();
            encode_coin(*change.coin, value);
            range.put(key, slice(value));
        });
        range.finish();
    };
    // At the end of a sync all else waits for this.
    std::future<void> upper_half = std::async(std::launch::async, write, 0x80, 0xff);
    write(0, 0x7f);
    upper_half.get();
    files.ingest();
}

void Store::ingest(Column column, std::span<const Entries> runs) {
    /// What is left of a run.
    struct Rest {
        const Entries* run;
        std::span<const Entries::Entry> left;

        Slice key() const { return slice(run->key(left.front())); }

        Slice value() const { return slice(run->value(left.front())); }
    };

    const auto later = [](const Rest& a, const Rest& b) {
        const int order = a.key().compare(b.key());
        return order != 0 ? order > 0 : a.run > b.run;
    };
    std::priority_queue<Rest, std::vector<Rest>, decltype(later)> rests(later);
    uint64_t bytes = 0;
    for (const Entries& run : runs) {
        bytes += run.bytes();
        if (!run.entries_.empty()) rests.push({&run, run.entries_});
    }
    require_space(impl_->options.directory, bytes);
    TableFiles files(*impl_->db, impl_->column(column), impl_->ingest_directory());
    TableFiles::Range range(files, "");
    std::optional<Rest> last; // put once the next has another key
    while (!rests.empty()) {
        Rest rest = rests.top();
        rests.pop();
        do { // as long as none comes before it: of keys that begin alike a run has many in a row
            if (last && last->key() != rest.key()) range.put(last->key(), last->value());
            last = rest;
            rest.left = rest.left.subspan(1);
        } while (!rest.left.empty() && (rests.empty() || later(rests.top(), rest)));
        if (!rest.left.empty()) rests.push(rest);
    }
    if (last) range.put(last->key(), last->value());
    range.finish();
    files.ingest();
}

void Store::exchange_coins(
    StoreBatch& batch, const TipRecord& tip, const std::optional<BlockHash>& snapshot) {
    rocksdb::ColumnFamilyHandle* const meta = impl_->column(Column::Meta);
    batch.batch_->Put(impl_->coins(CoinSet::Other), TIP_KEY, slice(encode(tip)));
    if (impl_->exchanged)
        batch.batch_->Delete(meta, EXCHANGED_KEY);
    else
        batch.batch_->Put(meta, EXCHANGED_KEY, "");
    if (snapshot)
        batch.batch_->Put(meta, SNAPSHOT_KEY, slice(snapshot->bytes));
    else
        batch.batch_->Delete(meta, SNAPSHOT_KEY);
    write(batch, Durability::Synced);
    impl_->exchanged = !impl_->exchanged;
    impl_->snapshot = snapshot;
}

const std::optional<BlockHash>& Store::snapshot() const {
    return impl_->snapshot;
}

void Store::drop_other_coins() {
    rocksdb::ColumnFamilyHandle* const column = impl_->coins(CoinSet::Other);
    const std::string end(40, '\xff'); // behind all keys, which are shorter
    StoreBatch batch;
    batch.batch_->Delete(impl_->column(Column::Meta), SNAPSHOT_KEY);
    batch.batch_->DeleteRange(column, "", end);
    write(batch, Durability::Synced);
    impl_->snapshot.reset();
    check(
        rocksdb::DeleteFilesInRange(impl_->db.get(), column, nullptr, nullptr),
        "cannot drop coins");
    check(
        impl_->db->CompactRange(rocksdb::CompactRangeOptions(), column, nullptr, nullptr),
        "compaction failed");
}

std::optional<TipRecord> Store::tip(CoinSet set) const {
    const auto value = impl_->get(impl_->coins(set), Slice(TIP_KEY));
    if (!value) return std::nullopt;
    return decoded(consensus::decode<TipRecord>(view_of(*value)), "tip record");
}

void Store::load_headers(
    const std::function<void(const HeaderRecord&, const BlockHash&)>& visit) const {
    const std::unique_ptr<rocksdb::Iterator> it(
        impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->column(Column::Headers)));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
        if (it->key().size() != 36) damaged("key of a header");
        BlockHash hash;
        std::memcpy(hash.bytes.data(), it->key().data() + 4, 32);
        visit(decoded(consensus::decode<HeaderRecord>(view_of(it->value())), "header"), hash);
    }
    check(it->status(), "read failed");
}

void Store::visit_blocks(const std::function<bool(ByteView block)>& visit) const {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> it(
        impl_->db->NewIterator(options, impl_->column(Column::Blocks)));
    Height last;
    for (const rocksdb::LiveFileMetaData& table : impl_->tables(Column::Blocks))
        last = std::max(last, height_of(table.largestkey));
    Height damaged = -2; ///< The last one.
    for (Height height; height <= last; ++height) {
        for (it->Seek(height_key(height)); it->Valid(); it->Next()) {
            if (!visit(view_of(it->value()))) return;
            height = height_of(it->key());
        }
        if (it->status().ok()) return;
        // One is damaged: on with the next height.
        if (!is_damage(it->status())) check(it->status(), "read failed");
        if (height > damaged + 1)
            spdlog::warn(
                "blocks_damaged from_height={} reason=\"{}\"", height.value,
                it->status().ToString());
        damaged = height;
    }
}

size_t Store::block_count() const {
    uint64_t count = 0;
    impl_->db->GetIntProperty(
        impl_->column(Column::Blocks), rocksdb::DB::Properties::kEstimateNumKeys, &count);
    return count;
}

std::optional<Coin> Store::find_coin(const OutPoint& point, CoinSet set) const {
    const auto value = impl_->get(impl_->coins(set), CoinDiskKey(point));
    if (!value) return std::nullopt;
    return decoded(decode_coin(view_of(*value)), "coin");
}

std::vector<std::pair<OutPoint, Coin>> Store::find_coins(std::vector<OutPoint> points) const {
    constexpr size_t AT_ONCE = 64; // since each value keeps 4 kB of its table in memory
    std::ranges::sort(points, coin_key_less);
    const std::vector<CoinDiskKey> keys(points.begin(), points.end());
    const std::vector<Slice> slices(keys.begin(), keys.end());
    std::vector<std::pair<OutPoint, Coin>> found;
    for (size_t first = 0; first < points.size(); first += AT_ONCE) {
        const size_t count = std::min(AT_ONCE, points.size() - first);
        std::array<rocksdb::PinnableSlice, AT_ONCE> values;
        std::array<Status, AT_ONCE> statuses;
        impl_->db->MultiGet(
            rocksdb::ReadOptions(), impl_->coins(CoinSet::Active), count, &slices[first],
            values.data(), statuses.data(), true);
        for (size_t i = 0; i < count; ++i) {
            if (statuses[i].IsNotFound()) continue;
            check(statuses[i], "read failed");
            found.emplace_back(points[first + i], decoded(decode_coin(view_of(values[i])), "coin"));
        }
    }
    return found;
}

CoinCursor Store::coins(CoinSet set) const {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    std::unique_ptr<rocksdb::Iterator> it(impl_->db->NewIterator(options, impl_->coins(set)));
    it->SeekToFirst();
    return CoinCursor(std::move(it));
}

CoinCursor::CoinCursor(std::unique_ptr<rocksdb::Iterator> iterator)
    : iterator_(std::move(iterator)) {}

CoinCursor::~CoinCursor() = default;
CoinCursor::CoinCursor(CoinCursor&&) noexcept = default;
CoinCursor& CoinCursor::operator=(CoinCursor&&) noexcept = default;

std::optional<std::pair<OutPoint, Coin>> CoinCursor::next() {
    if (iterator_->Valid() && iterator_->key() == Slice(TIP_KEY)) iterator_->Next();
    if (!iterator_->Valid()) {
        check(iterator_->status(), "read failed");
        return std::nullopt;
    }
    std::pair coin{
        point_of(view_of(iterator_->key())),
        decoded(decode_coin(view_of(iterator_->value())), "coin")};
    iterator_->Next();
    return coin;
}

Bytes Store::read_block(const BlockNode& node, bool checked) const {
    rocksdb::ReadOptions options;
    options.verify_checksums = checked;
    const auto value = impl_->get_body(Column::Blocks, node_key(node), options);
    if (!value) return {};
    const ByteView bytes = view_of(*value);
    return {bytes.begin(), bytes.end()};
}

std::optional<BlockUndo> Store::read_undo(const BlockNode& node) const {
    const auto value = impl_->get_body(Column::Undo, node_key(node));
    if (!value) return std::nullopt;
    return decoded(decode_undo(view_of(*value)), "undo data");
}

std::optional<Bytes> Store::get(Column column, ByteView key) const {
    const auto value = impl_->get(column, slice(key));
    if (!value) return std::nullopt;
    const ByteView bytes = view_of(*value);
    return Bytes(bytes.begin(), bytes.end());
}

void Store::visit(
    Column column,
    ByteView prefix,
    const std::function<bool(ByteView key, ByteView value)>& visit,
    bool backwards) const {
    const std::unique_ptr<rocksdb::Iterator> it(
        impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->column(column)));
    const std::string behind = slice(prefix).ToString() + std::string(40, '\xff');
    if (backwards)
        it->SeekForPrev(behind);
    else
        it->Seek(slice(prefix));
    while (it->Valid() && it->key().starts_with(slice(prefix)) &&
           visit(view_of(it->key()), view_of(it->value()))) {
        if (backwards)
            it->Prev();
        else
            it->Next();
    }
    check(it->status(), "read failed");
}

std::optional<Event> Store::read_event(uint64_t number) const {
    const auto value = impl_->get(Column::Events, event_key(number));
    if (!value) return std::nullopt;
    return decoded(consensus::decode<Event>(view_of(*value)), "event");
}

uint64_t Store::log_end() const {
    const auto value = impl_->get(Column::Events, Slice(LOG_END_KEY));
    return value ? decoded(consensus::decode<uint64_t>(view_of(*value)), "end of the events") : 0;
}

uint64_t Store::Impl::disk_bytes(Column of) const {
    uint64_t bytes = 0;
    for (const char* property :
         {"rocksdb.total-sst-files-size", "rocksdb.live-blob-file-size",
          "rocksdb.cur-size-all-mem-tables"}) {
        uint64_t value = 0;
        if (db->GetIntProperty(column(of), property, &value)) bytes += value;
    }
    return bytes;
}

uint64_t Store::disk_bytes() const {
    uint64_t bytes = 0;
    for (size_t i = 0; i < COLUMN_COUNT; ++i) bytes += impl_->disk_bytes(static_cast<Column>(i));
    return bytes;
}

uint64_t Store::body_bytes() const {
    return impl_->disk_bytes(Column::Blocks) + impl_->disk_bytes(Column::Undo);
}

uint64_t Store::coin_bytes() const {
    rocksdb::SizeApproximationOptions options;
    options.include_memtables = true; // by what is in them: what they take is a megabyte at least
    const rocksdb::Range all("", "\xff\xff");
    uint64_t bytes = 0;
    const Status status =
        impl_->db->GetApproximateSizes(options, impl_->coins(CoinSet::Active), &all, 1, &bytes);
    check(status, "read failed");
    return bytes;
}

} // namespace cairn::chain
