// SPDX-License-Identifier: MIT
// What consensus costs beyond the work that can't be avoided. Each benchmark runs that bare work in
// turn with ours, in rounds so short that the machine's other business meets both alike, and
// reports the median of the rounds' ratios beside what it may be. docs/performance.md has the
// figures.
#include "consensus/interpreter.h"
#include "consensus/pubkey_points.h"
#include "consensus/sha256_lanes.h"
#include "consensus/standard.h"
#include "tests/processor_time.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <random>

using namespace cairn::consensus;

namespace {

template <class Work>
double time_of(int times, Work work) {
    return cairn::tests::processor_seconds([&] {
        for (int i = 0; i < times; ++i) work();
    });
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// Time rounds of `times` each of `ours` and of `bare`; `allowed`: the ratio that is asked for.
template <class Ours, class Bare>
void compare(benchmark::State& state, int times, double allowed, Ours ours, Bare bare) {
    std::vector<double> ours_seconds;
    std::vector<double> bare_seconds;
    std::vector<double> ratios;
    for (auto _ : state) {
        ours_seconds.push_back(time_of(times, ours));
        bare_seconds.push_back(time_of(times, bare));
        ratios.push_back(ours_seconds.back() / bare_seconds.back());
        state.SetIterationTime(ours_seconds.back());
    }
    state.counters["ours_ns"] = median(ours_seconds) * 1e9 / times;
    state.counters["bare_ns"] = median(bare_seconds) * 1e9 / times;
    state.counters["ratio"] = median(ratios);
    state.counters["allowed"] = allowed;
}

Bytes random_bytes(size_t size) {
    static std::mt19937 random(1); // NOLINT: the same bytes each time
    Bytes bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    return bytes;
}

Txid random_txid() {
    return Txid(sha256(random_bytes(32)));
}

void check(bool good) {
    if (!good) std::abort();
}

// One signature ///////////////////////////////////////////////////////////////////////////////////

const secp256k1_context* signing_context() {
    static const secp256k1_context* const CONTEXT =
        secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    return CONTEXT;
}

secp256k1_keypair make_key() {
    secp256k1_keypair pair;
    check(secp256k1_keypair_create(signing_context(), &pair, random_bytes(32).data()) == 1);
    return pair;
}

Bytes compressed_key(const secp256k1_keypair& pair) {
    const secp256k1_context* context = signing_context();
    secp256k1_pubkey key;
    Bytes bytes(33);
    size_t size = bytes.size();
    check(secp256k1_keypair_pub(context, &key, &pair) == 1);
    secp256k1_ec_pubkey_serialize(context, bytes.data(), &size, &key, SECP256K1_EC_COMPRESSED);
    return bytes;
}

/// One input that spends `script`, two outputs.
Transaction make_payment() {
    Transaction tx;
    tx.inputs.push_back({.prevout = {.txid = random_txid(), .index = 1}});
    for (const Amount value : {Amount(30'000), Amount(60'000)})
        tx.outputs.push_back({value, pay_to_witness(0, random_bytes(20))});
    return tx;
}

/// Short, so that some rounds meet no interrupt.
constexpr int ROUND_OF_SIGNATURES = 10;

/// A transaction of one input as the node checks it, what its inputs share included.
void verify_whole(const Transaction& tx, const TxOut& spent) {
    const SighashMidstates midstates(tx, {spent});
    check(verify_input(tx, 0, spent, STANDARD_FLAGS, midstates) == ScriptError::Ok);
}

void verify_p2wpkh(benchmark::State& state) {
    const secp256k1_context* context = signing_context();
    const secp256k1_keypair pair = make_key();
    std::array<uint8_t, 32> secret{};
    check(secp256k1_keypair_sec(context, secret.data(), &pair) == 1);
    const Bytes key_bytes = compressed_key(pair);

    Transaction tx = make_payment();
    const Hash160 key_hash = hash160(key_bytes);
    const TxOut spent{100'000, pay_to_witness(0, key_hash)};
    const SighashMidstates midstates(tx, {spent});
    const Hash256 hash =
        witness_sighash(tx, 0, pay_to_pubkey_hash(key_hash), spent.value, SIGHASH_ALL, midstates);
    secp256k1_ecdsa_signature signature;
    check(
        secp256k1_ecdsa_sign(
            context, &signature, hash.bytes.data(), secret.data(), nullptr, nullptr) == 1);
    Bytes der(72);
    size_t size = der.size();
    secp256k1_ecdsa_signature_serialize_der(context, der.data(), &size, &signature);
    der.resize(size);
    Bytes with_type = der;
    with_type.push_back(SIGHASH_ALL);
    tx.inputs[0].witness.push_back(with_type);
    tx.inputs[0].witness.push_back(key_bytes);

    compare(
        state, ROUND_OF_SIGNATURES, 1.05, [&] { verify_whole(tx, spent); },
        [&] {
            secp256k1_pubkey parsed_key;
            secp256k1_ecdsa_signature parsed;
            const auto* verifier = secp256k1_context_static;
            check(
                secp256k1_ec_pubkey_parse(verifier, &parsed_key, key_bytes.data(), 33) == 1 &&
                secp256k1_ecdsa_signature_parse_der(verifier, &parsed, der.data(), der.size()) &&
                secp256k1_ecdsa_verify(verifier, &parsed, hash.bytes.data(), &parsed_key) == 1);
        });
}

void verify_taproot_key(benchmark::State& state) {
    const secp256k1_context* context = signing_context();
    const secp256k1_keypair pair = make_key();
    secp256k1_xonly_pubkey key;
    std::array<uint8_t, 32> key_bytes{};
    check(secp256k1_keypair_xonly_pub(context, &key, nullptr, &pair) == 1);
    secp256k1_xonly_pubkey_serialize(context, key_bytes.data(), &key);

    Transaction tx = make_payment();
    const TxOut spent{100'000, pay_to_witness(1, key_bytes)};
    const SighashMidstates midstates(tx, {spent});
    const Hash256 hash =
        *taproot_sighash(tx, 0, SIGHASH_DEFAULT, SigVersion::Taproot, midstates, {});
    std::array<uint8_t, 64> signature{};
    check(
        secp256k1_schnorrsig_sign32(context, signature.data(), hash.bytes.data(), &pair, nullptr) ==
        1);
    tx.inputs[0].witness.push_back(signature);

    compare(
        state, ROUND_OF_SIGNATURES, 1.05, [&] { verify_whole(tx, spent); },
        [&] {
            secp256k1_xonly_pubkey parsed;
            const auto* verifier = secp256k1_context_static;
            check(
                secp256k1_xonly_pubkey_parse(verifier, &parsed, key_bytes.data()) == 1 &&
                secp256k1_schnorrsig_verify(
                    verifier, signature.data(), hash.bytes.data(), 32, &parsed) == 1);
        });
}

/// The keys of a verify pool's job, each read from its point.
void points_of_sixteen_keys(benchmark::State& state) {
    constexpr size_t KEYS = 16;
    if (best_root_finder() == RootFinder::None) return state.SkipWithError("no AVX2");
    const auto* context = secp256k1_context_static;
    std::vector<TxIn> inputs(KEYS);
    std::vector<Bytes> keys;
    for (TxIn& input : inputs) {
        keys.push_back(compressed_key(make_key()));
        input.witness.push_back(random_bytes(72));
        input.witness.push_back(keys.back());
    }
    const TxOut spent{100'000, pay_to_witness(0, random_bytes(20))};
    secp256k1_pubkey parsed;
    compare(
        state, 10, 0.6,
        [&] {
            PubkeyPoints points;
            for (const TxIn& input : inputs) points.add(input, spent);
            points.solve();
            for (const Bytes& key : keys)
                check(secp256k1_ec_pubkey_parse(context, &parsed, points.find(key)->data(), 65));
        },
        [&] {
            for (const Bytes& key : keys)
                check(secp256k1_ec_pubkey_parse(context, &parsed, key.data(), key.size()));
        });
}

// One block ///////////////////////////////////////////////////////////////////////////////////////

/// Two inputs with the witness of P2WPKH, two outputs.
Transaction usual_transaction() {
    Transaction tx;
    for (uint32_t i = 0; i < 2; ++i) {
        TxIn& in = tx.inputs.emplace_back();
        in.prevout = {random_txid(), i};
        in.witness.push_back(random_bytes(72));
        in.witness.push_back(random_bytes(33));
        tx.outputs.push_back({100'000, pay_to_witness(0, random_bytes(20))});
    }
    return tx;
}

void parse_block(benchmark::State& state) {
    constexpr int64_t BLOCK_BYTES = 1'000'000;
    Block block;
    std::vector<Bytes> hashed; // each transaction without and with its witness
    while (block.size_bytes() < BLOCK_BYTES) {
        const SealedTransaction& tx = block.transactions.emplace_back(usual_transaction());
        Writer stripped(hashed.emplace_back());
        tx.write_without_witness(stripped);
        hashed.push_back(encode(tx));
    }
    const Bytes bytes = encode(block);
    compare(
        state, 1, 2.0, [&] { check(decode<Block>(bytes).has_value()); },
        [&] {
            for (const Bytes& each : hashed) benchmark::DoNotOptimize(sha256d(each));
        });
}

// Hashes //////////////////////////////////////////////////////////////////////////////////////////

/// `ours` hashes `count` blocks of 64 bytes; libcrypto's low-level calls do the same.
template <class Ours>
void compare_with_libcrypto(benchmark::State& state, size_t count, double allowed, Ours ours) {
    Bytes in = random_bytes(64 * count);
    Bytes out(32 * count);
    compare(
        state, 1000, allowed,
        [&] {
            ours(out.data(), in.data());
            benchmark::DoNotOptimize(out.data());
            benchmark::ClobberMemory();
        },
        [&] {
            for (size_t i = 0; i < count; ++i)
                benchmark::DoNotOptimize(sha256(sha256(ByteView(in).subspan(64 * i, 64)).bytes));
        });
}

void sha256d_64_single(benchmark::State& state) {
    compare_with_libcrypto(state, 1, 0.75, [](uint8_t* out, const uint8_t* in) {
        const Hash256 hash = sha256d_64(in);
        std::memcpy(out, hash.bytes.data(), 32);
    });
}

void sha256d_64_pair(benchmark::State& state) {
    compare_with_libcrypto(
        state, 2, 0.55, [](uint8_t* out, const uint8_t* in) { sha256d_64_many(out, in, 2); });
}

/// Against as many hashes in pairs as the tree has nodes.
void merkle_root_of_4096(benchmark::State& state) {
    constexpr size_t LEAVES = 4096;
    std::vector<Hash256> leaves;
    for (size_t i = 0; i < LEAVES; ++i) leaves.push_back(random_txid());
    const Bytes in = random_bytes(64 * LEAVES);
    Bytes out(32 * LEAVES);
    compare(
        state, 1, 1.1, [&] { benchmark::DoNotOptimize(merkle_root_of(leaves)); },
        [&] {
            sha256d_64_many(out.data(), in.data(), LEAVES - 1);
            benchmark::ClobberMemory();
        });
}

BENCHMARK(verify_p2wpkh)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(verify_taproot_key)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(points_of_sixteen_keys)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(parse_block)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(sha256d_64_single)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(sha256d_64_pair)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(merkle_root_of_4096)->UseManualTime()->Unit(benchmark::kMicrosecond);

} // namespace
