// SPDX-License-Identifier: MIT
#include "consensus/bech32.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <numeric>
#include <utility>

namespace cairn::consensus {

namespace {

constexpr std::string_view ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr char SEPARATOR = '1';
constexpr size_t CHECKSUM_LENGTH = 6;
constexpr uint8_t NO_VALUE = 255; ///< Of a character that may not be there.

bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

char to_lower(char c) {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

uint32_t variant_constant(Bech32Variant variant) {
    return variant == Bech32Variant::Bech32 ? 1 : 0x2bc830a3;
}

/// The remainder after one more value. Each bit of what leaves at the top brings in a multiple of
/// the generator. Source: BIP-0173.
uint32_t step(uint32_t remainder, uint8_t value) {
    constexpr std::array<uint32_t, 5> GENERATOR{
        0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    const uint32_t top = remainder >> 25;
    remainder = (remainder & 0x1ffffff) << 5 ^ value;
    for (size_t i = 0; i < GENERATOR.size(); ++i)
        if ((top >> i & 1) != 0) remainder ^= GENERATOR[i];
    return remainder;
}

/// The remainder of the whole: a variant's constant if the checksum fits.
uint32_t remainder_of(std::string_view hrp, ByteView values) {
    uint32_t remainder = 1;
    for (const char c : hrp) remainder = step(remainder, static_cast<uint8_t>(c) >> 5);
    remainder = step(remainder, 0);
    for (const char c : hrp) remainder = step(remainder, static_cast<uint8_t>(c) & 31);
    for (const uint8_t value : values) remainder = step(remainder, value);
    return remainder;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), to_lower);
    return lower;
}

/// Characters that may not be there, or are of another case than those before them.
std::vector<int> misfit_characters(std::string_view text) {
    std::vector<int> places;
    bool lower = false;
    bool upper = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool is_lower = c >= 'a' && c <= 'z';
        if ((is_lower && upper) || (is_upper(c) && lower) || c < '!' || c > '~')
            places.push_back(static_cast<int>(i));
        else
            (is_lower ? lower : upper) |= is_lower || is_upper(c);
    }
    return places;
}

/// The values of what follows the separator.
Bytes values_of(std::string_view data) {
    Bytes values;
    for (const char c : data) {
        const size_t value = ALPHABET.find(to_lower(c));
        values.push_back(value == std::string_view::npos ? NO_VALUE : static_cast<uint8_t>(value));
    }
    return values;
}

/// By how much the remainder changes if the value at each place (from the end) is off by one bit:
/// the checksum is linear, so any change is a sum of these.
class ErrorTable {
public:
    /// For the last `length` places.
    explicit ErrorTable(size_t length) {
        for (size_t place = 0; place < length; ++place) {
            for (uint8_t change = 1; change < 32; ++change) {
                uint32_t effect = change;
                for (size_t i = 0; i < place; ++i) effect = step(effect, 0);
                effects_.emplace_back(effect, static_cast<int>(place));
            }
        }
        std::ranges::sort(effects_);
    }

    /// The one or two places, the rearmost last, where changes explain `difference`; empty if none
    /// do. The code's distance is five, so there is at most one answer.
    std::vector<int> explain(uint32_t difference) const {
        if (const auto place = find(difference)) return {*place};
        for (const auto& [effect, place] : effects_)
            if (const auto other = find(difference ^ effect); other && *other != place)
                return {std::max(place, *other), std::min(place, *other)};
        return {};
    }

private:
    std::optional<int> find(uint32_t effect) const {
        const auto found = std::ranges::lower_bound(effects_, std::pair(effect, 0));
        if (found == effects_.end() || found->first != effect) return std::nullopt;
        return found->second;
    }

    std::vector<std::pair<uint32_t, int>> effects_;
};

/// Look for mistyped letters under both checksums; the fewer there are, the likelier it was meant.
Bech32Fault find_mistyped(uint32_t remainder, size_t values, size_t text_size) {
    const ErrorTable table(values);
    const auto places = [&](Bech32Variant variant) {
        std::vector<int> locations = table.explain(remainder ^ variant_constant(variant));
        for (int& location : locations) location = static_cast<int>(text_size) - 1 - location;
        return locations;
    };
    std::vector<int> plain = places(Bech32Variant::Bech32);
    std::vector<int> modified = places(Bech32Variant::Bech32m);
    if (plain.empty() && modified.empty()) return {"Invalid checksum", {}};
    if (modified.empty() || (!plain.empty() && plain.size() <= modified.size()))
        return {"Invalid Bech32 checksum", std::move(plain)};
    return {"Invalid Bech32m checksum", std::move(modified)};
}

} // namespace

std::string bech32_encode(Bech32Variant variant, std::string_view hrp, ByteView values) {
    Bytes all(values.begin(), values.end());
    all.resize(values.size() + CHECKSUM_LENGTH);
    const uint32_t checksum = remainder_of(hrp, all) ^ variant_constant(variant);
    for (size_t i = 0; i < CHECKSUM_LENGTH; ++i)
        all[values.size() + i] = checksum >> (5 * (CHECKSUM_LENGTH - 1 - i)) & 31;
    std::string text(hrp);
    text += SEPARATOR;
    for (const uint8_t value : all) text += ALPHABET[value];
    return text;
}

std::optional<Bech32Text> bech32_decode(std::string_view text, Bech32Fault* fault) {
    const auto fail = [&](std::string_view message, std::vector<int> locations) {
        if (fault != nullptr) *fault = {message, std::move(locations)};
        return std::nullopt;
    };
    if (text.size() > MAX_BECH32_LENGTH) {
        std::vector<int> beyond(text.size() - MAX_BECH32_LENGTH);
        std::iota(beyond.begin(), beyond.end(), static_cast<int>(MAX_BECH32_LENGTH));
        return fail("Bech32 string too long", std::move(beyond));
    }
    if (std::vector<int> misfits = misfit_characters(text); !misfits.empty())
        return fail("Invalid character or mixed case", std::move(misfits));
    const size_t separator = text.rfind(SEPARATOR);
    if (separator == std::string_view::npos) return fail("Missing separator", {});
    if (separator == 0 || separator + CHECKSUM_LENGTH >= text.size())
        return fail("Invalid separator position", {static_cast<int>(separator)});
    Bech32Text decoded;
    decoded.hrp = lower_case(text.substr(0, separator));
    decoded.values = values_of(text.substr(separator + 1));
    const auto unknown = std::ranges::find(decoded.values, NO_VALUE);
    if (unknown != decoded.values.end()) {
        const auto place = separator + 1 + static_cast<size_t>(unknown - decoded.values.begin());
        return fail("Invalid Base 32 character", {static_cast<int>(place)});
    }
    const uint32_t remainder = remainder_of(decoded.hrp, decoded.values);
    if (remainder == variant_constant(Bech32Variant::Bech32m)) {
        decoded.variant = Bech32Variant::Bech32m;
    } else if (remainder != variant_constant(Bech32Variant::Bech32)) {
        if (fault != nullptr) *fault = find_mistyped(remainder, decoded.values.size(), text.size());
        return std::nullopt;
    }
    decoded.values.resize(decoded.values.size() - CHECKSUM_LENGTH);
    return decoded;
}

std::optional<Bytes> bytes_from_base32(ByteView values) {
    Bytes bytes;
    uint32_t pending = 0;
    int bits = 0;
    for (const uint8_t value : values) {
        assert(value < 32);
        pending = (pending << 5 | value) & 0xfff;
        bits += 5;
        if (bits < 8) continue;
        bits -= 8;
        bytes.push_back(static_cast<uint8_t>(pending >> bits));
    }
    const bool padded_with_zeros = (pending & ((1U << bits) - 1)) == 0;
    if (bits >= 5 || !padded_with_zeros) return std::nullopt;
    return bytes;
}

Bytes base32_from_bytes(ByteView bytes) {
    Bytes values;
    uint32_t pending = 0;
    int bits = 0;
    for (const uint8_t byte : bytes) {
        pending = (pending << 8 | byte) & 0xfff;
        bits += 8;
        for (; bits >= 5; bits -= 5) values.push_back(pending >> (bits - 5) & 31);
    }
    if (bits > 0) values.push_back(pending << (5 - bits) & 31);
    return values;
}

} // namespace cairn::consensus
