// SPDX-License-Identifier: MIT
#include "node/handshake_messages.h"

namespace cairn::node {

void VersionAddress::write(consensus::Writer& writer) const {
    const std::array<uint8_t, 2> port{
        static_cast<uint8_t>(address.port >> 8), static_cast<uint8_t>(address.port & 0xff)};
    writer(services, address.to_ipv6(), port);
}

void VersionAddress::read(consensus::Reader& reader) {
    std::array<uint8_t, 16> octets{};
    std::array<uint8_t, 2> port{};
    reader(services, octets, port);
    address = NetAddress::ipv6(octets, static_cast<uint16_t>(port[0] << 8 | port[1]));
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

} // namespace cairn::node
