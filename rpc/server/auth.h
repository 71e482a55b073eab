// SPDX-License-Identifier: MIT
// Who may call: a secret in a cookie file for programs of the same user, passwords for all others.
#pragma once

#include "rpc/server/user.h"

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::rpc::server {

/// Where credentials come from; from the option table.
struct AuthOptions {
    std::string user;                    ///< -rpcuser
    std::string password;                ///< -rpcpassword; empty: a cookie is written instead.
    std::vector<std::string> rpcauth;    ///< -rpcauth=USER:SALT$HASH
    std::filesystem::path cookie_file;   ///< Empty: none (-norpccookiefile).
    mode_t cookie_mode = 0600;           ///< -rpccookieperms
    std::vector<std::string> roles;      ///< -rpcrole=USER:ROLE; all others are Role::Admin.
    std::vector<std::string> whitelists; ///< -rpcwhitelist=USER:METHOD,...: all of them hold.
    /// -rpcwhitelistdefault: whether a user without a list may call nothing; nullopt: if another
    /// has one.
    std::optional<bool> whitelist_default;
};

/// An option of authentication that can't be read; its text is for people.
struct AuthError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Checks credentials, knows the users, and owns the cookie file from construction to destruction.
///
/// Invariants: no password is kept, only its HMAC-SHA-256 under a salt. Thread: any, once made.
class Authenticator {
public:
    /// Writes the cookie if there is no password. Throws AuthError, std::filesystem errors.
    explicit Authenticator(const AuthOptions& options);
    ~Authenticator(); ///< Deletes the cookie.
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;

    /// The user that the value of an Authorization header names and proves to be, or null.
    /// Takes the same time for a wrong user and a wrong password.
    const User* user_of(std::string_view authorization) const;

private:
    struct Credential {
        const User* user = nullptr;
        std::string salt;
        std::array<unsigned char, 32> hash{}; ///< HMAC-SHA-256 of the password, keyed by the salt.
    };

    void add_password(std::string user, std::string_view password);
    void add_rpcauth(const std::string& text);
    void write_cookie(const std::filesystem::path& file, mode_t mode);
    User& user_named(std::string name);
    void give_role(const std::string& text);
    void limit_to_list(const std::string& text);

    std::map<std::string, User, std::less<>> users_; ///< By name.
    std::vector<Credential> credentials_;
    std::filesystem::path cookie_file_;
};

/// Whether two strings are the same, in a time that depends on their lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// `bytes` in base64.
std::string base64_encode(std::string_view bytes);

/// The Authorization header that a query's "token=BASE64(USER:PASSWORD)" stands for, since a
/// browser can set no header where it opens a WebSocket or an event stream. The base64 may be that
/// for URLs, and lack its padding.
std::string authorization_of_token(std::string token);

/// The bytes that base64 `text` stands for; nullopt for anything else. Source: RFC 4648.
std::optional<std::string> base64_decode(std::string_view text);

} // namespace cairn::rpc::server
