// SPDX-License-Identifier: MIT
// How a fuzz target tells the fuzzer that what it found is wrong.
#pragma once

#include <cstdlib>

namespace cairn::tests {

inline void check(bool good) {
    if (!good) std::abort();
}

} // namespace cairn::tests
