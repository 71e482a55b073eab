// SPDX-License-Identifier: MIT
// One wallet in one SQLite file: in the open which chain and account it is and the ledger; under a
// passphrase the words.
#pragma once

#include "consensus/params.h"
#include "wallet/ledger.h"
#include "wallet/secret_box.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::wallet {

/// What a wallet is, apart from its secrets; sealing binds them to it.
struct WalletIdentity {
    std::string chain; ///< The chain file's name.
    BlockHash genesis;
    keys::KeyOrigin origin; ///< Of the account.
    std::string account; ///< Extended public key of BIP-0084's account 0, with the chain's prefix.
    Height birthday;     ///< No payment to it is in a lower block.
};

/// The words, and the BIP-0039 passphrase that goes with them (usually none).
struct WalletWords {
    keys::SecretText words;
    keys::SecretText seed_passphrase;
};

/// A wallet that is to be made.
struct NewWallet {
    const consensus::Params& params;
    WalletWords words;
    keys::SecretText passphrase;
    Height birthday;
    GuessCost cost;
};

/// Invariants: `ledger()` belongs to the account of `identity()`. The file is held against other
///   processes for as long as this lives, so two of them can't spend the same coin.
/// Thread: one. Lifetime: the parameters outlive it.
class WalletFile {
public:
    /// Make a wallet at `path`, whole or not at all, readable by its owner only. Throws
    /// WalletError: the path is taken, or the words have no keys; std::system_error; DatabaseError.
    static void create(const std::filesystem::path& path, const NewWallet& wallet);

    /// Throws WalletError: no such file, not one of ours, or of another chain; DatabaseError.
    WalletFile(const std::filesystem::path& path, const consensus::Params& params);

    /// What the file at `path` says of itself. Throws as the constructor.
    static WalletIdentity read_identity(const std::filesystem::path& path);

    const WalletIdentity& identity() const { return identity_; }

    Ledger& ledger() { return ledger_; }

    std::string address_of(KeyPosition key) const;

    Database& database() { return database_; }

    /// The account's secret key. nullopt: wrong passphrase, or the file was changed by something
    /// else than Cairn.
    std::optional<keys::ExtendedSecretKey> unlock(std::string_view passphrase);

private:
    const consensus::Params& params_;
    Database database_;
    WalletIdentity identity_;
    keys::ExtendedPublicKey account_;
    Ledger ledger_;
};

} // namespace cairn::wallet
