// SPDX-License-Identifier: MIT
// What an operator may choose about a chain.
#pragma once

#include "chain/mempool.h"
#include "chain/store.h"

#include <filesystem>
#include <functional>
#include <optional>

namespace cairn::chain {

/// How a chain runs; from the option table (node/options.h).
struct ChainOptions {
    std::filesystem::path directory;        ///< Of this chain: holds chainstate/, mempool.dat.
    size_t cache_bytes = 450UL << 20;       ///< -dbcache
    int verify_threads = 0;                 ///< -par; 0: one a core, negative: leave so many free.
    std::optional<BlockHash> assumed_valid; ///< -assumevalid; null hash: check everything.
    std::optional<consensus::Uint256> minimum_chain_work; ///< -minimumchainwork
    std::optional<int64_t> max_tip_age;         ///< -maxtipage, seconds; 0: never initial download.
    size_t max_mempool_bytes = 300'000'000;     ///< -maxmempool
    int64_t mempool_expiry_seconds = 1'209'600; ///< Two weeks.
    bool persist_mempool = true;
    size_t max_cluster_count = 64;           ///< -limitclustercount
    int64_t max_cluster_vsize = 101'000;     ///< -limitclustersize
    bool accept_nonstandard = false;         ///< -acceptnonstdtxn
    bool permit_bare_multisig = true;        ///< -permitbaremultisig
    size_t max_datacarrier_bytes = 100'000;  ///< -datacarriersize; 0 for -datacarrier=0.
    FeeRate min_relay_feerate{100};          ///< -minrelaytxfee
    FeeRate incremental_feerate{100};        ///< -incrementalrelayfee
    FeeRate dust_feerate{3000};              ///< -dustrelayfee
    int64_t bytes_per_sigop = 20;            ///< -bytespersigop
    FeeRate block_min_feerate{1};            ///< -blockmintxfee
    int64_t block_reserved_weight = 8'000;   ///< -blockreservedweight: header, count, coinbase.
    std::optional<int64_t> block_max_weight; ///< -blockmaxweight; nullopt: what consensus allows.
    std::optional<int32_t> block_version;    ///< -blockversion
    bool block_filters = true;               ///< -blockfilterindex
    bool transaction_index = false;          ///< -txindex
    bool spender_index = false;              ///< -txospenderindex
    bool coin_statistics_index = false;      ///< -coinstatsindex
    bool address_index = false;              ///< -addressindex
    bool reindex = false;                    ///< -reindex
    /// -prune: bytes that bodies may take; 0: any, until prune() is called; nullopt: delete none.
    std::optional<uint64_t> prune_bytes;
    /// Validated at once, as long as they are not too large; what one gives, many give, but slower.
    size_t blocks_in_flight = 16;
    rocksdb::Env* env = nullptr; ///< The store's, if not the system's.
    /// Wall clock, seconds since the epoch; settable by setmocktime. Called on any thread.
    std::function<int64_t()> now;
};

} // namespace cairn::chain
