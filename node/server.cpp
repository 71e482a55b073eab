// SPDX-License-Identifier: MIT
#include "node/server.h"

#include <spdlog/spdlog.h>

namespace cairn::node {

using chain::BlockNode;
using consensus::BlockHash;
using consensus::Height;

namespace {

/// In Core's words.
std::string name_of(const Inventory& item) {
    const bool is_wtxid = item.type == InventoryType::WtxidTransaction;
    const bool is_compact = item.type == InventoryType::CompactBlock;
    const std::string_view type = item.is_transaction() ? (is_wtxid ? "wtx" : "tx")
                                  : is_compact          ? "cmpctblock"
                                                        : "block";
    return fmt::format("{} {}", type, item.hash.to_string());
}

} // namespace

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

/// Blocks beside the chain are given only if they were valid once and are recent, in height and
/// in time, lest they tell what this node has seen. Core: BlockRequestAllowed.
bool Server::may_be_had(const BlockNode& node) const {
    const chain::View view = context_.chain.view();
    if (view.contains(node) || (&node == context_.unvalidated && !node.failed())) return true;
    const int64_t age = int64_t{view.tip().header.time} - node.header.time;
    return node.has(BlockNode::VALID_SCRIPTS) && age < MAX_STALE_SECONDS &&
           view.height() - node.height < MAX_STALE_BLOCKS;
}

void Server::get_headers(Peer& peer, const LocatorMessage& message) {
    if (message.locator.size() > MAX_LOCATOR_HASHES)
        return context_.drop(
            peer, fmt::format("getheaders locator size {}", message.locator.size()));
    const chain::View view = context_.chain.view();
    HeadersMessage answer;
    // A chain of too little work is none to lead others along.
    if (view.tip().work < context_.chain.minimum_chain_work() && !peer.permits(PERMIT_DOWNLOAD))
        return context_.send(peer, "headers", answer);
    const BlockNode* next = nullptr;
    if (message.locator.empty()) {
        next = context_.chain.find_block(message.stop);
        if (next == nullptr || !may_be_had(*next)) return;
    } else {
        next = view.at(fork_point(message.locator)->height + 1);
    }
    const BlockNode* last = nullptr;
    for (; next != nullptr && answer.headers.size() < MAX_HEADERS;
         next = view.at(last->height + 1)) {
        last = next;
        answer.headers.push_back(next->header);
        if (next->hash == message.stop) break;
    }
    peer.headers.best_sent = last != nullptr ? last : &view.tip();
    context_.send(peer, "headers", answer);
}

void Server::get_blocks(Peer& peer, const LocatorMessage& message) {
    if (message.locator.size() > MAX_LOCATOR_HASHES)
        return context_.drop(
            peer, fmt::format("getblocks locator size {}", message.locator.size()));
    const chain::View view = context_.chain.view();
    InventoryMessage answer;
    for (const BlockNode* next = view.at(fork_point(message.locator)->height + 1);
         next != nullptr && next->hash != message.stop && !next->pruned();
         next = view.at(next->height + 1)) {
        answer.items.push_back({InventoryType::Block, next->hash});
        if (answer.items.size() == MAX_GETBLOCKS_HASHES) {
            peer.server.continue_at = next->hash;
            break;
        }
    }
    if (!answer.items.empty()) context_.send(peer, "inv", answer);
}

void Server::get_data(Peer& peer, const InventoryMessage& message) {
    if (message.items.size() > MAX_INVENTORY)
        return context_.misbehaving(
            peer, fmt::format("getdata message size = {}", message.items.size()));
    if (!message.items.empty())
        spdlog::debug("received getdata for: {} peer={}", name_of(message.items.front()), peer.id);
    peer.server.wanted.assign(message.items.begin(), message.items.end());
    advance(peer);
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
        if (state.not_found.size() == MAX_NOT_FOUND) send_not_found(peer);
    }
    if (state.wanted.empty() && !state.reading && !state.not_found.empty()) send_not_found(peer);
}

void Server::send_not_found(Peer& peer) {
    const InventoryMessage message{std::exchange(peer.server.not_found, {})};
    if (peer.version >= NOT_FOUND_VERSION) context_.send(peer, "notfound", message);
}

/// What `peer` may have: what waited before its last announcement round, or is in the newest block.
consensus::TransactionRef Server::find_transaction(const Peer& peer, const Inventory& item) const {
    const auto waiting = context_.chain.find_transaction(item);
    // Asking for it may not tell when, thus from whom, we got a transaction.
    if (waiting && waiting->sequence <= peer.announcements.shown_sequence) return waiting->tx;
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
    Message message{"tx", {}};
    consensus::Writer writer(message.payload);
    if (item.type == InventoryType::Transaction)
        tx->write_without_witness(writer);
    else
        tx->write(writer);
    context_.send(peer, std::move(message));
    served_(tx->txid);
}

/// The block of `hash` if `peer` may have it and it is here, else null.
const BlockNode* Server::find_servable(Peer& peer, const BlockHash& hash) const {
    const BlockNode* node = context_.chain.find_block(hash);
    if (node == nullptr || !may_be_had(*node)) return nullptr;
    // What a pruned node has beyond its promise would tell it apart from others.
    const Height depth = context_.chain.view().height() - node->height;
    if ((context_.options.services & NODE_NETWORK) == 0 && !peer.permits(PERMIT_NOBAN) &&
        depth.value > chain::Chain::KEPT_BLOCKS + 2) {
        context_.drop(peer, "Ignore block request below NODE_NETWORK_LIMITED threshold");
        return nullptr;
    }
    const int64_t age = int64_t{context_.chain.best_header().header.time} - node->header.time;
    if (age > UploadLimit::OLD_SECONDS && !peer.permits(PERMIT_DOWNLOAD) &&
        context_.uploads.refuses_old(context_.now, context_.chain.params())) {
        context_.drop(peer, "historical block serving limit reached");
        return nullptr;
    }
    return node->has(BlockNode::HAVE_BODY) ? node : nullptr;
}

void Server::serve_block(Peer& peer, const Inventory& item) {
    const BlockNode* node = find_servable(peer, BlockHash(item.hash));
    if (node == nullptr) return;
    auto kind = DiskRead::Kind::Block;
    if (item.type == InventoryType::Block)
        kind = DiskRead::Kind::StrippedBlock;
    else if (
        item.type == InventoryType::CompactBlock &&
        context_.chain.view().height() - node->height <= COMPACT_DEPTH)
        kind = DiskRead::Kind::CompactBlock;
    peer.server.reading = true;
    context_.out.emplace_back(DiskRead{peer.id, kind, node, {}, context_.random.next()});
}

void Server::get_block_transactions(Peer& peer, const GetBlockTransactionsMessage& message) {
    if (message.indexes.empty()) return context_.misbehaving(peer, "getblocktxn without indexes");
    const BlockNode* node = find_servable(peer, message.block);
    if (node == nullptr) return;
    if (message.indexes.back() >= node->tx_count)
        return context_.misbehaving(peer, "getblocktxn with out-of-bounds tx indices");
    const bool whole = context_.chain.view().height() - node->height > BLOCK_TRANSACTIONS_DEPTH;
    const auto kind = whole ? DiskRead::Kind::Block : DiskRead::Kind::BlockTransactions;
    peer.server.reads.push_back({peer.id, kind, node, {}, 0, message.indexes});
    advance(peer);
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
            context_.send(peer, "inv", InventoryMessage{{tip}});
        }
    } else {
        peer.server.reads.clear(); // of filters, which are not indexed yet: no answer has a hole
    }
    advance(peer);
}

void Server::mempool(Peer& peer) {
    if (!peer.permits(PERMIT_MEMPOOL)) {
        if (!peer.permits(PERMIT_NOBAN))
            context_.drop(peer, "mempool request with bloom filters disabled");
        return;
    }
    peer.announcements.shown_sequence = context_.chain.mempool_sequence();
    InventoryMessage message;
    for (const WaitingTransaction& waiting : context_.chain.waiting_transactions()) {
        if (waiting.feerate.per_kvb.value < peer.announcements.fee_filter) continue;
        message.items.push_back(peer.named(waiting.tx->txid, waiting.tx->wtxid));
        peer.known_transactions.insert(message.items.back().hash);
        if (message.items.size() == MAX_INVENTORY) break;
    }
    if (!message.items.empty()) context_.send(peer, "inv", message);
}

/// The last block of a request for filters; null, and the peer is gone, if it asks wrongly.
const BlockNode*
Server::filter_stop(Peer& peer, const FilterRangeMessage& range, int64_t max_count) {
    const BlockNode* node = context_.chain.find_block(range.stop);
    const int64_t height = node != nullptr ? node->height.value : 0;
    std::string mistake;
    if ((context_.options.services & NODE_COMPACT_FILTERS) == 0 || range.type != BASIC_FILTER)
        mistake = fmt::format("requested unsupported block filter type: {}", range.type);
    else if (node == nullptr || !may_be_had(*node))
        mistake = "requested invalid block hash: " + range.stop.to_string();
    else if (range.start_height > height)
        mistake = fmt::format(
            "sent invalid getcfilters/getcfheaders with start height {} and stop height {}",
            range.start_height, height);
    else if (height - range.start_height >= max_count)
        mistake = fmt::format(
            "requested too many cfilters/cfheaders: {} / {}", height - range.start_height + 1,
            max_count);
    if (mistake.empty()) return node;
    context_.drop(peer, std::move(mistake)); // it may just know of another tip: no offence
    return nullptr;
}

void Server::get_filters(Peer& peer, const FilterRangeMessage& message) {
    const BlockNode* stop = filter_stop(peer, message, MAX_FILTERS);
    if (stop == nullptr) return;
    for (Height at = static_cast<int32_t>(message.start_height); at <= stop->height; ++at)
        peer.server.reads.push_back({peer.id, DiskRead::Kind::Filter, stop->ancestor_node(at), {}});
    advance(peer);
}

void Server::get_filter_headers(Peer& peer, const FilterRangeMessage& message) {
    const BlockNode* stop = filter_stop(peer, message, MAX_FILTER_HEADERS);
    if (stop == nullptr) return;
    const Height start = static_cast<int32_t>(message.start_height);
    peer.server.reads.push_back({peer.id, DiskRead::Kind::FilterHeaders, stop, start});
    advance(peer);
}

void Server::get_filter_checkpoints(Peer& peer, const GetFilterCheckpointsMessage& message) {
    const BlockNode* stop = filter_stop(peer, {message.type, 0, message.stop}, INT32_MAX);
    if (stop == nullptr) return;
    peer.server.reads.push_back({peer.id, DiskRead::Kind::FilterCheckpoints, stop, {}});
    advance(peer);
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
