// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>

namespace cairn::tests {

/// A number from the environment: how long a test runs, or its seed.
inline uint64_t setting(const char* name, uint64_t otherwise) {
    const char* text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets it
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

} // namespace cairn::tests
