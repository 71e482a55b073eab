// SPDX-License-Identifier: MIT
// Numbers with a meaning. An amount and a height are both integers, and adding one to the other is
// always a mistake: so each is a type, built from a plain number but never from another quantity.
#pragma once

#include <compare>
#include <cstdint>

namespace cairn::consensus {

/// An integer of one meaning. Plain numbers convert into it, it converts into nothing:
/// `value` is the way out.
template <class Tag, class Number>
struct Quantity {
    Number value = 0;

    constexpr Quantity() = default;

    constexpr Quantity(Number number) : value(number) {} // NOLINT(google-explicit-constructor)

    constexpr auto operator<=>(const Quantity&) const = default;

    constexpr Quantity& operator+=(Quantity other) {
        value += other.value;
        return *this;
    }

    constexpr Quantity& operator-=(Quantity other) {
        value -= other.value;
        return *this;
    }

    constexpr Quantity& operator++() {
        ++value;
        return *this;
    }

    constexpr Quantity& operator--() {
        --value;
        return *this;
    }

    friend constexpr Quantity operator+(Quantity a, Quantity b) { return a += b; }

    friend constexpr Quantity operator-(Quantity a, Quantity b) { return a -= b; }

    friend constexpr Quantity operator-(Quantity a) { return Quantity(-a.value); }
};

/// Satoshis: 1/100,000,000 of a coin. Core: CAmount.
using Amount = Quantity<struct AmountTag, int64_t>;

/// Blocks above genesis; genesis is 0. Core: nHeight.
using Height = Quantity<struct HeightTag, int32_t>;

constexpr int64_t COIN = 100'000'000; ///< Satoshis in one coin.

/// No amount in a transaction, and no sum of them, exceeds this. Core: MAX_MONEY.
constexpr Amount MAX_MONEY = 21'000'000 * COIN;

constexpr bool money_range(Amount amount) {
    return amount >= Amount(0) && amount <= MAX_MONEY;
}

} // namespace cairn::consensus
