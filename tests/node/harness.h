// SPDX-License-Identifier: MIT
// Protocols joined in memory under a virtual clock, over chains that judge nothing but what a test
// marks as bad. No sockets, no threads, no disk.
#pragma once

#include "node/protocol.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace cairn::node::test {

constexpr int32_t BAD_HEADER = 0x7bad0001; ///< A header of this version is refused.
constexpr int32_t BAD_BLOCK = 0x7bad0002;  ///< Its body is.

/// A header tree with bodies and a mempool, all in memory.
class FakeChain final : public ChainReader {
public:
    FakeChain();

    const consensus::Params& params() const override { return params_; }

    chain::View view() const override { return chain::View(tip_); }

    const chain::BlockNode& best_header() const override { return *best_header_; }

    const chain::BlockNode* find_block(const consensus::BlockHash& hash) const override;

    std::optional<chain::AssumedChain> assumed() const override { return assumed_; }

    bool initial_download() const override { return initial_download_; }

    consensus::Uint256 minimum_chain_work() const override { return minimum_work_; }

    std::optional<WaitingTransaction> find_transaction(const Inventory& item) const override;

    std::vector<WaitingTransaction> waiting_transactions() const override { return pool_; }

    void visit_transactions(
        const std::function<void(const chain::TransactionRef&)>& visit) const override {
        ++visits_;
        for (const WaitingTransaction& waiting : pool_) visit(waiting.tx);
    }

    uint64_t mempool_sequence() const override { return sequence_; }

    chain::FeeRate mempool_min_feerate() const override { return {min_feerate_}; }

    chain::HeadersOutcome accept_headers(const std::vector<consensus::BlockHeader>& headers);
    /// `change` is set if the tip moved.
    chain::BlockOutcome
    accept_block(const consensus::BlockRef& block, std::optional<chain::TipChange>& change);
    consensus::Result<chain::Accepted>
    accept_transaction(const consensus::TransactionRef& tx, bool paid_for = false);

    /// Put `count` blocks on the tip; `salt` tells rival chains apart.
    void mine(int count, uint32_t salt = 0, int32_t version = 4);
    consensus::Block next_block(uint32_t salt = 0, int32_t version = 4) const;

    /// Add only the headers and bodies of `other` up to `height`, as if they had been synced.
    int32_t height() const { return tip_->height.value; }

    const chain::BlockNode& tip() const { return *tip_; }

    const consensus::Block& block(const consensus::BlockHash& hash) const {
        return *bodies_.at(hash);
    }

    Bytes body(const consensus::BlockHash& hash) const { return consensus::encode(block(hash)); }

    int64_t min_feerate_ = 100; ///< For 1,000 vbytes.
    mutable size_t visits_ = 0; ///< How often all that waits was looked at.
    bool initial_download_ = false;
    bool busy_ = false; ///< No transaction is looked at.
    std::optional<chain::AssumedChain> assumed_;
    consensus::Uint256 minimum_work_ = 0;

private:
    chain::BlockNode* find(const consensus::BlockHash& hash) const;
    chain::TipChange move_tip(chain::BlockNode& to);

    consensus::Params params_;
    std::map<consensus::BlockHash, std::unique_ptr<chain::BlockNode>> nodes_;
    std::map<consensus::BlockHash, consensus::BlockRef> bodies_;
    chain::BlockNode* tip_ = nullptr;
    chain::BlockNode* best_header_ = nullptr;
    std::vector<WaitingTransaction> pool_;
    std::set<consensus::Txid> coins_; ///< Transactions that may be spent from.
    uint64_t sequence_ = 0;
};

/// What a FakeChain doesn't take without a child that pays for it: payments of this value.
constexpr int64_t TOO_CHEAP = 555;

/// What a FakeChain refuses as if its witness had been cut off: payments of this value.
constexpr int64_t STRIPPED = 556;

/// A transaction that spends output 0 of `parent` (null: of what every FakeChain has).
consensus::TransactionRef make_payment(const consensus::Txid& parent, int64_t value);

/// The same with a witness, which no FakeChain takes.
consensus::TransactionRef spoilt(const consensus::TransactionRef& tx);

/// Search the nonce that meets the target.
void work(consensus::BlockHeader& header);

/// The next block of `chain` with `transactions` behind its coinbase.
consensus::Block
block_with(const FakeChain& chain, const std::vector<consensus::TransactionRef>& transactions);

/// A headers message of these.
Bytes headers_payload(const std::vector<consensus::BlockHeader>& headers);

/// The headers of `chain`, blocks `first` to its tip.
std::vector<consensus::BlockHeader> headers_of(const FakeChain& chain, int32_t first = 1);

/// What was asked for by getdata messages among `messages`.
std::vector<Inventory> asked(const std::vector<Message>& messages);

/// One node of a test network.
struct TestNode {
    explicit TestNode(uint64_t seed, const ProtocolOptions& options = {});

    FakeChain chain;
    AddressBook book{Random(3, 4)};
    Protocol protocol;
    std::vector<std::string> drops; ///< Reasons of Drop actions.
};

/// Nodes, the links between them, and time.
class TestNet {
public:
    TestNet();

    TestNode& add(const ProtocolOptions& options = {});
    /// Let `from` call `to`.
    void connect(TestNode& from, TestNode& to);
    /// A peer of `node` that the test plays: handshaken, as if it had said so.
    PeerId connect_stub(
        TestNode& node,
        ConnectionType type = ConnectionType::Inbound,
        uint32_t permissions = 0,
        bool handshake = true,
        const NetAddress& address = {});
    void say(TestNode& node, PeerId stub, const std::string& command, Bytes payload = {});
    /// What `node` sent to `stub` since it was last asked; settles first.
    std::vector<Message> heard(TestNode& node, PeerId stub);
    /// Likewise, only messages of `command`.
    std::vector<Message> heard(TestNode& node, PeerId stub, const std::string& command);
    bool is_connected(TestNode& node, PeerId stub);
    void disconnect(TestNode& node, PeerId peer);

    /// Deliver all that is under way.
    void settle();
    /// Let time go by, in ticks of 100 ms.
    void advance(std::chrono::milliseconds time);
    /// A block found by `node` itself.
    void mine(TestNode& node, int count, uint32_t salt = 0);
    /// A transaction that comes in by other ways than a peer.
    void submit(TestNode& node, const consensus::TransactionRef& tx, bool ours = false);
    void perform(TestNode& node, const Actions& actions);

    /// Keep actions of that kind, of all nodes, in `held` until `intercept` is set anew.
    template <class Kind>
    void hold(Actions& held) {
        intercept = [&held](TestNode&, const Action& action) {
            if (!std::holds_alternative<Kind>(action)) return false;
            held.push_back(action);
            return true;
        };
    }

    Time now;
    bool stubs_answer_pings = true;
    uint64_t stub_services = NODE_NETWORK | NODE_WITNESS; ///< That the next ones offer.
    int32_t stub_version = PROTOCOL_VERSION;              ///< That they speak.
    /// Called before each action; true: it is lost.
    std::function<bool(TestNode&, const Action&)> intercept;

private:
    struct End {
        TestNode* node = nullptr;
        PeerId peer = NO_PEER;

        auto operator<=>(const End&) const = default;
    };

    struct Delivery {
        End to;
        Message message;
    };

    void tell(TestNode& node, const chain::TipChange& change);
    void act(TestNode& node, const Action& action);
    void act_one(TestNode& node, const Send& action);
    void act_one(TestNode& node, const Drop& action);
    void act_one(TestNode& node, const AcceptHeaders& action);
    void act_one(TestNode& node, const AcceptBlock& action);
    void act_one(TestNode& node, const AcceptTransaction& action);
    void act_one(TestNode& node, const DiskRead& action);

    std::deque<std::unique_ptr<TestNode>> nodes_;
    std::map<End, End> links_;
    std::map<End, std::vector<Message>> stubs_;
    std::deque<Delivery> deliveries_;
    PeerId next_id_ = 0;
};

inline const consensus::Txid COIN; ///< What every FakeChain has to spend.

/// Let `stub` announce `tx` by its wtxid, or send it.
void announce(TestNet& net, TestNode& node, PeerId stub, const consensus::TransactionRef& tx);
void send(TestNet& net, TestNode& node, PeerId stub, const consensus::TransactionRef& tx);

/// Whether it was taken.
bool waits(const TestNode& node, const consensus::TransactionRef& tx);

} // namespace cairn::node::test
