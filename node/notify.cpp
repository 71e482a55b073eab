// SPDX-License-Identifier: MIT
#include "node/notify.h"

#include "node/network.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
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

/// At a time: a command that hangs must not fill the machine with its like.
constexpr int MAX_COMMANDS = 64;
constexpr std::chrono::microseconds WATCH_INTERVAL = 1s;

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

/// Start `command` beside the node. Its thread is left alone: the end of the process may come
/// before that of the command, which goes on.
void run_beside(const std::string& command) {
    static std::atomic<int> running{0};
    if (++running > MAX_COMMANDS) {
        --running;
        spdlog::warn("notify_dropped reason=\"{} commands are running\"", MAX_COMMANDS);
        return;
    }
    std::thread([command] {
        run_command(command);
        --running;
    }).detach();
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
      options_(std::move(options)) {
    chain_.add_observer(*this);
}

Notifier::~Notifier() {
    stop();
    chain_.remove_observer(*this);
}

void Notifier::start(const Network* network) {
    network_ = network;
    stop_ = false;
    for (const std::string& command : options_.startup) run_beside(command);
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
            run_beside(with_argument(command, block.node->hash.to_string()));
}

void Notifier::watch() {
    const auto watchdog = watchdog_interval();
    // Half of what is asked for, lest a late one looks like none.
    const auto interval = watchdog ? std::min(WATCH_INTERVAL, *watchdog / 2) : WATCH_INTERVAL;
    std::unique_lock lock(mutex_);
    while (!stopped_.wait_for(lock, interval, [this] { return stop_; })) {
        tell_warnings();
        if (!watchdog) continue;
        if (network_ != nullptr) network_->counts(); // answered by the network thread, if at all
        tell_service_manager("WATCHDOG=1");
    }
}

void Notifier::tell_warnings() {
    std::vector<std::string> now = chain_.warnings();
    for (const std::string& warning : now) {
        if (std::ranges::find(warnings_, warning) != warnings_.end()) continue;
        spdlog::warn("{}", warning);
        for (const std::string& command : options_.alert)
            run_beside(with_argument(command, "'" + harmless(warning) + "'"));
    }
    warnings_ = std::move(now);
}

} // namespace cairn::node
