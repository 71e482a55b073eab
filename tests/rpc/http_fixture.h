// SPDX-License-Identifier: MIT
// The server with the sample methods, and a client that sends it whatever a test says.
#pragma once

#include "rpc/server/dispatch.h"
#include "rpc/server/http_server.h"
#include "tests/rpc/sample_methods.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <memory>
#include <string>
#include <thread>

namespace cairn::rpc::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

inline constexpr const char* CREDENTIALS = "Basic dXNlcjpwYXNz"; // user:pass
inline constexpr const char* WRONG = "Basic dXNlcjpubw==";       // user:no
inline const std::string ADD = R"({"id":1,"method":"add","params":[1,2]})";
inline const std::string ADDED = "{\"result\":3,\"error\":null,\"id\":1}\n";

inline HttpOptions options() {
    HttpOptions options;
    options.auth = {.user = "user", .password = "pass"};
    options.threads = 2;
    return options;
}

/// A client that sends what it is told to.
class Client {
public:
    explicit Client(uint16_t port) : socket_(io_) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
    }

    void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }

    void post(const std::string& body, const char* credentials = CREDENTIALS) {
        http::request<http::string_body> request(http::verb::post, "/", 11);
        request.set(http::field::host, "localhost");
        if (credentials != nullptr) request.set(http::field::authorization, credentials);
        request.body() = body;
        request.prepare_payload();
        http::write(socket_, request);
    }

    http::response<http::string_body> read() {
        http::response<http::string_body> response;
        http::read(socket_, buffer_, response);
        return response;
    }

    http::response<http::string_body> ask(const std::string& body) {
        post(body);
        return read();
    }

    /// Blocks until the server closes; false if it sends something instead.
    bool closed() {
        char byte = 0;
        boost::system::error_code error;
        asio::read(socket_, asio::buffer(&byte, 1), error);
        return error == asio::error::eof || error == asio::error::connection_reset;
    }

    tcp::socket& socket() { return socket_; }

private:
    asio::io_context io_;
    tcp::socket socket_;
    boost::beast::flat_buffer buffer_;
};

struct HttpFixture {
    Dispatcher dispatcher{sample_methods()};
    SampleContext context;
    std::unique_ptr<HttpServer> server;

    void start(HttpOptions with) {
        dispatcher.ready(context);
        server = std::make_unique<HttpServer>(std::move(with), dispatcher);
        server->start();
    }

    /// The callback of a call of `later` that has reached its method.
    std::function<void(Reply)> taken_waiter() {
        for (;;) {
            {
                const std::lock_guard lock(context.mutex);
                if (!context.waiting.empty()) {
                    auto done = context.waiting.back();
                    context.waiting.pop_back();
                    return done;
                }
            }
            std::this_thread::yield();
        }
    }

    /// Whether the client of the call that reached `later` last has left.
    bool waiter_left() {
        const std::lock_guard lock(context.mutex);
        return context.left.stop_requested();
    }
};

/// As a route's handler: what was asked.
inline Answer echo(std::string_view target, std::string_view body) {
    return {.body = std::string(target) + std::string(body)};
}

} // namespace cairn::rpc::server
