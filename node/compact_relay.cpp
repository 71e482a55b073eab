// SPDX-License-Identifier: MIT
#include "node/compact_relay.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

using chain::BlockNode;
using consensus::BlockHash;

void CompactRelay::established(Peer& peer) {
    if (peer.version >= COMPACT_BLOCKS_VERSION) ask_to_announce(peer, false);
}

void CompactRelay::ask_to_announce(Peer& peer, bool announce) {
    peer.compact.announces = announce;
    context_.send(peer, "sendcmpct", SendCompactMessage{announce});
}

void CompactRelay::send_compact(Peer& peer, const SendCompactMessage& message) {
    if (message.version != SendCompactMessage::WITNESS_VERSION) return;
    peer.compact.offered = true;
    peer.compact.wants_announcements = message.announce;
}

void CompactRelay::compact_block(Peer& peer, Bytes payload) {
    const auto message = parse<CompactBlockMessage>(payload);
    if (!message) return Context::malformed(peer, "cmpctblock", payload.size());
    if (context_.options.blocks_only) return; // nothing is here to put it together from
    const BlockHash hash = message->header.hash();
    if (context_.chain.find_block(hash) != nullptr) return put_together(peer, *message);
    if (std::exchange(peer.compact.announced, {}) == hash) return; // its header was refused
    if (const BlockNode* parent = context_.chain.find_block(message->header.prev_hash);
        parent != nullptr && is_low_work(context_, peer, *parent, {message->header}))
        return spdlog::debug("[net] Ignoring low-work compact block from peer {}", peer.id);
    header_sync_.headers(peer, HeadersMessage{{message->header}});
    // Else its parent is unknown, and the headers before it were asked for.
    if (peer.headers_processing == 0) return;
    peer.compact.announced = hash;
    peer.waiting = {"cmpctblock", std::move(payload)};
}

void CompactRelay::put_together(Peer& peer, const CompactBlockMessage& message) {
    const BlockHash hash = message.header.hash();
    const BlockNode* node = context_.chain.find_block(hash);
    const bool owed = std::erase(peer.blocks.owed, node) > 0;
    if (node == nullptr || node->failed() || node->has(BlockNode::HAVE_BODY)) return;
    HeaderSync::note_known(peer, *node);
    // Each is held against all that waits, which is long work for a message of a hundred bytes.
    if (peer.compact.tried.contains(hash)) return;
    peer.compact.tried.insert(hash);
    // One at a time: of the one before, the rest is on its way, and will be passed over. But who
    // sends a rival of it has found it bad since, and gives nobody the rest.
    if (peer.compact.partial && peer.compact.partial->hash() != hash) {
        const BlockHash before = peer.compact.partial->hash();
        if (context_.chain.find_block(before)->header.prev_hash == message.header.prev_hash)
            block_download_.give_up(peer, before);
        else
            request_whole(peer, before);
    }
    peer.compact.partial.reset();
    const chain::View view = context_.chain.view();
    const bool helps = !context_.chain.initial_download() && node->work > view.tip().work &&
                       node->height <= view.height() + MAX_AHEAD;
    if (!helps) return request_whole(peer, hash);

    consensus::Result<PartialBlock> block = PartialBlock::of(message, context_.chain.params());
    if (!block) return context_.misbehaving(peer, "invalid compact block");
    const auto offer = [&](const consensus::TransactionRef& tx) { block->offer(tx); };
    context_.chain.visit_transactions(offer);
    std::ranges::for_each(dropped_, offer);
    const std::vector<uint32_t> missing = block->missing();
    spdlog::debug(
        "compact block hash={} transactions={} missing={} peer={}", hash.to_string(),
        message.short_ids.size() + message.prefilled.size(), missing.size(), peer.id);
    if (missing.empty()) {
        deliver(peer, *block);
        return;
    }
    // Sent unasked, by one whom we didn't ask to: its header will do.
    const bool expected = peer.compact.announces || owed || block_download_.is_asked(peer, hash);
    if (!peer.compact.offered || !expected) return;
    if (!block_download_.reserve(peer, *node) && !may_ask_too(peer, hash)) return;
    if (missing.back() > UINT16_MAX) return request_whole(peer, hash); // no message can name it
    context_.send(peer, "getblocktxn", GetBlockTransactionsMessage{hash, missing});
    peer.compact.partial = std::move(*block);
}

/// Whether the rest of a block that another was asked for may be asked of `peer`, too, lest one
/// that announces first and then stalls holds the block up. The last one is not a caller if all
/// are: those may all be one liar's.
bool CompactRelay::may_ask_too(const Peer& peer, const BlockHash& hash) const {
    size_t asked = 0;
    bool has_outbound = !peer.inbound();
    for (const auto& [id, other] : context_.peers) {
        const std::optional<PartialBlock>& partial = other.compact.partial;
        if (!block_download_.is_asked(other, hash) && (!partial || partial->hash() != hash))
            continue;
        ++asked;
        has_outbound |= !other.inbound();
    }
    return peer.compact.announces && asked > 0 && asked < MAX_PARALLEL &&
           (has_outbound || asked + 1 < MAX_PARALLEL);
}

void CompactRelay::block_transactions(Peer& peer, Bytes payload) {
    consensus::Reader reader(payload); // what nobody asked for isn't parsed
    const auto hash = reader.read<BlockHash>();
    if (!peer.compact.partial || peer.compact.partial->hash() != hash) return;
    auto message = parse<BlockTransactionsMessage>(payload);
    if (!message) return Context::malformed(peer, "blocktxn", payload.size());
    PartialBlock& block = *peer.compact.partial;
    if (block.missing().empty())
        return context_.misbehaving(peer, "previous compact block reconstruction attempt failed");
    if (!block.fill(std::move(message->transactions)))
        return context_.misbehaving(peer, "invalid compact block/non-matching block transactions");
    if (deliver(peer, block)) peer.compact.partial.reset();
}

/// False: these aren't its transactions, which may be nobody's fault, since ids are short.
bool CompactRelay::deliver(Peer& peer, const PartialBlock& block) {
    const BlockNode& node = *context_.chain.find_block(block.hash());
    consensus::BlockRef whole =
        block.assemble(node.height >= context_.chain.params().activation.segwit);
    if (whole == nullptr) {
        request_whole(peer, block.hash());
        return false;
    }
    block_download_.assembled(peer, std::move(whole));
    return true;
}

/// If it is `peer` that the block was asked of.
void CompactRelay::request_whole(Peer& peer, const BlockHash& hash) {
    if (!block_download_.is_asked(peer, hash)) return;
    const Inventory item{InventoryType::WitnessBlock, hash};
    context_.send(peer, "getdata", InventoryMessage{{item}});
}

void CompactRelay::block_done(PeerId id, const chain::BlockOutcome& outcome) {
    if (outcome.verdict && outcome.node != nullptr)
        for (auto& [other_id, other] : context_.peers)
            if (other.compact.partial && other.compact.partial->hash() == outcome.node->hash)
                other.compact.partial.reset(); // what still comes is passed over
    Peer* peer = context_.find(id);
    if (peer == nullptr || !peer->compact.offered || context_.options.blocks_only ||
        !outcome.verdict || outcome.known || !outcome.on_active_chain ||
        context_.chain.initial_download())
        return;
    if (std::erase(announcers_, id) == 0) ask_to_announce(*peer, true);
    announcers_.push_back(id);
    if (announcers_.size() <= MAX_ANNOUNCERS) return;
    // Inbound peers may all be one liar's: an outbound one stays among them.
    const auto is_outbound = [&](PeerId other) { return !context_.peers.at(other).inbound(); };
    const bool spare =
        is_outbound(announcers_[0]) && std::ranges::count_if(announcers_, is_outbound) == 1;
    const auto victim = announcers_.begin() + (spare ? 1 : 0);
    ask_to_announce(context_.peers.at(*victim), false);
    announcers_.erase(victim);
}

void CompactRelay::transaction_dropped(const consensus::TransactionRef& tx) {
    if (tx->size_bytes > MAX_DROPPED_BYTES) return;
    dropped_.push_back(tx);
    if (dropped_.size() > MAX_DROPPED) dropped_.pop_front();
}

} // namespace cairn::node
