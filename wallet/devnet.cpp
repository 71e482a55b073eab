// SPDX-License-Identifier: MIT
#include "wallet/devnet.h"

#include "wallet/devnet_payment.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace cairn::wallet {

namespace fs = std::filesystem;

namespace {

using std::chrono::milliseconds;

/// The signals that end a command or change its window, taken one at a time where the program
/// waits, so that nothing runs inside a signal handler.
class Signals {
public:
    Signals() {
        sigemptyset(&set_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) sigaddset(&set_, number);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        std::signal(SIGPIPE, SIG_IGN); // a reader that left is an error to see, not an end
        std::signal(SIGCHLD, SIG_IGN); // a node that died leaves nothing behind
    }

    /// Wait for `time`, or less if the window changed. False once the command shall end.
    bool wait(milliseconds time) {
        if (stop_) return false;
        const timespec span{time.count() / 1000, (time.count() % 1000) * 1'000'000};
        const int number = sigtimedwait(&set_, nullptr, &span);
        stop_ = number == SIGINT || number == SIGTERM || number == SIGHUP;
        return !stop_;
    }

    Pause pause() {
        return [this](milliseconds time) { return wait(time); };
    }

private:
    sigset_t set_{};
    bool stop_ = false;
};

/// What a terminal shows while the network runs, and as it was before once this ends.
class Screen {
public:
    Screen() { write("\x1b[?1049h\x1b[?25l"); } // the other screen, no cursor

    ~Screen() { write("\x1b[?25h\x1b[?1049l"); }

    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    static TerminalSize size() {
        winsize window{};
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) return {};
        return {window.ws_col, window.ws_row};
    }

    /// Written over what is there, line by line: clearing first would flicker.
    static void show(const std::vector<std::string>& lines) {
        std::string text = "\x1b[H";
        for (size_t i = 0; i < lines.size(); ++i)
            text += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
        write(text + "\x1b[J");
    }

private:
    static void write(const std::string& text) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout); // NOLINT: a terminal that hung up is told by SIGHUP
    }
};

struct UpOptions {
    std::string directory;
    uint16_t base_port = 0;
    bool watch = false;
    bool once = false;
};

std::string default_directory() {
    const char* home = std::getenv("HOME"); // NOLINT: one thread
    return home == nullptr ? "devnet" : std::string(home) + "/.cairn/devnet";
}

/// cairnd, beside this program.
fs::path node_program() {
    fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "cairnd";
    if (!fs::exists(program)) throw std::runtime_error(program.string() + " is missing");
    return program;
}

/// How one types `path` here: the shorter of both forms.
std::string typed(const fs::path& path) {
    const std::string whole = fs::absolute(path).lexically_normal().string();
    const std::string relative = fs::relative(path).string();
    return !relative.empty() && relative.size() < whole.size() ? relative : whole;
}

/// How one types the name of this program.
std::string typed_program() {
    const fs::path program = fs::read_symlink("/proc/self/exe");
    const char* path = std::getenv("PATH"); // NOLINT: one thread
    std::stringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        std::error_code none;
        if (fs::equivalent(fs::path(folder) / "cairn", program, none)) return "cairn";
    }
    return typed(program);
}

/// What starts the nodes that are down.
std::string start_command(const DevnetNetwork& network) {
    return fmt::format("{} devnet up --dir {}", typed_program(), typed(network.directory()));
}

std::vector<std::string> commands_for(const DevnetNetwork& network, const std::string& address) {
    const std::string program = typed_program();
    const std::string directory = typed(network.directory());
    const auto node = [&](int number) {
        return fmt::format("{} -datadir={}/node{}", program, directory, number);
    };
    return {
        node(2) + " balance --wallet alice",
        fmt::format(
            "{} send --wallet alice --passphrase-file {}/passphrase --yes {} 1.5", node(2),
            directory, address),
        node(3) + " balance --wallet bob",
        node(2) + " history --wallet alice",
        node(1) + " status",
        node(3) + " rpc getpeerinfo",
    };
}

void watch(const DevnetNetwork& network, const std::string& address, Signals& signals) {
    const std::vector<std::string> commands = commands_for(network, address);
    const std::string start = start_command(network);
    if (isatty(STDOUT_FILENO) == 0) { // nothing to draw on: say where it is, and stay
        for (const std::string& line : picture(network.status(), commands, "", {1000, 1000}))
            say(line);
        while (signals.wait(std::chrono::hours(1))) continue;
        return;
    }
    const Screen screen;
    do {
        NetworkStatus status = network.status();
        std::vector<std::string> shown = commands;
        for (NodeStatus& node : status.nodes) {
            if (node.problem != "down") continue;
            node.problem = "down; the first command below starts it again";
            if (shown.front() != start) shown.insert(shown.begin(), start);
        }
        Screen::show(picture(
            status, shown, "Ctrl-C stops all nodes; the next start goes on with the same chain.",
            Screen::size()));
    } while (signals.wait(std::chrono::seconds(1)));
}

void stop_and_say(const DevnetNetwork& network) {
    say("Stopping the nodes");
    network.stop();
}

void up(const UpOptions& options, const DevnetChain& chain) {
    const fs::path cairnd = node_program();
    Signals signals;
    const DevnetNetwork network =
        DevnetNetwork::prepare(options.directory, chain, options.base_port);
    const DevnetWallets wallets(network.directory(), chain.params);
    std::string alice;
    std::string bob;
    {
        WalletFile file = wallets.open(DevnetWallets::ALICE);
        alice = wallets.address_of(file);
    }
    {
        WalletFile file = wallets.open(DevnetWallets::BOB);
        bob = wallets.address_of(file);
    }

    const int started = network.start(cairnd, alice, signals.pause());
    const bool go_on = signals.wait(milliseconds(0));
    if (!go_on) {
        stop_and_say(network);
        throw CLI::RuntimeError(130);
    }
    say(fmt::format(
        "{} nodes run, {} of them started now: chain {}, data in {}", network.nodes().size(),
        started, chain.params.name, network.directory().string()));

    if (options.watch) {
        watch(network, bob, signals);
        stop_and_say(network);
    } else if (options.once) {
        const bool stop_after = started == DevnetNetwork::NODES;
        bool done = false;
        try {
            done = pay_between_wallets(network, wallets, signals.pause());
        } catch (...) {
            if (stop_after) stop_and_say(network);
            throw;
        }
        if (stop_after) stop_and_say(network);
        if (!done) throw CLI::RuntimeError(130);
    } else {
        say("To try:");
        for (const std::string& command : commands_for(network, bob)) say("  " + command);
        say(fmt::format(
            "  {0} devnet status --dir {1}\n  {0} devnet down --dir {1}", typed_program(),
            typed(network.directory())));
    }
}

DevnetNetwork existing(const std::string& directory) {
    std::optional<DevnetNetwork> network = DevnetNetwork::open(directory);
    if (!network)
        throw std::runtime_error(
            "no network in " + directory + ": make one with `cairn devnet up`, or give its --dir");
    return *network;
}

void print_json(const NetworkStatus& status) {
    namespace json = boost::json;
    json::array nodes;
    for (const NodeStatus& node : status.nodes) {
        json::object entry{{"node", node.number}, {"mining", node.mining}};
        if (!node.problem.empty()) {
            entry["problem"] = node.problem;
        } else {
            entry["height"] = node.height;
            entry["tip"] = node.tip;
            entry["peers"] = node.peers;
            entry["mempool"] = node.mempool;
            entry["tip_age_seconds"] = node.tip_age.count();
        }
        nodes.push_back(std::move(entry));
    }
    const json::object whole{
        {"chain", status.chain}, {"directory", status.directory}, {"nodes", std::move(nodes)}};
    say(json::serialize(whole));
}

/// Exit code 1 if a node doesn't answer.
void show_status(const std::string& directory, bool as_json) {
    const NetworkStatus status = existing(directory).status();
    if (as_json) {
        print_json(status);
    } else {
        say(fmt::format("chain {}, data in {}", status.chain, status.directory));
        for (const std::string& line : status_lines(status)) say(line);
    }
    for (const NodeStatus& node : status.nodes)
        if (!node.problem.empty()) throw CLI::RuntimeError(1);
}

} // namespace

void add_devnet_commands(
    CLI::App& app, const bool& json, const std::function<DevnetChain()>& chain) {
    CLI::App* devnet =
        app.add_subcommand("devnet", "A network of three nodes on this machine, one mining");
    devnet->require_subcommand(1);
    const auto options = std::make_shared<UpOptions>();
    options->directory = default_directory();
    const auto add = [&](const char* name, const char* description) {
        CLI::App* command = devnet->add_subcommand(name, description);
        command->add_option("--dir", options->directory, "Its directory")->capture_default_str();
        return command;
    };

    CLI::App* up_command = add("up", "Start the nodes in the background; those that run stay");
    up_command->add_option("--base-port", options->base_port, "First of six ports in a row")
        ->check(CLI::Range(1024, 65530));
    CLI::Option* watch_flag =
        up_command->add_flag("--watch", options->watch, "Show them, and stop them with Ctrl-C");
    up_command
        ->add_flag("--once", options->once, "Make one payment between two wallets, then stop them")
        ->excludes(watch_flag);
    up_command->callback([options, chain] { up(*options, chain()); });

    add("down", "Stop the nodes")->callback([options] { existing(options->directory).stop(); });
    add("status", "Show the nodes; exit code 1 if one does not answer")->callback([options, &json] {
        show_status(options->directory, json);
    });
}

} // namespace cairn::wallet
