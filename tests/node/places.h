// SPDX-License-Identifier: MIT
// Addresses by the thousand, for tests.
#pragma once

#include "node/address_book.h"

#include <string>

namespace cairn::node::test {

/// The `n`th address of many, no two of one group for n < 2^16.
inline TimedAddress place(uint32_t n, int64_t time) {
    const auto octet = [&](int shift) { return static_cast<uint8_t>(n >> shift); };
    return {
        static_cast<uint32_t>(time), NODE_NETWORK | NODE_WITNESS,
        NetAddress::ipv4({static_cast<uint8_t>(20 + octet(8) % 60), octet(0), octet(16), 1}, 8333)};
}

constexpr int64_t NOW = 1'700'100'000;

/// As many as told us of so many addresses, each another one.
inline void fill(AddressBook& book, uint32_t count, int64_t now = NOW) {
    for (uint32_t i = 0; i < count; ++i) book.add(place(i, now), std::to_string(i), now);
}

} // namespace cairn::node::test
