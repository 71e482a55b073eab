// SPDX-License-Identifier: MIT
// A walk over the coins on disk.
#pragma once

#include "consensus/coin.h"
#include "consensus/transaction.h"

#include <memory>
#include <optional>
#include <utility>

namespace rocksdb {
class Iterator;
} // namespace rocksdb

namespace cairn::chain {

/// Over all coins of a Store by key, as they were when it was made.
///
/// Thread: any, one at a time.
class CoinCursor {
public:
    explicit CoinCursor(std::unique_ptr<rocksdb::Iterator> iterator);
    ~CoinCursor();
    CoinCursor(CoinCursor&&) noexcept;
    CoinCursor& operator=(CoinCursor&&) noexcept;

    /// nullopt after the last. Throws StorageError.
    std::optional<std::pair<consensus::OutPoint, consensus::Coin>> next();

private:
    std::unique_ptr<rocksdb::Iterator> iterator_;
};

} // namespace cairn::chain
