// SPDX-License-Identifier: MIT
#include "wallet/devnet_node.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

extern "C" { // glibc 2.36 forgot to say so itself
#include <sys/pidfd.h>
}

namespace cairn::wallet {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds START_PATIENCE{120}; // a long chain is checked at start
constexpr std::chrono::milliseconds POLL_INTERVAL{100};

std::runtime_error system_error(const std::string& what, int code = errno) {
    return std::runtime_error(what + ": " + std::strerror(code)); // NOLINT: one thread
}

/// When `pid` started, in the kernel's ticks; nullopt if there is no such process, or only its
/// remains. Source: proc(5), /proc/pid/stat, fields 3 and 22.
std::optional<std::string> start_time_of(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream fields(text.substr(name_end + 1));
    const std::vector<std::string> words{
        std::istream_iterator<std::string>(fields), std::istream_iterator<std::string>()};
    constexpr size_t START_TIME = 22 - 3;
    if (words.size() <= START_TIME || words[0] == "Z" || words[0] == "X") return std::nullopt;
    return words[START_TIME];
}

void write_file(const fs::path& path, std::string_view text) {
    std::ofstream file(path, std::ios::trunc);
    file << text;
    if (!file.flush()) throw std::runtime_error("can't write " + path.string());
}

/// Is nobody listening on this port of the loopback?
bool port_is_free(uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) throw system_error("can't make a socket");
    // As a server does: a connection that ended a moment ago doesn't count.
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_free =
        bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        listen(socket, 1) == 0;
    close(socket);
    return is_free;
}

} // namespace

std::optional<Process> Process::find(const fs::path& pid_file) {
    std::ifstream file(pid_file);
    int pid = 0;
    std::string started;
    if (!(file >> pid >> started) || pid <= 0) return std::nullopt;
    const int handle = pidfd_open(pid, 0);
    if (handle < 0) return std::nullopt;
    // The handle is taken first: from then on the number can't pass to another process unseen.
    Process process(pid, handle);
    if (start_time_of(pid) != started) return std::nullopt;
    return process;
}

Process Process::start(
    const fs::path& program,
    const std::string& argument,
    const fs::path& output,
    const fs::path& pid_file) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(
        &files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);

    // A session of its own: Ctrl-C and a hang-up of this terminal are ours to pass on, in order.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::vector<std::string> words{program.string(), argument};
    char* const arguments[] = {words[0].data(), words[1].data(), nullptr};
    pid_t pid = 0;
    const int failure = posix_spawn(&pid, program.c_str(), &files, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (failure != 0) throw system_error("can't start " + program.string(), failure);

    Process process(pid, pidfd_open(pid, 0));
    write_file(pid_file, std::to_string(pid) + " " + start_time_of(pid).value_or("0") + "\n");
    return process;
}

Process::~Process() {
    if (handle_ >= 0) close(handle_);
}

Process::Process(Process&& other) noexcept
    : pid_(other.pid_),
      handle_(std::exchange(other.handle_, -1)) {}

Process& Process::operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(handle_, other.handle_);
    return *this;
}

void Process::signal(int number) const {
    pidfd_send_signal(handle_, number, nullptr, 0);
}

bool Process::wait_for_end(std::chrono::milliseconds patience) const {
    pollfd event{handle_, POLLIN, 0};
    return poll(&event, 1, static_cast<int>(patience.count())) == 1;
}

DevnetNode::DevnetNode(
    int number, const fs::path& network, const std::string& chain_directory, uint16_t base_port)
    : number_(number),
      directory_(network / ("node" + std::to_string(number))),
      chain_directory_(directory_ / chain_directory),
      p2p_port_(static_cast<uint16_t>(base_port + 2 * (number - 1))) {}

RpcEndpoint DevnetNode::endpoint(std::chrono::seconds timeout) const {
    RpcEndpoint endpoint;
    endpoint.port = rpc_port();
    endpoint.cookie_file = chain_directory_ / ".cookie";
    endpoint.timeout = timeout;
    return endpoint;
}

bool DevnetNode::answers(std::string* why) const {
    try {
        RpcClient(endpoint(std::chrono::seconds(5))).call("getblockcount");
        return true;
    } catch (const RpcError& error) {
        if (why != nullptr) *why = error.what();
        return false;
    }
}

void DevnetNode::check_ports() const {
    const std::pair<uint16_t, std::string_view> ports[] = {
        {p2p_port(), "its peers"}, {rpc_port(), "JSON-RPC"}};
    for (const auto& [port, purpose] : ports) {
        if (port_is_free(port)) continue;
        throw std::runtime_error(
            "port " + std::to_string(port) + ", which node " + std::to_string(number_) +
            " wants for " + std::string(purpose) +
            ", is taken by another program: end that, or choose six other ports with --base-port");
    }
}

void DevnetNode::write_config(std::string_view text) const {
    fs::create_directories(directory_);
    write_file(directory_ / "cairn.conf", text);
}

void DevnetNode::start(const fs::path& cairnd) const {
    Process::start(cairnd, "-datadir=" + directory_.string(), output_file(), pid_file());
}

bool DevnetNode::wait_until_up(const Pause& pause) const {
    const auto deadline = std::chrono::steady_clock::now() + START_PATIENCE;
    std::string why;
    while (!answers(&why)) {
        const std::string name = "node " + std::to_string(number_);
        if (!process()) throw std::runtime_error(name + " did not start:\n" + last_words());
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error(
                name + " does not answer after " + std::to_string(START_PATIENCE.count()) +
                " seconds (" + why + "): see " + (chain_directory_ / "debug.log").string());
        if (!pause(POLL_INTERVAL)) return false;
    }
    return true;
}

void DevnetNode::request_stop() const {
    if (const std::optional<Process> running = process()) {
        running->signal(SIGTERM);
        return;
    }
    try {
        RpcClient(endpoint(std::chrono::seconds(5))).call("stop");
    } catch (const RpcError&) {
        return; // nobody there: what was wanted
    }
}

bool DevnetNode::wait_until_down(std::chrono::seconds patience) const {
    if (const std::optional<Process> running = process()) return running->wait_for_end(patience);
    return true;
}

std::string DevnetNode::last_words() const {
    constexpr size_t LENGTH = 1000;
    std::ifstream file(output_file());
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (text.size() > LENGTH) text = "..." + text.substr(text.size() - LENGTH);
    while (text.ends_with('\n')) text.pop_back();
    return text.empty() ? "(it said nothing)" : text;
}

} // namespace cairn::wallet
