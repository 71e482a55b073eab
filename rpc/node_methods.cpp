// SPDX-License-Identifier: MIT
#include "rpc/node_methods.h"

#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "rpc/server/dispatch.h"

namespace cairn::rpc {

Groups node_methods() {
    Groups all;
    for (const Groups& groups :
         {blockchain_methods(), chain_control_methods(), mempool_methods(), transaction_methods(),
          mining_methods(), generating_methods(), network_methods(), utility_methods(),
          control_methods()})
        all.insert(all.end(), groups.begin(), groups.end());
    return all;
}

class NodeServer::Impl {
public:
    explicit Impl(server::HttpOptions options)
        : dispatcher(node_methods()),
          http(std::move(options), dispatcher) {}

    void attach(Node node) {
        auto run_after = [this](std::chrono::milliseconds delay, std::function<void()> task) {
            http.run_after(delay, std::move(task));
        };
        context = std::make_unique<NodeContext>(std::move(node), std::move(run_after));
        context->node.chain.add_observer(context->tips);
    }

    void stop() {
        // Once only: the destructor comes when the chain is gone.
        if (context && !context->stopping.exchange(true)) context->tips.cancel_all();
        http.stop();
    }

    server::Dispatcher dispatcher;
    std::unique_ptr<NodeContext> context;
    server::HttpServer http; ///< Last: its threads use the others.
};

NodeServer::NodeServer(server::HttpOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

NodeServer::~NodeServer() {
    stop();
}

void NodeServer::start() {
    impl_->http.start();
}

void NodeServer::set_status(std::string status) {
    impl_->dispatcher.set_status(std::move(status));
}

void NodeServer::attach(Node node) {
    impl_->attach(std::move(node));
}

void NodeServer::ready() {
    impl_->dispatcher.ready(*impl_->context);
}

void NodeServer::stop() {
    impl_->stop();
}

uint16_t NodeServer::port() const {
    return impl_->http.port();
}

} // namespace cairn::rpc
