// SPDX-License-Identifier: MIT
#include "sim_node.h"

#include "node/compact_block.h"
#include "tests/temporary_folder.h"

namespace cairn::sim {

using node::AcceptBlock;
using node::AcceptHeaders;
using node::AcceptTransaction;
using node::DiskRead;

namespace {

/// Who calls does so from a port of the moment.
NetAddress calling_from(NetAddress address) {
    address.port = 50'000;
    return address;
}

} // namespace

/// Makes the calls of the product's plan over the simulated network.
struct SimNode::Plan final : node::CallPlan {
    Plan(SimNode& self, const node::Protocol& protocol)
        : CallPlan(
              self.options,
              self.chain.params(),
              protocol,
              self.book,
              Random{self.random_.next(), self.random_.next()}),
          self_(self) {}

    void call(const std::string& target, ConnectionType type) override {
        const auto place = NetAddress::from_string(target, self_.chain.params().p2p_port);
        if (place) self_.shared_.net.call(self_, self_.address, *place, type);
    }

    void ask_seed(const std::string& /*host*/) override {}

    void hang_up(PeerId peer, const std::string& /*reason*/) override { self_.drop(peer); }

    void ended(const NetAddress& address) { called(address.to_string()); }

private:
    SimNode& self_;
};

SimNode::Running::Running(SimNode& self)
    : protocol(
          self.chain,
          self.book,
          {.user_agent = "/sim/",
           .services = node::NODE_NETWORK | node::NODE_WITNESS,
           .announced_port = self.host.callable ? self.address.port : uint16_t{0},
           .blocks_only = self.blocks_only},
          Random{self.random_.next(), self.random_.next()}),
      plan(std::make_unique<Plan>(self, protocol)) {}

SimNode::Running::~Running() = default;

SimNode::SimNode(Shared& shared, size_t its_number, NetAddress its_address, uint64_t seed)
    : number(its_number),
      address(std::move(its_address)),
      chain(shared.ledger, shared.timeline),
      book(Random(seed, its_number)),
      shared_(shared),
      random_(seed + 1, its_number) {
    options.dns_seed = false;
}

void SimNode::start() {
    ++run_;
    static const tests::TemporaryFolder FOLDER;
    if (!saved_.empty() && !book.load(FOLDER.write("peers.dat", saved_)))
        throw std::logic_error("its address book is lost");
    running_ = std::make_unique<Running>(*this);
    host.online = true;
    running_->plan->call_anchors(std::exchange(anchors_, {}));
    // Nodes don't tick in step.
    schedule_tick(now() + Duration(random_.below(static_cast<uint64_t>(TICK.count()))));
}

void SimNode::stop(bool crash) {
    if (!crash) save_addresses();
    std::vector<PeerId> ids;
    for (const auto& [id, peer] : protocol().peers()) ids.push_back(id);
    for (const PeerId id : ids) drop(id);
    host.online = false;
    if (running_->checked) chain.connect_block(*running_->checked); // as at the next start
    running_.reset();
    ++run_;
}

void SimNode::save_addresses() {
    const node::Bytes content = book.file_content();
    saved_.assign(content.begin(), content.end());
    anchors_ = running_->plan->anchors();
}

void SimNode::post(Time at, void (SimNode::*task)()) {
    shared_.timeline.at(at, [this, run = run_, task] {
        if (run == run_) (this->*task)();
    });
}

size_t SimNode::outbound() const {
    return static_cast<size_t>(std::ranges::count_if(protocol().peers(), [](const auto& entry) {
        const node::Peer& peer = entry.second;
        return peer.established && (peer.type == ConnectionType::OutboundFullRelay ||
                                    peer.type == ConnectionType::BlockRelayOnly);
    }));
}

size_t SimNode::bytes_at_chain() const {
    size_t bytes = 0;
    for (const node::Action& action : running_->judging)
        if (const auto* block = std::get_if<AcceptBlock>(&action))
            bytes += block->payload.size(); // what was put together here is of transactions held
    return bytes;
}

// Time ///////////////////////////////////////////////////////////////////////////////////////////

void SimNode::schedule_tick(Time at) {
    Running& running = *running_;
    running.next_tick = at;
    const uint32_t tick_number = ++running.tick_number;
    shared_.timeline.at(at, [this, run = static_cast<uint16_t>(run_), tick_number] {
        if (run == static_cast<uint16_t>(run_) && tick_number == running_->tick_number) tick();
    });
}

void SimNode::tick() {
    Running& running = *running_;
    perform(running.protocol.tick(now()));
    for (const EndId end : std::exchange(running.unread, {})) take_messages(end);
    if (now() >= running.next_call) {
        running.next_call = now() + CALL_TICK;
        running.plan->tick(now());
    }
    if (now() >= running.next_save) {
        running.next_save = now() + SAVE_INTERVAL;
        save_addresses();
    }
    schedule_tick(now() + pace());
}

/// The time to the next tick: where nothing is under way that it would move on, it may be late.
Duration SimNode::pace() const {
    Duration pace =
        running_->plan->wants(ConnectionType::OutboundFullRelay) ? CALL_TICK : IDLE_TICK;
    for (const auto& [id, peer] : protocol().peers()) {
        if (!peer.established || peer.waiting || peer.headers.asked_at ||
            !peer.blocks.in_flight.empty() || peer.busy())
            return TICK;
        if (!peer.transactions.announced.empty() || !peer.announcements.queue.empty())
            pace = SLOW_TICK;
    }
    return pace;
}

// The network ////////////////////////////////////////////////////////////////////////////////////

bool SimNode::admits(const NetAddress& caller, const NetAddress& /*called*/) {
    if (!runs()) return false;
    const node::NewPeer fresh{0, ConnectionType::Inbound, calling_from(caller)};
    const auto most = static_cast<size_t>(options.max_connections - Plan::ALL_SLOTS);
    const auto [refusal, evicted] = protocol().admit(fresh, most);
    if (evicted) drop(*evicted);
    return refusal.empty();
}

void SimNode::connected(
    EndId end, const NetAddress& here, const NetAddress& there, ConnectionType type) {
    const bool inbound = type == ConnectionType::Inbound;
    if (!inbound && runs()) running_->plan->ended(there);
    node::NewPeer fresh{end, type, inbound ? calling_from(there) : there};
    if (!inbound) fresh.target = there.to_string();
    fresh.bound_address = here;
    if (!runs() || (!inbound && !protocol().admit(fresh, 0).refusal.empty()))
        return shared_.net.close(end);
    perform(running_->protocol.connected(fresh, now()));
    schedule_tick(std::min(running_->next_tick, now() + TICK));
}

void SimNode::call_failed(const NetAddress& target) {
    if (runs()) running_->plan->ended(target);
}

void SimNode::readable(EndId end) {
    if (!runs()) return;
    take_messages(end);
    if (running_->next_tick > now() + TICK) schedule_tick(now() + TICK);
}

void SimNode::take_messages(EndId end) {
    if (deaf_to.contains(end)) return;
    while (running_->protocol.takes_messages(end)) {
        std::optional<Message> message = shared_.net.take(end);
        if (!message) return;
        perform(running_->protocol.received(end, std::move(*message), now()));
    }
    running_->unread.insert(end);
}

void SimNode::sent(EndId end, size_t bytes) {
    if (!runs()) return;
    perform(running_->protocol.sent(end, bytes, now()));
    if (running_->unread.erase(end) > 0) take_messages(end);
}

void SimNode::closed(EndId end) {
    if (runs()) perform(running_->protocol.disconnected(end, now()));
}

// Actions ////////////////////////////////////////////////////////////////////////////////////////

void SimNode::perform(node::Actions actions) {
    for (node::Action& action : actions) {
        std::visit([this](auto& one) { act(one); }, action);
    }
}

void SimNode::act(node::Send& action) {
    if (lie && !lie(action.peer, action.message)) {
        const size_t bytes = node::FRAME_HEADER_BYTES + action.message.payload.size();
        return perform(running_->protocol.sent(action.peer, bytes, now()));
    }
    shared_.net.send(static_cast<EndId>(action.peer), std::move(action.message));
}

void SimNode::act(node::Drop& action) {
    ++drops[action.reason];
    shared_.trace.add(
        "drop", number, static_cast<uint64_t>(action.peer), consensus::as_bytes(action.reason));
    drop(action.peer);
}

void SimNode::act(DiskRead& action) {
    running_->reading.push_back(std::move(action));
    post(now() + SimChain::COSTS.read, &SimNode::read);
}

template <class Judged>
void SimNode::act(Judged& action) {
    Running& running = *running_;
    running.judging.push_back(std::move(action));
    const Duration cost = cost_of(running.judging.back());
    const Time begin = std::max(running.chain_free, now());
    running.chain_free = begin + cost;
    if constexpr (std::is_same_v<Judged, AcceptBlock>)
        post(begin + SimChain::COSTS.block, &SimNode::check);
    post(running.chain_free, &SimNode::judge);
}

Duration SimNode::cost_of(const node::Action& action) const {
    const Costs& costs = SimChain::COSTS;
    if (const auto* headers = std::get_if<AcceptHeaders>(&action))
        return costs.headers +
               costs.hundred_headers * static_cast<int64_t>(headers->headers.size()) / 100;
    if (const auto* block = std::get_if<AcceptBlock>(&action)) return chain.cost_of(block->hash);
    return costs.transaction;
}

void SimNode::judge() {
    node::Action action = std::move(running_->judging.front());
    running_->judging.pop_front();
    PeerId id = node::NO_PEER;
    const auto answer = [&](auto& one) {
        id = one.peer;
        if constexpr (requires { judged(one); }) judged(one);
    };
    std::visit(answer, action);
    take_messages(static_cast<EndId>(id));
}

void SimNode::judged(AcceptHeaders& action) {
    const chain::HeadersOutcome outcome = chain.accept_headers(action.headers);
    perform(running_->protocol.headers_done(action.peer, outcome, now()));
}

/// All of a block but its coins and scripts.
void SimNode::check() {
    const auto& action = std::get<AcceptBlock>(running_->judging.front());
    running_->checked = chain.check_block(
        action.hash, action.block ? consensus::encode(*action.block) : action.payload);
    tell_checked(*running_->checked);
}

void SimNode::tell_checked(const SimChain::BlockVerdict& verdict) {
    const chain::BlockNode* node = verdict.fresh;
    if (node == nullptr || node->parent != &chain.tip()) return;
    const consensus::BlockRef& block = shared_.ledger.find(node->hash)->block;
    perform(running_->protocol.block_checked(*node, block, now()));
}

void SimNode::judged(AcceptBlock& action) {
    SimChain::BlockVerdict verdict = *std::exchange(running_->checked, {});
    chain.connect_block(verdict);
    tell(verdict);
    perform(running_->protocol.block_done(action.peer, action.hash, verdict.outcome, now()));
}

/// What came of a block, as the chain's observers are told.
void SimNode::tell(SimChain::BlockVerdict& verdict) {
    if (!verdict.change) return;
    node::Protocol& protocol = running_->protocol;
    shared_.trace.add(
        "tip", number, static_cast<uint64_t>(verdict.change->new_tip->height.value),
        verdict.change->new_tip->hash.bytes);
    if (shared_.tip_changed) shared_.tip_changed(*this, *verdict.change);
    perform(protocol.announce_tip(*verdict.change, now()));
    perform(protocol.tip_changed(*verdict.change, now()));
    for (const TransactionRef& tx : verdict.back) perform(protocol.transaction_added(tx, now()));
}

void SimNode::judged(AcceptTransaction& action) {
    if (action.parent) (void)accept(action.parent, true);
    perform(running_->protocol.transaction_done(action, accept(action.tx), now()));
}

consensus::Result<chain::Accepted>
SimNode::accept(const TransactionRef& tx, bool paid_for, bool ours) {
    auto outcome = chain.accept_transaction(tx, paid_for);
    if (!outcome || !runs()) return outcome;
    const TransactionRef shared = shared_.ledger.find_transaction(tx->txid);
    if (shared_.transaction_added) shared_.transaction_added(*this, shared);
    if (ours) running_->protocol.transaction_unsent(shared, now());
    perform(running_->protocol.transaction_added(shared, now()));
    return outcome;
}

void SimNode::read() {
    const DiskRead action = std::move(running_->reading.front());
    running_->reading.pop_front();
    const Mined& mined = *shared_.ledger.find(action.block->hash);
    std::optional<Message> answer;
    if (action.kind == DiskRead::Kind::Block) // nobody asks for one without its witnesses
        answer = Message{"block", mined.bytes};
    else if (action.kind == DiskRead::Kind::CompactBlock)
        answer = node::message_of(
            "cmpctblock", node::CompactBlockMessage::of(*mined.block, action.nonce));
    else if (action.kind == DiskRead::Kind::BlockTransactions)
        answer = node::message_of(
            "blocktxn", node::BlockTransactionsMessage::of(*mined.block, action.indexes));
    perform(running_->protocol.read_done(action.peer, std::move(answer), now()));
    take_messages(static_cast<EndId>(action.peer));
}

void SimNode::submit(const Mined& mined) {
    SimChain::BlockVerdict verdict = chain.check_block(mined.block->header.hash(), mined.bytes);
    if (runs()) tell_checked(verdict);
    chain.connect_block(verdict);
    if (runs()) tell(verdict);
}

void SimNode::submit(const TransactionRef& tx, bool paid_for) {
    (void)accept(tx, paid_for, true);
}

} // namespace cairn::sim
