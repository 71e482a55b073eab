// SPDX-License-Identifier: MIT
// Tells the world outside of what happens: the operator's commands, and the service manager.
#pragma once

#include "chain/chain.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cairn::node {

class Network;

/// Commands of the operator, given to `sh -c`; from the option table.
struct NotifyOptions {
    std::vector<std::string> startup;  ///< -startupnotify
    std::vector<std::string> block;    ///< -blocknotify; %s is the block's hash.
    std::vector<std::string> alert;    ///< -alertnotify; %s is what is wrong.
    std::vector<std::string> shutdown; ///< -shutdownnotify
};

/// Run `command` and wait for its end; what goes wrong is logged. It has none of this process's
/// files but the standard ones, and no signal blocked. Thread: any.
void run_command(const std::string& command);

/// Tell systemd, or who else started this process so, `state`: "READY=1". Nothing if nobody asked.
/// Source: sd_notify(3). Thread: any.
void tell_service_manager(std::string_view state);

/// Runs the operator's commands when their time has come, and looks after the node: sees warnings,
/// and tells a service manager that wants to know that the network thread still turns.
///
/// Commands run beside the node, MAX_COMMANDS at a time; it waits for those of the shutdown only.
/// Thread: main; as an observer the chain's.
class Notifier final : public chain::ChainObserver {
public:
    /// `chain` outlives it; it observes it until it is destroyed.
    Notifier(chain::Chain& chain, NotifyOptions options);
    ~Notifier() override; ///< As stop().
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    /// The node is up. `network`: null if there is none; outlives stop().
    void start(const Network* network);
    /// The node goes down; returns once the commands for that are through.
    void stop();

    void tip_changed(const chain::TipChange& change) override;

private:
    void watch();
    void tell_warnings();

    chain::Chain& chain_;
    const NotifyOptions options_;
    const Network* network_ = nullptr;
    std::vector<std::string> warnings_; ///< Told of.
    std::mutex mutex_;
    std::condition_variable stopped_;
    bool stop_ = true;
    std::thread thread_;
};

} // namespace cairn::node
