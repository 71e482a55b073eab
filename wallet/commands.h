// SPDX-License-Identifier: MIT
// The subcommands of `cairn`, one file a group (NAME_commands.cpp).
#pragma once

#include "consensus/params.h"
#include "wallet/report.h"
#include "wallet/rpc_client.h"
#include "wallet/sync.h"
#include "wallet/wallet_file.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cairn::rpc::server {
struct Method;
}

namespace cairn::wallet {

/// How `cairn rpc` calls, by the options of the program that it stands in for.
struct RpcUse {
    bool named = false;               ///< Parameters are name=value.
    bool reads_words = false;         ///< -stdin: more of them, a line each.
    bool reads_password = false;      ///< -stdinrpcpass
    bool getinfo = false;             ///< An overview, in place of a method.
    bool waits = false;               ///< Until the node answers,
    std::chrono::seconds patience{0}; ///< so long; 0: for ever.
};

/// What cairnd's option reader makes of options: the chain, and where its node and wallets are.
struct Place {
    consensus::Params params;
    bool chain_chosen = false; ///< By an option; else it is the default one.
    std::filesystem::path chain_file;
    std::filesystem::path chain_directory;
    std::string wallet; ///< The name of the one to be used.
    std::filesystem::path wallet_directory;
    uint16_t p2p_port = 0;
    RpcEndpoint endpoint;
    RpcUse rpc;
};

/// What all commands share: the options before any of them, and what the rest of Cairn lends them.
struct Program {
    bool json = false;
    std::filesystem::path passphrase_file;
    std::vector<std::string> rpc_arguments; ///< METHOD and its parameters, of `cairn rpc`.

    /// By this program's options. Asked only by commands that need it: a missing chain file is no
    /// reason for no --help.
    std::function<const Place&()> place;
    /// By the configuration file of a data directory alone.
    std::function<Place(const std::filesystem::path& data_directory)> place_in;
    /// Whether a chain file that comes with Cairn has this name.
    std::function<bool(const std::string&)> is_chain;
    /// The row of the node's method table, or null.
    std::function<const rpc::server::Method*(std::string_view)> find_method;
    /// Keeps others out of a directory for as long as its result lives. Throws std::runtime_error.
    std::function<std::shared_ptr<void>(const std::filesystem::path&)> lock;

    const consensus::Params& params() const { return place().params; }

    const RpcEndpoint& endpoint() const { return place().endpoint; }

    /// The name that -wallet says.
    const std::string& wallet() const { return place().wallet; }

    /// The file of wallet `name`. Throws WalletError for a name that is none.
    std::filesystem::path wallet_path(const std::string& name) const;

    WalletFile open_wallet() const { return {wallet_path(wallet()), params()}; }

    /// The account's key of `file`, by a passphrase that is asked for. Throws WalletError if that
    /// is wrong.
    keys::ExtendedSecretKey unlock(WalletFile& file) const;
};

void add_wallet_commands(CLI::App& app, Program& program);  ///< wallet create|restore|list
void add_account_commands(CLI::App& app, Program& program); ///< address, balance, history
void add_send_commands(CLI::App& app, Program& program);    ///< send, abandon
void add_node_commands(CLI::App& app, Program& program);    ///< status, rpc
void add_chain_commands(CLI::App& app, Program& program);   ///< chain new|key
void add_sign_commands(CLI::App& chain, Program& program);  ///< chain block|sign
void add_devnet_commands(CLI::App& app, Program& program);  ///< devnet up|down|status

/// Do what `cairn rpc` is told to and return the exit code: 0, or that of the node's error.
/// Throws RpcError if there is no reply, WalletError for arguments that say nothing.
int call_method(const Program& program);

/// What an argument says. Throw WalletError.
Amount amount_of(const std::string& argument);
Script script_of(const std::string& address, const consensus::Params& params);

/// Bring `wallet` up to the node's tip, with a progress line and warnings on standard error.
SyncReport sync_with_node(const Program& program, WalletFile& wallet, NodeRpc& node);

} // namespace cairn::wallet
