// SPDX-License-Identifier: MIT
// Options from the command line, the environment and cairn.conf, in this order, all described in
// one table. Our own reader, because Boost.Program_options can't let the last value win, nor say
// -nolisten, nor name the file and line of a mistake.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::node {

/// A mistake in the options, with where it stands; its text is for people.
struct OptionError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

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
    std::string_view argument; ///< "<n>"; empty for flags.
    std::string_view group;    ///< Heading in --help; empty: not shown.
    std::string_view fallback; ///< Value if not given; empty: none.
    std::string_view help;
};

/// Every option there is.
std::span<const Option> option_table();

/// The options as they were given. Values of an earlier source hide those of a later one; a List
/// holds the values of all sources.
class Settings {
public:
    bool is_set(std::string_view name) const; ///< Given somewhere, not by its fallback.
    bool flag(std::string_view name) const;
    int64_t number(std::string_view name) const;
    std::string text(std::string_view name) const;
    std::vector<std::string> list(std::string_view name) const;

    /// Set from code, above all sources.
    void force(std::string_view name, std::string value);

private:
    friend class SettingsReader;
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// Where things are for one chain; from -chain, -datadir, -conf.
struct Locations {
    std::filesystem::path chain_file;
    std::filesystem::path data_directory;  ///< -datadir, or ~/.cairn
    std::filesystem::path chain_directory; ///< The chain's folder in it.
    std::filesystem::path config_file;
};

} // namespace cairn::node
