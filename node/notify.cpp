// SPDX-License-Identifier: MIT
#include "node/notify.h"

#include "node/network.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace cairn::node {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::microseconds WATCH_INTERVAL = 1s;
/// A warning that comes and goes is told again only after it was away for so long.
constexpr std::chrono::minutes WARNING_SILENCE{10};
/// For the chain thread: what an operator asks for, or a slow disk, may keep it for long.
constexpr std::chrono::minutes CHAIN_PATIENCE{30};
/// Core: TimeOffsets::WARN_THRESHOLD.
constexpr std::chrono::minutes MAX_CLOCK_DIFFERENCE{10};

/// Core: SanitizeString. What is in quotes of the shell must not end them.
std::string harmless(std::string_view text) {
    constexpr std::string_view SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789 .,;-_/:?@()";
    std::string kept;
    for (const char letter : text)
        if (SAFE.find(letter) != std::string_view::npos) kept += letter;
    return kept;
}

std::string with_argument(std::string command, const std::string& argument) {
    for (size_t at = 0; (at = command.find("%s", at)) != std::string::npos; at += argument.size())
        command.replace(at, 2, argument);
    return command;
}

/// How often a service manager wants to hear of a process with this id, by WATCHDOG_USEC.
std::optional<std::chrono::microseconds> watchdog_interval() {
    const char* text = std::getenv("WATCHDOG_USEC"); // NOLINT(concurrency-mt-unsafe)
    const char* pid = std::getenv("WATCHDOG_PID");   // NOLINT(concurrency-mt-unsafe)
    if (text == nullptr || (pid != nullptr && std::atol(pid) != getpid())) return std::nullopt;
    const long microseconds = std::atol(text);
    if (microseconds <= 0) return std::nullopt;
    return std::chrono::microseconds(microseconds);
}

} // namespace

/// Commands that run beside the node, begun in their order. Its threads are left alone: the end of
/// the process may come before that of a command, which goes on.
///
/// Thread: any.
class CommandQueue : public std::enable_shared_from_this<CommandQueue> {
public:
    void push(std::string command);

private:
    void run();

    /// A command that hangs must not fill the machine with its like.
    static constexpr int MAX_RUNNING = 64;
    /// Beyond them the oldest is lost: the newest block is what matters.
    static constexpr size_t MAX_WAITING = 10'000;

    std::mutex mutex_; ///< For all of it.
    std::deque<std::string> waiting_;
    int threads_ = 0;
    size_t lost_ = 0;
};

void CommandQueue::push(std::string command) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(command));
    if (waiting_.size() > MAX_WAITING) {
        waiting_.pop_front();
        if (lost_++ % MAX_WAITING == 0)
            spdlog::warn("notify_dropped reason=\"{} commands wait\"", MAX_WAITING);
    }
    if (threads_ == MAX_RUNNING) return;
    try {
        std::thread([self = shared_from_this()] { self->run(); }).detach();
        ++threads_;
    } catch (const std::system_error& error) { // what waits is run by the others, or after the next
        spdlog::warn("notify_delayed reason=\"{}\"", error.what());
    }
}

void CommandQueue::run() {
    std::unique_lock lock(mutex_);
    while (!waiting_.empty()) {
        const std::string command = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        run_command(command);
        lock.lock();
    }
    --threads_;
}

bool Pulse::beats(Time now, const std::function<void(std::function<void()>)>& ask) {
    const int answers = *answers_;
    if (answers == questions_) {
        asked_ = now;
        ++questions_;
        ask([count = answers_] { ++*count; });
    }
    return answers == 0 || now - asked_ <= patience_;
}

std::vector<std::string> warnings(const chain::Chain& chain, const Network* network) {
    std::vector<std::string> warnings = chain.warnings();
    if (network != nullptr &&
        std::chrono::seconds(std::abs(network->time_offset())) > MAX_CLOCK_DIFFERENCE)
        warnings.push_back(fmt::format(
            "Your computer's date and time appear to be more than {} minutes out of sync with the "
            "network, this may lead to consensus failure. After you've confirmed your computer's "
            "clock, this message should no longer appear when you restart your node. Without a "
            "restart, it should stop showing automatically after you've connected to a sufficient "
            "number of new outbound peers, which may take some time. You can inspect the "
            "`timeoffset` field of the `getpeerinfo` and `getnetworkinfo` RPC methods to get more "
            "info.",
            MAX_CLOCK_DIFFERENCE.count()));
    return warnings;
}

void run_command(const std::string& command) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&files);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);

    std::string shell = "sh";
    std::string option = "-c";
    std::string text = command;
    char* const words[] = {shell.data(), option.data(), text.data(), nullptr};
    pid_t child = 0;
    int status = posix_spawn(&child, "/bin/sh", &files, &attributes, words, environ);
    if (status == 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    if (status != 0) spdlog::warn("runCommand error: system({}) returned {}", command, status);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
}

void tell_service_manager(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET"); // NOLINT(concurrency-mt-unsafe)
    if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const size_t length = std::strlen(path);
    if (length >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = '\0'; // of Linux's abstract namespace
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    const auto sent = ::sendto(
        socket, state.data(), state.size(), MSG_NOSIGNAL,
        reinterpret_cast<const sockaddr*>(&address), size);
    if (sent < 0)
        spdlog::warn(
            "service_manager_unreachable error={}", std::generic_category().message(errno));
    ::close(socket);
}

Notifier::Notifier(chain::Chain& chain, NotifyOptions options)
    : chain_(chain),
      options_(std::move(options)),
      commands_(std::make_shared<CommandQueue>()) {
    chain_.add_observer(*this);
}

Notifier::~Notifier() {
    stop();
    chain_.remove_observer(*this);
}

void Notifier::start(Network* network) {
    network_ = network;
    stop_ = false;
    for (const std::string& command : options_.startup) commands_->push(command);
    tell_service_manager("READY=1");
    thread_ = std::thread([this] { watch(); });
}

void Notifier::stop() {
    {
        const std::scoped_lock lock(mutex_);
        if (std::exchange(stop_, true)) return;
    }
    stopped_.notify_all();
    thread_.join();
    tell_service_manager("STOPPING=1");
    for (const std::string& command : options_.shutdown) run_command(command);
}

void Notifier::tip_changed(const chain::TipChange& change) {
    if (change.initial_download) return;
    for (const chain::BlockChange& block : change.connected)
        for (const std::string& command : options_.block)
            commands_->push(with_argument(command, block.node->hash.to_string()));
}

void Notifier::watch() {
    const auto watchdog = watchdog_interval();
    // Half of what is asked for, lest a late one looks like none.
    const auto interval = watchdog ? std::min(WATCH_INTERVAL, *watchdog / 2) : WATCH_INTERVAL;
    Pulse chain(CHAIN_PATIENCE);
    Pulse network(interval);
    const auto look = [&](Pulse::Time now) {
        tell_warnings(now);
        if (!watchdog) return;
        const bool chain_turns =
            chain.beats(now, [this](auto done) { chain_.heartbeat(std::move(done)); });
        const bool network_turns = network_ == nullptr || network.beats(now, [this](auto done) {
            network_->heartbeat(std::move(done));
        });
        if (chain_turns && network_turns) tell_service_manager("WATCHDOG=1");
    };
    std::unique_lock lock(mutex_);
    while (!stopped_.wait_for(lock, interval, [this] { return stop_; })) {
        lock.unlock(); // stop() never waits for what is asked there
        look(std::chrono::steady_clock::now());
        lock.lock();
    }
}

void Notifier::tell_warnings(Pulse::Time now) {
    for (const std::string& warning : warnings(chain_, network_)) {
        const auto [seen, is_new] = warnings_.try_emplace(warning, now);
        const auto before = std::exchange(seen->second, now);
        if (!is_new && now - before < WARNING_SILENCE) continue;
        spdlog::warn("{}", warning);
        for (const std::string& command : options_.alert)
            commands_->push(with_argument(command, "'" + harmless(warning) + "'"));
    }
}

} // namespace cairn::node
