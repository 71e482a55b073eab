// SPDX-License-Identifier: MIT
#include "consensus/chacha20.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <openssl/evp.h>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(chacha20)

namespace {

Keystream by_libcrypto(const Hash256& key) {
    const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> cipher(
        EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    const std::array<uint8_t, 16> counter_and_nonce{};
    const Keystream zeros{};
    Keystream stream;
    int size = 0;
    EVP_EncryptInit_ex(
        cipher.get(), EVP_chacha20(), nullptr, key.bytes.data(), counter_and_nonce.data());
    EVP_EncryptUpdate(cipher.get(), stream.data(), &size, zeros.data(), int{sizeof zeros});
    return stream;
}

} // namespace

BOOST_AUTO_TEST_CASE(keystream__each_instruction_set__as_libcrypto) {
    Hash256 key;
    for (int i = 0; i < 1'000; ++i) {
        key = sha256(key.bytes);
        const Keystream known = by_libcrypto(key);
        for (const Vectors with : {Vectors::Any, Vectors::Avx2, Vectors::Avx512})
            if (with <= best_vectors() && chacha20_keystream(key, with) != known)
                BOOST_ERROR(
                    "the stream of " << key.to_string() << " differs by "
                                     << static_cast<int>(with));
    }
}

BOOST_AUTO_TEST_SUITE_END()
