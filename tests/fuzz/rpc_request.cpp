// SPDX-License-Identifier: MIT
// Any bytes as the body of a JSON-RPC request, to a method for each type of parameter: answered
// once, with JSON or with nothing.
#include "rpc/server/dispatch.h"

#include <cstdlib>

using namespace cairn::rpc::server;

namespace {

constexpr std::string_view NAMES = "abcdefghijkl";
constexpr Type TYPES[] = {Type::Bool,  Type::Int32,  Type::Integer, Type::Real,
                          Type::Level, Type::Time,   Type::Amount,  Type::Text,
                          Type::Hash,  Type::Object, Type::Array,   Type::Any};

/// The second argument, asked for as handlers do.
Outcome<Json> second(const Call& call) {
    const Type type = call.method.params[1].type;
    if (type == Type::Int32 || type == Type::Integer || type == Type::Time || type == Type::Level)
        return Json::of_text(std::to_string(call.has(1) ? call.integer(1) : 0));
    if (type == Type::Amount)
        return Json::of_text(std::to_string(call.has(1) ? call.satoshis(1) : 0));
    return call.arguments[1];
}

std::vector<Method> methods() {
    std::vector<Method> all;
    for (size_t i = 0; i < NAMES.size(); ++i)
        all.push_back(
            {.name = NAMES.substr(i, 1),
             .params = {{"first|one", TYPES[i], REQUIRED}, {"second", TYPES[i], ABSENT}},
             .run = {second}});
    return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const std::vector<Method> METHODS = methods();
    static Context context;
    static const User USER{"somebody"};
    static const std::unique_ptr<const Dispatcher> DISPATCHER = [] {
        Group group{"all", {}};
        for (const Method& method : METHODS) group.methods.push_back(&method);
        auto dispatcher = std::make_unique<Dispatcher>(std::vector{group});
        dispatcher->ready(context);
        return dispatcher;
    }();
    int answers = 0;
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    DISPATCHER->handle(body, {USER}, {}, [&](const Answer& answer) {
        ++answers;
        if (!answer.body.empty() && !parse_json(answer.body)) std::abort();
    });
    if (answers != 1) std::abort();
    return 0;
}
