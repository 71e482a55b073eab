// SPDX-License-Identifier: MIT
#include "rpc/node_methods.h"

#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "rpc/rest.h"

namespace cairn::rpc {

Groups node_methods() {
    Groups all;
    for (const Groups& groups :
         {blockchain_methods(), block_stats_methods(), proof_methods(), verify_chain_methods(),
          coin_methods(), chain_control_methods(), mempool_methods(), transaction_methods(),
          raw_transaction_methods(), psbt_methods(), mining_methods(), generating_methods(),
          network_methods(), node_address_methods(), descriptor_methods(), index_methods(),
          fee_methods(), utility_methods(), control_methods()})
        all.insert(all.end(), groups.begin(), groups.end());
    return all;
}

NodeServer::NodeServer(server::HttpOptions options, bool rest)
    : dispatcher_(node_methods()),
      http_(
          [&] {
              if (rest)
                  options.routes.push_back(
                      {"/rest/", std::nullopt,
                       [this](std::string_view target, std::string_view body) {
                           return answer_rest(target, body);
                       }});
              return std::move(options);
          }(),
          dispatcher_) {}

server::Answer NodeServer::answer_rest(std::string_view target, std::string_view body) const {
    if (!is_ready_) return {503, "Service temporarily unavailable\r\n", "text/plain"};
    return rest_answer(dispatcher_, *context_, target, body);
}

NodeServer::~NodeServer() {
    stop();
}

void NodeServer::attach(Node node) {
    context_ = std::make_unique<NodeContext>(std::move(node), http_.io());
    context_->node.chain.add_observer(context_->tips);
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
