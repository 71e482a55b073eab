// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/bytes.h"

#include <filesystem>

namespace cairn::node {

/// Make `bytes` the content of `file` at once: whatever happens, it holds the old or the new ones.
/// Throws std::runtime_error.
void replace_file(const std::filesystem::path& file, consensus::ByteView bytes);

} // namespace cairn::node
