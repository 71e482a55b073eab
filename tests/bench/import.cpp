// SPDX-License-Identifier: MIT
// Imports a generated chain of payments into an empty directory, and compares the time with the
// least there can be: that in which all cores together do as many signature checks with bare
// libsecp256k1. Prints one row per stage.
#include "chain/chain.h"
#include "chain/indexer.h"
#include "tests/bench/payments.h"
#include "tests/bench/service.h"

#include <cstdio>
#include <fstream>
#include <future>
#include <malloc.h>
#include <random>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace cairn::bench;
namespace chain = cairn::chain;

/// What is generated. `small`: in a second, to see that all of this still works.
struct Plan {
    size_t fan_outs = 34; ///< Blocks that make coins.
    size_t coins_each = 30'000;
    size_t payments = 300'000;
    size_t payments_each = 1'000; ///< In a block.
    size_t empty_blocks = 2'100;  ///< Two weeks' worth, which -assumevalid asks for.

    static Plan full_blocks() { return {34, 30'000, 400'000, 2'000, 2'100}; }

    static Plan small() { return {2, 500, 300, 100, 2'100}; }
};

/// Writes the chain of a plan to a file, the same each time.
class Generator {
public:
    Generator(const Plan& plan, const Params& params)
        : plan_(plan),
          params_(params),
          previous_(params.genesis_hash) {}

    /// Two branches of payments over the same coins, in files of their own.
    void run_branches(const std::filesystem::path& directory) {
        open(directory / "base.dat");
        write({});
        for (size_t i = 0; i < plan_.fan_outs; ++i) fan_out();
        file_->flush();
        for (const size_t branch : {0, 1}) {
            Generator at = *this;
            at.random_.seed(branch);
            at.open(directory / ("branch" + std::to_string(branch) + ".dat"));
            const size_t length = plan_.payments / plan_.payments_each + branch;
            for (size_t i = 0; i < length; ++i) at.write(at.pay(plan_.payments_each));
            if (!at.file_->flush()) throw std::runtime_error("cannot write the chain");
        }
    }

    /// The last block with payments.
    BlockHash run(const std::string& path) {
        open(path);
        write({});
        for (size_t i = 0; i < plan_.fan_outs; ++i) fan_out();
        for (size_t left = plan_.payments; left > 0;) {
            const size_t count = std::min(left, plan_.payments_each);
            write(pay(count));
            left -= count;
        }
        const BlockHash last = previous_;
        for (size_t i = 0; i < plan_.empty_blocks; ++i) write({});
        if (!file_->flush()) throw std::runtime_error("cannot write the chain");
        return last;
    }

private:
    void open(const std::filesystem::path& path) {
        file_ = std::make_shared<std::ofstream>(path, std::ios::binary);
    }

    /// Split the last coinbase into many coins.
    void fan_out() {
        Transaction tx;
        tx.inputs.emplace_back().prevout = coinbase_.point;
        const Amount value(coinbase_.value.value / static_cast<int64_t>(plan_.coins_each));
        for (size_t i = 0; i < plan_.coins_each; ++i)
            tx.outputs.push_back({value, script_of(i % KEYS)});
        sign(tx, {coinbase_});
        std::vector<SealedTransaction> sealed;
        sealed.emplace_back(std::move(tx));
        for (uint32_t i = 0; i < plan_.coins_each; ++i)
            coins_.push_back({{sealed[0].txid, i}, value, i % KEYS});
        write(std::move(sealed));
    }

    Owned take() {
        std::swap(coins_[random_() % coins_.size()], coins_.back());
        const Owned coin = coins_.back();
        coins_.pop_back();
        return coin;
    }

    /// Payments of two inputs and two outputs. A txid doesn't depend on signatures, so these are
    /// made afterwards, on all cores.
    std::vector<SealedTransaction> pay(size_t count) {
        std::vector<Transaction> made(count);
        std::vector<std::vector<Owned>> spent(count);
        for (size_t i = 0; i < count; ++i) {
            spent[i] = {take(), take()};
            for (const Owned& coin : spent[i]) made[i].inputs.emplace_back().prevout = coin.point;
            const Amount half((spent[i][0].value.value + spent[i][1].value.value - 200) / 2);
            const std::array<size_t, 2> to{random_() % KEYS, random_() % KEYS};
            for (const size_t key : to) made[i].outputs.push_back({half, script_of(key)});
            const Txid txid = SealedTransaction(made[i]).txid;
            for (uint32_t out = 0; out < 2; ++out) coins_.push_back({{txid, out}, half, to[out]});
        }
        std::vector<SealedTransaction> sealed(count);
        on_all_cores(count, [&](size_t i) {
            sign(made[i], spent[i]);
            sealed[i] = SealedTransaction(std::move(made[i]));
        });
        return sealed;
    }

    void write(std::vector<SealedTransaction> transactions) {
        ++height_;
        const Block block = make_block(params_, previous_, height_, std::move(transactions));
        previous_ = block.header.hash();
        const SealedTransaction& coinbase = block.transactions[0];
        coinbase_ = {{coinbase.txid, 0}, coinbase.outputs[0].value, 0};
        const Bytes bytes = encode(block);
        const auto size = static_cast<uint32_t>(bytes.size());
        const auto put = [this](const void* data, size_t count) {
            file_->write(static_cast<const char*>(data), static_cast<std::streamsize>(count));
        };
        put(params_.magic.data(), params_.magic.size());
        put(&size, sizeof size);
        put(bytes.data(), bytes.size());
    }

    const Plan& plan_;
    const Params& params_;
    std::shared_ptr<std::ofstream> file_;
    std::mt19937_64 random_{1};
    std::vector<Owned> coins_;
    BlockHash previous_;
    Owned coinbase_;
    int32_t height_ = 0;
};

constexpr size_t MAX_LIMIT_SAMPLES = 200'000; ///< Some seconds: a machine's speed changes.

/// Seconds that all cores together take to parse key and signature and verify, so many times.
double verification_seconds(size_t count) {
    const size_t samples = std::min(count, MAX_LIMIT_SAMPLES);
    verify_bare(0); // makes the samples
    const auto start = Clock::now();
    on_all_cores(samples, verify_bare);
    return seconds_since(start) * static_cast<double>(count) / static_cast<double>(samples);
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double processor_seconds(const rusage& usage) {
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// `who`: as getrusage() has it.
double processor_seconds(int who) {
    rusage usage{};
    getrusage(who, &usage);
    return processor_seconds(usage);
}

struct Cost {
    double seconds = 0;
    double cpu_seconds = 0;
    long peak_megabytes = 0;
};

/// Run `work` in a process of its own, so that its memory and processor time can be told.
template <class Work>
Cost in_child(const Work& work) {
    std::fflush(stdout);
    const auto start = Clock::now();
    const pid_t child = fork();
    if (child == 0) {
        try {
            work();
        } catch (const std::exception& error) {
            std::printf("failed: %s\n", error.what());
            std::fflush(stdout);
            _exit(1);
        }
        std::fflush(stdout);
        _exit(0);
    }
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    if (status != 0) throw std::runtime_error("a stage failed");
    return {seconds_since(start), processor_seconds(usage), usage.ru_maxrss / 1024};
}

void row(const char* stage, const Cost& cost) {
    std::printf(
        "%-28s %9.2f s %9.2f cpu-s %7ld MB\n", stage, cost.seconds, cost.cpu_seconds,
        cost.peak_megabytes);
}

/// A client that calls getblock and gettxout over HTTP, beside an import: how long each takes.
class Reading {
public:
    /// Before `node` starts; destroyed after it.
    Reading(chain::Chain& node, const std::filesystem::path& directory)
        : service_(node, directory) {}

    void begin() {
        thread_ = std::thread([this] { run(); });
    }

    /// Stop, and print.
    void report() {
        stop_ = true;
        thread_.join();
        service_.stop();
        for (auto& [method, milliseconds] : milliseconds_) {
            std::ranges::sort(milliseconds);
            std::printf(
                "  %zu times %s, median %.2f ms\n", milliseconds.size(), method.c_str(),
                milliseconds[milliseconds.size() / 2]);
            figure("  99th percentile, ms", milliseconds[milliseconds.size() * 99 / 100], 20);
        }
    }

private:
    void run() {
        std::mt19937_64 random(1);
        while (!stop_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            const auto count =
                static_cast<uint64_t>(service_.client().call("getblockcount").as_int64());
            const auto hash = service_.client().call("getblockhash", {random() % (count + 1)});
            const auto block = timed("getblock", {hash});
            timed("gettxout", {block.at("tx").as_array().back(), 0});
        }
    }

    boost::json::value timed(const std::string& method, boost::json::array params) {
        const auto start = Clock::now();
        boost::json::value result = service_.client().call(method, std::move(params));
        milliseconds_[method].push_back(seconds_since(start) * 1'000);
        return result;
    }

    Service service_;
    std::atomic<bool> stop_{false};
    std::map<std::string, std::vector<double>> milliseconds_;
    std::thread thread_;
};

chain::ChainOptions chain_options(const std::filesystem::path& directory, size_t cache_megabytes) {
    spdlog::set_level(spdlog::level::warn);
    chain::ChainOptions options;
    options.directory = directory;
    options.cache_bytes = cache_megabytes << 20;
    options.block_filters = false; // as the reference does by default
    options.now = [] { return int64_t{START_TIME} + 100LL * 365 * 86'400; };
    return options;
}

/// Returns the seconds it took.
double import_file(chain::Chain& node, const std::filesystem::path& file) {
    const auto start = Clock::now();
    std::promise<bool> done;
    node.import_blocks(
        {file}, [&done](const Result<>& verdict) { done.set_value(verdict.has_value()); });
    if (!done.get_future().get()) throw std::runtime_error("import failed");
    return seconds_since(start);
}

/// What is besides signatures, and whether a reader waits.
void import_chain(
    const Params& params, const chain::ChainOptions& options, const std::string& file, bool reads) {
    const auto start = Clock::now();
    chain::Chain node(params, options);
    std::optional<Reading> reading;
    if (reads) reading.emplace(node, options.directory);
    node.start();
    std::printf("  %-26s %9.2f s\n", "open", seconds_since(start));
    if (file.empty()) return;
    if (reading) reading->begin();
    std::printf("  %-26s %9.2f s\n", "blocks", import_file(node, file));
    if (reading) reading->report();
    node.stop();
    // After stop(), so that all is flushed. What RocksDB's threads do is in none of them.
    double rest = processor_seconds(RUSAGE_SELF);
    const chain::ChainStatistics statistics = node.statistics();
    for (size_t i = 0; i < chain::STAGE_NAMES.size(); ++i) {
        const double each = statistics.stage_seconds[i];
        rest -= each;
        std::printf("  %-39s %9.2f cpu-s\n", chain::STAGE_NAMES[i].data(), each);
    }
    std::printf("  %-39s %9.2f cpu-s\n", "reading, queues, RocksDB's threads", rest);
}

/// Build all indexes of an imported chain.
void build_indexes(const Params& params, const chain::ChainOptions& without) {
    chain::ChainOptions options = without;
    for (const chain::IndexRow& index : chain::index_table()) options.*index.option = true;
    chain::Chain node(params, options);
    node.start();
    const chain::Indexer& indexes = node.indexes();
    while (!std::ranges::all_of(indexes.status(), &chain::Indexer::Status::synced))
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto question = Clock::now();
    const chain::View view = node.view();
    if (!indexes.coins(*view.at(view.height()))) throw std::runtime_error("no coin statistics");
    std::printf("  %-26s %9.2f ms\n", "coin statistics, one look", seconds_since(question) * 1'000);
    node.stop();
}

/// Look-ups in no order in the coins of an imported chain: of some that are there, and of as many
/// that are not.
void look_up_coins(const Params& params, const chain::ChainOptions& options) {
    constexpr size_t ONE_OF = 10;
    const chain::Store store({options.directory / "chainstate", options.cache_bytes}, params);
    std::vector<OutPoint> points;
    chain::CoinCursor coins = store.coins();
    for (size_t i = 0; const auto coin = coins.next(); ++i)
        if (i % ONE_OF == 0) points.push_back(coin->first);
    std::shuffle(points.begin(), points.end(), std::mt19937_64(1));
    for (const bool there : {true, false}) {
        const double before = processor_seconds(RUSAGE_THREAD);
        for (OutPoint& point : points) {
            if (!there) point.txid.bytes.back() ^= 1;
            if (store.find_coin(point).has_value() != there) throw std::runtime_error("coins");
        }
        const double each = (processor_seconds(RUSAGE_THREAD) - before) / double(points.size());
        std::printf(
            "  %zu look-ups of coins that are %-9s %9.2f cpu-us each\n", points.size(),
            there ? "there" : "not there", each * 1e6);
    }
}

/// A reorganisation of 100 full blocks, beside what it takes to connect 100.
void reorganise(const Params& params, const std::filesystem::path& directory) {
    const Plan plan{27, 30'000, 400'000, 4'000, 0}; // 3.3 of 4 million weight units each
    const std::filesystem::path files = directory / "branches";
    if (!std::filesystem::exists(files)) {
        std::filesystem::create_directories(files);
        Generator(plan, params).run_branches(files);
    }
    std::filesystem::remove_all(directory / "reorganised");
    chain::Chain node(params, chain_options(directory / "reorganised", 1'000));
    node.start();
    import_file(node, files / "base.dat");
    const double connected = import_file(node, files / "branch0.dat");
    const int32_t height = node.view().height().value;
    const double reorganised = import_file(node, files / "branch1.dat");
    if (node.view().height().value != height + 1) throw std::runtime_error("no reorganisation");
    std::printf(
        "connecting 100 full blocks %.2f s, reorganising 100 of them %.2f s: %.2f times (of 2)\n",
        connected, reorganised, reorganised / connected);
    node.stop();
}

/// The chain in `file`, made if it isn't there. Returns the last block with payments.
BlockHash generate(
    const Plan& plan,
    const Params& params,
    const std::filesystem::path& directory,
    const std::string& file) {
    const std::string last_file = directory / "last";
    if (!std::filesystem::exists(last_file))
        row("generate", in_child([&] {
                const std::string last = Generator(plan, params).run(file).to_string();
                std::ofstream(last_file) << last;
            }));
    std::string last_text;
    std::ifstream(last_file) >> last_text;
    return BlockHash(*hash_from_string(last_text));
}

struct Settings {
    Plan plan;
    size_t cache_megabytes = 1'000;
    bool assumed_only = false; ///< For a profiler.
    bool indexes_only = false; ///< Of a chain that --assumed-only left.
    bool coins = false;        ///< Likewise.
    bool reorganisation = false;
    bool reads = false;
    bool check = false; ///< Fail where a figure is not what was asked for.
    std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("cairn-import-" + std::to_string(getpid()));
};

/// nullopt if they are not understood.
std::optional<Settings> settings_of(int argc, char** argv) {
    Settings settings;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--small")
            settings.plan = Plan::small();
        else if (argument == "--assumed-only")
            settings.assumed_only = true;
        else if (argument == "--indexes-only")
            settings.indexes_only = true;
        else if (argument == "--coins")
            settings.coins = true;
        else if (argument == "--reorganisation")
            settings.reorganisation = true;
        else if (argument == "--reads")
            settings.reads = true;
        else if (argument == "--check")
            settings.check = true;
        else if (argument == "--full-blocks")
            settings.plan = Plan::full_blocks();
        else if (argument.starts_with("--dbcache="))
            settings.cache_megabytes = std::stoul(argument.substr(10));
        else if (argument.starts_with("--directory="))
            settings.directory = argument.substr(12);
        else
            return std::nullopt;
    }
    return settings;
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): what fails here ends it
int main(int argc, char** argv) {
    mallopt(M_ARENA_MAX, 2); // NOLINT(concurrency-mt-unsafe): as cairnd does
    const std::optional<Settings> settings = settings_of(argc, argv);
    if (!settings)
        return std::puts(
                   "Usage: bench_import [--small] [--assumed-only] [--indexes-only] [--coins] "
                   "[--reads] [--reorganisation] [--full-blocks] [--check] "
                   "[--dbcache=MB] [--directory=DIR]"),
               2;
    const Plan& plan = settings->plan;
    const std::filesystem::path& directory = settings->directory;
    const size_t cache_megabytes = settings->cache_megabytes;
    const Params params = make_params();
    std::filesystem::create_directories(directory);
    if (settings->reorganisation) return reorganise(params, directory), 0;
    const std::string file = directory / "blocks.dat";
    const BlockHash last = generate(plan, params, directory, file);
    const auto import = [&](const char* folder, std::optional<BlockHash> assumed_valid) {
        std::filesystem::remove_all(directory / folder);
        chain::ChainOptions options = chain_options(directory / folder, cache_megabytes);
        options.assumed_valid = assumed_valid.value_or(BlockHash());
        return in_child([&] { import_chain(params, options, file, settings->reads); });
    };
    if (settings->assumed_only) return row("-assumevalid", import("assumed", last)), 0;
    const auto index = [&] {
        chain::ChainOptions options = chain_options(directory / "assumed", cache_megabytes);
        return in_child([&] { build_indexes(params, options); });
    };
    if (settings->indexes_only) return row("all indexes", index()), 0;
    if (settings->coins)
        return look_up_coins(params, chain_options(directory / "assumed", cache_megabytes)), 0;
    const size_t checks = plan.fan_outs + 2 * plan.payments;
    const double before = verification_seconds(checks);
    const Cost full = import("full", std::nullopt);
    const double after = verification_seconds(checks);
    row("all signatures", full);
    const Cost assumed = import("assumed", last);
    row("-assumevalid", assumed);
    const Cost indexes = index();
    row("all indexes", indexes);
    const Cost restart = in_child([&] {
        import_chain(params, chain_options(directory / "full", cache_megabytes), "", false);
    });
    row("restart", restart);
    const double limit = (before + after) / 2;
    std::printf(
        "limit: %zu signatures on %u cores, before %.2f s, after %.2f s\n", checks,
        std::thread::hardware_concurrency(), before, after);
    bool good = figure("all signatures, of the limit", full.seconds / limit, 1.15);
    good &= figure("-assumevalid, of the limit", assumed.seconds / limit, 0.20);
    good &= figure("besides signatures, core-seconds", assumed.cpu_seconds, 1.8);
    good &= figure("most memory, MB", static_cast<double>(full.peak_megabytes), 300);
    good &= figure("restart, s", restart.seconds, 1);
    good &= figure("all indexes, of -assumevalid", indexes.seconds / assumed.seconds, 2);
    std::filesystem::remove_all(directory / "full");
    std::filesystem::remove_all(directory / "assumed");
    return settings->check && !good ? 1 : 0;
}
