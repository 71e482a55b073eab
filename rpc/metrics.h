// SPDX-License-Identifier: MIT
// What machines that watch machines ask of a node: figures for Prometheus, whether it lives, and
// whether it may be given work.
#pragma once

#include "rpc/node_context.h"
#include "rpc/server/dispatch.h"

namespace cairn::rpc {

/// Figures of all parts, in Prometheus' text format. Thread: any.
server::Answer metrics_answer(const server::Dispatcher& dispatcher, const NodeContext& context);

/// 200 as long as the process answers. `started`: what it does is in the body.
server::Answer health_answer(bool started);

/// 200 if the node is as good as others: synced, its tip no older than the chain's spacing lets
/// expect, and with peers unless it is to have none; else 503, and why. `context`: null while it
/// starts. Thread: any.
server::Answer readiness_answer(const NodeContext* context);

/// The age, in seconds, at which a tip says that something is wrong; nullopt for a chain whose
/// blocks are made on request.
std::optional<int64_t> tip_age_limit(const consensus::Params& params);

} // namespace cairn::rpc
