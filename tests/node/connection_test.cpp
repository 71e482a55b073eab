// SPDX-License-Identifier: MIT
// What connections of one thread owe each other.
#include "node/connection.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <map>

using namespace cairn::node;

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr Magic MAGIC{1, 2, 3, 4};

/// Takes all, and counts.
class Counter : public ConnectionOwner {
public:
    bool takes_messages(PeerId /*id*/) const override { return true; }

    void message_received(PeerId id, Message message) override {
        if (message.command == "broken") throw std::runtime_error("a bug");
        ++received[id];
        const auto end = std::chrono::steady_clock::now() + Connection::MAX_TURN;
        while (message.command == "slow" && std::chrono::steady_clock::now() < end) {
        }
    }

    void bytes_sent(PeerId /*id*/, size_t /*count*/) override {}

    void connection_lost(PeerId /*id*/, const std::string& /*reason*/) override {}

    int64_t wall_seconds() const override { return 0; }

    std::map<PeerId, int> received;
};

/// Connections to peers that the test plays.
struct Line {
    std::shared_ptr<Connection> connect(PeerId id) {
        tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
        tcp::socket& peer = peers.emplace(id, io).first->second;
        peer.connect(acceptor.local_endpoint());
        auto connection = std::make_shared<Connection>(
            id, acceptor.accept(), FrameReader(MAGIC, [](std::string_view) { return 100U; }),
            counter, buffer);
        connection->start();
        return connection;
    }

    void say(PeerId id, const Message& message, int times) {
        Bytes bytes;
        for (const Bytes one = frame_bytes(MAGIC, message); times > 0; --times)
            bytes.insert(bytes.end(), one.begin(), one.end());
        asio::write(peers.at(id), asio::buffer(bytes));
    }

    asio::io_context io{1};
    Counter counter;
    Connection::ReadBuffer buffer{};
    std::map<PeerId, tcp::socket> peers;
};

} // namespace

BOOST_AUTO_TEST_SUITE(connection)

BOOST_AUTO_TEST_CASE(read__very_many_small_messages_of_one__let_others_through) {
    constexpr int MANY = 4000;
    Line line;
    const auto loud = line.connect(1);
    const auto quiet = line.connect(2);
    line.say(1, {"ping", {}}, MANY);
    line.say(2, {"ping", {}}, 1);
    while (line.counter.received[2] == 0) line.io.run_one();
    BOOST_TEST(line.counter.received[1] <= 2 * Connection::MAX_AT_ONCE);
    while (line.counter.received[1] < MANY) line.io.run_one(); // and none is lost
    loud->close();
    quiet->close();
    line.io.run();
}

BOOST_AUTO_TEST_CASE(read__messages_that_cost_much__let_others_through) {
    constexpr int MANY = 20;
    Line line;
    const auto loud = line.connect(1);
    const auto quiet = line.connect(2);
    line.say(1, {"slow", {}}, MANY);
    line.say(2, {"ping", {}}, 1);
    while (line.counter.received[2] == 0) line.io.run_one();
    BOOST_TEST(line.counter.received[1] <= 2);
    while (line.counter.received[1] < MANY) line.io.run_one();
    loud->close();
    quiet->close();
    line.io.run();
}

BOOST_AUTO_TEST_CASE(read__handler_throws__reaches_who_runs_the_thread) {
    Line line;
    const auto connection = line.connect(1);
    line.say(1, {"broken", {}}, 1);
    BOOST_CHECK_THROW(line.io.run(), std::runtime_error);
    connection->close();
    line.io.run();
}

BOOST_AUTO_TEST_SUITE_END()
