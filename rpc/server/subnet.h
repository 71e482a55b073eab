// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/ip/address.hpp>

#include <optional>
#include <string_view>

namespace cairn::rpc::server {

/// Addresses that share their first bits. IPv4 is held as IPv6 (::ffff:a.b.c.d), so that both
/// compare the same way, however the peer connected.
class Subnet {
public:
    /// "addr", "addr/bits" or "addr/mask"; nullopt for anything else.
    static std::optional<Subnet> parse(std::string_view text);

    bool contains(const boost::asio::ip::address& address) const;

private:
    boost::asio::ip::address_v6::bytes_type base_{};
    int bits_ = 128;
};

} // namespace cairn::rpc::server
