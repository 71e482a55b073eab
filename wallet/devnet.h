// SPDX-License-Identifier: MIT
// `cairn devnet`: a network of three nodes on this machine, for people who want to see Cairn work
// and for those who build on it. The nodes are ordinary cairnd processes, each with a cairn.conf.
#pragma once

#include "consensus/params.h"
#include "wallet/devnet_network.h"

#include <filesystem>
#include <functional>

namespace CLI {
class App;
}

namespace cairn::wallet {

/// The chain that the nodes shall follow.
struct DevnetChain {
    std::filesystem::path file; ///< Empty: the default one, which cairnd finds by itself.
    consensus::Params params;
};

/// Add `devnet up|down|status` to `app`. `json`: whether --json was given, known once the command
/// runs; so is `chain`. The commands throw std::runtime_error, and CLI::RuntimeError for a code.
void add_devnet_commands(
    CLI::App& app,
    const bool& json,
    const std::function<DevnetChain()>& chain,
    const FindPlace& find_place);

} // namespace cairn::wallet
