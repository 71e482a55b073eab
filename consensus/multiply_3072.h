// SPDX-License-Identifier: MIT
// The product of two numbers as wide as MuHash's, in which nearly all of its time goes. GMP as
// distributions build it knows no vectors; AVX-512's products of 52 bits, eight at a time, take a
// quarter of its time. Where the CPU has none, GMP does the work; tests compare the two.
#pragma once

#include <array>
#include <gmp.h>

namespace cairn::consensus {

/// The least significant limb first.
using Number3072 = std::array<mp_limb_t, 3072 / GMP_NUMB_BITS>;
using Number6144 = std::array<mp_limb_t, 6144 / GMP_NUMB_BITS>;

/// Whether this CPU has these products (and so the fast code is in use).
bool has_products_of_52_bits();

/// `fast`: by these products, which the CPU must have, or else by GMP.
Number6144
multiply(const Number3072& a, const Number3072& b, bool fast = has_products_of_52_bits());

} // namespace cairn::consensus
