// SPDX-License-Identifier: MIT
// Any bytes as what a client sends to the server: HTTP, WebSocket, and the requests in them. It may
// be refused or hung up on; what is answered begins as HTTP does, and the server lives.
#include "rpc/server/http_server.h"
#include "rpc/server/http_session.h"
#include "tests/fuzz/check.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace cairn::rpc::server;
using boost::asio::ip::tcp;
using cairn::tests::check;

namespace {

/// Waits for an event that has come.
// NOLINTNEXTLINE(performance-unnecessary-value-param): a Waiter takes it so
void later(const std::shared_ptr<const Call>&, std::function<void(Reply)> done) {
    done(std::string("true"));
}

const Method ECHO{
    .name = "echo", .params = {{"first", Type::Any, ABSENT}}, .run = {[](const Call& call) {
                                                                  return call.arguments[0];
                                                              }}};
const Method LATER{.name = "later", .run = {later, {}}};

Answer answer(std::string_view target, std::string_view body) {
    return {.body = std::string(target) + std::string(body)};
}

Streaming stream(std::string_view, std::string_view) {
    return [](const std::shared_ptr<PushClient>& client) {
        client->push(std::make_shared<PushMessage>("news", "{}"));
    };
}

/// A server that is run by hand, and never listens to others.
struct Server {
    Context context;
    Dispatcher dispatcher{{Group{"all", {&ECHO, &LATER}}}};
    std::unique_ptr<HttpServer> http;

    Server() {
        spdlog::set_level(spdlog::level::off);
        dispatcher.ready(context);
        HttpOptions options;
        options.auth = {.user = "user", .password = "pass"};
        options.max_body_bytes = 10'000;
        options.cors_origins = {"https://listed.example"};
        options.routes = {
            {"/open", std::nullopt, answer},
            {.path = "/events", .role = Role::Read, .stream = stream}};
        http = std::make_unique<HttpServer>(std::move(options), dispatcher);
    }

    /// What a client that sends `bytes` and leaves gets.
    std::string answer_to(std::string_view bytes) {
        int ends[2] = {};
        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        tcp::socket socket(boost::asio::make_strand(http->io()));
        socket.assign(tcp::v4(), ends[0]);
        std::make_shared<Session>(
            boost::beast::tcp_stream(std::move(socket)), *http, true, std::nullopt)
            ->start();
        std::string received;
        bool connected = true;
        while (connected && !bytes.empty()) {
            // A head alone, so that what follows an upgrade comes after it.
            const size_t head = std::min(bytes.find("\r\n\r\n"), bytes.size() - 1);
            const size_t size = std::min(head + 4, bytes.size());
            const ssize_t sent = send(ends[1], bytes.data(), size, MSG_NOSIGNAL);
            connected = sent > 0;
            if (connected) bytes.remove_prefix(static_cast<size_t>(sent));
            receive(ends[1], received);
        }
        receive(ends[1], received);
        close(ends[1]);
        http->io().poll();
        return received;
    }

private:
    void receive(int end, std::string& received) {
        char piece[4096];
        while (http->io().poll() > 0) {
        }
        for (ssize_t size = 0; (size = recv(end, piece, sizeof(piece), 0)) > 0;) {
            received.append(piece, static_cast<size_t>(size));
            http->io().poll();
        }
    }
};

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): as libFuzzer knows it
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static Server server;
    const std::string received = server.answer_to({reinterpret_cast<const char*>(data), size});
    check(received.empty() || received.starts_with("HTTP/1.1 "));
    return 0;
}
