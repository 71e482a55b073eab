// SPDX-License-Identifier: MIT
// The one table of the node's methods, put together from its parts.
#pragma once

#include "rpc/server/method.h"

#include <vector>

namespace cairn::rpc {

using Groups = std::vector<server::Group>;

Groups blockchain_methods();
Groups block_stats_methods();
Groups proof_methods();
Groups verify_chain_methods();
Groups coin_methods();
Groups chain_control_methods();
Groups mempool_methods();
Groups transaction_methods();
Groups raw_transaction_methods();
Groups psbt_methods();
Groups mining_methods();
Groups mining_info_methods();
Groups generating_methods();
Groups network_methods();
Groups node_address_methods();
Groups descriptor_methods();
Groups index_methods();
Groups fee_methods();
Groups utility_methods();
Groups control_methods();
Groups push_methods();

/// All of them.
Groups node_methods();

} // namespace cairn::rpc
