// SPDX-License-Identifier: MIT
// The three nodes of `cairn devnet` as one thing: started together, connected to each other, asked
// for their state, stopped together. All that is known of a node is in its own cairn.conf.
#pragma once

#include "wallet/report.h"
#include "wallet/rpc_client.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace cairn::wallet {

/// Waits at most so long; false once the user wants all to end.
using Pause = std::function<bool(std::chrono::milliseconds)>;

/// What cairnd's option reader makes of a data directory.
struct NodePlace {
    std::string chain;                     ///< Its name ...
    std::filesystem::path chain_directory; ///< ... and its folder in the data directory.
    uint16_t p2p_port = 0;
    RpcEndpoint endpoint;
};

using FindPlace = std::function<NodePlace(const std::filesystem::path& data_directory)>;

/// Node `number` of a network.
struct DevnetNode {
    int number = 0;
    std::filesystem::path directory;
    NodePlace place;

    /// The process that has this directory, whoever started it; nullopt if none runs.
    std::optional<pid_t> process() const;
    /// An RPC client whose calls wait at most so long.
    RpcClient client(std::chrono::seconds timeout) const;
};

/// How a network is to run.
struct DevnetOptions {
    std::filesystem::path program;    ///< cairnd
    std::filesystem::path chain_file; ///< Empty: the default.
    std::string payout;               ///< Gets what is mined.
    uint16_t base_port = 0;           ///< First of two for each node; 0: those of before.
};

/// Invariants: node 1 mines; the others connect to those before them. Thread: one.
class DevnetNetwork {
public:
    /// The nodes that were made in `directory`: all three, or none.
    DevnetNetwork(std::filesystem::path directory, FindPlace find_place);

    const std::filesystem::path& directory() const { return directory_; }

    const std::vector<DevnetNode>& nodes() const { return nodes_; }

    /// Make what is missing, start the nodes that don't run, and wait until they are up or `pause`
    /// says to give up. Returns how many it started. Throws std::runtime_error, after it stopped
    /// what it had started.
    int start(const DevnetOptions& options, const Pause& pause);
    /// Stop all. Throws std::runtime_error that names those that don't.
    void stop() const;

    /// What each node says of itself; `problem` if it doesn't.
    std::vector<Fields> status() const;

private:
    void find_nodes();
    void write_config(int number, const DevnetOptions& options, uint16_t base_port) const;
    void stop_nodes(const std::vector<int>& numbers) const;

    std::filesystem::path directory_;
    FindPlace find_place_;
    std::vector<DevnetNode> nodes_;
};

} // namespace cairn::wallet
