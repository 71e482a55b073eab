// SPDX-License-Identifier: MIT
#include "chain/store_options.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

namespace cairn::chain {

namespace {

/// Without it, RocksDB goes on by itself once a full disk has space again, while the node stops:
/// an assertion of 7.8's fails at times, if it is being closed.
class NoRecovery : public rocksdb::EventListener {
    void OnErrorRecoveryBegin(
        rocksdb::BackgroundErrorReason /*reason*/,
        rocksdb::Status /*error*/,
        bool* auto_recovery) override {
        *auto_recovery = false;
    }
};

} // namespace

rocksdb::ColumnFamilyOptions
column_options(Column column, const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::ColumnFamilyOptions options;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.cache_index_and_filter_blocks = true; // within the budget, as everything
    // Coins do not shrink, and blocks by no more than 8 to 18 % (LZ4), which would cost each
    // reader.
    options.compression = rocksdb::kNoCompression;
    switch (column) {
    case Column::Coins:
    case Column::OtherCoins:
        // Any peer may ask for coins that are not there: a third of the time, and no disk. With 5
        // bits it is twice as much, with 16 no less.
        table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
        // In blocks of 4 kB, read as needed: a file's whole filter is up to a megabyte, and with a
        // small cache a look-up takes 15 times as long.
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
    case Column::Transactions:
    case Column::Spenders:
    case Column::Addresses:
        // Keys in no order: the more at once, the fewer times each is written again.
        options.write_buffer_size = 16 << 20;
        options.level_compaction_dynamic_level_bytes = true;
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
    options.max_background_jobs = 2; // a flush and a compaction: with more, no import is faster
    options.max_open_files = 256;    // the rest of the descriptors is for peers
    options.max_total_wal_size = 64 << 20; // what a start after a crash reads again: a second
    options.keep_log_file_num = 2;
    options.max_log_file_size = 1 << 20;
    options.max_bgerror_resume_count = 0; // the node stops at a fault, its next start goes on
    options.listeners.push_back(std::make_shared<NoRecovery>());
    options.info_log_level = rocksdb::WARN_LEVEL;
    return options;
}

} // namespace cairn::chain
