// SPDX-License-Identifier: MIT
// Any text as an address or a key: what is read is written as an address of the same meaning. Any
// bytes as a script, and in each of the encodings: what is written is read as the same.
#include "consensus/address.h"

#include "consensus/bech32.h"
#include "consensus/script.h"
#include "tests/fuzz/check.h"

#include <algorithm>

using namespace cairn::consensus;
using cairn::tests::check;

namespace {

AddressPrefixes prefixes_of(std::string_view hrp, Bytes first, Bytes second) {
    AddressPrefixes prefixes;
    prefixes.bech32_hrp = hrp;
    prefixes.pubkey_hash = first;
    prefixes.script_hash = std::move(second);
    prefixes.secret_key = std::move(first);
    prefixes.secret_key[0] |= 0x80;
    return prefixes;
}

void check_text(std::string_view text, const AddressPrefixes& prefixes) {
    AddressError error;
    if (const auto script = script_of_address(text, prefixes, &error)) {
        const auto address = address_of_script(*script, prefixes);
        check(address && script_of_address(*address, prefixes) == script);
    } else {
        check(!error.message.empty());
        for (const int place : error.locations)
            check(place >= 0 && static_cast<size_t>(place) < text.size());
    }
    if (const auto key = decode_secret(text, prefixes)) {
        const auto again = decode_secret(encode_secret(*key, prefixes), prefixes);
        check(again && again->secret == key->secret && again->compressed == key->compressed);
    }
}

void check_encodings(ByteView bytes) {
    check(base58_decode(base58_encode(bytes)) == Bytes(bytes.begin(), bytes.end()));
    check(base58check_decode(base58check_encode(bytes)) == Bytes(bytes.begin(), bytes.end()));
    const Bytes values = base32_from_bytes(bytes);
    check(bytes_from_base32(values) == Bytes(bytes.begin(), bytes.end()));
    for (const auto variant : {Bech32Variant::Bech32, Bech32Variant::Bech32m}) {
        const std::string text = bech32_encode(variant, "crn", values);
        const std::optional<Bech32Text> read = bech32_decode(text);
        if (text.size() > MAX_BECH32_LENGTH) return check(!read);
        check(read && read->variant == variant && read->hrp == "crn" && read->values == values);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const AddressPrefixes chains[] = {
        prefixes_of("crn", {0x1c}, {0x58}), prefixes_of("bc", {0x00}, {0x05}),
        prefixes_of("1", {0x01, 0x02, 0x03, 0x04}, {0x01, 0x02})};
    for (const AddressPrefixes& prefixes : chains) {
        check_text(text, prefixes);
        if (const auto address = address_of_script(bytes, prefixes))
            check(std::ranges::equal(*script_of_address(*address, prefixes), bytes));
    }
    if (size <= MAX_BASE58_BYTES) check_encodings(bytes);
    return 0;
}
