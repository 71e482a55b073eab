// SPDX-License-Identifier: MIT
// Options from the command line, the environment and cairn.conf, in this order, all described in
// one table. Our own reader, because Boost.Program_options can't let the last value win, nor say
// -nolisten, nor name the file and line of a mistake. Texts in, values out: setup.h reads the
// files.
#pragma once

#include "node/option_table.h"

#include <cstdint>
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

/// One setting as its source gives it, checked against the table.
struct Setting {
    std::string name;
    std::string value;
    bool negated = false; ///< -noname: forgets what was said of it before.

    bool operator==(const Setting&) const = default;
};

/// What one source says, in its order.
using SettingList = std::vector<Setting>;

/// A command line: its options, and all from the first argument on that is none.
struct CommandLine {
    SettingList settings;
    std::vector<std::string> rest;
};

/// Read the option that `arguments` begin with: `-name=value`, `--name=value`, `--name value`,
/// `-name`, `-noname`. Returns how many words it takes; 0 if there is no such option. Throws
/// OptionError.
size_t take_option(std::span<const std::string> arguments, SettingList& settings);

/// Read a command line of options. Throws OptionError.
CommandLine parse_arguments(std::span<const std::string> arguments);

/// Read those of the NAME=value lines that begin with CAIRN_. Throws OptionError, also for one that
/// names no option: a mistyped name must not be a node that differs from what was asked for.
SettingList parse_environment(std::span<const std::string> environment);

/// A part of a configuration file.
struct Section {
    SettingList settings;
    std::string place; ///< file:line that names it first.
};

/// A configuration file by its sections; "" holds what stands above the first.
using Config = std::map<std::string, Section, std::less<>>;

/// Read the lines of a file; `file_name` is for errors. Throws OptionError.
Config parse_config(std::string_view text, std::string_view file_name);

/// The options as they were given. Values of an earlier source hide those of a later one; a List
/// holds the values of all sources. Within a source the last value wins.
class Settings {
public:
    Settings() = default;

    /// From its sources, the strongest first.
    explicit Settings(std::span<const SettingList> sources);

    bool is_set(std::string_view name) const; ///< Given somewhere, not by its fallback.
    bool flag(std::string_view name) const;
    int64_t number(std::string_view name) const;
    std::string text(std::string_view name) const; ///< Empty if negated.
    std::vector<std::string> list(std::string_view name) const;

private:
    /// A List that was negated, and not set again, holds none.
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// The chain that -chain, -regtest and their like choose in the strongest of `sources` that does;
/// nullopt if none does. Throws OptionError for two of them in one source.
std::optional<std::string> chosen_chain(std::span<const SettingList> sources);

} // namespace cairn::node
