// SPDX-License-Identifier: MIT
// Secrets under a passphrase: Argon2id makes guessing it slow, XChaCha20-Poly1305 hides the secret
// and proves that neither it nor what stands beside it was changed. Both are libsodium's.
#pragma once

#include "consensus/bytes.h"
#include "wallet/keys/secret.h"

#include <array>
#include <optional>
#include <string_view>

namespace cairn::wallet {

/// What one guess at the passphrase costs.
struct GuessCost {
    uint64_t passes = 3;
    uint64_t memory_bytes = 256U << 20; ///< libsodium's "moderate": about a second.

    /// Above these a file is refused: it would only keep the machine busy.
    static constexpr uint64_t MAX_PASSES = 64;
    static constexpr uint64_t MAX_MEMORY_BYTES = uint64_t{2} << 30;
};

/// A secret, sealed.
struct SealedSecret {
    GuessCost cost;
    std::array<uint8_t, 16> salt{};
    std::array<uint8_t, 24> nonce{};
    consensus::Bytes ciphertext;
};

/// `beside`: bytes kept in the open, which open_secret() will want unchanged.
SealedSecret seal_secret(
    std::string_view secret,
    std::string_view passphrase,
    consensus::ByteView beside,
    const GuessCost& cost);

/// nullopt: the passphrase is wrong, or something was changed; which of both can't be told.
std::optional<keys::SecretText>
open_secret(const SealedSecret& sealed, std::string_view passphrase, consensus::ByteView beside);

/// Fill with random bytes from the operating system.
void fill_random(uint8_t* out, size_t size);

keys::SecretKey random_secret_key();

/// Evenly distributed in [0, bound).
uint32_t random_below(uint32_t bound);

} // namespace cairn::wallet
