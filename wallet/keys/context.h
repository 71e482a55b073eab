// SPDX-License-Identifier: MIT
// libsecp256k1 as this folder uses it.
#pragma once

#include "wallet/keys/extended_key.h"

#include <secp256k1.h>

namespace cairn::wallet::keys {

/// For everything that touches a secret key. Any thread: it is never changed.
const secp256k1_context* signing_context();

PublicKey compressed(const secp256k1_pubkey& point);

} // namespace cairn::wallet::keys
