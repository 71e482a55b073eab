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
constexpr const char* ORIGIN_NOT_ALLOWED = "Origin not allowed";
constexpr const char* TOO_MANY = "Too many clients that stay";
constexpr size_t MAX_KEPT_BUFFER_BYTES = size_t{64} << 10; ///< Of an idle connection.
constexpr size_t WATCH_BYTES = size_t{4} << 10;            ///< To read of the next request.

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
    last_used_ = steady_ticks();
    server_.add(shared_from_this(), of_routes_ ? Kind::Routes : Kind::Rpc);
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->read_header(); });
}

void Session::close_soon() {
    leaving_ = true;
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
        self->closing_ = true;
        if (!self->executing_) self->close();
    });
}

std::optional<int64_t> Session::last_used() const {
    if (leaving_) return std::nullopt;
    return last_used_;
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
    if (is_foreign()) return refuse(Status::forbidden, ORIGIN_NOT_ALLOWED);
    if (beast::websocket::is_upgrade(request)) return upgrade();
    if (request.method() != http::verb::post)
        return refuse_method("JSONRPC server handles only POST requests");
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
    const bool head = method == http::verb::head && route_->answer; // A stream has no length.
    if (!head && method != http::verb::get && method != http::verb::post)
        return refuse_method("Only GET and POST requests are handled here");
    if (route_->role && is_foreign()) return refuse(Status::forbidden, ORIGIN_NOT_ALLOWED);
    if (parser_->content_length().value_or(0) > MAX_QUESTION_BYTES)
        return refuse(Status::payload_too_large, "Request body too large");
    if (route_->role && !authorized()) return refuse_credentials();
    if (route_->role && (user_->role < *route_->role || !user_->lists(route_->path)))
        return refuse(Status::forbidden, "");
    parser_->body_limit(MAX_QUESTION_BYTES);
    read_body();
}

/// The Authorization header, or what stands for it: in a GET only, where a page of a browser can't
/// set headers, and for users who may only read, since targets end up in the logs of proxies.
std::string Session::credentials() const {
    const auto& request = parser_->get();
    const auto header = request[http::field::authorization];
    if (!header.empty()) return {header.data(), header.size()};
    if (request.method() != http::verb::get) return "";
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

/// Whether a page of neither this server nor a listed origin asks. Browsers let any page send a
/// simple request, with the password that they remember, and open a WebSocket: the server has to
/// look at the origin. Other clients send none.
bool Session::is_foreign() const {
    const auto& request = parser_->get();
    const auto origin = request[http::field::origin];
    if (origin.empty() || !origin_.empty()) return false;
    return origin != "http://" + std::string(request[http::field::host]);
}

/// What a browser asks before it lets a page's script send a request. Without credentials, since it
/// sends none. Source: WHATWG Fetch, section 3.2.
void Session::answer_preflight() {
    if (origin_.empty()) return refuse(Status::forbidden, ORIGIN_NOT_ALLOWED);
    response_ = Response(Status::no_content, HTTP_VERSION);
    response_.set(http::field::access_control_allow_methods, "GET, POST");
    response_.set(
        http::field::access_control_allow_headers, "Authorization, Content-Type, Last-Event-ID");
    response_.set(http::field::access_control_max_age, "600");
    response_.keep_alive(parser_->is_done() && parser_->get().keep_alive() && !closing_);
    write();
}

/// To a WebSocket.
void Session::upgrade() {
    if (!authorized()) return refuse_credentials();
    if (!server_.has_room()) return refuse(Status::service_unavailable, TOO_MANY);
    if (!parser_->is_done() || buffer_.size() > 0)
        return refuse(Status::bad_request, "Bad Request");
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
    const bool by_token = parser_->get()[http::field::authorization].empty();
    // A client sends the same with each request: proven once, it is only compared.
    const bool proven = !accepted_.empty() && equal_in_constant_time(given, accepted_);
    const User* user = proven ? user_ : server_.authenticator().user_of(given);
    if (user == nullptr || (by_token && user->role != Role::Read)) return false;
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
    const uint64_t rest = parser_->content_length_remaining().value_or(MAX_KEPT_BUFFER_BYTES);
    buffer_.reserve(std::min(rest, uint64_t{MAX_KEPT_BUFFER_BYTES})); // or it reads 512 at a time
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
    executing_ = true;
    last_used_ = steady_ticks();
    stream_.expires_never();
    if (route_ == nullptr) return call();
    if (route_->stream) return stream();
    if (!route_->busy) return reply(answer_of_route());
    server_.queue().push(this, Pace::Busy, [self = shared_from_this()] {
        // Not the strand's, but that leaves the request alone meanwhile.
        auto answer = self->server_.queue().stopping()
                          ? Answer{503, "The node is stopping\r\n", "text/plain"}
                          : self->answer_of_route();
        asio::post(self->stream_.get_executor(), [self, answer = std::move(answer)]() mutable {
            self->reply(std::move(answer));
        });
    });
}

Answer Session::answer_of_route() const {
    try {
        const auto target = parser_->get().target();
        return route_->answer({target.data(), target.size()}, parser_->get().body());
    } catch (const std::exception& failure) {
        spdlog::error("rpc_failed route={} error={}", route_->path, failure.what());
        return {500, "Internal Server Error", "text/plain"};
    }
}

void Session::call() {
    auto resume = [self = shared_from_this()](std::function<void()> task) {
        asio::post(self->stream_.get_executor(), std::move(task));
    };
    auto done = [self = shared_from_this()](Answer answer) { self->answered(std::move(answer)); };
    calling_ = true;
    server_.dispatcher().handle(
        parser_->get().body(),
        {.user = *user_, .left = left_.get_token(), .queue = &server_.queue(), .connection = this},
        std::move(resume), std::move(done));
    if (!calling_) return;
    parser_->get().body() = {}; // It was read; who waits for long shall not keep it.
    server_.count_as(Kind::Waiting, this);
    watch();
}

/// Read on while a call takes its time, to notice that its client leaves: what was asked is given
/// up then. What comes is the beginning of the next request.
void Session::watch() {
    if (buffer_.size() >= MAX_KEPT_BUFFER_BYTES) return; // the rest stays with the client
    watching_ = true;
    stream_.async_read_some(
        buffer_.prepare(WATCH_BYTES),
        [self = shared_from_this()](boost::system::error_code error, size_t size_bytes) {
            self->watching_ = false;
            self->buffer_.commit(size_bytes);
            if (self->answer_) return self->reply(*std::exchange(self->answer_, std::nullopt));
            if (error) return self->close();
            self->watch();
        });
}

void Session::answered(Answer answer) {
    calling_ = false;
    if (!watching_) return reply(std::move(answer));
    answer_ = std::move(answer); // For when the read has come to its end.
    server_.count_as(Kind::Rpc, this);
    stream_.cancel();
}

void Session::reply(Answer answer) {
    response_ = Response(static_cast<Status>(answer.http_status), HTTP_VERSION);
    if (!answer.body.empty()) response_.set(http::field::content_type, answer.content_type);
    response_.body() = std::move(answer.body);
    response_.keep_alive(parser_->get().keep_alive() && !closing_);
    write();
}

/// What there is at the target takes other methods.
void Session::refuse_method(std::string text) {
    response_.set(
        http::field::allow, route_ == nullptr ? "POST"
                            : route_->answer  ? "GET, HEAD, POST"
                                              : "GET, POST");
    refuse(Status::method_not_allowed, std::move(text));
}

void Session::refuse(Status status, std::string text) {
    response_.result(status);
    response_.set(http::field::content_type, "text/plain");
    if (status == Status::unauthorized)
        response_.set(http::field::www_authenticate, "Basic realm=\"jsonrpc\"");
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
    // Source: RFC 9110, sections 8.6 and 9.3.2.
    if (response_.result() == Status::no_content) response_.erase(http::field::content_length);
    if (parser_->get().method() == http::verb::head) response_.body().clear();
    serializer_.emplace(response_);
    write_some();
}

/// As much as the socket takes: a slow client may take long for all, if it goes on.
void Session::write_some() {
    stream_.expires_after(server_.options().client_timeout);
    http::async_write_some(
        stream_, *serializer_,
        [self = shared_from_this()](boost::system::error_code error, size_t) {
            if (!error && !self->serializer_->is_done()) return self->write_some();
            const bool keep = self->response_.keep_alive();
            self->serializer_.reset();
            self->response_ = {};
            self->executing_ = false;
            if (error || !keep) return self->close();
            self->read_header();
        });
}

void Session::close() {
    boost::system::error_code ignored; // The peer may have left first.
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    stream_.close();
    delay_.cancel();
    left_.request_stop();
    server_.queue().forget(this);
}

} // namespace cairn::rpc::server
