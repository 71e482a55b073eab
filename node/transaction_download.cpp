// SPDX-License-Identifier: MIT
#include "node/transaction_download.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

using consensus::Hash256;
using consensus::Txid;

namespace {

/// What is remembered of two that were refused together.
Hash256 hash_of_pair(
    const consensus::SealedTransaction& parent, const consensus::SealedTransaction& child) {
    consensus::Bytes both(parent.wtxid.bytes.begin(), parent.wtxid.bytes.end());
    both.insert(both.end(), child.wtxid.bytes.begin(), child.wtxid.bytes.end());
    return consensus::sha256(both);
}

size_t bytes_of(const AcceptTransaction& action) {
    return action.tx->size_bytes + (action.parent ? action.parent->size_bytes : 0);
}

/// What is wrong with a transaction that can't be read, in the reference's words. Source: BIP-0144,
/// of whose flags there is only one.
std::string_view fault_of(Bytes payload) {
    constexpr std::string_view ENDS = Context::CUT_SHORT;
    if (payload.size() < 6 || payload[4] != 0) return ENDS;
    const uint8_t flags = payload[5];
    payload.erase(payload.begin() + 4, payload.begin() + 6);
    consensus::Transaction tx;
    consensus::Reader reader(payload);
    reader(tx.version, tx.inputs, tx.outputs);
    if ((flags & 1) != 0)
        for (consensus::TxIn& input : tx.inputs) reader(input.witness);
    if (reader.failed()) return ENDS;
    if ((flags & 1) != 0 && !tx.has_witness()) return "Superfluous witness record";
    return flags > 1 ? "Unknown transaction optional data" : ENDS;
}

} // namespace

TransactionDownload::TransactionDownload(
    Context& context, std::function<void(const consensus::TransactionRef&)> relay)
    : context_(context),
      relay_(std::move(relay)),
      requests_(context.random, {context.random.next(), context.random.next()}),
      orphanage_({context.random.next(), context.random.next()}),
      rejected_(MAX_REMEMBERED, {context.random.next(), context.random.next()}),
      too_cheap_(MAX_REMEMBERED, {context.random.next(), context.random.next()}),
      confirmed_(MAX_REMEMBERED, {context.random.next(), context.random.next()}) {}

bool TransactionDownload::have(const Inventory& item) const {
    if (rejected_.contains(item.hash) || confirmed_.contains(item.hash)) return true;
    if (at_chain_.contains(item.hash)) return true;
    if (item.type == InventoryType::WtxidTransaction && orphanage_.contains(item.hash)) return true;
    return context_.chain.find_transaction(item).has_value();
}

bool TransactionDownload::refuses_transactions(const Peer& peer) const {
    return !peer.carries_transactions() ||
           (context_.options.blocks_only && !peer.permits(PERMIT_RELAY));
}

void TransactionDownload::announced(Peer& peer, const Inventory& item) {
    const bool is_wtxid = item.type == InventoryType::WtxidTransaction;
    if (peer.wtxid_relay != is_wtxid) return; // not what was agreed: either id alone is a riddle
    if (refuses_transactions(peer))
        return context_.drop(
            peer, fmt::format(
                      "transaction ({}) inv sent in violation of protocol", item.hash.to_string()));
    const bool is_new = !peer.known_transactions.contains(item.hash);
    peer.known_transactions.insert(item.hash);
    const Orphanage::Orphan* orphan = is_wtxid ? orphanage_.find(item.hash) : nullptr;
    // Once a peer: its parents may be many to look up.
    if (orphan != nullptr && is_new) keep_orphan(orphan->tx, {peer.id});
    if (context_.chain.initial_download() || too_cheap_.contains(item.hash) || have(item)) return;
    request(peer, item.hash, is_wtxid);
}

void TransactionDownload::request(
    Peer& peer, const Hash256& hash, bool is_wtxid, std::chrono::seconds delay) {
    TransactionRequests::Announcement announcement{
        hash, is_wtxid, !peer.inbound(), context_.now + delay};
    if (peer.transactions.silent || (peer.inbound() && !peer.permits(PERMIT_NOBAN)))
        announcement.ready_at += NOT_PREFERRED_DELAY;
    const bool others_tell_more = std::ranges::any_of(
        context_.peers, [](const auto& entry) { return entry.second.wtxid_relay; });
    if (!is_wtxid && others_tell_more) announcement.ready_at += TXID_DELAY;
    requests_.add(peer, announcement);
}

void TransactionDownload::transaction(Peer& peer, const Bytes& payload) {
    if (refuses_transactions(peer))
        return context_.drop(peer, "transaction sent in violation of protocol");
    auto sealed = std::make_shared<consensus::SealedTransaction>();
    consensus::Reader reader(payload);
    sealed->read(reader);
    if (reader.failed()) return Context::malformed(peer, "tx", payload.size(), fault_of(payload));
    const consensus::TransactionRef tx = std::move(sealed);
    peer.known_transactions.insert(peer.wtxid_relay ? Hash256(tx->wtxid) : Hash256(tx->txid));
    requests_.received(peer.id, *tx, context_.peers);
    if (context_.chain.initial_download()) return;
    if (too_cheap_.contains(tx->wtxid)) return accept_with_child(peer.id, tx);
    if (have({InventoryType::WtxidTransaction, tx->wtxid}))
        relay_again(peer, tx);
    else
        accept(peer.id, tx);
}

/// What we have already is announced anew if one sends it whom the operator permits that.
void TransactionDownload::relay_again(const Peer& peer, const consensus::TransactionRef& tx) const {
    if (!peer.permits(PERMIT_FORCE_RELAY)) return;
    const bool waits =
        context_.chain.find_transaction({InventoryType::WtxidTransaction, tx->wtxid}).has_value();
    spdlog::debug(
        "{} {} (wtxid={}) from {}peer={}",
        waits ? "Force relaying tx" : "Not relaying non-mempool transaction", tx->txid.to_string(),
        tx->wtxid.to_string(), waits ? "" : "forcerelay ", peer.id);
    if (waits) relay_(tx);
}

void TransactionDownload::accept(
    PeerId id, const consensus::TransactionRef& tx, const consensus::TransactionRef& parent) {
    // The chain would say so, too, but it might wait there for long.
    if (tx->weight() > context_.options.max_transaction_weight) {
        spdlog::debug(
            "{} (wtxid={}) from peer={} was not accepted: tx-size", tx->txid.to_string(),
            tx->wtxid.to_string(), id);
        return rejected_.insert(tx->wtxid);
    }
    AcceptTransaction action{id, tx, parent};
    at_chain_.insert(tx->wtxid);
    if (Peer* peer = context_.find(id)) {
        ++peer->transactions_processing;
        peer->transaction_bytes += bytes_of(action);
    }
    context_.out.emplace_back(std::move(action));
}

/// `parent`, which `sender` sent, pays too little: try it with an orphan that spends from it, of
/// the same peer if there is one, then the newest. That stays where it is until it was taken: it
/// may be `parent` that is to blame.
void TransactionDownload::accept_with_child(
    PeerId sender, const consensus::TransactionRef& parent) {
    const std::tuple tried(parent->txid, parent->wtxid, sender);
    if (exhausted_.contains(tried)) return;
    std::vector<const Orphanage::Orphan*> children = orphanage_.children(parent->txid);
    if (children.empty()) return;
    const auto count = static_cast<ptrdiff_t>(std::min(children.size(), MAX_CHILDREN_TRIED));
    const auto end = children.begin() + count;
    const auto rank = [&](const auto* child) {
        return std::pair(child->is_of(sender), child->expires);
    };
    std::ranges::partial_sort(children, end, std::ranges::greater(), rank);
    const auto best = std::find_if(children.begin(), end, [&](const auto* child) {
        return !rejected_.contains(hash_of_pair(*parent, *child->tx));
    });
    if (best != end) return accept(sender, (*best)->tx, parent);
    if (exhausted_.size() >= MAX_EXHAUSTED) exhausted_.clear();
    exhausted_.insert(tried);
}

void TransactionDownload::not_found(Peer& peer, const InventoryMessage& message) {
    for (const Inventory& item : message.items)
        if (item.is_transaction()) requests_.refused(peer.id, item.hash, context_.peers);
}

void TransactionDownload::transaction_done(
    const AcceptTransaction& asked, const consensus::Result<chain::Accepted>& outcome) {
    const auto& [id, tx, parent] = asked;
    at_chain_.erase(at_chain_.find(tx->wtxid));
    Peer* peer = context_.find(id);
    if (peer != nullptr) {
        --peer->transactions_processing;
        peer->transaction_bytes -= bytes_of(asked);
    }
    if (outcome) { // transaction_added() does the rest
        if (peer != nullptr) peer->transactions.last_at = context_.now_seconds();
        return;
    }
    using Kind = consensus::Reject::Kind;
    const consensus::Reject& reject = outcome.error();
    spdlog::debug(
        "{} (wtxid={}) from peer={} was not accepted: {}", tx->txid.to_string(),
        tx->wtxid.to_string(), id, reject.reason);
    if (reject.kind == Kind::Known) return;
    if (reject.kind == Kind::Busy) { // nobody has looked at it: nothing is known of it
        const consensus::SealedTransaction& first = parent ? *parent : *tx;
        for (const PeerId from : peers_with(first)) {
            Peer& again = context_.peers.at(from);
            request(
                again, again.named(first.txid, first.wtxid).hash, again.wtxid_relay, BUSY_DELAY);
        }
        return;
    }
    if (parent) return rejected_.insert(hash_of_pair(*parent, *tx));
    if (reject.kind == Kind::MissingInputs) {
        return keep_orphan(tx, peers_with(*tx));
    }
    if (chain::pays_too_little(reject)) {
        too_cheap_.insert(tx->wtxid);
        return accept_with_child(id, tx);
    }
    // A witness that was spoilt or lost on the way must not keep the transaction itself out: so
    // what has one is remembered by its wtxid only, and what lacks one not at all.
    if (reject.kind != Kind::Mutated) rejected_.insert(tx->wtxid);
    // Of these no other witness would help.
    if (reject.reason == "bad-txns-nonstandard-inputs") rejected_.insert(tx->txid);
}

/// Those who sent `tx` or announced it, as far as that is remembered.
std::vector<PeerId> TransactionDownload::peers_with(const consensus::SealedTransaction& tx) const {
    std::vector<PeerId> ids;
    for (const auto& [id, peer] : context_.peers)
        if (!peer.dropped && peer.known_transactions.contains(peer.named(tx.txid, tx.wtxid).hash))
            ids.push_back(id);
    return ids;
}

/// Keep `tx` until its parents are here, for which `announcers` are asked: any of them has them.
void TransactionDownload::keep_orphan(
    const consensus::TransactionRef& tx, const std::vector<PeerId>& announcers) {
    std::vector<Hash256> missing;
    std::set<Txid> cheap; // of which it can pay for one only
    for (const consensus::TxIn& input : tx->inputs) {
        const Txid& parent = input.prevout.txid;
        for (auto tried = exhausted_.lower_bound({parent, {}, {}});
             tried != exhausted_.end() && std::get<Txid>(*tried) == parent;)
            tried = exhausted_.erase(tried);
        if (too_cheap_.contains(parent)) cheap.insert(parent);
        if (rejected_.contains(parent) || cheap.size() > 1) {
            spdlog::debug(
                "not keeping orphan with rejected parents {} (wtxid={})", tx->txid.to_string(),
                tx->wtxid.to_string());
            rejected_.insert(tx->wtxid);
            rejected_.insert(tx->txid); // no witness would help
            return;
        }
        // An orphan without a witness is known by its txid, too.
        if (!have({InventoryType::WitnessTransaction, parent}) && !orphanage_.contains(parent))
            missing.push_back(parent);
    }
    for (const PeerId id : announcers) {
        if (!orphanage_.add(tx, id, context_.now)) return rejected_.insert(tx->wtxid);
        // No sooner than what it announces: when we ask tells whether we had a parent.
        for (const Hash256& parent : missing) request(context_.peers.at(id), parent, false);
    }
}

void TransactionDownload::transaction_added(const consensus::TransactionRef& tx) {
    requests_.forget(*tx, context_.peers);
    orphanage_.erase(tx->wtxid);
    accept_children(tx->txid);
}

void TransactionDownload::accept_children(const Txid& parent) {
    for (const Orphanage::Orphan* child : orphanage_.children(parent)) {
        const auto [tx, announcers, expires] = *child;
        orphanage_.erase(tx->wtxid);
        accept(announcers.front(), tx);
    }
}

void TransactionDownload::tip_changed(const chain::TipChange& change) {
    rejected_.clear(); // what was too early may now be in time
    too_cheap_.clear();
    exhausted_.clear();
    if (!change.disconnected.empty()) confirmed_.clear();
    for (const chain::BlockChange& connected : change.connected) {
        if (connected.block == nullptr || change.initial_download) continue;
        for (const consensus::SealedTransaction& tx : connected.block->transactions) {
            confirmed_.insert(tx.txid);
            confirmed_.insert(tx.wtxid);
            requests_.forget(tx, context_.peers);
        }
        orphanage_.erase_for_block(*connected.block);
        for (const consensus::SealedTransaction& tx : connected.block->transactions)
            accept_children(tx.txid);
    }
}

void TransactionDownload::disconnected(Peer& peer) {
    requests_.disconnected(peer, context_.peers);
    orphanage_.disconnected(peer.id);
}

void TransactionDownload::tick() {
    std::map<PeerId, InventoryMessage> messages;
    for (const TransactionRequests::Request& request :
         requests_.take_due(context_.peers, context_.now)) {
        // What was announced before the verdict, by others who hadn't sent it, is known by now.
        if (have(request.item))
            requests_.refused(request.peer, request.item.hash, context_.peers);
        else
            messages[request.peer].items.push_back(request.item);
    }
    for (const auto& [id, message] : messages)
        if (Peer* peer = context_.find(id)) context_.send(*peer, "getdata", message);
}

} // namespace cairn::node
