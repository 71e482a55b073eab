// SPDX-License-Identifier: MIT
#include "node/address_messages.h"

#include "node/handshake_messages.h"

#include <algorithm>

namespace cairn::node {

namespace {

/// Counts somewhat above the limit are read, so that the peer can be told off for them.
constexpr size_t MAX_READ = MAX_ADDRESSES + 100;

std::array<uint8_t, 2> network_order(uint16_t port) {
    return {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port & 0xff)};
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
    entry.address = {
        network, Bytes(bytes.begin(), bytes.end()), static_cast<uint16_t>(port[0] << 8 | port[1])};
    return entry;
}

} // namespace

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

} // namespace cairn::node
