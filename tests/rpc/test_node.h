// SPDX-License-Identifier: MIT
// A whole node without HTTP: a regtest chain in a temporary folder, coins anyone can spend, and
// the methods.
#pragma once

#include "chain/chain.h"
#include "node/clock.h"
#include "node/fee_watch.h"
#include "node/network.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "rpc/server/dispatch.h"
#include "tests/temporary_folder.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cairn::rpc {

using server::Answer;
using server::Json;

/// The chain file of that name in genesis/.
consensus::Params read_params(const std::string& file);

inline const std::string NO_HASH(64, '0');

/// A key on test networks.
inline const std::string TEST_KEY =
    "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZP"
    "StJRJCTKvosUCJZL5B";

/// The parameters of a call with one text.
inline std::string list_of(const std::string& text) {
    return "[\"" + text + "\"]";
}

/// A client that is told things, and keeps them.
class TestClient : public server::PushClient {
public:
    /// `later`: runs a task on another thread.
    explicit TestClient(std::function<void(std::function<void()>)> later)
        : later_(std::move(later)) {}

    void push(const std::shared_ptr<const server::PushMessage>& message) override;

    void when_sent(std::function<void()> task) override { later_(std::move(task)); }

    void drop(std::string_view why) override;

    /// The next notification; waits for it.
    Json next();
    /// Why it was dropped; waits for that.
    std::string dropped();
    /// The messages that came and were not taken by next().
    std::vector<std::shared_ptr<const server::PushMessage>> told();

private:
    std::function<void(std::function<void()>)> later_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::shared_ptr<const server::PushMessage>> told_;
    std::string dropped_;
};

/// Every reply is held against its method's row: what the row doesn't say fails the test.
class TestNode {
public:
    /// `tune`: what of a small chain with all indexes is to be otherwise.
    explicit TestNode(
        consensus::Params params = read_params("bitcoin-regtest.json"),
        const std::function<void(chain::ChainOptions&)>& tune = [](chain::ChainOptions&) {});
    ~TestNode();
    TestNode(const TestNode&) = delete;
    TestNode& operator=(const TestNode&) = delete;

    /// Send a request of JSON-RPC 2.0, as from client(); the answer comes when it comes. `left`: as
    /// Caller::left.
    std::future<Json>
    ask(const std::string& method,
        const std::string& params = "[]",
        const std::stop_token& left = {});
    /// The result of a call that must succeed.
    Json result(const std::string& method, const std::string& params = "[]");
    /// "code message" of a call that must fail.
    std::string error(const std::string& method, const std::string& params = "[]");

    static std::string text_of(const Json& json);
    /// The result as text.
    std::string text(const std::string& method, const std::string& params = "[]");
    /// A member of the result as text; "absent" if there is none.
    std::string field(const std::string& method, const std::string& params, const char* name);

    /// Mine so many blocks that pay to anyone; the last one's hash.
    std::string mine(int count);
    /// A transaction that spends the coinbase of the block at `height`, and pays `fee`.
    std::string spend_coinbase(int height, int64_t fee = 10'000);
    /// One that spends what it or spend_coinbase() made.
    static std::string spend(const std::string& transaction_hex, int64_t fee = 10'000);
    /// Set the proof of work of a block in hexadecimal anew.
    static std::string solve(const std::string& block_hex);

    std::string address; ///< Anyone can spend from it.
    int stops = 0;       ///< Calls of `stop`.

    chain::Chain& chain() { return *chain_; }

    node::Clock& clock() { return clock_; }

    NodeContext& context() { return *context_; }

    const server::Dispatcher& dispatcher() const { return dispatcher_; }

    /// Where the server's work is done, by one thread.
    boost::asio::io_context& io() { return io_; }

    TestClient& client() { return *client_; }

    std::shared_ptr<TestClient> shared_client() { return client_; }

    /// Another one.
    std::shared_ptr<TestClient> make_client();

private:
    /// Thread: any.
    void check(const std::string& method, const Json& reply);

    std::mutex mutex_; ///< Of wrong_.
    std::vector<std::string> wrong_;
    tests::TemporaryFolder folder_;
    consensus::Params params_;
    node::Clock clock_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::unique_ptr<chain::Chain> chain_;
    std::unique_ptr<node::FeeWatch> fees_;
    std::unique_ptr<node::Network> network_;
    server::CallQueue queue_;
    std::unique_ptr<NodeContext> context_;
    server::Dispatcher dispatcher_;
    const server::User user_{"admin"};
    const std::shared_ptr<TestClient> client_ = make_client();
    std::thread thread_;
    boost::asio::thread_pool connection_{1}; ///< Where exchanges run, as on a connection's strand.
};

} // namespace cairn::rpc
