// SPDX-License-Identifier: MIT
// Bytes that must not outlive their use: wiped when their owner goes.
#pragma once

#include "consensus/bytes.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

namespace cairn::wallet::keys {

/// SIZE secret bytes, wiped on destruction. Copies are allowed, each wipes itself.
template <size_t SIZE>
class SecretBytes {
public:
    SecretBytes() = default;
    SecretBytes(const SecretBytes&) = default;
    SecretBytes& operator=(const SecretBytes&) = default;

    ~SecretBytes() { explicit_bzero(bytes_.data(), SIZE); }

    uint8_t* data() { return bytes_.data(); }

    const uint8_t* data() const { return bytes_.data(); }

    static constexpr size_t size() { return SIZE; }

    consensus::ByteView view() const { return bytes_; }

private:
    std::array<uint8_t, SIZE> bytes_{};
};

/// Wipes memory as it is given back.
template <class T>
struct WipingAllocator {
    using value_type = T;

    WipingAllocator() = default;

    template <class U>
    explicit WipingAllocator(const WipingAllocator<U>&) {}

    T* allocate(size_t count) { return std::allocator<T>().allocate(count); }

    void deallocate(T* at, size_t count) {
        explicit_bzero(at, count * sizeof(T));
        std::allocator<T>().deallocate(at, count);
    }

    bool operator==(const WipingAllocator&) const = default;
};

/// A secret text, wiped when its owner goes. Its few characters kept inside the object, if it is
/// that short, are not: so nothing shorter than 16 characters is truly secret.
using SecretText = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

/// A private key: a number in [1, n) of secp256k1, big-endian.
using SecretKey = SecretBytes<32>;

} // namespace cairn::wallet::keys
