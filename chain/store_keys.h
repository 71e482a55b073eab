// SPDX-License-Identifier: MIT
// The keys under which things lie in RocksDB; the table in chain/README.md names them.
#pragma once

#include "chain/store.h"

#include <rocksdb/slice.h>

#include <array>
#include <string>

namespace cairn::chain {

constexpr std::string_view TIP_KEY("\0", 1);      ///< Before all coins, whose keys are longer.
constexpr std::string_view LOG_END_KEY = TIP_KEY; ///< Among the events, likewise.

rocksdb::Slice slice(ByteView bytes);
ByteView view_of(const rocksdb::Slice& bytes);

/// Before the keys of all nodes at `height`, and after those below.
std::string height_key(Height height);

/// Height first, so that blocks lie on disk in the order of the chain and headers come up with
/// parents first.
std::string node_key(const consensus::HeaderNode& node);

Height height_of(const rocksdb::Slice& node_key);

/// A coin's key. Keeps the order of the output numbers, in one byte for nearly all of them; no
/// string, since there are millions.
class CoinDiskKey {
public:
    explicit CoinDiskKey(const OutPoint& point);

    ByteView bytes() const { return ByteView(bytes_).first(size_); }

    // NOLINTNEXTLINE(google-explicit-constructor): that is what it is for
    operator rocksdb::Slice() const { return slice(bytes()); }

private:
    std::array<uint8_t, 37> bytes_;
    size_t size_ = 33;
};

/// The reverse. Throws StorageError.
OutPoint point_of(ByteView key);

std::string event_key(uint64_t number);

} // namespace cairn::chain
