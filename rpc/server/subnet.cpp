// SPDX-License-Identifier: MIT
#include "rpc/server/subnet.h"

#include <charconv>

namespace cairn::rpc::server {

namespace asio = boost::asio;

namespace {

constexpr int ALL_BITS = 128;
constexpr int IPV4_BITS = 32;

asio::ip::address_v6::bytes_type as_v6(const asio::ip::address& address) {
    if (address.is_v6()) return address.to_v6().to_bytes();
    return asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes();
}

bool bit_of(const asio::ip::address_v6::bytes_type& bytes, int i) {
    return (bytes[static_cast<size_t>(i / 8)] >> (7 - i % 8) & 1) != 0;
}

/// How many leading ones `mask` has, if nothing but zeros follows them.
std::optional<int> bits_of_mask(const asio::ip::address& mask) {
    const auto bytes = as_v6(mask);
    const int first = mask.is_v4() ? ALL_BITS - IPV4_BITS : 0;
    int ones = first;
    while (ones < ALL_BITS && bit_of(bytes, ones)) ++ones;
    for (int i = ones; i < ALL_BITS; ++i)
        if (bit_of(bytes, i)) return std::nullopt;
    return ones - first;
}

} // namespace

std::optional<Subnet> Subnet::parse(std::string_view text) {
    const size_t slash = text.find('/');
    boost::system::error_code error;
    const auto address = asio::ip::make_address(std::string(text.substr(0, slash)), error);
    if (error) return std::nullopt;
    Subnet subnet;
    subnet.base_ = as_v6(address);
    if (slash == std::string_view::npos) return subnet;

    const std::string_view suffix = text.substr(slash + 1);
    const int width = address.is_v4() ? IPV4_BITS : ALL_BITS;
    int bits = 0;
    const auto parsed = std::from_chars(suffix.data(), suffix.data() + suffix.size(), bits);
    if (parsed.ec != std::errc() || parsed.ptr != suffix.data() + suffix.size()) {
        const auto mask = asio::ip::make_address(std::string(suffix), error);
        if (error || mask.is_v4() != address.is_v4()) return std::nullopt;
        const std::optional<int> ones = bits_of_mask(mask);
        if (!ones) return std::nullopt;
        bits = *ones;
    }
    if (bits < 0 || bits > width) return std::nullopt;
    subnet.bits_ = ALL_BITS - width + bits;
    return subnet;
}

bool Subnet::contains(const asio::ip::address& address) const {
    const auto bytes = as_v6(address);
    for (int i = 0; i < bits_; ++i)
        if (bit_of(bytes, i) != bit_of(base_, i)) return false;
    return true;
}

} // namespace cairn::rpc::server
