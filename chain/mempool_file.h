// SPDX-License-Identifier: MIT
// mempool.dat: the mempool over a restart, in the reference's format, which other tools read too.
#pragma once

#include "chain/mempool.h"

#include <filesystem>

namespace cairn::chain {

/// What the file holds.
struct SavedMempool {
    struct Item {
        TransactionRef tx;
        int64_t time = 0; ///< When it came in, seconds.
        Amount priority;
    };

    std::vector<Item> items;           ///< Parents first.
    std::map<Txid, Amount> priorities; ///< Of transactions that may come yet.
    std::set<Txid> unbroadcast;        ///< Those that no peer has asked for.
    bool damaged = false;              ///< This is what comes before the damage.
};

/// What a file of `pool` is to hold: quickly copied, so that nobody waits for the file.
SavedMempool to_save(const Mempool& pool, const std::vector<Txid>& unbroadcast);

/// Write the file in version 1, whole or not at all. Throws StorageError.
void save_mempool(const std::filesystem::path& path, const SavedMempool& saved);

/// Read versions 1 and 2; nullopt if there is none, or it can't be understood. What is wrong is
/// logged.
std::optional<SavedMempool> read_mempool(const std::filesystem::path& path);

/// Likewise our own, if it is there: a damaged one is kept under another name.
std::optional<SavedMempool> load_mempool(const std::filesystem::path& path);

} // namespace cairn::chain
