// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace cairn::node {

/// Names a connection for as long as the process runs. Core: NodeId.
using PeerId = int64_t;

constexpr PeerId NO_PEER = -1;

} // namespace cairn::node
