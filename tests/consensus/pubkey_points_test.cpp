// SPDX-License-Identifier: MIT
#include "consensus/pubkey_points.h"
#include "consensus/script.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "tests/consensus/spend.h"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace cairn::consensus;
using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(pubkey_points)

namespace {

const Signer ALICE(1);
const Signer BOB(2);

/// Those that this CPU has.
std::vector<RootFinder> finders() {
    switch (best_root_finder()) {
    case RootFinder::None:
        return {};
    case RootFinder::Avx2:
        return {RootFinder::Avx2};
    case RootFinder::Avx512Ifma:
        return {RootFinder::Avx2, RootFinder::Avx512Ifma};
    }
    return {};
}

/// Compressed keys with X near 0, p and 2^256, with long runs of ones, and random ones: half of
/// all X are no point's.
std::vector<Bytes> keys() {
    std::vector<Bytes> all;
    const auto add = [&](uint8_t filled, uint8_t last) {
        Bytes key(33, filled);
        key[0] = static_cast<uint8_t>(2 + all.size() % 2);
        key.back() = last;
        return &all.emplace_back(std::move(key));
    };
    for (int last = 0; last < 256; ++last) {
        add(0, static_cast<uint8_t>(last));
        add(0xff, static_cast<uint8_t>(last));
        Bytes& prime = *add(0xff, static_cast<uint8_t>(last)); // p ends in fffffffefffffc2f
        prime[28] = 0xfe;
        prime[31] = 0xfc;
    }
    std::mt19937_64 random(1);
    for (int i = 0; i < 2'000; ++i) {
        Bytes& key = *add(0, 0);
        for (size_t at = 1; at < key.size(); ++at)
            key[at] = random() % 4 == 0 ? 0xff : static_cast<uint8_t>(random());
    }
    return all;
}

/// One input that shows `pushes` or `items`, and the coin it spends.
PubkeyPoints
points_of(const Script& coin, const Script& script_sig, const std::vector<Bytes>& items) {
    TxIn input;
    input.script_sig = script_sig;
    for (const Bytes& item : items) input.witness.push_back(item);
    PubkeyPoints points;
    // A single key isn't worth it.
    for (int i = 0; i < 2; ++i) points.add(input, {.value = 1, .script_pubkey = coin});
    points.solve();
    return points;
}

bool knows(const PubkeyPoints& points, const Signer& signer) {
    const PubkeyPoints::Uncompressed* point = points.find(signer.key());
    return point != nullptr && std::ranges::equal(*point, signer.uncompressed_key());
}

Script one_of_two() {
    return make_script(OP_1, ALICE.key(), BOB.key(), OP_2, OP_CHECKMULTISIG);
}

} // namespace

BOOST_AUTO_TEST_CASE(solve__each_instruction_set__as_the_library) {
    const std::vector<Bytes> all = keys();
    for (const RootFinder finder : finders())
        for (size_t first = 0, count = 2; first + count <= all.size(); first += count) {
            count = 2 + first % (PubkeyPoints::MAX_KEYS - 1);
            const std::span job =
                std::span(all).subspan(first).first(std::min(count, all.size() - first));
            PubkeyPoints points(finder);
            for (const Bytes& key : job)
                points.add({}, {.value = 1, .script_pubkey = make_script(key, OP_CHECKSIG)});
            points.solve();
            for (const Bytes& key : job) {
                const auto* found = points.find(key);
                const std::optional<Bytes> known = uncompressed_pubkey(key);
                if (known && (found == nullptr || !std::ranges::equal(*found, *known)))
                    BOOST_ERROR(to_hex(key) << " is not found by " << static_cast<int>(finder));
                if (!known && found != nullptr && uncompressed_pubkey(*found))
                    BOOST_ERROR(to_hex(key) << " is found to be a point");
            }
        }
}

BOOST_AUTO_TEST_CASE(add__usual_forms__finds_the_keys_they_show) {
    if (finders().empty()) return;
    const Bytes signature(71, 0x30);
    const Bytes key = ALICE.key();
    const Script pair = one_of_two();
    const Bytes script(pair.begin(), pair.end());
    const Bytes key_hash = Bytes(20, 1); // Nobody looks what it is of.
    const Bytes script_hash = Bytes(32, 1);
    const Script nested = pay_to_script_hash(key_hash);
    const auto push = [](const auto&... parts) { return make_script(parts...); };

    BOOST_TEST(knows(points_of(push(key, OP_CHECKSIG), push(signature), {}), ALICE)); // P2PK
    BOOST_TEST(knows(points_of(pair, push(OP_0, signature), {}), BOB));
    BOOST_TEST(knows(points_of(pay_to_pubkey_hash(key_hash), push(signature, key), {}), ALICE));
    BOOST_TEST(knows(points_of(nested, push(OP_0, signature, script), {}), BOB));
    BOOST_TEST(knows(points_of(pay_to_witness(0, key_hash), {}, {signature, key}), ALICE));
    BOOST_TEST(knows(points_of(pay_to_witness(0, script_hash), {}, {{}, signature, script}), BOB));
    BOOST_TEST(knows(points_of(nested, push(Bytes(22)), {signature, key}), ALICE));
}

BOOST_AUTO_TEST_CASE(add__taproot__finds_the_output_key_if_it_signs) {
    if (finders().empty()) return;
    const Script coin = pay_to_witness(1, ALICE.x_only_key());
    Bytes even = ALICE.key();
    even[0] = 2;
    BOOST_TEST((points_of(coin, {}, {Bytes(64)}).find(even) != nullptr));
    BOOST_TEST(
        (points_of(coin, {}, {Bytes(64), Bytes(34), Bytes(33)}).find(even) == nullptr)); // a script
    BOOST_TEST(
        (points_of(pay_to_witness(2, ALICE.x_only_key()), {}, {Bytes(64)}).find(even) == nullptr));
}

BOOST_AUTO_TEST_CASE(find__other_parity__nothing) {
    if (finders().empty()) return;
    const PubkeyPoints points = points_of(make_script(ALICE.key(), OP_CHECKSIG), {}, {});
    Bytes other = ALICE.key();
    other[0] ^= 1;
    BOOST_TEST((points.find(ALICE.key()) != nullptr));
    BOOST_TEST((points.find(other) == nullptr));
}

BOOST_AUTO_TEST_CASE(solve__a_single_key_or_no_instructions__left_to_the_library) {
    for (const RootFinder finder : {best_root_finder(), RootFinder::None}) {
        PubkeyPoints points(finder);
        const int keys = finder == RootFinder::None ? 2 : 1;
        for (int i = 0; i < keys; ++i)
            points.add({}, {.value = 1, .script_pubkey = make_script(ALICE.key(), OP_CHECKSIG)});
        points.solve();
        BOOST_TEST((points.find(ALICE.key()) == nullptr));
    }
}

BOOST_AUTO_TEST_CASE(add__more_than_a_job_may_have__the_first) {
    if (finders().empty()) return;
    const std::vector<Bytes> all = keys();
    Script many;
    for (size_t i = 0; i <= PubkeyPoints::MAX_KEYS; ++i) push_data(many, all[i]);
    const PubkeyPoints points = points_of(many, {}, {});
    BOOST_TEST((points.find(all[PubkeyPoints::MAX_KEYS - 1]) != nullptr));
    BOOST_TEST((points.find(all[PubkeyPoints::MAX_KEYS]) == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
