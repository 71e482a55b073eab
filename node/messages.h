// SPDX-License-Identifier: MIT
// What messages carry, the order of their bytes stated once. Their commands stand in the table of
// protocol.cpp.
#pragma once

#include "consensus/block.h"
#include "consensus/wire.h"
#include "node/frame.h"
#include "node/net_address.h"

#include <arpa/inet.h>
#include <vector>

namespace cairn::node {

// Handshake /////////////////////////////////////////////////////////////////////////////////////

constexpr int32_t PROTOCOL_VERSION = 70017;
constexpr int32_t MIN_PEER_VERSION = 31800;       ///< Those before know no getheaders.
constexpr int32_t SENDHEADERS_VERSION = 70012;    ///< BIP-0130
constexpr int32_t FEEFILTER_VERSION = 70013;      ///< BIP-0133
constexpr int32_t COMPACT_BLOCKS_VERSION = 70014; ///< BIP-0152
constexpr int32_t WTXID_RELAY_VERSION = 70016;    ///< BIP-0339
constexpr int32_t FEATURE_VERSION = 70017;        ///< BIP-0434

/// What a node serves: bits of `services`.
enum ServiceFlag : uint64_t {
    NODE_NETWORK = 1 << 0,
    NODE_WITNESS = 1 << 3,
    NODE_COMPACT_FILTERS = 1 << 6,  ///< BIP-0157
    NODE_NETWORK_LIMITED = 1 << 10, ///< BIP-0159: the last 288 blocks.
};

/// The old form of an address: 8 bytes of services, 16 of IPv6, a port in network order.
void wire_ipv6(auto& codec, auto& services, auto& address) {
    std::array<uint8_t, 16> octets = address.to_ipv6();
    uint16_t port = htons(address.port);
    codec(services, octets, port);
    if constexpr (consensus::READS<decltype(codec)>)
        address = NetAddress::ipv6(octets, ntohs(port));
}

/// An address as `version` has it.
struct VersionAddress {
    uint64_t services = 0;
    NetAddress address;

    static void wire(auto&& codec, auto& a) { wire_ipv6(codec, a.services, a.address); }
};

/// version, the first message either side sends.
struct VersionMessage {
    int32_t version = PROTOCOL_VERSION;
    uint64_t services = 0;
    int64_t time = 0; ///< Seconds.
    VersionAddress receiver;
    VersionAddress sender; ///< Zeros: nobody has a use for it.
    uint64_t nonce = 0;    ///< By which a node recognises itself.
    std::string user_agent;
    int32_t start_height = 0;
    bool relay = true; ///< BIP-0037: whether transactions are to be announced.

    static constexpr size_t MAX_USER_AGENT_BYTES = 256;

    /// Very old peers leave out the fields from `sender` on.
    static void wire(auto&& codec, auto& m) {
        codec(m.version, m.services, m.time, m.receiver);
        if (consensus::has_more(codec)) codec(m.sender, m.nonce);
        if (consensus::has_more(codec)) codec(m.user_agent);
        if (consensus::has_more(codec)) codec(m.start_height);
        if (consensus::has_more(codec)) codec(m.relay);
        if constexpr (consensus::READS<decltype(codec)>)
            if (m.user_agent.size() > MAX_USER_AGENT_BYTES) codec.fail();
    }
};

/// feature: tells that the sender knows an extension of the protocol. Source: BIP-0434.
struct FeatureMessage {
    std::string id;
    Bytes data;

    static constexpr size_t MIN_ID_BYTES = 4;
    static constexpr size_t MAX_ID_BYTES = 80;
    static constexpr size_t MAX_DATA_BYTES = 512;

    static void wire(auto&& codec, auto& m) { codec(m.id, m.data); }

    bool is_valid() const {
        return id.size() >= MIN_ID_BYTES && id.size() <= MAX_ID_BYTES &&
               data.size() <= MAX_DATA_BYTES;
    }
};

/// ping and pong. Source: BIP-0031.
struct NonceMessage {
    uint64_t nonce = 0;

    static void wire(auto&& codec, auto& m) { codec(m.nonce); }
};

/// feefilter: the lowest feerate at which transactions are to be announced. Source: BIP-0133.
struct FeeFilterMessage {
    int64_t per_kvb = 0;

    static void wire(auto&& codec, auto& m) { codec(m.per_kvb); }
};

// Addresses /////////////////////////////////////////////////////////////////////////////////////

/// An address, with when it was last seen and what it serves.
struct TimedAddress {
    uint32_t time = 0; ///< Seconds.
    uint64_t services = 0;
    NetAddress address;

    bool operator==(const TimedAddress&) const = default;
};

constexpr size_t MAX_ADDRESSES = 1000; ///< In one message.

/// addr, the old form. Requires for writing: IPv4 and IPv6 only.
struct AddrMessage {
    std::vector<TimedAddress> addresses;

    static void wire(auto&& codec, auto& m) {
        consensus::wire_list(codec, m.addresses, [&](auto& entry) {
            codec(entry.time);
            wire_ipv6(codec, entry.services, entry.address);
        });
    }
};

/// addrv2: any network. Addresses that aren't proper are left out when read. Source: BIP-0155.
struct AddrV2Message {
    std::vector<TimedAddress> addresses;
    uint64_t count = 0; ///< As read, those included.

    static constexpr size_t MAX_ADDRESS_BYTES = 512;

    static void wire(auto&& codec, auto& m) {
        consensus::wire_list(codec, m.addresses, [&](auto& entry) { wire_entry(codec, entry); });
        if constexpr (consensus::READS<decltype(codec)>) {
            m.count = m.addresses.size();
            if (codec.failed()) return; // what was read tells why
            std::erase_if(
                m.addresses, [](const TimedAddress& entry) { return !entry.address.is_proper(); });
        }
    }

    static void wire_entry(auto& codec, auto& entry) {
        consensus::CompactNumber services{entry.services};
        uint16_t port = htons(entry.address.port);
        codec(entry.time, services, entry.address.network, entry.address.bytes, port);
        if constexpr (consensus::READS<decltype(codec)>) {
            entry.services = services.value;
            entry.address.port = ntohs(port);
            // BIP-0155: "a message that has an address of the wrong length MUST be rejected".
            const size_t size = entry.address.bytes.size();
            const bool fits = address_bytes(entry.address.network).value_or(size) == size;
            if (size > MAX_ADDRESS_BYTES || !fits) codec.fail();
        }
    }
};

// Headers and blocks ////////////////////////////////////////////////////////////////////////////

constexpr size_t MAX_HEADERS = 2000; ///< In one message.
constexpr size_t MAX_LOCATOR_HASHES = 101;
constexpr size_t MAX_GETBLOCKS_HASHES = 500; ///< In the answer to one getblocks.

/// getheaders and getblocks: asks for what follows the first hash of `locator` that the other side
/// knows.
struct LocatorMessage {
    uint32_t version = 0; ///< Of the protocol; nobody looks at it.
    std::vector<consensus::BlockHash> locator;
    consensus::BlockHash stop; ///< Null: as many as fit.

    static void wire(auto&& codec, auto& m) { codec(m.version, m.locator, m.stop); }
};

/// headers: consecutive ones, each followed by a zero: the count of transactions in old times.
struct HeadersMessage {
    std::vector<consensus::BlockHeader> headers;

    static void wire(auto&& codec, auto& m) {
        consensus::wire_list(codec, m.headers, [&](auto& header) {
            uint8_t transactions = 0;
            codec(header, transactions);
        });
    }
};

// Compact blocks. Source: BIP-0152 //////////////////////////////////////////////////////////////

/// sendcmpct: offers compact blocks.
struct SendCompactMessage {
    static constexpr uint64_t WITNESS_VERSION = 2; ///< Short ids are those of wtxids.

    bool announce = false; ///< New blocks are to come as cmpctblock, without being asked for.
    uint64_t version = WITNESS_VERSION;

    static void wire(auto&& codec, auto& m) { codec(m.announce, m.version); }
};

// Inventory /////////////////////////////////////////////////////////////////////////////////////

constexpr size_t MAX_INVENTORY = 50'000; ///< In one message.

/// What an inventory's hash names. Source: BIP-0144, BIP-0339.
enum class InventoryType : uint32_t {
    Transaction = 1,
    Block = 2,
    CompactBlock = 4, ///< 3 are filtered blocks (BIP-0037), not served.
    WtxidTransaction = 5,
    WitnessTransaction = 0x40000001,
    WitnessBlock = 0x40000002,
};

/// The hash of one block or transaction.
struct Inventory {
    InventoryType type = InventoryType::Transaction;
    consensus::Hash256 hash;

    bool operator==(const Inventory&) const = default;

    bool is_transaction() const {
        return type == InventoryType::Transaction || type == InventoryType::WtxidTransaction ||
               type == InventoryType::WitnessTransaction;
    }

    bool is_block() const {
        return type == InventoryType::Block || type == InventoryType::WitnessBlock ||
               type == InventoryType::CompactBlock;
    }

    static void wire(auto&& codec, auto& item) { codec(item.type, item.hash); }
};

/// inv, getdata and notfound.
struct InventoryMessage {
    std::vector<Inventory> items;

    static void wire(auto&& codec, auto& m) { codec(m.items); }
};

// Compact filters for light clients. Source: BIP-0157 ///////////////////////////////////////////

constexpr uint8_t BASIC_FILTER = 0;
constexpr int32_t MAX_FILTERS = 1000;        ///< In answer to one getcfilters.
constexpr int32_t MAX_FILTER_HEADERS = 2000; ///< In one cfheaders.
constexpr int32_t CHECKPOINT_INTERVAL = 1000;

/// getcfilters and getcfheaders.
struct FilterRangeMessage {
    uint8_t type = BASIC_FILTER;
    uint32_t start_height = 0;
    consensus::BlockHash stop;

    static void wire(auto&& codec, auto& m) { codec(m.type, m.start_height, m.stop); }
};

/// getcfcheckpt.
struct GetFilterCheckpointsMessage {
    uint8_t type = BASIC_FILTER;
    consensus::BlockHash stop;

    static void wire(auto&& codec, auto& m) { codec(m.type, m.stop); }
};

/// cfilter.
struct FilterMessage {
    uint8_t type = BASIC_FILTER;
    consensus::BlockHash block;
    Bytes filter;

    static void wire(auto&& codec, auto& m) { codec(m.type, m.block, m.filter); }
};

/// cfheaders.
struct FilterHeadersMessage {
    uint8_t type = BASIC_FILTER;
    consensus::BlockHash stop;
    consensus::Hash256 previous_header;
    std::vector<consensus::Hash256> filter_hashes;

    static void wire(auto&& codec, auto& m) {
        codec(m.type, m.stop, m.previous_header, m.filter_hashes);
    }
};

/// cfcheckpt.
struct FilterCheckpointsMessage {
    uint8_t type = BASIC_FILTER;
    consensus::BlockHash stop;
    std::vector<consensus::Hash256> headers;

    static void wire(auto&& codec, auto& m) { codec(m.type, m.stop, m.headers); }
};

} // namespace cairn::node
