// SPDX-License-Identifier: MIT
// Bech32 and bech32m: text with a checksum that finds up to four mistyped letters, and can tell
// where one or two of them are. Source: BIP-0173, BIP-0350.
#pragma once

#include "consensus/bytes.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::consensus {

constexpr size_t MAX_BECH32_LENGTH = 90;

/// The two checksums differ in one constant.
enum class Bech32Variant : uint8_t { Bech32, Bech32m };

/// A text that fits its checksum.
struct Bech32Text {
    Bech32Variant variant = Bech32Variant::Bech32;
    std::string hrp; ///< What stands before the last "1"; lower case.
    Bytes values;    ///< Numbers below 32, without the checksum.
};

/// `hrp` in lower case; `values` below 32.
std::string bech32_encode(Bech32Variant variant, std::string_view hrp, ByteView values);

/// What is wrong with a text, and the places that are known to be.
struct Bech32Fault {
    std::string_view message; ///< Core's sentence.
    std::vector<int> locations;
};

/// nullopt where the checksum doesn't fit, or there can be none: `fault`, if given, is why.
/// Core: bech32::Decode, bech32::LocateErrors.
std::optional<Bech32Text> bech32_decode(std::string_view text, Bech32Fault* fault = nullptr);

/// Five bits a value into bytes; nullopt if what is left over isn't fewer than five zero bits.
std::optional<Bytes> bytes_from_base32(ByteView values);

/// Bytes into five bits a value, the last filled up with zeros.
Bytes base32_from_bytes(ByteView bytes);

} // namespace cairn::consensus
