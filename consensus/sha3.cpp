// SPDX-License-Identifier: MIT
#include "consensus/sha3.h"

#include <cassert>
#include <openssl/evp.h>

namespace cairn::consensus {

Hash256 sha3_256(ByteView bytes) {
    Hash256 hash;
    unsigned int size = 0;
    const int good =
        EVP_Digest(bytes.data(), bytes.size(), hash.bytes.data(), &size, EVP_sha3_256(), nullptr);
    assert(good == 1 && size == hash.bytes.size());
    (void)good;
    return hash;
}

} // namespace cairn::consensus
