// SPDX-License-Identifier: MIT
#include "node/network_impl.h"

#include "node/handshake_messages.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <random>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace asio = boost::asio;

namespace {

constexpr auto AS_TUPLE = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds TICK{100};
constexpr int TICKS_BETWEEN_DIALS = 5;
constexpr std::chrono::minutes SAVE_INTERVAL{15};
constexpr int READER_THREADS = 2;
constexpr int RESERVED_SLOTS = 11; ///< Of max_connections, for those that we call.

Random system_random() {
    std::random_device device;
    const auto word = [&] { return uint64_t{device()} << 32 | device(); };
    const uint64_t first = word();
    return {first, word()};
}

/// Core: FormatSubVersion. Throws std::runtime_error if it is too long for a version message.
std::string user_agent_of(const std::vector<std::string>& comments) {
    std::string agent = "/Satoshi:31.0.0/Cairn:" CAIRN_VERSION;
    for (size_t i = 0; i < comments.size(); ++i) agent += (i == 0 ? "(" : "; ") + comments[i];
    agent += comments.empty() ? "/" : ")/";
    constexpr size_t limit = VersionMessage::MAX_USER_AGENT_BYTES;
    if (agent.size() > limit)
        throw std::runtime_error(
            "Total length of network version string (" + std::to_string(agent.size()) +
            ") exceeds maximum length (" + std::to_string(limit) +
            "). Reduce the number or size of uacomments.");
    return agent;
}

ProtocolOptions protocol_options_of(
    const NetworkOptions& options, const chain::Chain& chain, uint16_t listening_port) {
    ProtocolOptions result;
    result.user_agent = user_agent_of(options.user_agent_comments);
    result.services = NODE_NETWORK | NODE_WITNESS | NODE_NETWORK_LIMITED;
    if (chain.options().block_filters) result.services |= NODE_COMPACT_FILTERS;
    result.listening_port = listening_port;
    result.blocks_only = options.blocks_only;
    result.peer_timeout = options.peer_timeout;
    return result;
}

NetAddress address_of(const asio::ip::tcp::endpoint& endpoint) {
    if (endpoint.address().is_v4())
        return NetAddress::ipv4(endpoint.address().to_v4().to_bytes(), endpoint.port());
    return NetAddress::ipv6(endpoint.address().to_v6().to_bytes(), endpoint.port());
}

} // namespace

void Mailbox::post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    if (io_ != nullptr) asio::post(*io_, std::move(task));
}

void Mailbox::close() {
    const std::lock_guard lock(mutex_);
    io_ = nullptr;
}

void ChainEvents::tip_changed(const chain::TipChange& change) {
    mailbox_->post([target = target_, change] { target->tip_changed(change); });
}

void ChainEvents::transaction_added(const chain::TransactionRef& tx, chain::FeeRate feerate) {
    mailbox_->post([target = target_, tx, feerate] { target->transaction_added(tx, feerate); });
}

void ChainEvents::transaction_removed(
    const chain::TransactionRef& tx, chain::RemovalReason /*reason*/) {
    mailbox_->post([target = target_, tx] { target->transaction_removed(tx); });
}

Network::Impl::Impl(chain::Chain& chain, const Clock& clock, NetworkOptions network_options)
    : chain_(chain),
      clock_(clock),
      options_(std::move(network_options)),
      work_(asio::make_work_guard(io_)),
      readers_(READER_THREADS),
      mailbox_(std::make_shared<Mailbox>(io_)),
      live_chain_(chain),
      whitelist_(options_.whitelist),
      random_(system_random()),
      listener_(io_, options_, chain.params().p2p_port),
      listening_port_(listener_.port()),
      protocol_(
          live_chain_,
          book_,
          protocol_options_of(options_, chain, listening_port_),
          system_random()),
      connector_(
          io_,
          options_,
          chain.params(),
          book_,
          system_random(),
          {[this] { return links(); },
           [this](Connection::Socket socket, const std::string& target, ConnectionType type) {
               adopt(std::move(socket), target, type);
           }}),
      timer_(io_) {
    ChainEvents::Target target{
        [this](const chain::TipChange& change) {
            perform(protocol_.tip_changed(change, clock_.now()));
        },
        [this](const chain::TransactionRef& tx, chain::FeeRate feerate) {
            perform(protocol_.transaction_added(tx, feerate, clock_.now()));
        },
        [this](const chain::TransactionRef& tx) { perform(protocol_.transaction_removed(tx)); }};
    events_ = std::make_unique<ChainEvents>(mailbox_, std::move(target));
    chain_.add_observer(*events_);
}

Network::Impl::~Impl() {
    stop();
    chain_.remove_observer(*events_);
}

void Network::Impl::start() {
    const std::lock_guard lock(lifecycle_);
    load_book();
    next_save_ = clock_.now() + SAVE_INTERVAL;
    listener_.start([this](Connection::Socket socket) {
        adopt(std::move(socket), {}, ConnectionType::Inbound);
    });
    asio::co_spawn(io_, run_ticks(), asio::detached);
    running_ = true;
    thread_ = std::thread([this] { io_.run(); });
}

void Network::Impl::stop() {
    const std::lock_guard lock(lifecycle_);
    if (running_) {
        asio::post(io_, [this] { shut_down(); });
        thread_.join();
        running_ = false;
        save_book();
    }
    mailbox_->close();
    readers_.join();
}

void Network::Impl::shut_down() {
    listener_.stop();
    connector_.stop();
    while (!peerings_.empty()) drop(peerings_.begin()->first, "shutdown");
    io_.stop(); // a name that is being looked up may take long: it is not waited for
}

asio::awaitable<void> Network::Impl::run_ticks() {
    for (;;) {
        timer_.expires_after(TICK);
        co_await timer_.async_wait(AS_TUPLE);
        const Time now = clock_.now();
        perform(protocol_.tick(now));
        for (const auto& [id, peering] : peerings_) resume(id);
        if (active_ && ticks_++ % TICKS_BETWEEN_DIALS == 0) connector_.tick(now);
        if (now < next_save_) continue;
        next_save_ = now + SAVE_INTERVAL;
        save_book();
    }
}

// Connections ///////////////////////////////////////////////////////////////////////////////////

/// Whether one more may call us; the operator's own always may.
bool Network::Impl::has_room(const NetAddress& address) const {
    if ((whitelist_.permissions_of(address, true) & PERMIT_NOBAN) != 0) return true;
    const auto inbound = std::count_if(peerings_.begin(), peerings_.end(), [](const auto& entry) {
        return entry.second.target.empty();
    });
    return inbound < std::max(options_.max_connections - RESERVED_SLOTS, 0);
}

void Network::Impl::adopt(
    Connection::Socket socket, const std::string& target, ConnectionType type) {
    boost::system::error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error || !active_) return;
    const auto local = socket.local_endpoint(error);
    NewPeer fresh{next_id_, type, address_of(remote), 0};
    const bool inbound = type == ConnectionType::Inbound;
    if (inbound && !has_room(fresh.address)) {
        spdlog::debug("connection from {} refused: no room", fresh.address.to_string());
        return;
    }
    const auto same = [&](const Link& link) {
        return link.type != ConnectionType::Inbound && link.address == fresh.address;
    };
    const std::vector<Link> others = links();
    if (!inbound && std::any_of(others.begin(), others.end(), same)) return;
    fresh.permissions = whitelist_.permissions_of(fresh.address, inbound);
    ++next_id_;
    const auto max_block = static_cast<uint32_t>(
        std::max<int64_t>(chain_.params().max_block_weight, MAX_PAYLOAD_BYTES));
    auto connection = std::make_shared<Connection>(
        fresh.id, std::move(socket), FrameReader(chain_.params().magic, max_block), *this, buffer_);
    peerings_[fresh.id] = {connection, target, address_of(local).to_string()};
    spdlog::debug(
        "connection {} {} peer={}", inbound ? "from" : "to", fresh.address.to_string(), fresh.id);
    perform(protocol_.connected(fresh, clock_.now()));
    connection->start();
}

void Network::Impl::message_received(PeerId id, Message message) {
    perform(protocol_.received(id, std::move(message), clock_.now()));
}

void Network::Impl::bytes_sent(PeerId id, size_t count) {
    perform(protocol_.sent(id, count, clock_.now()));
    resume(id);
}

void Network::Impl::connection_lost(PeerId id, const std::string& reason) {
    drop(id, reason);
}

void Network::Impl::drop(PeerId id, const std::string& reason) {
    const auto found = peerings_.find(id);
    if (found == peerings_.end()) return;
    const auto peer = protocol_.peers().find(id);
    if (peer != protocol_.peers().end()) {
        const auto level = peer->second.established ? spdlog::level::info : spdlog::level::debug;
        spdlog::log(
            level, "disconnecting peer={} address={} reason=\"{}\"", id,
            peer->second.address.to_string(), reason);
    }
    const Peering peering = std::move(found->second);
    peerings_.erase(found);
    peering.connection->close();
    closed_totals_.bytes_sent += peering.connection->traffic().bytes_sent;
    closed_totals_.bytes_received += peering.connection->traffic().bytes_received;
    perform(protocol_.disconnected(id, clock_.now()));
}

std::vector<Link> Network::Impl::links() const {
    std::vector<Link> links;
    for (const auto& [id, peer] : protocol_.peers()) {
        const auto peering = peerings_.find(id);
        if (peering != peerings_.end())
            links.push_back({peering->second.target, peer.address, peer.type, peer.established});
    }
    return links;
}

// Actions ///////////////////////////////////////////////////////////////////////////////////////

void Network::Impl::perform(Actions actions) {
    for (Action& action : actions) {
        std::visit([this](auto& one) { act(std::move(one)); }, action);
    }
}

void Network::Impl::act(Send action) {
    const auto found = peerings_.find(action.peer);
    if (found != peerings_.end())
        found->second.connection->send(chain_.params().magic, action.message);
}

void Network::Impl::act(AcceptHeaders action) {
    chain_.accept_headers(
        std::move(action.headers),
        [this, mailbox = mailbox_, id = action.peer](const chain::HeadersOutcome& outcome) {
            mailbox->post([this, id, outcome] {
                perform(protocol_.headers_done(id, outcome, clock_.now()));
                resume(id);
            });
        });
}

void Network::Impl::act(AcceptBlock action) {
    auto task = [this, mailbox = mailbox_, action = std::move(action)] {
        const auto finish = [this, mailbox, id = action.peer,
                             hash = action.hash](const chain::BlockOutcome& outcome) {
            mailbox->post([this, id, hash, outcome] {
                perform(protocol_.block_done(id, hash, outcome, clock_.now()));
                resume(id);
            });
        };
        auto block = std::make_shared<consensus::Block>();
        consensus::Reader reader(action.payload);
        reader(*block);
        if (reader.at_end()) {
            chain_.accept_block(std::move(block), action.requested, finish);
            return;
        }
        chain::BlockOutcome outcome{consensus::mutated("block decode failed"), nullptr};
        finish(outcome);
    };
    asio::post(readers_, std::move(task));
}

void Network::Impl::act(const AcceptTransaction& action) {
    chain_.accept_transaction(
        action.tx, {},
        [this, mailbox = mailbox_, id = action.peer,
         tx = action.tx](const consensus::Result<chain::Accepted>& outcome) {
            mailbox->post([this, id, tx, outcome] {
                perform(protocol_.transaction_done(id, tx, outcome, clock_.now()));
                resume(id);
            });
        });
}

void Network::Impl::act(const DiskRead& action) {
    const PeerId id = std::visit([](const auto& read) { return read.peer; }, action);
    asio::post(readers_, [this, mailbox = mailbox_, id, action] {
        std::optional<Message> message;
        try {
            message = answer(chain_, action);
        } catch (const chain::StorageError& error) {
            spdlog::error("cannot read for peer={}: {}", id, error.what());
        }
        mailbox->post([this, id, message = std::move(message)]() mutable {
            perform(protocol_.read_done(id, std::move(message), clock_.now()));
            resume(id);
        });
    });
}

/// Let a connection go on whose messages were not taken for a while.
void Network::Impl::resume(PeerId id) {
    const auto found = peerings_.find(id);
    if (found != peerings_.end() && protocol_.takes_messages(id))
        found->second.connection->resume();
}

// Questions of operators ////////////////////////////////////////////////////////////////////////

NetworkTotals Network::Impl::totals() const {
    NetworkTotals totals = closed_totals_;
    for (const auto& [id, peering] : peerings_) {
        totals.bytes_sent += peering.connection->traffic().bytes_sent;
        totals.bytes_received += peering.connection->traffic().bytes_received;
    }
    return totals;
}

bool Network::Impl::add_node(const std::string& address, AddNodeCommand command) {
    switch (command) {
    case AddNodeCommand::Add:
        return connector_.add(address);
    case AddNodeCommand::Remove:
        return connector_.remove(address);
    case AddNodeCommand::OneTry:
        connector_.try_once(address);
        return true;
    }
    return false;
}

std::vector<AddedNode> Network::Impl::added_nodes() const {
    std::vector<AddedNode> nodes;
    for (const std::string& target : connector_.added()) {
        AddedNode node{target, false, false, {}};
        for (const auto& [id, peering] : peerings_) {
            if (peering.target != target) continue;
            node.connected = true;
            node.connected_address = protocol_.peers().at(id).address.to_string();
        }
        nodes.push_back(std::move(node));
    }
    return nodes;
}

bool Network::Impl::disconnect(const std::function<bool(const Peer&)>& chosen) {
    std::vector<PeerId> ids;
    for (const auto& [id, peer] : protocol_.peers()) {
        if (chosen(peer)) ids.push_back(id);
    }
    for (const PeerId id : ids) drop(id, "asked to by an operator");
    return !ids.empty();
}

void Network::Impl::set_active(bool active) {
    active_ = active;
    while (!active && !peerings_.empty()) drop(peerings_.begin()->first, "network set inactive");
}

void Network::Impl::ping_all() {
    perform(protocol_.ping_all(clock_.now()));
}

void Network::Impl::broadcast(const consensus::TransactionRef& tx) {
    perform(protocol_.broadcast(tx, clock_.now()));
}

std::vector<TimedAddress> Network::Impl::known_addresses(size_t count) {
    return book_.sample(count, random_, clock_.wall_seconds());
}

// peers.dat /////////////////////////////////////////////////////////////////////////////////////

void Network::Impl::load_book() {
    const std::filesystem::path& file = options_.address_file;
    if (file.empty()) return;
    if (!std::filesystem::exists(file)) {
        spdlog::info("Creating peers.dat because the file was not found (\"{}\")", file.string());
    } else if (!book_.load(file)) {
        spdlog::warn("peers.dat is damaged; it is kept as {}.bad", file.string());
        std::error_code ignored;
        std::filesystem::rename(file, file.string() + ".bad", ignored);
    } else {
        spdlog::info("addresses loaded count={}", book_.size());
        return;
    }
    save_book();
}

void Network::Impl::save_book() {
    if (options_.address_file.empty()) return;
    try {
        book_.save(options_.address_file);
    } catch (const std::runtime_error& error) {
        spdlog::warn("{}", error.what()); // a convenience: the node works without it
    }
}

} // namespace cairn::node
