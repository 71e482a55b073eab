// SPDX-License-Identifier: MIT
// How RocksDB is set up; chosen by measurement, each with its reason.
#pragma once

#include "chain/store.h"

#include <rocksdb/cache.h>
#include <rocksdb/options.h>

namespace cairn::chain {

rocksdb::ColumnFamilyOptions
column_options(Column column, const std::shared_ptr<rocksdb::Cache>& cache);

rocksdb::DBOptions database_options();

} // namespace cairn::chain
