// SPDX-License-Identifier: MIT
// Tells the world outside of what happens: the operator's commands, and the service manager.
#pragma once

#include "chain/chain.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
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

/// What an operator should know: of the chain, and of the clock. `network`: null if there is none.
std::vector<std::string> warnings(const chain::Chain& chain, const Network* network);

/// Tell systemd, or who else started this process so, `state`: "READY=1". Nothing if nobody asked.
/// Source: sd_notify(3). Thread: any.
void tell_service_manager(std::string_view state);

/// Whether a thread still turns: it is asked, and once it has answered asked again.
class Pulse {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Pulse(std::chrono::microseconds patience) : patience_(patience) {}

    /// False if it hasn't answered for longer than it may take. What it does first may take as long
    /// as it likes: an index of all blocks is made anew. `ask`: has it call a function.
    bool beats(Time now, const std::function<void(std::function<void()>)>& ask);

private:
    const std::chrono::microseconds patience_;
    std::shared_ptr<std::atomic<int>> answers_ = std::make_shared<std::atomic<int>>(0);
    int questions_ = 0;
    Time asked_;
};

class CommandQueue;

/// Runs the operator's commands when their time has come, and looks after the node: sees warnings,
/// and tells a service manager that wants to know that network and chain thread still turn.
///
/// Commands run beside the node; it waits for those of the shutdown only.
/// Thread: main; as an observer the chain's.
class Notifier final : public chain::ChainObserver {
public:
    /// `chain` outlives it; it observes it until it is destroyed.
    Notifier(chain::Chain& chain, NotifyOptions options);
    ~Notifier() override; ///< As stop().
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    /// The node is up. `network`: null if there is none; outlives stop().
    void start(Network* network);
    /// The node goes down; returns once the commands for that are through.
    void stop();

    void tip_changed(const chain::TipChange& change) override;

private:
    void watch();
    void tell_warnings(Pulse::Time now);

    chain::Chain& chain_;
    const NotifyOptions options_;
    const std::shared_ptr<CommandQueue> commands_;
    Network* network_ = nullptr;
    std::map<std::string, Pulse::Time> warnings_; ///< Told of; when they were seen last.
    std::mutex mutex_;
    std::condition_variable stopped_;
    bool stop_ = true;
    std::thread thread_;
};

} // namespace cairn::node
