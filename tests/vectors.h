// SPDX-License-Identifier: MIT
// Where the published test vectors lie. They are not part of the sources: where they are absent a
// test says so and returns, and CTest counts it as skipped.
#pragma once

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>

namespace cairn::tests {

/// Where vectors were looked for in vain. main.cpp tells CTest that a test was skipped, unless
/// some other case of it failed.
inline std::string vectors_missing; // NOLINT(*-avoid-non-const-global-variables)

/// The folder of the vectors: $TEST_VECTORS, or `shared/vectors` beside the sources. Where there is
/// none the test counts as skipped.
inline std::optional<std::filesystem::path> vectors_dir() {
    const char* named = std::getenv("TEST_VECTORS");
    const std::filesystem::path dir =
        named != nullptr ? named : CAIRN_SOURCE_DIR "/../shared/vectors";
    if (std::filesystem::is_directory(dir)) return dir;
    vectors_missing = dir.string();
    return std::nullopt;
}

/// All of a file, as it is. Throws std::runtime_error if it can't be read.
inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace cairn::tests
