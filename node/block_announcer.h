// SPDX-License-Identifier: MIT
// Tells peers of a new tip: by a compact block to those that asked for it (BIP-0152), by headers to
// those that asked for them (BIP-0130) and can connect them, by inv to the others.
#pragma once

#include "node/context.h"

namespace cairn::node {

class BlockAnnouncer {
public:
    explicit BlockAnnouncer(Context& context) : context_(context) {}

    void tip_changed(const chain::TipChange& change);

    static constexpr size_t MAX_HEADERS_ANNOUNCED = 8;

private:
    void announce(Peer& peer, const chain::TipChange& change, std::optional<Message>& compact);

    Context& context_;
};

} // namespace cairn::node
