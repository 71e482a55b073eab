// SPDX-License-Identifier: MIT
#include "world.h"

#include "consensus/pow.h"
#include "node/transaction_announcer.h"

#include <fmt/format.h>

namespace cairn::sim {

World::World(const Setup& setup)
    : random(setup.seed, 0),
      ledger(setup.age, setup.spacing, setup.least_blocks),
      net(timeline, trace, Random(setup.seed, 1)),
      start_(timeline.now()),
      shared_{
          timeline,
          trace,
          net,
          ledger,
          [this](SimNode& node, const chain::TipChange& change) { tip_changed(node, change); },
          [this](SimNode& node, const TransactionRef& tx) { has_transaction(node, tx->txid); }} {
    net.watch = [this](const Endpoint& /*sender*/, const Message& message) {
        report.message_sent(message.command, node::FRAME_HEADER_BYTES + message.payload.size());
    };
}

// Who there is ///////////////////////////////////////////////////////////////////////////////////

NetAddress World::new_address() {
    // From 20.1 to 99.250: all of these can be reached from the public net.
    const uint32_t number = addresses_++;
    const auto first = static_cast<uint8_t>(20 + number % 80);
    const auto second = static_cast<uint8_t>(1 + number / 80 % 250);
    const auto third = static_cast<uint8_t>(number / 20'000);
    return NetAddress::ipv4({first, second, third, 1}, ledger.params().p2p_port);
}

SimNode& World::add(bool callable) {
    nodes.push_back(std::make_unique<SimNode>(shared_, nodes.size(), new_address(), random.next()));
    SimNode& node = *nodes.back();
    constexpr uint64_t FINE = 10'000;
    node.host.x = static_cast<double>(random.below(FINE)) / FINE;
    node.host.y = static_cast<double>(random.below(FINE)) / FINE;
    node.host.callable = callable;
    net.add(node.address, node);
    return node;
}

void World::add_many(size_t count, double nats) {
    const auto hidden = static_cast<size_t>(nats * static_cast<double>(count));
    for (size_t i = 0; i < count; ++i) add(i + hidden < count);
}

void World::introduce(SimNode& node, const NetAddress& other, const std::string& source) {
    const int64_t now = timeline.seconds();
    const auto time = static_cast<uint32_t>(now - 3600);
    node.book.add({time, node::NODE_NETWORK | node::NODE_WITNESS, other}, source, now);
}

void World::introduce(size_t count) {
    std::vector<const SimNode*> callable;
    for (const auto& node : nodes)
        if (node->host.callable) callable.push_back(node.get());
    for (const auto& node : nodes) {
        for (size_t i = 0; i < count; ++i) {
            const SimNode& other = *callable[random.below(callable.size())];
            if (&other != node.get())
                introduce(*node, other.address, "seed " + std::to_string(i % 8));
        }
    }
}

void World::start_all() {
    for (const auto& node : nodes)
        if (!node->runs()) node->start();
}

SimNode* World::somebody(size_t from) {
    std::vector<SimNode*> running;
    for (size_t i = from; i < nodes.size(); ++i)
        if (counts(*nodes[i])) running.push_back(nodes[i].get());
    return running.empty() ? nullptr : running[random.below(running.size())];
}

// What happens ///////////////////////////////////////////////////////////////////////////////////

const Mined& World::mine(SimNode& node, size_t count, Duration ahead) {
    const chain::BlockNode& tip = node.chain.tip();
    const Mined& mined = ledger.mine(
        tip.header, node.chain.candidates(count), timeline.now(), node.number, true, ahead);
    if (news) news(mined);
    node.submit(mined);
    return mined;
}

void World::mine_every(Duration mean, size_t count) {
    if (count > 0) timeline.after(random.poisson(mean), [=, this] { next_block(mean, count); });
}

void World::next_block(Duration mean, size_t count) {
    if (SimNode* miner = somebody()) mine(*miner);
    mine_every(mean, count - 1);
}

void World::mine_history(const std::vector<SimNode*>& owners, size_t count, size_t bytes) {
    const int64_t genesis = ledger.params().genesis.header.time;
    const int64_t age = timeline.seconds() - genesis;
    consensus::BlockHeader parent = ledger.params().genesis.header;
    constexpr size_t FILLER = 1000; // bytes of a transaction
    for (size_t i = 1; i <= count; ++i) {
        const auto at = genesis + age * static_cast<int64_t>(i) / static_cast<int64_t>(count);
        std::vector<TransactionRef> filler;
        for (size_t filled = 0; filled < bytes; filled += FILLER)
            filler.push_back(ledger.pay({}, FILLER));
        const Mined& mined = ledger.mine(parent, filler, Time(std::chrono::seconds(at)), 0);
        for (SimNode* owner : owners) owner->submit(mined);
        parent = mined.block->header;
    }
}

void World::pay_every(Duration mean, size_t count) {
    unpaid_ = count;
    if (count > 0) timeline.after(random.poisson(mean), [=, this] { next_payment(mean, count); });
}

void World::run_until_paid() {
    while (unpaid_ > 0) run(1s);
}

void World::next_payment(Duration mean, size_t count) {
    if (SimNode* payer = somebody()) {
        const bool is_pair = random.below(4) == 0;
        if (is_pair) pay(*payer, ledger.pay({}, 250, Ledger::Kind::Cheap));
        pay(*payer, ledger.pay(is_pair ? payments.back()->txid : consensus::Txid()));
    }
    pay_every(mean, count - 1);
}

void World::pay(SimNode& payer, const TransactionRef& tx) {
    payments.push_back(tx);
    paid_[tx->txid] = {timeline.now(), std::vector<bool>(nodes.size())};
    payer.submit(tx, true);
}

void World::churn(Duration mean, Duration away, Time end, size_t steady) {
    if (timeline.now() < end)
        timeline.after(random.poisson(mean), [=, this] { next_churn(mean, away, end, steady); });
}

void World::next_churn(Duration mean, Duration away, Time end, size_t steady) {
    if (SimNode* leaving = somebody(steady)) {
        leaving->stop();
        timeline.after(random.poisson(away), [leaving] { leaving->start(); });
    }
    churn(mean, away, end, steady);
}

void World::break_links(Duration mean, Time end) {
    if (timeline.now() < end)
        timeline.after(random.poisson(mean), [=, this] { next_break(mean, end); });
}

void World::next_break(Duration mean, Time end) {
    const std::vector<EndId> open = net.open_ends();
    if (!open.empty()) net.close(open[random.below(open.size())]);
    break_links(mean, end);
}

// What is found //////////////////////////////////////////////////////////////////////////////////

void World::tip_changed(SimNode& node, const chain::TipChange& change) {
    if (!counts(node)) return;
    for (const chain::BlockChange& connected : change.connected) {
        const Mined& mined = *ledger.find(connected.node->hash);
        if (mined.at < start_) continue;
        for (const auto& tx : mined.block->transactions) has_transaction(node, tx.txid);
        if (seen_.size() <= mined.number) seen_.resize(mined.number + 1);
        if (seen_[mined.number].insert(node.number).second)
            report.block_arrived(mined.number, timeline.now() - mined.at);
    }
}

void World::has_transaction(const SimNode& node, const consensus::Txid& txid) {
    const auto paid = paid_.find(txid);
    if (paid == paid_.end() || !counts(node) || paid->second.seen.at(node.number)) return;
    paid->second.seen[node.number] = true;
    report.transaction_arrived(txid, timeline.now() - paid->second.at);
}

std::optional<Duration> World::wait_for_one_tip(Duration bound) {
    const Time begin = timeline.now();
    const auto agree = [&] {
        const chain::BlockNode* tip = nullptr;
        for (const auto& node : nodes) {
            if (!counts(*node)) continue;
            if (tip == nullptr) tip = &node->chain.tip();
            if (node->chain.tip().hash != tip->hash) return false;
        }
        return true;
    };
    while (!agree()) {
        if (timeline.now() - begin >= bound) return std::nullopt;
        run(1s);
    }
    return timeline.now() - begin;
}

consensus::Uint256 World::best_work() const {
    std::map<consensus::BlockHash, consensus::Uint256> work{
        {ledger.params().genesis_hash, consensus::work_of(ledger.params().genesis.header.bits)}};
    consensus::Uint256 best = work.begin()->second;
    for (const Mined* mined : ledger.blocks()) { // parents first
        const consensus::BlockHeader& header = mined->block->header;
        const auto parent = work.find(header.prev_hash);
        if (!mined->valid || parent == work.end()) continue;
        const consensus::Uint256 all = parent->second + consensus::work_of(header.bits);
        work[header.hash()] = all;
        best = std::max(best, all);
    }
    return best;
}

Report::Totals World::totals() const {
    const SimNode* best = nullptr;
    size_t counted = 0;
    for (const auto& node : nodes) {
        if (!counts(*node)) continue;
        ++counted;
        if (best == nullptr || node->chain.tip().work > best->chain.tip().work) best = node.get();
    }
    size_t stale = 0;
    for (const Mined* mined : ledger.blocks()) {
        if (best == nullptr || !mined->valid) continue;
        const chain::BlockNode* node = best->chain.find_block(mined->block->header.hash());
        if (node == nullptr || !best->chain.view().contains(*node)) ++stale;
    }
    return {counted, timeline.now() - start_, stale};
}

void World::expect(bool holds, const std::string& what) {
    if (!holds) failures_.push_back(what);
}

void World::expect_limits() {
    for (const auto& node : nodes) {
        if (!counts(*node)) continue;
        const node::Protocol& protocol = node->protocol();
        for (const auto& [id, peer] : protocol.peers()) {
            const bool peer_fits =
                peer.blocks.in_flight.size() + peer.blocks.owed.size() <=
                    node::BlockDownload::MAX_IN_FLIGHT &&
                peer.transactions.announced.size() <= node::TransactionRequests::MAX_ANNOUNCED &&
                peer.transactions_processing <= node::TransactionDownload::MAX_PROCESSING &&
                peer.announcements.queue.size() <= node::TransactionAnnouncer::MAX_QUEUED &&
                peer.addresses.queue.size() <= node::AddressRelay::MAX_QUEUED + 1 &&
                peer.server.wanted.size() + peer.server.not_found.size() <= node::MAX_INVENTORY &&
                peer.server.not_found.size() <= node::Server::MAX_NOT_FOUND &&
                peer.server.reads.size() <= size_t{node::MAX_FILTERS} &&
                peer.transaction_bytes <= node::TransactionDownload::MAX_PROCESSING_BYTES &&
                peer.unsent_bytes <= node::MAX_UNSENT_BYTES + node::MAX_PAYLOAD_BYTES +
                                         node::Context::MAX_UNASKED_BYTES;
            expect(peer_fits, fmt::format("node {} holds too much of peer {}", node->number, id));
        }
        std::map<node::PeerId, int64_t> orphan_weights;
        std::map<BlockHash, size_t> parts; // of blocks, whose other parts were asked for
        const auto orphans = protocol.transactions().orphanage().all();
        for (const auto& orphan : orphans)
            for (const node::PeerId id : orphan.announcers)
                orphan_weights[id] += orphan.tx->weight();
        size_t at_chain = node::BlockDownload::MAX_PROCESSING_BYTES + node::MAX_PAYLOAD_BYTES;
        for (const auto& [id, peer] : protocol.peers()) {
            if (!peer.inbound()) at_chain += node::MAX_PAYLOAD_BYTES;
            if (peer.compact.partial) ++parts[peer.compact.partial->hash()];
        }
        bool fits = orphans.size() <= node::Orphanage::MAX_TRANSACTIONS &&
                    node->bytes_at_chain() <= at_chain;
        for (const auto& [id, weight] : orphan_weights)
            fits &= protocol.peers().contains(id) && weight <= node::Orphanage::MAX_PEER_WEIGHT;
        for (const auto& [hash, count] : parts) fits &= count <= node::CompactRelay::MAX_PARALLEL;
        expect(fits, fmt::format("node {} holds too much of blocks or orphans", node->number));
        constexpr uint64_t PLACES =
            (node::AddressBook::TOLD_BUCKETS + node::AddressBook::ANSWERED_BUCKETS) *
            node::AddressBook::BUCKET_SIZE;
        expect(node->book.size() <= PLACES, "an address book is too large");
    }
}

} // namespace cairn::sim
