// SPDX-License-Identifier: MIT
#include "wallet/keys/sign.h"

#include "consensus/standard.h"
#include "wallet/keys/context.h"

#include <cassert>
#include <cstring>

namespace cairn::wallet::keys {

using consensus::Bytes;
using consensus::Hash256;

consensus::Script p2wpkh_script(const PublicKey& key) {
    return consensus::pay_to_witness(0, consensus::hash160(key));
}

Bytes sign_ecdsa(const SecretKey& key, const Hash256& hash) {
    secp256k1_ecdsa_signature signature;
    std::array<uint8_t, 64> compact{};
    std::array<uint8_t, 32> extra{};
    // Half of all R need a 33rd byte in DER; other nonces are tried until one doesn't.
    for (uint32_t round = 0;; ++round) {
        std::memcpy(extra.data(), &round, sizeof round);
        const int signed_ok = secp256k1_ecdsa_sign(
            signing_context(), &signature, hash.bytes.data(), key.data(),
            secp256k1_nonce_function_rfc6979, round == 0 ? nullptr : extra.data());
        assert(signed_ok == 1 && "a secret key is checked where it is made");
        static_cast<void>(signed_ok);
        secp256k1_ecdsa_signature_serialize_compact(signing_context(), compact.data(), &signature);
        if (compact[0] < 0x80) break;
    }
    Bytes der(72);
    size_t size = der.size();
    secp256k1_ecdsa_signature_serialize_der(signing_context(), der.data(), &size, &signature);
    der.resize(size);
    return der;
}

void sign_p2wpkh(
    consensus::Transaction& tx,
    size_t input,
    const SecretKey& key,
    const consensus::SighashMidstates& midstates) {
    const PublicKey pubkey = public_key(key);
    const consensus::TxOut& spent = midstates.spent.at(input);
    assert(spent.script_pubkey == p2wpkh_script(pubkey));
    const consensus::Script code = consensus::pay_to_pubkey_hash(consensus::hash160(pubkey));
    const Hash256 hash =
        consensus::witness_sighash(tx, input, code, spent.value, consensus::SIGHASH_ALL, midstates);
    Bytes signature = sign_ecdsa(key, hash);
    signature.push_back(consensus::SIGHASH_ALL);
    tx.inputs[input].witness.clear();
    tx.inputs[input].witness.push_back(signature);
    tx.inputs[input].witness.push_back(pubkey);
}

} // namespace cairn::wallet::keys
