// SPDX-License-Identifier: MIT
#include "node/server.h"

#include "node/block_messages.h"
#include "node/filter_messages.h"
#include "node/handshake_messages.h"

#include <spdlog/spdlog.h>

namespace cairn::node {

using chain::BlockNode;
using consensus::BlockHash;
using consensus::Hash256;
using consensus::Height;

/// The first hash of `locator` that is on our chain, else genesis.
const BlockNode* Server::fork_point(const std::vector<BlockHash>& locator) const {
    const chain::View view = context_.chain.view();
    for (const BlockHash& hash : locator) {
        const BlockNode* node = context_.chain.find_block(hash);
        if (node == nullptr) continue;
        if (view.contains(*node)) return node;
        if (node->descends_from(view.tip())) return &view.tip();
    }
    return view.at(0);
}

Outcome<> Server::get_headers(Peer& peer, ByteView payload) {
    const auto message = parse<LocatorMessage>(payload);
    if (!message) return malformed(peer, "getheaders");
    if (message->locator.size() > MAX_LOCATOR_HASHES) {
        context_.drop(peer, fmt::format("getheaders locator size {}", message->locator.size()));
        return done();
    }
    const chain::View view = context_.chain.view();
    HeadersMessage answer;
    // A chain of too little work is none to lead others along.
    if (view.tip().work < context_.chain.minimum_chain_work()) {
        context_.send(peer, message_of(answer));
        return done();
    }
    const BlockNode* next = nullptr;
    if (message->locator.empty()) {
        next = context_.chain.find_block(message->stop);
        if (next == nullptr || !view.contains(*next)) return done();
    } else {
        next = view.at(fork_point(message->locator)->height + 1);
    }
    const BlockNode* last = nullptr;
    for (; next != nullptr && answer.headers.size() < MAX_HEADERS;
         next = view.at(last->height + 1)) {
        last = next;
        answer.headers.push_back(next->header);
        if (next->hash == message->stop) break;
    }
    peer.headers.best_sent = last != nullptr ? last : &view.tip();
    context_.send(peer, message_of(answer));
    return done();
}

Outcome<> Server::get_blocks(Peer& peer, ByteView payload) {
    const auto message = parse<LocatorMessage>(payload);
    if (!message) return malformed(peer, "getblocks");
    if (message->locator.size() > MAX_LOCATOR_HASHES) {
        context_.drop(peer, fmt::format("getblocks locator size {}", message->locator.size()));
        return done();
    }
    const chain::View view = context_.chain.view();
    InventoryMessage answer;
    for (const BlockNode* next = view.at(fork_point(message->locator)->height + 1);
         next != nullptr && next->hash != message->stop; next = view.at(next->height + 1)) {
        answer.items.push_back({InventoryType::Block, next->hash});
        if (answer.items.size() == MAX_GETBLOCKS_HASHES) {
            peer.server.continue_at = next->hash;
            break;
        }
    }
    if (!answer.items.empty()) context_.send(peer, "inv", consensus::encode(answer));
    return done();
}

Outcome<> Server::get_data(Peer& peer, ByteView payload) {
    const auto message = parse<InventoryMessage>(payload);
    if (!message) return malformed(peer, "getdata");
    if (message->items.size() > MAX_INVENTORY)
        return Disconnect{fmt::format("getdata message size = {}", message->items.size())};
    peer.server.wanted.assign(message->items.begin(), message->items.end());
    advance(peer);
    return done();
}

void Server::advance(Peer& peer) {
    Peer::Serving& state = peer.server;
    while (!peer.dropped && !state.reading && peer.unsent_bytes < MAX_UNSENT_BYTES) {
        if (!state.reads.empty()) {
            state.reading = true;
            context_.out.emplace_back(state.reads.front());
            state.reads.pop_front();
            return;
        }
        if (state.wanted.empty()) break;
        const Inventory item = state.wanted.front();
        state.wanted.pop_front();
        if (item.is_transaction())
            serve_transaction(peer, item);
        else if (item.is_block())
            serve_block(peer, item);
    }
    if (!state.wanted.empty() || state.reading || state.not_found.empty()) return;
    context_.send(
        peer, "notfound", consensus::encode(InventoryMessage{std::exchange(state.not_found, {})}));
}

/// What `peer` may have: what waited before its last announcement round, or is in the newest block.
consensus::TransactionRef Server::find_transaction(const Peer& peer, const Inventory& item) const {
    const auto waiting = item.type == InventoryType::WtxidTransaction
                             ? context_.chain.find_transaction(consensus::Wtxid(item.hash))
                             : context_.chain.find_transaction(consensus::Txid(item.hash));
    // Asking for it may not tell when, thus from whom, we got a transaction.
    if (waiting && (waiting->sequence <= peer.announcements.shown_sequence ||
                    peer.known_transactions.contains(item.hash)))
        return waiting->tx;
    const auto recent = newest_index_.find(item.hash);
    if (recent == newest_index_.end()) return nullptr;
    return consensus::share_transaction(newest_, recent->second);
}

void Server::serve_transaction(Peer& peer, const Inventory& item) {
    const consensus::TransactionRef tx = find_transaction(peer, item);
    if (tx == nullptr) {
        peer.server.not_found.push_back(item);
        return;
    }
    Bytes payload;
    consensus::Writer writer(payload);
    if (item.type == InventoryType::Transaction)
        tx->write_without_witness(writer);
    else
        tx->write(writer);
    context_.send(peer, "tx", std::move(payload));
    served_(tx->txid);
}

void Server::serve_block(Peer& peer, const Inventory& item) {
    const BlockNode* node = context_.chain.find_block(BlockHash(item.hash));
    // Blocks beside the chain are given only if they were valid once and are recent, lest they
    // tell what this node has seen.
    const chain::View view = context_.chain.view();
    const bool on_chain = node != nullptr && view.contains(*node);
    const bool recent = node != nullptr && node->has(BlockNode::VALID_SCRIPTS) &&
                        view.height() - node->height < Height(4032);
    if (node == nullptr || !node->has(BlockNode::HAVE_BODY) || !(on_chain || recent)) return;
    peer.server.reading = true;
    const bool witness = item.type != InventoryType::Block;
    context_.out.emplace_back(DiskRead(ReadBlock{peer.id, node, witness}));
}

void Server::read_done(Peer& peer, std::optional<Message> answer) {
    peer.server.reading = false;
    if (answer) {
        const bool is_block = answer->command == "block";
        BlockHash hash;
        if (is_block) {
            consensus::Reader reader(answer->payload);
            hash = reader.read<consensus::BlockHeader>().hash();
        }
        context_.send(peer, std::move(*answer));
        // The last one of an answer to getblocks: tell of our tip, so that the peer asks for more.
        if (is_block && hash == peer.server.continue_at) {
            peer.server.continue_at = {};
            const Inventory tip{InventoryType::Block, context_.chain.view().tip().hash};
            context_.send(peer, "inv", consensus::encode(InventoryMessage{{tip}}));
        }
    }
    advance(peer);
}

Outcome<> Server::mempool(Peer& peer) {
    if (!peer.permits(PERMIT_MEMPOOL)) {
        context_.drop(peer, "mempool request with bloom filters disabled");
        return done();
    }
    InventoryMessage message;
    for (const WaitingTransaction& waiting : context_.chain.waiting_transactions()) {
        if (waiting.feerate.per_kvb.value < peer.announcements.fee_filter) continue;
        const Hash256 id =
            peer.wtxid_relay ? Hash256(waiting.tx->wtxid) : Hash256(waiting.tx->txid);
        peer.known_transactions.insert(id);
        message.items.push_back(
            {peer.wtxid_relay ? InventoryType::WtxidTransaction : InventoryType::Transaction, id});
        if (message.items.size() == MAX_INVENTORY) break;
    }
    if (!message.items.empty()) context_.send(peer, "inv", consensus::encode(message));
    return done();
}

/// The last block of a request for filters, if the request may be answered.
Outcome<const BlockNode*> Server::filter_stop(
    uint8_t type, const BlockHash& stop, std::optional<uint32_t> start, int32_t max_count) const {
    if (!context_.chain.serves_filters() || type != BASIC_FILTER)
        return Disconnect{fmt::format("requested unsupported block filter type: {}", type)};
    const BlockNode* node = context_.chain.find_block(stop);
    if (node == nullptr || !node->has(BlockNode::VALID_SCRIPTS))
        return Disconnect{"requested invalid block hash: " + stop.to_string()};
    if (!start) return node;
    const auto height = static_cast<int64_t>(node->height.value);
    if (*start > height) {
        return Disconnect{fmt::format(
            "sent invalid getcfilters/getcfheaders with start height {} and stop height {}", *start,
            height)};
    }
    if (height - *start >= max_count) {
        return Disconnect{fmt::format(
            "requested too many cfilters/cfheaders: {} / {}", height - *start + 1, max_count)};
    }
    return node;
}

Outcome<> Server::get_filters(Peer& peer, ByteView payload) {
    const auto message = parse<FilterRangeMessage>(payload);
    if (!message) return malformed(peer, "getcfilters");
    const auto stop = filter_stop(message->type, message->stop, message->start_height, MAX_FILTERS);
    if (!stop) return stop.error();
    for (auto height = static_cast<int32_t>(message->start_height); height <= (*stop)->height.value;
         ++height)
        peer.server.reads.emplace_back(ReadFilter{peer.id, (*stop)->ancestor_node(height)});
    advance(peer);
    return done();
}

Outcome<> Server::get_filter_headers(Peer& peer, ByteView payload) {
    const auto message = parse<FilterRangeMessage>(payload);
    if (!message) return malformed(peer, "getcfheaders");
    const auto stop =
        filter_stop(message->type, message->stop, message->start_height, MAX_FILTER_HEADERS);
    if (!stop) return stop.error();
    const Height start = static_cast<int32_t>(message->start_height);
    peer.server.reads.emplace_back(ReadFilterHeaders{peer.id, start, *stop});
    advance(peer);
    return done();
}

Outcome<> Server::get_filter_checkpoints(Peer& peer, ByteView payload) {
    const auto message = parse<GetFilterCheckpointsMessage>(payload);
    if (!message) return malformed(peer, GetFilterCheckpointsMessage::COMMAND);
    const auto stop = filter_stop(message->type, message->stop, std::nullopt, 0);
    if (!stop) return stop.error();
    peer.server.reads.emplace_back(ReadFilterCheckpoints{peer.id, *stop});
    advance(peer);
    return done();
}

void Server::tip_changed(const chain::TipChange& change) {
    if (change.connected.empty()) return;
    newest_index_.clear();
    newest_ = change.connected.back().block;
    if (newest_ == nullptr || change.initial_download) return;
    for (size_t i = 0; i < newest_->transactions.size(); ++i) {
        newest_index_.emplace(newest_->transactions[i].txid, i);
        newest_index_.emplace(newest_->transactions[i].wtxid, i);
    }
}

} // namespace cairn::node
