// SPDX-License-Identifier: MIT
// Output descriptors: which scripts are meant, in one line of text. Source: BIP-0380 to BIP-0386,
// BIP-0389, without trees of scripts.
#pragma once

#include "consensus/script.h"
#include "wallet/keys/extended_key.h"

#include <boost/system/result.hpp>

#include <stdexcept>

namespace cairn::wallet::keys {

/// Why a text is no descriptor, in Core's words.
struct DescriptorError {
    std::string why;
};

/// As for consensus::Reject: asking for a value without looking is our own bug.
[[noreturn]] inline void
throw_exception_from_error(const DescriptorError& error, const boost::source_location&) {
    throw std::logic_error("unchecked error: " + error.why);
}

/// An output script, and the descriptor of it alone, without checksum.
struct DescribedScript {
    consensus::Script script;
    std::string text;
};

/// A key in a descriptor: one, or with a range as many as there are child numbers.
struct DescriptorKey {
    enum class Range : uint8_t { None, Plain, Hardened };

    /// A key, and where it comes from.
    struct Single {
        consensus::Bytes key;
        KeyOrigin origin;
    };

    /// nullopt where it takes a secret key that isn't here.
    std::optional<Single> at(uint32_t index) const;

    KeyOrigin origin;
    consensus::Bytes single; ///< Else one of these, or neither: then only its owner has it.
    std::optional<ExtendedPublicKey> parent;
    std::optional<ExtendedSecretKey> secret_parent;
    Range range = Range::None;
    bool secret = false;
    std::string text; ///< As it was given, secret keys replaced by the public ones.
};

/// Thread: any. Made by read_descriptors().
class Descriptor {
public:
    enum class Function : uint8_t {
        Raw,
        Addr,
        Pk,
        Pkh,
        Wpkh,
        Combo,
        Multi,
        SortedMulti,
        Sh,
        Wsh,
        Tr,
        RawTr
    };

    /// The scripts with child number `index` wherever a key has a range: one, or up to four of
    /// combo(). nullopt where that takes secret keys which the descriptor doesn't hold.
    std::optional<std::vector<DescribedScript>> scripts(uint32_t index) const;

    /// The keys with that child number; nullopt as for scripts().
    std::optional<std::vector<DescriptorKey::Single>> keys_at(uint32_t index) const;

    Function function() const { return function_; }

    /// What sh() or wsh() holds; else null.
    const Descriptor* inner() const { return inner_.empty() ? nullptr : inner_.data(); }

    bool is_range() const; ///< Whether the index makes a difference.

    bool is_solvable() const { return function_ != Function::Raw && function_ != Function::Addr; }

    bool has_secrets() const;

    /// Without checksum, and with public keys only.
    const std::string& text() const { return text_; }

private:
    friend class DescriptorReader;

    Function function_ = Function::Raw;
    consensus::Script script_;        ///< Raw, Addr.
    std::vector<DescriptorKey> keys_; ///< Of all that is inside, too.
    int required_ = 0;                ///< Multi, SortedMulti.
    std::vector<Descriptor> inner_;   ///< Sh, Wsh: one.
    std::string text_;
};

/// The descriptors that `text` stands for: one, or with "<0;1>" in its keys several. Its checksum
/// must be right and, if `need_checksum`, there.
boost::system::result<std::vector<Descriptor>, DescriptorError> read_descriptors(
    std::string_view text, const consensus::AddressPrefixes& prefixes, bool need_checksum = false);

/// The descriptor of a script about which nothing else is known, with its checksum: pk, multi,
/// rawtr where it says so, else addr or raw. Core: InferDescriptor without keys.
std::string descriptor_of(consensus::ByteView script, const consensus::AddressPrefixes& prefixes);

/// `text` with its checksum.
std::string with_checksum(const std::string& text);

/// The eight letters that follow '#'; nullopt for characters that no descriptor has.
std::optional<std::string> descriptor_checksum(std::string_view text);

} // namespace cairn::wallet::keys
