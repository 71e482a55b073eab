// SPDX-License-Identifier: MIT
// A node and three strangers who say anything at any time: real conversations, changed ones, honest
// answers, noise of any size. Its chain answers late, one of them doesn't read. It may drop them;
// it may not crash, keep more than its limits, or break what `Model` says.
#include "check.h"
#include "node/peer_limits.h"
#include "tests/node/harness.cpp" // NOLINT(bugprone-suspicious-include): no library has it

#include <spdlog/spdlog.h>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;
using tests::check;

namespace {

using consensus::Hash256;

constexpr const char* COMMANDS[] = {
    "version",   "verack",      "wtxidrelay",   "sendaddrv2",   "feature",    "ping",
    "pong",      "addr",        "addrv2",       "getaddr",      "headers",    "block",
    "inv",       "tx",          "notfound",     "mempool",      "getheaders", "getblocks",
    "getdata",   "getcfilters", "getcfheaders", "getcfcheckpt", "feefilter",  "sendheaders",
    "sendcmpct", "filterload",  "cmpctblock",   "getblocktxn",  "blocktxn",   "unknown"};

/// What honest peers know: a longer chain than the node's, and payments, good ones and others.
struct World {
    World() {
        spdlog::set_level(spdlog::level::off); // what strangers say goes into no log here
        chain.mine(HEIGHT);
        for (int i = 0; i < 8; ++i) payments.push_back(make_payment({}, 1 + i));
        payments.push_back(make_payment(payments[0]->txid, 20));
        payments.push_back(make_payment(payments[8]->txid, TOO_CHEAP));
        payments.push_back(make_payment(payments[9]->txid, 21));
        payments.push_back(make_payment({}, -1));
        payments.push_back(spoilt(payments[1]));
        record();
    }

    /// What two nodes say to each other until they have the same, from the first word on.
    void record() {
        TestNet net;
        net.intercept = [&](TestNode&, const Action& action) {
            if (const auto* send = std::get_if<Send>(&action)) said.push_back(send->message);
            return false;
        };
        TestNode& old = net.add();
        old.chain.mine(HEIGHT);
        TestNode& fresh = net.add();
        net.connect(fresh, old);
        net.advance(5s);
        for (const consensus::TransactionRef& tx : payments) net.submit(old, tx, true);
        net.advance(20s);
        for (uint32_t i = 0; i < 3; ++i) { // then compact ones
            net.mine(i % 2 == 0 ? old : fresh, 1, i + 1);
            net.advance(1s);
        }
    }

    static constexpr int HEIGHT = 30;
    FakeChain chain;
    std::vector<consensus::TransactionRef> payments;
    std::vector<Message> said;
};

/// What a node may do, whatever it is told. Sees each action before it is carried out.
class Model {
public:
    void see(const TestNode& node, const Action& action, Time now) {
        if (const auto* send = std::get_if<Send>(&action)) return see(node, *send, now);
        if (const auto* drop = std::get_if<Drop>(&action))
            return check(dropped_.insert(drop->peer).second);
        if (const auto* read = std::get_if<DiskRead>(&action))
            check(!dropped_.contains(read->peer));
        std::visit([&](const auto& one) { see_request(node, one.peer); }, action);
    }

    /// A stranger says what may change who owes what.
    void hear(PeerId peer, const Message& message) {
        if (message.command == "tx") {
            consensus::SealedTransaction tx;
            consensus::Reader reader(message.payload);
            tx.read(reader);
            asked_.erase(tx.txid);
            asked_.erase(tx.wtxid);
        } else if (message.command == "notfound") {
            const auto items = parse<InventoryMessage>(message.payload);
            for (size_t i = 0; items && i < items->items.size(); ++i) {
                const auto asked = asked_.find(items->items[i].hash);
                if (asked != asked_.end() && asked->second.peer == peer) asked_.erase(asked);
            }
        }
    }

    void answered(PeerId peer) { --at_chain_[peer]; }

    void refused(const consensus::Wtxid& wtxid) { refused_.insert(wtxid); }

    /// There is another tip: any transaction may be asked for anew.
    void forget() {
        refused_.clear();
        asked_.clear();
    }

    void forget(const consensus::SealedTransaction& tx) {
        asked_.erase(tx.txid);
        asked_.erase(tx.wtxid);
    }

    void disconnected(PeerId peer) {
        std::erase_if(asked_, [&](const auto& entry) { return entry.second.peer == peer; });
    }

private:
    struct Asked {
        PeerId peer = NO_PEER;
        Time at;
    };

    /// Of the chain, or the disk: of nobody before the handshake.
    void see_request(const TestNode& node, PeerId id) {
        const auto peer = node.protocol.peers().find(id);
        check(peer == node.protocol.peers().end() || peer->second.established);
        ++at_chain_[id];
    }

    void see(const TestNode& node, const Send& send, Time now) {
        const std::string& command = send.message.command;
        check(!dropped_.contains(send.peer)); // who is dropped hears no more
        const Peer& peer = node.protocol.peers().at(send.peer);
        check(peer.version_received || (!peer.inbound() && command == "version"));
        if (!peer.established)
            check(
                command == "version" || command == "wtxidrelay" || command == "sendaddrv2" ||
                command == "verack");
        if (command == "pong") check(at_chain_[send.peer] == 0); // all before it is done
        if (command != "getdata") return;
        const InventoryMessage wanted = parse<InventoryMessage>(send.message.payload).value();
        for (const Inventory& item : wanted.items) {
            if (!item.is_transaction()) continue;
            const auto [asked, is_new] = asked_.try_emplace(item.hash, Asked{send.peer, now});
            check(is_new || now - asked->second.at >= TransactionRequests::TIMEOUT);
            asked->second = {send.peer, now};
            check(item.type != InventoryType::WtxidTransaction || !refused_.contains(item.hash));
        }
    }

    std::set<PeerId> dropped_;
    std::map<PeerId, int> at_chain_; ///< Questions that wait for their answers.
    std::map<Hash256, Asked> asked_; ///< Transactions.
    std::set<Hash256> refused_;
};

void check_limits(const TestNode& node) {
    std::set<const chain::BlockNode*> blocks;
    check(node.protocol.transactions().orphanage().size() <= Orphanage::MAX_TRANSACTIONS);
    for (const auto& [id, peer] : node.protocol.peers()) {
        for (const chain::BlockNode* block : peer.blocks.in_flight)
            check(blocks.insert(block).second); // each is asked of one peer at a time
        check(
            peer.blocks.in_flight.size() + peer.blocks.owed.size() <= BlockDownload::MAX_IN_FLIGHT);
        check(peer.headers_processing <= 1);
        check(peer.transactions.announced.size() <= TransactionRequests::MAX_ANNOUNCED);
        check(peer.announcements.queue.size() <= TransactionAnnouncer::MAX_QUEUED);
        check(peer.addresses.queue.size() <= AddressRelay::MAX_QUEUED + 1);
        check(peer.server.wanted.size() + peer.server.not_found.size() <= MAX_INVENTORY);
        check(peer.server.not_found.size() <= Server::MAX_NOT_FOUND);
        check(peer.server.reads.size() <= size_t{MAX_FILTERS});
        check(
            peer.dropped ||
            peer.unsent_bytes <= MAX_UNSENT_BYTES + MAX_PAYLOAD_BYTES + Context::MAX_UNASKED_BYTES);
    }
}

/// One run: what the input says happens, and the model looks on.
class Session {
public:
    explicit Session(const World& world) : world_(world), node_(net_.add()) {
        node_.chain.mine(3);
        net_.stubs_answer_pings = false;
        net_.intercept = [this](TestNode&, const Action& action) { return see(action); };
        strangers_ = {
            net_.connect_stub(node_, ConnectionType::Inbound, 0, false), net_.connect_stub(node_),
            net_.connect_stub(node_, ConnectionType::OutboundFullRelay)};
    }

    void run(consensus::Reader& reader) {
        while (reader.remaining() > 2) {
            step(reader);
            while (!late_ && !held_.empty()) release();
            check_limits(node_);
        }
        // Once all is answered and read, nobody has to wait any longer.
        late_ = deaf_ = node_.chain.busy_ = false;
        for (int round = 0; round < 100; ++round) {
            while (!held_.empty()) release();
            drain();
            net_.advance(100ms);
        }
        for (const PeerId who : strangers_)
            check(!net_.is_connected(node_, who) || node_.protocol.takes_messages(who));
    }

private:
    void step(consensus::Reader& reader) {
        const size_t number = reader.read<uint8_t>() % strangers_.size();
        const auto kind = reader.read<uint8_t>() % 8;
        const auto what = reader.read<uint8_t>();
        if (kind == 0) return pass_time(what);
        if (kind == 1) return act(what);
        if (!net_.is_connected(node_, strangers_[number])) return come_back(number);
        const PeerId who = strangers_[number];
        if (kind == 2) return say(who, noise(reader, what));
        if (kind == 3) return say(who, world_.said[what % world_.said.size()]);
        if (kind == 4) return say(who, changed(reader, world_.said[what % world_.said.size()]));
        if (kind == 5) return say_payment(who, what);
        answer(who);
    }

    void come_back(size_t number) {
        if (number == 0) unread_bytes_ = 0;
        const auto type = number == 2 ? ConnectionType::OutboundFullRelay : ConnectionType::Inbound;
        strangers_[number] = net_.connect_stub(node_, type);
    }

    /// Up to two seconds tick by tick, or up to ten minutes at once.
    void pass_time(uint8_t what) {
        if (what >= 200) net_.now += std::chrono::seconds(10 * (what - 199));
        net_.advance(what < 200 ? std::chrono::milliseconds(10 * what) : 100ms);
    }

    /// Something else than a stranger does something.
    void act(uint8_t what) {
        if (what < 64) {
            net_.mine(node_, 1, what);
        } else if (what < 96) {
            const consensus::TransactionRef& tx = world_.payments[what % world_.payments.size()];
            model_.forget(*tx);
            net_.submit(node_, tx, what % 2 == 0);
        } else if (what < 128) {
            late_ = !late_;
        } else if (what < 224) {
            if (!held_.empty()) release();
        } else if (what < 240) {
            deaf_ = !deaf_;
            if (!deaf_) drain();
        } else {
            node_.chain.busy_ = !node_.chain.busy_;
        }
    }

    /// A message of bytes of the input, over and over, as long as its command may be.
    static Message noise(consensus::Reader& reader, uint8_t command) {
        Message message{COMMANDS[command % std::size(COMMANDS)], {}};
        const auto shape = reader.read<uint8_t>();
        const ByteView bytes = reader.raw(std::min<size_t>(shape % 64, reader.remaining()));
        const size_t most = Protocol::max_payload_bytes(message.command, MAX_PAYLOAD_BYTES);
        const size_t size = shape < 192 ? bytes.size() : most >> (shape % 16);
        message.payload.reserve(size + bytes.size());
        while (message.payload.size() < size && !bytes.empty())
            message.payload.insert(message.payload.end(), bytes.begin(), bytes.end());
        message.payload.resize(std::min(message.payload.size(), size));
        return message;
    }

    static Message changed(consensus::Reader& reader, Message message) {
        const auto at = reader.read<uint16_t>();
        const auto value = reader.read<uint8_t>();
        if (message.payload.empty()) return message;
        if (value == 0)
            message.payload.resize(at % message.payload.size());
        else
            message.payload[at % message.payload.size()] ^= value;
        return message;
    }

    void say_payment(PeerId who, uint8_t what) {
        const consensus::TransactionRef& tx = world_.payments[what / 2 % world_.payments.size()];
        if (what % 2 == 0) return say(who, message_of("tx", *tx));
        const InventoryMessage message{{{InventoryType::WtxidTransaction, tx->wtxid}}};
        say(who, message_of("inv", message));
    }

    /// As an honest peer does, to the oldest question.
    void answer(PeerId who) {
        auto& questions = questions_[who];
        if (questions.empty()) return;
        const Message question = std::move(questions.front());
        questions.pop_front();
        if (question.command == "ping") return say(who, {"pong", question.payload});
        if (question.command == "getheaders")
            return say(who, {"headers", headers_payload(headers_of(world_.chain))});
        if (question.command == "getblocktxn") return answer_rest(who, question);
        const auto items = parse<InventoryMessage>(question.payload);
        for (const Inventory& item : items->items) {
            if (net_.is_connected(node_, who)) give(who, item);
        }
    }

    void answer_rest(PeerId who, const Message& question) {
        const auto content = parse<GetBlockTransactionsMessage>(question.payload);
        if (world_.chain.find_block(content->block) == nullptr) return;
        const consensus::Block& block = world_.chain.block(content->block);
        if (content->indexes.empty() || content->indexes.back() >= block.transactions.size())
            return;
        say(who, message_of("blocktxn", BlockTransactionsMessage::of(block, content->indexes)));
    }

    void give(PeerId who, const Inventory& item) {
        for (const consensus::TransactionRef& tx : world_.payments)
            if (item.hash == tx->wtxid || item.hash == tx->txid)
                return say(who, message_of("tx", *tx));
        const consensus::BlockHash hash(item.hash);
        if (!item.is_block() || world_.chain.find_block(hash) == nullptr)
            return say(who, message_of("notfound", InventoryMessage{{item}}));
        if (item.type != InventoryType::CompactBlock)
            return say(who, {"block", world_.chain.body(hash)});
        say(who, message_of("cmpctblock", CompactBlockMessage::of(world_.chain.block(hash), 7)));
    }

    void say(PeerId who, Message message) {
        model_.hear(who, message);
        net_.say(node_, who, message.command, std::move(message.payload));
    }

    /// True: it is kept back, or was done already.
    bool see(const Action& action) {
        if (std::exchange(passes_, false)) return false;
        if (std::exchange(tip_, &node_.chain.tip()) != &node_.chain.tip()) model_.forget();
        model_.see(node_, action, net_.now);
        if (const auto* drop = std::get_if<Drop>(&action)) {
            model_.disconnected(drop->peer);
            return false;
        }
        if (const auto* send = std::get_if<Send>(&action)) {
            note_question(*send);
            const bool unread = deaf_ && send->peer == strangers_.front();
            if (unread) unread_bytes_ += FRAME_HEADER_BYTES + send->message.payload.size();
            return unread;
        }
        held_.push_back(action);
        return true;
    }

    void note_question(const Send& send) {
        constexpr size_t MOST = 100;
        const std::string& command = send.message.command;
        auto& questions = questions_[send.peer];
        if (questions.size() < MOST && (command == "ping" || command == "getheaders" ||
                                        command == "getdata" || command == "getblocktxn"))
            questions.push_back(send.message);
    }

    /// Let the chain, or the disk, answer the oldest question.
    void release() {
        const Action action = std::move(held_.front());
        held_.pop_front();
        std::visit([&](const auto& one) { model_.answered(one.peer); }, action);
        if (const auto* accept = std::get_if<AcceptTransaction>(&action);
            accept && is_refused(*accept))
            model_.refused(accept->tx->wtxid);
        passes_ = true;
        net_.perform(node_, {action});
    }

    /// Whether the chain will refuse it for good.
    bool is_refused(const AcceptTransaction& action) const {
        const consensus::SealedTransaction& tx = *action.tx;
        const auto is_known = [&](const consensus::Txid& txid) {
            return node_.chain.find_transaction({InventoryType::Transaction, txid}).has_value();
        };
        if (action.parent || node_.chain.busy_ || tx.outputs.empty() || is_known(tx.txid))
            return false;
        for (const consensus::TxIn& input : tx.inputs)
            if (input.prevout.txid != consensus::Txid() && !is_known(input.prevout.txid))
                return false;
        const consensus::Amount value = tx.outputs[0].value;
        return value < 0 || (value != TOO_CHEAP && !tx.inputs[0].witness.empty());
    }

    /// The deaf one reads what it was sent.
    void drain() {
        const size_t bytes = std::exchange(unread_bytes_, 0);
        net_.perform(node_, node_.protocol.sent(strangers_.front(), bytes, net_.now));
    }

    const World& world_;
    TestNet net_;
    TestNode& node_;
    Model model_;
    std::vector<PeerId> strangers_;
    std::map<PeerId, std::deque<Message>> questions_; ///< That the node asked of them.
    std::deque<Action> held_;
    const chain::BlockNode* tip_ = nullptr;
    bool late_ = false;   ///< The chain answers when it is told to.
    bool deaf_ = false;   ///< The first stranger doesn't read.
    bool passes_ = false; ///< The next action was seen before.
    size_t unread_bytes_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const World WORLD;
    consensus::Reader reader(ByteView(data, size));
    Session(WORLD).run(reader);
    return 0;
}
