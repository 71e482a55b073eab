// SPDX-License-Identifier: MIT
// The languages of the published script vectors: scripts in words, flags by name.
#pragma once

#include "consensus/script.h"
#include "consensus/script_flags.h"

#include <boost/json.hpp>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cairn::tests {

/// A script of decimal numbers, 0x… bytes put in as they are, 'quoted' strings to push, and
/// opcodes with or without OP_. Throws std::invalid_argument for another word.
consensus::Script assemble(std::string_view text);

/// All flags with Core's names for them.
std::span<const std::pair<std::string_view, consensus::ScriptFlags>> named_flags();

/// "P2SH,WITNESS" and the like; "" and "NONE" are none. Throws std::invalid_argument.
uint32_t parse_flags(std::string_view names);

/// `flags` without those that have no meaning without others that aren't there.
uint32_t trim_flags(uint32_t flags);

/// `flags` with those that they build on.
uint32_t fill_flags(uint32_t flags);

/// The JSON array in a file of the vectors.
boost::json::array read_vectors(const std::filesystem::path& path);

} // namespace cairn::tests
