// SPDX-License-Identifier: MIT
#include "wallet/keys/block_signer.h"

#include "consensus/block_signing.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "wallet/keys/sign.h"

namespace cairn::wallet::keys {

using consensus::Bytes;
using consensus::ByteView;
using consensus::Script;
using consensus::SigningPair;

namespace {

/// The signature by `key` among what `script_sig` pushes; nullopt if there is none.
std::optional<Bytes>
signature_in(const Script& script_sig, ByteView key, const consensus::Hash256& hash) {
    consensus::ScriptReader reader(script_sig);
    while (const auto push = reader.next()) {
        const ByteView data = push->data;
        if (data.empty() || data.back() != consensus::SIGHASH_ALL) continue;
        if (consensus::verify_ecdsa(data.first(data.size() - 1), key, hash))
            return Bytes(data.begin(), data.end());
    }
    return std::nullopt;
}

/// Sign for a challenge that is P2WPKH.
SigningState
sign_p2wpkh_challenge(consensus::Block& block, SigningPair pair, const FindSecret& find_secret) {
    const Script& challenge = pair.to_spend.outputs[0].script_pubkey;
    const std::optional<SecretKey> secret = find_secret(read_challenge(challenge).value().keys[0]);
    if (!secret) return {};
    const consensus::SighashMidstates midstates(pair.to_sign, pair.to_spend.outputs);
    sign_p2wpkh(pair.to_sign, 0, *secret, midstates);
    consensus::set_solution(block, pair.to_sign.inputs[0]);
    return {.signatures = 1, .added = 1};
}

} // namespace

std::optional<Challenge> read_challenge(const Script& script) {
    const consensus::OutputTemplate found = consensus::match_template(script);
    if (found.type == consensus::OutputType::PubKey ||
        found.type == consensus::OutputType::WitnessV0KeyHash)
        return Challenge{found.parts, 1};
    if (found.type == consensus::OutputType::Multisig)
        return Challenge{found.parts, found.required};
    return std::nullopt;
}

Script multisig_challenge(int required, const std::vector<Bytes>& keys) {
    Script script;
    consensus::push_number(script, required);
    for (const Bytes& key : keys) consensus::push_data(script, key);
    consensus::push_number(script, static_cast<int64_t>(keys.size()));
    consensus::push_opcode(script, consensus::OP_CHECKMULTISIG);
    return script;
}

SigningState sign_block(
    consensus::Block& block, const consensus::Params& params, const FindSecret& find_secret) {
    const Script& challenge = params.challenge;
    const Challenge wanted = read_challenge(challenge).value();
    if (check_block_signature(block, params)) return {.signatures = wanted.required};
    const SigningPair pair = consensus::signing_pair(block, challenge).value();
    if (challenge[0] == consensus::OP_0) return sign_p2wpkh_challenge(block, pair, find_secret);
    const consensus::TxIn& before = pair.to_sign.inputs[0];
    const consensus::Hash256 hash =
        consensus::legacy_sighash(pair.to_sign, 0, challenge, consensus::SIGHASH_ALL);

    // Signatures stand in the order of their keys; OP_CHECKMULTISIG takes one value too many.
    consensus::TxIn solution;
    if (challenge.back() == consensus::OP_CHECKMULTISIG)
        consensus::push_opcode(solution.script_sig, consensus::OP_0);
    SigningState state;
    for (const Bytes& key : wanted.keys) {
        if (state.signatures == wanted.required) break;
        std::optional<Bytes> signature = signature_in(before.script_sig, key, hash);
        if (!signature) {
            const std::optional<SecretKey> secret = find_secret(consensus::hash160(key));
            if (!secret) continue;
            signature = sign_ecdsa(*secret, hash);
            signature->push_back(consensus::SIGHASH_ALL);
            ++state.added;
        }
        consensus::push_data(solution.script_sig, *signature);
        ++state.signatures;
    }
    if (state.added > 0) consensus::set_solution(block, solution);
    return state;
}

} // namespace cairn::wallet::keys
