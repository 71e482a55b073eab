// SPDX-License-Identifier: MIT
#include "wallet/sqlite.h"

namespace cairn::wallet {

namespace {

constexpr int WAIT_FOR_OTHER_PROCESS_MS = 10'000;

[[noreturn]] void fail(sqlite3* database, int code) {
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        throw DatabaseError("the wallet file is in use by another cairn process: try again");
    if (code == SQLITE_NOTADB) throw DatabaseError("this is not a wallet file");
    throw DatabaseError(std::string("wallet file: ") + sqlite3_errmsg(database));
}

void check(sqlite3* database, int code) {
    if (code != SQLITE_OK) fail(database, code);
}

} // namespace

void file_is_damaged(const std::string& what) {
    throw DatabaseError(
        "the wallet file is damaged, it holds " + what + ": restore the wallet from its words");
}

Statement::Statement(sqlite3* database, std::string_view sql)
    : statement_(nullptr, &sqlite3_finalize) {
    sqlite3_stmt* made = nullptr;
    check(
        database,
        sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &made, nullptr));
    statement_.reset(made);
}

bool Statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) fail(database(), code);
    return code == SQLITE_ROW;
}

int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

consensus::ByteView Statement::view(int column) const {
    const auto* bytes = static_cast<const uint8_t*>(sqlite3_column_blob(statement_.get(), column));
    return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Statement::bind(int parameter, int64_t value) {
    check(database(), sqlite3_bind_int64(statement_.get(), parameter, value));
}

void Statement::bind(int parameter, std::string_view text) {
    check(
        database(), sqlite3_bind_text(
                        statement_.get(), parameter, text.data(), static_cast<int>(text.size()),
                        SQLITE_TRANSIENT)); // NOLINT
}

void Statement::bind(int parameter, consensus::ByteView bytes) {
    // A null pointer would bind NULL, not an empty blob.
    const void* data = bytes.empty() ? "" : static_cast<const void*>(bytes.data());
    check(
        database(), sqlite3_bind_blob(
                        statement_.get(), parameter, data, static_cast<int>(bytes.size()),
                        SQLITE_TRANSIENT)); // NOLINT
}

Database::Database(const std::filesystem::path& path) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
    handle_.reset(opened); // SQLite gives a handle with the reason if it fails
    if (code != SQLITE_OK)
        throw DatabaseError("can't open " + path.string() + ": " + sqlite3_errmsg(opened));
    sqlite3_busy_timeout(opened, WAIT_FOR_OTHER_PROCESS_MS);
    execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; BEGIN EXCLUSIVE; COMMIT;");
}

void Database::execute(const std::string& sql) {
    check(handle_.get(), sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

void Database::atomically(const std::function<void()>& change) {
    execute("BEGIN IMMEDIATE");
    try {
        change();
        execute("COMMIT");
    } catch (...) {
        // If this fails, too, SQLite rolls back by itself when the file is opened next.
        sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
        throw;
    }
}

} // namespace cairn::wallet
