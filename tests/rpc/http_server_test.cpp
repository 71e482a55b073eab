// SPDX-License-Identifier: MIT
#include "tests/rpc/http_fixture.h"

#include <boost/asio/read_until.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <future>
#include <thread>
#include <utility>
#include <vector>

using namespace cairn::rpc::server;

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

BOOST_FIXTURE_TEST_SUITE(http_server, HttpFixture)

BOOST_AUTO_TEST_CASE(keep_alive__many_requests__one_connection) {
    start(options());
    Client client(server->port());
    for (int i = 0; i < 100; ++i) {
        const auto response = client.ask(ADD);
        BOOST_TEST(response.result_int() == 200U);
        BOOST_TEST(response[http::field::content_type] == "application/json");
        BOOST_TEST(response.body() == ADDED);
    }
}

/// One who may only read, with the password "pass".
const std::string READER =
    "reader:salt$02fcc288e7bc681cb111817f981bc8ff7824fa38fc61c7817f2fba7f5b5b4b0d";
const std::string READER_TOKEN = "cmVhZGVyOnBhc3M";

BOOST_AUTO_TEST_CASE(route__with_a_role__password_or_token_of_one_who_may) {
    HttpOptions with = options();
    with.auth.whitelists = {"user:add,/lists", "reader:/unlisted,/admin"};
    with.auth.roles = {"user:mine", "reader:read"};
    with.auth.rpcauth = {READER};
    with.routes = {
        {"/open", std::nullopt, echo},
        {"/lists", Role::Read, echo},
        {"/unlisted", Role::Read, echo},
        {"/admin", Role::Admin, echo}};
    start(with);
    const auto get = [this](const std::string& target, const std::string& header = {}) {
        Client client(server->port());
        client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n" + header + "\r\n");
        return client.read();
    };
    const std::string password = "Authorization: " + std::string(CREDENTIALS) + "\r\n";
    BOOST_TEST(get("/open?a").body() == "/open?a");
    BOOST_TEST(get("/open/below").result_int() == 404U);
    BOOST_TEST(get("/lists").result_int() == 401U);
    BOOST_TEST(get("/lists", password).body() == "/lists");
    BOOST_TEST(get("/unlisted?x=1&token=" + READER_TOKEN).result_int() == 200U);
    BOOST_TEST(get("/admin?token=" + READER_TOKEN).result_int() == 403U);
    BOOST_TEST(get("/unlisted?token=" + READER_TOKEN + "AA").result_int() == 401U);
    // Of who may more than read no password shall stand in the log of a proxy.
    BOOST_TEST(get("/lists?token=dXNlcjpwYXNz").result_int() == 401U);
    BOOST_TEST(get("/lists?token=").result_int() == 401U);
    BOOST_TEST(get("/unlisted", password).result_int() == 403U);
    BOOST_TEST(get("/admin", password).result_int() == 403U);
}

BOOST_AUTO_TEST_CASE(web_socket__room_of_its_own__and_no_more) {
    HttpOptions with = options();
    with.max_connections = 1;
    with.max_staying = 1;
    start(with);
    const auto upgrade = [](Client& client) { // the example of RFC 6455, section 1.3
        client.send(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Authorization: " +
            std::string(CREDENTIALS) + "\r\n\r\n");
        return client.read();
    };
    auto first = std::make_unique<Client>(server->port());
    const auto accepted = upgrade(*first);
    BOOST_TEST(accepted.result_int() == 101U);
    BOOST_TEST(accepted["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    Client second(server->port());
    BOOST_TEST(upgrade(second).result_int() == 503U);
    BOOST_TEST(second.ask(ADD).body() == ADDED); // it doesn't push out who stays, nor the other way
    // {"method":"nope"} in a frame whose mask is 0, and the head of the frame that answers it.
    first->send("\x81\x91" + std::string(4, '\0') + R"({"method":"nope"})");
    std::string head(1, '\0');
    asio::read(first->socket(), asio::buffer(head));
    BOOST_TEST(head == "\x81");
    first.reset();
    unsigned status = 503;
    while (status == 503) {
        Client next(server->port());
        status = upgrade(next).result_int();
    }
    BOOST_TEST(status == 101U);
}

BOOST_AUTO_TEST_CASE(rest__without_a_password__short_questions_only) {
    HttpOptions with = options();
    with.routes = {{"/rest/", std::nullopt, echo}};
    start(with);
    const auto status = [this](const std::string& request) {
        Client client(server->port());
        client.send(request);
        return client.read();
    };
    BOOST_TEST(status("GET /rest HTTP/1.1\r\nHost: a\r\n\r\n").result_int() == 404U);
    const std::string get = "GET /rest/x HTTP/1.1\r\nHost: a\r\n\r\n";
    BOOST_TEST(status(get).body() == "/rest/x");
    const std::string post = "POST /rest/x HTTP/1.1\r\nHost: a\r\n";
    BOOST_TEST(status(post + "Content-Length: 3\r\n\r\nabc").body() == "/rest/xabc");
    BOOST_TEST(status(post + "Content-Length: 10001\r\n\r\n").result_int() == 413U);
    BOOST_TEST(status(post + "Transfer-Encoding: chunked\r\n\r\n2711\r\n").result_int() == 413U);
    BOOST_TEST(
        status("PUT /rest/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na").result_int() ==
        405U);
}

BOOST_AUTO_TEST_CASE(pipelined__two_requests_at_once__two_replies) {
    start(options());
    Client client(server->port());
    client.post(ADD);
    client.post(ADD);
    BOOST_TEST(client.read().body() == ADDED);
    BOOST_TEST(client.read().body() == ADDED);
}

BOOST_AUTO_TEST_CASE(connection_close__asked__closed_after_reply) {
    start(options());
    Client client(server->port());
    client.send(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: " +
        std::string(CREDENTIALS) + "\r\nContent-Length: " + std::to_string(ADD.size()) +
        "\r\n\r\n" + ADD);
    BOOST_TEST(client.read().body() == ADDED);
    BOOST_TEST(client.closed());
}

BOOST_AUTO_TEST_CASE(batch_and_notification__http_codes) {
    start(options());
    Client client(server->port());
    BOOST_TEST(client.ask("[" + ADD + "]").body() == "[{\"result\":3,\"error\":null,\"id\":1}]\n");
    const auto notified = client.ask(R"({"jsonrpc":"2.0","method":"count"})");
    BOOST_TEST(notified.result_int() == 204U);
    BOOST_TEST(notified.body().empty());
    BOOST_TEST(client.ask(R"({"method":"nope"})").result_int() == 404U);
    BOOST_TEST(client.ask("nonsense").result_int() == 500U);
}

BOOST_AUTO_TEST_CASE(credentials__missing_or_wrong__401_and_no_body_read) {
    start(options());
    for (const char* credentials : {static_cast<const char*>(nullptr), WRONG}) {
        Client client(server->port());
        client.post(R"({"method":"count"})", credentials);
        const auto response = client.read();
        BOOST_TEST(response.result_int() == 401U);
        BOOST_TEST(response[http::field::www_authenticate] == "Basic realm=\"jsonrpc\"");
        BOOST_TEST(client.closed());
    }
    BOOST_TEST(context.count == 0);
}

BOOST_AUTO_TEST_CASE(credentials__right_then_wrong__each_request_is_checked) {
    start(options());
    Client client(server->port());
    BOOST_TEST(client.ask(ADD).result_int() == 200U);
    client.post(ADD, WRONG);
    BOOST_TEST(client.read().result_int() == 401U);
}

BOOST_AUTO_TEST_CASE(method_and_target__others__refused) {
    start(options());
    Client get(server->port());
    get.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto not_post = get.read();
    BOOST_TEST(not_post.result_int() == 405U);
    BOOST_TEST(not_post.body() == "JSONRPC server handles only POST requests");
    BOOST_TEST(get.ask(ADD).body() == ADDED); // All of it was read: there is no harm in going on.
    Client elsewhere(server->port());
    elsewhere.send("POST /etc HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    BOOST_TEST(elsewhere.read().result_int() == 404U);
}

BOOST_AUTO_TEST_CASE(address__not_allowed__403_and_closed) {
    HttpOptions others = options();
    others.allows = [](const asio::ip::address&) { return false; };
    start(others);
    Client client(server->port());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    BOOST_TEST(client.read().result_int() == 403U);
    BOOST_TEST(client.closed());
}

BOOST_AUTO_TEST_CASE(bad_http__answered_400_and_closed) {
    start(options());
    for (const char* nonsense :
         {"HELLO\r\n\r\n", "POST / HTTP/9.9\r\n\r\n", "POST / HTTP/1.1\r\nbad header\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"}) {
        Client client(server->port());
        client.send(nonsense);
        BOOST_TEST(client.read().result_int() == 400U, nonsense);
        BOOST_TEST(client.closed());
    }
    Client oversized(server->port());
    oversized.send("POST / HTTP/1.1\r\nX: " + std::string(10'000, 'x'));
    BOOST_TEST(oversized.read().result_int() == 400U);
    std::string many_lines;
    for (int i = 0; i < 500; ++i) many_lines += "header: of 20 bytes\r\n";
    Client many(server->port());
    many.send("POST / HTTP/1.1\r\n" + many_lines + "\r\n");
    BOOST_TEST(many.read().result_int() == 400U);
}

BOOST_AUTO_TEST_CASE(truncated__closed_without_reply) {
    start(options());
    Client client(server->port());
    client.send("POST / HTTP/1.1\r\nContent-Le");
    client.socket().shutdown(tcp::socket::shutdown_send);
    BOOST_TEST(client.closed());
}

BOOST_AUTO_TEST_CASE(oversized_body__413) {
    HttpOptions small = options();
    small.max_body_bytes = 1000;
    start(small);
    Client announced(server->port());
    announced.send(
        "POST / HTTP/1.1\r\nAuthorization: " + std::string(CREDENTIALS) +
        "\r\nContent-Length: 1001\r\n\r\n");
    BOOST_TEST(announced.read().result_int() == 413U);
    Client chunked(server->port());
    chunked.send(
        "POST / HTTP/1.1\r\nAuthorization: " + std::string(CREDENTIALS) +
        "\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(1500, 'x'));
    BOOST_TEST(chunked.read().result_int() == 413U);
    Client fits(server->port());
    BOOST_TEST(fits.ask(ADD + std::string(1000 - ADD.size(), ' ')).body() == ADDED);
}

BOOST_AUTO_TEST_CASE(expect_continue__told_to_go_on) {
    start(options());
    Client client(server->port());
    client.send(
        "POST / HTTP/1.1\r\nExpect: 100-continue\r\nAuthorization: " + std::string(CREDENTIALS) +
        "\r\nContent-Length: " + std::to_string(ADD.size()) + "\r\n\r\n");
    std::string line(25, '\0');
    asio::read(client.socket(), asio::buffer(line));
    BOOST_TEST(line == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(ADD);
    BOOST_TEST(client.read().body() == ADDED);
}

BOOST_AUTO_TEST_CASE(foreign_origin__refused_before_a_call_is_made) {
    HttpOptions with = options();
    with.cors_origins = {"https://listed.example"};
    with.routes = {{"/role", Role::Read, echo}, {"/open", std::nullopt, echo}};
    start(with);
    const auto status = [this](const std::string& target, const std::string& origin) {
        Client client(server->port());
        const std::string body = R"({"method":"count"})";
        client.send(
            "POST " + target + " HTTP/1.1\r\nHost: a:8332\r\nContent-Type: text/plain\r\n" +
            (origin.empty() ? "" : "Origin: " + origin + "\r\n") + "Authorization: " + CREDENTIALS +
            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        return client.read().result_int();
    };
    for (const char* target : {"/", "/wallet/x", "/role"})
        for (const char* origin :
             {"http://evil.example", "null", "http://a:8333", "https://a:8332"})
            BOOST_TEST(status(target, origin) == 403U, target << " from " << origin);
    BOOST_TEST(context.count == 0);
    BOOST_TEST(status("/open", "http://evil.example") == 200U);
    int calls = 0;
    for (const char* origin : {"", "http://a:8332", "https://listed.example"}) {
        BOOST_TEST(status("/", origin) == 200U, origin);
        BOOST_TEST(context.count == ++calls);
    }
}

BOOST_AUTO_TEST_CASE(token__of_a_post__is_no_password) {
    HttpOptions with = options();
    with.routes = {{"/role", Role::Read, echo}};
    start(with);
    for (const char* target : {"/", "/role"}) {
        Client client(server->port());
        client.send(
            "POST " + std::string(target) +
            "?token=dXNlcjpwYXNz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        BOOST_TEST(client.read().result_int() == 401U);
    }
}

BOOST_AUTO_TEST_CASE(head__as_get_without_a_body) {
    HttpOptions with = options();
    with.routes = {{"/open", std::nullopt, echo}};
    start(with);
    Client client(server->port());
    const auto ask_for = [&](const std::string& request_line, const std::string& end_of_reply) {
        client.send(request_line + " HTTP/1.1\r\nHost: a\r\n\r\n");
        std::string reply;
        asio::read_until(client.socket(), asio::dynamic_buffer(reply), end_of_reply);
        return reply;
    };
    const std::string head = ask_for("HEAD /open", "\r\n\r\n");
    BOOST_TEST(head.starts_with("HTTP/1.1 200 "));
    BOOST_TEST(head.find("Content-Length: 5\r\n") != std::string::npos);
    BOOST_TEST(head.ends_with("\r\n\r\n"));
    const std::string refused = ask_for("HEAD /", "\r\n\r\n");
    BOOST_TEST(refused.starts_with("HTTP/1.1 405 "));
    BOOST_TEST(refused.find("Allow: POST\r\n") != std::string::npos);
    BOOST_TEST(
        ask_for("DELETE /open", "here").find("Allow: GET, HEAD, POST\r\n") != std::string::npos);
    BOOST_TEST(ask_for("GET /open", "/open").starts_with("HTTP/1.1 200 ")); // nothing was left over
}

BOOST_AUTO_TEST_CASE(no_content__has_no_length) {
    HttpOptions with = options();
    with.cors_origins = {"https://listed.example"};
    start(with);
    Client client(server->port());
    const auto notified = client.ask(R"({"jsonrpc":"2.0","method":"count"})");
    BOOST_TEST(notified.result_int() == 204U);
    BOOST_TEST(notified.count(http::field::content_length) == 0U);
    client.send("OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://listed.example\r\n"
                "Access-Control-Request-Method: POST\r\n\r\n");
    const auto preflight = client.read();
    BOOST_TEST(preflight.result_int() == 204U);
    BOOST_TEST(preflight.count(http::field::content_length) == 0U);
    BOOST_TEST(client.ask(ADD).body() == ADDED);
}

BOOST_AUTO_TEST_CASE(route__busy__holds_up_no_calls) {
    std::promise<void> go_on;
    const std::shared_future<void> may_go_on = go_on.get_future();
    HttpOptions with = options();
    with.threads = 1;
    with.routes = {
        {.path = "/slow",
         .role = std::nullopt,
         .answer =
             [&](auto target, auto body) {
                 may_go_on.wait();
                 return echo(target, body);
             },
         .busy = true}};
    start(with);
    Client slow(server->port());
    slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(Client(server->port()).ask(ADD).body() == ADDED);
    go_on.set_value();
    BOOST_TEST(slow.read().body() == "/slow");
    slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(slow.read().body() == "/slow");
}

BOOST_AUTO_TEST_CASE(reply__client_takes_it_slowly_but_steadily__gets_all) {
    constexpr size_t SIZE = size_t{64} << 20;
    HttpOptions with = options();
    with.client_timeout = std::chrono::seconds(2);
    with.routes = {{"/large", std::nullopt, [](auto, auto) -> Answer {
                        return {.body = std::string(SIZE, 'a')};
                    }}};
    start(with);
    Client client(server->port());
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    std::vector<char> piece(SIZE / 16);
    size_t taken = 0;
    for (boost::system::error_code error; !error && taken < SIZE;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200)); // 3.2 s for all
        taken += asio::read(client.socket(), asio::buffer(piece), error);
    }
    BOOST_TEST(taken >= SIZE);
}

BOOST_AUTO_TEST_CASE(route__throws__500_and_the_server_lives) {
    HttpOptions with = options();
    with.routes = {{"/bad", std::nullopt, [](auto, auto) -> Answer {
                        throw std::runtime_error("disk on fire");
                    }}};
    start(with);
    Client client(server->port());
    client.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(client.read().result_int() == 500U);
    BOOST_TEST(client.ask(ADD).body() == ADDED);
}

BOOST_AUTO_TEST_CASE(bind__bad_or_taken_address__named) {
    start(options());
    HttpOptions taken = options();
    taken.port = server->port();
    const auto names = [](const char* what) {
        return [what](const std::runtime_error& error) {
            return std::string_view(error.what()).find(what) != std::string_view::npos;
        };
    };
    const std::string port = std::to_string(server->port());
    BOOST_CHECK_EXCEPTION(HttpServer(taken, dispatcher), std::runtime_error, names(port.c_str()));
    HttpOptions bad = options();
    bad.bind = {{boost::asio::ip::make_address("192.0.2.1"), 0}}; // nobody's (RFC 5737)
    BOOST_CHECK_EXCEPTION(HttpServer(bad, dispatcher), std::runtime_error, names("192.0.2.1"));
}

BOOST_AUTO_TEST_SUITE_END()
