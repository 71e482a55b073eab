// SPDX-License-Identifier: MIT
#include "rpc/server/user.h"

#include <algorithm>
#include <iterator>

namespace cairn::rpc::server {

namespace {

constexpr std::string_view NAMES[] = {"read", "mine", "admin"};

} // namespace

std::string_view role_name(Role role) {
    return NAMES[static_cast<size_t>(role)];
}

std::optional<Role> role_of_name(std::string_view name) {
    const auto* found = std::ranges::find(NAMES, name);
    if (found == std::end(NAMES)) return std::nullopt;
    return static_cast<Role>(found - std::begin(NAMES));
}

} // namespace cairn::rpc::server
