// SPDX-License-Identifier: MIT
#include "consensus/address.h"
#include "tests/temporary_folder.h"
#include "tests/wallet/fake_node.h"
#include "wallet/wallet_file.h"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cairn::wallet {

namespace fs = std::filesystem;

namespace {

/// Whether the message of `error` holds `part`.
auto says(std::string part) {
    return [part = std::move(part)](const std::exception& error) {
        BOOST_TEST_INFO(error.what());
        return std::string(error.what()).find(part) != std::string::npos;
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(wallet_file)

BOOST_AUTO_TEST_CASE(create__fixed_words__has_the_known_first_address) {
    const tests::TemporaryFolder folder;
    const fs::path path = make_test_wallet(folder.path(), default_params());
    WalletFile wallet(path, default_params());
    BOOST_TEST(
        consensus::address_of_script(
            wallet.ledger().script_of({Branch::Receive, 0}), default_params().address)
            .value() == "crn1qjquh87vlludea8aenranjkezfvlhj7dfsuchhr");
    BOOST_TEST(wallet.identity().chain == "cairn");
    BOOST_TEST(keys::to_text(wallet.identity().origin) == "73c5da0a/84h/4411982h/0h");
}

BOOST_AUTO_TEST_CASE(create__file__is_its_owners_only) {
    const tests::TemporaryFolder folder;
    const fs::path path = make_test_wallet(folder.path(), regtest_params());

    struct stat status {};

    BOOST_REQUIRE(::stat(path.c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 0777) == 0600U);
    BOOST_TEST(std::distance(fs::directory_iterator(folder.path()), {}) == 1); // no left-overs
}

/// What a crash leaves of a process whose number this one has again.
BOOST_AUTO_TEST_CASE(create__unfinished_file_of_before__is_no_hindrance) {
    const tests::TemporaryFolder folder;
    folder.write("test.wallet.new-" + std::to_string(::getpid()), "half a wallet");
    WalletFile(make_test_wallet(folder.path(), regtest_params()), regtest_params());
}

BOOST_AUTO_TEST_CASE(create__path_taken__leaves_the_wallet_there) {
    const tests::TemporaryFolder folder;
    const fs::path path = make_test_wallet(folder.path(), regtest_params());
    const std::string before = tests::TemporaryFolder().path();
    BOOST_CHECK_EXCEPTION(
        make_test_wallet(folder.path(), default_params()), WalletError, says("already"));
    BOOST_TEST(WalletFile(path, regtest_params()).identity().chain == "regtest");
}

BOOST_AUTO_TEST_CASE(unlock__right_passphrase__gives_the_accounts_key) {
    const tests::TemporaryFolder folder;
    WalletFile wallet(make_test_wallet(folder.path(), regtest_params()), regtest_params());
    const auto account = wallet.unlock(TEST_PASSPHRASE);
    BOOST_TEST_REQUIRE(account.has_value());
    BOOST_TEST(
        to_text(keys::public_key(*account), regtest_params().address) == wallet.identity().account);
}

BOOST_AUTO_TEST_CASE(unlock__wrong_passphrase__gives_nothing) {
    const tests::TemporaryFolder folder;
    WalletFile wallet(make_test_wallet(folder.path(), regtest_params()), regtest_params());
    for (const char* passphrase : {"", "correct horsf", "correct horse ", "Correct horse"})
        BOOST_TEST(!wallet.unlock(passphrase).has_value(), passphrase);
}

/// Whoever can write the file must not be able to redirect payments and still have it unlock.
BOOST_AUTO_TEST_CASE(unlock__tampered_file__gives_nothing) {
    const char* changes[] = {
        "UPDATE secret SET ciphertext = CAST(zeroblob(length(ciphertext)) AS BLOB)",
        "UPDATE secret SET nonce = zeroblob(24)",
        "UPDATE secret SET salt = zeroblob(16)",
        "UPDATE secret SET passes = passes + 1",
        "UPDATE secret SET passes = 1000000",
        "UPDATE secret SET memory_bytes = 1099511627776",
        "UPDATE secret SET memory_bytes = 0",
        "UPDATE identity SET chain = 'other'",
        "UPDATE identity SET fingerprint = zeroblob(4)",
        "UPDATE identity SET path = '84h/0h/1h'",
    };
    for (const char* change : changes) {
        const tests::TemporaryFolder folder;
        const fs::path path = make_test_wallet(folder.path(), regtest_params());
        Database(path).execute(change);
        WalletFile wallet(path, regtest_params());
        BOOST_TEST(!wallet.unlock(TEST_PASSPHRASE).has_value(), change);
    }
}

BOOST_AUTO_TEST_CASE(unlock__account_of_another_wallet__gives_nothing) {
    const tests::TemporaryFolder folder;
    const fs::path path = make_test_wallet(folder.path(), regtest_params());
    const std::array<uint8_t, 16> seed{9};
    const std::string other =
        to_text(keys::public_key(*keys::master_key(seed)), regtest_params().address);
    Database(path).run("UPDATE identity SET account = ?", other);
    WalletFile wallet(path, regtest_params());
    BOOST_TEST(!wallet.unlock(TEST_PASSPHRASE).has_value());
}

BOOST_AUTO_TEST_CASE(open__not_a_wallet_of_this_chain__says_what_it_is) {
    const tests::TemporaryFolder folder;
    const fs::path path = make_test_wallet(folder.path(), regtest_params());
    BOOST_CHECK_EXCEPTION(
        WalletFile(path, default_params()), WalletError, says("belongs to chain 'regtest'"));
    BOOST_CHECK_EXCEPTION(
        WalletFile(folder.path() / "none.wallet", regtest_params()), WalletError,
        says("cairn wallet create"));
    const fs::path text = folder.write("text.wallet", "This is no database at all.\n");
    BOOST_CHECK_EXCEPTION(
        WalletFile(text, regtest_params()), DatabaseError, says("not a wallet file"));
    const fs::path empty = folder.write("empty.wallet", "");
    BOOST_CHECK_EXCEPTION(
        WalletFile(empty, regtest_params()), WalletError, says("not a Cairn wallet"));
    Database(path).execute("PRAGMA user_version=2");
    BOOST_CHECK_EXCEPTION(WalletFile(path, regtest_params()), WalletError, says("format 2"));
}

BOOST_AUTO_TEST_CASE(open__damaged_tables__says_how_to_recover) {
    for (const char* change :
         {"DELETE FROM identity", "UPDATE identity SET account = 'tpub'",
          "UPDATE identity SET genesis = 'short'", "UPDATE identity SET path = '84h//'",
          "DELETE FROM branches"}) {
        const tests::TemporaryFolder folder;
        const fs::path path = make_test_wallet(folder.path(), regtest_params());
        Database(path).execute(change);
        BOOST_CHECK_EXCEPTION(
            WalletFile(path, regtest_params()).unlock(TEST_PASSPHRASE), std::runtime_error,
            says("wallet"));
    }
}

/// A process killed in the middle of a write: what it had not committed is gone, all else is there.
BOOST_AUTO_TEST_CASE(open__killed_while_writing__is_as_of_the_last_commit) {
    const tests::TemporaryFolder folder;
    const fs::path path = make_test_wallet(folder.path(), regtest_params());
    const pid_t child = ::fork();
    if (child == 0) {
        WalletFile wallet(path, regtest_params());
        BlockHash hash;
        wallet.ledger().set_tip({7, hash});
        wallet.database().atomically([&] {
            // Larger than SQLite's page cache, so that the file itself is half changed.
            wallet.database().execute(
                "PRAGMA cache_size=10; PRAGMA cache_spill=ON;"
                "DELETE FROM secret; DELETE FROM identity;"
                "CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                "SELECT i + 1 FROM n WHERE i < 20000) SELECT i, randomblob(100) FROM n");
            ::kill(::getpid(), SIGKILL);
        });
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    BOOST_REQUIRE(WIFSIGNALED(status));
    BOOST_TEST(fs::exists(path.string() + "-journal")); // it was in the middle
    WalletFile wallet(path, regtest_params());
    BOOST_TEST(wallet.ledger().tip()->height.value == 7);
    BOOST_TEST(wallet.unlock(TEST_PASSPHRASE).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
