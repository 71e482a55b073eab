// SPDX-License-Identifier: MIT
// Fills a mempool with payments of one input and two outputs, and prints what issue after issue
// asks for: how fast they are taken, beside bare libsecp256k1; how long a template takes over them;
// what a block of known transactions costs beside one of unknown ones; their memory; a restart.
#include "chain/mempool.h"

#include "chain/chain.h"
#include "tests/bench/payments.h"
#include "tests/bench/service.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <future>
#include <malloc.h>
#include <semaphore>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace cairn::bench;
namespace chain = cairn::chain;

/// `small`: in a second, to see that all of this still works.
struct Plan {
    size_t fan_outs = 10; ///< Blocks that make coins.
    size_t coins_each = 30'000;
    size_t waiting = 250'000;      ///< Payments, at the end.
    size_t for_template = 100'000; ///< So many wait when templates are made.
    size_t round = 5'000;
    size_t blocks = 8; ///< Full of known or unknown transactions.
    size_t block_size = 2'000;

    /// For a profile of blocks whose transactions wait, among as many others.
    static Plan only_blocks() { return {3, 30'000, 20'000, 10'000, 5'000, 30, 2'000}; }

    static Plan small() { return {2, 500, 400, 200, 100, 2, 50}; }
};

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

/// Call `method`, whose last argument is told the outcome on the chain thread, and wait for that.
template <class Outcome, class Call>
Outcome ask(const Call& call) {
    std::promise<Outcome> promise;
    call([&promise](const Outcome& outcome) { promise.set_value(outcome); });
    return promise.get_future().get();
}

/// A chain of its own directory.
class Node {
public:
    Node(const Params& params, std::filesystem::path directory) : params_(params) {
        options_.directory = std::move(directory);
        options_.now = [this] { return now_.load(); };
        open();
    }

    void open() {
        chain_.emplace(params_, options_);
        service_.emplace(*chain_, options_.directory);
        chain_->start();
    }

    void close() {
        service_->stop();
        chain_->stop();
        chain_.reset();
        service_.reset();
    }

    cairn::wallet::RpcClient& client() { return service_->client(); }

    chain::Chain& operator*() { return *chain_; }

    chain::Chain* operator->() { return &*chain_; }

    /// Seconds until it is connected.
    double connect(const BlockRef& block) {
        now_ = block->header.time;
        const auto start = Clock::now();
        const auto outcome = ask<chain::BlockOutcome>(
            [&](auto done) { chain_->accept_block(block, true, std::move(done)); });
        if (!outcome.on_active_chain) throw std::runtime_error("a block was refused");
        return seconds_since(start);
    }

    /// Seconds until all are taken; so many are on the way at once as a peer's messages bring.
    double take(const std::vector<TransactionRef>& payments) {
        std::counting_semaphore<> room(ON_THE_WAY / GROUP);
        const auto start = Clock::now();
        for (size_t i = 0; i < payments.size(); ++i) {
            const bool ends_group = (i + 1) % GROUP == 0 || i + 1 == payments.size();
            if (i % GROUP == 0) room.acquire();
            chain_->accept_transaction(payments[i], {}, [&, ends_group](const auto& accepted) {
                if (!accepted) std::printf("refused: %s\n", accepted.error().reason.c_str());
                if (ends_group) room.release();
            });
        }
        for (size_t i = 0; i < ON_THE_WAY / GROUP; ++i) room.acquire();
        return seconds_since(start);
    }

    /// The longest that the chain thread left a question unanswered while `work` was done, and how
    /// long that took; in seconds.
    std::pair<double, double> longest_wait(const std::function<void()>& work) {
        std::atomic<bool> done = false;
        const auto start = Clock::now();
        double took = 0;
        std::jthread worker([&] {
            work();
            took = seconds_since(start);
            done = true;
        });
        double longest = 0;
        while (!done) {
            const auto asked = Clock::now();
            std::promise<void> answered;
            chain_->heartbeat([&] { answered.set_value(); });
            answered.get_future().wait();
            longest = std::max(longest, seconds_since(asked));
        }
        worker.join();
        return {longest, took};
    }

    /// Seconds until a miner has its answer.
    double make_template() {
        const auto start = Clock::now();
        (void)client().call("getblocktemplate", {{{"rules", {"segwit"}}}});
        return seconds_since(start);
    }

private:
    static constexpr size_t ON_THE_WAY = 200;
    static constexpr size_t GROUP = 50;

    const Params& params_;
    std::atomic<int64_t> now_{
        START_TIME}; ///< Of the last block, so that it is no initial download.
    chain::ChainOptions options_;
    std::optional<Service> service_;
    std::optional<chain::Chain> chain_;
};

/// Where payments come from: the coins of blocks that both nodes have.
class Source {
public:
    Source(const Plan& plan, const Params& params) : plan_(plan), params_(params) {}

    void fan_out(const std::vector<Node*>& nodes) {
        Owned coinbase;
        for (size_t i = 0; i <= plan_.fan_outs; ++i) {
            std::vector<SealedTransaction> transactions;
            if (i > 0) transactions.push_back(split(coinbase));
            const BlockRef block = next_block(std::move(transactions));
            for (Node* node : nodes) node->connect(block);
            const SealedTransaction& first = block->transactions[0];
            coinbase = {{first.txid, 0}, first.outputs[0].value, 0};
        }
    }

    BlockRef next_block(std::vector<SealedTransaction> transactions) {
        auto block = std::make_shared<Block>(
            make_block(params_, previous_, ++height_, std::move(transactions)));
        previous_ = block->header.hash();
        return block;
    }

    /// Each of other coins and at another feerate.
    std::vector<TransactionRef> pay(size_t count, size_t inputs = 1) {
        std::vector<TransactionRef> payments(count);
        const size_t first = used_;
        used_ += count * inputs;
        if (used_ > coins_.size()) throw std::runtime_error("all coins are spent");
        on_all_cores(count, [&](size_t i) {
            const auto from = coins_.begin() + static_cast<std::ptrdiff_t>(first + i * inputs);
            const std::vector<Owned> spent(from, from + static_cast<std::ptrdiff_t>(inputs));
            Transaction tx;
            for (const Owned& coin : spent) tx.inputs.emplace_back().prevout = coin.point;
            const auto fee = static_cast<int64_t>(300 + (first + i) * 7'919 % 20'000);
            const Amount half((spent[0].value.value * static_cast<int64_t>(inputs) - fee) / 2);
            for (const size_t key : {i % KEYS, i / KEYS % KEYS})
                tx.outputs.push_back({half, script_of(key)});
            sign(tx, spent);
            payments[i] = std::make_shared<const SealedTransaction>(std::move(tx));
        });
        return payments;
    }

private:
    SealedTransaction split(const Owned& coinbase) {
        Transaction tx;
        tx.inputs.emplace_back().prevout = coinbase.point;
        const Amount value(coinbase.value.value / static_cast<int64_t>(plan_.coins_each));
        for (size_t i = 0; i < plan_.coins_each; ++i)
            tx.outputs.push_back({value, script_of(i % KEYS)});
        sign(tx, {coinbase});
        SealedTransaction sealed(std::move(tx));
        for (uint32_t i = 0; i < plan_.coins_each; ++i)
            coins_.push_back({{sealed.txid, i}, value, i % KEYS});
        return sealed;
    }

    const Plan& plan_;
    const Params& params_;
    BlockHash previous_ = params_.genesis_hash;
    int32_t height_ = 0;
    std::vector<Owned> coins_;
    size_t used_ = 0;
};

/// Fill `node`'s mempool up to `goal`, and compare with bare signature checks, by turns. This and
/// those below say whether their figures are what was asked for.
bool fill(Node& node, Source& source, const Plan& plan, size_t goal) {
    verify_bare(0); // makes the samples
    std::vector<double> ratios;
    std::vector<double> rates;
    for (size_t waiting = node->mempool()->size(); waiting < goal; waiting += plan.round) {
        const std::vector<TransactionRef> payments = source.pay(plan.round);
        const auto start = Clock::now();
        for (size_t i = 0; i < payments.size(); ++i) verify_bare(i);
        const double bare = seconds_since(start);
        const double ours = node.take(payments);
        ratios.push_back(bare / ours);
        rates.push_back(static_cast<double>(payments.size()) / ours);
    }
    std::printf(
        "accepted up to %zu: %.0f a second, %.2f of the signature limit of one core\n", goal,
        median(rates), median(ratios));
    return figure_at_least("accepted, of a core's limit", median(ratios), 0.9);
}

/// Payments of two inputs by sendrawtransaction, one batch after the other.
bool call(Node& node, Source& source, const Plan& plan) {
    constexpr size_t IN_A_BATCH = 100;
    constexpr size_t ROUNDS = 5;
    verify_bare(0); // makes the samples
    std::vector<double> ratios;
    std::vector<double> rates;
    for (size_t round = 0; round < ROUNDS; ++round) {
        const std::vector<TransactionRef> payments = source.pay(plan.round, 2);
        std::vector<std::vector<cairn::wallet::RpcCall>> batches;
        for (size_t i = 0; i < payments.size(); ++i) {
            if (i % IN_A_BATCH == 0) batches.emplace_back();
            batches.back().push_back({"sendrawtransaction", {to_hex(encode(*payments[i]))}});
        }
        auto start = Clock::now();
        for (size_t i = 0; i < 2 * payments.size(); ++i) verify_bare(i);
        const double bare = seconds_since(start);
        start = Clock::now();
        for (const auto& batch : batches) (void)node.client().batch(batch);
        const double ours = seconds_since(start);
        ratios.push_back(bare / ours);
        rates.push_back(static_cast<double>(payments.size()) / ours);
    }
    std::printf(
        "sendrawtransaction in batches of %zu: %.0f a second, %.2f of the signature limit of one "
        "core\n",
        IN_A_BATCH, median(rates), median(ratios));
    return figure_at_least("sendrawtransaction, likewise", median(ratios), 0.9);
}

bool make_templates(Node& node, Source& source) {
    std::vector<double> seconds;
    for (int i = 0; i < 20; ++i) {
        node.take(source.pay(1)); // so that there is something new to look at
        seconds.push_back(node.make_template());
    }
    std::printf(
        "getblocktemplate over %zu waiting: median %.2f ms, worst %.2f ms\n",
        node->mempool()->size(), median(seconds) * 1e3, *std::ranges::max_element(seconds) * 1e3);
    return figure("getblocktemplate, ms", median(seconds) * 1e3, 50);
}

/// Blocks of payments that `informed` knows and `other` doesn't.
bool connect_blocks(Node& informed, Node& other, Source& source, const Plan& plan) {
    std::vector<double> known;
    std::vector<double> unknown;
    for (size_t i = 0; i < plan.blocks; ++i) {
        const std::vector<TransactionRef> payments = source.pay(plan.block_size);
        informed.take(payments);
        std::vector<SealedTransaction> transactions;
        transactions.reserve(payments.size());
        for (const TransactionRef& tx : payments) transactions.push_back(*tx);
        const BlockRef block = source.next_block(std::move(transactions));
        known.push_back(informed.connect(block));
        unknown.push_back(other.connect(block));
    }
    std::printf(
        "block of %zu: known %.2f ms, unknown %.2f ms, ratio %.3f\n", plan.block_size,
        median(known) * 1e3, median(unknown) * 1e3, median(known) / median(unknown));
    return figure("a known block, of an unknown one", median(known) / median(unknown), 0.1);
}

bool restart(Node& node) {
    const size_t waiting = node->mempool()->size();
    const auto [save_wait, save_took] = node.longest_wait([&] { (void)node->save_mempool({}); });
    std::printf(
        "savemempool with %zu waiting: %.2f s, the chain thread kept for %.1f ms\n", waiting,
        save_took, save_wait * 1e3);
    auto start = Clock::now();
    node.close();
    std::printf("stop with %zu waiting: %.2f s\n", waiting, seconds_since(start));
    start = Clock::now();
    node.open();
    (void)node->view().height();
    std::printf("start: usable after %.2f s", seconds_since(start));
    const auto [load_wait, load_took] = node.longest_wait([&] {
        while (!node->mempool_loaded()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    std::printf(
        ", all %zu back after %.2f s, the chain thread kept for %.1f ms\n", node->mempool()->size(),
        seconds_since(start), load_wait * 1e3);
    if (node->mempool()->size() != waiting) throw std::runtime_error("some did not come back");
    return figure("restart, s until all are back", seconds_since(start), 30);
}

bool run(const Plan& plan, const std::filesystem::path& directory) {
    const Params params = make_params();
    Node node(params, directory / "a");
    Node other(params, directory / "b");
    Source source(plan, params);
    source.fan_out({&node, &other});
    bool good = fill(node, source, plan, plan.for_template);
    good &= make_templates(node, source);
    good &= connect_blocks(node, other, source, plan);
    other.close();
    good &= fill(node, source, plan, plan.waiting);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf(
        "%zu payments wait in %.1f MB of 300; the process had at most %ld MB\n",
        node->mempool()->size(), static_cast<double>(node->mempool()->memory_bytes()) / 1e6,
        usage.ru_maxrss / 1024);
    good &= figure(
        "mempool of all, MB", static_cast<double>(node->mempool()->memory_bytes()) / 1e6, 300);
    good &= restart(node);
    node.close();
    return good;
}

bool run_calls(const Plan& plan, const std::filesystem::path& directory) {
    const Params params = make_params();
    Node node(params, directory / "c");
    Source source(plan, params);
    source.fan_out({&node});
    const bool good = call(node, source, plan);
    node.close();
    return good;
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): what fails here ends it
int main(int argc, char** argv) {
    mallopt(M_ARENA_MAX, 2); // NOLINT(concurrency-mt-unsafe): as cairnd does
    spdlog::set_level(spdlog::level::warn);
    const std::string_view argument = argc == 2 ? argv[1] : "";
    const bool small = argument == "--small";
    const bool blocks = argument == "--blocks";
    const bool calls = argument == "--calls";
    const bool check = argument == "--check"; // fail where a figure is not what was asked for
    if (argc > 1 && !small && !blocks && !calls && !check)
        return std::puts("Usage: bench_mempool [--small | --blocks | --calls | --check]"), 2;
    const std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("cairn-mempool-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory);
    const Plan plan = small ? Plan::small() : blocks ? Plan::only_blocks() : Plan{};
    bool good = calls || run(plan, directory);
    if (!blocks) good &= run_calls(plan, directory);
    std::filesystem::remove_all(directory);
    return check && !good ? 1 : 0;
}
