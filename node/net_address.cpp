// SPDX-License-Identifier: MIT
#include "node/net_address.h"

#include "consensus/bech32.h"
#include "consensus/hash.h"

#include <algorithm>
#include <charconv>

namespace cairn::node {

namespace {

constexpr std::array<uint8_t, 12> MAPPED_PREFIX = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct NetworkFacts {
    NetworkId id;
    std::string_view name;
    size_t address_bytes;
};

constexpr NetworkFacts NETWORKS[] = {
    {NetworkId::Ipv4, NETWORK_NAMES[0], 4},   {NetworkId::Ipv6, NETWORK_NAMES[1], 16},
    {NetworkId::TorV3, NETWORK_NAMES[2], 32}, {NetworkId::I2p, NETWORK_NAMES[3], 32},
    {NetworkId::Cjdns, NETWORK_NAMES[4], 16},
};

const NetworkFacts* find_network(NetworkId id) {
    const auto* found = std::ranges::find(NETWORKS, id, &NetworkFacts::id);
    return found == std::end(NETWORKS) ? nullptr : found;
}

/// Nets that nobody is reached at from outside.
constexpr std::string_view RESERVED[] = {
    "0.0.0.0/8",       // RFC 1122
    "10.0.0.0/8",      // RFC 1918
    "100.64.0.0/10",   // RFC 6598
    "127.0.0.0/8",     // RFC 1122
    "169.254.0.0/16",  // RFC 3927
    "172.16.0.0/12",   // RFC 1918
    "192.0.2.0/24",    // RFC 5737
    "192.168.0.0/16",  // RFC 1918
    "198.18.0.0/15",   // RFC 2544
    "198.51.100.0/24", // RFC 5737
    "203.0.113.0/24",  // RFC 5737
    "224.0.0.0/3",     // multicast, reserved
    "::/127",          // unspecified, loopback
    "2001:10::/28",    // RFC 4843
    "2001:20::/28",    // RFC 7343
    "2001:db8::/32",   // RFC 3849
    "fc00::/7",        // RFC 4193
    "fe80::/10",       // RFC 4862
    "ff00::/8",        // multicast
};

constexpr std::string_view BASE32_DIGITS = "abcdefghijklmnopqrstuvwxyz234567";

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& letter : lower)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return lower;
}

std::string base32(ByteView bytes) {
    std::string text;
    for (const uint8_t value : consensus::base32_from_bytes(bytes)) text += BASE32_DIGITS[value];
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

/// The address of Tor or I2P that `name`, in lower case, is.
std::optional<NetAddress> address_of_name(std::string_view name, uint16_t port) {
    Bytes digits;
    for (const char letter : name.substr(0, name.find('.')))
        digits.push_back(static_cast<uint8_t>(BASE32_DIGITS.find(letter)));
    const bool valid = std::ranges::all_of(digits, [](uint8_t digit) { return digit < 32; });
    const auto bytes = valid ? consensus::bytes_from_base32(digits) : std::nullopt;
    if (!bytes || bytes->size() < 32) return std::nullopt;
    for (const NetworkId network : {NetworkId::TorV3, NetworkId::I2p}) {
        NetAddress address{network, Bytes(bytes->begin(), bytes->begin() + 32), port};
        if (address.host() == name) return address;
    }
    return std::nullopt;
}

} // namespace

std::optional<size_t> address_bytes(NetworkId network) {
    const NetworkFacts* facts = find_network(network);
    if (facts == nullptr) return std::nullopt;
    return facts->address_bytes;
}

std::optional<Subnet> Subnet::from_string(std::string_view text) {
    const size_t slash = std::min(text.find('/'), text.size());
    const auto address = NetAddress::from_string(text.substr(0, slash), 0);
    if (!address || address->port != 0) return std::nullopt;
    Subnet net{*address, address->bytes.size() * 8};
    if (slash == text.size()) return net;
    if (!address->is_ip()) return std::nullopt;
    size_t bits = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc() || stopped != end) {
        const auto mask = NetAddress::from_string(text.substr(slash + 1), 0);
        if (!mask || mask->network != address->network) return std::nullopt;
        const auto is_set = [&](size_t i) { return (mask->bytes[i / 8] >> (7 - i % 8) & 1) != 0; };
        for (bits = 0; bits < net.bits && is_set(bits);) ++bits;
        for (size_t i = bits; i < net.bits; ++i)
            if (is_set(i)) return std::nullopt;
    }
    if (bits > net.bits) return std::nullopt;
    for (size_t i = bits; i < net.bits; ++i)
        net.base.bytes[i / 8] &= static_cast<uint8_t>(~(0x80 >> i % 8));
    net.bits = bits;
    return net;
}

std::string Subnet::to_string() const {
    return base.is_ip() ? base.host() + "/" + std::to_string(bits) : base.host();
}

bool Subnet::contains(const NetAddress& address) const {
    if (address.network != base.network) return false;
    for (size_t i = 0; i * 8 < bits; ++i) {
        const size_t rest = 8 - std::min<size_t>(bits - i * 8, 8);
        if (((address.bytes[i] ^ base.bytes[i]) >> rest) != 0) return false;
    }
    return true;
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
    constexpr size_t MAX_HOST_BYTES = 255; // of DNS, and of SOCKS5
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
    if (parts.host.empty() || parts.host.size() > MAX_HOST_BYTES) return std::nullopt;
    return parts;
}

std::optional<boost::asio::ip::tcp::endpoint>
endpoint_from_string(std::string_view text, uint16_t default_port) {
    const std::optional<HostPort> parts = split_host_port(text, default_port);
    if (!parts) return std::nullopt;
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(parts->host, error);
    if (error) return std::nullopt;
    return boost::asio::ip::tcp::endpoint(address, parts->port);
}

std::optional<NetAddress> NetAddress::from_string(std::string_view text, uint16_t default_port) {
    if (const auto endpoint = endpoint_from_string(text, default_port))
        return of(endpoint->address(), endpoint->port());
    const std::optional<HostPort> parts = split_host_port(text, default_port);
    return parts ? address_of_name(lower_case(parts->host), parts->port) : std::nullopt;
}

bool is_special_name(std::string_view host) {
    const std::string name = lower_case(host);
    return name.ends_with(".onion") || name.ends_with(".i2p");
}

std::string NetAddress::host() const {
    namespace ip = boost::asio::ip;
    if (network == NetworkId::I2p) return base32(bytes) + ".b32.i2p";
    if (network == NetworkId::TorV3) return onion_name(bytes);
    const auto v6 = ip::make_address_v6(to_ipv6());
    return v6.is_v4_mapped() ? ip::make_address_v4(ip::v4_mapped, v6).to_string() : v6.to_string();
}

std::string NetAddress::to_string() const {
    const bool colons = network == NetworkId::Ipv6 || network == NetworkId::Cjdns;
    return (colons ? "[" + host() + "]" : host()) + ":" + std::to_string(port);
}

bool NetAddress::is_proper() const {
    return address_bytes(network) == bytes.size() &&
           (network != NetworkId::Ipv6 ||
            !std::equal(MAPPED_PREFIX.begin(), MAPPED_PREFIX.end(), bytes.begin()));
}

bool NetAddress::is_routable() const {
    static const std::vector<Subnet> NETS = [] {
        std::vector<Subnet> nets;
        for (const std::string_view text : RESERVED) nets.push_back(*Subnet::from_string(text));
        return nets;
    }();
    if (network == NetworkId::Cjdns) return bytes[0] == 0xfc;
    return std::ranges::none_of(NETS, [&](const Subnet& net) { return net.contains(*this); });
}

std::string_view NetAddress::network_name() const {
    return is_routable() ? find_network(network)->name : "not_publicly_routable";
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
