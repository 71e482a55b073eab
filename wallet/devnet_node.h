// SPDX-License-Identifier: MIT
// One cairnd process of a local network: its directory, its ports, and how to start, find again
// and end it. The process outlives the command that started it, so what is known of it is on disk.
#pragma once

#include "wallet/rpc_client.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::wallet {

/// Waits at most so long; false once the user wants all to end.
using Pause = std::function<bool(std::chrono::milliseconds)>;

/// A running process, held so that its number can't come to mean another one.
class Process {
public:
    /// The one that `pid_file` tells of; nullopt if it has ended, whoever has its number now.
    static std::optional<Process> find(const std::filesystem::path& pid_file);
    /// Start `program` with `argument` in a session of its own, output added to `output`, and note
    /// it in `pid_file`. Throws std::runtime_error.
    static Process start(
        const std::filesystem::path& program,
        const std::string& argument,
        const std::filesystem::path& output,
        const std::filesystem::path& pid_file);

    ~Process();
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;

    int pid() const { return pid_; }

    void signal(int number) const;
    /// True if it has ended by then.
    bool wait_for_end(std::chrono::milliseconds patience) const;

private:
    Process(int pid, int handle) : pid_(pid), handle_(handle) {}

    int pid_ = 0;
    int handle_ = -1; ///< A pidfd.
};

/// Node `number` of a network, in `<network>/node<number>`.
class DevnetNode {
public:
    /// `chain_directory`: the chain's folder in a data directory.
    DevnetNode(
        int number,
        const std::filesystem::path& network,
        const std::string& chain_directory,
        uint16_t base_port);

    int number() const { return number_; }

    const std::filesystem::path& directory() const { return directory_; }

    uint16_t p2p_port() const { return p2p_port_; }

    uint16_t rpc_port() const { return p2p_port_ + 1; }

    RpcEndpoint endpoint(std::chrono::seconds timeout) const;

    std::optional<Process> process() const { return Process::find(pid_file()); }

    /// Does it answer JSON-RPC? `why`, if given, gets what it says instead.
    bool answers(std::string* why = nullptr) const;

    /// Throws std::runtime_error that names the port of this node which another program has.
    void check_ports() const;
    /// Replace its cairn.conf. It holds no absolute path, so that the network can be moved.
    void write_config(std::string_view text) const;
    void start(const std::filesystem::path& cairnd) const;
    /// Until it answers JSON-RPC. Throws std::runtime_error if it ends or takes too long; false if
    /// `pause` says so.
    bool wait_until_up(const Pause& pause) const;
    /// Ask it to stop, however it was started.
    void request_stop() const;
    /// False if it still runs after `patience`.
    bool wait_until_down(std::chrono::seconds patience) const;

    /// The last lines it wrote to its terminal.
    std::string last_words() const;

private:
    std::filesystem::path pid_file() const { return directory_ / "devnet.pid"; }

    std::filesystem::path output_file() const { return directory_ / "output.txt"; }

    int number_;
    std::filesystem::path directory_;
    std::filesystem::path chain_directory_;
    uint16_t p2p_port_;
};

} // namespace cairn::wallet
