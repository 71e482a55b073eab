// SPDX-License-Identifier: MIT
#include "rpc/server/http_server.h"

#include "rpc/server/dispatch.h"
#include "rpc/server/http_session.h"
#include "rpc/server/subnet.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <charconv>
#include <spdlog/spdlog.h>
#include <thread>

namespace cairn::rpc::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds ACCEPT_RETRY{100}; ///< After an error, e.g. no descriptors.
constexpr std::chrono::milliseconds STOP_POLL{10};
constexpr std::chrono::seconds STOP_PATIENCE{10}; ///< For replies under way.

[[noreturn]] void throw_bad_address(const std::string& text, const std::string& why) {
    throw std::runtime_error("Unable to bind the RPC server to " + text + ": " + why);
}

/// "addr", "addr:port", "[v6]:port"; the port may be left out.
tcp::endpoint endpoint_of(const std::string& text, uint16_t default_port) {
    std::string_view host = text;
    std::string_view port_digits;
    const size_t bracket = host.find(']');
    const size_t colon = host.rfind(':');
    const bool bare_v6 = bracket == std::string_view::npos && host.find(':') != colon;
    if (colon != std::string_view::npos && !bare_v6 &&
        (bracket == std::string_view::npos || colon > bracket)) {
        port_digits = host.substr(colon + 1);
        host = host.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    uint16_t port = default_port;
    if (!port_digits.empty()) {
        const char* end = port_digits.data() + port_digits.size();
        const auto parsed = std::from_chars(port_digits.data(), end, port);
        if (parsed.ec != std::errc() || parsed.ptr != end) throw_bad_address(text, "bad port");
    }
    boost::system::error_code error;
    const auto address = asio::ip::make_address(std::string(host), error);
    if (error) throw_bad_address(text, "not an IP address");
    return {address, port};
}

} // namespace

class HttpServer::Impl {
public:
    Impl(HttpOptions options, Dispatcher& dispatcher)
        : options_(std::move(options)),
          authenticator_(options_.auth),
          context_{options_, authenticator_, dispatcher, sessions_} {
        for (const std::string_view loopback : {"127.0.0.0/8", "::1"})
            allowed_.push_back(*Subnet::parse(loopback));
        for (const std::string& text : options_.allow_ip) {
            const std::optional<Subnet> subnet = Subnet::parse(text);
            if (!subnet)
                throw std::runtime_error("Invalid -rpcallowip subnet specification: " + text);
            allowed_.push_back(*subnet);
        }
        bind_all();
    }

    // What could be thrown here is a failed join of our own threads: that may end the process.
    ~Impl() { stop(); } // NOLINT(bugprone-exception-escape)

    void start() {
        for (tcp::acceptor& acceptor : acceptors_) accept(acceptor);
        const int count = std::max(1, options_.threads);
        for (int i = 0; i < count; ++i) threads_.emplace_back([this] { io_.run(); });
        spdlog::info("rpc_listening port={} threads={}", port(), count);
    }

    void stop() {
        if (stopped_) return;
        stopped_ = true;
        asio::post(accept_strand_, [this] {
            for (tcp::acceptor& acceptor : acceptors_) acceptor.close();
        });
        for (const std::shared_ptr<Session>& session : sessions_.all()) session->close_soon();
        const auto deadline = std::chrono::steady_clock::now() + STOP_PATIENCE;
        while (!threads_.empty() && sessions_.size() > 0 &&
               std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(STOP_POLL);
        io_.stop();
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }

    uint16_t port() const { return acceptors_.front().local_endpoint().port(); }

    void run_after(std::chrono::milliseconds delay, std::function<void()> task) {
        auto timer = std::make_shared<asio::steady_timer>(io_, delay);
        timer->async_wait([timer, task = std::move(task)](boost::system::error_code error) {
            if (!error) task();
        });
    }

private:
    void bind_all() {
        for (const std::string& text : options_.bind) bind(endpoint_of(text, options_.port), text);
        if (!options_.bind.empty()) return;
        bind({asio::ip::address_v4::loopback(), options_.port}, "127.0.0.1");
        try {
            bind({asio::ip::address_v6::loopback(), port()}, "::1");
        } catch (const std::runtime_error& error) {
            // A machine without IPv6 is as good.
            spdlog::debug("rpc_no_ipv6 error={}", error.what());
        }
    }

    void bind(const tcp::endpoint& endpoint, const std::string& text) {
        try {
            acceptors_.emplace_back(accept_strand_, endpoint, /*reuse_addr=*/true);
        } catch (const boost::system::system_error& error) {
            throw_bad_address(
                text + " port " + std::to_string(endpoint.port()), error.code().message());
        }
    }

    void accept(tcp::acceptor& acceptor) {
        acceptor.async_accept(
            asio::make_strand(io_),
            [this, &acceptor](boost::system::error_code error, tcp::socket socket) {
                if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
                if (!error) {
                    admit(std::move(socket));
                    return accept(acceptor);
                }
                spdlog::warn("rpc_accept_failed error={}", error.message());
                accept_retry_.expires_after(ACCEPT_RETRY);
                accept_retry_.async_wait([this, &acceptor](boost::system::error_code stopped) {
                    if (!stopped && acceptor.is_open()) accept(acceptor);
                });
            });
    }

    void admit(tcp::socket socket) {
        boost::system::error_code error;
        const tcp::endpoint peer = socket.remote_endpoint(error);
        if (error || !is_allowed(peer.address())) {
            if (!error) spdlog::warn("rpc_not_allowed peer={}", peer.address().to_string());
            return;
        }
        socket.set_option(tcp::no_delay(true), error);
        if (sessions_.size() >= options_.max_connections) make_room();
        std::make_shared<Session>(boost::beast::tcp_stream(std::move(socket)), context_)->start();
    }

    bool is_allowed(const asio::ip::address& address) const {
        return std::any_of(allowed_.begin(), allowed_.end(), [&](const Subnet& subnet) {
            return subnet.contains(address);
        });
    }

    /// Close the connection that waits longest for its next request. Those that execute one stay,
    /// so there may be a few above the limit for a while: no more than there are callers.
    void make_room() {
        std::shared_ptr<Session> oldest;
        int64_t oldest_since = 0;
        for (const std::shared_ptr<Session>& session : sessions_.all()) {
            const std::optional<int64_t> since = session->idle_since();
            if (!since || (oldest && *since >= oldest_since)) continue;
            oldest = session;
            oldest_since = *since;
        }
        if (oldest) oldest->close_soon();
    }

    const HttpOptions options_;
    Authenticator authenticator_;
    SessionList sessions_;
    SessionContext context_;
    std::vector<Subnet> allowed_;
    asio::io_context io_;
    /// Keeps the threads while all there is to do is to wait for a handler's event.
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    asio::strand<asio::io_context::executor_type> accept_strand_ = asio::make_strand(io_);
    asio::steady_timer accept_retry_{accept_strand_};
    std::list<tcp::acceptor> acceptors_;
    std::vector<std::thread> threads_;
    bool stopped_ = false;
};

HttpServer::HttpServer(HttpOptions options, Dispatcher& dispatcher)
    : impl_(std::make_unique<Impl>(std::move(options), dispatcher)) {}

HttpServer::~HttpServer() = default;

void HttpServer::start() {
    impl_->start();
}

void HttpServer::stop() {
    impl_->stop();
}

uint16_t HttpServer::port() const {
    return impl_->port();
}

void HttpServer::run_after(std::chrono::milliseconds delay, std::function<void()> task) {
    impl_->run_after(delay, std::move(task));
}

} // namespace cairn::rpc::server
