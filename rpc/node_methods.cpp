// SPDX-License-Identifier: MIT
#include "rpc/node_methods.h"

#include "rpc/methods.h"
#include "rpc/metrics.h"
#include "rpc/node_context.h"
#include "rpc/push.h"
#include "rpc/rest.h"

namespace cairn::rpc {

static const server::Answer NOT_READY{503, "Service temporarily unavailable\r\n", "text/plain"};

Groups node_methods() {
    Groups all;
    for (const Groups& groups :
         {blockchain_methods(),   block_stats_methods(), proof_methods(),
          verify_chain_methods(), coin_methods(),        chain_control_methods(),
          mempool_methods(),      transaction_methods(), raw_transaction_methods(),
          psbt_methods(),         mining_methods(),      mining_info_methods(),
          generating_methods(),   network_methods(),     node_address_methods(),
          descriptor_methods(),   index_methods(),       fee_methods(),
          utility_methods(),      control_methods(),     push_methods()})
        all.insert(all.end(), groups.begin(), groups.end());
    return all;
}

NodeServer::NodeServer(server::HttpOptions options, const WebOptions& web)
    : dispatcher_(node_methods()),
      http_(
          [&] {
              options.routes = routes(web);
              return std::move(options);
          }(),
          dispatcher_) {}

std::vector<server::Route> NodeServer::routes(const WebOptions& web) const {
    using server::Answer;
    const auto once_ready = [this](auto answer) {
        return [this, answer](std::string_view target, std::string_view body) -> Answer {
            if (!is_ready_) return NOT_READY;
            return answer(target, body);
        };
    };
    const auto rest = [this](std::string_view target, std::string_view body) {
        return rest_answer(dispatcher_, *context_, target, body);
    };
    const auto metrics = [this](auto, auto) { return metrics_answer(dispatcher_, *context_); };
    const auto health = [this](auto, auto) { return health_answer(is_ready_); };
    const auto ready = [this](auto, auto) {
        return readiness_answer(is_ready_ ? context_.get() : nullptr);
    };
    std::vector<server::Route> routes{
        {"/metrics", server::Role::Read, once_ready(metrics), web.metrics_bind},
        {"/health", std::nullopt, health, web.metrics_bind},
        {"/ready", std::nullopt, ready, web.metrics_bind}};
    routes.push_back(
        {.path = "/events",
         .role = server::Role::Read,
         .stream = [this](auto target, auto last_event_id) -> server::Streaming {
             if (!is_ready_) return NOT_READY;
             return stream_of_events(*context_, target, last_event_id);
         }});
    if (web.rest)
        routes.push_back(
            {.path = "/rest/",
             .role = std::nullopt,
             .answer = once_ready(rest),
             .bind = web.rest_bind,
             .busy = true});
    return routes;
}

NodeServer::~NodeServer() {
    stop();
}

void NodeServer::attach(Node node) {
    context_ = std::make_unique<NodeContext>(std::move(node), http_.io(), http_.queue());
    context_->node.chain.add_observer(context_->tips);
    context_->node.chain.add_observer(context_->publisher);
}

void NodeServer::ready() {
    dispatcher_.ready(*context_);
    is_ready_ = true;
}

void NodeServer::stop() {
    // Once only: the destructor comes when the chain is gone.
    if (context_ && !context_->stopping.exchange(true)) context_->tips.cancel_all();
    http_.stop();
}

} // namespace cairn::rpc
