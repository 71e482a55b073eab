// SPDX-License-Identifier: MIT
// Descriptors in the arguments of calls.
#pragma once

#include "rpc/node_context.h"
#include "wallet/keys/descriptor.h"

#include <functional>

namespace cairn::rpc {

/// Given a descriptor, and one of the scripts that it stands for with its child number.
using VisitScript = std::function<void(
    const wallet::keys::Descriptor&, uint32_t index, const wallet::keys::DescribedScript&)>;

/// Visit all scripts of `object`: a descriptor, or an object of that and a range.
std::optional<Error>
for_each_script(const Call& call, const server::Json& object, const VisitScript& visit);

} // namespace cairn::rpc
