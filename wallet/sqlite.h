// SPDX-License-Identifier: MIT
// SQLite with owners for its handles, types for its columns and exceptions for its errors; no SQL
// of its own.
#pragma once

#include "consensus/hash.h"
#include "consensus/quantity.h"
#include "consensus/small_bytes.h"

#include <array>
#include <concepts>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <sqlite3.h>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cairn::wallet {

/// The disk failed, or the file isn't what it should be. The text is for people.
struct DatabaseError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws DatabaseError: the file holds `what`, which no Cairn wrote.
[[noreturn]] void file_is_damaged(const std::string& what);

/// A prepared statement with its values.
class Statement {
public:
    Statement(sqlite3* database, std::string_view sql);

    /// Give the parameters their values, in order.
    template <class... T>
    void bind_all(const T&... values) {
        int parameter = 1;
        (bind(parameter++, values), ...);
    }

    /// Move to the next row and put its columns into `out`, in order; false after the last row.
    /// Throws DatabaseError, also for bytes that don't fit.
    template <class... T>
    bool next(T&... out) {
        if (!step()) return false;
        int column = 0;
        (get(column++, out), ...);
        return true;
    }

private:
    bool step();

    void bind(int parameter, int64_t value);
    void bind(int parameter, std::string_view text);
    void bind(int parameter, consensus::ByteView bytes);

    void bind(int parameter, const consensus::Hash256& hash) { bind(parameter, hash.view()); }

    template <class Tag, class Number>
    void bind(int parameter, consensus::Quantity<Tag, Number> quantity) {
        bind(parameter, int64_t{quantity.value});
    }

    template <class T>
    void bind(int parameter, const std::optional<T>& value) {
        if (value) bind(parameter, *value); // else it stays NULL, as all parameters begin
    }

    int64_t integer(int column) const;
    consensus::ByteView view(int column) const;

    void get(int column, std::integral auto& out) const {
        out = static_cast<std::remove_reference_t<decltype(out)>>(integer(column));
    }

    template <class Tag, class Number>
    void get(int column, consensus::Quantity<Tag, Number>& out) const {
        get(column, out.value);
    }

    template <class T>
    void get(int column, std::optional<T>& out) const {
        out.reset();
        if (sqlite3_column_type(statement_.get(), column) != SQLITE_NULL)
            get(column, out.emplace());
    }

    template <size_t SIZE>
    void get(int column, std::array<uint8_t, SIZE>& out) const {
        const consensus::ByteView bytes = view(column);
        if (bytes.size() != SIZE) file_is_damaged("bytes of another length");
        std::copy(bytes.begin(), bytes.end(), out.begin());
    }

    void get(int column, consensus::Hash256& out) const { get(column, out.bytes); }

    template <size_t INLINE>
    void get(int column, consensus::SmallBytes<INLINE>& out) const {
        out.assign(view(column));
    }

    void get(int column, consensus::Bytes& out) const {
        const consensus::ByteView bytes = view(column);
        out.assign(bytes.begin(), bytes.end());
    }

    void get(int column, std::string& out) const {
        const consensus::ByteView bytes = view(column);
        out.assign(bytes.begin(), bytes.end());
    }

    sqlite3* database() const { return sqlite3_db_handle(statement_.get()); }

    std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement_;
};

/// One open database file, held against other processes for as long as it is open.
///
/// Thread: one at a time.
class Database {
public:
    /// Throws DatabaseError: not there, not a database, or held by another process.
    explicit Database(const std::filesystem::path& path);

    /// Statements without values or rows, any number of them.
    void execute(const std::string& sql);

    /// All changes that `change` makes reach the file together, or, if it throws, not at all.
    void atomically(const std::function<void()>& change);

    /// A statement with its values, to be stepped through.
    template <class... T>
    Statement query(std::string_view sql, const T&... values) {
        Statement statement(handle_.get(), sql);
        statement.bind_all(values...);
        return statement;
    }

    /// A statement with its values, run to its end.
    template <class... T>
    void run(std::string_view sql, const T&... values) {
        Statement statement = query(sql, values...);
        while (statement.next()) {
        }
    }

private:
    std::unique_ptr<sqlite3, decltype(&sqlite3_close)> handle_{nullptr, &sqlite3_close};
};

} // namespace cairn::wallet
