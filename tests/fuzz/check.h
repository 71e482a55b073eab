// SPDX-License-Identifier: MIT
// How a fuzz target tells the fuzzer that what it found is wrong.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace cairn::tests {

inline void check(bool good, std::source_location at = std::source_location::current()) {
    if (good) return;
    std::fprintf(stderr, "%s:%u: this does not hold\n", at.file_name(), at.line());
    std::abort();
}

} // namespace cairn::tests
