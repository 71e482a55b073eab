// SPDX-License-Identifier: MIT
#include "node/miner.h"

#include "chain/verify_pool.h"
#include "consensus/pow.h"
#include "consensus/sha256_lanes.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace cairn::node {

using namespace std::chrono_literals;
using consensus::Block;
using consensus::BlockHeader;
using consensus::Uint256;

namespace {

/// Nonces tried between two looks at `stop`: some milliseconds' worth.
constexpr uint64_t CHUNK = 1 << 16;
/// Nonces between two counts of them.
constexpr uint64_t PIECE = CHUNK * 16;
constexpr uint64_t ALL_NONCES = uint64_t{1} << 32;

/// How often a template is made anew, for its transactions and its time.
constexpr auto REFRESH = 5s;
/// Pause after a block of ours was refused, or before one whose time is ahead of the clock.
constexpr auto PAUSE = 1s;
constexpr auto RATE_LOG_INTERVAL = 60s;
constexpr int NICE = 19;

} // namespace

std::optional<uint32_t> find_nonce(
    const BlockHeader& header, uint32_t first, uint64_t count, const std::atomic<bool>& stop) {
    const std::optional<Uint256> target = consensus::target_of(header.bits);
    if (!target) return std::nullopt;
    while (count != 0 && !stop.load(std::memory_order_relaxed)) {
        const uint64_t chunk = std::min(count, CHUNK);
        if (const auto nonce = consensus::find_nonce(header, first, chunk, *target)) return nonce;
        first += static_cast<uint32_t>(chunk);
        count -= chunk;
    }
    return std::nullopt;
}

bool mine(Block& template_block, uint64_t& max_tries, const std::atomic<bool>& stop) {
    for (int round = 0; round < 2; ++round) {
        const uint64_t count = std::min(max_tries, ALL_NONCES);
        const auto nonce = find_nonce(template_block.header, 0, count, stop);
        if (nonce) {
            template_block.header.nonce = *nonce;
            max_tries -= std::min(max_tries, uint64_t{*nonce} + 1);
            return true;
        }
        if (stop) return false;
        max_tries -= count;
        if (max_tries == 0) return false;
        ++template_block.header.time;
    }
    return false;
}

namespace {

/// One thread asks the chain for templates, the others try nonces on the newest.
///
/// Lifetime: shared with the functions handed to the chain, which may run after stop().
class MiningPool final : public Miner,
                         public chain::ChainObserver,
                         public std::enable_shared_from_this<MiningPool> {
public:
    MiningPool(chain::Chain& chain, consensus::Script payout, int threads)
        : chain_(chain),
          payout_(std::move(payout)),
          thread_count_(std::max(threads, 1)) {}

    void start() override {
        spdlog::info(
            "miner_start threads={} sha_instructions={}", thread_count_,
            consensus::has_sha_instructions());
        threads_.emplace_back([this] { keep_templates_fresh(); });
        for (int i = 0; i < thread_count_; ++i) threads_.emplace_back([this, i] { work(i); });
    }

    void stop() override {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
            if (job_) job_->over = true;
        }
        changed_.notify_all();
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }

    uint64_t hashes() const override { return hashes_; }

    /// A node that is catching up has blocks to connect before templates to make.
    void tip_changed(const chain::TipChange& change) override {
        if (!change.initial_download) ask_again_in(0s);
    }

private:
    using Steady = std::chrono::steady_clock;

    /// A template to work on, until it is over: solved, or another has taken its place.
    struct Job {
        std::shared_ptr<const Block> block;
        const chain::BlockNode* parent = nullptr;
        Steady::time_point start_at;
        std::atomic<bool> over{false};
    };

    void ask_again_in(Steady::duration delay) {
        {
            const std::lock_guard lock(mutex_);
            ask_at_ = Steady::now() + delay;
        }
        changed_.notify_all();
    }

    /// At most one request waits at the chain, however fast the tip moves.
    void keep_templates_fresh() {
        chain::name_thread("mine");
        std::unique_lock lock(mutex_);
        Steady::time_point logged = Steady::now();
        uint64_t logged_hashes = 0;
        while (!stop_) {
            if (asking_) {
                changed_.wait(lock);
            } else if (Steady::now() < ask_at_) {
                changed_.wait_until(lock, Steady::time_point(ask_at_));
            } else {
                asking_ = true;
                ask_at_ = Steady::now() + REFRESH;
                lock.unlock();
                ask();
                lock.lock();
            }
            const std::chrono::duration<double> seconds = Steady::now() - logged;
            if (seconds < RATE_LOG_INTERVAL) continue;
            logged = Steady::now();
            const auto tried = static_cast<double>(hashes_ - std::exchange(logged_hashes, hashes_));
            const double rate = tried / seconds.count();
            spdlog::info("miner_rate hashes_per_second={:.0f}", rate);
        }
    }

    void ask() {
        if (chain_.catching_up()) {
            const std::lock_guard lock(mutex_);
            asking_ = false; // and again after REFRESH
            return;
        }
        chain_.make_template(
            payout_,
            [self = shared_from_this()](const chain::BlockTemplate& made) { self->offer(made); });
    }

    /// A template has come. Thread: chain.
    void offer(const chain::BlockTemplate& made) {
        {
            const std::lock_guard lock(mutex_);
            asking_ = false;
            // The same again: go on where we are, lest the same nonces are tried twice.
            const bool same = job_ && job_->block->header == made.block->header;
            if (!stop_ && !same) {
                if (job_) job_->over = true;
                job_ = std::make_shared<Job>();
                job_->block = made.block;
                job_->parent = made.parent;
                const bool ahead = made.block->header.time > chain_.options().now();
                if (ahead) job_->start_at = Steady::now() + PAUSE;
            }
        }
        changed_.notify_all();
    }

    /// The job that follows `done`, once there is one; null to stop.
    std::shared_ptr<Job> next_job(const std::shared_ptr<Job>& done) {
        std::unique_lock lock(mutex_);
        while (!stop_) {
            if (!job_ || job_ == done || job_->over) {
                changed_.wait(lock);
            } else if (Steady::now() < job_->start_at) {
                changed_.wait_until(lock, Steady::time_point(job_->start_at));
            } else {
                return job_;
            }
        }
        return nullptr;
    }

    void work(int index) {
        chain::name_thread("mine");
        setpriority(PRIO_PROCESS, 0, NICE); // Linux: of the calling thread alone
        std::shared_ptr<Job> job;
        while ((job = next_job(job))) search(*job, index);
    }

    /// Try this thread's share of the nonces; with the next second, once they are used up.
    void search(Job& job, int index) {
        const uint64_t share = ALL_NONCES / static_cast<uint64_t>(thread_count_);
        const uint64_t begin = share * static_cast<uint64_t>(index);
        BlockHeader header = job.block->header;
        for (uint64_t tried = 0; !job.over; tried += PIECE) {
            if (tried >= share) {
                tried = 0;
                ++header.time;
                // Where a late block is easier, the target follows from the time.
                header.bits = consensus::next_bits(*job.parent, header.time, chain_.params());
            }
            const auto first = static_cast<uint32_t>(begin + tried);
            const auto nonce = find_nonce(header, first, std::min(PIECE, share - tried), job.over);
            if (nonce) {
                hashes_ += *nonce - first + 1;
                header.nonce = *nonce;
                if (!job.over.exchange(true)) submit(*job.block, header);
                return;
            }
            if (!job.over) hashes_ += PIECE;
        }
    }

    void submit(const Block& job_block, const BlockHeader& header) {
        auto block = std::make_shared<Block>(job_block);
        block->header = header;
        chain_.accept_block(
            block, true, [self = shared_from_this(), hash = header.hash()](const auto& outcome) {
                if (outcome.verdict && outcome.on_active_chain) {
                    spdlog::info(
                        "block_mined hash={} height={}", hash.to_string(),
                        outcome.node->height.value);
                } else {
                    const std::string why =
                        outcome.verdict ? "stale" : outcome.verdict.error().reason;
                    spdlog::warn("block_mined_in_vain hash={} reason={}", hash.to_string(), why);
                }
                self->ask_again_in(outcome.verdict ? 0s : PAUSE);
            });
    }

    chain::Chain& chain_;
    const consensus::Script payout_;
    const int thread_count_;
    std::vector<std::thread> threads_;
    std::atomic<uint64_t> hashes_{0};

    std::mutex mutex_; ///< Guards all below.
    std::condition_variable changed_;
    bool stop_ = false;
    bool asking_ = false; ///< The chain owes us a template.
    Steady::time_point ask_at_;
    std::shared_ptr<Job> job_;
};

} // namespace

std::shared_ptr<Miner> Miner::make(chain::Chain& chain, consensus::Script payout, int threads) {
    const auto pool = std::make_shared<MiningPool>(chain, std::move(payout), threads);
    chain.add_observer(*pool);
    return {pool.get(), [pool, &chain](Miner*) {
                pool->stop();
                chain.remove_observer(*pool);
            }};
}

} // namespace cairn::node
