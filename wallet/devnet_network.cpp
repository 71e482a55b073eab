// SPDX-License-Identifier: MIT
#include "wallet/devnet_network.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <sys/file.h>
#include <unistd.h>

namespace cairn::wallet {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds STOP_PATIENCE{60};
constexpr std::chrono::seconds STATUS_PATIENCE{2};
constexpr std::string_view STATE_FILE = "devnet.json";

/// Held while nodes are started or stopped, so that two commands can't do both at once.
class DirectoryLock {
public:
    explicit DirectoryLock(const fs::path& directory)
        : file_(open((directory / "devnet.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        if (file_ < 0) throw std::runtime_error("can't write in " + directory.string());
        if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
        close(file_);
        throw std::runtime_error(
            "another `cairn devnet` starts or stops this network just now: try again");
    }

    ~DirectoryLock() { close(file_); }

    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;

private:
    int file_;
};

NodeStatus status_of(const DevnetNode& node) {
    NodeStatus status;
    status.number = node.number();
    status.mining = node.number() == 1;
    try {
        RpcClient client(node.endpoint(STATUS_PATIENCE));
        const std::vector<json::value> replies = client.batch(
            {{"getblockchaininfo", {}}, {"getnetworkinfo", {}}, {"getmempoolinfo", {}}});
        const json::object& chain = replies.at(0).as_object();
        status.height = chain.at("blocks").to_number<int64_t>();
        status.tip = json::value_to<std::string>(chain.at("bestblockhash"));
        const std::chrono::seconds tip_time(chain.at("time").to_number<int64_t>());
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        status.tip_age = std::chrono::duration_cast<std::chrono::seconds>(now) - tip_time;
        status.peers = replies.at(1).as_object().at("connections").to_number<int64_t>();
        status.mempool = replies.at(2).as_object().at("size").to_number<int64_t>();
    } catch (const RpcError& error) {
        status.problem = node.process() ? fmt::format("no answer: {}", error.what()) : "down";
    }
    return status;
}

} // namespace

std::optional<DevnetNetwork> DevnetNetwork::open(const fs::path& directory) {
    const fs::path path = directory / STATE_FILE;
    std::ifstream file(path);
    if (!file) return std::nullopt;
    const std::string text(
        (std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    DevnetNetwork network(directory);
    try {
        const json::object state = json::parse(text).as_object();
        network.chain_name_ = json::value_to<std::string>(state.at("chain"));
        network.chain_directory_ = json::value_to<std::string>(state.at("chain_directory"));
        network.chain_file_ = json::value_to<std::string>(state.at("chain_file"));
        network.base_port_ = state.at("base_port").to_number<uint16_t>();
    } catch (const std::exception& error) {
        throw std::runtime_error(
            path.string() + " can't be read (" + error.what() +
            "): remove the directory to begin anew");
    }
    network.make_nodes();
    return network;
}

DevnetNetwork
DevnetNetwork::prepare(const fs::path& directory, const DevnetChain& chain, uint16_t base_port) {
    std::optional<DevnetNetwork> network = open(directory);
    if (network && network->chain_name_ != chain.params.name)
        throw std::runtime_error(
            directory.string() + " holds a network of the chain '" + network->chain_name_ +
            "', not '" + chain.params.name + "': give its -chain, or another --dir");
    if (!network) network = DevnetNetwork(directory);
    network->chain_name_ = chain.params.name;
    network->chain_directory_ = chain.params.directory;
    network->chain_file_ = chain.file.empty() ? "" : fs::absolute(chain.file).string();
    if (base_port != 0) network->base_port_ = base_port;
    network->make_nodes();
    fs::create_directories(directory);
    return *network;
}

void DevnetNetwork::make_nodes() {
    nodes_.clear();
    for (int number = 1; number <= NODES; ++number)
        nodes_.emplace_back(number, directory_, chain_directory_, base_port_);
}

void DevnetNetwork::save() const {
    const json::object state{
        {"chain", chain_name_},
        {"chain_directory", chain_directory_},
        {"chain_file", chain_file_},
        {"base_port", base_port_}};
    std::ofstream file(directory_ / STATE_FILE, std::ios::trunc);
    file << json::serialize(state) << '\n';
    if (!file.flush()) throw std::runtime_error("can't write in " + directory_.string());
}

std::string DevnetNetwork::config_of(const DevnetNode& node, const std::string& payout) const {
    std::string text = fmt::format(
        "# Written by `cairn devnet up`, each time.\n"
        "port={}\nbind=127.0.0.1:{}\nrpcport={}\nwalletdir=../wallets\ndbcache=64\n",
        node.p2p_port(), node.p2p_port(), node.rpc_port());
    if (!chain_file_.empty()) text += "chain=" + chain_file_ + "\n";
    if (node.number() == 1) return text + "connect=0\nmine=" + payout + "\nminethreads=1\n";
    for (const DevnetNode& other : nodes_)
        if (other.number() < node.number())
            text += fmt::format("connect=127.0.0.1:{}\n", other.p2p_port());
    return text;
}

int DevnetNetwork::start(
    const fs::path& cairnd, const std::string& payout, const Pause& pause) const {
    const DirectoryLock lock(directory_);
    std::vector<const DevnetNode*> missing;
    for (const DevnetNode& node : nodes_)
        if (!node.process() && !node.answers()) missing.push_back(&node);
    for (const DevnetNode* node : missing) node->check_ports();
    save();
    std::vector<const DevnetNode*> started;
    try {
        for (const DevnetNode* node : missing) {
            node->write_config(config_of(*node, payout));
            node->start(cairnd);
            started.push_back(node);
        }
        for (const DevnetNode& node : nodes_)
            if (!node.wait_until_up(pause)) break;
    } catch (...) {
        for (const DevnetNode* node : started) node->request_stop();
        for (const DevnetNode* node : started) node->wait_until_down(STOP_PATIENCE);
        throw;
    }
    return static_cast<int>(started.size());
}

void DevnetNetwork::stop() const {
    const DirectoryLock lock(directory_);
    for (const DevnetNode& node : nodes_) node.request_stop();
    std::string late;
    for (const DevnetNode& node : nodes_)
        if (!node.wait_until_down(STOP_PATIENCE)) late += fmt::format(" {}", node.number());
    if (!late.empty())
        throw std::runtime_error(
            "did not stop within a minute: node" + late + " (see debug.log in its directory)");
}

NetworkStatus DevnetNetwork::status() const {
    NetworkStatus status{chain_name_, directory_.string(), {}};
    for (const DevnetNode& node : nodes_) status.nodes.push_back(status_of(node));
    return status;
}

} // namespace cairn::wallet
