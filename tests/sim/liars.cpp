// SPDX-License-Identifier: MIT
#include "liars.h"

#include "chain/header_tree.h"
#include "consensus/pow.h"
#include "node/compact_block.h"

namespace cairn::sim {

using consensus::encode;
using node::Inventory;
using node::InventoryMessage;
using node::InventoryType;

namespace {

bool is_body(const Message& message) {
    return message.command == "block" || message.command == "cmpctblock" ||
           message.command == "blocktxn";
}

bool is_greeting(const Message& message) {
    return message.command == "version" || message.command == "verack" ||
           message.command == "wtxidrelay" || message.command == "sendaddrv2" ||
           message.command == "pong";
}

/// Change the last transaction's witness, of which its id tells nothing, or its lock time. In a
/// compact block that is the coinbase, the only one that is there whole.
void spoil(Bytes& body, Random& random) {
    constexpr size_t LOCK_TIME = 4;
    const size_t at_end = random.below(2) == 0 ? 1 : 1 + LOCK_TIME;
    if (body.size() >= at_end) body[body.size() - at_end] ^= 1;
}

/// Send `message` after `delay`, in place of now.
bool later(World& world, node::PeerId peer, Message& message, Duration delay) {
    world.timeline.after(
        delay, [&world, end = static_cast<EndId>(peer), late = std::move(message)] {
            world.net.send(end, late);
        });
    return false;
}

/// What was given before, once more, with something that nobody makes any use of.
void add_unrequested(World& world, EndId end, const Message& message) {
    if (message.command != "pong" && message.command != "headers") return;
    const auto& blocks = world.ledger.blocks();
    if (!blocks.empty())
        world.net.send(end, {"block", blocks[world.random.below(blocks.size())]->bytes});
    Bytes tx;
    consensus::Writer writer(tx);
    world.ledger.pay({}, 250, Ledger::Kind::Refused)->write(writer);
    world.net.send(end, {"tx", std::move(tx)});
    world.net.send(end, node::message_of("notfound", InventoryMessage{{{}}}));
    world.net.send(end, node::message_of("blocktxn", node::BlockTransactionsMessage{}));
}

/// More than there is room for on the way, and a question behind it.
void ask_and_go_deaf(World& world, SimNode& node, EndId end) {
    if (!node.deaf_to.insert(end).second) return;
    const InventoryMessage unknown{{node::MAX_INVENTORY, {InventoryType::WtxidTransaction, {}}}};
    for (int i = 0; i < 3; ++i) world.net.send(end, node::message_of("getdata", unknown));
    world.net.send(end, {"ping", Bytes(8)});
}

} // namespace

void make_liar(World& world, SimNode& node, Lie lie) {
    world.liars.insert(&node);
    node.lie = [&world, &node, lie](node::PeerId peer, Message& message) {
        const bool body = is_body(message);
        switch (lie) {
        case Lie::Withhold:
            return !body && message.command != "tx";
        case Lie::Stall:
            return !body || later(world, peer, message, 60s);
        case Lie::Trickle:
            return message.command != "headers" || later(world, peer, message, 4800ms);
        case Lie::Spoil:
            if (body) spoil(message.payload, world.random);
            return true;
        case Lie::Silent:
            return is_greeting(message);
        case Lie::Unrequested:
            add_unrequested(world, static_cast<EndId>(peer), message);
            return true;
        case Lie::Deaf:
            if (body) ask_and_go_deaf(world, node, static_cast<EndId>(peer));
            return !body;
        case Lie::Forge:
            return true;
        }
        return true;
    };
}

void forge_chain(World& world, SimNode& node, size_t count, size_t bad_at) {
    node.chain.believe_all();
    consensus::BlockHeader parent = world.ledger.params().genesis.header;
    const int64_t genesis = parent.time;
    const int64_t age = world.timeline.seconds() - genesis;
    for (size_t i = 1; i <= count; ++i) {
        const auto at = genesis + age * static_cast<int64_t>(i) / static_cast<int64_t>(count);
        const Mined& mined =
            world.ledger.mine(parent, {}, Time(std::chrono::seconds(at)), node.number, i < bad_at);
        node.submit(mined);
        parent = mined.block->header;
    }
}

// Stranger ///////////////////////////////////////////////////////////////////////////////////////

Stranger::Stranger(World& world, std::vector<NetAddress> addresses)
    : world_(world),
      addresses_(std::move(addresses)) {
    for (const NetAddress& address : addresses_) world.net.add(address, *this);
    host.x = host.y = 0.5;
    host.up = host.down = 12'500'000; // 100 Mbit/s
}

void Stranger::call(const NetAddress& from, const NetAddress& to) {
    world_.net.call(*this, from, to, ConnectionType::OutboundFullRelay);
}

bool Stranger::admits(const NetAddress& /*caller*/, const NetAddress& /*called*/) {
    return true;
}

void Stranger::connected(
    EndId end, const NetAddress& /*here*/, const NetAddress& /*there*/, ConnectionType type) {
    if (type != ConnectionType::Inbound) greet(end);
}

void Stranger::greet(EndId end) {
    if (!greeted_.insert(end).second) return;
    node::VersionMessage version;
    version.services = node::NODE_NETWORK | node::NODE_WITNESS;
    version.time = world_.timeline.seconds();
    version.nonce = world_.random.next();
    version.user_agent = USER_AGENT;
    version.start_height = 1'000'000;
    say(end, "version", encode(version));
}

void Stranger::readable(EndId end) {
    while (const std::optional<Message> message = world_.net.take(end)) {
        if (message->command == "version") {
            greet(end);
            say(end, "wtxidrelay");
            say(end, "sendaddrv2");
            say(end, "verack");
        } else if (message->command == "verack") {
            ends_.insert(end);
            established(end);
        } else if (message->command == "ping") {
            say(end, "pong", message->payload);
        } else {
            heard(end, *message);
        }
    }
}

void Stranger::closed(EndId end) {
    ends_.erase(end);
    greeted_.erase(end);
}

void Stranger::say(EndId end, std::string_view command, Bytes payload) {
    world_.net.send(end, {std::string(command), std::move(payload)});
}

// Flooder ////////////////////////////////////////////////////////////////////////////////////////

Bait::Bait(World& world, const chain::BlockNode& tip)
    : withheld(world.ledger.mine(tip.header, {}, world.timeline.now(), 0)) {
    const consensus::Params& params = world.ledger.params();
    consensus::BlockHeader header = params.genesis.header;
    header.bits = consensus::compact_of(params.pow_limit);
    header.prev_hash = params.genesis_hash;
    consensus::Uint256 work = consensus::work_of(params.genesis.header.bits);
    while (work < chain::least_header_work(tip, params.minimum_chain_work)) {
        std::vector<consensus::BlockHeader>& run = runs.emplace_back().headers;
        while (run.size() < node::MAX_HEADERS) {
            while (!consensus::meets_target(header.hash(), header.bits, params.pow_limit))
                ++header.nonce;
            run.push_back(header);
            header.prev_hash = header.hash();
            work += consensus::work_of(header.bits);
        }
    }
}

Flooder::Flooder(
    World& world,
    const NetAddress& address,
    const NetAddress& victim,
    Manner manner,
    const Bait& bait)
    : Stranger(world, {address}),
      victim_(victim),
      manner_(manner),
      bait_(bait) {
    call(address, victim);
}

void Flooder::readable(EndId end) {
    if (manner_ != Manner::Deaf || !ends_.contains(end)) Stranger::readable(end);
}

/// Begins what makes a node wait, with something in its hands.
void Flooder::established(EndId end) {
    say(end, "sendcmpct", encode(node::SendCompactMessage{}));
    say(end, "headers", encode(node::HeadersMessage{{bait_.withheld.block->header}}));
    for (const node::HeadersMessage& run : bait_.runs) say(end, "headers", encode(run));
    // Once more, but not to the end.
    for (size_t i = 0; i + 1 < bait_.runs.size(); ++i) say(end, "headers", encode(bait_.runs[i]));
    const Message part = part_of_block(); // of which he may have been asked for by now
    say(end, part.command, part.payload);
    flood(end);
}

/// Comes back at once.
void Flooder::closed(EndId end) {
    Stranger::closed(end);
    call(addresses().front(), victim_);
}

void Flooder::flood(EndId end) {
    if (!world_.net.is_open(end)) return;
    constexpr size_t WINDOW = 1'000'000; // as TCP lets him
    while (world_.net.is_open(end) && world_.net.backlog(end) < WINDOW) {
        Message message = junk();
        say(end, message.command, std::move(message.payload));
    }
    world_.timeline.after(100ms, [this, end] { flood(end); });
}

Bytes Flooder::noise(size_t count) {
    Bytes bytes(count);
    for (size_t i = 0; i + 8 <= count; i += 8) {
        const uint64_t word = world_.random.next();
        std::memcpy(bytes.data() + i, &word, sizeof word);
    }
    return bytes;
}

Bytes Flooder::inventory(size_t count, InventoryType type) {
    InventoryMessage message;
    for (size_t i = 0; i < count; ++i) {
        Inventory& item = message.items.emplace_back(Inventory{type, {}});
        const uint64_t word = world_.random.next();
        std::memcpy(item.hash.bytes.data(), &word, sizeof word);
    }
    return encode(message);
}

/// Little on the wire, much in memory.
Message Flooder::junk_body(const consensus::BlockHeader& header) {
    constexpr size_t OUTPUTS = 50'000;
    consensus::Transaction tx;
    tx.inputs.resize(1);
    tx.outputs.resize(OUTPUTS);
    consensus::Block block{header, {}};
    block.transactions.emplace_back(std::move(tx));
    return {"block", encode(block)};
}

/// A compact block of transactions that nobody has.
Message Flooder::part_of_block() {
    constexpr size_t TRANSACTIONS = 10'000;
    node::CompactBlockMessage message =
        node::CompactBlockMessage::of(*bait_.withheld.block, world_.random.next());
    message.short_ids.resize(TRANSACTIONS);
    for (auto& id : message.short_ids) {
        const uint64_t word = world_.random.next();
        std::memcpy(id.data(), &word, id.size());
    }
    return node::message_of("cmpctblock", message);
}

Message Flooder::junk() {
    const Ledger& ledger = world_.ledger;
    const auto& blocks = ledger.blocks();
    switch (world_.random.below(15)) {
    case 0:
        return {"inv", inventory(5000, InventoryType::WtxidTransaction)};
    case 1:
        return {"inv", inventory(500, InventoryType::Block)};
    case 2: {
        node::AddrV2Message message;
        for (int i = 0; i < 1000; ++i) {
            const uint64_t word = world_.random.next();
            const std::array octets{
                static_cast<uint8_t>(20 + word % 80), static_cast<uint8_t>(word >> 8),
                static_cast<uint8_t>(word >> 16), static_cast<uint8_t>(word >> 24)};
            message.addresses.push_back(
                {static_cast<uint32_t>(world_.timeline.seconds()), node::NODE_NETWORK,
                 NetAddress::ipv4(octets, 9333)});
        }
        return {"addrv2", encode(message)};
    }
    case 3: { // an orphan
        consensus::Transaction tx;
        tx.inputs.resize(1);
        tx.inputs[0].prevout.txid.bytes[0] = static_cast<uint8_t>(1 + world_.random.below(200));
        tx.outputs.push_back({consensus::Amount(1000), {}});
        tx.outputs[0].script_pubkey.assign(noise(20'000)); // a few of them are all it may have
        return {"tx", encode(tx)};
    }
    case 4:
        if (manner_ != Manner::Reckless) return junk();
        return {"block", noise(100'000)};
    case 5:
        return {"getdata", inventory(5000, InventoryType::WtxidTransaction)};
    case 6: { // all blocks there are, if he is let
        InventoryMessage message;
        for (const Mined* mined : blocks)
            message.items.push_back({InventoryType::WitnessBlock, mined->block->header.hash()});
        return {"getdata", encode(message)};
    }
    case 7:
        return {"nonsense", noise(10'000)};
    case 8:
        return {
            "getheaders", encode(node::LocatorMessage{70016, {ledger.params().genesis_hash}, {}})};
    case 9:
        return {"ping", noise(8)};
    case 10:
        if (manner_ != Manner::Reckless) return junk();
        return {"cmpctblock", noise(5000)};
    case 11:
        if (manner_ != Manner::Reckless) return junk();
        return {"headers", noise(500)};
    case 12: { // on the tip, without work
        if (manner_ != Manner::Reckless) return junk();
        consensus::BlockHeader header = bait_.withheld.block->header;
        while (consensus::meets_target(header.hash(), header.bits, ledger.params().pow_limit))
            ++header.nonce;
        return junk_body(header);
    }
    case 13:
        if (manner_ != Manner::Reckless) return junk();
        return junk_body(bait_.withheld.block->header);
    default:
        return part_of_block();
    }
}

// Eclipser ///////////////////////////////////////////////////////////////////////////////////////

Eclipser::Eclipser(World& world, std::vector<NetAddress> addresses, NetAddress victim)
    : Stranger(world, std::move(addresses)),
      victim_(std::move(victim)) {}

void Eclipser::begin() {
    world_.news = [this](const Mined& mined) { bring(mined); };
    press();
}

void Eclipser::established(EndId end) {
    say(end, "sendcmpct", encode(node::SendCompactMessage{}));
}

/// No node is as quick: it has to hear of it first.
void Eclipser::bring(const Mined& mined) {
    if (struck_) return;
    const Message message = node::message_of(
        "cmpctblock", node::CompactBlockMessage::of(*mined.block, world_.random.next()));
    for (const EndId end : ends_) say(end, message.command, message.payload);
}

void Eclipser::press() {
    call(addresses()[world_.random.below(addresses().size())], victim_);
    for (const EndId end : ends_) say(end, "addrv2", encode(node::AddrV2Message{some(2)}));
    world_.timeline.after(5s, [this] { press(); });
}

std::vector<node::TimedAddress> Eclipser::some(size_t count) {
    std::vector<node::TimedAddress> chosen;
    for (size_t i = 0; i < count; ++i)
        chosen.push_back(
            {static_cast<uint32_t>(world_.timeline.seconds()),
             node::NODE_NETWORK | node::NODE_WITNESS,
             addresses()[world_.random.below(addresses().size())]});
    return chosen;
}

void Eclipser::heard(EndId end, const Message& message) {
    if (message.command == "getaddr")
        say(end, "addrv2", encode(node::AddrV2Message{some(node::MAX_ADDRESSES)}));
    if (message.command == "getheaders") {
        const auto locator = node::parse<node::LocatorMessage>(message.payload);
        say(end, "headers", encode(headers_after(locator.value())));
    }
    if (message.command != "getdata" || struck_) return;
    const auto wanted = node::parse<InventoryMessage>(message.payload);
    for (const Inventory& item : wanted.value().items)
        if (const Mined* mined = world_.ledger.find(BlockHash(item.hash)); item.is_block() && mined)
            say(end, "block", mined->bytes);
}

/// Of the longest chain that there is, what comes after the first that `message` names of it.
node::HeadersMessage Eclipser::headers_after(const node::LocatorMessage& message) const {
    node::HeadersMessage headers;
    const auto& blocks = world_.ledger.blocks();
    if (struck_ || blocks.empty()) return headers;
    const auto height_of = [](const Mined* mined) { return mined->height; };
    for (const Mined* at = *std::ranges::max_element(blocks, {}, height_of);
         at != nullptr && !std::ranges::count(message.locator, at->block->header.hash());
         at = world_.ledger.find(at->block->header.prev_hash))
        headers.headers.push_back(at->block->header);
    std::ranges::reverse(headers.headers);
    return headers;
}

} // namespace cairn::sim
