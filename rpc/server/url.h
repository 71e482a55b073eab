// SPDX-License-Identifier: MIT
// The parts of what an HTTP request asks for. Source: RFC 3986.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cairn::rpc::server {

/// A request's target, "/path?query".
struct Url {
    std::string_view path;
    std::string_view query; ///< Empty if there is no '?'.

    explicit Url(std::string_view target);

    /// The value of the first "NAME=VALUE" in the query, its percent-encoding undone; nullopt if
    /// there is none.
    std::optional<std::string> value(std::string_view name) const;
};

} // namespace cairn::rpc::server
