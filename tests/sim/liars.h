// SPDX-License-Identifier: MIT
// Those who don't play fair: nodes that lie in what they send, and strangers that are no nodes.
#pragma once

#include "world.h"

namespace cairn::sim {

/// What a node does to what it would send. Each makes it one of the world's liars.
enum class Lie : uint8_t {
    Withhold,    ///< Announces blocks and transactions, and never gives any.
    Stall,       ///< Gives each block a minute late.
    Trickle,     ///< Gives headers, as late as is just bearable.
    Spoil,       ///< Gives bodies that don't belong to their headers.
    Silent,      ///< Shakes hands, and answers nothing.
    Forge,       ///< Follows a chain of its own that breaks the rules; see forge_chain().
    Unrequested, ///< Answers, and adds what nobody asked for.
    Deaf,        ///< Asked for a block, asks for much in turn, and reads nothing more.
};

void make_liar(World& world, SimNode& node, Lie lie);

/// A chain of `count` blocks on the genesis block, of which the one at `bad_at` and all others that
/// come after it break the rules; `node` has it, and believes in it.
void forge_chain(World& world, SimNode& node, size_t count, size_t bad_at);

/// Speaks the protocol without being a node.
class Stranger : public Endpoint {
public:
    Stranger(World& world, std::vector<NetAddress> addresses);

    /// From one of his addresses.
    void call(const NetAddress& from, const NetAddress& to);

    bool admits(const NetAddress& caller, const NetAddress& called) override;
    void connected(
        EndId end, const NetAddress& here, const NetAddress& there, ConnectionType type) override;
    void readable(EndId end) override;

    void sent(EndId /*end*/, size_t /*bytes*/) override {}

    void closed(EndId end) override;

    void call_failed(const NetAddress& /*address*/) override {}

    const std::vector<NetAddress>& addresses() const { return addresses_; }

    static constexpr std::string_view USER_AGENT = "/sim-stranger/";

protected:
    virtual void established(EndId /*end*/) {}

    virtual void heard(EndId /*end*/, const Message& /*message*/) {}

    void say(EndId end, std::string_view command, Bytes payload = {});

    World& world_;
    std::set<EndId> ends_; ///< Open, with hands shaken.

private:
    void greet(EndId end);

    std::vector<NetAddress> addresses_;
    std::set<EndId> greeted_;
};

/// What flooders did the work for.
struct Bait {
    /// On `tip`, as far as nodes know.
    Bait(World& world, const chain::BlockNode& tip);

    const Mined& withheld; ///< A good block, of which nobody gets the body.
    /// A chain on the genesis block, in full messages; with the last one it is worth to be taken.
    std::vector<node::HeadersMessage> runs;
};

/// Sends as much of everything as it is let, as fast as it can.
class Flooder final : public Stranger {
public:
    enum class Manner : uint8_t {
        Reckless, ///< Also what he is dropped for.
        Careful,  ///< Nothing of that.
        Deaf,     ///< Likewise; and he takes nothing of what he asked for.
    };

    Flooder(
        World& world,
        const NetAddress& address,
        const NetAddress& victim,
        Manner manner,
        const Bait& bait);

private:
    void readable(EndId end) override;
    void established(EndId end) override;
    void closed(EndId end) override;
    void flood(EndId end);
    Message junk();
    static Message junk_body(const consensus::BlockHeader& header);
    Message part_of_block();
    Bytes noise(size_t count);
    Bytes inventory(size_t count, node::InventoryType type);

    NetAddress victim_;
    Manner manner_;
    const Bait& bait_;
};

/// Owns many addresses, answers at all of them, and tells of nothing else. Until he strikes he is
/// the best of peers: gives all blocks there are, and each new one before anybody else does.
class Eclipser final : public Stranger {
public:
    Eclipser(World& world, std::vector<NetAddress> addresses, NetAddress victim);

    /// Call the victim from ever other addresses, until it lets no more in, and again.
    void begin();

    /// From now on there is no block to be had of him.
    void strike() { struck_ = true; }

private:
    void established(EndId end) override;
    void heard(EndId end, const Message& message) override;
    void press();
    std::vector<node::TimedAddress> some(size_t count);
    void bring(const Mined& mined);
    node::HeadersMessage headers_after(const node::LocatorMessage& message) const;

    NetAddress victim_;
    bool struck_ = false;
};

} // namespace cairn::sim
