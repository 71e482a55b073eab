// SPDX-License-Identifier: MIT
// What happens, as a stream of server-sent events.
#pragma once

#include "rpc/node_context.h"
#include "rpc/server/http_server.h"

namespace cairn::rpc {

/// For a GET of `target`: "/events?since=NUMBER&topics=TOPIC,TOPIC". Thread: any.
server::Streaming
stream_of_events(NodeContext& context, std::string_view target, std::string_view last_event_id);

} // namespace cairn::rpc
