// SPDX-License-Identifier: MIT
// cairn devnet up|down|status: a network of three nodes on this machine, for people who want to see
// Cairn work and for those who build on it. The nodes are ordinary cairnd processes, each with a
// cairn.conf.
#include "wallet/devnet_payment.h"
#include "wallet/devnet_view.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <iostream>
#include <poll.h>
#include <sstream>
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

/// How one types `path` here: the shorter of both forms, what a shell would take apart quoted.
std::string typed(const fs::path& path) {
    const std::string whole = fs::absolute(path).lexically_normal().string();
    const std::string relative = fs::relative(path).string();
    std::string text = !relative.empty() && relative.size() < whole.size() ? relative : whole;
    constexpr std::string_view SPECIAL = " \t\n\"'\\$&;|<>()*?[]#~`!{}";
    for (size_t at = 0; (at = text.find_first_of(SPECIAL, at)) != std::string::npos; at += 2)
        text.insert(at, 1, '\\');
    return text;
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

std::string devnet_command(const DevnetNetwork& network, std::string_view command) {
    return fmt::format(
        "{} devnet {} --dir {}", typed_program(), command, typed(network.directory()));
}

/// What one types to try the network.
std::vector<std::string> commands_to_try(const DevnetNetwork& network) {
    const std::string directory = typed(network.directory());
    const std::string pay = fmt::format(
        "send --wallet alice --passphrase-file {}/passphrase --yes {} 1.5", directory,
        address_of(network, "bob"));
    const std::pair<int, std::string> commands[] = {
        {2, "balance --wallet alice"}, {2, pay},      {3, "balance --wallet bob"},
        {2, "history --wallet alice"}, {1, "status"}, {3, "rpc getpeerinfo"}};
    std::vector<std::string> lines;
    for (const auto& [node, command] : commands)
        lines.push_back(
            fmt::format("{} -datadir={}/node{} {}", typed_program(), directory, node, command));
    return lines;
}

/// What there is to see: the network's name and its nodes, a line each.
std::vector<std::string> lines_of(const DevnetNetwork& network, const std::vector<Fields>& status) {
    std::stringstream text(fmt::format(
        "chain {}, data in {}\n\n{}", network.params().name, typed(network.directory()),
        table(status)));
    std::vector<std::string> lines{"Cairn: a network of three nodes on this machine"};
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

/// The same for programs.
Fields fields_of(const DevnetNetwork& network, const std::vector<Fields>& status) {
    return {
        {"chain", network.params().name},
        {"directory", network.directory().string()},
        {"nodes", {"", array_text(status)}}};
}

bool runs(const DevnetNode& node) {
    return node.process().has_value();
}

void watch(const DevnetNetwork& network, Signals& signals) {
    const std::vector<std::string> commands = commands_to_try(network);
    const Screen screen;
    do {
        std::vector<std::string> shown = commands;
        if (!std::ranges::all_of(network.nodes(), runs))
            shown.insert(shown.begin(), devnet_command(network, "up") + " # starts what is down");
        Screen::show(picture(
            lines_of(network, network.status()), shown,
            "Ctrl-C stops all nodes; the next start goes on with the same chain.", Screen::size()));
    } while (signals.wait(std::chrono::seconds(1)));
}

DevnetNetwork existing(const Program& program, const UpOptions& options) {
    DevnetNetwork network(program, options.directory);
    if (network.nodes().empty())
        throw std::runtime_error(
            "no network in " + options.directory +
            ": make one with `cairn devnet up`, or give its --dir");
    return network;
}

/// What `up` is for, once the nodes run. False if the user wants all to end.
bool use_network(
    const Program& program,
    const UpOptions& options,
    const DevnetNetwork& network,
    int started,
    Signals& signals) {
    if (options.once) {
        const std::optional<Fields> paid = pay_between_wallets(network, signals.pause());
        if (paid) print(*paid, program.json);
        return paid.has_value();
    }
    if (options.watch && !program.json && isatty(STDOUT_FILENO) == 1) {
        watch(network, signals);
        return true;
    }
    if (program.json) {
        Fields fields = fields_of(network, network.status());
        fields.emplace_back("started", started);
        print(fields, true);
        std::cout << std::flush;
    } else {
        for (const std::string& line : lines_of(network, network.status())) say(line);
        say(fmt::format("\n{} of them started now. To try:", started));
        for (const std::string& command : commands_to_try(network)) say("  " + command);
        for (const char* what : {"status", "down"}) say("  " + devnet_command(network, what));
    }
    pollfd reader{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    while (options.watch && signals.wait(std::chrono::seconds(1))) {
        if (poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0)
            throw std::runtime_error("who read the output has left");
        if (std::ranges::none_of(network.nodes(), runs))
            throw std::runtime_error("no node runs any more");
    }
    return true;
}

void up(const Program& program, const UpOptions& options) {
    Signals signals;
    DevnetNetwork network(program, options.directory);
    if (program.place().chain_chosen &&
        program.params().genesis_hash != network.params().genesis_hash)
        throw std::runtime_error(fmt::format(
            "{} holds a network of another chain, '{}', not '{}': leave out -chain, or choose "
            "another --dir",
            options.directory, network.params().name, program.params().name));
    make_wallets(network);
    const int started =
        network.start(address_of(network, "alice"), options.base_port, signals.pause());
    bool go_on = signals.wait(milliseconds(0));
    const auto stop_if_wanted = [&] {
        const bool ends = options.watch || (options.once && started == 3) || !go_on;
        if (!ends) return;
        std::cerr << "Stopping the nodes\n";
        network.stop();
    };
    try {
        if (go_on) go_on = use_network(program, options, network, started, signals);
    } catch (...) {
        stop_if_wanted();
        throw;
    }
    stop_if_wanted();
    if (!go_on) throw CLI::RuntimeError(130);
}

void down(const Program& program, const UpOptions& options) {
    const int stopped = existing(program, options).stop();
    print({{"directory", options.directory}, {"stopped", stopped}}, program.json);
}

/// Exit code 1 if a node doesn't answer.
void show_status(const Program& program, const UpOptions& options) {
    const DevnetNetwork network = existing(program, options);
    const std::vector<Fields> rows = network.status();
    if (program.json)
        print(fields_of(network, rows), true);
    else
        for (const std::string& line : lines_of(network, rows)) say(line);
    for (const Fields& row : rows)
        if (row.back().first == "problem") throw CLI::RuntimeError(1);
}

} // namespace

void add_devnet_commands(CLI::App& app, Program& program) {
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
    up_command->callback([&program, options] { up(program, *options); });
    add("down", "Stop the nodes")->callback([&program, options] { down(program, *options); });
    add("status", "Show the nodes; exit code 1 if one does not answer")
        ->callback([&program, options] { show_status(program, *options); });
}

} // namespace cairn::wallet
