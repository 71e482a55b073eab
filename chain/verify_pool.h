// SPDX-License-Identifier: MIT
// Does on all cores what needs no state: scripts, which are most of the work of validation and ask
// for nothing but a transaction and the coins it spends, and the checks of a block by itself.
#pragma once

#include "chain/stage_times.h"
#include "consensus/coin.h"
#include "consensus/interpreter.h"
#include "consensus/result.h"
#include "consensus/sighash.h"

#include <boost/unordered/unordered_flat_set.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace cairn::chain {

/// Of the calling thread, so that the network, the chain thread and readers get the processor at
/// once.
void lower_priority();

/// For the system's tools and the log, which tells the parts of the node by the names of their
/// threads up to a '-' (node/log.h). At most 15 letters.
void name_thread(const char* name);

/// Threads that work off jobs, at low priority.
class VerifyPool {
public:
    using Job = std::function<void()>;

    /// `threads`: as -par has it: 0 for one a core, negative to leave so many free.
    explicit VerifyPool(int threads);

    ~VerifyPool() { stop(); }

    VerifyPool(const VerifyPool&) = delete;
    VerifyPool& operator=(const VerifyPool&) = delete;

    /// Work off what waits, and end the threads. Later jobs are never run.
    void stop();

    void push(Job job);
    /// Before all of push(): for what other work is waiting for.
    void push_urgent(Job job);
    /// After all of push(): for what may never be needed, or what anyone can cause. If much of that
    /// waits, it is dropped.
    void push_idle(Job job);
    /// Run the next of push_idle() on the caller's thread. False if none waits.
    bool help();

    /// So much of push() waits that the threads will be busy for some time: more would only take
    /// memory.
    bool saturated() const;

    /// What the pool's jobs, and whoever hands it some, account for.
    StageTimes& times() { return times_; }

    const StageTimes& times() const { return times_; }

private:
    void work();

    static constexpr size_t ENOUGH_JOBS = 64; ///< For each thread; some 50 ms of scripts.
    static constexpr size_t MAX_IDLE_JOBS = 10'000;

    StageTimes times_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> urgent_;
    std::deque<Job> jobs_;
    std::deque<Job> idle_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

/// The first script that failed.
struct ScriptFailure {
    const consensus::SealedTransaction* tx = nullptr;
    size_t input = 0;
    consensus::ScriptError error = consensus::ScriptError::Ok;

    /// `reason`, with the error's text, and which input it was.
    consensus::Reject reject(consensus::Reject::Kind kind, std::string_view reason) const;
};

/// The scripts of one block or transaction: add() while earlier ones are being checked already,
/// then finish(), or start_rest() and later finish(). Thread: one; the pool's threads touch nothing
/// but what is said to outlive it.
class ScriptBatch {
public:
    ScriptBatch(VerifyPool& pool, uint32_t flags) : pool_(pool), flags_(flags) {}

    ~ScriptBatch();

    ScriptBatch(const ScriptBatch&) = delete;
    ScriptBatch& operator=(const ScriptBatch&) = delete;

    /// Check all inputs of `tx`, which spend `spent`, in order. Both outlive the batch.
    void add(const consensus::SealedTransaction& tx, std::span<const consensus::Coin> spent);

    /// Nothing more will be added. `done` is called once all are checked, on any thread.
    void start_rest(VerifyPool::Job done);

    /// Whether all that was added is checked: then finish() doesn't wait.
    bool finished();

    /// Wait for all. The failure is the first in the order of add(), whatever the threads do.
    std::optional<ScriptFailure> finish();

    /// Signatures take about 50 us each: 16 are just below a millisecond. Fewer than these are
    /// checked by the thread that calls finish().
    static constexpr size_t JOB_INPUTS = 16;

private:
    /// A transaction, with what its inputs share; made by the thread that needs it first.
    struct Spender {
        const consensus::SealedTransaction* tx = nullptr;
        std::span<const consensus::Coin> spent;
        size_t first_input = 0; ///< Of the batch.
        std::once_flag once;
        std::optional<consensus::SighashMidstates> midstates;
    };

    void submit(size_t count);
    void run(size_t first, size_t last);
    void check(Spender& spender, size_t input, const consensus::PubkeyPoints& points);
    void wait();

    VerifyPool& pool_;
    const uint32_t flags_;
    std::deque<Spender> spenders_; ///< Grown by one thread; the pool reads what is complete,
    std::mutex mutex_;             ///< found under this lock.
    std::condition_variable done_;
    size_t added_ = 0;          ///< Inputs.
    size_t submitted_ = 0;      ///< Of these, in jobs.
    size_t finished_ = 0;       ///< Under the lock.
    VerifyPool::Job when_done_; ///< Set by start_rest(), under the lock.
    std::atomic<size_t> failed_at_{
        SIZE_MAX}; ///< Lowest input that failed; those after are skipped.
    std::optional<ScriptFailure> failure_;
};

/// Transactions whose scripts were found valid under STANDARD_FLAGS, so that a block need not run
/// them again. Each flag only forbids more, so this answers for every subset of those flags, too.
///
/// Invariants: at most 2 * GENERATION ids. Thread: chain.
class ScriptCache {
public:
    explicit ScriptCache(consensus::SaltedHasher salt) : recent_(0, salt), old_(0, salt) {}

    void insert(const consensus::Wtxid& wtxid);

    static bool answers_for(uint32_t flags) { return (flags & ~consensus::STANDARD_FLAGS) == 0; }

    bool contains(const consensus::Wtxid& wtxid, uint32_t flags) const {
        return answers_for(flags) && (recent_.contains(wtxid) || old_.contains(wtxid));
    }

private:
    static constexpr size_t GENERATION = 250'000; ///< Ids of 32 bytes: 16 MB for both at most.
    using Set = boost::unordered_flat_set<consensus::Wtxid, consensus::SaltedHasher>;
    Set recent_;
    Set old_;
};

} // namespace cairn::chain
