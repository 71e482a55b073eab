// SPDX-License-Identifier: MIT
// A chain of payments to measure with, the same each time, and what its signatures cost at least.
#pragma once

#include "consensus/block.h"
#include "consensus/params.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace cairn::bench {

using namespace consensus;
using Clock = std::chrono::steady_clock;

constexpr size_t KEYS = 256;
constexpr uint32_t START_TIME = 1'700'000'000; ///< Of its genesis block.

/// Run `work(i)` for every i below `count`, on all cores.
template <class Work>
void on_all_cores(size_t count, const Work& work) {
    std::atomic<size_t> next{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i)
        threads.emplace_back([&] {
            for (size_t at = next++; at < count; at = next++) work(at);
        });
    for (std::thread& thread : threads) thread.join();
}

double seconds_since(Clock::time_point start);

/// Print a figure, and whether it is what was asked for: no more than `most`, or no less than
/// `least`.
bool figure(const char* name, double value, double most);
bool figure_at_least(const char* name, double value, double least);

/// Of tests/bench/chain.json, a chain on which blocks cost no work.
Params make_params();

/// A coin of one of the KEYS keys.
struct Owned {
    OutPoint point;
    Amount value;
    size_t key = 0;
};

/// Give `tx`, which spends `spent`, its witnesses.
void sign(Transaction& tx, const std::vector<Owned>& spent);

/// What pays to a key.
const Script& script_of(size_t key);

/// A block on `previous`, mined, its coinbase paying to the first key.
Block make_block(
    const Params& params,
    const BlockHash& previous,
    int32_t height,
    std::vector<SealedTransaction> transactions);

/// Parse key and signature and verify with bare libsecp256k1, for the `i`th of a thousand samples.
void verify_bare(size_t i);

} // namespace cairn::bench
