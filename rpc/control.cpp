// SPDX-License-Identifier: MIT
// The process itself: help, its clock, its end.
#include "node/clock.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "rpc/server/dispatch.h"
#include "rpc/server/help.h"

#include <limits>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr int64_t MAX_MOCK_TIME = std::numeric_limits<uint32_t>::max();

const Error NOT_A_TEST_CHAIN{
    Code::Misc, "setmocktime is for regression testing (-regtest mode) only"};

std::string help(const Call& call) {
    if (!call.has(0)) return help_overview(call.dispatcher.groups());
    const Method* method = call.dispatcher.find(call.text(0));
    return method == nullptr ? "help: unknown command: " + call.text(0) : help_text(*method);
}

const Method HELP{
    .name = "help",
    .summary = "All methods, or all about one.",
    .params = {{"command", Type::Text, ABSENT, "The method"}},
    .example = "getblock",
    .run = {help, "The help text"},
};

std::string_view stop(const Call& call) {
    context_of(call).node.request_stop();
    return "Cairn stopping";
}

const Method STOP{
    .name = "stop",
    .summary = "Stop the node.",
    .params = {{"wait", Type::Int32, ABSENT, "Accepted; the reply goes out in any case"}},
    .run = {stop, "A sentence"},
};

const Method UPTIME{
    .name = "uptime",
    .summary = "Seconds since the node was started.",
    .run = {[](auto& call) { return context_of(call).node.clock.uptime().count(); }, "Seconds"},
};

using Active = Dispatcher::Active;

const Object<Active> ACTIVE_CALL{
    {"method", "Its method", &Active::method},
    {"duration", "Microseconds so far", [](auto& active) {
         const auto duration = std::chrono::steady_clock::now() - active.since;
         return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
     }}};

const Object<Call> SERVER_STATE{
    {"active_commands", "Calls being executed", [](auto& call) { return call.dispatcher.active(); },
     ACTIVE_CALL},
    {"logpath", "The log file",
     [](auto& call) { return context_of(call).node.log_file.string(); }}};

const Method GETRPCINFO{
    .name = "getrpcinfo",
    .summary = "What the JSON-RPC server is doing.",
    .run = {std::identity(), SERVER_STATE},
};

Outcome<> setmocktime(const Call& call) {
    // A chain whose blocks cost nothing is a test's; on others time is not to be played with.
    if (!std::holds_alternative<FixedRule>(params_of(call).pow)) return NOT_A_TEST_CHAIN;
    const int64_t time = call.integer(0);
    if (time < 0 || time > MAX_MOCK_TIME)
        return Error{
            Code::InvalidParameter, "Mocktime must be in the range [0, " +
                                        std::to_string(MAX_MOCK_TIME) + "], not " +
                                        std::to_string(time) + "."};
    context_of(call).node.clock.set_mock(time);
    return Null{};
}

const Method SETMOCKTIME{
    .name = "setmocktime",
    .summary = "Set the clock that all rules and timers go by; for tests.",
    .params = {{"timestamp", Type::Time, REQUIRED, "Seconds since 1970; 0: the real time"}},
    .fails = {NOT_A_TEST_CHAIN},
    .example = "0",
    .run = setmocktime,
};

std::vector<Json> echo(const Call& call) {
    return {
        call.arguments.begin(), call.arguments.begin() + static_cast<ptrdiff_t>(call.given_count)};
}

std::vector<Param> echo_params() {
    std::vector<Param> params;
    for (const std::string_view name :
         {"arg0", "arg1", "arg2", "arg3", "arg4", "arg5", "arg6", "arg7", "arg8", "arg9"})
        params.push_back({name, Type::Any, ABSENT, "Anything"});
    return params;
}

const Method ECHO_METHOD{
    .name = "echo",
    .summary = "Return the arguments.",
    .params = echo_params(),
    .example = "hello",
    .run = {echo, "The arguments"},
};

const Method ECHOJSON{
    .name = "echojson",
    .summary = "Return the arguments, which a command line reads as JSON.",
    .params = echo_params(),
    .example = "{\"a\":1}",
    .run = {echo, "The arguments"},
};

} // namespace

Groups control_methods() {
    return {
        {"Control", {&HELP, &STOP, &UPTIME, &GETRPCINFO}},
        {"hidden", {&SETMOCKTIME, &ECHO_METHOD, &ECHOJSON}}};
}

} // namespace cairn::rpc
