// SPDX-License-Identifier: MIT
#include "wallet/wallet_file.h"

#include "consensus/address.h"
#include "rpc/server/new_file.h"
#include "wallet/mnemonic.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace cairn::wallet {

namespace fs = std::filesystem;
using consensus::Params;
using keys::ExtendedSecretKey;
using keys::SecretText;

namespace {

constexpr int64_t APPLICATION_ID = 0x4361726e; // "Carn": what file(1) and we tell it by
constexpr int64_t FORMAT = 1;

constexpr const char* SCHEMA = R"(
CREATE TABLE identity(
    chain TEXT NOT NULL, genesis BLOB NOT NULL, fingerprint BLOB NOT NULL, path TEXT NOT NULL,
    account TEXT NOT NULL, birthday INTEGER NOT NULL);
CREATE TABLE secret(
    passes INTEGER NOT NULL, memory_bytes INTEGER NOT NULL,
    salt BLOB NOT NULL, nonce BLOB NOT NULL, ciphertext BLOB NOT NULL);
)";

struct AccountKeys {
    keys::KeyOrigin origin;
    ExtendedSecretKey secret;
};

std::optional<AccountKeys> account_keys(const WalletWords& words, uint32_t coin_type) {
    const auto master = keys::master_key(mnemonic_seed(words.words, words.seed_passphrase).view());
    if (!master) return std::nullopt;
    const keys::KeyPath path = keys::bip84_account(coin_type, 0);
    const auto account = derive(*master, path);
    if (!account) return std::nullopt;
    return AccountKeys{{keys::fingerprint(keys::public_key(master->key)), path}, *account};
}

/// Bytes of everything in the open that decides whom a payment reaches.
consensus::Bytes sealed_beside(const WalletIdentity& identity) {
    const std::string text = "cairn wallet 1\n" + identity.chain + "\n" +
                             identity.genesis.to_string() + "\n" + to_text(identity.origin) + "\n" +
                             identity.account;
    const consensus::ByteView bytes = consensus::as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

WalletIdentity identity_in(Database& database) {
    const auto pragma = [&](const char* sql) {
        int64_t number = 0;
        database.query(sql).next(number);
        return number;
    };
    if (pragma("PRAGMA application_id") != APPLICATION_ID)
        throw WalletError("this is not a Cairn wallet file");
    if (const int64_t format = pragma("PRAGMA user_version"); format != FORMAT)
        throw WalletError(
            "the wallet file is of format " + std::to_string(format) +
            ", this program knows format " + std::to_string(FORMAT));
    WalletIdentity identity;
    std::string path;
    const bool found =
        database.query("SELECT chain, genesis, fingerprint, path, account, birthday FROM identity")
            .next(
                identity.chain, identity.genesis, identity.origin.master, path, identity.account,
                identity.birthday);
    const auto origin_path = keys::read_key_path(path);
    if (!found || !origin_path) file_is_damaged("no key origin");
    identity.origin.path = *origin_path;
    return identity;
}

Database open_database(const fs::path& path) {
    if (!fs::exists(path)) {
        const std::string name = path.stem().string();
        throw WalletError(
            "there is no wallet '" + name + "' in " + path.parent_path().string() +
            ": make one with `cairn wallet create` or choose another with --wallet NAME");
    }
    return Database(path);
}

/// The account's key, once it is sure that the wallet is of this chain.
keys::ExtendedPublicKey account_of(const WalletIdentity& identity, const Params& params) {
    if (identity.genesis != params.genesis_hash)
        throw WalletError(
            "this wallet belongs to chain '" + identity.chain + "', and this is chain '" +
            params.name + "': choose another with --wallet NAME, or the chain with -chain");
    const auto account = keys::read_extended_public(identity.account, params.address);
    if (!account) file_is_damaged("what is no account key");
    return *account;
}

void fill(Database& database, const NewWallet& wallet, const WalletIdentity& identity) {
    SecretText secret = wallet.words.words;
    secret += '\n';
    secret += wallet.words.seed_passphrase;
    const SealedSecret sealed =
        seal_secret(secret, wallet.passphrase, sealed_beside(identity), wallet.cost);
    database.execute(SCHEMA);
    Ledger::create_tables(database);
    database.run(
        "INSERT INTO identity VALUES(?, ?, ?, ?, ?, ?)", identity.chain, identity.genesis,
        identity.origin.master, keys::to_text(identity.origin.path), identity.account,
        identity.birthday);
    database.run(
        "INSERT INTO secret VALUES(?, ?, ?, ?, ?)", sealed.cost.passes, sealed.cost.memory_bytes,
        sealed.salt, sealed.nonce, sealed.ciphertext);
    database.execute(
        "PRAGMA application_id=" + std::to_string(APPLICATION_ID) +
        "; PRAGMA user_version=" + std::to_string(FORMAT));
}

[[noreturn]] void cannot_write(const fs::path& path) {
    throw std::system_error(errno, std::generic_category(), "can't write " + path.string());
}

} // namespace

void WalletFile::create(const fs::path& path, const NewWallet& wallet) {
    const auto account = account_keys(wallet.words, wallet.params.address.coin_type);
    if (!account) throw WalletError("these words have no keys: choose others");
    const WalletIdentity identity{
        wallet.params.name, wallet.params.genesis_hash, account->origin,
        to_text(keys::public_key(account->secret), wallet.params.address), wallet.birthday};

    fs::create_directories(path.parent_path());
    fs::path unfinished = path;
    unfinished += ".new-XXXXXX";
    std::string name = unfinished;
    // Before SQLite makes it readable for others. A name by the process's number could be taken for
    // ever: in a container that is always the same.
    const int handle = ::mkostemp(name.data(), O_CLOEXEC);
    if (handle < 0) cannot_write(path);
    ::close(handle);
    unfinished = name;
    try {
        {
            Database database(unfinished);
            database.atomically([&] { fill(database, wallet, identity); });
        }
        // A link, unlike a renaming, never replaces a wallet that is there.
        if (::link(unfinished.c_str(), path.c_str()) != 0) {
            if (errno == EEXIST)
                throw WalletError(
                    "there is a wallet " + path.string() + " already: choose another name");
            cannot_write(path);
        }
    } catch (...) {
        fs::remove(unfinished);
        throw;
    }
    fs::remove(unfinished);
    rpc::server::sync_folder_of(path);
}

WalletFile::WalletFile(const fs::path& path, const Params& params)
    : params_(params),
      database_(open_database(path)),
      identity_(identity_in(database_)),
      account_(account_of(identity_, params)),
      ledger_(database_, account_) {}

WalletIdentity WalletFile::read_identity(const fs::path& path) {
    Database database = open_database(path);
    return identity_in(database);
}

std::string WalletFile::address_of(KeyPosition key) const {
    return consensus::address_of_script(ledger_.script_of(key), params_.address).value();
}

std::optional<ExtendedSecretKey> WalletFile::unlock(std::string_view passphrase) {
    SealedSecret sealed;
    const bool found =
        database_.query("SELECT passes, memory_bytes, salt, nonce, ciphertext FROM secret")
            .next(
                sealed.cost.passes, sealed.cost.memory_bytes, sealed.salt, sealed.nonce,
                sealed.ciphertext);
    if (!found) file_is_damaged("no secret");
    const auto secret = open_secret(sealed, passphrase, sealed_beside(identity_));
    const size_t end = secret ? secret->find('\n') : SecretText::npos;
    if (end == SecretText::npos) return std::nullopt;
    const auto account =
        account_keys({secret->substr(0, end), secret->substr(end + 1)}, params_.address.coin_type);
    if (!account || keys::public_key(account->secret) != account_) return std::nullopt;
    return account->secret;
}

} // namespace cairn::wallet
