// SPDX-License-Identifier: MIT
// Every option of cairnd and cairn in one table: the reader, --help and the accessors of Settings
// all walk it, so an option is described exactly once.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace cairn::node {

/// One option, as --help shows it.
struct Option {
    enum class Kind : uint8_t {
        Flag,    ///< on or off
        Number,  ///< an integer
        Text,    ///< the last value wins
        List,    ///< may be repeated
        Ignored, ///< means something to the reference only; accepted, without effect
    };

    std::string_view name; ///< Without dashes.
    Kind kind = Kind::Flag;
    std::string_view argument; ///< "<n>", in brackets if it may be left out; empty for flags.
    std::string_view group;    ///< Heading in --help; empty: not shown.
    std::string_view fallback; ///< Value if not given; empty: none.
    std::string_view help;
    int64_t low = std::numeric_limits<int64_t>::min(); ///< The least a Number may be.
    int64_t high = std::numeric_limits<int64_t>::max();

    /// Whether `-name` alone says something.
    bool stands_alone() const {
        return kind == Kind::Flag || kind == Kind::Ignored || argument.starts_with('[');
    }
};

/// Every option there is.
std::span<const Option> option_table();

/// The row of `name`, or null.
const Option* find_option(std::string_view name);

/// The table as people read it, by group. Ignored options are left out.
std::string options_help();

} // namespace cairn::node
