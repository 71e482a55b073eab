// SPDX-License-Identifier: MIT
// What messages carry. Each type states the order of its bytes once; the commands they travel
// under, and what is done with them, stand in the table of protocol.cpp, their size limits in
// frame.cpp.
#pragma once

#include "consensus/block.h"
#include "node/frame.h"
#include "node/net_address.h"

#include <optional>
#include <string>
#include <vector>

namespace cairn::node {

/// A message with its content.
template <class T>
Message message_of(std::string_view command, const T& content) {
    return {std::string(command), consensus::encode(content)};
}

/// The content of `payload`, which may be followed by bytes of later versions; nullopt if it is
/// cut short or malformed.
template <class T>
std::optional<T> parse(ByteView payload) {
    consensus::Reader reader(payload);
    T content{};
    reader(content);
    if (reader.failed()) return std::nullopt;
    return content;
}

// Handshake /////////////////////////////////////////////////////////////////////////////////////

constexpr int32_t PROTOCOL_VERSION = 70017;
constexpr int32_t MIN_PEER_VERSION = 31800;       ///< Those before know no getheaders.
constexpr int32_t SENDHEADERS_VERSION = 70012;    ///< BIP-0130
constexpr int32_t FEEFILTER_VERSION = 70013;      ///< BIP-0133
constexpr int32_t COMPACT_BLOCKS_VERSION = 70014; ///< BIP-0152
constexpr int32_t WTXID_RELAY_VERSION = 70016;    ///< BIP-0339

/// What a node serves: bits of `services`.
enum ServiceFlag : uint64_t {
    NODE_NETWORK = 1 << 0,
    NODE_WITNESS = 1 << 3,
    NODE_COMPACT_FILTERS = 1 << 6,  ///< BIP-0157
    NODE_NETWORK_LIMITED = 1 << 10, ///< BIP-0159: the last 288 blocks.
};

/// An address as `version` has it: 8 bytes of services, 16 of IPv6, a port in network order.
struct VersionAddress {
    uint64_t services = 0;
    NetAddress address;

    void write(consensus::Writer& writer) const;
    void read(consensus::Reader& reader);
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

    void write(consensus::Writer& writer) const;
    /// Very old peers leave out the fields from `sender` on.
    void read(consensus::Reader& reader);
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

/// addr, the old form: IPv4 and IPv6 only, other addresses are left out.
struct AddrMessage {
    std::vector<TimedAddress> addresses;

    void write(consensus::Writer& writer) const;
    void read(consensus::Reader& reader);
};

/// addrv2: any network. Those that this node doesn't know are left out when read. Source: BIP-0155.
struct AddrV2Message {
    std::vector<TimedAddress> addresses;
    uint64_t count = 0; ///< As read, unknown ones included.

    static constexpr size_t MAX_ADDRESS_BYTES = 512;

    void write(consensus::Writer& writer) const;
    void read(consensus::Reader& reader);
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

    void write(consensus::Writer& writer) const;
    /// Reads a few more than MAX_HEADERS, so that the peer can be told off for them.
    void read(consensus::Reader& reader);
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
    FilteredBlock = 3, ///< BIP-0037, not served.
    CompactBlock = 4,
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
