// SPDX-License-Identifier: MIT
// SQLite with owners for its handles and exceptions for its errors; no SQL of its own.
#pragma once

#include "consensus/bytes.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace cairn::wallet {

/// The disk failed, or the file isn't what it should be. The text is for people.
struct DatabaseError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A prepared statement with its values. Columns and parameters count from 0.
class Statement {
public:
    Statement(sqlite3* database, std::string_view sql);
    ~Statement();
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;

    /// Move to the next row; false after the last. Throws DatabaseError.
    bool step();

    bool is_null(int column) const;
    int64_t integer(int column) const;
    std::string text(int column) const;
    consensus::Bytes blob(int column) const;
    /// Copy a blob of exactly `size` bytes to `out`. Throws DatabaseError if it has another size.
    void fixed_blob(int column, uint8_t* out, size_t size) const;

    void bind(int parameter, int64_t value);
    void bind(int parameter, std::string_view value);

    void bind(int parameter, const char* value) { bind(parameter, std::string_view(value)); }

    void bind(int parameter, consensus::ByteView value);
    void bind(int parameter, std::nullopt_t value);

    template <class T>
    void bind(int parameter, const std::optional<T>& value) {
        if (value)
            bind(parameter, *value);
        else
            bind(parameter, std::nullopt);
    }

private:
    sqlite3* database_ = nullptr;
    sqlite3_stmt* statement_ = nullptr;
};

/// One open database file, held against other processes for as long as it is open.
///
/// Thread: one at a time.
class Database {
public:
    /// Throws DatabaseError: not there, not a database, or held by another process.
    explicit Database(const std::filesystem::path& path);
    ~Database();
    Database(Database&& other) noexcept;
    Database& operator=(Database&&) = delete;

    /// Statements without values or rows, any number of them.
    void execute(const std::string& sql);

    /// A statement with its values, to be stepped through.
    template <class... T>
    Statement query(std::string_view sql, const T&... values) {
        Statement statement(database_, sql);
        int parameter = 0;
        (statement.bind(parameter++, values), ...);
        return statement;
    }

    /// A statement with its values, run to its end.
    template <class... T>
    void run(std::string_view sql, const T&... values) {
        Statement statement = query(sql, values...);
        while (statement.step()) {
        }
    }

private:
    sqlite3* database_ = nullptr;
};

/// All changes made while it lives reach the file together, at commit(), or not at all.
class DatabaseTransaction {
public:
    explicit DatabaseTransaction(Database& database);
    ~DatabaseTransaction(); ///< Rolls back what wasn't committed.
    DatabaseTransaction(const DatabaseTransaction&) = delete;
    DatabaseTransaction& operator=(const DatabaseTransaction&) = delete;

    void commit();

private:
    Database& database_;
    bool open_ = true;
};

} // namespace cairn::wallet
