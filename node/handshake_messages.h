// SPDX-License-Identifier: MIT
// Messages of the handshake: version, feature, and those that switch something on.
#pragma once

#include "node/frame.h"
#include "node/net_address.h"

namespace cairn::node {

constexpr int32_t PROTOCOL_VERSION = 70017;
constexpr int32_t MIN_PEER_VERSION = 31800;    ///< Those before know no getheaders.
constexpr int32_t SENDHEADERS_VERSION = 70012; ///< BIP-0130
constexpr int32_t FEEFILTER_VERSION = 70013;   ///< BIP-0133
constexpr int32_t WTXID_RELAY_VERSION = 70016; ///< BIP-0339
constexpr int32_t FEATURE_VERSION = 70017;     ///< BIP-0434

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

/// The first message either side sends.
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

    static constexpr std::string_view COMMAND = "version";
    static constexpr size_t MAX_USER_AGENT_BYTES = 256;

    void write(consensus::Writer& writer) const;
    /// Very old peers leave out the fields from `sender` on.
    void read(consensus::Reader& reader);
};

/// Tells that the sender knows an extension of the protocol. Source: BIP-0434.
struct FeatureMessage {
    std::string id;
    Bytes data;

    static constexpr std::string_view COMMAND = "feature";
    static constexpr size_t MIN_ID_BYTES = 4;
    static constexpr size_t MAX_ID_BYTES = 80;
    static constexpr size_t MAX_DATA_BYTES = 512;

    static void wire(auto&& codec, auto& m) { codec(m.id, m.data); }

    bool is_valid() const {
        return id.size() >= MIN_ID_BYTES && id.size() <= MAX_ID_BYTES &&
               data.size() <= MAX_DATA_BYTES;
    }
};

/// Offers compact blocks. Source: BIP-0152.
struct SendCompactMessage {
    bool announce = false; ///< New blocks may come as cmpctblock without being asked for.
    uint64_t version = 2;

    static constexpr std::string_view COMMAND = "sendcmpct";

    static void wire(auto&& codec, auto& m) { codec(m.announce, m.version); }
};

/// Payload of ping and pong. Source: BIP-0031.
struct NonceMessage {
    uint64_t nonce = 0;

    static void wire(auto&& codec, auto& m) { codec(m.nonce); }
};

/// The lowest feerate at which transactions are to be announced. Source: BIP-0133.
struct FeeFilterMessage {
    int64_t per_kvb = 0;

    static constexpr std::string_view COMMAND = "feefilter";

    static void wire(auto&& codec, auto& m) { codec(m.per_kvb); }
};

/// A message of the given type, which names its own command.
template <class T>
Message message_of(const T& content) {
    return {std::string(T::COMMAND), consensus::encode(content)};
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

} // namespace cairn::node
