// SPDX-License-Identifier: MIT
// From a command line to a chain: finds and reads the configuration file and the chain file. Both
// programs begin here, so that cairn finds the node by the same options as cairnd.
#pragma once

#include "consensus/params.h"
#include "node/options.h"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::node {

/// Where things are for one chain; from -chain, -datadir, -conf. All paths are absolute.
struct Locations {
    std::filesystem::path chain_file;
    std::filesystem::path data_directory;  ///< -datadir, or ~/.cairn
    std::filesystem::path chain_directory; ///< The chain's folder in it; not yet made.
    std::filesystem::path config_file;     ///< Empty: -noconf.
};

/// What a program knows once its options are read.
struct Setup {
    Settings settings;
    Locations locations;
    consensus::Params params;
    bool chain_chosen = false;         ///< By an option; else it is the default one.
    std::vector<std::string> warnings; ///< For standard error.

    /// `name`'s path, seen from the chain's directory unless it is absolute.
    std::filesystem::path chain_path(std::string_view option_name) const;
};

/// The process's own environment, NAME=value each.
std::vector<std::string> environment_lines();

/// Read the files that `arguments` and the environment (NAME=value) lead to.
/// `environment` gives HOME, too. Throws OptionError.
Setup read_setup(const SettingList& arguments, std::span<const std::string> environment);

/// The file that -chain=`chain` means: `chain` itself if it has a / or ends in .json, else
/// X.json, genesis/X.json or genesis/bitcoin-X.json in one of `folders`. Throws OptionError.
std::filesystem::path
find_chain_file(const std::string& chain, std::span<const std::filesystem::path> folders);

/// Whether a chain file that comes with Cairn has this name.
bool is_chain(const std::string& name);

/// Folders with genesis.json and genesis/: the installed one, then that of the sources.
std::vector<std::filesystem::path> chain_folders();

} // namespace cairn::node
