// SPDX-License-Identifier: MIT
// Whole nodes over loopback: sockets, threads and the real chain.
#include "chain/file.h"
#include "chain/indexer.h"
#include "consensus/chain_file.h"
#include "node/ban_list.h"
#include "node/context.h"
#include "node/disk_readers.h"
#include "node/miner.h"
#include "node/network.h"
#include "node/peer_limits.h"
#include "tests/node/log_watch.h"
#include "tests/small_chain.h"
#include "tests/temporary_folder.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>
#include <sstream>
#include <thread>

using namespace cairn;
using namespace cairn::node;
using cairn::node::test::LogWatch;
using namespace std::chrono_literals;

namespace {

using tcp = boost::asio::ip::tcp;

const std::atomic<bool> NEVER{false};

consensus::Params regtest() {
    std::ifstream file(CAIRN_SOURCE_DIR "/genesis/bitcoin-regtest.json");
    std::ostringstream text;
    text << file.rdbuf();
    return consensus::read_chain_file(text.str());
}

/// Waits for a tip, by the chain's own events.
class TipWatch : public chain::ChainObserver {
public:
    void tip_changed(const chain::TipChange& change) override {
        const std::lock_guard lock(mutex_);
        tip_ = change.new_tip->hash;
        changed_.notify_all();
    }

    bool wait_for(const consensus::BlockHash& tip) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 60s, [&] { return tip_ == tip; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    consensus::BlockHash tip_;
};

/// A port that nobody else is given: bound, and not listening, so that a node may be behind it.
class OwnPort {
public:
    OwnPort() {
        acceptor_.open(tcp::v4());
        acceptor_.set_option(tcp::acceptor::reuse_address(true));
        acceptor_.bind({tcp::v4(), 0});
    }

    uint16_t number() const { return acceptor_.local_endpoint().port(); }

private:
    boost::asio::io_context io_;
    tcp::acceptor acceptor_{io_};
};

/// A node without JSON-RPC. `bind`: a host, for a port of its own there, or host:port.
struct Node {
    explicit Node(
        const std::vector<std::string>& connect = {},
        std::string bind = "127.0.0.1",
        int max_connections = 125,
        const std::string& proxy = "",
        const std::vector<std::string>& whitelist = {}) {
        chain.add_observer(watch);
        if (bind.find(':') == std::string::npos) bind += ":" + std::to_string(port.number());
        NetworkOptions options;
        options.proxy = proxy;
        options.whitelist = whitelist;
        options.max_connections = max_connections;
        (bind.find('@') == std::string::npos ? options.bind : options.white_bind) = {bind};
        options.connect = connect;
        options.connect_only = true;
        options.directory = folder.path();
        network = Network::make(chain, clock, options);
        chain.start();
        network->start();
    }

    ~Node() {
        network->stop();
        chain.stop();
    }

    std::string address() const { return "127.0.0.1:" + std::to_string(port.number()); }

    void mine(int count) {
        consensus::Script payout;
        payout.push_back(uint8_t{0x51});
        for (int i = 0; i < count; ++i) {
            std::promise<void> done;
            chain.make_template(payout, [&](const chain::BlockTemplate& made) {
                auto block = std::make_shared<consensus::Block>(*made.block);
                uint64_t tries = 1'000'000;
                node::mine(*block, tries, NEVER);
                chain.accept_block(
                    block, true, [&](const chain::BlockOutcome&) { done.set_value(); });
            });
            done.get_future().wait();
        }
    }

    consensus::BlockHash tip() const { return chain.view().tip().hash; }

    size_t peer_count() const {
        const PeerCounts counts = network->counts();
        return counts.inbound + counts.outbound;
    }

    OwnPort port;
    tests::TemporaryFolder folder;
    std::atomic<int> wall_hours{0}; ///< By which the wall clock was set forward.
    Clock clock{[this] { return std::chrono::system_clock::now() + 1h * wall_hours.load(); }};
    TipWatch watch;
    consensus::Params params = regtest();
    chain::Chain chain{
        params, tests::small_chain(folder.path(), [this] { return clock.wall_seconds(); })};
    std::unique_ptr<Network> network;
};

/// A peer that the test plays, on a blocking socket.
class Client {
public:
    explicit Client(const Node& node) : magic_(node.params.magic) {
        socket_.connect({boost::asio::ip::address_v4::loopback(), node.port.number()});
    }

    void send(const Message& message) { send_bytes(frame_bytes(magic_, message)); }

    void send_bytes(const Bytes& bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }

    void shake_hands() {
        VersionMessage version;
        version.nonce = 1;
        send(message_of("version", version));
        receive("verack");
        send({"verack", {}});
    }

    /// The next message of that name; an empty command if the connection ended.
    Message receive(const std::string& command) {
        for (;;) {
            Bytes header(FRAME_HEADER_BYTES);
            boost::system::error_code error;
            boost::asio::read(socket_, boost::asio::buffer(header), error);
            if (error) return {};
            uint32_t size = 0;
            std::memcpy(&size, header.data() + 16, sizeof size);
            Bytes frame = header;
            frame.resize(header.size() + size);
            boost::asio::read(
                socket_, boost::asio::buffer(frame.data() + header.size(), size), error);
            if (error) return {};
            FrameReader reader(magic_, [](auto) { return MAX_PAYLOAD_BYTES; });
            ByteView in = frame;
            const auto message = reader.next(in);
            if (message->value().command == command) return **message;
        }
    }

private:
    Magic magic_;
    boost::asio::io_context io_;
    tcp::socket socket_{io_};
};

/// Parsed it would take many times its bytes, and its header commits to something else.
Bytes junk_for(const consensus::BlockHeader& header) {
    consensus::Block junk{header, {}};
    consensus::Transaction tx;
    tx.inputs.resize(1);
    tx.outputs.resize(400'000);
    junk.transactions.emplace_back(std::move(tx));
    return consensus::encode(junk);
}

} // namespace

BOOST_AUTO_TEST_SUITE(network)

BOOST_AUTO_TEST_CASE(limits__of_a_peer__are_what_the_readme_says) {
    std::ifstream file(CAIRN_SOURCE_DIR "/node/README.md");
    std::ostringstream text;
    text << file.rdbuf();
    const std::string megabytes = std::to_string(MAX_PEER_BYTES / 1'000'000) + " MB";
    BOOST_TEST(text.str().find("One peer costs less than " + megabytes) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(network__fresh_node_connects__has_the_chain_and_hears_of_new_blocks) {
    Node old;
    old.mine(30);
    Node fresh({old.address()});
    BOOST_TEST(fresh.watch.wait_for(old.tip()));
    old.mine(1);
    BOOST_TEST(fresh.watch.wait_for(old.tip()));
    fresh.mine(1);
    BOOST_TEST(old.watch.wait_for(fresh.tip()));
}

BOOST_AUTO_TEST_CASE(network__two_parts_mined_apart__join_on_the_most_work) {
    Node a;
    Node b;
    a.mine(5);
    b.mine(8);
    a.network->add_node(b.address(), AddNodeCommand::OneTry);
    BOOST_TEST(a.watch.wait_for(b.tip()));
}

BOOST_AUTO_TEST_CASE(network__peer_restarts__is_called_again_and_synced) {
    LogWatch log;
    Node a;
    auto b = std::make_unique<Node>();
    const std::string address = b->address();
    BOOST_TEST(a.network->add_node(address, AddNodeCommand::Add));
    BOOST_TEST(!a.network->add_node(address, AddNodeCommand::Add));
    BOOST_TEST(
        log.wait_until([&] { return !a.network->added_nodes().at(0).connected_address.empty(); }));
    b.reset();
    BOOST_TEST(log.wait_until([&] { return a.peer_count() == 0; }));
    a.mine(3);
    Node again({}, address);
    BOOST_TEST(again.watch.wait_for(a.tip()));
    BOOST_TEST(a.network->add_node(address, AddNodeCommand::Remove));
}

BOOST_AUTO_TEST_CASE(network__connected__peers_tell_of_each_other) {
    LogWatch log;
    Node a;
    Node b({a.address()});
    const auto ponged = [](const Node& node) {
        bool answered = false;
        node.network->each_peer([&](const PeerView& view) {
            answered = view.traffic.bytes_received_by_message.contains("pong");
        });
        return answered;
    };
    BOOST_TEST(log.wait_until([&] { return ponged(a) && ponged(b); }));
    PeerId inbound_id = 0;
    a.network->each_peer([&](const PeerView& view) {
        BOOST_CHECK(view.peer.type == ConnectionType::Inbound);
        BOOST_TEST(view.peer.bound_address.to_string() == a.address());
        inbound_id = view.peer.id;
    });
    b.network->each_peer([&](const PeerView& view) {
        BOOST_CHECK(view.peer.type == ConnectionType::Manual);
        BOOST_TEST(view.peer.address.to_string() == a.address());
        BOOST_TEST(view.peer.user_agent == a.network->protocol_options().user_agent);
        BOOST_TEST(view.peer.user_agent == "/Satoshi:31.0.0/Cairn:" CAIRN_VERSION "/");
        BOOST_TEST(view.peer.version == 70017);
        BOOST_TEST(view.traffic.bytes_received_by_message.at("pong") == 32U);
    });
    BOOST_TEST(a.network->totals().bytes_received > 0U);
    BOOST_TEST(a.network->disconnect(inbound_id));
    BOOST_TEST(!a.network->disconnect(inbound_id));
    b.network->set_active(false);
    BOOST_TEST(log.wait_until([&] { return a.peer_count() == 0; }));
    BOOST_TEST(std::filesystem::exists(a.folder.path() / "peers.dat"));
}

BOOST_AUTO_TEST_CASE(network__not_active__keeps_its_anchors_until_it_is) {
    const OwnPort port;
    const tests::TemporaryFolder folder;
    const std::filesystem::path anchors = folder.path() / "anchors.dat";
    consensus::Params params = regtest();
    const Clock clock;
    chain::Chain chain{params, tests::small_chain(folder.path(), [] { return int64_t{}; })};
    NetworkOptions options;
    options.bind = {"127.0.0.1:" + std::to_string(port.number())};
    options.directory = folder.path();
    options.dns_seed = false;
    const TimedAddress none{0, NODE_NETWORK, NetAddress::ipv4({127, 0, 0, 1}, 1)};
    chain::replace_file(anchors, anchors_content(params.magic, {none}));
    const std::unique_ptr<Network> network = Network::make(chain, clock, options);
    network->set_active(false);
    network->start();
    BOOST_TEST(std::filesystem::exists(anchors));
    network->set_active(true);
    BOOST_TEST(!std::filesystem::exists(anchors));
    network->stop();
}

BOOST_AUTO_TEST_CASE(network__port_taken__error_names_address_and_port) {
    const Node node;
    try {
        const Node other({}, node.address());
        BOOST_ERROR("bound twice");
    } catch (const std::runtime_error& error) {
        const std::string text = error.what();
        BOOST_TEST(text.find(node.address()) != std::string::npos, text);
    }
}

BOOST_AUTO_TEST_CASE(network__garbage__is_hung_up_on_and_others_are_served) {
    Node node;
    Client garbage(node);
    garbage.send_bytes(Bytes(1000, 0xaa));
    BOOST_TEST(garbage.receive("version").command.empty());
    Client too_long(node);
    too_long.send({"ping", Bytes(100)});
    BOOST_TEST(too_long.receive("version").command.empty());
    Client good(node);
    good.shake_hands();
    good.send({"ping", Bytes(8, 5)});
    BOOST_TEST(good.receive("pong").payload == Bytes(8, 5));
}

BOOST_AUTO_TEST_CASE(network__junk_for_a_real_header__does_not_wait_for_the_chain) {
    LogWatch log;
    Node other;
    other.mine(1);
    const consensus::BlockHeader header = other.chain.view().tip().header;
    Node node;
    Client client(node);
    client.shake_hands();
    client.send(message_of("headers", HeadersMessage{{header}}));
    client.send({"ping", Bytes(8, 5)});
    BOOST_TEST(client.receive("pong").payload == Bytes(8, 5)); // the header is in the tree
    std::promise<void> held;
    node.chain.heartbeat([&] { held.get_future().wait(); });
    client.send({"block", junk_for(header)});
    BOOST_TEST(log.wait_until([&] { return node.peer_count() == 0; }));
    held.set_value();
}

BOOST_AUTO_TEST_CASE(network__readers_busy__blocks_are_judged_and_the_gone_are_not_read_for) {
    constexpr int CALLERS = 20;
    LogWatch log;
    Node other;
    other.mine(1);
    Node node;
    const Inventory block{InventoryType::WitnessBlock, node.tip()}; // genesis
    {
        log.count("reading ");
        const LogWatch::Hold readers(log);
        for (int i = 0; i < CALLERS; ++i) {
            Client client(node);
            client.shake_hands();
            client.send(message_of("getdata", InventoryMessage{{block}}));
        }
        BOOST_TEST(log.wait_until([&] { return log.counted() == DiskReaders::THREADS; }));
        Client liar(node);
        liar.shake_hands();
        const consensus::BlockHeader header = other.chain.view().tip().header;
        liar.send(message_of("headers", HeadersMessage{{header}}));
        liar.send({"ping", Bytes(8, 5)});
        BOOST_TEST(liar.receive("pong").payload == Bytes(8, 5));
        liar.send({"block", junk_for(header)});
        BOOST_TEST(log.wait_until([&] { return node.peer_count() == 0; }));
    }
    Client client(node);
    client.shake_hands();
    client.send(message_of("getdata", InventoryMessage{{block}}));
    BOOST_TEST(!client.receive("block").command.empty());
    BOOST_TEST(log.counted() == DiskReaders::THREADS + 1);
}

BOOST_AUTO_TEST_CASE(network__wall_clock_jumps__is_logged_and_told) {
    LogWatch log;
    Node node;
    log.count("wall_clock_jumped");
    node.wall_hours = 8;
    BOOST_TEST(log.wait_until([&] { return log.counted() == 1; }));
    node.network->ping_all(); // the jump was seen to the end
    Client client(node);
    VersionMessage version;
    version.nonce = 1;
    client.send(message_of("version", version));
    const auto told = parse<VersionMessage>(client.receive("version").payload);
    const int64_t later =
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + 7h);
    BOOST_TEST(told.value().time > later);
    node.network->each_peer([&](const PeerView& peer) { BOOST_TEST(peer.connected > later); });
}

BOOST_AUTO_TEST_CASE(network__no_room__refuses_whom_it_has_no_place_for) {
    for (const std::vector<std::string>& whitelist :
         {std::vector<std::string>{}, std::vector<std::string>{"noban@127.0.0.1"}}) {
        const Node node({}, "127.0.0.1", 12, "", whitelist); // one of them for who calls us
        Client first(node);
        first.shake_hands();
        Client second(node);
        BOOST_TEST(second.receive("version").command.empty());
        first.send({"ping", Bytes(8, 5)});
        BOOST_TEST(first.receive("pong").payload == Bytes(8, 5));
    }
}

BOOST_AUTO_TEST_CASE(network__banned__does_not_hold_for_whom_an_operator_names_or_trusts) {
    LogWatch log;
    Node node({}, "127.0.0.1", 125, "", {"noban@127.0.0.1"});
    const Node other;
    Client peer(node);
    peer.shake_hands();
    const Ban ban{Subnet::from_string("127.0.0.0/8").value(), 1, INT64_MAX};
    node.network->with_bans([&](BanList& bans) { bans.add(ban); });
    BOOST_TEST(peer.receive("").command.empty()); // but may come again
    Client again(node);
    again.shake_hands();
    node.network->with_bans([](BanList& bans) { BOOST_TEST(bans.all(2).size() == 1U); });
    again.send({"ping", Bytes(8, 5)});
    BOOST_TEST(again.receive("pong").payload == Bytes(8, 5)); // to look at the list drops nobody
    Node plain;
    plain.network->with_bans([&](BanList& bans) { bans.add(ban); });
    plain.network->add_node(other.address(), AddNodeCommand::OneTry);
    BOOST_TEST(log.wait_until([&] { return plain.peer_count() == 1; }));
}

BOOST_AUTO_TEST_CASE(network__whitebind__grants_to_who_comes_in_there_beside_the_whitelist) {
    const Node node({}, "mempool@127.0.0.1", 125, "", {"addr@127.0.0.1"});
    Client client(node);
    client.shake_hands();
    std::vector<uint32_t> granted;
    node.network->each_peer(
        [&](const PeerView& view) { granted.push_back(view.peer.permissions); });
    BOOST_TEST(granted == std::vector<uint32_t>{PERMIT_MEMPOOL | PERMIT_ADDR});
}

BOOST_AUTO_TEST_CASE(network__own_port__is_announced_if_others_can_reach_it) {
    const auto announced = [](const std::string& bind, const std::string& proxy) {
        const Node node({}, bind, 125, proxy);
        return node.network->protocol_options().announced_port == node.port.number();
    };
    BOOST_TEST(announced("0.0.0.0", ""));
    BOOST_TEST(!announced("127.0.0.1", ""));
    BOOST_TEST(!announced("0.0.0.0", "127.0.0.1:1"));
}

BOOST_AUTO_TEST_CASE(network__banned__is_dropped_and_not_let_in_after_a_restart) {
    Node node;
    Client peer(node);
    peer.shake_hands();
    const Ban ban{Subnet::from_string("127.0.0.0/8").value(), 1, INT64_MAX};
    node.network->with_bans([&](BanList& bans) { bans.add(ban); });
    BOOST_TEST(peer.receive("").command.empty());
    node.network->stop();
    NetworkOptions options = node.network->options();
    node.network.reset();
    node.network = Network::make(node.chain, node.clock, options);
    node.network->start();
    BOOST_TEST(Client(node).receive("version").command.empty());
    node.network->with_bans([](BanList& bans) { bans.clear(); });
    Client again(node);
    again.shake_hands();
}

BOOST_AUTO_TEST_CASE(network__proxy__is_given_the_name_and_carries_the_rest) {
    boost::asio::io_context io;
    tcp::acceptor proxy(io, {boost::asio::ip::address_v4::loopback(), 0});
    Node node({}, "127.0.0.1", 125, "127.0.0.1:" + std::to_string(proxy.local_endpoint().port()));
    node.network->add_node("node.example:18444", AddNodeCommand::OneTry);
    tcp::socket socket = proxy.accept();
    const auto receive = [&](size_t count) {
        std::string bytes(count, 0);
        boost::asio::read(socket, boost::asio::buffer(bytes));
        return bytes;
    };
    const auto send = [&](const Bytes& bytes) {
        boost::asio::write(socket, boost::asio::buffer(bytes));
    };
    BOOST_TEST(receive(4).size() == 4u);
    send({5, 2});
    BOOST_TEST(receive(1 + 2 * 17).size() == 35u); // a name and a password that nobody checks
    send({1, 0});
    BOOST_TEST(
        receive(4 + 1 + 12 + 2) == std::string("\x05\x01\x00\x03\x0cnode.example\x48\x0c", 19));
    send({5, 0, 0, 1, 0, 0, 0, 0, 0, 0});
    BOOST_TEST(receive(FRAME_HEADER_BYTES).substr(4, 7) == "version");
    node.network->each_peer(
        [](const PeerView& view) { BOOST_TEST(view.peer.name() == "node.example:18444"); });
}

BOOST_AUTO_TEST_CASE(network__client_asks__gets_blocks_and_filters_from_the_disk) {
    LogWatch log;
    Node node;
    node.mine(5);
    // Until it has all blocks, an index makes nobody wait for it.
    BOOST_REQUIRE(log.wait_until(
        [&] { return node.chain.indexes().status(chain::IndexId::Filters).synced; }));
    Client client(node);
    client.shake_hands();
    const chain::BlockNode& tip = node.chain.view().tip();
    for (const InventoryType type : {InventoryType::WitnessBlock, InventoryType::Block}) {
        client.send({"getdata", consensus::encode(InventoryMessage{{{type, tip.hash}}})});
        const auto block = consensus::decode<consensus::Block>(client.receive("block").payload);
        BOOST_REQUIRE(block.has_value());
        BOOST_TEST((block->header == tip.header));
        const bool witness = block->transactions[0].has_witness();
        BOOST_TEST(witness == (type == InventoryType::WitnessBlock));
    }
    client.send({"getcfilters", consensus::encode(FilterRangeMessage{BASIC_FILTER, 4, tip.hash})});
    const auto filter = parse<FilterMessage>(client.receive("cfilter").payload);
    const auto last = parse<FilterMessage>(client.receive("cfilter").payload);
    BOOST_REQUIRE((filter && last));
    BOOST_TEST((filter->filter == node.chain.indexes().filter(*tip.ancestor_node(4))->filter));
    BOOST_TEST((last->block == tip.hash));
    const GetFilterCheckpointsMessage request{BASIC_FILTER, tip.hash};
    client.send(message_of("getcfcheckpt", request));
    const auto checkpoints = parse<FilterCheckpointsMessage>(client.receive("cfcheckpt").payload);
    BOOST_REQUIRE(checkpoints.has_value());
    BOOST_TEST(checkpoints->headers.empty());
}

BOOST_AUTO_TEST_CASE(network__long_read__is_done_in_parts) {
    constexpr int BLOCKS = 2 * FILTERS_AT_ONCE + 50;
    LogWatch log;
    Node node;
    node.mine(BLOCKS);
    BOOST_REQUIRE(log.wait_until(
        [&] { return node.chain.indexes().status(chain::IndexId::Filters).synced; }));
    const chain::BlockNode& tip = node.chain.view().tip();
    Client client(node);
    client.shake_hands();
    for (const uint32_t start : {0U, 1U}) {
        log.count("reading ");
        const FilterRangeMessage range{BASIC_FILTER, start, tip.hash};
        client.send(message_of("getcfheaders", range));
        const auto answer = parse<FilterHeadersMessage>(client.receive("cfheaders").payload);
        BOOST_REQUIRE(answer.has_value());
        BOOST_TEST(answer->filter_hashes.size() == BLOCKS + 1 - start);
        consensus::Hash256 header = answer->previous_header;
        for (const consensus::Hash256& hash : answer->filter_hashes) {
            Bytes both = consensus::encode(hash);
            both.insert(both.end(), header.bytes.begin(), header.bytes.end());
            header = consensus::sha256d(both);
        }
        BOOST_TEST((header == node.chain.indexes().filter(tip).value().header));
        BOOST_TEST(log.counted() == 3);
    }
}

BOOST_AUTO_TEST_SUITE_END()
