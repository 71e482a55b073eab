// SPDX-License-Identifier: MIT
#include "consensus/signature.h"

#include "consensus/pubkey_points.h"
#include "consensus/sighash.h"

#include <secp256k1.h>
#include <secp256k1_schnorrsig.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>
#include <string_view>

namespace cairn::consensus {

namespace {

constexpr uint8_t DER_SEQUENCE = 0x30;
constexpr uint8_t DER_INTEGER = 0x02;

/// Verification needs no context of its own; the library only asks to be tested once.
const secp256k1_context* verify_context() {
    static const secp256k1_context* const CONTEXT = [] {
        secp256k1_selftest();
        return secp256k1_context_static;
    }();
    return CONTEXT;
}

/// Take a positive integer in its only allowed form off the front of `rest`.
bool take_strict_integer(ByteView& rest) {
    if (rest.size() < 3 || rest[0] != DER_INTEGER) return false;
    const size_t length = rest[1];
    if (length == 0 || length > rest.size() - 2) return false;
    const ByteView number = rest.subspan(2, length);
    const bool negative = (number[0] & 0x80) != 0;
    // A leading zero is there only to keep the number positive.
    const bool padded = length > 1 && number[0] == 0 && (number[1] & 0x80) == 0;
    rest = rest.subspan(2 + length);
    return !negative && !padded;
}

/// Takes values off a byte string as the OpenSSL of 2009 did: lengths may be written long, and
/// those of the whole may lie.
class LenientDer {
public:
    explicit LenientDer(ByteView rest) : rest_(rest) {}

    /// Step over the head of the sequence. What length it states does not matter.
    bool skip_sequence() {
        if (!take_byte(DER_SEQUENCE) || rest_.empty()) return false;
        const size_t head = (rest_[0] & 0x80) != 0 ? size_t{1} + (rest_[0] & 0x7f) : 1;
        if (head > rest_.size()) return false;
        rest_ = rest_.subspan(head);
        return true;
    }

    /// The bytes of the next integer, without leading zeros.
    std::optional<ByteView> integer() {
        if (!take_byte(DER_INTEGER)) return std::nullopt;
        const std::optional<size_t> length = take_length();
        if (!length || *length > rest_.size()) return std::nullopt;
        ByteView number = rest_.first(*length);
        rest_ = rest_.subspan(*length);
        while (!number.empty() && number[0] == 0) number = number.subspan(1);
        return number;
    }

private:
    bool take_byte(uint8_t expected) {
        if (rest_.empty() || rest_[0] != expected) return false;
        rest_ = rest_.subspan(1);
        return true;
    }

    std::optional<size_t> take_length() {
        if (rest_.empty()) return std::nullopt;
        const size_t first = rest_[0];
        rest_ = rest_.subspan(1);
        if ((first & 0x80) == 0) return first;
        const size_t width = first & 0x7f;
        if (width > rest_.size()) return std::nullopt;
        ByteView digits = rest_.first(width);
        rest_ = rest_.subspan(width);
        while (!digits.empty() && digits[0] == 0) digits = digits.subspan(1);
        if (digits.size() > 3) return std::nullopt; // longer than any script
        size_t length = 0;
        for (const uint8_t digit : digits) length = length << 8 | digit;
        return length;
    }

    ByteView rest_;
};

/// R and S, 32 bytes each, the most significant first.
using Numbers = std::array<uint8_t, 64>;

/// The numbers in `der`; nullopt if it holds no two. If one is longer, both are zero: a signature
/// that verifies nothing.
std::optional<Numbers> parse_lenient_der(ByteView der) {
    LenientDer reader(der);
    if (!reader.skip_sequence()) return std::nullopt;
    const std::optional<ByteView> r = reader.integer();
    if (!r) return std::nullopt;
    const std::optional<ByteView> s = reader.integer();
    if (!s) return std::nullopt;
    Numbers numbers{};
    if (r->size() <= 32 && s->size() <= 32) {
        std::ranges::copy(*r, numbers.begin() + 32 - static_cast<ptrdiff_t>(r->size()));
        std::ranges::copy(*s, numbers.end() - static_cast<ptrdiff_t>(s->size()));
    }
    return numbers;
}

/// Whether the 32 bytes at `number` are at least `bound`.
bool at_least(const uint8_t* number, std::string_view bound) {
    return std::memcmp(number, bound.data(), bound.size()) >= 0;
}

/// Whether S is in the upper half of its range. The library has no cheap way to tell.
bool is_high_s(const Numbers& numbers) {
    using namespace std::string_view_literals;
    constexpr std::string_view ORDER = // of the group
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"
        "\xba\xae\xdc\xe6\xaf\x48\xa0\x3b\xbf\xd2\x5e\x8c\xd0\x36\x41\x41"sv;
    constexpr std::string_view UPPER_HALF =
        "\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        "\x5d\x57\x6e\x73\x57\xa4\x50\x1d\xdf\xe9\x2f\x46\x68\x1b\x20\xa1"sv;
    const uint8_t* const s = numbers.data() + 32;
    // A signature with a number out of range is none, and counts as zero. (So does the library.)
    return at_least(s, UPPER_HALF) && !at_least(s, ORDER) && !at_least(numbers.data(), ORDER);
}

/// Read `pubkey`, by its point if `points` have it. That point has the X and the parity of the key,
/// and the library takes it only if it is on the curve: there is one such at most.
bool parse_pubkey(secp256k1_pubkey& key, ByteView pubkey, const PubkeyPoints* points) {
    const secp256k1_context* context = verify_context();
    if (points != nullptr && is_compressed_pubkey(pubkey)) {
        const PubkeyPoints::Uncompressed* point = points->find(pubkey);
        if (point != nullptr &&
            secp256k1_ec_pubkey_parse(context, &key, point->data(), point->size()) == 1)
            return true;
    }
    return secp256k1_ec_pubkey_parse(context, &key, pubkey.data(), pubkey.size()) == 1;
}

} // namespace

bool is_strict_der(ByteView signature) {
    if (signature.size() < 9 || signature.size() > 73) return false;
    ByteView rest = signature.first(signature.size() - 1);
    if (rest[0] != DER_SEQUENCE || rest[1] != rest.size() - 2) return false;
    rest = rest.subspan(2);
    const bool r = take_strict_integer(rest);
    const bool s = r && take_strict_integer(rest);
    return s && rest.empty();
}

bool is_low_s(ByteView der) {
    const std::optional<Numbers> numbers = parse_lenient_der(der);
    return numbers && !is_high_s(*numbers);
}

bool is_defined_hash_type(uint8_t type) {
    const int base = type & ~SIGHASH_ANYONECANPAY;
    return base >= SIGHASH_ALL && base <= SIGHASH_SINGLE;
}

bool is_pubkey_size(ByteView pubkey) {
    const bool hybrid = pubkey.size() == 65 && (pubkey[0] == 6 || pubkey[0] == 7);
    return hybrid || is_compressed_pubkey(pubkey) || is_uncompressed_pubkey(pubkey);
}

bool is_compressed_pubkey(ByteView pubkey) {
    return pubkey.size() == 33 && (pubkey[0] == 2 || pubkey[0] == 3);
}

bool is_uncompressed_pubkey(ByteView pubkey) {
    return pubkey.size() == 65 && pubkey[0] == 4;
}

std::optional<Bytes> uncompressed_pubkey(ByteView pubkey) {
    secp256k1_pubkey key;
    if (secp256k1_ec_pubkey_parse(verify_context(), &key, pubkey.data(), pubkey.size()) == 0)
        return std::nullopt;
    Bytes bytes(65);
    size_t size = bytes.size();
    secp256k1_ec_pubkey_serialize(
        verify_context(), bytes.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
    return bytes;
}

bool is_secret_key(ByteView secret) {
    assert(secret.size() == 32);
    return secp256k1_ec_seckey_verify(verify_context(), secret.data()) == 1;
}

bool verify_ecdsa(ByteView der, ByteView pubkey, const Hash256& hash, const PubkeyPoints* points) {
    const secp256k1_context* context = verify_context();
    secp256k1_pubkey key;
    if (!is_pubkey_size(pubkey)) return false;
    if (!parse_pubkey(key, pubkey, points)) return false;
    const std::optional<Numbers> numbers = parse_lenient_der(der);
    if (!numbers) return false;
    secp256k1_ecdsa_signature signature;
    if (secp256k1_ecdsa_signature_parse_compact(context, &signature, numbers->data()) == 0)
        return false; // out of range
    // The library refuses a high S, which only policy forbids here (BIP-0146).
    if (is_high_s(*numbers)) secp256k1_ecdsa_signature_normalize(context, &signature, &signature);
    return secp256k1_ecdsa_verify(context, &signature, hash.bytes.data(), &key) == 1;
}

bool verify_schnorr(
    ByteView signature, ByteView pubkey, ByteView message, const PubkeyPoints* points) {
    assert(signature.size() == 64 && pubkey.size() == 32);
    const secp256k1_context* context = verify_context();
    // An x-only key stands for the point whose Y is even.
    std::array<uint8_t, 33> compressed{2};
    std::ranges::copy(pubkey, compressed.begin() + 1);
    secp256k1_pubkey even;
    if (!parse_pubkey(even, compressed, points)) return false;
    secp256k1_xonly_pubkey key;
    if (secp256k1_xonly_pubkey_from_pubkey(context, &key, nullptr, &even) == 0) return false;
    return secp256k1_schnorrsig_verify(
               context, signature.data(), message.data(), message.size(), &key) == 1;
}

} // namespace cairn::consensus
