// SPDX-License-Identifier: MIT
// Messages about headers and the place of blocks: getheaders, getblocks, headers.
#pragma once

#include "consensus/block.h"

#include <string_view>
#include <vector>

namespace cairn::node {

constexpr size_t MAX_HEADERS = 2000; ///< In one message.
constexpr size_t MAX_LOCATOR_HASHES = 101;
constexpr size_t MAX_GETBLOCKS_HASHES = 500; ///< In the answer to one getblocks.

/// Asks for what follows the first hash of `locator` that the other side knows. Payload of
/// getheaders and getblocks.
struct LocatorMessage {
    uint32_t version = 0; ///< Of the protocol; nobody looks at it.
    std::vector<consensus::BlockHash> locator;
    consensus::BlockHash stop; ///< Null: as many as fit.

    static void wire(auto&& codec, auto& m) { codec(m.version, m.locator, m.stop); }
};

/// Consecutive headers, each followed by a zero: the count of transactions in old times.
struct HeadersMessage {
    std::vector<consensus::BlockHeader> headers;

    static constexpr std::string_view COMMAND = "headers";

    void write(consensus::Writer& writer) const;
    /// Reads a few more than MAX_HEADERS, so that the peer can be told off for them.
    void read(consensus::Reader& reader);
};

} // namespace cairn::node
