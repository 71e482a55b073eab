// SPDX-License-Identifier: MIT
// The three nodes of `cairn devnet` as one thing: started together, connected to each other, asked
// for their state, stopped together. All that is known of a node is in its own cairn.conf.
#pragma once

#include "wallet/commands.h"

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

/// Node `number` of a network.
struct DevnetNode {
    int number = 0;
    std::filesystem::path directory;
    Place place;

    /// The process that has this directory, whoever started it; nullopt if none runs.
    std::optional<pid_t> process() const;
    /// An RPC client whose calls wait at most so long.
    RpcClient client(std::chrono::seconds timeout) const;
};

/// Invariants: node 1 mines; the others connect to those before them. No file in the directory
///   holds its path, so it may be moved and copied. Thread: one. Lifetime: the program outlives it.
class DevnetNetwork {
public:
    /// The nodes that were made in `directory`: all three, or none.
    DevnetNetwork(const Program& program, std::filesystem::path directory);

    const std::filesystem::path& directory() const { return directory_; }

    const std::vector<DevnetNode>& nodes() const { return nodes_; }

    /// Of the network's chain: the one it was made for, or shall be.
    const consensus::Params& params() const { return params_; }

    /// Make what is missing, start the nodes that don't run, and wait until they are up or `pause`
    /// says to give up. `payout`: gets what is mined; `base_port`: the first of two for each node,
    /// or 0 for those of before. Returns how many it started. Throws std::runtime_error, after it
    /// stopped what it had started.
    int start(const std::string& payout, uint16_t base_port, const Pause& pause);
    /// Stop all; returns how many ran. Throws std::runtime_error that names those that don't stop.
    int stop() const;

    /// What each node says of itself; `problem` if it doesn't.
    std::vector<Fields> status() const;

private:
    void find_nodes();
    void copy_chain_file() const;
    void write_config(int number, const std::string& payout, uint16_t base_port) const;
    int stop_nodes(const std::vector<int>& numbers) const;

    const Program& program_;
    std::filesystem::path directory_;
    std::vector<DevnetNode> nodes_;
    consensus::Params params_;
};

} // namespace cairn::wallet
