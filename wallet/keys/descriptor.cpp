// SPDX-License-Identifier: MIT
#include "wallet/keys/descriptor.h"

#include "consensus/address.h"
#include "consensus/hash.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "consensus/taproot.h"

#include <algorithm>
#include <array>

namespace cairn::wallet::keys {

using namespace consensus;
using Function = Descriptor::Function;
using Range = DescriptorKey::Range;
using Single = DescriptorKey::Single;

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

/// "[d34db33f/84h/1h/0h]" and the key.
std::string text_of(const Single& key) {
    return "[" + to_text(key.origin) + "]" + to_hex(key.key);
}

std::string called(std::string_view function, const Single& key) {
    return std::string(function) + "(" + text_of(key) + ")";
}

DescribedScript in_script_hash(const DescribedScript& inner) {
    return {pay_to_script_hash(hash160(inner.script)), "sh(" + inner.text + ")"};
}

DescribedScript multisig(int required, const std::vector<Single>& keys) {
    DescribedScript all{make_script(required), "multi(" + std::to_string(required)};
    for (const Single& key : keys) {
        push_data(all.script, key.key);
        all.text += "," + text_of(key);
    }
    push_number(all.script, static_cast<int64_t>(keys.size()));
    push_opcode(all.script, OP_CHECKMULTISIG);
    all.text += ")";
    return all;
}

DescribedScript taproot(Function function, Single key) {
    if (key.key.size() != 32) key.key = Bytes(key.key.begin() + 1, key.key.end()); // no parity
    if (function == Function::RawTr) return {pay_to_witness(1, key.key), called("rawtr", key)};
    return {pay_to_witness(1, tweak_key(key.key, std::nullopt)->key), called("tr", key)};
}

/// Pk, Pkh or Wpkh.
DescribedScript of_one_key(Function function, const Single& key) {
    if (function == Function::Pk) return {make_script(key.key, OP_CHECKSIG), called("pk", key)};
    const Hash160 hash = hash160(key.key);
    if (function == Function::Pkh) return {pay_to_pubkey_hash(hash), called("pkh", key)};
    return {pay_to_witness(0, hash), called("wpkh", key)};
}

} // namespace

std::optional<Single> DescriptorKey::at(uint32_t index) const {
    if (!single.empty()) return Single{single, origin};
    std::optional<ExtendedPublicKey> key = parent;
    KeyOrigin from = origin;
    if (range != Range::None) {
        const uint32_t step = range == Range::Hardened ? index | HARDENED : index;
        from.path.push_back(step);
        if (range == Range::Plain) {
            key = parent ? derive(*parent, index) : std::nullopt;
        } else {
            const auto secret_key = secret_parent ? derive(*secret_parent, step) : std::nullopt;
            key = secret_key ? std::optional(public_key(*secret_key)) : std::nullopt;
        }
    }
    if (!key) return std::nullopt;
    return Single{Bytes(key->key.begin(), key->key.end()), std::move(from)};
}

std::optional<std::vector<Single>> Descriptor::keys_at(uint32_t index) const {
    std::vector<Single> keys;
    for (const DescriptorKey& key : keys_) {
        std::optional<Single> one = key.at(index);
        if (!one) return std::nullopt;
        keys.push_back(std::move(*one));
    }
    if (function_ == Function::SortedMulti)
        std::ranges::sort(keys, std::less(), &Single::key); // BIP-0067
    return keys;
}

std::optional<std::vector<DescribedScript>> Descriptor::scripts(uint32_t index) const {
    using Scripts = std::vector<DescribedScript>;
    if (!inner_.empty()) {
        const std::optional<Scripts> inside = inner_[0].scripts(index);
        if (!inside) return std::nullopt;
        const DescribedScript& one = inside->front();
        if (function_ == Function::Sh) return Scripts{in_script_hash(one)};
        return Scripts{{pay_to_witness(0, sha256(one.script).view()), "wsh(" + one.text + ")"}};
    }
    const std::optional<std::vector<Single>> keys = keys_at(index);
    if (!keys) return std::nullopt;
    switch (function_) {
    case Function::Multi:
    case Function::SortedMulti:
        return Scripts{multisig(required_, *keys)};
    case Function::Tr:
    case Function::RawTr:
        return Scripts{taproot(function_, keys->front())};
    case Function::Combo: {
        const Single& key = keys->front();
        Scripts all{of_one_key(Function::Pk, key), of_one_key(Function::Pkh, key)};
        if (!is_compressed_pubkey(key.key)) return all;
        all.push_back(of_one_key(Function::Wpkh, key));
        all.push_back(in_script_hash(all.back()));
        return all;
    }
    case Function::Raw:
    case Function::Addr:
        return Scripts{{script_, text_}};
    default:
        return Scripts{of_one_key(function_, keys->front())};
    }
}

bool Descriptor::is_range() const {
    return std::ranges::any_of(keys_, [](auto& key) { return key.range != Range::None; });
}

bool Descriptor::has_secrets() const {
    return std::ranges::any_of(keys_, &DescriptorKey::secret);
}

std::optional<std::string> descriptor_checksum(std::string_view text) {
    uint64_t remainder = 1;
    uint64_t groups = 0;
    int group_count = 0;
    for (const char c : text) {
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

std::string with_checksum(const std::string& text) {
    return text + "#" + descriptor_checksum(text).value_or("");
}

std::string descriptor_of(ByteView script, const AddressPrefixes& prefixes) {
    const OutputTemplate found = match_template(script);
    const auto text = [&]() -> std::string {
        switch (found.type) {
        case OutputType::PubKey:
            if (!is_compressed_pubkey(found.parts[0]) && !is_uncompressed_pubkey(found.parts[0]))
                break;
            return "pk(" + to_hex(found.parts[0]) + ")";
        case OutputType::Multisig: {
            std::string keys;
            for (const Bytes& key : found.parts) keys += "," + to_hex(key);
            return "multi(" + std::to_string(found.required) + keys + ")";
        }
        case OutputType::WitnessV1Taproot:
            return "rawtr(" + to_hex(found.parts[0]) + ")";
        default:
            if (const auto address = address_of_script(script, prefixes))
                return "addr(" + *address + ")";
        }
        return "raw(" + to_hex(script) + ")";
    };
    return with_checksum(text());
}

} // namespace cairn::wallet::keys
