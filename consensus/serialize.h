// SPDX-License-Identifier: MIT
// Bitcoin's byte order, stated once per type: a type has a `wire` function that walks its fields,
// and the writer and the reader here both call it, so they cannot drift apart.
#pragma once

#include "consensus/bytes.h"
#include "consensus/hash.h"
#include "consensus/quantity.h"
#include "consensus/result.h"
#include "consensus/small_bytes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <type_traits>

namespace cairn::consensus {

static_assert(std::endian::native == std::endian::little, "integers are copied as they are");

/// No count or length on the wire may be larger. Core: MAX_SIZE.
constexpr uint64_t MAX_WIRE_SIZE = 0x02000000;

class Writer;
class Reader;

/// A type with its own `wire`: `static void wire(auto&& codec, auto& value)`.
template <class T>
concept Walkable = requires(Writer& writer, const T& value) {
    T::wire(writer, value);
};

/// A type that writes and reads itself, because its bytes depend on what it holds.
template <class T>
concept SelfCoded = requires(Writer& writer, Reader& reader, const T& value, T& target) {
    value.write(writer);
    target.read(reader);
};

/// Bytes that the compact size of `n` takes: 1, 3, 5 or 9.
constexpr size_t compact_size_bytes(uint64_t n) {
    if (n < 0xfd) return 1;
    if (n <= 0xffff) return 3;
    return n <= 0xffffffff ? 5 : 9;
}

/// Writes values as they are on the wire; where the bytes go is Derived::raw()'s.
template <class Derived>
class WireWriter {
public:
    /// Write each of `values` in turn.
    template <class... T>
    Derived& operator()(const T&... values) {
        (put(values), ...);
        return self();
    }

    /// A count or length. Source: Bitcoin's CompactSize.
    void compact_size(uint64_t n) {
        if (n < 0xfd) return put(static_cast<uint8_t>(n));
        if (n <= 0xffff) return put(uint8_t{0xfd}), put(static_cast<uint16_t>(n));
        if (n <= 0xffffffff) return put(uint8_t{0xfe}), put(static_cast<uint32_t>(n));
        put(uint8_t{0xff}), put(n);
    }

    /// A length and that many bytes.
    void sized(ByteView bytes) {
        compact_size(bytes.size());
        self().raw(bytes);
    }

private:
    Derived& self() { return static_cast<Derived&>(*this); }

    template <class T>
    void put(const T& value) {
        if constexpr (std::integral<T> || std::is_enum_v<T>)
            self().raw({reinterpret_cast<const uint8_t*>(&value), sizeof value});
        else if constexpr (Walkable<T>)
            T::wire(self(), value);
        else if constexpr (SelfCoded<T>)
            value.write(self());
        else
            put_as(value);
    }

    template <class Tag, class Number>
    void put_as(const Quantity<Tag, Number>& quantity) {
        put(quantity.value);
    }

    void put_as(const Hash256& hash) { self().raw(hash.bytes); }

    template <size_t SIZE>
    void put_as(const std::array<uint8_t, SIZE>& bytes) {
        self().raw(bytes);
    }

    template <size_t INLINE>
    void put_as(const SmallBytes<INLINE>& bytes) {
        sized(bytes);
    }

    void put_as(const std::string& text) { sized(as_bytes(text)); }

    void put_as(const Bytes& bytes) { sized(bytes); }

    template <class T>
    void put_as(const std::vector<T>& items) {
        compact_size(items.size());
        for (const T& item : items) put(item);
    }
};

/// Appends values to a byte string.
class Writer : public WireWriter<Writer> {
public:
    explicit Writer(Bytes& out) : out_(out) {}

    void raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

private:
    Bytes& out_;
};

/// Takes values from a byte string. A read past the end, or a length that cannot be, makes the
/// reader fail: from then on every read gives zeros and `failed()` is true. So a parser is written
/// as if all were well, and asks once at its end. No read takes more memory than input is left.
class Reader {
public:
    explicit Reader(ByteView in) : in_(in) {}

    /// Read each of `values` in turn.
    template <class... T>
    Reader& operator()(T&... values) {
        (get(values), ...);
        return *this;
    }

    /// Read one value of type T.
    template <class T>
    T read() {
        T value{};
        get(value);
        return value;
    }

    bool failed() const { return failed_; }

    size_t position() const { return at_; }

    size_t remaining() const { return in_.size() - at_; }

    bool at_end() const { return !failed_ && at_ == in_.size(); }

    /// What lies between two positions that were passed.
    ByteView between(size_t first, size_t last) const { return in_.subspan(first, last - first); }

    void fail() {
        failed_ = true;
        at_ = in_.size();
    }

    /// The next `size` bytes, which live as long as the input; empty if there are not so many.
    ByteView raw(size_t size) {
        if (size > remaining()) {
            fail();
            return {};
        }
        at_ += size;
        return in_.subspan(at_ - size, size);
    }

    /// A number in compact form; fails if a shorter form would do.
    uint64_t compact_number() {
        const auto first = read<uint8_t>();
        if (first < 0xfd) return first;
        uint64_t n = 0;
        if (first == 0xfd)
            n = read<uint16_t>();
        else if (first == 0xfe)
            n = read<uint32_t>();
        else
            n = read<uint64_t>();
        const uint64_t least = first == 0xfd ? 0xfd : first == 0xfe ? 0x10000 : 0x100000000;
        if (n < least) fail();
        return failed_ ? 0 : n;
    }

    /// A count or length; fails above MAX_WIRE_SIZE.
    uint64_t compact_size() {
        const uint64_t n = compact_number();
        if (n <= MAX_WIRE_SIZE) return n;
        fail();
        return 0;
    }

    /// A length and that many bytes.
    ByteView sized() { return raw(compact_size()); }

private:
    template <class T>
    void get(T& value) {
        if constexpr (std::same_as<T, bool>) {
            value = read<uint8_t>() != 0;
        } else if constexpr (std::integral<T> || std::is_enum_v<T>) {
            if (sizeof value > remaining()) {
                value = T{};
                return fail();
            }
            std::memcpy(&value, in_.data() + at_, sizeof value);
            at_ += sizeof value;
        } else if constexpr (Walkable<T>) {
            T::wire(*this, value);
        } else if constexpr (SelfCoded<T>) {
            value.read(*this);
        } else {
            get_as(value);
        }
    }

    template <class Tag, class Number>
    void get_as(Quantity<Tag, Number>& quantity) {
        get(quantity.value);
    }

    void get_as(Hash256& hash) { get_as(hash.bytes); }

    template <size_t SIZE>
    void get_as(std::array<uint8_t, SIZE>& bytes) {
        const ByteView from = raw(SIZE);
        if (from.empty())
            bytes.fill(0);
        else
            std::memcpy(bytes.data(), from.data(), SIZE);
    }

    template <size_t INLINE>
    void get_as(SmallBytes<INLINE>& bytes) {
        bytes.assign(sized());
    }

    void get_as(std::string& text) {
        const ByteView from = sized();
        text.assign(from.begin(), from.end());
    }

    void get_as(Bytes& bytes) {
        const ByteView from = sized();
        bytes.assign(from.begin(), from.end());
    }

    template <class T>
    void get_as(std::vector<T>& items) {
        const uint64_t count = compact_size();
        items.clear();
        // A false count takes no more than twice the memory of the input itself, a true one is
        // nearly always met: an output of 31 bytes is 56 in memory.
        items.reserve(std::min<uint64_t>(count, 2 * remaining() / sizeof(T) + 1));
        for (uint64_t i = 0; i < count && !failed_; ++i) get(items.emplace_back());
        if (failed_) items.clear();
    }

    ByteView in_;
    size_t at_ = 0;
    bool failed_ = false;
};

/// The bytes of `value` on the wire.
template <class T>
Bytes encode(const T& value) {
    Bytes out;
    Writer writer(out);
    writer(value);
    return out;
}

/// The value whose bytes are all of `bytes`. Errors: Invalid "decode failed".
template <class T>
Result<T> decode(ByteView bytes) {
    Reader reader(bytes);
    T value{};
    reader(value);
    if (!reader.at_end()) return invalid("decode failed");
    return value;
}

} // namespace cairn::consensus
