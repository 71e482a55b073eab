// SPDX-License-Identifier: MIT
// How a fuzz target tells the fuzzer that what it found is wrong.
#pragma once

#include <boost/assert/source_location.hpp>

#include <cstdio>
#include <cstdlib>

namespace cairn::tests {

inline void check(bool good, boost::source_location at = BOOST_CURRENT_LOCATION) {
    if (good) return;
    std::fprintf(
        stderr, "%s:%lu: this does not hold\n", at.file_name(),
        static_cast<unsigned long>(at.line()));
    std::abort();
}

} // namespace cairn::tests
