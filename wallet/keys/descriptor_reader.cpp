// SPDX-License-Identifier: MIT
// Reads descriptors. Every refusal is in Core's words: tools show them to people, and tests match
// on them.
#include "consensus/address.h"
#include "consensus/signature.h"
#include "wallet/keys/descriptor.h"
#include "wallet/keys/sign.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <set>
#include <span>
#include <string_view>

namespace cairn::wallet::keys {

using namespace consensus;
using Function = Descriptor::Function;
using Range = DescriptorKey::Range;
using namespace std::string_view_literals;

namespace {

constexpr size_t CHECKSUM_SIZE = 8;
constexpr size_t MAX_BARE_KEYS = 3; ///< More are not relayed.
/// That one text may stand for: each alternative is a text as long as that.
constexpr size_t MAX_MULTIPATH_BYTES = size_t{4} << 20;

/// Where a function may stand.
enum Place : uint8_t { TOP = 1, IN_SH = 2, IN_WSH = 4, ANYWHERE = 7 };

struct FunctionInfo {
    Function function;
    std::string_view name;
    uint8_t places;
};

constexpr std::array<FunctionInfo, 12> FUNCTIONS{{
    {Function::Raw, "raw", TOP},
    {Function::Addr, "addr", TOP},
    {Function::Pk, "pk", ANYWHERE},
    {Function::Pkh, "pkh", ANYWHERE},
    {Function::Wpkh, "wpkh", TOP | IN_SH},
    {Function::Combo, "combo", TOP},
    {Function::Multi, "multi", ANYWHERE},
    {Function::SortedMulti, "sortedmulti", ANYWHERE},
    {Function::Sh, "sh", TOP},
    {Function::Wsh, "wsh", TOP | IN_SH},
    {Function::Tr, "tr", TOP},
    {Function::RawTr, "rawtr", TOP},
}};

std::optional<uint32_t> number_of(std::string_view text) {
    uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, number);
    if (failed != std::errc() || stop != end) return std::nullopt;
    return number;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool is_point(ByteView key) {
    return (is_compressed_pubkey(key) || is_uncompressed_pubkey(key)) && uncompressed_pubkey(key);
}

/// An error whose sentence is put together from texts and numbers.
DescriptorError wrong(const auto&... parts) {
    DescriptorError error;
    const auto add = [&](const auto& part) {
        if constexpr (std::convertible_to<decltype(part), std::string_view>)
            error.why += part;
        else
            error.why += std::to_string(part);
    };
    (add(parts), ...);
    return error;
}

} // namespace

/// Reads one descriptor, without checksum and "<0;1>".
class DescriptorReader {
public:
    explicit DescriptorReader(const AddressPrefixes& prefixes) : prefixes_(prefixes) {}

    template <class T>
    using Outcome = boost::system::result<T, DescriptorError>;

    Outcome<Descriptor> read(std::string_view text, Place place);

private:
    Outcome<Descriptor> read_script(Function function, std::string_view inside);
    Outcome<Descriptor> read_wrapped(Function function, std::string_view inside);
    Outcome<Descriptor> read_multisig(Function function, std::string_view inside, Place place);
    Outcome<Descriptor> read_one_key(Function function, std::string_view inside, Place place);
    Outcome<DescriptorKey> read_key(std::string_view text, Function function, Place place);
    Outcome<DescriptorKey> read_single(std::string_view text, Function function, Place place) const;
    Outcome<DescriptorKey> read_extended(std::string_view text) const;

    const AddressPrefixes& prefixes_;
};

DescriptorReader::Outcome<Descriptor> DescriptorReader::read(std::string_view text, Place place) {
    const size_t open = text.find('(');
    const auto* found = std::ranges::find(FUNCTIONS, text.substr(0, open), &FunctionInfo::name);
    if (open == std::string_view::npos || !text.ends_with(')') || found == FUNCTIONS.end())
        return wrong("'", text, "' is not a valid descriptor function");
    const auto& [function, name, places] = *found;
    if ((places & place) == 0)
        return wrong(
            "Can only have ", name, "() at top level", places == TOP ? "" : " or inside sh()");
    const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
    Outcome<Descriptor> read = [&] {
        switch (function) {
        case Function::Raw:
        case Function::Addr:
            return read_script(function, inside);
        case Function::Sh:
        case Function::Wsh:
            return read_wrapped(function, inside);
        case Function::Multi:
        case Function::SortedMulti:
            return read_multisig(function, inside, place);
        default:
            return read_one_key(function, inside, place);
        }
    }();
    if (!read) return read;
    read->function_ = function;
    read->text_ = std::string(name) + "(" + read->text_ + ")";
    return read;
}

DescriptorReader::Outcome<Descriptor>
DescriptorReader::read_script(Function function, std::string_view inside) {
    Descriptor descriptor;
    descriptor.text_ = inside;
    if (function == Function::Raw) {
        const std::optional<Bytes> bytes = from_hex(inside);
        if (!bytes) return wrong("Raw script is not hex");
        descriptor.script_ = Script(*bytes);
    } else {
        const std::optional<Script> script = script_of_address(inside, prefixes_);
        if (!script) return wrong("Address is not valid");
        descriptor.script_ = *script;
    }
    return descriptor;
}

/// What sh() or wsh() holds.
DescriptorReader::Outcome<Descriptor>
DescriptorReader::read_wrapped(Function function, std::string_view inside) {
    Outcome<Descriptor> inner = read(inside, function == Function::Sh ? IN_SH : IN_WSH);
    if (!inner) return inner;
    Descriptor descriptor;
    descriptor.text_ = inner->text_;
    descriptor.keys_ = inner->keys_;
    descriptor.inner_.push_back(std::move(*inner));
    return descriptor;
}

DescriptorReader::Outcome<Descriptor>
DescriptorReader::read_multisig(Function function, std::string_view inside, Place place) {
    const std::vector<std::string_view> parts = split(inside, ',');
    const std::optional<uint32_t> required = number_of(parts[0]);
    if (!required) return wrong("Multi threshold '", parts[0], "' is not valid");
    Descriptor descriptor;
    descriptor.required_ = static_cast<int>(*required);
    descriptor.text_ = parts[0];
    size_t script_bytes = 3; // two numbers and the opcode
    for (const std::string_view part : std::span(parts).subspan(1)) {
        Outcome<DescriptorKey> key = read_key(part, function, place);
        if (!key) return wrong("Multi: " + key.error().why);
        script_bytes += 1 + std::max(key->single.size(), PublicKey().size());
        descriptor.text_ += "," + key->text;
        descriptor.keys_.push_back(std::move(*key));
    }
    const size_t count = descriptor.keys_.size();
    if (count == 0 || count > MAX_PUBKEYS_PER_MULTISIG)
        return wrong(
            "Cannot have ", count, " keys in multisig; must have between 1 and ",
            MAX_PUBKEYS_PER_MULTISIG, " keys, inclusive");
    if (*required < 1)
        return wrong("Multisig threshold cannot be ", *required, ", must be at least 1");
    if (*required > count)
        return wrong(
            "Multisig threshold cannot be larger than the number of keys; threshold is ", *required,
            " but only ", count, " keys specified");
    if (place == TOP && count > MAX_BARE_KEYS)
        return wrong("Cannot have ", count, " pubkeys in bare multisig; only at most 3 pubkeys");
    if (place == IN_SH && script_bytes > MAX_SCRIPT_ELEMENT_SIZE)
        return wrong(
            "P2SH script is too large, ", script_bytes, " bytes is larger than ",
            MAX_SCRIPT_ELEMENT_SIZE, " bytes");
    return descriptor;
}

DescriptorReader::Outcome<Descriptor>
DescriptorReader::read_one_key(Function function, std::string_view inside, Place place) {
    Outcome<DescriptorKey> key = read_key(inside, function, place);
    if (!key) {
        const auto* info = std::ranges::find(FUNCTIONS, function, &FunctionInfo::function);
        return wrong(info->name, "(): ", key.error().why);
    }
    Descriptor descriptor;
    descriptor.text_ = key->text;
    descriptor.keys_.push_back(std::move(*key));
    return descriptor;
}

/// "[d34db33f/44h]" and a key: a public one in hexadecimal, a secret one, or an extended one with
/// the path to its children.
DescriptorReader::Outcome<DescriptorKey>
DescriptorReader::read_key(std::string_view text, Function function, Place place) {
    if (text.empty()) return wrong("No key provided");
    if (text.front() == ' ' || text.back() == ' ')
        return wrong("Key '", text, "' is invalid due to whitespace");
    std::optional<KeyOrigin> origin;
    const std::string_view whole = text;
    if (const size_t end = text.find(']'); end != std::string_view::npos) {
        if (text[0] != '[')
            return wrong(
                "Key origin start '[ character expected but not found, got '", text.substr(0, 1),
                "' instead");
        const std::string_view inside = text.substr(1, end - 1);
        const std::string_view digits = inside.substr(0, inside.find('/'));
        const std::optional<Bytes> bytes = from_hex(digits);
        if (digits.size() != 2 * Fingerprint().size())
            return wrong(
                "Fingerprint is not 4 bytes (", digits.size(),
                " characters instead of 8 characters)");
        if (!bytes) return wrong("Fingerprint '", digits, "' is not hex");
        const std::string_view steps = inside.substr(std::min(digits.size() + 1, inside.size()));
        const std::optional<KeyPath> path = read_key_path(steps);
        if (!path) return wrong("Key path value '", steps, "' is not valid");
        origin.emplace();
        std::ranges::copy(*bytes, origin->master.begin());
        origin->path = *path;
        text.remove_prefix(end + 1);
    }
    const bool extended = read_extended_public(text.substr(0, text.find('/')), prefixes_) ||
                          read_extended_secret(text.substr(0, text.find('/')), prefixes_);
    Outcome<DescriptorKey> key =
        extended ? read_extended(text) : read_single(text, function, place);
    if (!key) return key;
    key->text.insert(0, whole.substr(0, whole.size() - text.size()));
    if (origin) {
        // The way to the key goes on from there.
        origin->path.insert(origin->path.end(), key->origin.path.begin(), key->origin.path.end());
        key->origin = *origin;
    }
    return key;
}

DescriptorReader::Outcome<DescriptorKey>
DescriptorReader::read_single(std::string_view text, Function function, Place place) const {
    const bool x_only = function == Function::Tr || function == Function::RawTr;
    const bool segwit = x_only || function == Function::Wpkh || place == IN_WSH;
    DescriptorKey key;
    key.text = text;
    if (const std::optional<Bytes> bytes = from_hex(text)) {
        key.single = *bytes;
        if (x_only && key.single.size() == 32) key.single.insert(key.single.begin(), 2);
    } else if (const auto pair = read_key_pair(text, prefixes_)) {
        key.single = pair->point;
        key.secret = true;
        key.text = to_hex(key.single);
    } else {
        return wrong("key '", text, "' is not valid");
    }
    if (!is_point(key.single)) return wrong("Pubkey '", text, "' is invalid");
    if (segwit && !is_compressed_pubkey(key.single))
        return wrong("Uncompressed keys are not allowed");
    const Hash160 hash = hash160(key.single);
    std::copy_n(hash.begin(), key.origin.master.size(), key.origin.master.begin());
    return key;
}

/// "xpub…/0/1h/*": a key with children. Requires: it begins with one.
DescriptorReader::Outcome<DescriptorKey>
DescriptorReader::read_extended(std::string_view text) const {
    const std::string_view name = text.substr(0, text.find('/'));
    std::string_view steps = text.substr(std::min(name.size() + 1, text.size()));
    DescriptorKey key;
    const size_t last = steps.rfind('/') == std::string_view::npos ? 0 : steps.rfind('/') + 1;
    const std::string_view end = steps.substr(last);
    if (end.starts_with('*')) {
        const bool hardened = end == "*h" || end == "*'" || end == "*H";
        if (end != "*" && !hardened)
            return wrong("Key path value '", end, "' is not a valid uint32");
        key.range = hardened ? Range::Hardened : Range::Plain;
        steps = steps.substr(0, last == 0 ? 0 : last - 1);
    }
    const std::optional<KeyPath> path = read_key_path(steps);
    const bool named = name.size() < text.size() && (steps.empty() && key.range == Range::None);
    if (!path || named || steps.starts_with('m'))
        return wrong("Key path value '", steps, "' is not a valid uint32");
    std::optional<ExtendedPublicKey> root = read_extended_public(name, prefixes_);
    if (const auto secret = read_extended_secret(name, prefixes_)) {
        root = public_key(*secret);
        key.secret = true;
        key.secret_parent = derive(*secret, *path);
        if (key.secret_parent) key.parent = public_key(*key.secret_parent);
    } else {
        key.parent = derive(*root, *path);
    }
    key.origin = {fingerprint(root->key), *path};
    key.text = to_text(*root, prefixes_) + std::string(text.substr(name.size()));
    return key;
}

namespace {

/// Whether what follows `text` is a step of a key's path, not of its origin's.
bool ends_in_path(std::string_view text) {
    const size_t origin = text.rfind('[');
    return text.ends_with('/') &&
           (origin == std::string_view::npos || text.find(']', origin) != std::string_view::npos);
}

/// The steps in the text between '<' and '>'. Source: BIP-0389.
boost::system::result<std::vector<std::string_view>, DescriptorError>
alternatives(std::string_view text) {
    const std::vector<std::string_view> values = split(text, ';');
    if (values.size() < 2)
        return wrong("Multipath key path specifiers must have at least two items");
    std::set<KeyPath> seen;
    for (const std::string_view value : values) {
        const std::optional<KeyPath> step = read_key_path(value);
        if (!step || step->size() != 1 || value.starts_with('m'))
            return wrong("Key path value '", value, "' is not a valid uint32");
        if (!seen.insert(*step).second)
            return wrong("Duplicated key path value ", value, " in multipath specifier");
    }
    return values;
}

/// The texts that "<0;1>" in the keys of `text` stands for. Source: BIP-0389.
boost::system::result<std::vector<std::string>, DescriptorError>
without_alternatives(std::string_view text) {
    const size_t max_count = std::max(MAX_MULTIPATH_BYTES / (text.size() + 1), size_t{2});
    std::vector<std::string> all{std::string()};
    bool first = true;
    for (;;) {
        const size_t open = text.find('<');
        const size_t close = text.find('>');
        const std::string_view plain = text.substr(0, open);
        if (!first && open != std::string_view::npos && plain.find(',') == std::string_view::npos)
            return wrong("Multiple multipath key path specifiers found");
        for (std::string& one : all) one += plain;
        if (open == std::string_view::npos) return all;
        const bool closed = close != std::string_view::npos && close > open;
        const std::string_view rest = closed ? text.substr(close + 1) : "";
        if (!closed || !ends_in_path(plain) ||
            (!rest.empty() && "/,)}"sv.find(rest[0]) == std::string_view::npos))
            return wrong("Key path value '", text.substr(open), "' is not valid");
        const auto values = alternatives(text.substr(open + 1, close - open - 1));
        if (!values) return values.error();
        if (values->size() > max_count)
            return wrong("Multipath key path specifiers have too many items");
        if (first) all.assign(values->size(), all[0]);
        if (values->size() != all.size())
            return wrong("Multipath derivation paths have mismatched lengths");
        for (size_t i = 0; i < values->size(); ++i) all[i] += (*values)[i];
        text.remove_prefix(close + 1);
        first = false;
    }
}

/// `text` without its checksum.
boost::system::result<std::string_view, DescriptorError>
without_checksum(std::string_view text, bool need_checksum) {
    const std::vector<std::string_view> parts = split(text, '#');
    if (parts.size() > 2) return wrong("Multiple '#' symbols");
    if (parts.size() == 1 && need_checksum) return wrong("Missing checksum");
    if (parts.size() == 2 && parts[1].size() != CHECKSUM_SIZE)
        return wrong("Expected 8 character checksum, not ", parts[1].size(), " characters");
    const std::optional<std::string> right = descriptor_checksum(parts[0]);
    if (!right) return wrong("Invalid characters in payload");
    if (parts.size() == 2 && parts[1] != *right)
        return wrong(
            "Provided checksum '", parts[1], "' does not match computed checksum '", *right, "'");
    return parts[0];
}

} // namespace

boost::system::result<std::vector<Descriptor>, DescriptorError>
read_descriptors(std::string_view text, const AddressPrefixes& prefixes, bool need_checksum) {
    const auto payload = without_checksum(text, need_checksum);
    if (!payload) return payload.error();
    const auto texts = without_alternatives(*payload);
    if (!texts) return texts.error();
    std::vector<Descriptor> all;
    for (const std::string& one : *texts) {
        auto read = DescriptorReader(prefixes).read(one, TOP);
        if (!read) return read.error();
        all.push_back(std::move(*read));
    }
    return all;
}

} // namespace cairn::wallet::keys
