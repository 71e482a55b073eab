// SPDX-License-Identifier: MIT
#include "consensus/address.h"

#include "consensus/bech32.h"
#include "consensus/signature.h"
#include "consensus/standard.h"

#include <algorithm>

namespace cairn::consensus {

namespace {

constexpr size_t HASH_BYTES = 20;
constexpr size_t MAX_UNCHECKED_BASE58_BYTES = 100; ///< Core's bound for its second guess.
constexpr int MAX_WITNESS_VERSION = 16;

bool has_prefix(ByteView bytes, ByteView prefix) {
    return bytes.size() >= prefix.size() && std::ranges::equal(bytes.first(prefix.size()), prefix);
}

Bytes joined(ByteView prefix, ByteView bytes) {
    Bytes both(prefix.begin(), prefix.end());
    both.insert(both.end(), bytes.begin(), bytes.end());
    return both;
}

/// A script, or what is wrong with the address.
struct Parsed {
    std::optional<Script> script;
    AddressError error;
};

Parsed wrong(std::string message, std::vector<int> locations = {}) {
    return {std::nullopt, {std::move(message), std::move(locations)}};
}

Parsed parse_base58(std::string_view address, const AddressPrefixes& prefixes) {
    const size_t longest_prefix =
        std::max(prefixes.pubkey_hash.size(), prefixes.script_hash.size());
    const std::optional<Bytes> data = base58check_decode(address, HASH_BYTES + longest_prefix);
    if (!data) {
        if (base58_decode(address, MAX_UNCHECKED_BASE58_BYTES))
            return wrong("Invalid checksum or length of Base58 address (P2PKH or P2SH)");
        return wrong("Invalid or unsupported Segwit (Bech32) or Base58 encoding.");
    }
    const bool key = has_prefix(*data, prefixes.pubkey_hash);
    const bool script = has_prefix(*data, prefixes.script_hash);
    if (key && data->size() == prefixes.pubkey_hash.size() + HASH_BYTES)
        return {pay_to_pubkey_hash(ByteView(*data).last(HASH_BYTES)), {}};
    if (script && data->size() == prefixes.script_hash.size() + HASH_BYTES)
        return {pay_to_script_hash(ByteView(*data).last(HASH_BYTES)), {}};
    if (key || script) return wrong("Invalid length for Base58 address (P2PKH or P2SH)");
    return wrong("Invalid or unsupported Base58-encoded address.");
}

/// The script of a witness program whose checksum fits.
Parsed parse_program(int version, ByteView program) {
    const std::string size =
        std::to_string(program.size()) + (program.size() == 1 ? " byte" : " bytes");
    if (version == 0 && program.size() != 20 && program.size() != 32)
        return wrong("Invalid Bech32 v0 address program size (" + size + "), per BIP141");
    if (version > MAX_WITNESS_VERSION) return wrong("Invalid Bech32 address witness version");
    if (program.size() < 2 || program.size() > 40)
        return wrong("Invalid Bech32 address program size (" + size + ")");
    return {pay_to_witness(version, program), {}};
}

Parsed parse_bech32(std::string_view address, const AddressPrefixes& prefixes) {
    Bech32Fault fault;
    const std::optional<Bech32Text> text = bech32_decode(address, &fault);
    if (!text) return wrong(std::string(fault.message), std::move(fault.locations));
    if (text->values.empty()) return wrong("Empty Bech32 data section");
    if (text->hrp != prefixes.bech32_hrp)
        return wrong(
            "Invalid or unsupported prefix for Segwit (Bech32) address (expected " +
            prefixes.bech32_hrp + ", got " + text->hrp + ").");
    const int version = text->values[0];
    if (version == 0 && text->variant != Bech32Variant::Bech32)
        return wrong("Version 0 witness address must use Bech32 checksum");
    if (version != 0 && text->variant != Bech32Variant::Bech32m)
        return wrong("Version 1+ witness address must use Bech32m checksum");
    const std::optional<Bytes> program = bytes_from_base32(ByteView(text->values).subspan(1));
    if (!program) return wrong("Invalid padding in Bech32 data section");
    return parse_program(version, *program);
}

/// Whether `address` begins as this chain's bech32 addresses do: then faults are looked for there.
bool looks_like_bech32(std::string_view address, const AddressPrefixes& prefixes) {
    const std::string& hrp = prefixes.bech32_hrp;
    const auto same = [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    };
    return address.size() >= hrp.size() &&
           std::equal(
               hrp.begin(), hrp.end(), address.begin(), [&](char b, char a) { return same(a, b); });
}

} // namespace

std::string segwit_address(std::string_view hrp, int version, ByteView program) {
    const auto variant = version == 0 ? Bech32Variant::Bech32 : Bech32Variant::Bech32m;
    const std::array<uint8_t, 1> first{static_cast<uint8_t>(version)};
    return bech32_encode(variant, hrp, joined(first, base32_from_bytes(program)));
}

std::optional<Script>
script_of_address(std::string_view address, const AddressPrefixes& prefixes, AddressError* error) {
    // Base58 first: it can begin with the letters of the other, and its checksum decides.
    Parsed parsed = parse_base58(address, prefixes);
    if (!parsed.script && looks_like_bech32(address, prefixes))
        parsed = parse_bech32(address, prefixes);
    if (error != nullptr) *error = std::move(parsed.error);
    return std::move(parsed.script);
}

std::optional<std::string> address_of_script(ByteView script, const AddressPrefixes& prefixes) {
    const OutputTemplate match = match_template(script);
    switch (match.type) {
    case OutputType::PubKeyHash:
        return base58check_encode(joined(prefixes.pubkey_hash, match.parts[0]));
    case OutputType::ScriptHash:
        return base58check_encode(joined(prefixes.script_hash, match.parts[0]));
    case OutputType::WitnessV0KeyHash:
    case OutputType::WitnessV0ScriptHash:
    case OutputType::WitnessV1Taproot:
    case OutputType::WitnessUnknown:
    case OutputType::Anchor:
        return segwit_address(prefixes.bech32_hrp, match.witness_version, match.parts[0]);
    case OutputType::Nonstandard:
    case OutputType::PubKey:
    case OutputType::Multisig:
    case OutputType::NullData:
        return std::nullopt;
    }
    return std::nullopt;
}

std::string encode_secret(const SecretKeyText& key, const AddressPrefixes& prefixes) {
    Bytes data = joined(prefixes.secret_key, key.secret);
    if (key.compressed) data.push_back(1);
    return base58check_encode(data);
}

std::optional<SecretKeyText> decode_secret(std::string_view text, const AddressPrefixes& prefixes) {
    SecretKeyText key;
    const size_t prefix_size = prefixes.secret_key.size();
    const size_t plain_size = prefix_size + key.secret.size();
    const std::optional<Bytes> data = base58check_decode(text, plain_size + 1);
    if (!data || !has_prefix(*data, prefixes.secret_key)) return std::nullopt;
    key.compressed = data->size() == plain_size + 1 && data->back() == 1;
    if (data->size() != plain_size && !key.compressed) return std::nullopt;
    std::copy_n(data->begin() + static_cast<ptrdiff_t>(prefix_size), 32, key.secret.begin());
    if (!is_secret_key(key.secret)) return std::nullopt;
    return key;
}

} // namespace cairn::consensus
