// SPDX-License-Identifier: MIT
// From the body of a request to the body of its reply: JSON-RPC 1.0, 1.1 and 2.0 as the reference
// implementation speaks them, batches included.
#pragma once

#include "rpc/server/call_queue.h"
#include "rpc/server/method.h"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

namespace cairn::rpc::server {

/// The answer to one HTTP request. An empty body goes with 204.
struct Answer {
    int http_status = 200;
    std::string body;
    std::string_view content_type = "application/json";
};

/// Who asks.
struct Caller {
    const User& user; ///< Outlives his calls.
    /// His connection, where it stays open and he can be told things; else null.
    std::shared_ptr<PushClient> client{};
    /// Stopped once he has left: nobody waits for the answer any more.
    std::stop_token left{};
    /// Where calls that block a thread are run; null: where they are asked for, and all at once,
    /// since there are no others to let on.
    CallQueue* queue = nullptr;
    const void* connection = nullptr; ///< Whose turn it is there.
    /// Whether calls that have to wait for an event, or their turn, are taken.
    bool may_wait = true;
};

/// Knows the methods, and calls them.
///
/// Life: made with its table; until ready() every call is refused with -28.
/// Thread: any.
class Dispatcher {
public:
    explicit Dispatcher(std::vector<Group> groups);

    /// The text of the refusal while not ready.
    void set_status(std::string status);
    /// From now on calls are executed, on `context`, which outlives this.
    void ready(Context& context);

    /// How what rested continues: runs its argument soon, on the caller's thread, after what others
    /// have to do there.
    using Resume = std::function<void(std::function<void()>)>;

    /// Execute a request. `done` is called once, unless the caller leaves before: within this call,
    /// or through `resume` where a method waits or a batch takes long.
    void handle(
        std::string_view body,
        const Caller& caller,
        Resume resume,
        std::function<void(Answer)> done) const;

    /// Calls, of all callers, that may wait for an event or their turn at a time.
    static constexpr size_t MAX_WAITING_CALLS = 1000;
    /// Once the reply to a batch is so large, the rest of the batch is refused.
    static constexpr size_t MAX_BATCH_REPLY_BYTES = size_t{256} << 20;

    /// Call a method that waits for no event, beside all requests.
    Reply run(std::string_view method, std::vector<Json> arguments) const;

    const Method* find(std::string_view name) const;

    const std::vector<Group>& groups() const { return groups_; }

    /// A call that is being executed.
    struct Active {
        std::string_view method;
        std::chrono::steady_clock::time_point since;
    };

    std::vector<Active> active() const;

    /// Upper ends, in seconds, of the classes by which calls are counted; one more is for all else.
    static constexpr std::array LATENCIES{0.0001, 0.001, 0.01, 0.1, 1.0, 10.0};

    /// The calls of one method since the start.
    struct Calls {
        std::string_view method;
        std::array<uint64_t, LATENCIES.size() + 1> by_latency{};
        double seconds = 0;
        uint64_t errors = 0;
    };

    /// Of all methods that were called.
    std::vector<Calls> calls() const;

private:
    friend class Exchange;
    using ActiveCall = std::list<Active>::iterator;
    /// Errors: InWarmup, MethodNotFound, those of the arguments.
    Outcome<std::shared_ptr<const Call>> prepare(
        std::string_view method,
        const Json& params,
        const std::shared_ptr<PushClient>& client = {},
        const std::stop_token& left = {}) const;
    ActiveCall begin(const Method& method) const;
    void end(ActiveCall call, bool failed) const;

    std::vector<Group> groups_;
    std::unordered_map<std::string_view, const Method*> by_name_;
    std::atomic<Context*> context_{nullptr};
    mutable std::atomic<size_t> waiting_{0}; ///< Calls of MAX_WAITING_CALLS.
    mutable std::mutex mutex_;               ///< For all below, held for moments only.
    std::string status_ = "RPC server started";
    mutable std::list<Active> active_;
    mutable std::unordered_map<std::string_view, Calls> calls_; ///< By method.
};

} // namespace cairn::rpc::server
