// SPDX-License-Identifier: MIT
// Addresses and keys as people write them, by the prefixes of a chain file.
// Source: base58check, BIP-0173, BIP-0350.
#pragma once

#include "consensus/base58.h"
#include "consensus/params.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::consensus {

/// A witness address in bech32 (version 0) or bech32m.
std::string segwit_address(std::string_view hrp, int version, ByteView program);

/// What was wrong with an address: Core's sentence, and where the text goes wrong if known.
struct AddressError {
    std::string message;
    std::vector<int> locations;
};

/// The output script that `address` stands for on this chain; nullopt and `error`, if given.
std::optional<Script> script_of_address(
    std::string_view address, const AddressPrefixes& prefixes, AddressError* error = nullptr);

/// The address of an output script; nullopt where there is none (Core: ExtractDestination).
std::optional<std::string> address_of_script(ByteView script, const AddressPrefixes& prefixes);

/// A private key in wallet import format.
struct SecretKeyText {
    std::array<uint8_t, 32> secret{};
    bool compressed = true;
};

std::string encode_secret(const SecretKeyText& key, const AddressPrefixes& prefixes);

/// nullopt also for a number that is no key of the curve.
std::optional<SecretKeyText> decode_secret(std::string_view text, const AddressPrefixes& prefixes);

} // namespace cairn::consensus
