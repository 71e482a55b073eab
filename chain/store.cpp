// SPDX-License-Identifier: MIT
#include "chain/store.h"

#include "chain/store_keys.h"
#include "chain/store_options.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <cassert>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

namespace cairn::chain {

using consensus::encode;
using rocksdb::Slice;
using rocksdb::Status;

namespace {

/// What -reindex is for.
struct Damage : StorageError {
    using StorageError::StorageError;
};

} // namespace

void damaged(std::string_view what) {
    throw Damage(fmt::format(
        "the chain state on disk is damaged: {}; start once with -reindex to build it anew", what));
}

namespace {

constexpr std::array<const char*, COLUMN_COUNT> COLUMN_NAMES{
    "default", "headers", "blocks", "undo", "coins", "filters", "events", "other_coins"};
constexpr const char* FORMAT_KEY = "format";
constexpr const char* CHAIN_KEY = "chain";
constexpr const char* REBUILD_KEY = "rebuild";     ///< There while rebuilding().
constexpr const char* EXCHANGED_KEY = "exchanged"; ///< There while the columns of coins are.
constexpr const char* SNAPSHOT_KEY = "snapshot";   ///< A block, while the coins are not validated.
constexpr size_t INGEST_FILE_BYTES = 64 << 20;
/// With less the node stops, while there is room yet to end well and for the operator to look.
constexpr uint64_t MIN_FREE_MEGABYTES = 200;
constexpr uint64_t COIN_BYTES = 80; ///< About, of a table file.

/// A file is gone, or not what was written: other than a disk that fails just now.
bool is_damage(const Status& status) {
    return status.IsCorruption() || status.IsPathNotFound();
}

void check(const Status& status, std::string_view what) {
    if (status.ok()) return;
    if (is_damage(status)) damaged(status.ToString());
    throw StorageError(std::string(what) + ": " + status.ToString());
}

template <class T>
T decoded(consensus::Result<T> result, std::string_view what) {
    if (!result) damaged(what);
    return std::move(*result);
}

rocksdb::WriteOptions synced() {
    rocksdb::WriteOptions options;
    options.sync = true;
    return options;
}

/// A column this program does not know was made by one that is newer.
void refuse_unknown_columns(const std::string& path) {
    std::vector<std::string> names;
    const Status status = rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), path, &names);
    if (!status.ok()) return; // nothing there yet; what is damaged, opening tells better
    for (const std::string& name : names)
        if (std::ranges::find(COLUMN_NAMES, name) == COLUMN_NAMES.end())
            throw StorageError(fmt::format(
                "{} was written by a newer version (it has \"{}\"); use that version, or another "
                "data directory",
                path, name));
}

} // namespace

StoreBatch::StoreBatch() : batch_(std::make_unique<rocksdb::WriteBatch>()) {}

StoreBatch::~StoreBatch() = default;
StoreBatch::StoreBatch(StoreBatch&&) noexcept = default;
StoreBatch& StoreBatch::operator=(StoreBatch&&) noexcept = default;

bool StoreBatch::empty() const {
    return batch_->Count() == 0;
}

struct Store::Impl {
    StoreOptions options;
    rocksdb::Options coin_options; ///< For the files that are ingested.
    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle*> columns;
    bool rebuilding = false;
    std::atomic<bool> exchanged{false}; ///< The active coins are in OtherCoins.
    std::optional<BlockHash> snapshot;

    ~Impl() { close(); }

    rocksdb::ColumnFamilyHandle* column(Column column) const {
        return columns[static_cast<size_t>(column)];
    }

    rocksdb::ColumnFamilyHandle* coins(CoinSet set) const {
        return column((set == CoinSet::Active) == exchanged ? Column::OtherCoins : Column::Coins);
    }

    std::optional<rocksdb::PinnableSlice> get(Column from, const Slice& key) const {
        return get(column(from), key);
    }

    std::optional<rocksdb::PinnableSlice>
    get(rocksdb::ColumnFamilyHandle* from, const Slice& key) const {
        rocksdb::PinnableSlice value;
        const Status status = db->Get(rocksdb::ReadOptions(), from, key, &value);
        if (status.IsNotFound()) return std::nullopt;
        check(status, "read failed");
        return value;
    }

    void start(const consensus::Params& params);
    void open(bool salvage);
    void close();
    uint64_t disk_bytes(Column of) const;
    void check_space(uint64_t needed = 0) const;
    bool is_current(const consensus::Params& params) const;
    std::vector<rocksdb::LiveFileMetaData> tables(Column of) const;
    void check_tables(Column of) const;
    void drop_all_but_bodies();
    void set_aside();
    void save_bodies();
    void drop_unfinished_tables() const;

    std::filesystem::path ingest_directory() const { return options.directory / "ingest"; }

    /// Where a store waits whose bodies are to be saved.
    std::filesystem::path damaged_directory() const {
        return options.directory.string() + ".damaged";
    }
};

/// `salvage`: open even what can't be trusted, to save the bodies.
void Store::Impl::open(bool salvage) {
    const auto cache = rocksdb::NewLRUCache(options.cache_bytes);
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (size_t i = 0; i < COLUMN_COUNT; ++i) {
        descriptors.emplace_back(COLUMN_NAMES[i], column_options(static_cast<Column>(i), cache));
        // It would trip over what is damaged, and let nobody write any more.
        descriptors.back().options.disable_auto_compactions = salvage;
    }
    rocksdb::DBOptions database = database_options();
    if (options.env) database.env = options.env;
    coin_options = rocksdb::Options(database, column_options(Column::Coins, nullptr));
    if (salvage) {
        database.paranoid_checks = false;
        database.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
    }
    const std::string path = options.directory.string();
    rocksdb::DB* opened = nullptr;
    const Status status = rocksdb::DB::Open(database, path, descriptors, &columns, &opened);
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos)
        throw StorageError("cannot lock " + path + ": another process is using this directory");
    check(status, "cannot open " + path);
    db.reset(opened);
}

/// `needed`: bytes that are about to be written.
void Store::Impl::check_space(uint64_t needed) const {
    constexpr uint64_t MEGABYTE = 1'000'000;
    std::error_code error;
    const uint64_t room = std::filesystem::space(options.directory, error).available / MEGABYTE;
    const uint64_t wanted = MIN_FREE_MEGABYTES + needed / MEGABYTE;
    if (!error && room < wanted)
        throw StorageError(fmt::format(
            "disk space is too low: {} MB are free in {}, {} are needed", room,
            options.directory.string(), wanted));
}

void Store::Impl::close() {
    if (!db) return;
    for (rocksdb::ColumnFamilyHandle* column : columns) db->DestroyColumnFamilyHandle(column);
    columns.clear();
    db->Close();
    db.reset();
}

/// Whether it can be used as it is. What is new becomes so.
bool Store::Impl::is_current(const consensus::Params& params) const {
    const std::string path = options.directory.string();
    const Slice genesis = slice(params.genesis_hash.bytes);
    const std::optional<rocksdb::PinnableSlice> format = get(Column::Meta, FORMAT_KEY);
    if (!format) {
        rocksdb::WriteBatch batch;
        batch.Put(column(Column::Meta), FORMAT_KEY, slice(encode(STORE_FORMAT)));
        batch.Put(column(Column::Meta), CHAIN_KEY, genesis);
        check(db->Write(synced(), &batch), "write failed");
        return true;
    }
    const auto found = decoded(consensus::decode<uint32_t>(view_of(*format)), "format");
    if (found > STORE_FORMAT)
        throw StorageError(fmt::format(
            "{} has format {}, written by a newer version; this one reads up to {}", path, found,
            STORE_FORMAT));
    const std::optional<rocksdb::PinnableSlice> chain = get(Column::Meta, CHAIN_KEY);
    if (!chain || *chain != genesis)
        throw StorageError(path + " holds another chain than " + params.name);
    return found == STORE_FORMAT && !get(Column::Meta, REBUILD_KEY);
}

std::vector<rocksdb::LiveFileMetaData> Store::Impl::tables(Column of) const {
    std::vector<rocksdb::LiveFileMetaData> all;
    db->GetLiveFilesMetaData(&all);
    std::erase_if(all, [name = column(of)->GetName()](const rocksdb::LiveFileMetaData& table) {
        return table.column_family_name != name;
    });
    return all;
}

/// Throws StorageError if a byte of them is not what was written.
void Store::Impl::check_tables(Column of) const {
    for (const rocksdb::LiveFileMetaData& table : tables(of)) {
        rocksdb::SstFileReader reader(db->GetOptions(column(of)));
        check(reader.Open(table.db_path + table.name), "read failed");
        check(reader.VerifyChecksum(), "read failed");
    }
}

/// Dropped columns are made anew when the database is opened again.
void Store::Impl::drop_all_but_bodies() {
    rocksdb::WriteBatch batch;
    batch.Put(column(Column::Meta), FORMAT_KEY, slice(encode(STORE_FORMAT)));
    batch.Put(column(Column::Meta), REBUILD_KEY, "");
    batch.Delete(column(Column::Meta), EXCHANGED_KEY);
    batch.Delete(column(Column::Meta), SNAPSHOT_KEY);
    check(db->Write(synced(), &batch), "write failed");
    for (size_t i = 0; i < COLUMN_COUNT; ++i)
        if (const auto column = static_cast<Column>(i);
            column != Column::Meta && column != Column::Blocks)
            check(db->DropColumnFamily(columns[i]), "write failed");
}

/// Leave what is damaged, and begin anew beside it.
void Store::Impl::set_aside() {
    std::error_code error;
    if (std::filesystem::exists(damaged_directory()))
        std::filesystem::remove_all(options.directory, error); // all in it was saved from there
    else
        std::filesystem::rename(options.directory, damaged_directory(), error);
    if (!error) std::filesystem::create_directories(options.directory, error);
    if (error)
        throw StorageError("cannot replace " + options.directory.string() + ": " + error.message());
}

/// Take over the bodies that can be read from the store that was set aside. Each by its key, which
/// the headers know: to walk over them would end at the first table that can't be read.
void Store::Impl::save_bodies() {
    size_t saved = 0;
    size_t lost = 0;
    rocksdb::WriteOptions unlogged;
    unlogged.disableWAL = true;
    try {
        Impl damaged;
        damaged.options = options;
        damaged.options.directory = damaged_directory();
        damaged.open(true);
        const std::unique_ptr<rocksdb::Iterator> header(
            damaged.db->NewIterator(rocksdb::ReadOptions(), damaged.column(Column::Headers)));
        for (header->SeekToFirst(); header->Valid(); header->Next()) {
            const auto record = consensus::decode<HeaderRecord>(view_of(header->value()));
            if (!record || (record->status & BlockNode::HAVE_BODY) == 0) continue;
            rocksdb::PinnableSlice body;
            const Status status = damaged.db->Get(
                rocksdb::ReadOptions(), damaged.column(Column::Blocks), header->key(), &body);
            if (status.IsNotFound() || is_damage(status)) {
                ++lost;
                continue;
            }
            check(status, "read failed");
            check_space(body.size());
            check(db->Put(unlogged, column(Column::Blocks), header->key(), body), "write failed");
            ++saved;
        }
        check(header->status(), "read failed");
    } catch (const Damage& damage) {
        spdlog::warn("bodies_lost reason=\"{}\"", damage.what());
    }
    check(db->Flush(rocksdb::FlushOptions(), column(Column::Blocks)), "flush failed");
    spdlog::warn("bodies_saved count={} lost={}", saved, lost);
    std::error_code error;
    std::filesystem::remove_all(damaged_directory(), error);
}

/// What a crash left of ingest_coins(). Under the database's own lock, which may not be ours.
void Store::Impl::drop_unfinished_tables() const {
    rocksdb::Env* const env = options.env ? options.env : rocksdb::Env::Default();
    rocksdb::FileLock* lock = nullptr;
    if (!env->LockFile((options.directory / "LOCK").string(), &lock).ok()) return;
    std::error_code error;
    std::filesystem::remove_all(ingest_directory(), error);
    env->UnlockFile(lock);
}

/// Open it, whatever its state, as far as we are asked to.
void Store::Impl::start(const consensus::Params& params) {
    const bool damaged_before = std::filesystem::exists(damaged_directory());
    try {
        open(options.rebuild);
        rebuilding = !is_current(params) || options.rebuild || damaged_before;
        if (!rebuilding) return;
        for (const Column kept : {Column::Meta, Column::Blocks}) check_tables(kept);
    } catch (const Damage& damage) {
        if (!options.rebuild) throw;
        spdlog::warn("store_set_aside reason=\"{}\"", damage.what());
        close();
        set_aside();
        open(false);
        rebuilding = is_current(params);
    }
    drop_all_but_bodies();
    close();
    open(false);
    if (std::filesystem::exists(damaged_directory())) save_bodies();
}

Store::Store(StoreOptions options, const consensus::Params& params)
    : impl_(std::make_unique<Impl>()) {
    impl_->options = std::move(options);
    const std::filesystem::path& directory = impl_->options.directory;
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) throw StorageError("cannot create " + directory.string() + ": " + error.message());
    refuse_unknown_columns(directory.string());
    impl_->drop_unfinished_tables();
    impl_->check_space();
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
    check(impl_->db->Delete(synced(), REBUILD_KEY), "write failed");
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

void Store::put_filter(StoreBatch& batch, const BlockNode& node, const FilterEntry& entry) const {
    Bytes value(entry.header.bytes.begin(), entry.header.bytes.end());
    value.insert(value.end(), entry.filter.begin(), entry.filter.end());
    batch.batch_->Put(impl_->column(Column::Filters), node_key(node), slice(value));
}

void Store::put_coin(StoreBatch& batch, const CoinChange& change) const {
    rocksdb::ColumnFamilyHandle* const coins = impl_->coins(CoinSet::Active);
    const CoinDiskKey key(change.point);
    if (!change.coin) {
        batch.batch_->Delete(coins, key);
        return;
    }
    Bytes value;
    encode_coin(*change.coin, value);
    batch.batch_->Put(coins, key, slice(value));
}

void Store::put_tip(StoreBatch& batch, const TipRecord& tip) const {
    batch.batch_->Put(impl_->coins(CoinSet::Active), TIP_KEY, slice(encode(tip)));
}

void Store::put_event(StoreBatch& batch, uint64_t number, const Event& event) const {
    batch.batch_->Put(impl_->column(Column::Events), event_key(number), slice(encode(event)));
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

void Store::write(StoreBatch& batch, Durability durability) {
    impl_->check_space(batch.batch_->GetDataSize());
    rocksdb::WriteOptions options;
    options.sync = durability == Durability::Synced;
    options.disableWAL = durability == Durability::Unlogged;
    check(impl_->db->Write(options, batch.batch_.get()), "write failed");
    batch.batch_->Clear();
}

void Store::flush_bodies() {
    impl_->check_space();
    const std::vector<rocksdb::ColumnFamilyHandle*> bodies{
        impl_->column(Column::Blocks), impl_->column(Column::Undo), impl_->column(Column::Filters),
        impl_->column(Column::Events)};
    check(impl_->db->Flush(rocksdb::FlushOptions(), bodies), "flush failed");
}

namespace {

/// Writes sorted coins into as many table files as they need.
class TableFiles {
public:
    TableFiles(const rocksdb::Options& options, std::filesystem::path directory)
        : options_(options),
          directory_(std::move(directory)) {
        std::error_code error;
        std::filesystem::create_directories(directory_, error);
        if (error)
            throw StorageError("cannot create " + directory_.string() + ": " + error.message());
    }

    /// What was not ingested, since something failed, is of no use to anyone.
    ~TableFiles() {
        writer_.reset();
        std::error_code error;
        std::filesystem::remove_all(directory_, error);
    }

    TableFiles(const TableFiles&) = delete;
    TableFiles& operator=(const TableFiles&) = delete;

    void put(const CoinChange& change) {
        const CoinDiskKey key(change.point);
        if (!change.coin) {
            check(writer().Delete(key), "write failed");
            return;
        }
        value_.clear();
        encode_coin(*change.coin, value_);
        check(writer().Put(key, slice(value_)), "write failed");
    }

    void put_tip(const TipRecord& tip) {
        check(writer().Put(Slice(TIP_KEY), slice(encode(tip))), "write failed");
    }

    /// The finished files.
    std::vector<std::string> finish() {
        if (writer_) check(writer_->Finish(), "write failed");
        writer_.reset();
        return paths_;
    }

private:
    rocksdb::SstFileWriter& writer() {
        if (writer_ && writer_->FileSize() >= INGEST_FILE_BYTES) finish();
        if (!writer_) {
            paths_.push_back((directory_ / (std::to_string(paths_.size()) + ".sst")).string());
            // What was just written may well be read next: it stays in the system's cache.
            writer_ = std::make_unique<rocksdb::SstFileWriter>(
                rocksdb::EnvOptions(), options_, nullptr, false);
            check(writer_->Open(paths_.back()), "cannot write " + paths_.back());
        }
        return *writer_;
    }

    const rocksdb::Options& options_;
    std::filesystem::path directory_;
    std::unique_ptr<rocksdb::SstFileWriter> writer_;
    std::vector<std::string> paths_;
    Bytes value_; ///< Of the last coin: there are millions, and each would be an allocation.
};

} // namespace

void Store::ingest_coins(const TipRecord& tip, const CoinChanges& changes, CoinSet set) {
    rocksdb::ColumnFamilyHandle* const column = impl_->coins(set);
    impl_->check_space(changes.count * COIN_BYTES);
    TableFiles files(impl_->coin_options, impl_->ingest_directory() / column->GetName());
    files.put_tip(tip); // its key is the first of all
    changes.visit([&files](const CoinChange& change) { files.put(change); });
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    options.write_global_seqno = false;
    check(
        impl_->db->IngestExternalFile(column, files.finish(), options),
        "ingestion of coins failed");
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

Bytes Store::read_block(const BlockNode& node) const {
    const auto value = impl_->get(Column::Blocks, node_key(node));
    if (!value) return {};
    const ByteView bytes = view_of(*value);
    return {bytes.begin(), bytes.end()};
}

std::optional<BlockUndo> Store::read_undo(const BlockNode& node) const {
    const auto value = impl_->get(Column::Undo, node_key(node));
    if (!value) return std::nullopt;
    return decoded(decode_undo(view_of(*value)), "undo data");
}

std::optional<FilterEntry> Store::read_filter(const BlockNode& node) const {
    const auto value = impl_->get(Column::Filters, node_key(node));
    if (!value) return std::nullopt;
    if (value->size() < 32) damaged("filter");
    const ByteView bytes = view_of(*value);
    FilterEntry entry;
    std::copy_n(bytes.begin(), 32, entry.header.bytes.begin());
    entry.filter.assign(bytes.begin() + 32, bytes.end());
    return entry;
}

std::optional<Event> Store::read_event(uint64_t number) const {
    const auto value = impl_->get(Column::Events, event_key(number));
    if (!value) return std::nullopt;
    return decoded(consensus::decode<Event>(view_of(*value)), "event");
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
