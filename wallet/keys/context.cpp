// SPDX-License-Identifier: MIT
#include "wallet/keys/context.h"

namespace cairn::wallet::keys {

const secp256k1_context* signing_context() {
    static const secp256k1_context* const CONTEXT =
        secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    return CONTEXT;
}

PublicKey compressed(const secp256k1_pubkey& point) {
    PublicKey key{};
    size_t size = key.size();
    secp256k1_ec_pubkey_serialize(
        signing_context(), key.data(), &size, &point, SECP256K1_EC_COMPRESSED);
    return key;
}

} // namespace cairn::wallet::keys
