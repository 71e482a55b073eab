// SPDX-License-Identifier: MIT
#include "wallet/devnet_network.h"

#include "rpc/server/new_file.h"
#include "wallet/terminal.h"

#include <boost/json/value_to.hpp>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace cairn::wallet {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr int NODES = 3;
constexpr const char* CHAIN_FILE = "chain.json"; ///< In the network's directory.
constexpr uint16_t DEFAULT_BASE_PORT = 28410;
constexpr std::chrono::seconds STOP_PATIENCE{60};
constexpr std::chrono::seconds STATUS_PATIENCE{2};
constexpr std::chrono::milliseconds POLL_INTERVAL{50};

/// Start cairnd, which lies beside this program, in the background. The process returned ends once
/// that is up, or with an error, which it has told the terminal, if that fails.
pid_t spawn(const fs::path& data_directory) {
    const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "cairnd";
    std::string words[] = {program.string(), "-datadir=" + data_directory.string(), "-daemon"};
    char* const arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t pid = 0;
    const int failure = posix_spawn(&pid, words[0].c_str(), nullptr, nullptr, arguments, environ);
    if (failure != 0)
        throw std::runtime_error("can't start " + words[0] + ": " + std::strerror(failure));
    return pid;
}

/// The ends of a hash: the first digits of a good one are all zero.
std::string abbreviated(const std::string& hash) {
    constexpr size_t END = 8;
    if (hash.size() <= 2 * END) return hash;
    return fmt::format("{}..{}", hash.substr(0, END), hash.substr(hash.size() - END));
}

Fields status_of(const DevnetNode& node) {
    const bool mines = node.number == 1;
    const std::string name = std::to_string(node.number);
    Fields status{
        {"node", {name + (mines ? " mines" : ""), name}},
        {"mining", {"", mines ? "true" : "false"}}};
    try {
        const std::vector<json::value> replies =
            node.client(STATUS_PATIENCE)
                .batch({{"getblockchaininfo", {}}, {"getnetworkinfo", {}}, {"getmempoolinfo", {}}});
        const json::value& chain = replies.at(0);
        const auto tip = json::value_to<std::string>(chain.at("bestblockhash"));
        const std::chrono::seconds age(std::time(nullptr) - chain.at("time").to_number<int64_t>());
        status.emplace_back("height", chain.at("blocks").to_number<int64_t>());
        status.push_back({"tip", {abbreviated(tip), Value(tip).json}});
        status.emplace_back("peers", replies.at(1).at("connections").to_number<int64_t>());
        status.emplace_back("mempool", replies.at(2).at("size").to_number<int64_t>());
        status.push_back({"tip_age", {age_text(age), std::to_string(age.count())}});
        status.back().second.number = true;
    } catch (const RpcError& error) {
        for (const char* column : {"height", "tip", "peers", "mempool", "tip_age"})
            status.push_back({column, {"-", ""}});
        status.emplace_back(
            "problem",
            node.process() ? fmt::format("no answer: {}", error.what()) : std::string("down"));
    }
    return status;
}

} // namespace

std::optional<pid_t> DevnetNode::process() const {
    std::ifstream file(place.chain_directory / "cairnd.pid");
    pid_t pid = 0;
    if (!(file >> pid)) return std::nullopt;
    // The number may have passed to another process: the right one holds the directory's lock.
    std::error_code error;
    fs::directory_iterator open_file(fmt::format("/proc/{}/fd", pid), error);
    for (; !error && open_file != fs::directory_iterator(); open_file.increment(error)) {
        std::error_code gone;
        if (fs::equivalent(open_file->path(), place.chain_directory / ".lock", gone)) return pid;
    }
    return std::nullopt;
}

RpcClient DevnetNode::client(std::chrono::seconds timeout) const {
    RpcEndpoint endpoint = place.endpoint;
    endpoint.timeout = timeout;
    return RpcClient(endpoint);
}

DevnetNetwork::DevnetNetwork(const Program& program, fs::path directory)
    : program_(program),
      directory_(std::move(directory)) {
    const bool made = fs::exists(directory_ / fmt::format("node{}", NODES) / "cairn.conf");
    if (made) find_nodes();
    params_ = made ? nodes_[0].place.params : program.params();
}

void DevnetNetwork::find_nodes() {
    nodes_.clear();
    for (int number = 1; number <= NODES; ++number) {
        const fs::path directory = directory_ / fmt::format("node{}", number);
        nodes_.push_back({number, directory, program_.place_in(directory)});
    }
}

void DevnetNetwork::copy_chain_file() const {
    const fs::path copy = directory_ / CHAIN_FILE;
    const Place& given = program_.place();
    if (fs::exists(copy) && (!given.chain_chosen || fs::equivalent(given.chain_file, copy))) return;
    std::ifstream file(given.chain_file);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    rpc::server::replace_file(copy, text, 0644);
}

void DevnetNetwork::write_config(int number, const std::string& payout, uint16_t base_port) const {
    const int port = base_port + 2 * (number - 1);
    std::string text = fmt::format(
        "# Written by `cairn devnet up`, when it starts this node.\n"
        "chain=../{2}\nwalletdir=../wallets\ndbcache=64\n"
        "port={0}\nbind=127.0.0.1:{0}\nrpcport={1}\n",
        port, port + 1, CHAIN_FILE);
    if (number == 1) text += "connect=0\nmine=" + payout + "\nminethreads=1\n";
    for (int other = base_port; other < port; other += 2)
        text += fmt::format("connect=127.0.0.1:{}\n", other);
    const fs::path path = directory_ / fmt::format("node{}", number) / "cairn.conf";
    fs::create_directories(path.parent_path());
    rpc::server::replace_file(path, text, 0644);
}

int DevnetNetwork::start(const std::string& payout, uint16_t base_port, const Pause& pause) {
    fs::create_directories(directory_);
    const auto lock = program_.lock(directory_);
    std::vector<int> missing;
    for (int number = 1; number <= NODES; ++number)
        if (nodes_.empty() || !nodes_[number - 1].process()) missing.push_back(number);
    // Those that run keep their ports, so the others do, too.
    const uint16_t present = nodes_.empty() ? DEFAULT_BASE_PORT : nodes_[0].place.p2p_port;
    if (base_port == 0) base_port = present;
    if (base_port != present && missing.size() < NODES)
        throw std::runtime_error(fmt::format(
            "the network runs on the ports from {} on: `cairn devnet down` first, then choose "
            "others",
            present));
    copy_chain_file();
    for (const int number : missing) write_config(number, payout, base_port);
    find_nodes();

    std::vector<pid_t> starters;
    for (const int number : missing) starters.push_back(spawn(nodes_[number - 1].directory));
    std::string failed;
    for (size_t i = 0; i < missing.size(); ++i) {
        int status = 0;
        // A node can be stopped only once it has its directory.
        while (waitpid(starters[i], &status, WNOHANG) == 0)
            if (!pause(POLL_INTERVAL) && nodes_[missing[i] - 1].process()) break;
        if (status != 0) failed += fmt::format(" node {}", missing[i]);
    }
    if (failed.empty()) return static_cast<int>(missing.size());
    stop_nodes(missing);
    throw std::runtime_error(
        "did not start, for the reason above:" + failed +
        "; if it is a port that is taken, choose six others in a row with --base-port");
}

int DevnetNetwork::stop_nodes(const std::vector<int>& numbers) const {
    int running = 0;
    for (const int number : numbers)
        if (const auto pid = nodes_[number - 1].process()) running += kill(*pid, SIGTERM) == 0;
    const auto deadline = std::chrono::steady_clock::now() + STOP_PATIENCE;
    for (const int number : numbers)
        while (nodes_[number - 1].process()) {
            if (std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error(
                    fmt::format("node {} did not stop within a minute: see its debug.log", number));
            std::this_thread::sleep_for(POLL_INTERVAL);
        }
    return running;
}

int DevnetNetwork::stop() const {
    const auto lock = program_.lock(directory_);
    return stop_nodes({1, 2, 3});
}

std::vector<Fields> DevnetNetwork::status() const {
    std::vector<Fields> rows;
    for (const DevnetNode& node : nodes_) rows.push_back(status_of(node));
    return rows;
}

} // namespace cairn::wallet
