// SPDX-License-Identifier: MIT
#include "rpc/server/auth.h"

#include "rpc/server/new_file.h"

#include <algorithm>
#include <cassert>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <regex>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

namespace cairn::rpc::server {

namespace {

constexpr std::string_view COOKIE_USER = "__cookie__"; ///< As Core's clients expect.
constexpr std::string_view SCHEME = "Basic ";
constexpr std::string_view BASE64_DIGITS =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr size_t COOKIE_SECRET_BYTES = 32;
constexpr size_t SALT_BYTES = 16;
constexpr size_t MAX_AUTHORIZATION_CHARACTERS = 4096;

using Hash = std::array<unsigned char, 32>;

Hash hmac_sha256(std::string_view key, std::string_view message) {
    Hash hash{};
    unsigned int size = hash.size();
    const auto* data = reinterpret_cast<const unsigned char*>(message.data());
    const auto key_size = static_cast<int>(key.size());
    if (HMAC(EVP_sha256(), key.data(), key_size, data, message.size(), hash.data(), &size) ==
        nullptr)
        throw std::runtime_error("HMAC-SHA-256 failed");
    return hash;
}

std::string random_hex(size_t size_bytes) {
    std::vector<unsigned char> bytes(size_bytes);
    if (RAND_bytes(bytes.data(), static_cast<int>(size_bytes)) != 1)
        throw std::runtime_error("the system gives no random bytes");
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

} // namespace

Authenticator::Authenticator(const AuthOptions& options) {
    if (options.user.find(':') != std::string::npos)
        throw AuthError("-rpcuser=" + options.user + ": a user name can't hold a ':'");
    for (const std::string& text : options.rpcauth) add_rpcauth(text);
    if (!options.password.empty())
        add_password(options.user, options.password);
    else if (!options.cookie_file.empty())
        write_cookie(options.cookie_file, options.cookie_mode);
    for (const std::string& text : options.roles) give_role(text);
    for (const std::string& text : options.whitelists) limit_to_list(text);
    if (!options.whitelist_default.value_or(!options.whitelists.empty())) return;
    for (auto& [name, user] : users_)
        if (!user.methods) user.methods.emplace();
}

Authenticator::~Authenticator() {
    std::error_code ignored; // A cookie that is gone already is as good as deleted.
    if (!cookie_file_.empty()) std::filesystem::remove(cookie_file_, ignored);
}

void Authenticator::add_password(std::string user, std::string_view password) {
    std::string salt = random_hex(SALT_BYTES);
    const Hash hash = hmac_sha256(salt, password);
    credentials_.push_back({&user_named(std::move(user)), std::move(salt), hash});
}

void Authenticator::add_rpcauth(const std::string& text) {
    static const std::regex FORM("([^:]*):([^$]*)\\$([0-9a-f]{64})");
    std::smatch parts;
    if (!std::regex_match(text, parts, FORM))
        throw AuthError("Invalid -rpcauth argument, expected USER:SALT$HASH");
    Credential credential{&user_named(parts[1]), parts[2]};
    const int decoded = OPENSSL_hexstr2buf_ex(
        credential.hash.data(), credential.hash.size(), nullptr, parts[3].str().c_str(), '\0');
    assert(decoded == 1);
    credentials_.push_back(std::move(credential));
}

void Authenticator::write_cookie(const std::filesystem::path& file, mode_t mode) {
    const std::string secret = random_hex(COOKIE_SECRET_BYTES);
    replace_file(file, std::string(COOKIE_USER) + ":" + secret); // clients wait for it
    std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
    cookie_file_ = file;
    add_password(std::string(COOKIE_USER), secret);
    spdlog::info("rpc_cookie_written file={}", file.string());
}

User& Authenticator::user_named(std::string name) {
    User user{name};
    return users_.try_emplace(std::move(name), std::move(user)).first->second;
}

/// A mistyped name or role must not leave a user with more than he was meant to have.
void Authenticator::give_role(const std::string& text) {
    const size_t colon = std::min(text.find(':'), text.size());
    const auto user = users_.find(text.substr(0, colon));
    const std::optional<Role> role = role_of_name(text.substr(std::min(colon + 1, text.size())));
    if (user == users_.end() || !role)
        throw AuthError("-rpcrole=" + text + ": expected USER:read, USER:mine or USER:admin");
    user->second.role = *role;
}

/// Source: Core's -rpcwhitelist, by which a user without a password is nobody, a list without a ':'
/// is empty, and of several lists of a user only what is in all of them counts.
void Authenticator::limit_to_list(const std::string& text) {
    const size_t colon = std::min(text.find(':'), text.size());
    const auto user = users_.find(text.substr(0, colon));
    if (user == users_.end()) return;
    std::set<std::string, std::less<>> methods;
    for (size_t at = colon; at < text.size();) {
        const size_t first = std::min(text.find_first_not_of(":, ", at), text.size());
        at = std::min(text.find_first_of(", ", first), text.size());
        if (at > first) methods.insert(text.substr(first, at - first));
    }
    auto& list = user->second.methods;
    if (list) std::erase_if(methods, [&](const auto& method) { return !list->contains(method); });
    list = std::move(methods);
}

const User* Authenticator::user_of(std::string_view authorization) const {
    if (authorization.size() > MAX_AUTHORIZATION_CHARACTERS) return nullptr;
    if (!authorization.starts_with(SCHEME)) return nullptr;
    const std::optional<std::string> pair = base64_decode(authorization.substr(SCHEME.size()));
    if (!pair) return nullptr;
    const size_t colon = pair->find(':');
    if (colon == std::string::npos) return nullptr;
    const std::string_view name = std::string_view(*pair).substr(0, colon);
    const std::string_view password = std::string_view(*pair).substr(colon + 1);

    // Each is tried, so that the time tells neither which user exists nor which one matched.
    bool allowed = false;
    for (const Credential& credential : credentials_) {
        const Hash hash = hmac_sha256(credential.salt, password);
        const bool same = CRYPTO_memcmp(hash.data(), credential.hash.data(), hash.size()) == 0;
        allowed |= static_cast<bool>(
            static_cast<int>(same) &
            static_cast<int>(equal_in_constant_time(name, credential.user->name)));
    }
    return allowed ? &users_.find(name)->second : nullptr;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string base64_encode(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // A null is written after it.
    const int size = EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(text.data()),
        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<size_t>(size));
    return text;
}

std::string authorization_of_token(std::string token) {
    std::ranges::replace(token, '-', '+');
    std::ranges::replace(token, '_', '/');
    while (token.size() % 4 != 0) token += '=';
    return std::string(SCHEME) + token;
}

std::optional<std::string> base64_decode(std::string_view text) {
    const size_t digits = text.find_last_not_of('=') + 1; // 0 if there are none.
    const size_t padding = text.size() - digits;
    if (padding > 2 || text.find_first_not_of(BASE64_DIGITS) < digits) return std::nullopt;
    std::string bytes(text.size(), '\0');
    // Fails unless there are whole groups of four; counts the padding as if it were bytes.
    const int size = EVP_DecodeBlock(
        reinterpret_cast<unsigned char*>(bytes.data()),
        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (size < 0 || static_cast<size_t>(size) < padding) return std::nullopt;
    bytes.resize(static_cast<size_t>(size) - padding);
    return bytes;
}

} // namespace cairn::rpc::server
