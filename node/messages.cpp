// SPDX-License-Identifier: MIT
#include "node/messages.h"

#include <algorithm>

namespace cairn::node {

namespace {

/// Counts somewhat above the limit are read, so that the peer can be told off for them.
constexpr size_t MAX_READ = MAX_ADDRESSES + 100;

std::array<uint8_t, 2> network_order(uint16_t port) {
    return {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port & 0xff)};
}

uint16_t from_network_order(const std::array<uint8_t, 2>& port) {
    return static_cast<uint16_t>(port[0] << 8 | port[1]);
}

bool fits_old_form(const TimedAddress& entry) {
    return entry.address.network == NetworkId::Ipv4 || entry.address.network == NetworkId::Ipv6;
}

/// One entry of addrv2; nullopt for networks and lengths that are not known.
std::optional<TimedAddress> read_entry(consensus::Reader& reader) {
    TimedAddress entry;
    reader(entry.time);
    entry.services = reader.compact_number();
    const auto network = static_cast<NetworkId>(reader.read<uint8_t>());
    const ByteView bytes = reader.sized();
    const auto port = reader.read<std::array<uint8_t, 2>>();
    if (bytes.size() > AddrV2Message::MAX_ADDRESS_BYTES) reader.fail();
    if (reader.failed()) return std::nullopt;
    const std::optional<size_t> expected = address_bytes(network);
    if (!expected || network == NetworkId::TorV2) return std::nullopt;
    // BIP-0155: "a message that has an address of the wrong length MUST be rejected".
    if (*expected != bytes.size()) {
        reader.fail();
        return std::nullopt;
    }
    entry.address = {network, Bytes(bytes.begin(), bytes.end()), from_network_order(port)};
    return entry;
}

} // namespace

void VersionAddress::write(consensus::Writer& writer) const {
    writer(services, address.to_ipv6(), network_order(address.port));
}

void VersionAddress::read(consensus::Reader& reader) {
    std::array<uint8_t, 16> octets{};
    std::array<uint8_t, 2> port{};
    reader(services, octets, port);
    address = NetAddress::ipv6(octets, from_network_order(port));
}

void VersionMessage::write(consensus::Writer& writer) const {
    writer(version, services, time, receiver, sender, nonce, user_agent, start_height, relay);
}

void VersionMessage::read(consensus::Reader& reader) {
    reader(version, services, time, receiver);
    if (reader.remaining() > 0) reader(sender, nonce);
    if (reader.remaining() > 0) {
        reader(user_agent);
        if (user_agent.size() > MAX_USER_AGENT_BYTES) reader.fail();
    }
    if (reader.remaining() > 0) reader(start_height);
    if (reader.remaining() > 0) reader(relay);
}

void AddrMessage::write(consensus::Writer& writer) const {
    writer.compact_size(
        static_cast<uint64_t>(std::count_if(addresses.begin(), addresses.end(), fits_old_form)));
    for (const TimedAddress& entry : addresses) {
        if (!fits_old_form(entry)) continue;
        writer(entry.time, VersionAddress{entry.services, entry.address});
    }
}

void AddrMessage::read(consensus::Reader& reader) {
    const uint64_t count = reader.compact_size();
    if (count > MAX_READ) return reader.fail();
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        TimedAddress entry;
        VersionAddress place;
        reader(entry.time, place);
        entry.services = place.services;
        entry.address = std::move(place.address);
        addresses.push_back(std::move(entry));
    }
}

void AddrV2Message::write(consensus::Writer& writer) const {
    writer.compact_size(addresses.size());
    for (const TimedAddress& entry : addresses) {
        writer(entry.time);
        writer.compact_size(entry.services);
        writer(entry.address.network, entry.address.bytes, network_order(entry.address.port));
    }
}

void AddrV2Message::read(consensus::Reader& reader) {
    count = reader.compact_size();
    if (count > MAX_READ) return reader.fail();
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        if (std::optional<TimedAddress> entry = read_entry(reader))
            addresses.push_back(std::move(*entry));
    }
}

void HeadersMessage::write(consensus::Writer& writer) const {
    writer.compact_size(headers.size());
    for (const consensus::BlockHeader& header : headers) writer(header, uint8_t{0});
}

void HeadersMessage::read(consensus::Reader& reader) {
    const uint64_t count = reader.compact_size();
    if (count > MAX_HEADERS + 100) return reader.fail();
    headers.reserve(std::min<uint64_t>(count, reader.remaining() / consensus::HEADER_BYTES));
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        headers.push_back(reader.read<consensus::BlockHeader>());
        reader.compact_size();
    }
}

} // namespace cairn::node
