// SPDX-License-Identifier: MIT
// The three nodes of `cairn devnet` as one thing: started together, connected to each other, asked
// for their state, stopped together. What it must know the next time is in its directory.
#pragma once

#include "wallet/devnet.h"
#include "wallet/devnet_node.h"
#include "wallet/devnet_view.h"

#include <optional>
#include <vector>

namespace cairn::wallet {

/// Invariants: node 1 mines and pays to `payout`; the others connect to those before them.
/// Thread: one.
class DevnetNetwork {
public:
    static constexpr int NODES = 3;
    static constexpr uint16_t DEFAULT_BASE_PORT = 28410; ///< Two ports for each node from here on.

    /// The network whose directory this is; nullopt if there is none. Throws std::runtime_error.
    static std::optional<DevnetNetwork> open(const std::filesystem::path& directory);
    /// Open it, or make it if it is new; `base_port` 0 leaves that as it is. Throws
    /// std::runtime_error: the directory holds a network of another chain.
    static DevnetNetwork
    prepare(const std::filesystem::path& directory, const DevnetChain& chain, uint16_t base_port);

    const std::filesystem::path& directory() const { return directory_; }

    const std::vector<DevnetNode>& nodes() const { return nodes_; }

    /// Start the nodes that don't run, and wait until all answer; `payout` gets what is mined.
    /// Returns how many it started, or gives up waiting if `pause` says so. Throws
    /// std::runtime_error, after it stopped what it had started.
    int
    start(const std::filesystem::path& cairnd, const std::string& payout, const Pause& pause) const;
    /// Stop all. Throws std::runtime_error that names those that don't.
    void stop() const;

    NetworkStatus status() const;

private:
    DevnetNetwork(std::filesystem::path directory) : directory_(std::move(directory)) {}

    void make_nodes();
    void save() const;
    std::string config_of(const DevnetNode& node, const std::string& payout) const;

    std::filesystem::path directory_;
    std::string chain_name_;
    std::string chain_directory_;
    std::string chain_file_; ///< Empty: the default.
    uint16_t base_port_ = DEFAULT_BASE_PORT;
    std::vector<DevnetNode> nodes_;
};

} // namespace cairn::wallet
