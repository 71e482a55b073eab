// SPDX-License-Identifier: MIT
// Who calls, and what he may: each method asks for a role, and a user may be held to a list of
// methods besides.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace cairn::rpc::server {

/// What a caller may; each holds those before it.
enum class Role : uint8_t {
    Read,  ///< What any user of the chain does: read, and send transactions.
    Mine,  ///< Make blocks, and choose what is in them.
    Admin, ///< All.
};

/// "read", "mine", "admin".
std::string_view role_name(Role role);
std::optional<Role> role_of_name(std::string_view name);

/// One who has a password.
struct User {
    std::string name;
    Role role = Role::Admin;
    /// The only methods, and paths, that he may ask for; nullopt: any. Core: -rpcwhitelist.
    std::optional<std::set<std::string, std::less<>>> methods{};

    /// Whether his list lets him ask for that, which need not be there.
    bool lists(std::string_view method) const { return !methods || methods->contains(method); }
};

} // namespace cairn::rpc::server
