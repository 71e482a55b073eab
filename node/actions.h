// SPDX-License-Identifier: MIT
// What the protocol asks of the world: the only way anything leaves the state machines.
#pragma once

#include "chain/chain.h"
#include "node/frame.h"
#include "node/peer_id.h"

#include <string>
#include <variant>
#include <vector>

namespace cairn::node {

struct Send {
    PeerId peer = NO_PEER;
    Message message;
};

/// Close the connection. Protocol::disconnected() follows.
struct Drop {
    PeerId peer = NO_PEER;
    std::string reason;
};

/// Protocol::headers_done() follows.
struct AcceptHeaders {
    PeerId peer = NO_PEER;
    std::vector<consensus::BlockHeader> headers;
};

/// Hand a block to the chain. Protocol::block_done() follows.
struct AcceptBlock {
    PeerId peer = NO_PEER;
    consensus::BlockHash hash;
    bool requested = false;
    Bytes payload;               ///< To be parsed, if
    consensus::BlockRef block{}; ///< it wasn't put together here.
};

/// Protocol::transaction_done() follows.
struct AcceptTransaction {
    PeerId peer = NO_PEER;
    consensus::TransactionRef tx;
    consensus::TransactionRef parent{}; ///< Which pays too little to come in without it.
};

/// Build a message from what is on the disk. Protocol::read_done() follows.
struct DiskRead {
    enum class Kind : uint8_t {
        Block,
        StrippedBlock,     ///< Without witnesses.
        CompactBlock,      ///< With `nonce`.
        BlockTransactions, ///< A blocktxn message of those at `indexes`, which are in `block`.
        Filter,
        FilterHeaders,     ///< A cfheaders message about the blocks from `start` to `block`.
        FilterCheckpoints, ///< A cfcheckpt message up to `block`.
    };
    PeerId peer = NO_PEER;
    Kind kind = Kind::Block;
    const chain::BlockNode* block = nullptr;
    consensus::Height start;
    uint64_t nonce = 0;
    std::vector<uint32_t> indexes;
    std::vector<consensus::Hash256> found{}; ///< What the parts of it read that are done.
};

using Action = std::variant<Send, Drop, AcceptHeaders, AcceptBlock, AcceptTransaction, DiskRead>;
using Actions = std::vector<Action>;

} // namespace cairn::node
