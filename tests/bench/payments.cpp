// SPDX-License-Identifier: MIT
#include "tests/bench/payments.h"

#include "chain/chain.h"
#include "consensus/block_rules.h"
#include "consensus/chain_file.h"
#include "consensus/pow.h"
#include "consensus/sighash.h"
#include "consensus/standard.h"

#include <secp256k1.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace cairn::bench {

namespace {

constexpr uint32_t EASY = 0x207fffff;

void require(int result) {
    if (result != 1) throw std::logic_error("libsecp256k1 refuses");
}

const secp256k1_context* context() {
    static const secp256k1_context* const CONTEXT =
        secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    return CONTEXT;
}

struct Key {
    std::array<uint8_t, 32> secret{};
    Bytes public_key = Bytes(33);
    Script script;      ///< Pays to it.
    Script script_code; ///< What a signature of BIP-0143 covers.

    explicit Key(size_t number) {
        secret.fill(7);
        secret[31] = static_cast<uint8_t>(number);
        secp256k1_pubkey key;
        require(secp256k1_ec_pubkey_create(context(), &key, secret.data()));
        size_t size = public_key.size();
        require(secp256k1_ec_pubkey_serialize(
            context(), public_key.data(), &size, &key, SECP256K1_EC_COMPRESSED));
        const Hash160 hash = hash160(public_key);
        script = pay_to_witness(0, hash);
        script_code = pay_to_pubkey_hash(hash);
    }

    Bytes sign(const Hash256& hash) const {
        secp256k1_ecdsa_signature signature;
        require(secp256k1_ecdsa_sign(
            context(), &signature, hash.bytes.data(), secret.data(), nullptr, nullptr));
        Bytes der(73);
        size_t size = der.size();
        require(secp256k1_ecdsa_signature_serialize_der(context(), der.data(), &size, &signature));
        der.resize(size);
        return der;
    }
};

const std::vector<Key>& keys() {
    static const std::vector<Key> ALL = [] {
        std::vector<Key> made;
        for (size_t i = 0; i < KEYS; ++i) made.emplace_back(i);
        return made;
    }();
    return ALL;
}

void solve(Block& block) {
    const Uint256 target = *target_of(block.header.bits);
    while (to_number(block.header.hash()) > target) ++block.header.nonce;
}

} // namespace

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

static bool reported(const char* name, double value, double asked, bool good) {
    std::printf("%-34s %8.2f of %6.2f%s\n", name, value, asked, good ? "" : ": NOT AS ASKED");
    return good;
}

bool figure(const char* name, double value, double most) {
    return reported(name, value, most, value <= most);
}

bool figure_at_least(const char* name, double value, double least) {
    return reported(name, value, least, value >= least);
}

Params make_params() {
    std::ifstream file(CAIRN_SOURCE_DIR "/tests/bench/chain.json");
    std::ostringstream text;
    text << file.rdbuf();
    return read_chain_file(text.str());
}

const Script& script_of(size_t key) {
    return keys()[key].script;
}

void sign(Transaction& tx, const std::vector<Owned>& spent) {
    std::vector<TxOut> outputs;
    outputs.reserve(spent.size());
    for (const Owned& coin : spent) outputs.push_back({coin.value, keys()[coin.key].script});
    for (TxIn& in : tx.inputs) in.witness.push_back({}); // so that the midstates are made
    const SighashMidstates midstates(tx, outputs);
    for (size_t i = 0; i < spent.size(); ++i) {
        const Key& key = keys()[spent[i].key];
        Bytes signature = key.sign(
            witness_sighash(tx, i, key.script_code, spent[i].value, SIGHASH_ALL, midstates));
        signature.push_back(SIGHASH_ALL);
        tx.inputs[i].witness.clear();
        tx.inputs[i].witness.push_back(signature);
        tx.inputs[i].witness.push_back(key.public_key);
    }
}

Block make_block(
    const Params& params,
    const BlockHash& previous,
    int32_t height,
    std::vector<SealedTransaction> transactions) {
    Block block;
    block.header.version = 4;
    block.header.prev_hash = previous;
    block.header.time = START_TIME + static_cast<uint32_t>(height) * 600;
    block.header.bits = EASY;
    Transaction coinbase;
    TxIn& in = coinbase.inputs.emplace_back();
    in.prevout.index = OutPoint::NULL_INDEX;
    push_number(in.script_sig, height);
    push_opcode(in.script_sig, OP_0);
    in.witness.push_back(Hash256{}.bytes);
    coinbase.outputs.push_back({block_subsidy(height, params), keys()[0].script});
    coinbase.outputs.push_back({0, witness_commitment_script({})});
    block.transactions.emplace_back(std::move(coinbase));
    for (SealedTransaction& tx : transactions) block.transactions.push_back(std::move(tx));
    chain::regenerate_commitments(block);
    solve(block);
    return block;
}

void verify_bare(size_t i) {
    struct Signed {
        Hash256 hash;
        Bytes der;
    };

    static const std::vector<Signed> SAMPLES = [] {
        std::vector<Signed> samples(1'000);
        for (size_t at = 0; at < samples.size(); ++at) {
            samples[at].hash = sha256(as_bytes(std::to_string(at)));
            samples[at].der = keys()[at % KEYS].sign(samples[at].hash);
        }
        return samples;
    }();
    const Signed& sample = SAMPLES[i % SAMPLES.size()];
    const Bytes& key_bytes = keys()[i % SAMPLES.size() % KEYS].public_key;
    secp256k1_pubkey key;
    secp256k1_ecdsa_signature signature;
    require(secp256k1_ec_pubkey_parse(context(), &key, key_bytes.data(), key_bytes.size()));
    require(secp256k1_ecdsa_signature_parse_der(
        context(), &signature, sample.der.data(), sample.der.size()));
    require(secp256k1_ecdsa_verify(context(), &signature, sample.hash.bytes.data(), &key));
}

} // namespace cairn::bench
