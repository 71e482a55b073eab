// SPDX-License-Identifier: MIT
// Any JSON as the parameters of any of the node's methods: what passes the table's checks is of
// the types that the handlers rely on.
#include "rpc/methods.h"
#include "rpc/server/json.h"
#include "tests/fuzz/check.h"

using namespace cairn::rpc::server;
using cairn::tests::check;

namespace {

std::vector<const Method*> all_methods() {
    std::vector<const Method*> all;
    for (const Group& group : cairn::rpc::node_methods())
        all.insert(all.end(), group.methods.begin(), group.methods.end());
    return all;
}

void check_one(const Param& param, const Json& value) {
    const std::optional<Json::Kind> kind = type_info(param.type).kind;
    const bool absent = value.is_null() && param.fallback != REQUIRED;
    check(absent || !kind || value.is(*kind));
    if (absent || !value.is(Json::Kind::Number)) return;
    if (param.type == Type::Int32 || param.type == Type::Integer)
        check(integer_of(value.text).has_value());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const std::vector<const Method*> METHODS = all_methods();
    if (size == 0) return 0;
    const Method& method = *METHODS[data[0] % METHODS.size()];
    const auto params = parse_json({reinterpret_cast<const char*>(data) + 1, size - 1});
    if (!params || !(params->is(Json::Kind::Array) || params->is(Json::Kind::Object))) return 0;
    const auto arguments = arguments_of(method, *params);
    if (!arguments) return 0;
    const auto checked = check_arguments(method, *arguments);
    if (!checked) return 0;
    check(checked->size() == method.params.size());
    for (size_t i = 0; i < checked->size(); ++i) check_one(method.params[i], (*checked)[i]);
    return 0;
}
