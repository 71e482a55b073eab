// SPDX-License-Identifier: MIT
#include "wallet/sqlite.h"

#include <cstring>
#include <sqlite3.h>
#include <utility>

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

Statement::Statement(sqlite3* database, std::string_view sql) : database_(database) {
    check(
        database, sqlite3_prepare_v2(
                      database, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr));
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)) {}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

bool Statement::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    fail(database_, code);
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
    const consensus::Bytes bytes = blob(column);
    return {bytes.begin(), bytes.end()};
}

consensus::Bytes Statement::blob(int column) const {
    const auto* bytes = static_cast<const uint8_t*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
    if (bytes == nullptr) return {};
    return {bytes, bytes + size};
}

void Statement::fixed_blob(int column, uint8_t* out, size_t size) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    if (static_cast<size_t>(sqlite3_column_bytes(statement_, column)) != size || bytes == nullptr)
        throw DatabaseError("the wallet file is damaged: restore the wallet from its words");
    std::memcpy(out, bytes, size);
}

void Statement::bind(int parameter, int64_t value) {
    check(database_, sqlite3_bind_int64(statement_, parameter + 1, value));
}

void Statement::bind(int parameter, std::string_view value) {
    check(
        database_, sqlite3_bind_text(
                       statement_, parameter + 1, value.data(), static_cast<int>(value.size()),
                       SQLITE_TRANSIENT)); // NOLINT
}

void Statement::bind(int parameter, consensus::ByteView value) {
    // A null pointer would bind NULL, not an empty blob.
    const void* data = value.empty() ? "" : static_cast<const void*>(value.data());
    check(
        database_, sqlite3_bind_blob(
                       statement_, parameter + 1, data, static_cast<int>(value.size()),
                       SQLITE_TRANSIENT)); // NOLINT
}

void Statement::bind(int parameter, std::nullopt_t /*value*/) {
    check(database_, sqlite3_bind_null(statement_, parameter + 1));
}

Database::Database(const std::filesystem::path& path) {
    const int code = sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE, nullptr);
    if (code != SQLITE_OK) {
        const std::string reason = sqlite3_errmsg(database_);
        sqlite3_close(database_);
        throw DatabaseError("can't open " + path.string() + ": " + reason);
    }
    try {
        sqlite3_busy_timeout(database_, WAIT_FOR_OTHER_PROCESS_MS);
        execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;"
                "BEGIN EXCLUSIVE; COMMIT;");
    } catch (...) {
        sqlite3_close(database_);
        throw;
    }
}

Database::Database(Database&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Database::~Database() {
    sqlite3_close(database_);
}

void Database::execute(const std::string& sql) {
    check(database_, sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr));
}

DatabaseTransaction::DatabaseTransaction(Database& database) : database_(database) {
    database_.execute("BEGIN IMMEDIATE");
}

DatabaseTransaction::~DatabaseTransaction() {
    if (!open_) return;
    try {
        database_.execute("ROLLBACK");
    } catch (const DatabaseError&) { // NOLINT(bugprone-empty-catch)
        // SQLite rolls back by itself when the file is opened next.
    }
}

void DatabaseTransaction::commit() {
    database_.execute("COMMIT");
    open_ = false;
}

} // namespace cairn::wallet
