// SPDX-License-Identifier: MIT
// Tells peers of a new tip: by a compact block to those that asked for it (BIP-0152), before it is
// validated; by headers to those that asked for them (BIP-0130) and can connect them, by inv to the
// others.
#pragma once

#include "node/context.h"

namespace cairn::node {

class BlockAnnouncer {
public:
    explicit BlockAnnouncer(Context& context) : context_(context) {}

    /// `block`, of `node`, may be the next tip: all but its coins and scripts is found good.
    void block_checked(const chain::BlockNode& node, const consensus::BlockRef& block);
    void tip_changed(const chain::TipChange& change);

    static constexpr size_t MAX_HEADERS_ANNOUNCED = 8;
    /// Those before ban who sends a compact block that turns out to be invalid (BIP-0152).
    static constexpr int32_t INVALID_COMPACT_VERSION = 70015;

private:
    void announce(Peer& peer, const chain::TipChange& change);
    void send_compact(Peer& peer, const chain::BlockNode& node, const consensus::BlockRef& block);

    Context& context_;
    Message compact_; ///< Of the block last announced by it: the same for all.
    consensus::BlockHash compact_of_;
};

} // namespace cairn::node
