// SPDX-License-Identifier: MIT
// Who may call: a secret in a cookie file for programs of the same user, passwords for all others.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::rpc::server {

/// Where credentials come from; from the option table.
struct AuthOptions {
    std::string user;                  ///< -rpcuser
    std::string password;              ///< -rpcpassword; empty: a cookie is written instead.
    std::vector<std::string> rpcauth;  ///< -rpcauth=USER:SALT$HASH
    std::filesystem::path cookie_file; ///< Empty: none (-norpccookiefile).
};

/// An option of authentication that can't be read; its text is for people.
struct AuthError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Checks credentials, and owns the cookie file from construction to destruction.
///
/// Invariants: no password is kept, only its HMAC-SHA-256 under a salt. Thread: any, once made.
class Authenticator {
public:
    /// Writes the cookie if there is no password. Throws AuthError, std::filesystem errors.
    explicit Authenticator(const AuthOptions& options);
    ~Authenticator(); ///< Deletes the cookie.
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;

    /// The user that the value of an Authorization header names and proves to be, or nullopt.
    /// Takes the same time for a wrong user and a wrong password.
    std::optional<std::string> user_of(std::string_view authorization) const;

private:
    struct Credential {
        std::string user;
        std::string salt;
        std::array<unsigned char, 32> hash{}; ///< HMAC-SHA-256 of the password, keyed by the salt.
    };

    void add_password(std::string user, std::string_view password);
    void add_rpcauth(const std::string& text);
    void write_cookie(const std::filesystem::path& file);

    std::vector<Credential> credentials_;
    std::filesystem::path cookie_file_;
};

/// Whether two strings are the same, in a time that depends on their lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// `bytes` in base64.
std::string base64_encode(std::string_view bytes);

/// The bytes that base64 `text` stands for; nullopt for anything else. Source: RFC 4648.
std::optional<std::string> base64_decode(std::string_view text);

} // namespace cairn::rpc::server
