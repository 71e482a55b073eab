// SPDX-License-Identifier: MIT
// The public face of the network: each question is answered on its thread.
#include "node/network.h"

#include "node/network_impl.h"

#include <algorithm>

namespace cairn::node {

Network::Network(chain::Chain& chain, const Clock& clock, NetworkOptions options)
    : impl_(std::make_unique<Impl>(chain, clock, std::move(options))) {}

Network::~Network() {
    stop();
}

void Network::start() {
    impl_->start();
}

void Network::stop() {
    impl_->stop();
}

std::vector<PeerInfo> Network::peers() const {
    return impl_->ask([this] { return impl_->peers(); });
}

NetworkTotals Network::totals() const {
    return impl_->ask([this] { return impl_->totals(); });
}

std::string Network::user_agent() const {
    return impl_->protocol().options().user_agent;
}

uint64_t Network::local_services() const {
    return impl_->protocol().options().services;
}

bool Network::active() const {
    return impl_->ask([this] { return impl_->active(); });
}

void Network::set_active(bool active) {
    impl_->ask([this, active] { impl_->set_active(active); });
}

uint16_t Network::listening_port() const {
    return impl_->listening_port();
}

const NetworkOptions& Network::options() const {
    return impl_->options();
}

bool Network::add_node(const std::string& address, AddNodeCommand command) {
    return impl_->ask([&] { return impl_->add_node(address, command); });
}

std::vector<AddedNode> Network::added_nodes() const {
    return impl_->ask([this] { return impl_->added_nodes(); });
}

bool Network::disconnect(const std::string& address) {
    return impl_->ask([&] {
        return impl_->disconnect(
            [&](const Peer& peer) { return peer.address.to_string() == address; });
    });
}

bool Network::disconnect(PeerId id) {
    return impl_->ask(
        [&] { return impl_->disconnect([&](const Peer& peer) { return peer.id == id; }); });
}

void Network::ping_all() {
    impl_->ask([this] { impl_->ping_all(); });
}

void Network::broadcast(const consensus::TransactionRef& tx) {
    impl_->ask([&] { impl_->broadcast(tx); });
}

std::vector<consensus::Txid> Network::unbroadcast() const {
    return impl_->ask([this] { return impl_->protocol().unbroadcast(); });
}

std::vector<Network::KnownAddress> Network::known_addresses(size_t count) const {
    return impl_->ask([&] {
        std::vector<KnownAddress> known;
        for (const TimedAddress& place : impl_->known_addresses(count)) {
            known.push_back({place.address.host(), place.address.port, place.services, place.time});
        }
        return known;
    });
}

} // namespace cairn::node
