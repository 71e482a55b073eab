// SPDX-License-Identifier: MIT
#include "rpc/node_methods.h"

#include "rpc/methods.h"
#include "rpc/node_context.h"

namespace cairn::rpc {

Groups node_methods() {
    Groups all;
    for (const Groups& groups :
         {blockchain_methods(), coin_methods(), chain_control_methods(), mempool_methods(),
          transaction_methods(), mining_methods(), generating_methods(), network_methods(),
          node_address_methods(), descriptor_methods(), index_methods(), fee_methods(),
          utility_methods(), control_methods()})
        all.insert(all.end(), groups.begin(), groups.end());
    return all;
}

NodeServer::NodeServer(server::HttpOptions options)
    : dispatcher_(node_methods()),
      http_(std::move(options), dispatcher_) {}

NodeServer::~NodeServer() {
    stop();
}

void NodeServer::attach(Node node) {
    context_ = std::make_unique<NodeContext>(std::move(node), http_.io());
    context_->node.chain.add_observer(context_->tips);
}

void NodeServer::ready() {
    dispatcher_.ready(*context_);
}

void NodeServer::stop() {
    // Once only: the destructor comes when the chain is gone.
    if (context_ && !context_->stopping.exchange(true)) context_->tips.cancel_all();
    http_.stop();
}

} // namespace cairn::rpc
