// SPDX-License-Identifier: MIT
#include "chain/verify_pool.h"

#include "consensus/pubkey_points.h"

#include <algorithm>
#include <cassert>
#include <spdlog/fmt/fmt.h>
#include <sys/resource.h>

namespace cairn::chain {

namespace {

constexpr int LOW_PRIORITY = 10; ///< Of nice(2).

int thread_count(int wanted) {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    return std::max(1, wanted > 0 ? wanted : cores + wanted);
}

} // namespace

void lower_priority() {
    setpriority(PRIO_PROCESS, 0, LOW_PRIORITY); // Linux: of this thread alone
}

void name_thread(const char* name) {
    ::pthread_setname_np(::pthread_self(), name);
}

VerifyPool::VerifyPool(int threads) {
    for (int i = 0; i < thread_count(threads); ++i)
        threads_.emplace_back([this] {
            lower_priority();
            work();
        });
    for (std::thread& thread : threads_) // from here: one that hasn't run yet is there, too
        ::pthread_setname_np(thread.native_handle(), "chain-verify");
}

void VerifyPool::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
}

void VerifyPool::push(Job job) {
    {
        const std::scoped_lock lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void VerifyPool::push_urgent(Job job) {
    {
        const std::scoped_lock lock(mutex_);
        urgent_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void VerifyPool::push_idle(Job job) {
    {
        const std::scoped_lock lock(mutex_);
        if (idle_.size() == MAX_IDLE_JOBS) return;
        idle_.push_back(std::move(job));
    }
    wake_.notify_one();
}

bool VerifyPool::help() {
    Job job;
    {
        const std::scoped_lock lock(mutex_);
        if (idle_.empty()) return false;
        job = std::move(idle_.front());
        idle_.pop_front();
    }
    job();
    return true;
}

bool VerifyPool::saturated() const {
    const std::scoped_lock lock(mutex_);
    return jobs_.size() >= ENOUGH_JOBS * threads_.size();
}

void VerifyPool::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] {
            return stopping_ || !urgent_.empty() || !jobs_.empty() || !idle_.empty();
        });
        std::deque<Job>& from = !urgent_.empty() ? urgent_ : !jobs_.empty() ? jobs_ : idle_;
        if (from.empty()) return;
        const Job job = std::move(from.front());
        from.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

consensus::Reject
ScriptFailure::reject(consensus::Reject::Kind kind, std::string_view reason) const {
    const consensus::OutPoint& spent = tx->inputs[input].prevout;
    return {
        kind, fmt::format("{} ({})", reason, consensus::script_error_text(error)),
        fmt::format(
            "input {} of {} (wtxid {}), spending {}:{}", input, tx->txid.to_string(),
            tx->wtxid.to_string(), spent.txid.to_string(), spent.index)};
}

ScriptBatch::~ScriptBatch() {
    failed_at_ = 0; // nobody asks any more: skip what has not begun
    wait();
}

void ScriptBatch::add(
    const consensus::SealedTransaction& tx, std::span<const consensus::Coin> spent) {
    assert(spent.size() == tx.inputs.size());
    {
        const std::scoped_lock lock(mutex_);
        Spender& spender = spenders_.emplace_back();
        spender.tx = &tx;
        spender.spent = spent;
        spender.first_input = added_;
        added_ += spent.size();
    }
    while (added_ - submitted_ >= JOB_INPUTS) submit(JOB_INPUTS);
}

void ScriptBatch::submit(size_t count) {
    const size_t first = submitted_;
    submitted_ += count;
    pool_.push([this, first, count] { run(first, first + count); });
}

void ScriptBatch::start_rest(VerifyPool::Job done) {
    {
        const std::scoped_lock lock(mutex_);
        if (finished_ < added_) when_done_.swap(done);
    }
    if (submitted_ < added_) submit(added_ - submitted_);
    if (done) done(); // nothing was left
}

bool ScriptBatch::finished() {
    const std::scoped_lock lock(mutex_);
    return finished_ == added_;
}

std::optional<ScriptFailure> ScriptBatch::finish() {
    // What is left is checked here: for a single payment the way to another thread takes longer.
    const size_t first = submitted_;
    submitted_ = added_;
    if (first < added_) run(first, added_);
    wait();
    return failure_;
}

void ScriptBatch::wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return finished_ == submitted_; });
}

void ScriptBatch::run(size_t first, size_t last) {
    std::optional<StageTimes::Scope> account(std::in_place, pool_.times(), Stage::Scripts);
    std::unique_lock lock(mutex_);
    auto spender = std::ranges::upper_bound(spenders_, first, {}, &Spender::first_input);
    std::vector<Spender*> mine;
    for (--spender; spender != spenders_.end() && spender->first_input < last; ++spender)
        mine.push_back(&*spender);
    lock.unlock();
    const auto for_inputs = [&](auto&& step) {
        for (Spender* each : mine) {
            const size_t end = std::min(last, each->first_input + each->spent.size());
            for (size_t at = std::max(first, each->first_input); at < end; ++at)
                if (at < failed_at_.load()) step(*each, at - each->first_input);
        }
    };
    consensus::PubkeyPoints points;
    for_inputs([&points](const Spender& its, size_t input) {
        points.add(its.tx->inputs[input], its.spent[input].out);
    });
    points.solve();
    for_inputs([&](Spender& its, size_t input) { check(its, input, points); });
    account.reset(); // before the pool may be gone
    lock.lock();
    finished_ += last - first;
    VerifyPool::Job done;
    if (finished_ == added_) done.swap(when_done_);
    done_.notify_all(); // under the lock: the batch may be gone right after
    lock.unlock();
    if (done) done();
}

void ScriptBatch::check(Spender& spender, size_t input, const consensus::PubkeyPoints& points) {
    std::call_once(spender.once, [&spender] {
        std::vector<consensus::TxOut> outputs;
        outputs.reserve(spender.spent.size());
        for (const consensus::Coin& coin : spender.spent) outputs.push_back(coin.out);
        spender.midstates.emplace(*spender.tx, std::move(outputs));
    });
    const consensus::ScriptError error = consensus::verify_input(
        *spender.tx, input, spender.spent[input].out, flags_, *spender.midstates, &points);
    if (error == consensus::ScriptError::Ok) return;
    const std::scoped_lock lock(mutex_);
    const size_t at = spender.first_input + input;
    if (at >= failed_at_) return;
    failed_at_ = at;
    failure_ = {spender.tx, input, error};
}

void ScriptCache::insert(const consensus::Wtxid& wtxid) {
    if (recent_.size() >= GENERATION) {
        std::swap(old_, recent_);
        recent_.clear();
    }
    recent_.insert(wtxid);
}

} // namespace cairn::chain
