// SPDX-License-Identifier: MIT
#include "chain/store_impl.h"

#include "chain/file.h"
#include "chain/store_keys.h"
#include "chain/store_options.h"

#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <array>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

namespace cairn::chain {

namespace {

/// What -reindex is for.
struct Damage : StorageError {
    using StorageError::StorageError;
};

constexpr std::array<const char*, COLUMN_COUNT> COLUMN_NAMES{
    "default",     "headers", "blocks",       "undo",     "coins",           "events",
    "other_coins", "filters", "transactions", "spenders", "coin_statistics", "addresses"};
constexpr const char* FORMAT_KEY = "format";
constexpr const char* CHAIN_KEY = "chain";

Bytes encoded_format() {
    Bytes bytes;
    bytes.reserve(sizeof STORE_FORMAT); // or else g++ 12 warns of a write beyond its end
    consensus::Writer{bytes}(STORE_FORMAT);
    return bytes;
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

void damaged(std::string_view what) {
    throw Damage(fmt::format(
        "the chain state on disk is damaged: {}; start once with -reindex to build it anew", what));
}

bool is_damage(const Status& status) {
    return status.IsCorruption() || status.IsPathNotFound();
}

void check(const Status& status, std::string_view what) {
    if (status.ok()) return;
    if (is_damage(status)) damaged(status.ToString());
    throw StorageError(std::string(what) + ": " + status.ToString());
}

rocksdb::WriteOptions synced() {
    rocksdb::WriteOptions options;
    options.sync = true;
    return options;
}

void make_directory(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) throw StorageError("cannot create " + path.string() + ": " + error.message());
}

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
    disk = std::make_shared<FailStop>(below()->GetFileSystem());
    env = rocksdb::NewCompositeEnv(disk);
    database.env = env.get();
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
    check(disk->failure(), "cannot open " + path);
}

void Store::Impl::close() {
    if (!db) return;
    for (rocksdb::ColumnFamilyHandle* column : columns) db->DestroyColumnFamilyHandle(column);
    columns.clear();
    db->Close();
    db.reset();
}

/// Throws StorageError.
void Store::Impl::write(const rocksdb::WriteOptions& how, rocksdb::WriteBatch& batch) const {
    const Status status = db->Write(how, &batch);
    check(disk->failure(), "write failed");
    check(status, "write failed");
}

/// Whether it can be used as it is. What is new becomes so.
bool Store::Impl::is_current(const consensus::Params& params) const {
    const std::string path = options.directory.string();
    const Slice genesis = slice(params.genesis_hash.bytes);
    const std::optional<rocksdb::PinnableSlice> format = get(Column::Meta, FORMAT_KEY);
    if (!format) {
        rocksdb::WriteBatch batch;
        batch.Put(column(Column::Meta), FORMAT_KEY, slice(encoded_format()));
        batch.Put(column(Column::Meta), CHAIN_KEY, genesis);
        write(synced(), batch);
        return true;
    }
    const auto found = decoded(consensus::decode<uint32_t>(view_of(*format)), "format");
    if (found > STORE_FORMAT)
        throw StorageError(fmt::format(
            "{} has format {}, written by a newer version; this one reads up to {}", path, found,
            STORE_FORMAT));
    const std::optional<rocksdb::PinnableSlice> chain = get(Column::Meta, CHAIN_KEY);
    if (!chain || *chain != genesis)
        throw StorageError(
            path + " holds another chain than " + params.name +
            ": choose another -datadir, or another `directory` in the chain file");
    if (found < STORE_FORMAT)
        spdlog::info("store_format_older format={} ours={}", found, STORE_FORMAT);
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
    batch.Put(column(Column::Meta), FORMAT_KEY, slice(encoded_format()));
    batch.Put(column(Column::Meta), REBUILD_KEY, "");
    batch.Delete(column(Column::Meta), EXCHANGED_KEY);
    batch.Delete(column(Column::Meta), SNAPSHOT_KEY);
    write(synced(), batch);
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
    if (error)
        throw StorageError("cannot replace " + options.directory.string() + ": " + error.message());
    make_directory(options.directory);
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
            require_space(options.directory, body.size());
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
    rocksdb::FileLock* lock = nullptr;
    if (!below()->LockFile((options.directory / "LOCK").string(), &lock).ok()) return;
    std::error_code error;
    std::filesystem::remove_all(ingest_directory(), error);
    below()->UnlockFile(lock);
}

/// Open it, whatever its state, as far as we are asked to.
void Store::Impl::start(const consensus::Params& params) {
    make_directory(options.directory);
    refuse_unknown_columns(options.directory.string());
    drop_unfinished_tables();
    require_space(options.directory);
    const bool damaged_before = std::filesystem::exists(damaged_directory());
    try {
        open(options.rebuild);
        rebuilding = !is_current(params) || options.rebuild || damaged_before;
        if (!rebuilding) return;
        // Until it is closed: a compaction would delete tables while they are checked.
        check(db->DisableFileDeletions(), "cannot open " + options.directory.string());
        for (const Column kept : {Column::Meta, Column::Blocks}) check_tables(kept);
    } catch (const Damage& damage) {
        if (!options.rebuild) throw;
        spdlog::warn("store_set_aside reason=\"{}\"", damage.what());
        close();
        set_aside();
        open(false);
        rebuilding = is_current(params); // as it is new
    }
    drop_all_but_bodies();
    close();
    open(false);
    if (std::filesystem::exists(damaged_directory())) save_bodies();
}

} // namespace cairn::chain
