// SPDX-License-Identifier: MIT
// Imports a generated chain of payments into an empty directory, and compares the time with the
// least there can be: that in which all cores together do as many signature checks with bare
// libsecp256k1. Prints one row per stage.
#include "chain/chain.h"
#include "consensus/block_rules.h"
#include "consensus/pow.h"
#include "consensus/sighash.h"
#include "consensus/standard.h"

#include <secp256k1.h>

#include <chrono>
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

using namespace cairn::consensus;
namespace chain = cairn::chain;
using Clock = std::chrono::steady_clock;

/// What is generated. `small`: in a second, to see that all of this still works.
struct Plan {
    size_t fan_outs = 34; ///< Blocks that make coins.
    size_t coins_each = 30'000;
    size_t payments = 300'000;
    size_t payments_each = 1'000; ///< In a block.
    size_t empty_blocks = 2'100;  ///< Two weeks' worth, which -assumevalid asks for.

    static Plan small() { return {2, 500, 300, 100, 2'100}; }
};

constexpr size_t KEYS = 256;
constexpr size_t LIMIT_SAMPLES = 20'000;

void require(int result) {
    if (result != 1) throw std::logic_error("libsecp256k1 refuses");
}

const secp256k1_context* context() {
    static const secp256k1_context* const CONTEXT =
        secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    return CONTEXT;
}

struct Key {
    std::array<uint8_t, 32> secret{};
    Bytes public_key = Bytes(33);
    Script script;      ///< Pays to it.
    Script script_code; ///< What a signature of BIP-0143 covers.

    explicit Key(size_t number) {
        secret.fill(7);
        secret[31] = static_cast<uint8_t>(number);
        secp256k1_pubkey key;
        require(secp256k1_ec_pubkey_create(context(), &key, secret.data()));
        size_t size = public_key.size();
        require(secp256k1_ec_pubkey_serialize(
            context(), public_key.data(), &size, &key, SECP256K1_EC_COMPRESSED));
        const Hash160 hash = hash160(public_key);
        script = pay_to_witness(0, hash);
        script_code = pay_to_pubkey_hash(hash);
    }

    Bytes sign(const Hash256& hash) const {
        secp256k1_ecdsa_signature signature;
        require(secp256k1_ecdsa_sign(
            context(), &signature, hash.bytes.data(), secret.data(), nullptr, nullptr));
        Bytes der(73);
        size_t size = der.size();
        require(secp256k1_ecdsa_signature_serialize_der(context(), der.data(), &size, &signature));
        der.resize(size);
        return der;
    }
};

const std::vector<Key>& keys() {
    static const std::vector<Key> ALL = [] {
        std::vector<Key> made;
        for (size_t i = 0; i < KEYS; ++i) made.emplace_back(i);
        return made;
    }();
    return ALL;
}

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

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

void solve(Block& block) {
    const Uint256 target = *target_of(block.header.bits);
    while (to_number(block.header.hash()) > target) ++block.header.nonce;
}

constexpr uint32_t EASY = 0x207fffff;
constexpr uint32_t START_TIME = 1'700'000'000;

Params make_params() {
    Params params;
    params.name = "bench";
    params.directory = "bench";
    params.magic = {0xbe, 0x9c, 0x4a, 0x11};
    params.pow_limit = *target_of(EASY);
    params.pow = FixedRule{600};
    params.subsidy = 50 * COIN;
    params.coinbase_maturity = 1;
    Transaction coinbase;
    coinbase.inputs.emplace_back().prevout.index = OutPoint::NULL_INDEX;
    coinbase.inputs[0].script_sig = Script(as_bytes("import benchmark"));
    coinbase.outputs.push_back({params.subsidy, keys()[0].script});
    params.genesis.header.version = 4;
    params.genesis.header.time = START_TIME;
    params.genesis.header.bits = EASY;
    params.genesis.transactions.emplace_back(std::move(coinbase));
    params.genesis.header.merkle_root = merkle_root(params.genesis);
    solve(params.genesis);
    params.genesis_hash = params.genesis.header.hash();
    return params;
}

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
    struct Owned {
        OutPoint point;
        Amount value;
        size_t key = 0;
    };

    void open(const std::filesystem::path& path) {
        file_ = std::make_shared<std::ofstream>(path, std::ios::binary);
    }

    void sign(Transaction& tx, const std::vector<Owned>& spent) const {
        std::vector<TxOut> outputs;
        outputs.reserve(spent.size());
        for (const Owned& coin : spent) outputs.push_back({coin.value, keys()[coin.key].script});
        for (TxIn& in : tx.inputs) in.witness.push_back({}); // so that the midstates are made
        const SighashMidstates midstates(tx, outputs);
        for (size_t i = 0; i < spent.size(); ++i) {
            const Key& key = keys()[spent[i].key];
            Bytes signature = key.sign(
                witness_sighash(tx, i, key.script_code, spent[i].value, SIGHASH_ALL, midstates));
            signature.push_back(SIGHASH_ALL);
            tx.inputs[i].witness.clear();
            tx.inputs[i].witness.push_back(signature);
            tx.inputs[i].witness.push_back(key.public_key);
        }
    }

    /// Split the last coinbase into many coins.
    void fan_out() {
        Transaction tx;
        tx.inputs.emplace_back().prevout = coinbase_.point;
        const Amount value(coinbase_.value.value / static_cast<int64_t>(plan_.coins_each));
        for (size_t i = 0; i < plan_.coins_each; ++i)
            tx.outputs.push_back({value, keys()[i % KEYS].script});
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
            for (const size_t key : to) made[i].outputs.push_back({half, keys()[key].script});
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
        Block block;
        block.header.version = 4;
        block.header.prev_hash = previous_;
        block.header.time = START_TIME + static_cast<uint32_t>(height_) * 600;
        block.header.bits = EASY;
        Transaction coinbase;
        TxIn& in = coinbase.inputs.emplace_back();
        in.prevout.index = OutPoint::NULL_INDEX;
        push_number(in.script_sig, height_);
        push_opcode(in.script_sig, OP_0);
        in.witness.push_back(Hash256{}.bytes);
        const Amount value = block_subsidy(height_, params_);
        coinbase.outputs.push_back({value, keys()[0].script});
        coinbase.outputs.push_back({0, witness_commitment_script({})});
        block.transactions.emplace_back(std::move(coinbase));
        for (SealedTransaction& tx : transactions) block.transactions.push_back(std::move(tx));
        chain::regenerate_commitments(block);
        solve(block);
        previous_ = block.header.hash();
        coinbase_ = {{block.transactions[0].txid, 0}, value, 0};
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

/// Seconds that one core takes to parse key and signature and verify, over all cores at once.
double verification_seconds() {
    struct Signed {
        Hash256 hash;
        Bytes der;
    };

    std::vector<Signed> samples(1'000);
    for (size_t i = 0; i < samples.size(); ++i) {
        samples[i].hash = sha256(as_bytes(std::to_string(i)));
        samples[i].der = keys()[i % KEYS].sign(samples[i].hash);
    }
    const auto start = Clock::now();
    on_all_cores(LIMIT_SAMPLES, [&](size_t i) {
        const Signed& sample = samples[i % samples.size()];
        const Bytes& key_bytes = keys()[i % samples.size() % KEYS].public_key;
        secp256k1_pubkey key;
        secp256k1_ecdsa_signature signature;
        require(secp256k1_ec_pubkey_parse(context(), &key, key_bytes.data(), key_bytes.size()));
        require(secp256k1_ecdsa_signature_parse_der(
            context(), &signature, sample.der.data(), sample.der.size()));
        require(secp256k1_ecdsa_verify(context(), &signature, sample.hash.bytes.data(), &key));
    });
    return seconds_since(start) * std::thread::hardware_concurrency() / LIMIT_SAMPLES;
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
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
    return {
        seconds_since(start), seconds(usage.ru_utime) + seconds(usage.ru_stime),
        usage.ru_maxrss / 1024};
}

void row(const char* stage, const Cost& cost) {
    std::printf(
        "%-28s %9.2f s %9.2f cpu-s %7ld MB\n", stage, cost.seconds, cost.cpu_seconds,
        cost.peak_megabytes);
}

/// Reads as getblock and gettxout do, beside an import: how long each takes, HTTP left out.
class Reading {
public:
    explicit Reading(const chain::Chain& node) : node_(node), thread_([this] { run(); }) {}

    /// Stop, and print.
    void report() {
        stop_ = true;
        thread_.join();
        std::ranges::sort(milliseconds_);
        std::printf(
            "  %zu reads of a block and a coin: median %.2f ms, 99th percentile %.2f ms\n",
            milliseconds_.size(), milliseconds_[milliseconds_.size() / 2],
            milliseconds_[milliseconds_.size() * 99 / 100]);
    }

private:
    void run() {
        std::mt19937_64 random(1);
        while (!stop_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            const chain::View view = node_.view();
            const Height height(static_cast<int32_t>(random() % (view.height().value + 1)));
            const auto start = Clock::now();
            const BlockRef block = node_.read_block(*view.at(height));
            (void)node_.find_coin({block->transactions.back().txid, 0}, true);
            milliseconds_.push_back(seconds_since(start) * 1'000);
        }
    }

    const chain::Chain& node_;
    std::atomic<bool> stop_{false};
    std::vector<double> milliseconds_{0};
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
    node.start();
    std::printf("  %-26s %9.2f s\n", "open", seconds_since(start));
    if (file.empty()) return;
    std::optional<Reading> reading;
    if (reads) reading.emplace(node);
    std::printf("  %-26s %9.2f s\n", "blocks", import_file(node, file));
    if (reading) reading->report();
    node.stop();
    // After stop(), so that all is flushed. What RocksDB's threads do is in none of them.
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    double rest = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    const chain::ChainStatistics statistics = node.statistics();
    for (size_t i = 0; i < chain::STAGE_NAMES.size(); ++i) {
        const double each = statistics.stage_seconds[i];
        rest -= each;
        std::printf("  %-39s %9.2f cpu-s\n", chain::STAGE_NAMES[i].data(), each);
    }
    std::printf("  %-39s %9.2f cpu-s\n", "reading, queues, RocksDB's threads", rest);
}

/// A reorganisation of 100 full blocks, beside what it takes to connect 100.
void reorganise(const Params& params, const std::filesystem::path& directory) {
    const Plan plan{8, 30'000, 100'000, 1'000, 0};
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
        "connecting 100 full blocks %.2f s, reorganising 100 of them %.2f s: %.2f times\n",
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

} // namespace

int main(int argc, char** argv) {
    mallopt(M_ARENA_MAX, 2); // NOLINT(concurrency-mt-unsafe): as cairnd does
    Plan plan;
    size_t cache_megabytes = 1'000;
    bool assumed_only = false;
    bool reorganisation = false;
    bool reads = false;
    std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("cairn-import-" + std::to_string(getpid()));
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--small")
            plan = Plan::small();
        else if (argument == "--assumed-only") // for a profiler
            assumed_only = true;
        else if (argument == "--reorganisation")
            reorganisation = true;
        else if (argument == "--reads")
            reads = true;
        else if (argument.starts_with("--dbcache="))
            cache_megabytes = std::stoul(argument.substr(10));
        else if (argument.starts_with("--directory="))
            directory = argument.substr(12);
        else
            return std::puts("Usage: bench_import [--small] [--assumed-only] [--reads] "
                             "[--reorganisation] [--dbcache=MB] [--directory=DIR]"),
                   2;
    }
    const Params params = make_params();
    std::filesystem::create_directories(directory);
    if (reorganisation) return reorganise(params, directory), 0;
    const std::string file = directory / "blocks.dat";
    const BlockHash last = generate(plan, params, directory, file);
    const auto import = [&](const char* folder, std::optional<BlockHash> assumed_valid) {
        std::filesystem::remove_all(directory / folder);
        chain::ChainOptions options = chain_options(directory / folder, cache_megabytes);
        options.assumed_valid = assumed_valid.value_or(BlockHash());
        return in_child([&] { import_chain(params, options, file, reads); });
    };
    if (assumed_only) return row("-assumevalid", import("assumed", last)), 0;
    const size_t checks = plan.fan_outs + 2 * plan.payments;
    const unsigned cores = std::thread::hardware_concurrency();
    const auto limit = [&] { return verification_seconds() * static_cast<double>(checks) / cores; };
    const double before = limit();
    const Cost full = import("full", std::nullopt);
    row("all signatures", full);
    const Cost assumed = import("assumed", last);
    row("-assumevalid", assumed);
    row("restart", in_child([&] {
            import_chain(params, chain_options(directory / "full", cache_megabytes), "", false);
        }));
    const double after = limit();
    const double mean = (before + after) / 2;
    std::printf(
        "limit: %zu signatures on %u cores, before %.2f s, after %.2f s\n"
        "ratio: all signatures %.2f, -assumevalid %.2f; besides signatures %.2f core-seconds\n",
        checks, cores, before, after, full.seconds / mean, assumed.seconds / mean,
        assumed.cpu_seconds);
    std::filesystem::remove_all(directory / "full");
    std::filesystem::remove_all(directory / "assumed");
    return 0;
}
