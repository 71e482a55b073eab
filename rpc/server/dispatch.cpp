// SPDX-License-Identifier: MIT
#include "rpc/server/dispatch.h"

#include "rpc/server/json_writer.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <deque>
#include <optional>
#include <spdlog/spdlog.h>
#include <utility>

namespace cairn::rpc::server {

namespace {

constexpr int HTTP_OK = 200;
constexpr int HTTP_NO_CONTENT = 204;
constexpr int HTTP_BAD_REQUEST = 400;
constexpr int HTTP_FORBIDDEN = 403;
constexpr int HTTP_NOT_FOUND = 404;
constexpr int HTTP_SERVER_ERROR = 500;

/// Calls of a batch that are under way at a time: enough for all cores to have something to do.
constexpr size_t MAX_OVERLAPPING = 32;

/// After so long a batch lets others have its thread.
constexpr std::chrono::milliseconds SLICE{2};

const Error TOO_MANY_WAIT{Code::Misc, "Too many calls are waiting"};
const Error REPLY_TOO_LARGE{Code::Misc, "The reply to the batch is too large"};

/// What is given more than this to work on isn't quick, whatever it does: some work grows with the
/// square of it.
constexpr size_t MAX_QUICK_TEXT = size_t{16} << 10;

/// One request of a body, as far as it could be read.
struct Request {
    bool version_2 = false;
    std::optional<Json> id; ///< nullopt if the request has none.
    std::string method;
    Json params;

    /// Source: JSON-RPC 2.0, section 4.1; older versions know no such requests.
    bool is_notification() const { return version_2 && !id; }
};

Error invalid_request(std::string message) {
    return {Code::InvalidRequest, std::move(message)};
}

/// Fill `request` from `json`, in an order that lets an error be answered in the version and with
/// the id that the request asked for.
std::optional<Error> read_request(const Json& json, Request& request) {
    if (!json.is(Json::Kind::Object)) return invalid_request("Invalid Request object");
    if (const Json* id = json.find("id")) request.id = *id;
    if (const Json* version = json.find("jsonrpc"); version != nullptr && !version->is_null()) {
        if (!version->is(Json::Kind::String))
            return invalid_request("jsonrpc field must be a string");
        if (version->text == "2.0")
            request.version_2 = true;
        else if (version->text != "1.0" && version->text != "1.1")
            return invalid_request("JSON-RPC version not supported");
    }
    const Json* method = json.find("method");
    if (method == nullptr || method->is_null()) return invalid_request("Missing method");
    if (!method->is(Json::Kind::String)) return invalid_request("Method must be a string");
    request.method = method->text;
    const Json* params = json.find("params");
    request.params.kind = Json::Kind::Array;
    if (params == nullptr || params->is_null()) return std::nullopt;
    if (!params->is(Json::Kind::Array) && !params->is(Json::Kind::Object))
        return invalid_request("Params must be an array or object");
    request.params = *params;
    return std::nullopt;
}

void write_reply(JsonWriter& writer, const Request& request, const Reply& reply) {
    writer.begin_object();
    if (request.version_2) writer.key("jsonrpc").string("2.0");
    if (reply.has_value()) {
        writer.key("result").raw(*reply);
    } else if (!request.version_2) {
        writer.key("result").null();
    }
    if (reply.has_error()) {
        writer.key("error").begin_object();
        writer.key("code").integer(static_cast<int32_t>(reply.error().code));
        writer.key("message").string(reply.error().message).end_object();
    } else if (!request.version_2) {
        writer.key("error").null();
    }
    if (request.id) {
        writer.key("id");
        request.id->write(writer);
    }
    writer.end_object();
}

/// An error in the envelope is the client's, as is a call that he may not make; version 2.0 keeps
/// all others out of HTTP.
int http_status(const Request& request, const Reply& reply) {
    if (reply.has_value()) return HTTP_OK;
    if (reply.error().code == Code::InvalidRequest) return HTTP_BAD_REQUEST;
    if (reply.error().code == Code::Forbidden) return HTTP_FORBIDDEN;
    if (request.version_2) return HTTP_OK;
    return reply.error().code == Code::MethodNotFound ? HTTP_NOT_FOUND : HTTP_SERVER_ERROR;
}

Answer parse_error(std::string message) {
    Request request;
    request.id = Json{};
    JsonWriter writer;
    write_reply(writer, request, Error{Code::ParseError, std::move(message)});
    return {HTTP_SERVER_ERROR, writer.take() + "\n"};
}

} // namespace

/// One HTTP request on its way through: its calls are executed one after the other, but for those
/// that overlap, and between two of them it may rest, on no thread, until an event or its turn.
class Exchange : public std::enable_shared_from_this<Exchange> {
public:
    Exchange(
        const Dispatcher& dispatcher,
        Json json,
        Caller caller,
        Dispatcher::Resume resume,
        std::function<void(Answer)> done)
        : dispatcher_(dispatcher),
          json_(std::move(json)),
          batch_(json_.is(Json::Kind::Array)),
          caller_(std::move(caller)),
          resume_(std::move(resume)),
          done_(std::move(done)) {
        if (batch_) writer_.begin_array();
    }

    ~Exchange() { set_waiting(false); }

    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    /// Execute what is left, until the end, or until the exchange rests or was given up.
    void run() {
        const auto slice_ends = std::chrono::steady_clock::now() + SLICE;
        const size_t count = batch_ ? json_.items.size() : 1;
        while (next_ < count) {
            if (caller_.left.stop_requested()) return;
            const Json& json = batch_ ? json_.items[next_] : json_;
            if (!begun_.empty() && !overlaps(json)) return; // what was begun goes on with it
            if (caller_.queue != nullptr && batch_ && std::chrono::steady_clock::now() > slice_ends)
                return resume_([self = shared_from_this()] { self->run(); });
            ++next_;
            BegunCall& call = begun_.emplace_back();
            if (std::optional<Error> error = read_request(json, call.request))
                finish_call(call, *error);
            else
                start_call(call);
        }
        if (begun_.empty()) finish();
    }

private:
    /// One from its beginning until its reply is written.
    struct BegunCall {
        Request request;
        const Method* method = nullptr;
        std::optional<Dispatcher::ActiveCall> active;
        std::optional<Reply> reply;
    };

    /// Whether the call may begin beside those that are under way.
    bool overlaps(const Json& json) const {
        const Method* method = begun_.back().method;
        const Json* name = json.find("method");
        return method != nullptr && method->overlaps && begun_.size() < MAX_OVERLAPPING &&
               name != nullptr && name->text == method->name;
    }

    /// It is finished on return, or, if it waits, later; then run() follows.
    void start_call(BegunCall& begun) {
        const Request& request = begun.request;
        if (batch_ && writer_.text().size() > Dispatcher::MAX_BATCH_REPLY_BYTES)
            return finish_call(begun, REPLY_TOO_LARGE);
        if (!may_call(request.method)) return finish_call(begun, forbidden(request.method));
        auto prepared =
            dispatcher_.prepare(request.method, request.params, caller_.client, caller_.left);
        if (!prepared) return finish_call(begun, prepared.error());
        const std::shared_ptr<const Call> call = std::move(*prepared);
        const Method& method = call->method;
        begun.method = &method;
        spdlog::debug("ThreadRPCServer method={}", method.name);
        const Pace pace = caller_.queue == nullptr ? Pace::Quick : pace_of(*call, request);
        if (pace == Pace::Quick && method.run.wait == nullptr) {
            begun.active = dispatcher_.begin(method);
            return finish_call(begun, run_method(*call));
        }
        if (!caller_.may_wait || !set_waiting(true)) return finish_call(begun, TOO_MANY_WAIT);
        if (pace == Pace::Quick)
            execute_aside(begun, call);
        else
            caller_.queue->push(
                caller_.connection, pace,
                [self = shared_from_this(), &begun, call] { self->execute_aside(begun, call); });
    }

    static Pace pace_of(const Call& call, const Request& request) {
        const Pace pace = call.method.pace(call);
        const bool quick = pace == Pace::Quick && call.method.run.wait == nullptr;
        return quick && request.params.text_size() > MAX_QUICK_TEXT ? Pace::Slow : pace;
    }

    bool may_call(std::string_view name) const {
        const Method* method = dispatcher_.find(name);
        const User& user = caller_.user;
        return user.lists(name) && (method == nullptr || user.role >= method->role);
    }

    /// One line for all of a batch, with no more of what the user wrote than we know: he shall not
    /// fill the log.
    Error forbidden(const std::string& called) {
        const std::string& name = caller_.user.name;
        const Method* method = dispatcher_.find(called);
        if (!std::exchange(told_forbidden_, true))
            spdlog::warn(
                "rpc_forbidden user={} method={}", name, method ? method->name : "unknown");
        return {Code::Forbidden, "User " + name + " may not call " + called};
    }

    /// Begin a call that is finished later; on the caller's thread, or one of the queue.
    void execute_aside(BegunCall& begun, const std::shared_ptr<const Call>& call) {
        begun.active = dispatcher_.begin(call->method);
        // Once: a method that throws may have promised an answer by then.
        auto once = std::make_shared<std::atomic_flag>();
        auto done = [self = shared_from_this(), &begun, once](Reply reply) {
            if (once->test_and_set()) return;
            self->resume_([self, &begun, reply = std::move(reply)]() mutable {
                self->finish_call(begun, std::move(reply));
                self->run();
            });
        };
        if (caller_.queue != nullptr && caller_.queue->stopping()) return done(STOPPING);
        if (call->method.run.wait == nullptr) return done(run_method(*call));
        try {
            call->method.run.wait(call, done);
        } catch (const std::exception& failure) {
            done(failed(*call, failure));
        }
    }

    /// Count this as waiting, or no more. False if there are too many.
    bool set_waiting(bool waiting) {
        if (waiting_ == waiting) return true;
        if (waiting && ++dispatcher_.waiting_ > Dispatcher::MAX_WAITING_CALLS) {
            --dispatcher_.waiting_;
            return false;
        }
        if (!waiting) --dispatcher_.waiting_;
        waiting_ = waiting;
        return true;
    }

    static Error failed(const Call& call, const std::exception& failure) {
        spdlog::error("rpc_failed method={} error={}", call.method.name, failure.what());
        return {Code::Misc, failure.what()};
    }

    static Reply run_method(const Call& call) {
        try {
            return call.method.run.run(call);
        } catch (const std::exception& failure) {
            return failed(call, failure);
        }
    }

    /// Replies are written in the order of the calls.
    void finish_call(BegunCall& finished, Reply reply) {
        if (finished.active) dispatcher_.end(*finished.active, reply.has_error());
        finished.reply = std::move(reply);
        while (!begun_.empty() && begun_.front().reply) {
            const auto& [request, method, active, first] = begun_.front();
            if (!batch_) status_ = http_status(request, *first);
            if (!request.is_notification()) {
                write_reply(writer_, request, *first);
                ++reply_count_;
            }
            begun_.pop_front();
        }
        if (begun_.empty()) set_waiting(false);
    }

    void finish() {
        const auto done = std::exchange(done_, nullptr);
        if (!done) return; // a slice ended when nothing was left to begin
        const bool only_notifications = reply_count_ == 0 && next_ > 0;
        if (only_notifications) return done({HTTP_NO_CONTENT, {}});
        if (batch_) writer_.end_array();
        done({status_, writer_.take() + "\n"});
    }

    const Dispatcher& dispatcher_;
    const Json json_;
    const bool batch_;
    const Caller caller_;
    Dispatcher::Resume resume_;
    std::function<void(Answer)> done_;
    JsonWriter writer_;
    std::deque<BegunCall> begun_; ///< Those that stay keep their places in the memory.
    size_t next_ = 0;
    size_t reply_count_ = 0;
    int status_ = HTTP_OK;
    bool waiting_ = false; ///< It is one of Dispatcher::waiting_.
    bool told_forbidden_ = false;
};

Dispatcher::Dispatcher(std::vector<Group> groups) : groups_(std::move(groups)) {
    for (const Group& group : groups_)
        for (const Method* method : group.methods) {
            const bool is_new = by_name_.emplace(method->name, method).second;
            assert(is_new);
        }
}

void Dispatcher::set_status(std::string status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
}

void Dispatcher::ready(Context& context) {
    context_.store(&context, std::memory_order_release);
}

void Dispatcher::handle(
    std::string_view body,
    const Caller& caller,
    Resume resume,
    std::function<void(Answer)> done) const {
    std::optional<Json> json = parse_json(body);
    if (!json) return done(parse_error("Parse error"));
    if (!json->is(Json::Kind::Object) && !json->is(Json::Kind::Array))
        return done(parse_error("Top-level object parse error"));
    std::make_shared<Exchange>(*this, std::move(*json), caller, std::move(resume), std::move(done))
        ->run();
}

Outcome<std::shared_ptr<const Call>> Dispatcher::prepare(
    std::string_view name,
    const Json& params,
    const std::shared_ptr<PushClient>& client,
    const std::stop_token& left) const {
    Context* context = context_.load(std::memory_order_acquire);
    if (context == nullptr) {
        const std::lock_guard lock(mutex_);
        return Error{Code::InWarmup, status_};
    }
    const Method* method = find(name);
    if (method == nullptr) return Error{Code::MethodNotFound, "Method not found"};
    Outcome<std::vector<Json>> arguments = arguments_of(*method, params);
    const size_t given_count = arguments ? arguments->size() : 0;
    if (arguments) arguments = check_arguments(*method, std::move(*arguments));
    if (!arguments) return arguments.error();
    return std::make_shared<const Call>(
        Call{*method, *context, *this, std::move(*arguments), given_count, client, left});
}

Reply Dispatcher::run(std::string_view name, std::vector<Json> arguments) const {
    Json params;
    params.kind = Json::Kind::Array;
    params.items = std::move(arguments);
    const auto call = prepare(name, params);
    if (!call) return call.error();
    return (*call)->method.run.run(**call);
}

const Method* Dispatcher::find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

std::vector<Dispatcher::Active> Dispatcher::active() const {
    const std::lock_guard lock(mutex_);
    return {active_.begin(), active_.end()};
}

Dispatcher::ActiveCall Dispatcher::begin(const Method& method) const {
    const std::lock_guard lock(mutex_);
    return active_.insert(active_.end(), {method.name, std::chrono::steady_clock::now()});
}

void Dispatcher::end(ActiveCall call, bool failed) const {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    const double seconds = std::chrono::duration<double>(now - call->since).count();
    const auto latency = std::ranges::lower_bound(LATENCIES, seconds) - LATENCIES.begin();
    Calls& calls = calls_[call->method];
    ++calls.by_latency[static_cast<size_t>(latency)];
    calls.seconds += seconds;
    calls.errors += failed ? 1 : 0;
    active_.erase(call);
}

std::vector<Dispatcher::Calls> Dispatcher::calls() const {
    const std::lock_guard lock(mutex_);
    std::vector<Calls> all;
    for (const auto& [method, calls] : calls_) {
        all.push_back(calls);
        all.back().method = method;
    }
    std::ranges::sort(all, {}, &Calls::method);
    return all;
}

} // namespace cairn::rpc::server
