// SPDX-License-Identifier: MIT
#include "consensus/block_filter.h"

#include "consensus/hash_writer.h"
#include "consensus/script.h"

#include <algorithm>

namespace cairn::consensus {

namespace {

constexpr int REMAINDER_BITS = 19;               ///< BIP-0158: P
constexpr uint64_t FALSE_POSITIVE_RATE = 784931; ///< BIP-0158: M, one in so many.

/// Hashes the scripts of a block's filter.
class ScriptHasher {
public:
    explicit ScriptHasher(const BlockHash& block) {
        std::memcpy(&key0_, block.bytes.data(), 8);
        std::memcpy(&key1_, block.bytes.data() + 8, 8);
    }

    uint64_t operator()(ByteView script) const { return siphash(key0_, key1_, script); }

private:
    uint64_t key0_ = 0;
    uint64_t key1_ = 0;
};

/// A script's value in a filter of `count`, [0, count * M). Of higher hashes it is no lower.
uint64_t into_range(uint64_t hash, uint64_t count) {
    __extension__ using Wide = unsigned __int128;
    const uint64_t range = count * FALSE_POSITIVE_RATE;
    return static_cast<uint64_t>(Wide{hash} * range >> 64);
}

/// Appends bits to bytes, the most significant of each first.
class BitWriter {
public:
    explicit BitWriter(Bytes& out) : out_(out) {}

    void write(uint64_t value, int bits) {
        while (bits-- > 0) {
            if (free_ == 0) {
                out_.push_back(0);
                free_ = 8;
            }
            out_.back() |= static_cast<uint8_t>((value >> bits & 1) << --free_);
        }
    }

    /// A Golomb-Rice code: the quotient in unary, then the remainder.
    void write_code(uint64_t value) {
        for (uint64_t quotient = value >> REMAINDER_BITS; quotient > 0; --quotient) write(1, 1);
        write(0, 1);
        write(value, REMAINDER_BITS);
    }

private:
    Bytes& out_;
    int free_ = 0; ///< Bits left in the last byte.
};

/// Reads what BitWriter wrote. Past the end it fails, and gives zeros.
class BitReader {
public:
    explicit BitReader(ByteView in) : in_(in) {}

    bool failed() const { return failed_; }

    /// Whether nothing but the rest of the last byte is left, and that is zeros as written.
    bool at_end() const {
        return !failed_ && (at_ + 7) / 8 == in_.size() && (at_ % 8 == 0 || rest_of_byte() == 0);
    }

    uint64_t read(int bits) {
        uint64_t value = 0;
        while (bits-- > 0) value = value << 1 | read_bit();
        return value;
    }

    uint64_t read_code() {
        uint64_t quotient = 0;
        while (read_bit() != 0) ++quotient;
        return quotient << REMAINDER_BITS | read(REMAINDER_BITS);
    }

private:
    uint64_t read_bit() {
        if (at_ == in_.size() * 8) {
            failed_ = true;
            return 0;
        }
        const int bit = in_[at_ / 8] >> (7 - at_ % 8) & 1;
        ++at_;
        return static_cast<uint64_t>(bit);
    }

    int rest_of_byte() const { return in_[at_ / 8] & (0xff >> (at_ % 8)); }

    ByteView in_;
    size_t at_ = 0; ///< In bits.
    bool failed_ = false;
};

/// Of the scripts that go into the filter of `block`, each once, sorted.
std::vector<uint64_t>
filter_hashes(const Block& block, const BlockHash& hash, std::span<const Script> spent) {
    struct Element {
        uint64_t hash;
        ByteView script;
    };

    const ScriptHasher hasher(hash);
    std::vector<Element> elements;
    const auto add = [&](ByteView script) { elements.push_back({hasher(script), script}); };
    for (const SealedTransaction& tx : block.transactions)
        for (const TxOut& out : tx.outputs) {
            const ByteView script = out.script_pubkey;
            if (!script.empty() && script[0] != OP_RETURN) add(script);
        }
    for (const Script& script : spent)
        if (!script.empty()) add(script);
    std::ranges::sort(elements, [](const Element& a, const Element& b) {
        if (a.hash != b.hash) return a.hash < b.hash;
        return std::ranges::lexicographical_compare(a.script, b.script);
    });
    std::vector<uint64_t> hashes;
    for (size_t i = 0; i < elements.size(); ++i)
        if (i == 0 || !std::ranges::equal(elements[i - 1].script, elements[i].script))
            hashes.push_back(elements[i].hash);
    return hashes;
}

} // namespace

Bytes build_basic_filter(const Block& block, const BlockHash& hash, std::span<const Script> spent) {
    const std::vector<uint64_t> hashes = filter_hashes(block, hash, spent);
    Bytes filter;
    Writer(filter).compact_size(hashes.size());
    BitWriter bits(filter);
    uint64_t last = 0;
    for (const uint64_t each : hashes) {
        const uint64_t value = into_range(each, hashes.size());
        bits.write_code(value - last);
        last = value;
    }
    return filter;
}

Result<bool>
filter_matches(ByteView filter, const BlockHash& hash, std::span<const Script> scripts) {
    Reader reader(filter);
    const uint64_t count = reader.compact_size();
    if (reader.failed()) return invalid("decode failed", "filter without a count");
    const ScriptHasher hasher(hash);
    std::vector<uint64_t> wanted;
    wanted.reserve(scripts.size());
    for (const Script& script : scripts) wanted.push_back(into_range(hasher(script), count));
    std::ranges::sort(wanted);

    // To the end even after a match, so that what is no filter is never taken for one.
    BitReader bits(reader.raw(reader.remaining()));
    bool matches = false;
    auto next = wanted.begin();
    uint64_t value = 0;
    for (uint64_t i = 0; i < count && !bits.failed(); ++i) {
        value += bits.read_code();
        while (next != wanted.end() && *next < value) ++next;
        if (next != wanted.end() && *next == value) matches = true;
    }
    if (!bits.at_end()) return invalid("decode failed", "filter of a wrong length");
    return matches;
}

Hash256 filter_header(ByteView filter, const Hash256& previous_header) {
    return HashWriter()(sha256d(filter), previous_header).double_hash();
}

} // namespace cairn::consensus
