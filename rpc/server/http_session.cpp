// SPDX-License-Identifier: MIT
#include "rpc/server/http_session.h"

#include "rpc/server/event_stream.h"
#include "rpc/server/url.h"
#include "rpc/server/web_socket.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::rpc::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr int HTTP_VERSION = 11;
constexpr std::chrono::milliseconds WRONG_PASSWORD_DELAY{250}; ///< Slows down guessing.
constexpr std::string_view CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr size_t MAX_HEADER_BYTES = 8192;     ///< Core: MAX_HEADERS_SIZE.
constexpr size_t MAX_QUESTION_BYTES = 10'000; ///< To a route: the outputs of one REST getutxos.
constexpr const char* TOO_MANY = "Too many clients that stay";
constexpr size_t MAX_KEPT_BUFFER_BYTES = size_t{64} << 10; ///< Of an idle connection.

int64_t steady_ticks() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

bool is_http_error(boost::system::error_code error) {
    return error.category() == http::make_error_code(http::error::bad_method).category();
}

Url url_of(const http::request<http::string_body>& request) {
    return Url({request.target().data(), request.target().size()});
}

bool is_rpc_path(std::string_view path) {
    return path == "/" || path.starts_with("/wallet/");
}

} // namespace

Session::Session(
    beast::tcp_stream stream, HttpServer& server, bool allowed, std::optional<Endpoint> of_routes)
    : stream_(std::move(stream)),
      server_(server),
      allowed_(allowed),
      of_routes_(std::move(of_routes)),
      delay_(stream_.get_executor()) {}

Session::~Session() {
    server_.remove(this);
}

void Session::start() {
    server_.add(shared_from_this());
    idle_since_ = steady_ticks();
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->read_header(); });
}

void Session::close_soon() {
    leaving_ = true;
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
        self->closing_ = true;
        if (self->idle_since_ != 0) self->close();
    });
}

std::optional<int64_t> Session::idle_since() const {
    const int64_t since = idle_since_.load();
    if (since == 0 || leaving_) return std::nullopt;
    return since;
}

void Session::read_header() {
    if (closing_) return close();
    if (buffer_.capacity() > MAX_KEPT_BUFFER_BYTES) buffer_.shrink_to_fit();
    parser_.emplace();
    origin_.clear();
    parser_->body_limit(server_.options().max_body_bytes);
    stream_.expires_after(server_.options().client_timeout);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](boost::system::error_code error, size_t size_bytes) {
            // The parser's own limit starts anew after each field that it could take.
            if (!error && size_bytes > MAX_HEADER_BYTES) error = http::error::header_limit;
            self->header_read(error);
        });
}

void Session::header_read(boost::system::error_code error) {
    if (error == http::error::body_limit)
        return refuse(Status::payload_too_large, "Request body too large");
    // A peer that left, or was too slow, gets no answer; one that doesn't speak HTTP does.
    const bool spoke_nonsense = error && is_http_error(error) &&
                                error != http::error::end_of_stream &&
                                error != http::error::partial_message;
    if (error && !spoke_nonsense) return close();
    if (error) return refuse(Status::bad_request, "Bad Request");

    if (!allowed_) return refuse(Status::forbidden, "");
    const auto& request = parser_->get();
    origin_ = listed_origin();
    const bool asks_first = !request[http::field::access_control_request_method].empty();
    if (asks_first && request.method() == http::verb::options) return answer_preflight();
    route_ = find_route();
    if (route_ != nullptr) return read_question();
    if (of_routes_ || !is_rpc_path(url_of(request).path))
        return refuse(Status::not_found, "Not Found");
    if (beast::websocket::is_upgrade(request)) return upgrade();
    if (request.method() != http::verb::post)
        return refuse(Status::method_not_allowed, "JSONRPC server handles only POST requests");
    if (!authorized()) return refuse_credentials();
    read_body();
}

const Route* Session::find_route() const {
    const std::string_view path = url_of(parser_->get()).path;
    const auto matches = [&](const Route& route) {
        const bool here = of_routes_
                              ? std::ranges::find(route.bind, *of_routes_) != route.bind.end()
                              : route.bind.empty();
        return here &&
               (route.path.ends_with('/') ? path.starts_with(route.path) : path == route.path);
    };
    const auto found = std::ranges::find_if(server_.options().routes, matches);
    return found == server_.options().routes.end() ? nullptr : &*found;
}

/// Anyone may ask, perhaps: no more is read than the largest question takes.
void Session::read_question() {
    const http::verb method = parser_->get().method();
    if (method != http::verb::get && method != http::verb::post)
        return refuse(Status::method_not_allowed, "Only GET and POST requests are handled here");
    if (parser_->content_length().value_or(0) > MAX_QUESTION_BYTES)
        return refuse(Status::payload_too_large, "Request body too large");
    if (route_->role && !authorized()) return refuse_credentials();
    if (route_->role && (user_->role < *route_->role || !user_->lists(route_->path)))
        return refuse(Status::forbidden, "");
    parser_->body_limit(MAX_QUESTION_BYTES);
    read_body();
}

/// The Authorization header, or what stands for it.
std::string Session::credentials() const {
    const auto& request = parser_->get();
    const auto header = request[http::field::authorization];
    if (!header.empty()) return {header.data(), header.size()};
    const std::optional<std::string> token = url_of(request).value("token");
    return token ? authorization_of_token(*token) : "";
}

/// The request's origin, if it is in the list.
std::string Session::listed_origin() const {
    const auto header = parser_->get()[http::field::origin];
    const std::string origin(header.data(), header.size());
    const auto& listed = server_.options().cors_origins;
    return std::ranges::find(listed, origin) == listed.end() ? "" : origin;
}

/// What a browser asks before it lets a page's script send a request. Without credentials, since it
/// sends none. Source: WHATWG Fetch, section 3.2.
void Session::answer_preflight() {
    if (origin_.empty()) return refuse(Status::forbidden, "Origin not allowed");
    response_ = Response(Status::no_content, HTTP_VERSION);
    response_.set(http::field::access_control_allow_methods, "GET, POST");
    response_.set(
        http::field::access_control_allow_headers, "Authorization, Content-Type, Last-Event-ID");
    response_.set(http::field::access_control_max_age, "600");
    response_.keep_alive(parser_->is_done() && parser_->get().keep_alive() && !closing_);
    write();
}

/// To a WebSocket. Browsers let any page open one, and leave it to the server to look at the
/// origin; other clients send none, or our own.
void Session::upgrade() {
    const auto& request = parser_->get();
    const auto origin = request[http::field::origin];
    const auto host = request[http::field::host];
    const bool own = origin.starts_with("http://") && origin.substr(7) == host;
    if (!origin.empty() && !own && origin_.empty())
        return refuse(Status::forbidden, "Origin not allowed");
    if (!authorized()) return refuse_credentials();
    if (!server_.has_room()) return refuse(Status::service_unavailable, TOO_MANY);
    if (!parser_->is_done() || buffer_.size() > 0)
        return refuse(Status::bad_request, "Bad Request");
    idle_since_ = 0;
    std::make_shared<WebSocket>(beast::tcp_stream(stream_.release_socket()), server_, *user_)
        ->start(parser_->release());
}

void Session::stream() {
    if (!server_.has_room()) return refuse(Status::service_unavailable, TOO_MANY);
    const auto& request = parser_->get();
    const auto target = request.target();
    const auto last_id = request["Last-Event-ID"];
    Streaming begun =
        route_->stream({target.data(), target.size()}, {last_id.data(), last_id.size()});
    if (auto* refusal = std::get_if<Answer>(&begun)) return reply(std::move(*refusal));
    std::string fields;
    if (!origin_.empty())
        fields = "Access-Control-Allow-Origin: " + origin_ + "\r\nVary: Origin\r\n";
    const auto client = std::make_shared<EventStream>(stream_.release_socket(), server_);
    client->start(fields);
    std::get<1>(begun)(client);
}

bool Session::authorized() {
    std::string given = credentials();
    // A client sends the same with each request: proven once, it is only compared.
    if (!accepted_.empty() && equal_in_constant_time(given, accepted_)) return true;
    const User* user = server_.authenticator().user_of(given);
    if (user == nullptr) return false;
    user_ = user;
    accepted_ = std::move(given);
    return true;
}

void Session::read_body() {
    const auto& request = parser_->get();
    const bool asks_first = beast::iequals(request[http::field::expect], "100-continue");
    if (asks_first && !parser_->is_done()) {
        asio::async_write(
            stream_, asio::buffer(CONTINUE),
            [self = shared_from_this()](boost::system::error_code error, size_t) {
                if (error) return self->close();
                self->parser_->get().erase(http::field::expect);
                self->read_body();
            });
        return;
    }
    if (parser_->is_done()) return execute();
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](boost::system::error_code error, size_t) {
            if (error == http::error::body_limit)
                return self->refuse(Status::payload_too_large, "Request body too large");
            if (error) return self->close();
            self->execute();
        });
}

void Session::execute() {
    idle_since_ = 0;
    stream_.expires_never();
    if (route_ != nullptr && route_->stream) return stream();
    if (route_ != nullptr) {
        const auto target = parser_->get().target();
        return reply(route_->answer({target.data(), target.size()}, parser_->get().body()));
    }
    auto resume = [self = shared_from_this()](std::function<void()> task) {
        asio::post(self->stream_.get_executor(), std::move(task));
    };
    auto done = [self = shared_from_this()](Answer answer) { self->reply(std::move(answer)); };
    server_.dispatcher().handle(
        parser_->get().body(), {*user_}, std::move(resume), std::move(done));
}

void Session::reply(Answer answer) {
    response_ = Response(static_cast<Status>(answer.http_status), HTTP_VERSION);
    if (!answer.body.empty()) response_.set(http::field::content_type, answer.content_type);
    response_.body() = std::move(answer.body);
    response_.keep_alive(parser_->get().keep_alive() && !closing_);
    write();
}

void Session::refuse(Status status, std::string text) {
    response_ = Response(status, HTTP_VERSION);
    response_.set(http::field::content_type, "text/plain");
    if (status == Status::unauthorized)
        response_.set(http::field::www_authenticate, "Basic realm=\"jsonrpc\"");
    if (status == Status::method_not_allowed) response_.set(http::field::allow, "POST");
    response_.body() = std::move(text);
    response_.keep_alive(
        allowed_ && parser_->is_done() && parser_->get().keep_alive() && !closing_);
    write();
}

void Session::refuse_credentials() {
    if (credentials().empty()) return refuse(Status::unauthorized, "");
    boost::system::error_code ignored;
    const auto peer = stream_.socket().remote_endpoint(ignored);
    spdlog::warn("rpc_wrong_password peer={}", peer.address().to_string());
    delay_.expires_after(WRONG_PASSWORD_DELAY);
    delay_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error) self->refuse(Status::unauthorized, "");
    });
}

void Session::write() {
    if (!origin_.empty()) response_.set(http::field::access_control_allow_origin, origin_);
    if (!server_.options().cors_origins.empty()) response_.set(http::field::vary, "Origin");
    response_.prepare_payload();
    stream_.expires_after(server_.options().client_timeout);
    http::async_write(
        stream_, response_, [self = shared_from_this()](boost::system::error_code error, size_t) {
            const bool keep = self->response_.keep_alive();
            self->response_ = {};
            self->idle_since_ = steady_ticks();
            if (error || !keep) return self->close();
            self->read_header();
        });
}

void Session::close() {
    boost::system::error_code ignored; // The peer may have left first.
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    stream_.close();
    delay_.cancel();
}

} // namespace cairn::rpc::server
