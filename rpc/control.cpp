// SPDX-License-Identifier: MIT
// The process itself: help, its clock, its end.
#include "node/clock.h"
#include "node/log.h"
#include "node/network.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "rpc/server/dispatch.h"
#include "rpc/server/help.h"
#include "rpc/server/openrpc.h"

#include <cstdio>
#include <limits>
#include <malloc.h>
#include <map>
#include <spdlog/spdlog.h>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr int64_t MAX_MOCK_TIME = std::numeric_limits<uint32_t>::max();

constexpr int64_t MAX_SCHEDULE_SECONDS = 3600;

const Error BAD_DELTA{Code::Misc, "delta_time must be between 1 and 3600 seconds (1 hr)"};

/// Core's sentence, by which old scripts learn what became of the method.
const Error GENERATE_IS_GONE{
    Code::MethodNotFound, "generate\n\nhas been replaced by the -generate cli option. Refer to "
                          "-help for more information.\n"};

const Method GENERATE{
    .name = "generate",
    .summary = "Gone from the reference, too; generatetoaddress mines.",
    .fails = {GENERATE_IS_GONE},
    .run = {[](auto&) { return Outcome<>(GENERATE_IS_GONE); }, "Nothing"},
};

std::string help(const Call& call) {
    if (!call.has(0)) return help_overview(call.dispatcher.groups());
    if (call.text(0) == GENERATE.name) return GENERATE_IS_GONE.message;
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

const Method RPC_DISCOVER{
    .name = "rpc.discover",
    .summary = "All methods, as an OpenRPC document.",
    .run = {std::identity(), OPENRPC},
};

const Method STOP{
    .name = "stop",
    .role = Role::Admin,
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
    if (!is_test_chain(call)) return not_a_test_chain(call);
    const int64_t time = call.integer(0);
    if (time < 0 || time > MAX_MOCK_TIME)
        return Error{
            Code::InvalidParameter, "Mocktime must be in the range [0, " +
                                        std::to_string(MAX_MOCK_TIME) + "], not " +
                                        std::to_string(time) + "."};
    context_of(call).node.clock.set_mock(time);
    if (node::Network* network = context_of(call).node.network; network != nullptr)
        network->advance_schedule(std::chrono::seconds(0));
    return Null{};
}

const Method SETMOCKTIME{
    .name = "setmocktime",
    .role = Role::Admin,
    .summary = "Set the clock that all rules and timers go by; for tests.",
    .params = {{"timestamp", Type::Time, REQUIRED, "Seconds since 1970; 0: the real time"}},
    .fails =
        {{Code::InvalidParameter, "Mocktime must be in the range [0, ...], not ..."},
         {Code::Misc, "setmocktime is for regression testing (-regtest mode) only"}},
    .example = "0",
    .run = setmocktime,
};

Outcome<> mockscheduler(const Call& call) {
    if (!is_test_chain(call)) return not_a_test_chain(call);
    const int64_t delta = call.integer(0);
    if (delta <= 0 || delta > MAX_SCHEDULE_SECONDS) return BAD_DELTA;
    if (node::Network* network = context_of(call).node.network; network != nullptr)
        network->advance_schedule(std::chrono::seconds(delta));
    return Null{};
}

const Method MOCKSCHEDULER{
    .name = "mockscheduler",
    .role = Role::Admin,
    .summary = "Have what is due once in a long while, announcing own transactions anew and saving "
               "addresses, due earlier; for tests.",
    .params = {{"delta_time", Type::Integer, REQUIRED, "Seconds, 1 to 3600"}},
    .fails =
        {BAD_DELTA, {Code::Misc, "mockscheduler is for regression testing (-regtest mode) only"}},
    .example = "60",
    .run = mockscheduler,
};

// getmemoryinfo, logging /////////////////////////////////////////////////////////////////////

/// Memory that is never swapped out, for keys. A node holds none, and locks none.
struct LockedMemory {};

constexpr auto NONE_LOCKED = [](auto&) { return 0; };

const Object<LockedMemory> LOCKED{
    {"used", "Bytes in use", NONE_LOCKED},
    {"free", "Bytes available", NONE_LOCKED},
    {"total", "Bytes managed", NONE_LOCKED},
    {"locked", "Bytes that the system keeps in memory", NONE_LOCKED},
    {"chunks_used", "Chunks in use", NONE_LOCKED},
    {"chunks_free", "Chunks available", NONE_LOCKED}};

const Object<LockedMemory> MEMORY{{"locked", "Of keys, of which a node has none", LOCKED}};

/// What the allocator says of itself, in XML.
std::string malloc_report() {
    char* text = nullptr;
    size_t size = 0;
    std::FILE* stream = ::open_memstream(&text, &size);
    if (stream == nullptr) throw std::runtime_error("out of memory");
    ::malloc_info(0, stream);
    std::fclose(stream);
    std::string report(text, size);
    std::free(text); // NOLINT(*-no-malloc): open_memstream allocates so
    return report;
}

Reply getmemoryinfo(const Call& call) {
    const std::string& mode = call.text(0);
    if (mode == "stats") return to_json(LockedMemory(), MEMORY);
    if (mode == "mallocinfo") return to_json(malloc_report());
    return Error{Code::InvalidParameter, "unknown mode " + mode};
}

const Method GETMEMORYINFO{
    .name = "getmemoryinfo",
    .summary = "How memory is used.",
    .params = {{"mode", Type::Text, "\"stats\"", "stats, or mallocinfo"}},
    .fails = {{Code::InvalidParameter, "unknown mode"}},
    .example = "mallocinfo",
    .run =
        {getmemoryinfo,
         {returned<LockedMemory>("mode = stats", "", MEMORY),
          returned<std::string>("mode = mallocinfo", "What malloc_info(3) reports")}},
};

Outcome<std::map<std::string_view, bool>> logging(const Call& call) {
    for (const size_t i : {0, 1}) { // include, exclude
        for (const Json& category : call.arguments[i].items) {
            if (!node::is_log_category(category.text))
                return Error{Code::InvalidParameter, "unknown logging category " + category.text};
            node::set_log_level(category.text, i == 0 ? spdlog::level::debug : spdlog::level::info);
        }
    }
    std::map<std::string_view, bool> modules;
    for (const std::string_view module : node::LOG_MODULES)
        modules[module] = node::logs_details(module);
    return modules;
}

const Method LOGGING{
    .name = "logging",
    .role = Role::Admin,
    .summary = "Of which parts of the node messages for debugging are logged, and change that; "
               "exclude comes last. The valid logging categories are: chain, index, main, mine, "
               "net, rpc; all; and the reference's, which mean the part that does such work",
    .params =
        {{"include", Type::Array, ABSENT, "Log these", {{"", Type::Text, "A category"}}},
         {"exclude", Type::Array, ABSENT, "Don't log these", {{"", Type::Text, "A category"}}}},
    .fails = {{Code::InvalidParameter, "unknown logging category"}},
    .run = {logging, "Parts, and whether they log in detail"},
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
        {"Control", {&HELP, &RPC_DISCOVER, &STOP, &UPTIME, &GETRPCINFO, &GETMEMORYINFO, &LOGGING}},
        {"hidden", {&SETMOCKTIME, &MOCKSCHEDULER, &ECHO_METHOD, &ECHOJSON, &GENERATE}}};
}

} // namespace cairn::rpc
