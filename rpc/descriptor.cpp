// SPDX-License-Identifier: MIT
// Output descriptors of scripts whose keys nobody here knows. Source: BIP-0380.
#include "consensus/address.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "rpc/describe.h"

#include <array>

namespace cairn::rpc {

using namespace consensus;

namespace {

/// The characters of descriptors; those of one group differ in the upper bits of their position.
constexpr std::string_view INPUT_CHARACTERS = "0123456789()[],'/*abcdefgh@:$%{}"
                                              "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
                                              "ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
constexpr std::string_view CHECKSUM_CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr int CHECKSUM_SIZE = 8;

/// One more 5-bit symbol into the remainder of the code's polynomial.
uint64_t add_symbol(uint64_t remainder, uint64_t symbol) {
    constexpr std::array<uint64_t, 5> generator{
        0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd};
    const uint64_t top = remainder >> 35;
    remainder = (remainder & 0x7ffffffff) << 5 ^ symbol;
    for (size_t i = 0; i < generator.size(); ++i)
        if ((top >> i & 1) != 0) remainder ^= generator[i]; // NOLINT(*-constant-array-index)
    return remainder;
}

std::string multisig(const OutputTemplate& found) {
    std::string text = "multi(" + std::to_string(found.required);
    for (const Bytes& key : found.parts) text += "," + to_hex(key);
    return text + ")";
}

std::string without_checksum(ByteView script, const Params& params) {
    const OutputTemplate found = match_template(script);
    const bool is_key =
        found.type == OutputType::PubKey &&
        (is_compressed_pubkey(found.parts[0]) || is_uncompressed_pubkey(found.parts[0]));
    if (is_key) return "pk(" + to_hex(found.parts[0]) + ")";
    if (found.type == OutputType::Multisig) return multisig(found);
    if (found.type == OutputType::WitnessV1Taproot) return "rawtr(" + to_hex(found.parts[0]) + ")";
    const std::optional<std::string> address = address_of_script(script, params.address);
    if (address && found.type != OutputType::PubKey) return "addr(" + *address + ")";
    return "raw(" + to_hex(script) + ")";
}

} // namespace

std::optional<std::string> descriptor_checksum(std::string_view descriptor) {
    uint64_t remainder = 1;
    uint64_t groups = 0;
    int group_count = 0;
    for (const char c : descriptor) {
        const size_t position = INPUT_CHARACTERS.find(c);
        if (position == std::string_view::npos) return std::nullopt;
        remainder = add_symbol(remainder, position & 31);
        groups = groups * 3 + (position >> 5);
        if (++group_count < 3) continue;
        remainder = add_symbol(remainder, groups);
        groups = 0;
        group_count = 0;
    }
    if (group_count > 0) remainder = add_symbol(remainder, groups);
    for (int i = 0; i < CHECKSUM_SIZE; ++i) remainder = add_symbol(remainder, 0);
    remainder ^= 1;
    std::string checksum;
    for (int i = 0; i < CHECKSUM_SIZE; ++i)
        checksum += CHECKSUM_CHARACTERS[remainder >> (5 * (CHECKSUM_SIZE - 1 - i)) & 31];
    return checksum;
}

std::string descriptor_of(ByteView script, const Params& params) {
    const std::string text = without_checksum(script, params);
    return text + "#" + descriptor_checksum(text).value_or("");
}

} // namespace cairn::rpc
