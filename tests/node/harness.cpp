// SPDX-License-Identifier: MIT
#include "harness.h"

#include "consensus/block_rules.h"
#include "consensus/pow.h"
#include "node/messages.h"

#include <algorithm>

namespace cairn::node::test {

using chain::BlockNode;
using consensus::BlockHash;
using consensus::TransactionRef;

namespace {

consensus::SealedTransaction coinbase(int64_t number) {
    consensus::Transaction tx;
    tx.inputs.resize(1);
    tx.inputs[0].prevout.index = consensus::OutPoint::NULL_INDEX;
    tx.inputs[0].script_sig.assign(consensus::encode(number));
    tx.outputs.push_back({consensus::Amount(number), {}});
    return consensus::SealedTransaction(std::move(tx));
}

} // namespace

// FakeChain /////////////////////////////////////////////////////////////////////////////////////

FakeChain::FakeChain() {
    params_.pow = consensus::FixedRule{60};
    params_.pow_limit = *consensus::target_of(0x207fffff);
    consensus::Block genesis;
    genesis.header.bits = 0x207fffff;
    genesis.header.time = 1'700'000'000;
    genesis.transactions.push_back(coinbase(0));
    params_.genesis = genesis;
    params_.genesis_hash = genesis.header.hash();
    auto node = std::make_unique<BlockNode>(genesis.header, params_.genesis_hash, nullptr);
    node->status = BlockNode::HAVE_BODY | BlockNode::VALID_SCRIPTS;
    tip_ = best_header_ = node.get();
    bodies_[params_.genesis_hash] = std::make_shared<consensus::Block>(genesis);
    nodes_[params_.genesis_hash] = std::move(node);
    coins_.insert(consensus::Txid());
}

BlockNode* FakeChain::find(const BlockHash& hash) const {
    const auto found = nodes_.find(hash);
    return found == nodes_.end() ? nullptr : found->second.get();
}

const BlockNode* FakeChain::find_block(const BlockHash& hash) const {
    return find(hash);
}

std::optional<WaitingTransaction> FakeChain::find_transaction(const Inventory& item) const {
    const bool by_wtxid = item.type == InventoryType::WtxidTransaction;
    for (const WaitingTransaction& waiting : pool_) {
        if (by_wtxid ? waiting.tx->wtxid == item.hash : waiting.tx->txid == item.hash)
            return waiting;
    }
    return std::nullopt;
}

chain::HeadersOutcome
FakeChain::accept_headers(const std::vector<consensus::BlockHeader>& headers) {
    chain::HeadersOutcome outcome{boost::system::in_place_value};
    for (const consensus::BlockHeader& header : headers) {
        const BlockHash hash = header.hash();
        BlockNode* node = find(hash);
        if (node == nullptr) {
            BlockNode* parent = find(header.prev_hash);
            if (parent == nullptr) {
                outcome.verdict =
                    consensus::Reject{consensus::Reject::Kind::MissingParent, "prev-blk-not-found"};
                return outcome;
            }
            if (header.version == BAD_HEADER) {
                outcome.verdict = consensus::invalid("high-hash");
                return outcome;
            }
            auto fresh = std::make_unique<BlockNode>(header, hash, parent);
            node = fresh.get();
            nodes_[hash] = std::move(fresh);
            ++outcome.new_count;
        }
        outcome.last = node;
        if (node->work > best_header_->work && !node->failed()) best_header_ = node;
    }
    return outcome;
}

chain::BlockOutcome
FakeChain::accept_block(const consensus::BlockRef& block, std::optional<chain::TipChange>& change) {
    const chain::HeadersOutcome header = accept_headers({block->header});
    chain::BlockOutcome outcome{header.verdict, header.last};
    if (!header.verdict) return outcome;
    BlockNode& node = *find(block->header.hash());
    outcome.known = node.has(BlockNode::HAVE_BODY);
    if (consensus::is_mutated(*block, true)) {
        outcome.verdict = consensus::mutated("bad-witness-merkle-match");
        return outcome;
    }
    if (block->header.version == BAD_BLOCK) {
        node.status |= BlockNode::FAILED;
        best_header_ = tip_;
        outcome.verdict = consensus::invalid("bad-cb-amount");
        return outcome;
    }
    node.status |= BlockNode::HAVE_BODY;
    node.tx_count = static_cast<uint32_t>(block->transactions.size());
    bodies_[node.hash] = block;
    // The best node whose bodies are all here becomes the tip.
    BlockNode* best = tip_;
    for (const auto& [hash, candidate] : nodes_) {
        const BlockNode* walk = candidate.get();
        if (candidate->work <= best->work) continue;
        while (walk != nullptr && walk->has(BlockNode::HAVE_BODY)) walk = walk->parent_node();
        if (walk == nullptr) best = candidate.get();
    }
    if (best != tip_) change = move_tip(*best);
    outcome.on_active_chain = view().contains(node);
    return outcome;
}

chain::TipChange FakeChain::move_tip(BlockNode& to) {
    chain::TipChange change{tip_, &to, {}, {}, initial_download_};
    const auto* fork = static_cast<const BlockNode*>(consensus::last_common_ancestor(tip_, &to));
    for (const BlockNode* node = tip_; node != fork; node = node->parent_node())
        change.disconnected.push_back({node, bodies_.at(node->hash)});
    for (const BlockNode* node = &to; node != fork; node = node->parent_node()) {
        change.connected.push_back({node, bodies_.at(node->hash)});
        find(node->hash)->status |= BlockNode::VALID_SCRIPTS;
    }
    std::reverse(change.connected.begin(), change.connected.end());
    tip_ = &to;
    if (tip_->work > best_header_->work) best_header_ = tip_;
    return change;
}

consensus::Block FakeChain::next_block(uint32_t salt, int32_t version) const {
    consensus::Block block;
    block.header = tip_->header;
    block.header.version = version;
    block.header.prev_hash = tip_->hash;
    block.header.time += 60;
    block.header.nonce = salt << 8;
    block.transactions.push_back(coinbase(tip_->height.value + 1 + int64_t{salt} * 1'000'000));
    block.header.merkle_root = consensus::merkle_root(block);
    work(block.header);
    return block;
}

void FakeChain::mine(int count, uint32_t salt, int32_t version) {
    for (int i = 0; i < count; ++i) {
        std::optional<chain::TipChange> change;
        accept_block(std::make_shared<consensus::Block>(next_block(salt, version)), change);
    }
}

consensus::Result<chain::Accepted>
FakeChain::accept_transaction(const TransactionRef& tx, bool paid_for) {
    if (busy_) return consensus::Reject{consensus::Reject::Kind::Busy, "busy"};
    if (find_transaction({InventoryType::WtxidTransaction, tx->wtxid}))
        return consensus::Reject{consensus::Reject::Kind::Known, "txn-already-in-mempool"};
    for (const consensus::TxIn& input : tx->inputs) {
        if (!coins_.contains(input.prevout.txid))
            return consensus::missing_inputs("bad-txns-inputs-missingorspent");
    }
    if (tx->outputs.empty()) return consensus::invalid("bad-txns-vout-empty");
    if (tx->outputs[0].value < 0) return consensus::invalid("bad-txns-vout-negative");
    if (tx->outputs[0].value == TOO_CHEAP && !paid_for)
        return consensus::policy("min relay fee not met");
    constexpr std::string_view STRIPPED_REASON = "Witness program was passed an empty witness";
    if (tx->outputs[0].value == STRIPPED)
        return tx->inputs[0].witness.empty() ? consensus::mutated(STRIPPED_REASON)
                                             : consensus::invalid(STRIPPED_REASON);
    if (!tx->inputs[0].witness.empty())
        return consensus::invalid("mandatory-script-verify-flag-failed");
    coins_.insert(tx->txid);
    pool_.push_back({tx, {1000}, ++sequence_});
    return chain::Accepted{};
}

TransactionRef make_payment(const consensus::Txid& parent, int64_t value) {
    consensus::Transaction tx;
    tx.inputs.resize(1);
    tx.inputs[0].prevout.txid = parent;
    tx.outputs.push_back({consensus::Amount(value), {}});
    return consensus::make_transaction(std::move(tx));
}

TransactionRef spoilt(const TransactionRef& tx) {
    consensus::Transaction copy = *tx;
    copy.inputs[0].witness.push_back(Bytes{1});
    return consensus::make_transaction(std::move(copy));
}

void work(consensus::BlockHeader& header) {
    const auto limit = consensus::target_of(header.bits).value();
    while (!consensus::meets_target(header.hash(), header.bits, limit)) ++header.nonce;
}

consensus::Block
block_with(const FakeChain& chain, const std::vector<consensus::TransactionRef>& transactions) {
    consensus::Block block = chain.next_block();
    for (const consensus::TransactionRef& tx : transactions) block.transactions.push_back(*tx);
    block.header.merkle_root = consensus::merkle_root(block);
    work(block.header);
    return block;
}

// TestNet ///////////////////////////////////////////////////////////////////////////////////////

Bytes headers_payload(const std::vector<consensus::BlockHeader>& headers) {
    return consensus::encode(HeadersMessage{headers});
}

std::vector<consensus::BlockHeader> headers_of(const FakeChain& chain, int32_t first) {
    std::vector<consensus::BlockHeader> headers;
    for (int32_t at = first; at <= chain.height(); ++at)
        headers.push_back(chain.view().at(at)->header);
    return headers;
}

std::vector<Inventory> asked(const std::vector<Message>& messages) {
    std::vector<Inventory> items;
    for (const Message& message : messages) {
        if (message.command != "getdata") continue;
        const auto content = parse<InventoryMessage>(message.payload);
        items.insert(items.end(), content->items.begin(), content->items.end());
    }
    return items;
}

TestNode::TestNode(uint64_t seed, const ProtocolOptions& options)
    : protocol(chain, book, options, Random(seed, seed + 1)) {}

TestNet::TestNet() : now(std::chrono::seconds(1'700'100'000)) {}

TestNode& TestNet::add(const ProtocolOptions& options) {
    ProtocolOptions full = options;
    if (full.services == 0) full.services = NODE_NETWORK | NODE_WITNESS | NODE_COMPACT_FILTERS;
    nodes_.push_back(std::make_unique<TestNode>(nodes_.size() + 1, full));
    return *nodes_.back();
}

void TestNet::connect(TestNode& from, TestNode& to) {
    const End caller{&from, next_id_++};
    const End called{&to, next_id_++};
    links_[caller] = called;
    links_[called] = caller;
    perform(to, to.protocol.connected({called.peer, ConnectionType::Inbound, {}, 0}, now));
    perform(
        from,
        from.protocol.connected({caller.peer, ConnectionType::OutboundFullRelay, {}, 0}, now));
    settle();
}

PeerId TestNet::connect_stub(
    TestNode& node,
    ConnectionType type,
    uint32_t permissions,
    bool handshake,
    const NetAddress& address) {
    const PeerId id = next_id_++;
    stubs_[{&node, id}];
    perform(node, node.protocol.connected({id, type, address, permissions}, now));
    if (!handshake) return id;
    VersionMessage version;
    version.version = stub_version;
    version.services = stub_services;
    version.nonce = 0x5eed;
    version.user_agent = "/stub/";
    say(node, id, "version", consensus::encode(version));
    say(node, id, "wtxidrelay");
    say(node, id, "sendaddrv2");
    say(node, id, "verack");
    settle();
    return id;
}

void TestNet::say(TestNode& node, PeerId stub, const std::string& command, Bytes payload) {
    deliveries_.push_back({{&node, stub}, {command, std::move(payload)}});
    settle();
}

std::vector<Message> TestNet::heard(TestNode& node, PeerId stub) {
    settle();
    return std::exchange(stubs_[{&node, stub}], {});
}

std::vector<Message> TestNet::heard(TestNode& node, PeerId stub, const std::string& command) {
    std::vector<Message> messages = heard(node, stub);
    std::erase_if(messages, [&](const Message& message) { return message.command != command; });
    return messages;
}

bool TestNet::is_connected(TestNode& node, PeerId stub) {
    return node.protocol.peers().contains(stub);
}

void TestNet::disconnect(TestNode& node, PeerId peer) {
    act_one(node, Drop{peer, "test"});
}

void TestNet::settle() {
    size_t blocked = 0;
    while (!deliveries_.empty() && blocked < deliveries_.size()) {
        Delivery delivery = std::move(deliveries_.front());
        deliveries_.pop_front();
        TestNode& node = *delivery.to.node;
        if (!node.protocol.peers().contains(delivery.to.peer)) continue;
        // Messages of one peer keep their order: one that must wait holds those behind it, too.
        if (!node.protocol.takes_messages(delivery.to.peer)) {
            deliveries_.push_back(std::move(delivery));
            ++blocked;
            continue;
        }
        blocked = 0;
        perform(node, node.protocol.received(delivery.to.peer, std::move(delivery.message), now));
    }
}

void TestNet::advance(std::chrono::milliseconds time) {
    const Time end = now + time;
    while (now < end) {
        now += std::chrono::milliseconds(100);
        for (const auto& node : nodes_) perform(*node, node->protocol.tick(now));
        settle();
    }
}

void TestNet::mine(TestNode& node, int count, uint32_t salt) {
    for (int i = 0; i < count; ++i) {
        std::optional<chain::TipChange> change;
        const auto block = std::make_shared<consensus::Block>(node.chain.next_block(salt));
        node.chain.accept_block(block, change);
        if (change) tell(node, *change);
    }
    settle();
}

void TestNet::submit(TestNode& node, const TransactionRef& tx, bool ours) {
    if (node.chain.accept_transaction(tx)) {
        if (ours) node.protocol.transaction_unsent(tx, now);
        perform(node, node.protocol.transaction_added(tx, now));
    }
    settle();
}

void TestNet::perform(TestNode& node, const Actions& actions) {
    for (const Action& action : actions) act(node, action);
}

void TestNet::act(TestNode& node, const Action& action) {
    if (intercept && intercept(node, action)) return;
    std::visit([&](const auto& one) { act_one(node, one); }, action);
}

void TestNet::act_one(TestNode& node, const Send& action) {
    const End here{&node, action.peer};
    if (const auto link = links_.find(here); link != links_.end()) {
        deliveries_.push_back({link->second, action.message});
    } else if (const auto stub = stubs_.find(here); stub != stubs_.end()) {
        stub->second.push_back(action.message);
        if (stubs_answer_pings && action.message.command == "ping")
            deliveries_.push_back({here, {"pong", action.message.payload}});
    }
    const size_t bytes = FRAME_HEADER_BYTES + action.message.payload.size();
    perform(node, node.protocol.sent(action.peer, bytes, now));
}

void TestNet::act_one(TestNode& node, const Drop& action) {
    node.drops.push_back(action.reason);
    const End here{&node, action.peer};
    const auto link = links_.find(here);
    perform(node, node.protocol.disconnected(action.peer, now));
    if (link == links_.end()) return;
    const End there = link->second;
    links_.erase(there);
    links_.erase(here);
    perform(*there.node, there.node->protocol.disconnected(there.peer, now));
}

void TestNet::act_one(TestNode& node, const AcceptHeaders& action) {
    const chain::HeadersOutcome outcome = node.chain.accept_headers(action.headers);
    perform(node, node.protocol.headers_done(action.peer, outcome, now));
}

void TestNet::tell(TestNode& node, const chain::TipChange& change) {
    perform(node, node.protocol.announce_tip(change, now));
    perform(node, node.protocol.tip_changed(change, now));
}

void TestNet::act_one(TestNode& node, const AcceptBlock& action) {
    const Bytes bytes = action.block ? consensus::encode(*action.block) : action.payload;
    auto block = std::make_shared<consensus::Block>();
    consensus::Reader reader(bytes);
    reader(*block);
    chain::BlockOutcome outcome{consensus::mutated("block decode failed")};
    std::optional<chain::TipChange> change;
    if (reader.at_end()) outcome = node.chain.accept_block(block, change);
    if (change) tell(node, *change);
    perform(node, node.protocol.block_done(action.peer, action.hash, outcome, now));
}

void TestNet::act_one(TestNode& node, const AcceptTransaction& action) {
    const auto accept = [&](const TransactionRef& tx, bool paid_for) {
        auto outcome = node.chain.accept_transaction(tx, paid_for);
        if (outcome) perform(node, node.protocol.transaction_added(tx, now));
        return outcome;
    };
    auto outcome = action.parent ? accept(action.parent, true) : chain::Accepted{};
    if (outcome) outcome = accept(action.tx, false);
    perform(node, node.protocol.transaction_done(action, outcome, now));
}

void TestNet::act_one(TestNode& node, const DiskRead& action) {
    std::optional<Message> answer;
    const consensus::Block& block = node.chain.block(action.block->hash);
    if (action.kind == DiskRead::Kind::Block)
        answer = message_of("block", block);
    else if (action.kind == DiskRead::Kind::CompactBlock)
        answer = message_of("cmpctblock", CompactBlockMessage::of(block, action.nonce));
    else if (action.kind == DiskRead::Kind::BlockTransactions)
        answer = message_of("blocktxn", BlockTransactionsMessage::of(block, action.indexes));
    perform(node, node.protocol.read_done(action.peer, std::move(answer), now));
}

void announce(TestNet& net, TestNode& node, PeerId stub, const consensus::TransactionRef& tx) {
    const Inventory item{InventoryType::WtxidTransaction, tx->wtxid};
    net.say(node, stub, "inv", consensus::encode(InventoryMessage{{item}}));
}

void send(TestNet& net, TestNode& node, PeerId stub, const consensus::TransactionRef& tx) {
    net.say(node, stub, "tx", consensus::encode(*tx));
}

bool waits(const TestNode& node, const consensus::TransactionRef& tx) {
    return node.chain.find_transaction({InventoryType::Transaction, tx->txid}).has_value();
}

} // namespace cairn::node::test
