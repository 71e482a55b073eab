// SPDX-License-Identifier: MIT
// Whom a node looks for, and by which way: a proxy that the test plays sees every call.
#include "harness.h"
#include "node/connector.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <list>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr int64_t NOW = 1'700'100'000;

/// Is asked for connections, and keeps whoever asks waiting.
class Proxy {
public:
    explicit Proxy(asio::io_context& io) : acceptor_(io, {asio::ip::address_v4::loopback(), 0}) {
        asio::co_spawn(io, accept(), asio::detached);
    }

    std::string address() const {
        return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }

    std::vector<std::string> hosts; ///< That were asked for.

private:
    asio::awaitable<void> accept() {
        for (;;) {
            tcp::socket& socket =
                sockets_.emplace_back(co_await acceptor_.async_accept(asio::use_awaitable));
            asio::co_spawn(acceptor_.get_executor(), answer(socket), asio::detached);
        }
    }

    asio::awaitable<void> answer(tcp::socket& socket) {
        Bytes bytes(3);
        co_await asio::async_read(socket, asio::buffer(bytes), asio::use_awaitable);
        bytes = {5, 0};
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
        bytes.resize(5);
        co_await asio::async_read(socket, asio::buffer(bytes), asio::use_awaitable);
        bytes.resize(bytes[4] + size_t{2});
        co_await asio::async_read(socket, asio::buffer(bytes), asio::use_awaitable);
        hosts.emplace_back(bytes.begin(), bytes.end() - 2);
    }

    tcp::acceptor acceptor_;
    std::list<tcp::socket> sockets_;
};

/// A node's connector, behind proxies.
struct Caller {
    Caller() {
        options.proxy = proxy.address();
        options.onion_proxy = onion_proxy.address();
        options.proxy_randomize = false;
        options.dns_seed = false;
    }

    ~Caller() { connector.stop(); }

    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    void tick(int times, std::chrono::milliseconds pause = 500ms) {
        for (int i = 0; i < times; ++i) connector.tick(now += pause);
    }

    /// Whether the proxies were asked for so many.
    bool wait_for(size_t count, size_t onions = 0) {
        const auto end = std::chrono::steady_clock::now() + 60s;
        while (proxy.hosts.size() < count || onion_proxy.hosts.size() < onions)
            if (io.run_one_until(end) == 0) return false;
        io.poll();
        return proxy.hosts.size() == count && onion_proxy.hosts.size() == onions;
    }

    asio::io_context io;
    Proxy proxy{io};
    Proxy onion_proxy{io};
    NetworkOptions options;
    FakeChain chain;
    consensus::Params params = chain.params();
    AddressBook book{Random(1, 2), [](NetworkId) { return true; }};
    std::set<NetAddress> unwanted;
    Protocol protocol{
        chain,
        book,
        {.is_banned = [this](const NetAddress& address) { return unwanted.contains(address); }},
        Random(3, 4)};
    Time now{std::chrono::seconds(NOW)};
    Connector connector{io,   options,      params,           protocol,
                        book, Random(5, 6), [](auto&&...) {}, [](auto&&...) {}};
};

NetAddress ip(uint8_t first, uint8_t last) {
    return NetAddress::ipv4({first, 1, 1, last}, 8333);
}

void know(Caller& caller, const NetAddress& address) {
    const auto source = std::to_string(caller.book.size());
    BOOST_REQUIRE(caller.book.add({NOW, NODE_NETWORK | NODE_WITNESS, address}, source, NOW));
}

} // namespace

BOOST_AUTO_TEST_SUITE(connector)

BOOST_AUTO_TEST_CASE(slots__calls_under_way__are_to_different_groups) {
    Caller caller;
    for (uint8_t i = 1; i <= 50; ++i) know(caller, ip(20, i));
    know(caller, ip(30, 1));
    know(caller, ip(40, 1));
    caller.tick(20);
    BOOST_REQUIRE(caller.wait_for(3));
    std::set<std::string> firsts;
    for (const std::string& host : caller.proxy.hosts) firsts.insert(host.substr(0, 2));
    BOOST_TEST(firsts.size() == 3U);
}

BOOST_AUTO_TEST_CASE(slots__unwanted__are_not_called) {
    Caller caller;
    for (const uint8_t first : {20, 30}) know(caller, ip(first, 1));
    caller.unwanted.insert(ip(20, 1));
    caller.tick(20);
    BOOST_TEST(caller.wait_for(1));
    BOOST_TEST(caller.proxy.hosts.front() == "30.1.1.1");
}

BOOST_AUTO_TEST_CASE(proxy__whatever_is_called__goes_through_the_proper_one) {
    Caller caller;
    const NetAddress onion{NetworkId::TorV3, Bytes(32, 7), 8333};
    const NetAddress garlic{NetworkId::I2p, Bytes(32, 7), 8333};
    caller.params.dns_seeds = {"seed.example"};
    caller.options.dns_seed = true;
    caller.options.seed_nodes = {"node.example:1"};
    caller.tick(1); // nobody is known: the seeds are asked
    BOOST_TEST(caller.wait_for(2));
    know(caller, ip(20, 1));
    caller.tick(1);
    caller.connector.call_anchors({{NOW, NODE_NETWORK, ip(30, 1)}});
    caller.connector.dial(ip(40, 1).to_string(), ConnectionType::Feeler);
    caller.connector.dial("named.example", ConnectionType::Manual);
    caller.connector.dial("[2a00::1]:8333", ConnectionType::Manual);
    BOOST_TEST(caller.wait_for(7));
    const std::set<std::string> expected{"seed.example", "node.example",  "20.1.1.1", "30.1.1.1",
                                         "40.1.1.1",     "named.example", "2a00::1"};
    const std::set<std::string> asked(caller.proxy.hosts.begin(), caller.proxy.hosts.end());
    BOOST_TEST((asked == expected));
    std::string loud = onion.host();
    loud[0] = static_cast<char>(loud[0] - 'a' + 'A');
    caller.connector.dial(loud, ConnectionType::Manual);
    // Nowhere: to be found out by nobody else.
    for (const std::string& name :
         {garlic.host(), std::string("short.onion"), std::string("A.I2P")})
        caller.connector.dial(name, ConnectionType::Manual);
    BOOST_TEST(caller.wait_for(7, 1));
}

BOOST_AUTO_TEST_CASE(proxy__none_for_onions__they_are_called_by_none) {
    Caller caller;
    caller.options.onion_proxy.clear();
    const NetAddress onion{NetworkId::TorV3, Bytes(32, 7), 8333};
    caller.connector.dial(onion.to_string(), ConnectionType::Manual);
    caller.connector.dial(ip(20, 1).to_string(), ConnectionType::Manual);
    BOOST_TEST(caller.wait_for(1));
    BOOST_TEST(caller.proxy.hosts.front() == "20.1.1.1");
}

BOOST_AUTO_TEST_CASE(seeds__nobody_answers__are_asked_ever_less_often) {
    Caller caller;
    caller.options.proxy = "127.0.0.1:1"; // where nobody listens
    caller.options.seed_nodes = {"node.example:1"};
    int calls = 0;
    const auto calls_somebody = [&] { return !caller.connector.wants(ConnectionType::AddrFetch); };
    for (int minute = 0; minute < 600; ++minute) {
        caller.tick(1, 1min);
        if (calls_somebody()) ++calls;
        while (calls_somebody()) caller.io.run_one();
    }
    BOOST_TEST(calls > 5);
    BOOST_TEST(calls < 20);
}

BOOST_AUTO_TEST_SUITE_END()
