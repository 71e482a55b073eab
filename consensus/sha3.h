// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/hash.h"

namespace cairn::consensus {

/// SHA3-256, which the protocol uses only in the text of Tor addresses (BIP-0155).
Hash256 sha3_256(ByteView bytes);

} // namespace cairn::consensus
