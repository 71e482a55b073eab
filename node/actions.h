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

/// Parse `payload` and hand it to the chain. Protocol::block_done() follows.
struct AcceptBlock {
    PeerId peer = NO_PEER;
    consensus::BlockHash hash;
    Bytes payload;
    bool requested = false;
};

/// Protocol::transaction_done() follows.
struct AcceptTransaction {
    PeerId peer = NO_PEER;
    consensus::TransactionRef tx;
};

// Reads from the disk, each answered by Protocol::read_done(). ////////////////////////////////

struct ReadBlock {
    PeerId peer = NO_PEER;
    const chain::BlockNode* block = nullptr;
    bool witness = true;
};

/// For a cfilter message.
struct ReadFilter {
    PeerId peer = NO_PEER;
    const chain::BlockNode* block = nullptr;
};

/// For a cfheaders message about the blocks from `start` to `stop`.
struct ReadFilterHeaders {
    PeerId peer = NO_PEER;
    consensus::Height start;
    const chain::BlockNode* stop = nullptr;
};

/// For a cfcheckpt message.
struct ReadFilterCheckpoints {
    PeerId peer = NO_PEER;
    const chain::BlockNode* stop = nullptr;
};

using DiskRead = std::variant<ReadBlock, ReadFilter, ReadFilterHeaders, ReadFilterCheckpoints>;
using Action = std::variant<Send, Drop, AcceptHeaders, AcceptBlock, AcceptTransaction, DiskRead>;
using Actions = std::vector<Action>;

} // namespace cairn::node
