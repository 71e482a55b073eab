// SPDX-License-Identifier: MIT
// Any text as a network, an address, a host with a port, an entry of -whitelist: refused, or what
// holds itself and is written as what it was read from.
#include "node/net_address.h"
#include "node/permissions.h"

#include <cstdlib>
#include <stdexcept>

using namespace cairn::node;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (const auto net = Subnet::from_string(text); net && !net->contains(net->base)) std::abort();
    if (const auto address = NetAddress::from_string(text, 1))
        if (NetAddress::from_string(address->to_string(), 2) != address) std::abort();
    (void)split_host_port(text, 1);
    try {
        const Whitelist whitelist({text}, PERMIT_RELAY);
        (void)whitelist.permissions_of(NetAddress::ipv4({1, 2, 3, 4}, 5), true);
    } catch (const std::runtime_error&) { // of its user, in words
    }
    return 0;
}
