// SPDX-License-Identifier: MIT
// Where a peer can be reached, on any network that BIP-0155 names. Addresses of networks that this
// node can't dial are passed on all the same.
#pragma once

#include "consensus/serialize.h"

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::node {

using consensus::Bytes;
using consensus::ByteView;

/// Networks and their numbers on the wire; 3, the old Tor, is extinct. Source: BIP-0155.
enum class NetworkId : uint8_t {
    Ipv4 = 1,
    Ipv6 = 2,
    TorV3 = 4,
    I2p = 5,
    Cjdns = 6,
};

constexpr std::array<NetworkId, 5> NETWORK_IDS{
    NetworkId::Ipv4, NetworkId::Ipv6, NetworkId::TorV3, NetworkId::I2p, NetworkId::Cjdns};

/// In their order, Core's names.
constexpr std::array<std::string_view, 5> NETWORK_NAMES{"ipv4", "ipv6", "onion", "i2p", "cjdns"};

/// An address and a port. Invariant: `bytes` has the length of its network.
struct NetAddress {
    NetworkId network = NetworkId::Ipv6;
    Bytes bytes = Bytes(16);
    uint16_t port = 0;

    auto operator<=>(const NetAddress&) const = default;

    static NetAddress of(const boost::asio::ip::address& address, uint16_t port);
    static NetAddress ipv4(const std::array<uint8_t, 4>& octets, uint16_t port);
    /// Becomes an IPv4 address where it stands for one (::ffff:a.b.c.d).
    static NetAddress ipv6(const std::array<uint8_t, 16>& octets, uint16_t port);
    /// "1.2.3.4:8333", "[::1]:8333", names that are addresses ("....onion:8333", "....b32.i2p:0"),
    /// never those that would have to be looked up; without a port, `default_port`.
    static std::optional<NetAddress> from_string(std::string_view text, uint16_t default_port);

    /// host:port, an IPv6 host in brackets.
    std::string to_string() const;
    std::string host() const;

    /// Of a network that is known here, and no IPv4 address written as one of IPv6: those "SHOULD"
    /// be ignored where a network stands beside the address (BIP-0155).
    bool is_proper() const;
    bool is_routable() const; ///< Can be reached from the public net.
    /// Core: GetNetworkName; "not_publicly_routable" where it is not.
    std::string_view network_name() const;

    bool is_ip() const { return network == NetworkId::Ipv4 || network == NetworkId::Ipv6; }

    /// Peers of one group likely have one owner: /16 of IPv4, /32 of IPv6, 4 bits of the others.
    std::string group() const;

    /// Of the address without the port.
    consensus::Hash256 host_hash() const { return consensus::sha256(bytes); }

    /// The 16 bytes of the old form (::ffff:a.b.c.d for IPv4); zeros where there is none.
    std::array<uint8_t, 16> to_ipv6() const;
};

/// The number of bytes that an address of `network` has; nullopt for unknown networks.
std::optional<size_t> address_bytes(NetworkId network);

/// The addresses of one network that begin with the same bits. Invariant: in `base` the others are
/// 0.
struct Subnet {
    NetAddress base;
    size_t bits = 0;

    auto operator<=>(const Subnet&) const = default;

    /// "1.2.3.4", "10.0.0.0/8", "10.0.0.0/255.0.0.0", "2a00::/16", or the name of one address.
    static std::optional<Subnet> from_string(std::string_view text);
    /// "10.0.0.0/8", or the name of one address.
    std::string to_string() const;

    bool contains(const NetAddress& address) const;
};

/// Of Tor or I2P, valid or not: to be looked up nowhere else. Source: RFC 7686.
bool is_special_name(std::string_view host);

/// "host:port", "[host]:port" or "host" in its two parts; nullopt if the port is no number.
struct HostPort {
    std::string host;
    uint16_t port = 0;
};

std::optional<HostPort> split_host_port(std::string_view text, uint16_t default_port);

/// Of numbers, never of names, likewise.
std::optional<boost::asio::ip::tcp::endpoint>
endpoint_from_string(std::string_view text, uint16_t default_port);

} // namespace cairn::node
