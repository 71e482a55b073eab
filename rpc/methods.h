// SPDX-License-Identifier: MIT
// The one table of the node's methods, put together from its groups.
#pragma once

#include "rpc/server/method.h"

#include <vector>

namespace cairn::rpc {

using Methods = std::vector<const server::Method*>;

Methods blockchain_methods();
Methods chain_control_methods();
Methods mempool_methods();
Methods transaction_methods();
Methods mining_methods();
Methods generating_methods();
Methods network_methods();
Methods utility_methods();
Methods control_methods();

/// All of them.
Methods node_methods();

} // namespace cairn::rpc
