// SPDX-License-Identifier: MIT
// The node's process: reads the options, starts the parts in their order, waits to be told to
// stop, and stops them in the reverse.
#include "chain/chain.h"
#include "chain/file.h"
#include "consensus/block_rules.h"
#include "node/clock.h"
#include "node/fee_watch.h"
#include "node/log.h"
#include "node/miner.h"
#include "node/net_address.h"
#include "node/network.h"
#include "node/node_options.h"
#include "node/notify.h"
#include "node/process.h"
#include "node/setup.h"
#include "rpc/node_methods.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <malloc.h>
#include <memory>
#include <mutex>
#include <optional>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

namespace {

using namespace cairn;
using node::Setup;

/// Who may talk to the RPC server: this machine, and those of -rpcallowip.
std::function<bool(const boost::asio::ip::address&)> rpc_clients(const node::Settings& settings) {
    std::vector<std::string> texts = settings.list("rpcallowip");
    texts.insert(texts.end(), {"127.0.0.0/8", "::1"});
    std::vector<node::Subnet> nets;
    for (const std::string& text : texts) {
        const std::optional<node::Subnet> net = node::Subnet::from_string(text);
        if (!net) throw std::runtime_error("Invalid -rpcallowip subnet specification: " + text);
        nets.push_back(*net);
    }
    return [nets](const boost::asio::ip::address& address) {
        const node::NetAddress client = node::NetAddress::of(address, 0);
        return std::ranges::any_of(nets, [&](auto& net) { return net.contains(client); });
    };
}

/// -rpccookieperms. Throws std::runtime_error.
mode_t cookie_mode(const std::string& who) {
    if (who == "owner") return S_IRUSR | S_IWUSR;
    if (who == "group") return S_IRUSR | S_IWUSR | S_IRGRP;
    if (who == "all") return S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH;
    throw std::runtime_error("Invalid -rpccookieperms '" + who + "', expected owner, group or all");
}

rpc::server::HttpOptions rpc_options(const Setup& setup) {
    const node::Settings& settings = setup.settings;
    rpc::server::HttpOptions options;
    options.port = node::port_option(settings, "rpcport", setup.params.rpc_port);
    const bool opened = settings.is_set("rpcallowip");
    if (settings.is_set("rpcbind") && !opened)
        std::cerr << "Warning: option -rpcbind was ignored because -rpcallowip was not specified, "
                     "refusing to allow everyone to connect\n";
    for (const std::string& text : settings.list("rpcbind")) {
        const auto endpoint = node::endpoint_from_string(text, options.port);
        if (!endpoint) throw std::runtime_error("Invalid -rpcbind address: '" + text + "'");
        if (opened) options.bind.push_back(*endpoint);
    }
    options.auth.user = settings.text("rpcuser");
    options.auth.password = settings.text("rpcpassword");
    options.auth.rpcauth = settings.list("rpcauth");
    if (!settings.text("rpccookiefile").empty())
        options.auth.cookie_file = setup.chain_path("rpccookiefile");
    options.auth.cookie_mode = cookie_mode(settings.text("rpccookieperms"));
    options.auth.roles = settings.list("rpcrole");
    options.auth.whitelists = settings.list("rpcwhitelist");
    if (settings.is_set("rpcwhitelistdefault"))
        options.auth.whitelist_default = settings.flag("rpcwhitelistdefault");
    options.cors_origins = settings.list("rpccorsorigin");
    options.allows = rpc_clients(settings);
    options.threads = static_cast<int>(settings.number("rpcthreads"));
    options.client_timeout = std::chrono::seconds(settings.number("rpcservertimeout"));
    return options;
}

/// The addresses of a list option. Throws std::runtime_error.
rpc::server::Route::Places places(const node::Settings& settings, std::string_view name) {
    rpc::server::Route::Places all;
    for (const std::string& text : settings.list(name)) {
        const auto endpoint = node::endpoint_from_string(text, 0);
        if (!endpoint || endpoint->port() == 0)
            throw std::runtime_error(
                "Invalid -" + std::string(name) + " address: '" + text +
                "', expected ADDRESS:PORT");
        all.push_back(*endpoint);
    }
    return all;
}

/// What every part is told, checked before any of them starts.
struct PartOptions {
    node::LogOptions log;
    chain::ChainOptions chain;
    node::NetworkOptions network;
    rpc::server::HttpOptions rpc;
    rpc::WebOptions web;
    node::NotifyOptions notify;
    std::optional<consensus::Script> payout;
    int mining_threads = 1;
};

PartOptions part_options(const Setup& setup) {
    const node::Settings& settings = setup.settings;
    return {
        .log = node::log_options(setup),
        .chain = node::chain_options(setup),
        .network = node::network_options(setup),
        .rpc = rpc_options(setup),
        .web =
            {.rest = settings.flag("rest"),
             .rest_bind = places(settings, "restbind"),
             .metrics_bind = places(settings, "metricsbind")},
        .notify =
            {.startup = settings.list("startupnotify"),
             .block = settings.list("blocknotify"),
             .alert = settings.list("alertnotify"),
             .shutdown = settings.list("shutdownnotify")},
        .payout = node::mining_payout(setup),
        .mining_threads = static_cast<int>(settings.number("minethreads"))};
}

/// The parts of the node.
///
/// Members stand in the order of their lifetimes: a chain's observers must not be called once they
/// are gone, so stop(), which ends all calls, comes before the first of them goes.
class Daemon {
public:
    Daemon(const Setup& setup, const node::Signals& signals) : setup_(setup), signals_(signals) {}

    ~Daemon() { stop(); }

    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    void start(const PartOptions& options) {
        const node::Settings& settings = setup_.settings;
        clock_.set_mock(settings.number("mocktime"));
        if (settings.flag("server") && !exports()) {
            server_ = std::make_unique<rpc::NodeServer>(options.rpc, options.web);
            server_->start();
            server_->set_status("Loading block index…");
        }
        open_chain(options.chain);
        if (exports()) {
            chain_->start();
            return import_blocks();
        }
        network_ = node::Network::make(*chain_, clock_, options.network);
        if (!settings.flag("networkactive")) network_->set_active(false);
        if (options.payout)
            miner_ = node::Miner::make(*chain_, *options.payout, options.mining_threads);
        attach_server(options.log);
        notifier_ = std::make_unique<node::Notifier>(*chain_, options.notify);
        chain_->start();
        import_blocks();
        network_->start();
        if (miner_) miner_->start();
        if (server_) server_->ready();
        notifier_->start(network_.get());
    }

    /// Accepting, sessions, network, blocks in flight, flush, close.
    void stop() {
        if (std::exchange(stopped_, true)) return;
        if (notifier_) notifier_->stop();
        if (server_) server_->stop();
        if (miner_) miner_->stop();
        if (network_) network_->stop();
        if (chain_ && network_) chain_->stop(network_->unbroadcast());
        if (chain_) chain_->stop();
        if (fees_) fees_->stop();
    }

    /// Why the node stopped before its work was done; empty if it didn't.
    std::string failure() const {
        const std::lock_guard lock(failure_mutex_);
        if (!failure_.empty() || unfinished_.empty()) return failure_;
        return unfinished_ + " was interrupted";
    }

private:
    void open_chain(chain::ChainOptions options) {
        options.now = [this] { return clock_.wall_seconds(); };
        const bool anew = options.reindex;
        chain_ = std::make_unique<chain::Chain>(setup_.params, std::move(options));
        if (!anew) refuse_future(chain_->view().tip());
        chain_->on_fatal([this](const std::string& message) {
            spdlog::error("fatal reason=\"{}\"", message);
            set_failure(message);
            signals_.request_stop();
        });
        fees_ = std::make_unique<node::FeeWatch>(
            *chain_, setup_.locations.chain_directory / "fee_estimates.dat");
        chain_->add_observer(*fees_);
    }

    /// With a clock that is wrong the best blocks would be refused, and bad ones believed.
    void refuse_future(const chain::BlockNode& tip) const {
        if (tip.header.time > clock_.wall_seconds() + consensus::MAX_FUTURE_BLOCK_SECONDS)
            throw std::runtime_error(
                "The block database contains a block which appears to be from the future. This may "
                "be due to your computer's date and time being set incorrectly. Only rebuild the "
                "block database if you are sure that your computer's date and time are "
                "correct.\nPlease restart with -reindex or -reindex-chainstate to recover.");
    }

    void attach_server(const node::LogOptions& log) {
        if (!server_) return;
        server_->attach(
            {.chain = *chain_,
             .clock = clock_,
             .fees = *fees_,
             .network = network_.get(),
             .miner = miner_.get(),
             .log_file = log.file,
             .request_stop = [this] { signals_.request_stop(); }});
    }

    void import_blocks() {
        const bool ends = exports() || setup_.settings.flag("stopafterblockimport");
        std::vector<std::filesystem::path> files;
        for (const std::string& file : setup_.settings.list("loadblock")) files.emplace_back(file);
        if (files.empty() && !ends) return;
        if (ends) unfinished_ = exports() ? "the export" : "the import";
        chain_->import_blocks(std::move(files), [this, ends](const consensus::Result<>& verdict) {
            if (!ends) return; // goes on without what was refused; the log says so
            if (!verdict) set_failure(verdict.error().reason + ": " + verdict.error().detail);
            // Of a chain that lacks something no file is to take another's place.
            if (verdict && exports()) return export_blocks();
            finish();
        });
    }

    /// Whether the process is there for an export only, without peers and callers.
    bool exports() const { return !setup_.settings.text("exportblocks").empty(); }

    void export_blocks() {
        chain_->export_blocks(setup_.settings.text("exportblocks"), [this] { finish(); });
    }

    /// What the process was started for is done.
    void finish() {
        {
            const std::lock_guard lock(failure_mutex_);
            unfinished_.clear();
        }
        signals_.request_stop();
    }

    /// The first is the cause of others.
    void set_failure(const std::string& message) {
        const std::lock_guard lock(failure_mutex_);
        if (failure_.empty()) failure_ = message;
    }

    const Setup& setup_;
    const node::Signals& signals_;
    mutable std::mutex failure_mutex_;
    std::string failure_;
    std::string unfinished_; ///< What the process was started for, and hasn't done yet.
    bool stopped_ = false;
    node::Clock clock_;
    std::unique_ptr<rpc::NodeServer> server_;
    std::unique_ptr<chain::Chain> chain_;
    std::unique_ptr<node::FeeWatch> fees_;
    std::unique_ptr<node::Network> network_;
    std::shared_ptr<node::Miner> miner_;
    std::unique_ptr<node::Notifier> notifier_;
};

int report(const std::string& error) {
    std::cerr << "Error: " + error + "\n" << std::flush; // whole, beside other nodes' errors
    return EXIT_FAILURE;
}

void log_start(const Setup& setup) {
    spdlog::info(
        "cairnd_start version={} chain={} chain_file={} directory={} config={}", CAIRN_VERSION,
        setup.params.name, setup.locations.chain_file.string(),
        setup.locations.chain_directory.string(), setup.locations.config_file.string());
    for (const node::Option& option : node::option_table()) {
        if (option.kind == node::Option::Kind::Ignored && setup.settings.is_set(option.name))
            spdlog::info("option_ignored name={}", option.name);
    }
}

/// From options to exit code. Errors before the start is over are for the terminal; later ones are
/// in the log as well.
int run(Setup setup) {
    node::apply_test_heights(setup);
    const PartOptions options = part_options(setup);
    const node::Settings& settings = setup.settings;
    std::optional<node::Background> background;
    if (settings.flag("daemon") || settings.flag("daemonwait")) background.emplace();

    const node::Signals signals;
    umask(S_IRWXG | S_IRWXO);
    node::raise_file_limit();
    std::filesystem::create_directories(setup.locations.chain_directory);
    const node::DirectoryLock lock(setup.locations.chain_directory);
    chain::require_space(setup.locations.chain_directory); // or it's the next file that fails
    const bool pid_wanted = !settings.text("pid").empty();
    const node::PidFile pid_file(pid_wanted ? setup.chain_path("pid") : "");
    node::start_log(options.log);
    log_start(setup);

    Daemon daemon(setup, signals);
    try {
        daemon.start(options);
    } catch (const std::exception& error) {
        spdlog::error("start_failed reason=\"{}\"", error.what());
        throw;
    }
    spdlog::info("cairnd_ready");
    if (background) background->started();
    signals.wait(node::reopen_log);
    spdlog::info("cairnd_stopping");
    daemon.stop();
    const std::string failure = daemon.failure();
    spdlog::info("cairnd_stopped");
    return failure.empty() ? EXIT_SUCCESS : report(failure);
}

constexpr const char* HEADING = "Cairn daemon version v" CAIRN_VERSION "\n";

} // namespace

int main(int argc, char** argv) {
    // Threads share what they freed, at no measurable cost. Before any of them starts.
    mallopt(M_ARENA_MAX, 2); // NOLINT(concurrency-mt-unsafe)
    try {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        const node::CommandLine line = node::parse_arguments(arguments);
        const node::Settings settings(std::vector<node::SettingList>{line.settings});
        if (settings.flag("help") || settings.flag("h") || settings.flag("?")) {
            std::cout << HEADING
                      << "\nUsage: cairnd [options]\n\n"
                         "Every option may also stand in the configuration file as name=value, or "
                         "in the environment\nas CAIRN_NAME=value. -noname switches off.\n"
                      << node::options_help();
            return EXIT_SUCCESS;
        }
        if (settings.flag("version")) {
            std::cout << HEADING << "Licensed under the MIT License; see LICENSE.\n";
            return EXIT_SUCCESS;
        }
        if (!line.rest.empty())
            throw node::OptionError(
                "Command line contains unexpected token '" + line.rest.front() +
                "', see cairnd -h for a list of options.");
        Setup setup = node::read_setup(line.settings, node::environment_lines());
        for (const std::string& warning : setup.warnings)
            std::cerr << "Warning: " << warning << std::endl;
        return run(std::move(setup));
    } catch (const std::exception& error) {
        return report(error.what());
    }
}
