// SPDX-License-Identifier: MIT
#include "rpc/named_block.h"

namespace cairn::rpc {

using namespace consensus;
using namespace server;

Outcome<const chain::BlockNode*> block_named(const Call& call, const Json& name) {
    if (!name.is(Json::Kind::Number)) {
        if (!name.is(Json::Kind::String)) return type_error(name.kind, Json::Kind::String);
        if (auto error = check_hash("hash_or_height", name.text)) return std::move(*error);
        const chain::BlockNode* node =
            chain_of(call).find_block(*BlockHash::from_string(name.text));
        if (node == nullptr) return BLOCK_NOT_FOUND;
        return node;
    }
    const chain::View view = chain_of(call).view();
    const Outcome<int32_t> height = int32_of(name);
    if (!height) return height.error();
    if (*height < 0)
        return Error{Code::InvalidParameter, "Target block height " + name.text + " is negative"};
    if (*height > view.height().value)
        return Error{
            Code::InvalidParameter, "Target block height " + name.text + " after current tip " +
                                        std::to_string(view.height().value)};
    return view.at(*height);
}

Error body_missing(const chain::BlockNode& node) {
    return node.pruned() ? PRUNED : NOT_AVAILABLE;
}

} // namespace cairn::rpc
