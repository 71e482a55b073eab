// SPDX-License-Identifier: MIT
#include "wallet/secret_box.h"

#include "consensus/signature.h"

#include <sodium.h>
#include <stdexcept>

namespace cairn::wallet {

using consensus::ByteView;
using keys::SecretBytes;
using keys::SecretText;

namespace {

constexpr size_t TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES;
using BoxKey = SecretBytes<crypto_aead_xchacha20poly1305_ietf_KEYBYTES>;

void start_sodium() {
    if (sodium_init() < 0) throw std::runtime_error("libsodium can't start");
}

BoxKey key_of(std::string_view passphrase, const SealedSecret& sealed) {
    static_assert(crypto_pwhash_SALTBYTES == std::tuple_size_v<decltype(sealed.salt)>);
    BoxKey key;
    const int failed = crypto_pwhash(
        key.data(), BoxKey::size(), passphrase.data(), passphrase.size(), sealed.salt.data(),
        sealed.cost.passes, sealed.cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
    if (failed != 0)
        throw std::runtime_error(
            "not enough memory to check the passphrase: " +
            std::to_string(sealed.cost.memory_bytes >> 20) + " MiB are needed");
    return key;
}

} // namespace

SealedSecret seal_secret(
    std::string_view secret, std::string_view passphrase, ByteView beside, const GuessCost& cost) {
    start_sodium();
    SealedSecret sealed{cost, {}, {}, {}};
    randombytes_buf(sealed.salt.data(), sealed.salt.size());
    randombytes_buf(sealed.nonce.data(), sealed.nonce.size());
    const BoxKey key = key_of(passphrase, sealed);
    sealed.ciphertext.resize(secret.size() + TAG_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed.ciphertext.data(), nullptr, reinterpret_cast<const uint8_t*>(secret.data()),
        secret.size(), beside.data(), beside.size(), nullptr, sealed.nonce.data(), key.data());
    return sealed;
}

std::optional<SecretText>
open_secret(const SealedSecret& sealed, std::string_view passphrase, ByteView beside) {
    start_sodium();
    const GuessCost& cost = sealed.cost;
    if (cost.passes < 1 || cost.passes > GuessCost::MAX_PASSES) return std::nullopt;
    if (cost.memory_bytes < crypto_pwhash_MEMLIMIT_MIN ||
        cost.memory_bytes > GuessCost::MAX_MEMORY_BYTES)
        return std::nullopt;
    if (sealed.ciphertext.size() < TAG_BYTES) return std::nullopt;
    const BoxKey key = key_of(passphrase, sealed);
    SecretText secret(sealed.ciphertext.size() - TAG_BYTES, '\0');
    const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        reinterpret_cast<uint8_t*>(secret.data()), nullptr, nullptr, sealed.ciphertext.data(),
        sealed.ciphertext.size(), beside.data(), beside.size(), sealed.nonce.data(), key.data());
    if (failed != 0) return std::nullopt;
    return secret;
}

void fill_random(uint8_t* out, size_t size) {
    start_sodium();
    randombytes_buf(out, size);
}

keys::SecretKey random_secret_key() {
    keys::SecretKey key;
    do fill_random(key.data(), keys::SecretKey::size());
    while (!consensus::is_secret_key(key.view()));
    return key;
}

uint32_t random_below(uint32_t bound) {
    start_sodium();
    return randombytes_uniform(bound);
}

} // namespace cairn::wallet
