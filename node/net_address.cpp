// SPDX-License-Identifier: MIT
#include "node/net_address.h"

#include "consensus/sha3.h"

#include <algorithm>
#include <charconv>

namespace cairn::node {

namespace {

constexpr std::array<uint8_t, 12> MAPPED_PREFIX = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool starts_with(const Bytes& bytes, std::initializer_list<uint8_t> prefix) {
    return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

/// Networks of RFC 1918, 2544, 3927, 5737, 6598, and what is reserved, cannot be routed.
bool routable_ipv4(const Bytes& b) {
    if (b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224) return false;
    if (b[0] == 172 && (b[1] & 0xf0) == 16) return false;
    if (b[0] == 100 && (b[1] & 0xc0) == 64) return false;
    if (b[0] == 198 && (b[1] & 0xfe) == 18) return false;
    return !starts_with(b, {192, 168}) && !starts_with(b, {169, 254}) &&
           !starts_with(b, {192, 0, 2}) && !starts_with(b, {198, 51, 100}) &&
           !starts_with(b, {203, 0, 113});
}

/// Link-local (RFC 4862), unique local (4193), documentation (3849) and ORCHID (4843, 7343).
bool routable_ipv6(const Bytes& b) {
    const bool unspecified = std::all_of(b.begin(), b.end() - 1, [](uint8_t x) { return x == 0; });
    if (unspecified && b.back() <= 1) return false;
    if ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)) return false;
    if (starts_with(b, {0x20, 0x01, 0x00}) && (b[3] & 0xf0) == 0x10) return false;
    if (starts_with(b, {0x20, 0x01, 0x00}) && (b[3] & 0xf0) == 0x20) return false;
    return !starts_with(b, {0x20, 0x01, 0x0d, 0xb8}) && b[0] != 0xff;
}

std::string base32(ByteView bytes) {
    static constexpr std::string_view DIGITS = "abcdefghijklmnopqrstuvwxyz234567";
    std::string text;
    uint32_t buffer = 0;
    int bits = 0;
    for (const uint8_t byte : bytes) {
        buffer = (buffer << 8) | byte;
        for (bits += 8; bits >= 5; bits -= 5) text += DIGITS[(buffer >> (bits - 5)) & 31];
    }
    if (bits > 0) text += DIGITS[(buffer << (5 - bits)) & 31];
    return text;
}

/// The key with a checksum and the version. Source: Tor's rend-spec-v3, section 6.
std::string onion_name(const Bytes& key) {
    constexpr uint8_t VERSION = 3;
    const ByteView prefix = consensus::as_bytes(".onion checksum");
    Bytes hashed(prefix.begin(), prefix.end());
    hashed.insert(hashed.end(), key.begin(), key.end());
    hashed.push_back(VERSION);
    const consensus::Hash256 sum = consensus::sha3_256(hashed);
    Bytes name = key;
    name.insert(name.end(), {sum.bytes[0], sum.bytes[1], VERSION});
    return base32(name) + ".onion";
}

} // namespace

std::optional<size_t> address_bytes(NetworkId network) {
    switch (network) {
    case NetworkId::Ipv4:
        return 4;
    case NetworkId::TorV2:
        return 10;
    case NetworkId::Ipv6:
    case NetworkId::Cjdns:
        return 16;
    case NetworkId::TorV3:
    case NetworkId::I2p:
        return 32;
    }
    return std::nullopt;
}

NetAddress NetAddress::of(const boost::asio::ip::address& address, uint16_t port) {
    return address.is_v4() ? ipv4(address.to_v4().to_bytes(), port)
                           : ipv6(address.to_v6().to_bytes(), port);
}

NetAddress NetAddress::ipv4(const std::array<uint8_t, 4>& octets, uint16_t port) {
    return {NetworkId::Ipv4, Bytes(octets.begin(), octets.end()), port};
}

NetAddress NetAddress::ipv6(const std::array<uint8_t, 16>& octets, uint16_t port) {
    if (std::equal(MAPPED_PREFIX.begin(), MAPPED_PREFIX.end(), octets.begin()))
        return {NetworkId::Ipv4, Bytes(octets.begin() + 12, octets.end()), port};
    return {NetworkId::Ipv6, Bytes(octets.begin(), octets.end()), port};
}

std::optional<HostPort> split_host_port(std::string_view text, uint16_t default_port) {
    HostPort parts{std::string(text), default_port};
    const size_t colon = text.rfind(':');
    const bool bracketed = text.starts_with('[');
    const bool has_port =
        colon != std::string_view::npos &&
        (bracketed ? colon > 0 && text[colon - 1] == ']' : text.find(':') == colon);
    if (has_port) {
        const std::string_view digits = text.substr(colon + 1);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), parts.port);
        if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
        parts.host = text.substr(0, colon);
    }
    if (bracketed && parts.host.ends_with(']'))
        parts.host = parts.host.substr(1, parts.host.size() - 2);
    if (parts.host.empty()) return std::nullopt;
    return parts;
}

std::optional<NetAddress> NetAddress::from_string(std::string_view text, uint16_t default_port) {
    const std::optional<HostPort> parts = split_host_port(text, default_port);
    if (!parts) return std::nullopt;
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(parts->host, error);
    if (error) return std::nullopt;
    return of(address, parts->port);
}

std::string NetAddress::host() const {
    switch (network) {
    case NetworkId::Ipv4: {
        std::array<uint8_t, 4> octets{};
        std::copy(bytes.begin(), bytes.end(), octets.begin());
        return boost::asio::ip::make_address_v4(octets).to_string();
    }
    case NetworkId::Ipv6:
    case NetworkId::Cjdns:
        return boost::asio::ip::make_address_v6(to_ipv6()).to_string();
    case NetworkId::I2p:
        return base32(bytes) + ".b32.i2p";
    case NetworkId::TorV2:
        return base32(bytes) + ".onion";
    case NetworkId::TorV3:
        return onion_name(bytes);
    }
    return {};
}

std::string NetAddress::to_string() const {
    const bool colons = network == NetworkId::Ipv6 || network == NetworkId::Cjdns;
    return (colons ? "[" + host() + "]" : host()) + ":" + std::to_string(port);
}

bool NetAddress::is_routable() const {
    switch (network) {
    case NetworkId::Ipv4:
        return routable_ipv4(bytes);
    case NetworkId::Ipv6:
        return routable_ipv6(bytes);
    case NetworkId::TorV3:
    case NetworkId::I2p:
        return true;
    case NetworkId::Cjdns:
        return bytes[0] == 0xfc;
    case NetworkId::TorV2:
        return false;
    }
    return false;
}

std::string NetAddress::group() const {
    std::string key(1, static_cast<char>(network));
    if (!is_routable()) return key + "local";
    const size_t whole = network == NetworkId::Ipv4 ? 2 : network == NetworkId::Ipv6 ? 4 : 0;
    key.append(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(whole));
    if (whole == 0) key += static_cast<char>(bytes[0] & 0xf0);
    return key;
}

std::array<uint8_t, 16> NetAddress::to_ipv6() const {
    std::array<uint8_t, 16> octets{};
    if (network == NetworkId::Ipv4) {
        std::copy(MAPPED_PREFIX.begin(), MAPPED_PREFIX.end(), octets.begin());
        std::copy(bytes.begin(), bytes.end(), octets.begin() + 12);
    } else if (bytes.size() == octets.size()) {
        std::copy(bytes.begin(), bytes.end(), octets.begin());
    }
    return octets;
}

} // namespace cairn::node
