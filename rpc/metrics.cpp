// SPDX-License-Identifier: MIT
#include "rpc/metrics.h"

#include "chain/file.h"
#include "consensus/pow.h"
#include "node/clock.h"
#include "node/miner.h"
#include "node/network.h"
#include "rpc/describe.h"
#include "rpc/server/json_writer.h"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <sys/resource.h>

namespace cairn::rpc {

using consensus::Amount;
using server::Answer;
using server::Dispatcher;
using server::JsonWriter;

namespace {

constexpr int OK = 200;
constexpr int UNAVAILABLE = 503;
constexpr std::string_view PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

/// Blocks come by chance: so many spacings without one happen once in 160,000 blocks.
constexpr int64_t SPACINGS_WITHOUT_BLOCK = 12;

/// Prometheus' text format. A family is begun by its name, meaning and type; samples follow.
/// Source: the exposition format, version 0.0.4.
class MetricsText {
public:
    MetricsText& gauge(std::string_view name, std::string_view help) {
        return begin(name, help, "gauge");
    }

    MetricsText& counter(std::string_view name, std::string_view help) {
        return begin(name, help, "counter");
    }

    MetricsText& histogram(std::string_view name, std::string_view help) {
        return begin(name, help, "histogram");
    }

    /// `labels`: `a="x",b="y"`, of names that need no escaping. `suffix`: of a histogram's parts.
    void sample(auto value, std::string_view labels = {}, std::string_view suffix = {}) {
        text_ += name_;
        text_ += suffix;
        if (!labels.empty()) text_ += fmt::format("{{{}}}", labels);
        text_ += fmt::format(" {}\n", value);
    }

    std::string take() { return std::move(text_); }

private:
    MetricsText& begin(std::string_view name, std::string_view help, std::string_view type) {
        name_ = fmt::format("cairn_{}", name);
        text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help, type);
        return *this;
    }

    std::string text_;
    std::string name_;
};

double in_coins(Amount amount) {
    return static_cast<double>(amount.value) / static_cast<double>(consensus::COIN);
}

std::string label(std::string_view name, std::string_view value) {
    return fmt::format("{}=\"{}\"", name, value);
}

void add_chain(MetricsText& text, const NodeContext& context) {
    const chain::Chain& chain = context.node.chain;
    const chain::BlockNode& tip = chain.view().tip();
    text.gauge("info", "Version and chain, in the labels")
        .sample(1, label("version", CAIRN_VERSION) + "," + label("chain", chain.params().name));
    text.gauge("blocks", "Height of the tip").sample(tip.height.value);
    text.gauge("headers", "Height of the best header").sample(chain.best_header().height.value);
    text.gauge("tip_time_seconds", "Time of the tip").sample(tip.header.time);
    text.gauge("tip_age_seconds", "Time since then")
        .sample(context.node.clock.wall_seconds() - int64_t{tip.header.time});
    text.gauge("difficulty", "Of the tip").sample(consensus::difficulty_of(tip.header.bits));
    text.gauge("chain_transactions", "In all blocks up to the tip")
        .sample(tip.chain_tx_count.load());
    text.gauge("verification_progress", "Validated part of the headers, 0 to 1")
        .sample(verification_progress(chain, tip));
    text.gauge("initial_download", "Whether the node is still catching up")
        .sample(chain.initial_download() ? 1 : 0);
    text.gauge("index_height", "How far each index has come");
    for (const chain::Indexer::Status& index : chain.indexes().status())
        text.sample(index.height().value, label("index", index.name));
}

void add_mempool(MetricsText& text, const chain::Chain& chain) {
    size_t count = 0;
    size_t bytes = 0;
    int64_t vsize = 0;
    Amount fees;
    {
        const chain::MempoolReader pool = chain.mempool();
        count = pool->size();
        bytes = pool->memory_bytes();
        vsize = pool->total_vsize();
        fees = pool->total_fee();
    }
    text.gauge("mempool_transactions", "That wait").sample(count);
    text.gauge("mempool_vbytes", "Their virtual size").sample(vsize);
    text.gauge("mempool_fee_coins", "What they pay").sample(in_coins(fees));
    text.gauge("mempool_bytes", "Memory they take").sample(bytes);
    text.gauge("mempool_max_bytes", "Memory they may take (-maxmempool)")
        .sample(chain.options().max_mempool_bytes);
}

void add_validation(MetricsText& text, const chain::Chain& chain) {
    const chain::ChainStatistics statistics = chain.statistics();
    text.counter("validation_seconds_total", "Processor time by stage of validation");
    for (size_t i = 0; i < chain::STAGE_NAMES.size(); ++i)
        text.sample(statistics.stage_seconds[i], label("stage", chain::STAGE_NAMES[i]));
    text.gauge("cache_coins", "Unspent outputs in memory").sample(statistics.cached_coins);
    text.gauge("cache_bytes", "Memory they take").sample(statistics.cache_bytes);
    text.gauge("cache_max_bytes", "Memory for them and the database (-dbcache)")
        .sample(chain.options().cache_bytes);
    text.gauge("disk_bytes", "Size of the database").sample(statistics.disk_bytes);
    text.gauge("disk_coin_bytes", "Of it for unspent outputs, about").sample(statistics.coin_bytes);
    if (const auto free = chain::free_bytes(chain.options().directory))
        text.gauge("disk_free_bytes", "Left where it is").sample(*free);
}

void add_peers(MetricsText& text, const node::Network& network) {
    const node::PeerCounts peers = network.counts();
    text.gauge("peers", "Connections by who called");
    text.sample(peers.inbound, label("direction", "inbound"));
    text.sample(peers.outbound, label("direction", "outbound"));
    const node::Traffic totals = network.totals();
    text.counter("peer_bytes_total", "Between all peers and this node");
    text.sample(totals.bytes_received, label("direction", "received"));
    text.sample(totals.bytes_sent, label("direction", "sent"));
}

/// One histogram a method, of what was called.
void add_calls(MetricsText& text, const Dispatcher& dispatcher) {
    const std::vector<Dispatcher::Calls> all = dispatcher.calls();
    text.gauge("rpc_active", "Calls being executed").sample(dispatcher.active().size());
    text.counter("rpc_errors_total", "Calls that were answered with an error");
    for (const Dispatcher::Calls& calls : all)
        text.sample(calls.errors, label("method", calls.method));
    text.histogram("rpc_seconds", "Time of calls, without transport");
    for (const Dispatcher::Calls& calls : all) {
        const std::string method = label("method", calls.method);
        uint64_t count = 0;
        for (size_t i = 0; i < calls.by_latency.size(); ++i) {
            count += calls.by_latency[i];
            const bool last = i == Dispatcher::LATENCIES.size();
            const std::string end = last ? "+Inf" : fmt::format("{}", Dispatcher::LATENCIES[i]);
            text.sample(count, method + "," + label("le", end), "_bucket");
        }
        text.sample(calls.seconds, method, "_sum");
        text.sample(count, method, "_count");
    }
}

void add_process(MetricsText& text, const node::Clock& clock) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    text.gauge("uptime_seconds", "Since the start").sample(clock.uptime().count());
    text.counter("process_seconds_total", "Processor time of all threads")
        .sample(seconds(usage.ru_utime) + seconds(usage.ru_stime));
    text.gauge("process_max_bytes", "The most memory it ever had")
        .sample(int64_t{usage.ru_maxrss} * 1024);
}

Answer json_answer(int status, JsonWriter& writer) {
    return {status, writer.take() + "\n"};
}

/// A node that is told to have no peers isn't worse without.
bool wants_peers(const node::Network* network) {
    if (network == nullptr || !network->active()) return false;
    const node::NetworkOptions& options = network->options();
    return !options.connect_only || !options.connect.empty() || !options.add_nodes.empty();
}

} // namespace

Answer metrics_answer(const Dispatcher& dispatcher, const NodeContext& context) {
    MetricsText text;
    const Node& node = context.node;
    add_chain(text, context);
    add_mempool(text, node.chain);
    add_validation(text, node.chain);
    if (node.network != nullptr) add_peers(text, *node.network);
    add_calls(text, dispatcher);
    if (node.miner != nullptr)
        text.counter("miner_hashes_total", "Hashes tried; their rate is the hash rate")
            .sample(node.miner->hashes());
    add_process(text, node.clock);
    return {OK, text.take(), PROMETHEUS};
}

Answer health_answer(bool started) {
    JsonWriter writer;
    writer.begin_object().key("status").string(started ? "up" : "starting").end_object();
    return json_answer(OK, writer);
}

std::optional<int64_t> tip_age_limit(const consensus::Params& params) {
    if (params.fixed_difficulty()) return std::nullopt;
    return SPACINGS_WITHOUT_BLOCK * params.spacing();
}

Answer readiness_answer(const NodeContext* context) {
    JsonWriter writer;
    if (context == nullptr) {
        writer.begin_object().key("ready").boolean(false).key("reason").string("starting");
        return json_answer(UNAVAILABLE, writer.end_object());
    }
    const Node& node = context->node;
    const chain::BlockNode& tip = node.chain.view().tip();
    const bool synced = !node.chain.initial_download();
    const int64_t age = node.clock.wall_seconds() - int64_t{tip.header.time};
    const std::optional<int64_t> limit = tip_age_limit(node.chain.params());
    const node::PeerCounts counts = node.network ? node.network->counts() : node::PeerCounts{};
    const size_t peers = counts.inbound + counts.outbound;
    std::string_view reason;
    if (wants_peers(node.network) && peers == 0) reason = "no peers";
    if (limit && age > *limit) reason = "old tip";
    if (!synced) reason = "initial download";
    writer.begin_object().key("ready").boolean(reason.empty());
    if (!reason.empty()) writer.key("reason").string(reason);
    writer.key("synced").boolean(synced).key("blocks").integer(tip.height.value);
    writer.key("headers").integer(node.chain.best_header().height.value);
    writer.key("tip_age_seconds").integer(age);
    if (limit) writer.key("tip_age_limit_seconds").integer(*limit);
    writer.key("peers").integer(static_cast<int64_t>(peers)).end_object();
    return json_answer(reason.empty() ? OK : UNAVAILABLE, writer);
}

} // namespace cairn::rpc
