// SPDX-License-Identifier: MIT
// The subcommands of `cairn`, one file a group (NAME_commands.cpp).
#pragma once

#include "consensus/params.h"
#include "wallet/report.h"
#include "wallet/rpc_client.h"
#include "wallet/wallet_file.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cairn::wallet {

/// What all commands share: the options before any of them, and where chain, node and wallets are.
struct Program {
    bool json = false;
    std::string wallet = "default";
    std::filesystem::path passphrase_file;
    std::vector<std::string> rpc_arguments; ///< METHOD and its parameters, of `cairn rpc`.

    /// Asked only by commands that need them: a missing chain file is no reason for no --help.
    std::function<const consensus::Params&()> params;
    std::function<RpcEndpoint()> endpoint;
    std::function<std::filesystem::path()> wallet_directory;

    /// The file of wallet `name`. Throws WalletError for a name that is none.
    std::filesystem::path wallet_path(const std::string& name) const;

    /// The wallet that --wallet names.
    WalletFile open_wallet() const { return {wallet_path(wallet), params()}; }

    /// The account's key of `file`, by a passphrase that is asked for. Throws WalletError if that
    /// is wrong.
    keys::ExtendedSecretKey unlock(WalletFile& file) const;
};

void add_wallet_commands(CLI::App& app, Program& program);  ///< wallet create|restore|list
void add_account_commands(CLI::App& app, Program& program); ///< address, balance, history
void add_send_commands(CLI::App& app, Program& program);    ///< send, abandon
void add_node_commands(CLI::App& app, Program& program);    ///< status, rpc
void add_chain_commands(CLI::App& app, Program& program);   ///< chain new
void add_sign_commands(CLI::App& app, Program& program);    ///< chain key|block|sign

/// Bring `wallet` up to the node's tip, with a progress line and warnings on standard error.
Height sync_with_node(const Program& program, WalletFile& wallet, NodeRpc& node);

} // namespace cairn::wallet
