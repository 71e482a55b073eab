// SPDX-License-Identifier: MIT
// A node and two strangers who say anything at any time. It may drop them; it may not crash, speak
// before it is spoken to, or keep more than its limits.
#include "node/messages.h"
#include "tests/node/harness.cpp" // NOLINT(bugprone-suspicious-include): no library has it

#include <cassert>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;

namespace {

constexpr const char* COMMANDS[] = {
    "version",   "verack",      "wtxidrelay",   "sendaddrv2",   "feature",    "ping",
    "pong",      "addr",        "addrv2",       "getaddr",      "headers",    "block",
    "inv",       "tx",          "notfound",     "mempool",      "getheaders", "getblocks",
    "getdata",   "getcfilters", "getcfheaders", "getcfcheckpt", "feefilter",  "sendheaders",
    "sendcmpct", "filterload",  "cmpctblock",   "getblocktxn",  "blocktxn",   "unknown"};

void check_limits(const TestNode& node) {
    assert(node.protocol.transactions().orphanage().size() <= Orphanage::MAX_TRANSACTIONS);
    for (const auto& [id, peer] : node.protocol.peers()) {
        assert(peer.blocks.in_flight.size() <= BlockDownload::MAX_IN_FLIGHT);
        assert(peer.transactions.announced <= TransactionRequests::MAX_ANNOUNCED);
        assert(peer.announcements.queue.size() <= TransactionAnnouncer::MAX_QUEUED);
        assert(peer.addresses.queue.size() <= AddressRelay::MAX_QUEUED + 1);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    consensus::Reader reader(ByteView(data, size));
    TestNet net;
    TestNode& node = net.add();
    node.chain.mine(3);
    const PeerId silent = net.connect_stub(node, ConnectionType::Inbound, 0, false);
    const PeerId strangers[] = {
        silent, net.connect_stub(node), net.connect_stub(node, ConnectionType::OutboundFullRelay)};
    bool spoken = false;
    while (reader.remaining() > 2) {
        const auto who = reader.read<uint8_t>() % 4;
        const auto what = reader.read<uint8_t>();
        if (who == 3) { // time goes by, or a block is found
            if (what < 250)
                net.advance(std::chrono::milliseconds(what * 10));
            else
                net.mine(node, 1, what);
        } else if (net.is_connected(node, strangers[who])) {
            const ByteView payload = reader.raw(std::min<size_t>(what, reader.remaining()));
            const size_t command = reader.read<uint8_t>() % std::size(COMMANDS);
            spoken = spoken || (who == 0 && command == 0);
            net.say(node, strangers[who], COMMANDS[command], Bytes(payload.begin(), payload.end()));
        }
        check_limits(node);
    }
    if (!spoken) assert(net.heard(node, silent).empty());
    return 0;
}
