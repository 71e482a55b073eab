// SPDX-License-Identifier: MIT
// Messages that pass on addresses: addr, and addrv2 of BIP-0155.
#pragma once

#include "node/net_address.h"

#include <vector>

namespace cairn::node {

/// An address, with when it was last seen and what it serves.
struct TimedAddress {
    uint32_t time = 0; ///< Seconds.
    uint64_t services = 0;
    NetAddress address;

    bool operator==(const TimedAddress&) const = default;
};

constexpr size_t MAX_ADDRESSES = 1000; ///< In one message.

/// The old form: IPv4 and IPv6 only, other addresses are left out.
struct AddrMessage {
    std::vector<TimedAddress> addresses;

    static constexpr std::string_view COMMAND = "addr";

    void write(consensus::Writer& writer) const;
    void read(consensus::Reader& reader);
};

/// Any network. Those that this node doesn't know are left out when read.
struct AddrV2Message {
    std::vector<TimedAddress> addresses;
    uint64_t count = 0; ///< As read, unknown ones included.

    static constexpr std::string_view COMMAND = "addrv2";
    static constexpr size_t MAX_ADDRESS_BYTES = 512;

    void write(consensus::Writer& writer) const;
    void read(consensus::Reader& reader);
};

} // namespace cairn::node
