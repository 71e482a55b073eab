// SPDX-License-Identifier: MIT
// The network's inside: joins protocol, connections, connector and chain on one thread.
#include "node/network.h"

#include "chain/verify_pool.h"
#include "consensus/block_rules.h"
#include "node/ban_list.h"
#include "node/connection.h"
#include "node/connector.h"
#include "node/disk_readers.h"
#include "node/listener.h"
#include "node/live_chain.h"
#include "node/mailbox.h"
#include "node/node_options.h"
#include "node/peer_limits.h"
#include "node/permissions.h"
#include "node/protocol.h"
#include "node/saved_files.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <future>
#include <mutex>
#include <random>
#include <spdlog/spdlog.h>
#include <thread>

namespace cairn::node {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds TICK{100};
constexpr int TICKS_BETWEEN_DIALS = 5;
constexpr std::chrono::minutes SAVE_INTERVAL{15};
constexpr std::chrono::minutes CLOCK_JUMP{1}; ///< In a tick; a clock that is slewed moves less.
constexpr int PARSER_THREADS = 2;
constexpr const char* PEERS = "peers.dat";
constexpr const char* BANS = "banlist.json";
constexpr const char* ANCHORS = "anchors.dat";

Random system_random() {
    std::random_device device;
    const auto word = [&] { return uint64_t{device()} << 32 | device(); };
    return {word(), word()};
}

/// Thread: network for all but construction, the functions of Network, and those of ChainObserver.
class LiveNetwork final : public Network, public ConnectionOwner, public chain::ChainObserver {
public:
    LiveNetwork(chain::Chain& chain, const Clock& clock, NetworkOptions network_options)
        : chain_(chain),
          clock_(clock),
          options_(std::move(network_options)),
          files_(options_.directory),
          parsers_(PARSER_THREADS),
          readers_(
              chain,
              mailbox_,
              [this](PeerId id, std::optional<Message> answer) {
                  perform(protocol_.read_done(id, std::move(answer), clock_.now()));
                  resume(id);
              }),
          live_chain_(chain),
          whitelist_(options_.whitelist, options_.implied_permissions),
          book_(system_random(), [this](NetworkId network) { return options_.reaches(network); }),
          listener_(io_, options_, chain.params().p2p_port),
          protocol_(live_chain_, book_, make_protocol_options(), system_random()),
          connector_(
              io_,
              options_,
              chain.params(),
              protocol_,
              book_,
              system_random(),
              [this](
                  Connection::Socket socket,
                  const NetAddress& address,
                  const std::string& target,
                  ConnectionType type) { adopt(std::move(socket), address, target, type, 0); },
              [this](PeerId id, const std::string& reason) { drop(id, reason); }),
          timer_(io_) {
        chain_.add_observer(*this);
    }

    ~LiveNetwork() override { // NOLINT(bugprone-exception-escape)
        stop();
        chain_.remove_observer(*this);
    }

    LiveNetwork(const LiveNetwork&) = delete;
    LiveNetwork& operator=(const LiveNetwork&) = delete;

    void start() override {
        const std::lock_guard lock(lifecycle_);
        files_.load(PEERS, book_, "Creating peers.dat");
        files_.load(BANS, bans_, "Recreating the banlist database");
        if (active_) call_anchors();
        next_save_ = clock_.now() + SAVE_INTERVAL;
        listener_.start([this](Connection::Socket socket, uint32_t permissions) {
            boost::system::error_code error;
            const auto remote = socket.remote_endpoint(error);
            const auto address = NetAddress::of(remote.address(), remote.port());
            if (!error) adopt(std::move(socket), address, {}, ConnectionType::Inbound, permissions);
        });
        asio::co_spawn(io_, run_ticks(), rethrow);
        running_ = true;
        thread_ = std::thread([this] {
            chain::name_thread("net");
            io_.run();
        });
    }

    void stop() override {
        const std::lock_guard lock(lifecycle_);
        if (running_) {
            asio::post(io_, [this] { shut_down(); });
            thread_.join();
            running_ = false;
        }
        mailbox_->close();
        parsers_.join();
        readers_.join();
        files_.join();
    }

    void each_peer(const std::function<void(const PeerView&)>& visit) const override {
        ask([&] {
            for (const auto& [id, connection] : connections_) {
                const Peer& peer = protocol_.peers().at(id);
                const int64_t connected = protocol_.date(peer.connected_at);
                visit({peer, connection->traffic(), clock_.now(), connected});
            }
        });
    }

    PeerCounts counts() const override { return {inbound_, outbound_}; }

    int64_t time_offset() const override { return time_offset_; }

    void heartbeat(std::function<void()> done) override { mailbox_->post(std::move(done)); }

    Traffic totals() const override {
        return ask([this] {
            Traffic totals = closed_totals_;
            for (const auto& [id, connection] : connections_) {
                totals.bytes_sent += connection->traffic().bytes_sent;
                totals.bytes_received += connection->traffic().bytes_received;
            }
            return totals;
        });
    }

    UploadLimit uploads() const override {
        return ask([this] { return protocol_.uploads(); });
    }

    bool active() const override { return active_; }

    void set_active(bool active) override {
        ask([&] {
            active_ = active;
            connector_.set_active(active);
            if (active && running_ && !anchors_called_) call_anchors();
            while (!active && !connections_.empty())
                drop(connections_.begin()->first, "network set inactive");
        });
    }

    const NetworkOptions& options() const override { return options_; }

    const ProtocolOptions& protocol_options() const override { return protocol_.options(); }

    uint64_t services() const override { return protocol_.services(); }

    bool add_node(const std::string& address, AddNodeCommand command) override {
        return ask([&] {
            if (command == AddNodeCommand::Add) return connector_.add(address);
            if (command == AddNodeCommand::Remove) return connector_.remove(address);
            connector_.dial(address, ConnectionType::Manual);
            return true;
        });
    }

    bool call(const std::string& address, ConnectionType type) override {
        return ask([&] {
            if (!connector_.wants(type)) return false;
            connector_.dial(address, type);
            return true;
        });
    }

    std::vector<AddedNode> added_nodes() const override {
        return ask([this] {
            std::vector<AddedNode> nodes;
            for (const std::string& target : connector_.added()) {
                const Peer* peer = connector_.find_peer(target);
                nodes.push_back({target, peer ? peer->name() : ""});
            }
            return nodes;
        });
    }

    bool disconnect(const std::string& address) override {
        return disconnect_if([&](const Peer& peer) { return peer.name() == address; });
    }

    bool disconnect(PeerId id) override {
        return disconnect_if([&](const Peer& peer) { return peer.id == id; });
    }

    bool send(PeerId id, const Message& message) override {
        return ask([&] {
            const auto found = connections_.find(id);
            if (found == connections_.end()) return false;
            found->second->send(chain_.params().magic, message);
            return true;
        });
    }

    std::optional<std::string> fetch_block(PeerId id, const chain::BlockNode& node) override {
        return ask([&] {
            std::optional<std::string> why_not;
            perform(protocol_.fetch_block(id, node, why_not, clock_.now()));
            return why_not;
        });
    }

    void with_bans(const std::function<void(BanList&)>& visit) override {
        ask([&] {
            const Bytes before = bans_.file_content();
            visit(bans_);
            const Bytes after = bans_.file_content();
            if (after == before) return;
            files_.save_soon(BANS, after);
            drop_if(
                [&](const Peer& peer) { return bans_.bans(peer.address, clock_.wall_seconds()); },
                "banned");
        });
    }

    void ping_all() override {
        ask([this] { perform(protocol_.ping_all(clock_.now())); });
    }

    void advance_schedule(std::chrono::seconds by) override {
        ask([&] {
            protocol_.advance_schedule(by);
            next_save_ -= by;
            tick(clock_.now());
        });
    }

    void broadcast(const consensus::TransactionRef& tx) override {
        mailbox_->post([this, tx] { perform(protocol_.broadcast(tx, clock_.now())); });
    }

    std::vector<consensus::Txid> unbroadcast() const override {
        return ask([this] { return protocol_.unbroadcast(); });
    }

    std::vector<Orphanage::Orphan> orphans() const override {
        return ask([this] { return protocol_.transactions().orphanage().all(); });
    }

    void with_addresses(const std::function<void(AddressBook&)>& visit) override {
        ask([&] { visit(book_); });
    }

    // ChainObserver, on the chain thread.

    void block_checked(const chain::BlockNode& node, const consensus::BlockRef& block) override {
        mailbox_->post(
            [this, &node, block] { perform(protocol_.block_checked(node, block, clock_.now())); });
    }

    void tip_changed(const chain::TipChange& change) override {
        mailbox_->post([this, change] { perform(protocol_.announce_tip(change, clock_.now())); });
        mailbox_->post([this, change] { perform(protocol_.tip_changed(change, clock_.now())); });
    }

    void transaction_added(const chain::MempoolEvent& event) override {
        mailbox_->post([this, tx = event.tx, saved = event.saved] {
            perform(protocol_.transaction_added(tx, clock_.now(), saved));
        });
    }

    void transaction_removed(const chain::MempoolEvent& event) override {
        // Those of a block come by the thousand: tip_changed() tells.
        if (event.removed == chain::RemovalReason::Block) return;
        mailbox_->post([this, tx = event.tx] { perform(protocol_.transaction_removed(tx)); });
    }

    void transaction_unsent(const chain::TransactionRef& tx) override {
        mailbox_->post([this, tx] { protocol_.transaction_unsent(tx, clock_.now()); });
    }

private:
    ProtocolOptions make_protocol_options() const {
        ProtocolOptions options = node::protocol_options(options_, chain_, listener_);
        options.is_banned = [this](const NetAddress& address) {
            return bans_.bans(address, clock_.wall_seconds());
        };
        return options;
    }

    /// Run `question` on the network thread, or here while there is none, and give its answer.
    template <class F>
    auto ask(F question) const -> decltype(question()) {
        const std::lock_guard lock(lifecycle_);
        if (!running_) return question();
        std::packaged_task<decltype(question())()> task(std::move(question));
        auto answer = task.get_future();
        asio::post(io_, [&task] { task(); });
        return answer.get();
    }

    /// A function for another thread: what it is given goes to `handle`, of the protocol, on the
    /// network thread, if that is still there. Answers an action for peer `id`.
    template <class F>
    auto answer_to(PeerId id, F handle) {
        return [this, mailbox = mailbox_, id, handle](auto outcome) {
            mailbox->post([this, id, handle, outcome = std::move(outcome)]() mutable {
                perform(handle(std::move(outcome)));
                resume(id);
            });
        };
    }

    // ConnectionOwner

    bool takes_messages(PeerId id) const override { return protocol_.takes_messages(id); }

    void message_received(PeerId id, Message message) override {
        perform(protocol_.received(id, std::move(message), clock_.now()));
    }

    void bytes_sent(PeerId id, size_t count) override {
        perform(protocol_.sent(id, count, clock_.now()));
        resume(id);
    }

    void connection_lost(PeerId id, const std::string& reason) override { drop(id, reason); }

    int64_t wall_seconds() const override { return clock_.wall_seconds(); }

    void adopt(
        Connection::Socket socket,
        const NetAddress& address,
        const std::string& target,
        ConnectionType type,
        uint32_t permissions) {
        boost::system::error_code error;
        const auto local = socket.local_endpoint(error);
        if (error || !active_) return;
        const bool inbound = type == ConnectionType::Inbound;
        NewPeer fresh{next_id_, type, address, permissions, target};
        fresh.permissions |= whitelist_.permissions_of(fresh.address, inbound);
        fresh.bound_address = NetAddress::of(local.address(), local.port());
        if (const std::string_view why = refusal(fresh); !why.empty()) {
            spdlog::debug(
                "connection {} {} dropped ({})", inbound ? "from" : "to", fresh.name(), why);
            return;
        }
        const uint32_t max_block = max_block_message_bytes(chain_.params());
        FrameReader reader(chain_.params().magic, [max_block](std::string_view command) {
            return Protocol::max_payload_bytes(command, max_block);
        });
        auto connection = std::make_shared<Connection>(
            fresh.id, std::move(socket), std::move(reader), *this, buffer_);
        connections_[next_id_++] = connection;
        spdlog::debug(
            "Added connection peer={} {} {}", fresh.id, inbound ? "from" : "to", fresh.name());
        perform(protocol_.connected(fresh, clock_.now()));
        count_peers();
        connection->start();
    }

    /// Why `fresh` may not be a peer; empty if it may, and then there is room. Bans aren't for the
    /// operator's own.
    std::string_view refusal(const NewPeer& fresh) {
        const bool trusted = (fresh.permissions & PERMIT_NOBAN) != 0;
        const bool named = fresh.type == ConnectionType::Manual;
        if (!trusted && !named && bans_.bans(fresh.address, clock_.wall_seconds())) return "banned";
        const int most = std::max(options_.max_connections - Connector::ALL_SLOTS, 0);
        const auto [refusal, evicted] = protocol_.admit(fresh, static_cast<size_t>(most));
        if (evicted) drop(*evicted, "evicted for another");
        return refusal;
    }

    void drop(PeerId id, const std::string& reason) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) return;
        const Peer& peer = protocol_.peers().at(id);
        spdlog::log(
            peer.established ? spdlog::level::info : spdlog::level::debug,
            "{}, disconnecting peer={} address={}", reason, id, peer.name());
        const std::shared_ptr<Connection> connection = std::move(found->second);
        connections_.erase(found);
        readers_.forget(id);
        connection->close();
        closed_totals_.bytes_sent += connection->traffic().bytes_sent;
        closed_totals_.bytes_received += connection->traffic().bytes_received;
        perform(protocol_.disconnected(id, clock_.now()));
        count_peers();
        spdlog::debug("Cleared nodestate for peer={}", id);
    }

    /// For those who ask without waiting for this thread.
    void count_peers() {
        const auto& peers = protocol_.peers();
        const auto is_inbound = [](const auto& entry) { return entry.second.inbound(); };
        inbound_ = static_cast<size_t>(std::ranges::count_if(peers, is_inbound));
        outbound_ = peers.size() - inbound_;
    }

    bool drop_if(const std::function<bool(const Peer&)>& chosen, const std::string& reason) {
        std::vector<PeerId> ids;
        for (const auto& [id, peer] : protocol_.peers())
            if (chosen(peer)) ids.push_back(id);
        for (const PeerId id : ids) drop(id, reason);
        return !ids.empty();
    }

    bool disconnect_if(const std::function<bool(const Peer&)>& chosen) {
        return ask([&] { return drop_if(chosen, "asked to by an operator"); });
    }

    /// Let a connection go on whose messages were not taken for a while.
    void resume(PeerId id) {
        const auto found = connections_.find(id);
        if (found != connections_.end() && protocol_.takes_messages(id)) found->second->resume();
    }

    asio::awaitable<void> run_ticks() {
        for (;;) {
            timer_.expires_after(TICK);
            co_await timer_.async_wait(AS_TUPLE);
            tick(clock_.now());
        }
    }

    void tick(Time now) {
        follow_wall_clock();
        perform(protocol_.tick(now));
        time_offset_ = protocol_.time_offset();
        for (const auto& [id, connection] : connections_) resume(id);
        if (ticks_++ % TICKS_BETWEEN_DIALS == 0) connector_.tick(now);
        if (now < next_save_) return;
        next_save_ = now + SAVE_INTERVAL;
        save_addresses();
    }

    void follow_wall_clock() {
        const std::chrono::seconds ahead = clock_.wall_ahead();
        const std::chrono::seconds moved = ahead - std::exchange(wall_ahead_, ahead);
        if (std::chrono::abs(moved) >= CLOCK_JUMP)
            spdlog::warn(
                "wall_clock_jumped seconds={}: it was set, or this machine slept", moved.count());
        protocol_.set_wall_ahead(ahead);
    }

    void shut_down() {
        listener_.stop();
        connector_.stop();
        save_addresses();
        while (!connections_.empty()) drop(connections_.begin()->first, "shutdown");
        io_.stop(); // who is being called is not waited for
    }

    /// Gone once read: if they have to do with a crash soon after, they are not called again.
    void call_anchors() {
        anchors_called_ = true;
        if (options_.directory.empty() || options_.connect_only) return;
        connector_.call_anchors(read_anchors(options_.directory / ANCHORS, chain_.params().magic));
        files_.remove(ANCHORS);
    }

    void save_addresses() {
        files_.save_soon(PEERS, book_.file_content());
        if (options_.connect_only) return;
        const std::vector<TimedAddress> anchors = connector_.anchors();
        if (anchors.empty()) return;
        spdlog::debug(
            "DumpAnchors: Flush {} outbound block-relay-only peer addresses to anchors.dat",
            anchors.size());
        files_.save_soon(ANCHORS, anchors_content(chain_.params().magic, anchors));
    }

    void perform(Actions actions) {
        for (Action& action : actions) std::visit([this](auto& one) { act(one); }, action);
    }

    void act(const Send& action) {
        const auto found = connections_.find(action.peer);
        if (found != connections_.end()) found->second->send(chain_.params().magic, action.message);
    }

    void act(const Drop& action) { drop(action.peer, action.reason); }

    void act(AcceptHeaders& action) {
        chain_.accept_headers(
            std::move(action.headers),
            answer_to(action.peer, [this, id = action.peer](const chain::HeadersOutcome& outcome) {
                return protocol_.headers_done(id, outcome, clock_.now());
            }));
    }

    void act(AcceptBlock& action) {
        const auto judged = answer_to(
            action.peer,
            [this, id = action.peer, hash = action.hash](const chain::BlockOutcome& outcome) {
                return protocol_.block_done(id, hash, outcome, clock_.now());
            });
        if (action.block) return chain_.accept_block(action.block, action.requested, judged);
        asio::post(parsers_, [this, judged, action = std::move(action)] {
            chain::name_thread("net-parse");
            auto block = std::make_shared<consensus::Block>();
            consensus::Reader reader(action.payload);
            reader(*block);
            consensus::Result<> verdict = consensus::mutated("block decode failed");
            // What follows the block is passed over, as by the reference. What the header doesn't
            // commit to doesn't wait for the chain: parsed, junk takes many times its bytes.
            if (!reader.failed()) verdict = consensus::check_merkle_root(*block);
            if (verdict)
                chain_.accept_block(std::move(block), action.requested, judged);
            else
                judged(chain::BlockOutcome{verdict.error(), nullptr});
        });
    }

    void act(const AcceptTransaction& action) {
        using Verdict = consensus::Result<chain::Accepted>;
        auto done = answer_to(action.peer, [this, action](const Verdict& verdict) {
            return protocol_.transaction_done(action, verdict, clock_.now());
        });
        if (!action.parent) return chain_.accept_transaction(action.tx, {}, std::move(done));
        chain_.accept_package(
            {action.parent, action.tx}, {},
            [tx = action.tx, done = std::move(done)](const chain::PackageOutcome& outcome) mutable {
                done(
                    outcome.verdict ? outcome.each.at(tx->wtxid)
                                    : Verdict(outcome.verdict.error()));
            });
    }

    void act(DiskRead& action) { readers_.add(std::move(action)); }

    chain::Chain& chain_;
    const Clock& clock_;
    const NetworkOptions options_;
    SavedFiles files_;
    mutable asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
    std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>(io_);
    asio::thread_pool parsers_;
    DiskReaders readers_;
    LiveChain live_chain_;
    Whitelist whitelist_;
    AddressBook book_;
    BanList bans_;
    Listener listener_;
    Protocol protocol_;
    Connector connector_;
    std::map<PeerId, std::shared_ptr<Connection>> connections_; ///< Of all peers of protocol_.
    Connection::ReadBuffer buffer_{};
    PeerId next_id_ = 0;
    std::atomic<bool> active_{true};
    bool anchors_called_ = false;
    Traffic closed_totals_; ///< Of connections that are gone.
    std::atomic<size_t> inbound_{0};
    std::atomic<size_t> outbound_{0};
    std::atomic<int64_t> time_offset_{0};
    asio::steady_timer timer_;
    int ticks_ = 0;
    Time next_save_;
    std::chrono::seconds wall_ahead_{}; ///< As Clock has it.

    mutable std::mutex lifecycle_; ///< Held for a question, and for start and stop.
    bool running_ = false;
    std::thread thread_;
};

} // namespace

std::unique_ptr<Network>
Network::make(chain::Chain& chain, const Clock& clock, NetworkOptions options) {
    return std::make_unique<LiveNetwork>(chain, clock, std::move(options));
}

} // namespace cairn::node
