// SPDX-License-Identifier: MIT
// What the node's methods have in common: the node behind them, arguments that name something of
// the chain, and waiting for the chain thread.
#pragma once

#include "chain/indexer.h"
#include "node/notify.h"
#include "rpc/node_methods.h"
#include "rpc/publisher.h"
#include "rpc/server/call_queue.h"
#include "rpc/server/method.h"
#include "rpc/tip_watch.h"

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace cairn::rpc {

using server::Call;
using server::Code;
using server::Error;
using server::Outcome;
using server::Reply;

/// The node as all methods see it.
struct NodeContext : server::Context {
    NodeContext(Node the_node, boost::asio::io_context& server, server::CallQueue& call_queue)
        : node(std::move(the_node)),
          queue(call_queue),
          tips(node.chain, server),
          publisher(node.chain, server) {}

    Node node;
    server::CallQueue& queue;
    TipWatch tips;
    Publisher publisher;
    std::atomic<bool> stopping{false}; ///< Ends mining on request.

    /// One at a time, which other calls look after.
    struct Scan {
        enum class State : uint8_t { Idle, Running, Aborted };

        std::atomic<State> state{State::Idle};
        std::atomic<int> percent{0};
        std::atomic<int32_t> height{0}; ///< That it is at.
    };

    Scan coin_scan;  ///< Of scantxoutset.
    Scan block_scan; ///< Of scanblocks.

    using TemplateRef = std::shared_ptr<const chain::BlockTemplate>;

    /// Calls that wait for one template.
    using TemplateMaking = std::vector<std::function<void(const TemplateRef&)>>;

    /// Of getblocktemplate: the last answer serves again while there is no news.
    struct {
        std::mutex mutex; ///< For the two below.
        TemplateRef last;
        std::weak_ptr<TemplateMaking> making; ///< Owned by what the chain thread is to call.
    } template_cache;
};

/// For the field "warnings" of what has a node.
inline constexpr auto WARNINGS = [](const auto& of) {
    return node::warnings(of.node.chain, of.node.network);
};

inline NodeContext& context_of(const Call& call) {
    return static_cast<NodeContext&>(call.context);
}

/// Whether a long call may end without a result: the node stops, or nobody waits for it.
inline bool given_up(const Call& call) {
    return context_of(call).stopping || call.left.stop_requested();
}

inline const Error GIVEN_UP{Code::Misc, "The node is stopping, or the client has left"};

inline chain::Chain& chain_of(const Call& call) {
    return context_of(call).node.chain;
}

/// Of a call that looks into an index: that may have to take up a block first.
template <chain::IndexId ID>
server::Pace pace_of_index(const Call& call) {
    const bool waits = chain_of(call).indexes().must_catch_up(ID);
    return waits ? server::Pace::Waits : server::Pace::Quick;
}

inline const consensus::Params& params_of(const Call& call) {
    return chain_of(call).params();
}

/// An object of which nothing is told.
using NoMembers = std::map<std::string, server::Null>;

/// A chain whose blocks cost nothing is a test's; on others some things are not to be played with.
inline bool is_test_chain(const Call& call) {
    return params_of(call).fixed_difficulty();
}

inline Error not_a_test_chain(const Call& call) {
    return {
        Code::Misc,
        std::string(call.method.name) + " is for regression testing (-regtest mode) only"};
}

inline const Error P2P_DISABLED{
    Code::P2pDisabled, "Error: Peer-to-peer functionality missing or disabled"};
inline const Error NO_PRIVATE_KEYS{
    Code::InvalidAddressOrKey, "Cannot derive script without private keys"};
inline const Error UNKNOWN_FILTER{Code::InvalidAddressOrKey, "Unknown filtertype"};
inline const Error NO_FILTERS{Code::Misc, "Index is not enabled for filtertype basic"};
inline const Error BAD_ADDRESS{Code::InvalidAddressOrKey, "Invalid address or script"};
inline const Error BLOCK_NOT_FOUND{Code::InvalidAddressOrKey, "Block not found"};

/// An index that can't tell yet what it is asked.
Error still_syncing(const chain::Indexer::Status& index);

/// The handler `method(call, network)` as one that takes the call alone. Error: P2P_DISABLED where
/// the node has no peers by its options.
template <auto method>
auto with_network(const Call& call) -> decltype(method(call, *context_of(call).node.network)) {
    node::Network* network = context_of(call).node.network;
    if (network == nullptr) return P2P_DISABLED;
    return method(call, *network);
}

/// Argument `i`, a Type::Hash.
consensus::Hash256 hash_argument(const Call& call, size_t i);

/// The block that argument `i`, a Type::Hash, names. Error: BLOCK_NOT_FOUND.
Outcome<const chain::BlockNode*> block_argument(const Call& call, size_t i);

/// The script that an address, or hexadecimal digits, stand for; nullopt for anything else.
std::optional<consensus::Script>
script_of_text(const std::string& text, const consensus::Params& params);

/// Bytes in base64, as messages' signatures and PSBTs are shown.
std::string to_base64(consensus::ByteView bytes);
std::optional<consensus::Bytes> from_base64(std::string_view text);

/// In which form a transaction in hexadecimal is.
enum class HexForm : uint8_t { Any, WithWitness, WithoutWitness };

/// A transaction in hexadecimal. Error: `otherwise`.
Outcome<consensus::TransactionRef>
transaction_of_hex(const std::string& hex, const Error& otherwise, HexForm form = HexForm::Any);

/// What no peer has asked for yet.
std::set<consensus::Txid> unbroadcast(const Call& call);

/// Core's sentence for a refusal: the reason and, where there is one, the detail.
std::string reject_text(const consensus::Reject& reject);

/// `done`, for calls that wait for the chain thread and hold none: if it is dropped, as by a chain
/// that stops, the reply is that the node stops.
std::function<void(Reply)> answer_or_stop(std::function<void(Reply)> done);

/// Block this thread until the chain thread has answered with a T, or with nothing if T is Null.
/// `function` of the chain is called with `arguments` and the function to answer with.
/// Throws: the chain is stopping, and answers no more.
template <class T, class Function, class... Arguments>
T wait_for(const Call& call, Function function, Arguments&&... arguments) {
    auto promise = std::make_shared<std::promise<T>>();
    std::future<T> future = promise->get_future();
    auto done = [promise](const auto&... answer) { promise->set_value(T{answer...}); };
    std::invoke(function, chain_of(call), std::forward<Arguments>(arguments)..., std::move(done));
    promise.reset(); // A chain that drops the function breaks the promise.
    try {
        return future.get();
    } catch (const std::future_error&) {
        throw std::runtime_error(server::STOPPING.message);
    }
}

} // namespace cairn::rpc
