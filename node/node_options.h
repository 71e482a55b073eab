// SPDX-License-Identifier: MIT
// From texts to types: what each part of the node is told, out of the settings. A value out of
// range is found here, before anything has started.
#pragma once

#include "chain/chain.h"
#include "node/context.h"
#include "node/log.h"
#include "node/network.h"
#include "node/setup.h"

#include <optional>

namespace cairn::node {

class Listener;

/// All throw OptionError, in Core's words where it has them.
chain::ChainOptions chain_options(const Setup& setup);
NetworkOptions network_options(const Setup& setup);
LogOptions log_options(const Setup& setup);

/// Throws std::runtime_error if the comments make the user agent too long.
ProtocolOptions protocol_options(
    const NetworkOptions& options, const chain::Chain& chain, const Listener& listener);

/// A port from `name`; `fallback` if it is not given.
uint16_t port_option(const Settings& settings, std::string_view name, uint16_t fallback);

/// What -mine pays to; nullopt if it isn't given.
std::optional<consensus::Script> mining_payout(const Setup& setup);

/// Change the activation heights as -testactivationheight says. Only on chains that have a fixed
/// difficulty: elsewhere it would be a fork.
void apply_test_heights(Setup& setup);

} // namespace cairn::node
