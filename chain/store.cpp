// SPDX-License-Identifier: MIT
#include "chain/store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <cassert>
#include <spdlog/fmt/fmt.h>

namespace cairn::chain {

using consensus::encode;
using rocksdb::Slice;
using rocksdb::Status;

namespace {

constexpr std::array<const char*, COLUMN_COUNT> COLUMN_NAMES{"default", "headers", "blocks", "undo",
                                                             "coins",   "filters", "events"};
constexpr const char* FORMAT_KEY = "format";
constexpr const char* CHAIN_KEY = "chain";
constexpr std::string_view TIP_KEY("\0", 1); ///< Before all coins, whose keys are longer.
constexpr size_t INGEST_FILE_BYTES = 64 << 20;

Slice slice(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ByteView view_of(const Slice& bytes) {
    return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

void check(const Status& status, std::string_view what) {
    if (status.ok()) return;
    throw StorageError(std::string(what) + ": " + status.ToString());
}

[[noreturn]] void damaged(std::string_view what) {
    throw StorageError("the chain state on disk is damaged: " + std::string(what));
}

template <class T>
void append_big_endian(std::string& key, T number) {
    for (int shift = int(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
        key.push_back(static_cast<char>(number >> shift));
}

/// Height first, so that blocks lie on disk in the order of the chain and headers come up with
/// parents first.
std::string node_key(const consensus::HeaderNode& node) {
    std::string key;
    append_big_endian(key, static_cast<uint32_t>(node.height.value));
    key.append(slice(node.hash.bytes).data(), 32);
    return key;
}

/// Keeps the order of the output numbers, in one byte for nearly all of them.
std::string coin_key(const OutPoint& point) {
    std::string key(slice(point.txid.bytes).data(), 32);
    if (point.index < 0xff) {
        key.push_back(static_cast<char>(point.index));
    } else {
        key.push_back('\xff');
        append_big_endian(key, point.index);
    }
    return key;
}

OutPoint point_of(ByteView key) {
    OutPoint point;
    if (key.size() != 33 && key.size() != 37) damaged("key of a coin");
    std::copy_n(key.begin(), 32, point.txid.bytes.begin());
    point.index = key[32];
    if (key.size() == 37) {
        point.index = 0;
        for (const uint8_t byte : key.last(4)) point.index = point.index << 8 | byte;
    }
    return point;
}

std::string event_key(uint64_t number) {
    std::string key;
    append_big_endian(key, number);
    return key;
}

template <class T>
T decoded(consensus::Result<T> result, std::string_view what) {
    if (!result) damaged(what);
    return std::move(*result);
}

rocksdb::ColumnFamilyOptions
column_options(Column column, const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::ColumnFamilyOptions options;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.cache_index_and_filter_blocks = true; // within the budget, as everything
    // Hashes and signatures do not shrink: compression would cost time and save nothing.
    options.compression = rocksdb::kNoCompression;
    switch (column) {
    case Column::Coins:
        table.filter_policy.reset(
            rocksdb::NewBloomFilterPolicy(10)); // most look-ups of new coins miss
        // In blocks of 4 kB, read as needed: a file's whole filter is a megabyte.
        table.partition_filters = true;
        table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
        options.write_buffer_size = 16 << 20;
        options.level_compaction_dynamic_level_bytes = true; // a tenth of space lost, not a half
        break;
    case Column::Blocks:
    case Column::Undo:
    case Column::Filters:
        options.enable_blob_files = true; // written once, never moved by compaction
        options.min_blob_size = 512;
        options.blob_file_size = 128 << 20;
        options.write_buffer_size = column == Column::Blocks ? 16 << 20 : 8 << 20;
        break;
    default:
        options.write_buffer_size = 4 << 20;
    }
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return options;
}

rocksdb::DBOptions database_options() {
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.max_background_jobs = 2;
    options.max_open_files = 256; // the rest of the descriptors is for peers
    options.max_total_wal_size = 64 << 20;
    options.keep_log_file_num = 2;
    options.max_log_file_size = 1 << 20;
    options.info_log_level = rocksdb::WARN_LEVEL;
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

bool coin_key_less(const OutPoint& a, const OutPoint& b) {
    return a < b; // txid bytes, then number: as coin_key() sorts
}

StoreBatch::StoreBatch() : batch_(std::make_unique<rocksdb::WriteBatch>()) {}

StoreBatch::~StoreBatch() = default;
StoreBatch::StoreBatch(StoreBatch&&) noexcept = default;
StoreBatch& StoreBatch::operator=(StoreBatch&&) noexcept = default;

bool StoreBatch::empty() const {
    return batch_->Count() == 0;
}

struct Store::Impl {
    std::filesystem::path directory;
    rocksdb::Options options; ///< Of the coins, for the files that are ingested.
    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle*> columns;

    ~Impl() {
        if (!db) return;
        for (rocksdb::ColumnFamilyHandle* column : columns) db->DestroyColumnFamilyHandle(column);
        db->Close();
    }

    rocksdb::ColumnFamilyHandle* column(Column column) const {
        return columns[static_cast<size_t>(column)];
    }

    std::optional<rocksdb::PinnableSlice> get(Column from, const Slice& key) const {
        rocksdb::PinnableSlice value;
        const Status status = db->Get(rocksdb::ReadOptions(), column(from), key, &value);
        if (status.IsNotFound()) return std::nullopt;
        check(status, "read failed");
        return value;
    }

    void check_identity(const consensus::Params& params) const;
};

namespace {

std::filesystem::path ingest_directory(const std::filesystem::path& directory) {
    return directory / "ingest";
}

} // namespace

Store::Store(
    const std::filesystem::path& directory, const consensus::Params& params, size_t cache_bytes)
    : impl_(std::make_unique<Impl>()) {
    impl_->directory = directory;
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) throw StorageError("cannot create " + directory.string() + ": " + error.message());
    refuse_unknown_columns(directory.string());

    const auto cache = rocksdb::NewLRUCache(cache_bytes);
    std::vector<rocksdb::ColumnFamilyDescriptor> columns;
    for (size_t i = 0; i < COLUMN_COUNT; ++i)
        columns.emplace_back(COLUMN_NAMES[i], column_options(static_cast<Column>(i), cache));
    const rocksdb::DBOptions options = database_options();
    impl_->options = rocksdb::Options(options, column_options(Column::Coins, nullptr));

    rocksdb::DB* db = nullptr;
    const Status status =
        rocksdb::DB::Open(options, directory.string(), columns, &impl_->columns, &db);
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos)
        throw StorageError(
            "cannot lock " + directory.string() + ": another process is using this directory");
    check(status, "cannot open " + directory.string());
    impl_->db.reset(db);
    std::filesystem::remove_all(ingest_directory(directory), error); // left by a crash
    impl_->check_identity(params);
}

Store::~Store() = default;

void Store::Impl::check_identity(const consensus::Params& params) const {
    const Slice genesis = slice(params.genesis_hash.bytes);
    const std::optional<rocksdb::PinnableSlice> format = get(Column::Meta, FORMAT_KEY);
    if (!format) {
        rocksdb::WriteBatch batch;
        batch.Put(column(Column::Meta), FORMAT_KEY, slice(encode(STORE_FORMAT)));
        batch.Put(column(Column::Meta), CHAIN_KEY, genesis);
        rocksdb::WriteOptions synced;
        synced.sync = true;
        return check(db->Write(synced, &batch), "write failed");
    }
    const auto found = decoded(consensus::decode<uint32_t>(view_of(*format)), "format");
    if (found > STORE_FORMAT)
        throw StorageError(
            directory.string() + " has format " + std::to_string(found) +
            ", written by a newer version; this one reads up to " + std::to_string(STORE_FORMAT));
    const std::optional<rocksdb::PinnableSlice> chain = get(Column::Meta, CHAIN_KEY);
    if (!chain || *chain != genesis)
        throw StorageError(directory.string() + " holds another chain than " + params.name);
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

void Store::put_coin(StoreBatch& batch, const OutPoint& point, const Coin& coin) const {
    batch.batch_->Put(impl_->column(Column::Coins), coin_key(point), slice(encode_coin(coin)));
}

void Store::erase_coin(StoreBatch& batch, const OutPoint& point) const {
    batch.batch_->Delete(impl_->column(Column::Coins), coin_key(point));
}

void Store::put_tip(StoreBatch& batch, const TipRecord& tip) const {
    batch.batch_->Put(impl_->column(Column::Coins), TIP_KEY, slice(encode(tip)));
}

void Store::put_event(StoreBatch& batch, uint64_t number, const Event& event) const {
    batch.batch_->Put(impl_->column(Column::Events), event_key(number), slice(encode(event)));
}

void Store::write(StoreBatch& batch, Durability durability) {
    rocksdb::WriteOptions options;
    options.sync = durability == Durability::Synced;
    options.disableWAL = durability == Durability::Unlogged;
    check(impl_->db->Write(options, batch.batch_.get()), "write failed");
    batch.batch_->Clear();
}

void Store::flush_bodies() {
    const std::vector<rocksdb::ColumnFamilyHandle*> bodies{
        impl_->column(Column::Blocks), impl_->column(Column::Undo), impl_->column(Column::Filters),
        impl_->column(Column::Events)};
    check(impl_->db->Flush(rocksdb::FlushOptions(), bodies), "flush failed");
}

namespace {

/// Writes sorted coins into as many table files as they need.
class TableFiles : public Store::CoinSink {
public:
    TableFiles(const rocksdb::Options& options, std::filesystem::path directory)
        : options_(options),
          directory_(std::move(directory)) {}

    void put(const OutPoint& point, const Coin& coin) override {
        check(writer().Put(coin_key(point), slice(encode_coin(coin))), "write failed");
    }

    void erase(const OutPoint& point) override {
        check(writer().Delete(coin_key(point)), "write failed");
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
            writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options_);
            check(writer_->Open(paths_.back()), "cannot write " + paths_.back());
        }
        return *writer_;
    }

    const rocksdb::Options& options_;
    std::filesystem::path directory_;
    std::unique_ptr<rocksdb::SstFileWriter> writer_;
    std::vector<std::string> paths_;
};

} // namespace

void Store::ingest_coins(const TipRecord& tip, const std::function<void(CoinSink&)>& fill) {
    const std::filesystem::path directory = ingest_directory(impl_->directory);
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) throw StorageError("cannot create " + directory.string() + ": " + error.message());
    TableFiles files(impl_->options, directory);
    files.put_tip(tip); // its key is the first of all
    fill(files);
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    options.write_global_seqno = false;
    check(
        impl_->db->IngestExternalFile(impl_->column(Column::Coins), files.finish(), options),
        "ingestion of coins failed");
    std::filesystem::remove_all(directory, error);
}

std::optional<TipRecord> Store::tip() const {
    const auto value = impl_->get(Column::Coins, Slice(TIP_KEY));
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

std::optional<Coin> Store::find_coin(const OutPoint& point) const {
    const auto value = impl_->get(Column::Coins, coin_key(point));
    if (!value) return std::nullopt;
    return decoded(decode_coin(view_of(*value)), "coin");
}

std::vector<std::pair<OutPoint, Coin>> Store::find_coins(std::vector<OutPoint> points) const {
    std::ranges::sort(points, coin_key_less);
    std::vector<std::string> keys;
    keys.reserve(points.size());
    std::vector<Slice> slices;
    for (const OutPoint& point : points) slices.emplace_back(keys.emplace_back(coin_key(point)));
    std::vector<rocksdb::PinnableSlice> values(points.size());
    std::vector<Status> statuses(points.size());
    impl_->db->MultiGet(
        rocksdb::ReadOptions(), impl_->column(Column::Coins), points.size(), slices.data(),
        values.data(), statuses.data(), true);
    std::vector<std::pair<OutPoint, Coin>> found;
    for (size_t i = 0; i < points.size(); ++i) {
        if (statuses[i].IsNotFound()) continue;
        check(statuses[i], "read failed");
        found.emplace_back(points[i], decoded(decode_coin(view_of(values[i])), "coin"));
    }
    return found;
}

CoinCursor Store::coins() const {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    std::unique_ptr<rocksdb::Iterator> it(
        impl_->db->NewIterator(options, impl_->column(Column::Coins)));
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

uint64_t Store::disk_bytes() const {
    uint64_t bytes = 0;
    for (rocksdb::ColumnFamilyHandle* column : impl_->columns)
        for (const char* property :
             {"rocksdb.total-sst-files-size", "rocksdb.live-blob-file-size",
              "rocksdb.cur-size-all-mem-tables"}) {
            uint64_t value = 0;
            if (impl_->db->GetIntProperty(column, property, &value)) bytes += value;
        }
    return bytes;
}

} // namespace cairn::chain
