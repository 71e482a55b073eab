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

constexpr std::string_view GROUP = "Control";
constexpr std::string_view HIDDEN = "hidden";
constexpr int64_t MAX_MOCK_TIME = std::numeric_limits<uint32_t>::max();

Reply help(const Call& call) {
    if (!call.has(0)) return JsonWriter().string(help_overview(call.dispatcher().methods())).take();
    const Method* method = call.dispatcher().find(call.text(0));
    if (method == nullptr)
        return JsonWriter().string("help: unknown command: " + call.text(0)).take();
    return JsonWriter().string(help_text(*method)).take();
}

const Method HELP{
    .name = "help",
    .group = GROUP,
    .summary = "All methods, or all about one.",
    .params = {{"command", Type::Text, ABSENT, "The method"}},
    .returns = {{"", {"", Type::Text, "The help text"}}},
    .example = "help getblock",
    .run = help,
};

Reply stop(const Call& call) {
    context_of(call).node.request_stop();
    return JsonWriter().string("Cairn stopping").take();
}

const Method STOP{
    .name = "stop",
    .group = GROUP,
    .summary = "Stop the node.",
    .params = {{"wait", Type::Int32, ABSENT, "Accepted; the reply goes out in any case"}},
    .returns = {{"", {"", Type::Text, "A sentence"}}},
    .example = "stop",
    .run = stop,
};

Reply uptime(const Call& call) {
    return JsonWriter().integer(context_of(call).node.clock.uptime().count()).take();
}

const Method UPTIME{
    .name = "uptime",
    .group = GROUP,
    .summary = "Seconds since the node was started.",
    .returns = {{"", {"", Type::Integer, "Seconds"}}},
    .example = "uptime",
    .run = uptime,
};

Reply getrpcinfo(const Call& call) {
    const auto now = std::chrono::steady_clock::now();
    JsonWriter writer;
    writer.begin_object().key("active_commands").begin_array();
    for (const Dispatcher::Active& active : call.dispatcher().active()) {
        const auto duration =
            std::chrono::duration_cast<std::chrono::microseconds>(now - active.since);
        writer.begin_object().field("method", active.method);
        writer.field("duration", static_cast<int64_t>(duration.count())).end_object();
    }
    writer.end_array().field("logpath", context_of(call).node.log_file.string());
    return writer.end_object().take();
}

const Method GETRPCINFO{
    .name = "getrpcinfo",
    .group = GROUP,
    .summary = "What the JSON-RPC server is doing.",
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"active_commands",
             Type::Array,
             "Calls being executed",
             {{"",
               Type::Object,
               "A call",
               {{"method", Type::Text, "Its method"},
                {"duration", Type::Integer, "Microseconds so far"}}}}},
            {"logpath", Type::Text, "The log file"}}}}},
    .example = "getrpcinfo",
    .run = getrpcinfo,
};

Reply setmocktime(const Call& call) {
    // A chain whose blocks cost nothing is a test's; on others time is not to be played with.
    if (!std::holds_alternative<FixedRule>(params_of(call).pow))
        return Error{Code::Misc, "setmocktime is for regression testing (-regtest mode) only"};
    const int64_t time = call.integer(0);
    if (time < 0 || time > MAX_MOCK_TIME)
        return Error{
            Code::InvalidParameter, "Mocktime must be in the range [0, " +
                                        std::to_string(MAX_MOCK_TIME) + "], not " +
                                        std::to_string(time) + "."};
    context_of(call).node.clock.set_mock(time);
    return std::string("null");
}

const Method SETMOCKTIME{
    .name = "setmocktime",
    .group = HIDDEN,
    .summary = "Set the clock that all rules and timers go by; for tests.",
    .params = {{"timestamp", Type::Time, REQUIRED, "Seconds since 1970; 0: the real time"}},
    .returns = {{"", {"", Type::Null, ""}}},
    .fails = {{Code::Misc, "setmocktime is for regression testing (-regtest mode) only"}},
    .example = "setmocktime 0",
    .run = setmocktime,
};

Reply echo(const Call& call) {
    JsonWriter writer;
    writer.begin_array();
    for (size_t i = 0; i < call.given_count(); ++i) call.json(i).write(writer);
    return writer.end_array().take();
}

std::vector<Param> echo_params() {
    std::vector<Param> params;
    for (const std::string_view name :
         {"arg0", "arg1", "arg2", "arg3", "arg4", "arg5", "arg6", "arg7", "arg8", "arg9"})
        params.push_back({name, Type::Any, ABSENT, "Anything"});
    return params;
}

const std::vector<server::Result> ECHOED{
    {"", {"", Type::Array, "The arguments", {{"", Type::Any, "An argument"}}}}};

const Method ECHO_METHOD{
    .name = "echo",
    .group = HIDDEN,
    .summary = "Return the arguments.",
    .params = echo_params(),
    .returns = ECHOED,
    .example = "echo hello",
    .run = echo,
};

const Method ECHOJSON{
    .name = "echojson",
    .group = HIDDEN,
    .summary = "Return the arguments, which a command line reads as JSON.",
    .params = echo_params(),
    .returns = ECHOED,
    .example = "echojson {\"a\":1}",
    .run = echo,
};

} // namespace

Methods control_methods() {
    return {&HELP, &STOP, &UPTIME, &GETRPCINFO, &SETMOCKTIME, &ECHO_METHOD, &ECHOJSON};
}

} // namespace cairn::rpc
