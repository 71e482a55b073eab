// SPDX-License-Identifier: MIT
// The method table as a document that programs read: OpenRPC 1.2.6, whose schemas are JSON Schema.
#pragma once

#include "rpc/server/dispatch.h"

namespace cairn::rpc::server {

/// The result of `rpc.discover`.
extern const Object<Call> OPENRPC;

} // namespace cairn::rpc::server
