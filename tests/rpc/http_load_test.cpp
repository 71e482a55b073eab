// SPDX-License-Identifier: MIT
// Many clients, slow ones, and such as leave.
#include "tests/rpc/http_fixture.h"

#include <boost/test/unit_test.hpp>

#include <thread>
#include <unistd.h>
#include <utility>

using namespace cairn::rpc::server;

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Nobody listens on it, and the system gives it to none who asks for any port.
uint16_t free_port() {
    asio::io_context io;
    boost::system::error_code taken;
    auto port = static_cast<uint16_t>(20'000 + getpid() % 10'000);
    do {
        tcp::acceptor acceptor(io, tcp::v4());
        acceptor.bind({asio::ip::address_v4::loopback(), ++port}, taken);
    } while (taken);
    return port;
}

/// Clients whose calls have reached `later`, and wait.
class Waiters {
public:
    Waiters(HttpFixture& fixture, int count) {
        for (int i = 0; i < count; ++i) {
            clients_.push_back(std::make_unique<Client>(fixture.server->port()));
            clients_.back()->post(R"({"id":1,"method":"later"})");
            calls_.push_back(fixture.taken_waiter());
        }
    }

    /// Each gets what is answered.
    void answer() {
        for (auto& done : calls_) done(std::string("true"));
        for (auto& client : clients_)
            BOOST_TEST(client->read().body() == "{\"result\":true,\"error\":null,\"id\":1}\n");
    }

private:
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::function<void(Reply)>> calls_;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(http_load, HttpFixture)

BOOST_AUTO_TEST_CASE(slow_client__closed_and_others_served) {
    HttpOptions impatient = options();
    impatient.client_timeout = std::chrono::seconds(1);
    start(impatient);
    Client slow(server->port());
    slow.send("POST / HTTP/1.1\r\nHost:");
    Client quick(server->port());
    BOOST_TEST(quick.ask(ADD).body() == ADDED);
    BOOST_TEST(slow.closed());
}

BOOST_AUTO_TEST_CASE(too_many_connections__the_longest_idle_goes) {
    HttpOptions few = options();
    few.max_connections = 3;
    start(few);
    Client first(server->port());
    BOOST_TEST(first.ask(ADD).body() == ADDED);
    std::vector<std::unique_ptr<Client>> others;
    for (int i = 0; i < 3; ++i) {
        others.push_back(std::make_unique<Client>(server->port()));
        BOOST_TEST(others.back()->ask(ADD).body() == ADDED);
    }
    BOOST_TEST(first.closed());
    BOOST_TEST(others.back()->ask(ADD).body() == ADDED);
}

BOOST_AUTO_TEST_CASE(waiting_calls__more_than_threads__others_served) {
    start(options()); // two threads
    Waiters waiters(*this, 5);
    Client client(server->port());
    BOOST_TEST(client.ask(ADD).body() == ADDED);
    waiters.answer();
}

BOOST_AUTO_TEST_CASE(waiting_call__client_sends_on__little_is_read_ahead) {
    start(options());
    Client client(server->port());
    client.post(R"({"id":1,"method":"later"})");
    const std::function<void(Reply)> done = taken_waiter();
    // What the kernel keeps of a connection is far less than this.
    const std::string much(size_t{32} << 20, ' ');
    client.socket().non_blocking(true);
    size_t sent = 0;
    for (int idle = 0; idle < 50 && sent < much.size();) {
        boost::system::error_code error;
        const size_t size_bytes =
            client.socket().write_some(asio::buffer(much.data() + sent, much.size() - sent), error);
        sent += size_bytes;
        idle = size_bytes == 0 ? idle + 1 : 0;
        if (size_bytes == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    BOOST_TEST(sent < much.size());
    client.socket().non_blocking(false);
    done(std::string("5"));
    BOOST_TEST(client.read().result_int() == 200U);
}

BOOST_AUTO_TEST_CASE(waiting_call__client_leaves__given_up_at_once) {
    start(options());
    auto client = std::make_unique<Client>(server->port());
    client->post(R"([{"id":1,"method":"later"},{"id":2,"method":"add","params":[1]}])");
    const std::function<void(Reply)> done = taken_waiter();
    BOOST_TEST(!waiter_left());
    client.reset();
    while (!waiter_left()) std::this_thread::yield();
    done(std::string("true")); // too late: nobody is there, and nobody is harmed
    Client other(server->port());
    BOOST_TEST(other.ask(ADD).body() == ADDED);
}

BOOST_AUTO_TEST_CASE(waiting_call__next_request_comes_meanwhile__is_answered_after_it) {
    start(options());
    Client client(server->port());
    client.post(R"({"id":1,"method":"later"})");
    const std::function<void(Reply)> done = taken_waiter();
    client.post(ADD);
    const std::string large =
        R"({"method":"greet","params":[")" + std::string(100'000, 'x') + "\"]}";
    client.post(large);
    done(std::string("7"));
    BOOST_TEST(client.read().body() == "{\"result\":7,\"error\":null,\"id\":1}\n");
    BOOST_TEST(client.read().body() == ADDED);
    BOOST_TEST(client.read().result_int() == 200U);
}

BOOST_AUTO_TEST_CASE(waiting_calls__more_than_connections_are_kept__push_out_nobody) {
    HttpOptions few = options();
    few.max_connections = 2;
    start(few);
    Client idle(server->port());
    BOOST_TEST(idle.ask(ADD).body() == ADDED);
    Waiters waiters(*this, 5);
    BOOST_TEST(idle.ask(ADD).body() == ADDED);
    waiters.answer();
}

BOOST_AUTO_TEST_CASE(slow_calls__more_than_threads__wait_their_turn_and_others_are_served) {
    HttpOptions with = options(); // two threads, so one slow call at a time
    with.routes = {{"/health", std::nullopt, echo}};
    start(with);
    std::vector<std::unique_ptr<Client>> slow;
    for (int i = 0; i < 4; ++i) {
        slow.push_back(std::make_unique<Client>(server->port()));
        slow.back()->post(R"({"id":1,"method":"hold"})");
    }
    {
        std::unique_lock lock(context.mutex);
        context.changed.wait(lock, [this] { return context.held > 0; });
    }
    Client client(server->port());
    BOOST_TEST(client.ask(ADD).body() == ADDED);
    client.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(client.read().body() == "/health");
    {
        const std::lock_guard lock(context.mutex);
        BOOST_TEST(context.held == 1);
        context.let_go = true;
        context.changed.notify_all();
    }
    for (auto& one : slow)
        BOOST_TEST(one->read().body() == "{\"result\":null,\"error\":null,\"id\":1}\n");
}

BOOST_AUTO_TEST_CASE(batch__of_many_calls__lets_others_on) {
    HttpOptions with = options();
    with.threads = 1;
    start(with);
    constexpr int CALLS = 1000;
    std::string batch = R"([{"method":"nap"})";
    for (int i = 1; i < CALLS; ++i) batch += R"(,{"method":"nap"})";
    Client many(server->port());
    many.post(batch + "]");
    Client other(server->port());
    const auto counted = [&] {
        const std::string reply = other.ask(R"({"id":1,"method":"count"})").body();
        return std::stoi(reply.substr(reply.find(':') + 1));
    };
    int own = 1; // Once more was counted than by this client, the batch has begun.
    int count = 0;
    while ((count = counted()) == own) ++own;
    BOOST_TEST(count < CALLS / 2);
    BOOST_TEST(many.read().result_int() == 200U);
}

BOOST_AUTO_TEST_CASE(connections_where_strangers_come__push_out_none_elsewhere) {
    const tcp::endpoint place(asio::ip::address_v4::loopback(), free_port());
    HttpOptions with = options();
    with.max_connections = 2;
    with.routes = {{"/metrics", std::nullopt, echo, {place}}};
    start(with);
    Client client(server->port());
    BOOST_TEST(client.ask(ADD).body() == ADDED);
    std::vector<std::unique_ptr<Client>> strangers;
    for (int i = 0; i < 5; ++i) {
        strangers.push_back(std::make_unique<Client>(place.port()));
        strangers.back()->send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        BOOST_TEST(strangers.back()->read().body() == "/metrics");
    }
    BOOST_TEST(strangers.front()->closed());
    BOOST_TEST(client.ask(ADD).body() == ADDED);
}

BOOST_AUTO_TEST_CASE(stop__reply_under_way__goes_out) {
    HttpOptions with = options();
    with.port = free_port();
    start(with);
    Client idle(server->port());
    BOOST_TEST(idle.ask(ADD).body() == ADDED);
    Client client(server->port());
    client.post(R"({"id":1,"method":"later"})");
    auto done = taken_waiter();
    std::thread stopper([&] { server->stop(); });
    BOOST_TEST(idle.closed()); // the server is stopping now
    std::exchange(done, nullptr)(std::string("7"));
    BOOST_TEST(client.read().body() == "{\"result\":7,\"error\":null,\"id\":1}\n");
    stopper.join();
    BOOST_CHECK_THROW(Client(server->port()), boost::system::system_error);
}

BOOST_AUTO_TEST_SUITE_END()
