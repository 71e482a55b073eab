// SPDX-License-Identifier: MIT
// Gossip of addresses: what peers tell goes into the address book and, if it is fresh, on to two
// others.
#pragma once

#include "node/address_book.h"
#include "node/context.h"

namespace cairn::node {

/// addr, addrv2 (BIP-0155), getaddr.
class AddressRelay {
public:
    AddressRelay(Context& context, AddressBook& book);

    void version(Peer& peer);
    void established(Peer& peer);
    void addr(Peer& peer, AddrMessage message);
    void addrv2(Peer& peer, AddrV2Message message);
    void get_addr(Peer& peer);
    void tick(Peer& peer);

    static constexpr double TOKENS_PER_SECOND = 0.1;
    static constexpr double MAX_TOKENS = 1000;
    static constexpr size_t MAX_QUEUED = 100;
    static constexpr size_t MAX_RELAYED = 10; ///< A longer message is an answer, not news.
    static constexpr size_t RELAY_TO = 2;
    static constexpr int64_t FRESH_SECONDS = 600;
    static constexpr size_t SHARED_PERCENT = 23; ///< Of the book, in answer to getaddr.
    static constexpr std::chrono::seconds SEND_MEAN{30};
    static constexpr std::chrono::minutes FETCH_TIMEOUT{5};
    static constexpr std::chrono::hours OWN_MEAN{24};
    static constexpr std::chrono::hours ANSWER_LEAST{21}; ///< An answer to getaddr stays the same.
    static constexpr std::chrono::seconds ANSWER_SPREAD{6 * 3600};

private:
    struct Answer {
        std::vector<TimedAddress> addresses;
        Time until;
    };

    static bool speaks(Peer& peer);
    std::optional<NetAddress> own_address(const Peer& peer) const;
    void tell_own(Peer& peer);
    void
    learn(Peer& peer, std::string_view name, std::vector<TimedAddress> addresses, size_t count);
    void relay(const TimedAddress& place, PeerId source);
    void send(Peer& peer, std::vector<TimedAddress> addresses);

    Context& context_;
    AddressBook& book_;
    /// By the asker's network and our end of the connection.
    std::map<std::pair<NetworkId, NetAddress>, Answer> answers_;
    uint64_t salt0_;
    uint64_t salt1_;
};

} // namespace cairn::node
