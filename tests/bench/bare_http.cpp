// SPDX-License-Identifier: MIT
// What rpc/server is compared with (calls.py): a server of Beast that reads a request and gives the
// same reply to each. Usage: bench_bare_http THREADS REPLY; prints its port, ends with its input.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(tcp::socket socket, const std::string& reply)
        : stream_(std::move(socket)),
          reply_(reply) {}

    void read() {
        request_ = {};
        http::async_read(
            stream_, buffer_, request_,
            [self = shared_from_this()](boost::system::error_code error, size_t) {
                if (!error) self->answer();
            });
    }

private:
    void answer() {
        response_ = {http::status::ok, 11};
        response_.set(http::field::content_type, "application/json");
        response_.body() = reply_;
        response_.prepare_payload();
        http::async_write(
            stream_, response_,
            [self = shared_from_this()](boost::system::error_code error, size_t) {
                if (!error) self->read();
            });
    }

    beast::tcp_stream stream_;
    const std::string& reply_;
    beast::flat_buffer buffer_;
    http::request<http::string_body> request_;
    http::response<http::string_body> response_;
};

void accept(tcp::acceptor& acceptor, const std::string& reply) {
    acceptor.async_accept(
        asio::make_strand(acceptor.get_executor()),
        [&](boost::system::error_code error, tcp::socket socket) {
            if (error) return;
            boost::system::error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            std::make_shared<Connection>(std::move(socket), reply)->read();
            accept(acceptor, reply);
        });
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return std::puts("Usage: bench_bare_http THREADS REPLY"), 2;
    const std::string reply = argv[2];
    asio::io_context io;
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    accept(acceptor, reply);
    std::vector<std::thread> threads;
    for (int i = std::stoi(argv[1]); i > 0; --i) threads.emplace_back([&] { io.run(); });
    std::cout << acceptor.local_endpoint().port() << std::endl;
    std::cin.ignore(std::numeric_limits<std::streamsize>::max());
    io.stop();
    for (std::thread& thread : threads) thread.join();
    return 0;
}
