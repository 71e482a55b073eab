// SPDX-License-Identifier: MIT
#include "node/context.h"

#include <spdlog/spdlog.h>

namespace cairn::node {

void Context::send(Peer& peer, Message message) {
    if (peer.dropped) return;
    spdlog::debug(
        "sending {} ({} bytes) peer={}", message.command, message.payload.size(), peer.id);
    peer.unsent_bytes += FRAME_HEADER_BYTES + message.payload.size();
    if (peer.unsent_bytes >
        MAX_UNSENT_BYTES + max_block_message_bytes(chain.params()) + MAX_UNASKED_BYTES)
        return drop(peer, "too much is left unread");
    out.emplace_back(Send{peer.id, std::move(message)});
}

void Context::drop(Peer& peer, std::string reason) {
    if (peer.dropped) return;
    peer.dropped = true;
    out.emplace_back(Drop{peer.id, std::move(reason)});
}

void Context::misbehaving(Peer& peer, std::string reason) {
    spdlog::debug("Misbehaving: peer={}: {}", peer.id, reason);
    if (peer.permits(PERMIT_NOBAN) || peer.type == ConnectionType::Manual) return;
    // Many may share one address of a private net, our own programs too.
    if (peer.address.is_routable()) discouraged.insert(peer.address.host_hash());
    drop(peer, std::move(reason));
}

void Context::malformed(
    const Peer& peer, std::string_view command, size_t bytes, std::string_view why) {
    spdlog::debug(
        "ProcessMessages({}, {} bytes): Exception '{}' peer={}", command, bytes, why, peer.id);
}

} // namespace cairn::node
