// SPDX-License-Identifier: MIT
// Waiting for blocks, overruling the choice of the chain, the state of soft forks, and blocks that
// are asked for by hand.
#include "consensus/block_rules.h"
#include "consensus/interpreter.h"
#include "consensus/version_bits.h"
#include "node/network.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

#include <array>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

const Error NEGATIVE_TIMEOUT{Code::Misc, "Negative timeout"};
const Param TIMEOUT{"timeout", Type::Int32, "0", "Milliseconds; 0: for ever"};
const Param BLOCKHASH{"blockhash", Type::Hash, REQUIRED, "The block"};

// Waiting ////////////////////////////////////////////////////////////////////////////////////

const Object<chain::BlockNode> TIP{
    {"hash", "Its hash", &chain::BlockNode::hash},
    {"height", "Its height", &chain::BlockNode::height}};

const std::vector<Returned> TIP_RESULT{
    returned<chain::BlockNode>("", "The tip then, whether or not it is what was waited for", TIP)};

using Done = std::function<void(Reply)>;

/// Answer with the tip once `condition` holds of it, or argument `timeout_at` has passed.
void wait_for_tip(const Call& call, TipWatch::Condition condition, size_t timeout_at, Done done) {
    const int64_t timeout = call.integer(timeout_at);
    if (timeout < 0) return done(NEGATIVE_TIMEOUT);
    context_of(call).tips.wait(
        std::move(condition), std::chrono::milliseconds(timeout), call.left,
        [done = std::move(done)](const chain::BlockNode& tip) { done(to_json(tip, TIP)); });
}

void waitfornewblock(const std::shared_ptr<const Call>& call, Done done) {
    const BlockHash known =
        call->has(1) ? BlockHash(hash_argument(*call, 1)) : chain_of(*call).view().tip().hash;
    auto is_new = [known](const chain::BlockNode& tip) { return tip.hash != known; };
    wait_for_tip(*call, std::move(is_new), 0, std::move(done));
}

const Method WAITFORNEWBLOCK{
    .name = "waitfornewblock",
    .summary = "Wait until the tip changes.",
    .params = {TIMEOUT, {"current_tip", Type::Hash, ABSENT, "Wait for another tip than this"}},
    .fails = {NEGATIVE_TIMEOUT},
    .example = "10",
    .run = {waitfornewblock, TIP_RESULT},
};

void waitforblock(const std::shared_ptr<const Call>& call, Done done) {
    const BlockHash wanted(hash_argument(*call, 0));
    auto is_wanted = [wanted](const chain::BlockNode& tip) { return tip.hash == wanted; };
    wait_for_tip(*call, std::move(is_wanted), 1, std::move(done));
}

const Method WAITFORBLOCK{
    .name = "waitforblock",
    .summary = "Wait until a block is the tip.",
    .params = {BLOCKHASH, TIMEOUT},
    .fails = {NEGATIVE_TIMEOUT},
    .example = "$BLOCKHASH 10",
    .run = {waitforblock, TIP_RESULT},
};

void waitforblockheight(const std::shared_ptr<const Call>& call, Done done) {
    const int64_t height = call->integer(0);
    auto is_high = [height](const chain::BlockNode& tip) { return tip.height.value >= height; };
    wait_for_tip(*call, std::move(is_high), 1, std::move(done));
}

const Method WAITFORBLOCKHEIGHT{
    .name = "waitforblockheight",
    .summary = "Wait until the tip is at a height or above.",
    .params = {{"height", Type::Int32, REQUIRED, "The height"}, TIMEOUT},
    .fails = {NEGATIVE_TIMEOUT},
    .example = "1",
    .run = {waitforblockheight, TIP_RESULT},
};

Null syncwithvalidationinterfacequeue(const Call& call) {
    return wait_for<Null>(call, &chain::Chain::after_all);
}

const Method SYNCWITHVALIDATIONINTERFACEQUEUE{
    .name = "syncwithvalidationinterfacequeue",
    .summary = "Wait until everything asked before is done.",
    .run = syncwithvalidationinterfacequeue,
    .pace = waits,
};

// Overruling /////////////////////////////////////////////////////////////////////////////////

/// Have the chain thread do `action` to the block of argument 0.
template <auto action>
Outcome<> act_on_block(const Call& call) {
    const Outcome<const chain::BlockNode*> node = block_argument(call, 0);
    if (!node) return node.error();
    const auto verdict = wait_for<consensus::Result<>>(call, action, **node);
    if (!verdict) return Error{Code::Database, reject_text(verdict.error())};
    return Null{};
}

const Method INVALIDATEBLOCK{
    .name = "invalidateblock",
    .role = Role::Admin,
    .summary = "Treat a block as if it broke a rule, until reconsiderblock.",
    .params = {BLOCKHASH},
    .fails = {BLOCK_NOT_FOUND},
    .example = "$BLOCKHASH",
    .run = act_on_block<&chain::Chain::invalidate_block>,
    .pace = waits,
};

const Method RECONSIDERBLOCK{
    .name = "reconsiderblock",
    .role = Role::Admin,
    .summary = "Undo invalidateblock for a block, and all before and after it.",
    .params = {BLOCKHASH},
    .fails = {BLOCK_NOT_FOUND},
    .example = "$BLOCKHASH",
    .run = act_on_block<&chain::Chain::reconsider_block>,
    .pace = waits,
};

const Method PRECIOUSBLOCK{
    .name = "preciousblock",
    .role = Role::Admin,
    .summary = "Prefer a block to others of the same work, as if it had come first.",
    .params = {BLOCKHASH},
    .fails = {BLOCK_NOT_FOUND},
    .example = "$BLOCKHASH",
    .run = act_on_block<&chain::Chain::precious_block>,
    .pace = waits,
};

// Pruning ////////////////////////////////////////////////////////////////////////////////////

const Error NOT_PRUNING{Code::Misc, "Cannot prune blocks because node is not in prune mode."};
const Error NEGATIVE_HEIGHT{Code::InvalidParameter, "Negative block height."};
const Error NO_SUCH_TIME{
    Code::InvalidParameter, "Could not find block with at least the specified timestamp."};
const Error TOO_SHORT{Code::Misc, "Blockchain is too short for pruning."};
const Error SHORTER{
    Code::InvalidParameter, "Blockchain is shorter than the attempted prune height."};

/// The first block of the chain to `tip` that is not older than `time`, or null.
const chain::BlockNode* first_since(const chain::BlockNode& tip, int64_t time) {
    const chain::BlockNode* first = nullptr;
    for (const chain::BlockNode* node = &tip; node; node = node->parent_node())
        if (node->header.time >= time) first = node;
    return first;
}

Outcome<int32_t> pruneblockchain(const Call& call) {
    constexpr int64_t FIRST_TIME = 1'000'000'000; // what is larger is no height
    constexpr int64_t TIME_WINDOW = 7200;         // by which a block's time may be ahead
    const chain::Chain& chain = chain_of(call);
    if (!chain.options().prune_bytes) return NOT_PRUNING;
    const chain::View view = chain.view();
    int64_t height = call.integer(0);
    if (height < 0) return NEGATIVE_HEIGHT;
    if (height > FIRST_TIME) {
        const chain::BlockNode* node = first_since(view.tip(), height - TIME_WINDOW);
        if (!node) return NO_SUCH_TIME;
        height = node->height.value;
    }
    if (view.height() <= Height(chain::Chain::KEPT_BLOCKS)) return TOO_SHORT;
    if (height > view.height().value) return SHORTER;
    const auto last = static_cast<int32_t>(height);
    return wait_for<Height>(call, &chain::Chain::prune, Height(last)).value - 1;
}

const Method PRUNEBLOCKCHAIN{
    .name = "pruneblockchain",
    .role = Role::Admin,
    .summary = "Delete old blocks and their undo data; needs -prune.",
    .params =
        {{"height", Type::Integer, REQUIRED,
          "Up to this height, or to this time in seconds; the last 288 blocks are kept"}},
    .fails = {NOT_PRUNING, NEGATIVE_HEIGHT, NO_SUCH_TIME, TOO_SHORT, SHORTER},
    .example = "1000",
    .run = {pruneblockchain, "Height of the last block that is deleted; -1: none"},
    .pace = waits,
};

// getdeploymentinfo //////////////////////////////////////////////////////////////////////////

/// Core's names of the flags that rules of consensus set, in the order of the letters.
constexpr std::array<std::pair<std::string_view, uint32_t>, 7> FLAG_NAMES{{
    {"CHECKLOCKTIMEVERIFY", VERIFY_CHECKLOCKTIMEVERIFY},
    {"CHECKSEQUENCEVERIFY", VERIFY_CHECKSEQUENCEVERIFY},
    {"DERSIG", VERIFY_DERSIG},
    {"NULLDUMMY", VERIFY_NULLDUMMY},
    {"P2SH", VERIFY_P2SH},
    {"TAPROOT", VERIFY_TAPROOT},
    {"WITNESS", VERIFY_WITNESS},
}};

/// A soft fork that miners signal, as of a block.
struct Signalled {
    const Deployment* fork;
    const HeaderNode* tip;

    DeploymentState now() const { return deployment_state(*fork, tip->parent); }

    DeploymentState next() const { return deployment_state(*fork, tip); }

    bool counts() const {
        return now() == DeploymentState::Started || now() == DeploymentState::LockedIn;
    }

    SignalCount signals() const { return count_signals(*fork, *tip); }

    template <class T>
    std::optional<T> if_started(T value) const {
        return only_if(now() == DeploymentState::Started, value);
    }
};

const Object<Signalled> STATISTICS{
    {"period", "Blocks in a period", [](auto& s) { return s.fork->period; }},
    {"elapsed", "Blocks of it so far", [](auto& s) { return s.signals().elapsed; }},
    {"count", "Those that signal", [](auto& s) { return s.signals().count; }},
    {"threshold", "How many lock it in", [](auto& s) { return s.if_started(s.fork->threshold); }},
    {"possible", "Whether that can still happen",
     [](auto& s) { return s.if_started(s.signals().possible); }}};

const Object<Signalled> BIP9{
    {"bit", "The bit that signals it, while it counts",
     [](auto& s) { return only_if(s.counts(), s.fork->bit); }},
    {"start_time", "Median time from which signals count",
     [](auto& s) { return s.fork->start_time; }},
    {"timeout", "Median time at which it fails", [](auto& s) { return s.fork->timeout; }},
    {"min_activation_height", "It is not active before",
     [](auto& s) { return s.fork->min_activation_height; }},
    {"status", "defined, started, locked_in, active or failed",
     [](auto& s) { return deployment_state_name(s.now()); }},
    {"since", "Height at which this began",
     [](auto& s) { return deployment_since(*s.fork, s.tip->parent); }},
    {"status_next", "The same for the next block",
     [](auto& s) { return deployment_state_name(s.next()); }},
    {"statistics", "Of the current period", [](auto& s) { return only_if(s.counts(), s); },
     STATISTICS},
    {"signalling", "# for each block that signals, - for others",
     [](auto& s) { return only_if(s.counts(), s.signals().signalling); }}};

/// A soft fork as of a block.
struct SoftFork {
    bool active;
    std::optional<Height> height;
    std::optional<Signalled> bip9;
};

const Object<SoftFork> SOFT_FORK{
    {"type", "buried or bip9", [](auto& f) { return f.bip9 ? "bip9" : "buried"; }},
    {"height", "Height from which its rules hold", &SoftFork::height},
    {"active", "Whether its rules hold for the next block", &SoftFork::active},
    {"bip9", "For type bip9", &SoftFork::bip9, BIP9}};

struct SoftForks {
    const chain::BlockNode& node;
    const Params& params;
};

std::vector<std::string_view> script_flags(const SoftForks& forks) {
    const uint32_t flags = block_script_flags(forks.node.hash, forks.node.height, forks.params);
    std::vector<std::string_view> names;
    for (const auto& [name, flag] : FLAG_NAMES)
        if ((flags & flag) != 0) names.push_back(name);
    return names;
}

std::vector<std::pair<std::string, SoftFork>> deployments(const SoftForks& forks) {
    const auto& [node, params] = forks;
    const ActivationHeights& heights = params.activation;
    std::vector<std::pair<std::string, SoftFork>> all;
    for (const auto& [name, height] :
         {std::pair{"bip34", heights.bip34}, std::pair{"bip66", heights.bip66},
          std::pair{"bip65", heights.bip65}, std::pair{"csv", heights.csv},
          std::pair{"segwit", heights.segwit}})
        all.emplace_back(name, SoftFork{node.height + 1 >= height, height, std::nullopt});
    // Taproot's rules hold on every block; the reference no longer lists how they came about.
    for (const Deployment& fork : params.deployments) {
        if (fork.name == "taproot") continue;
        const Signalled signalled{&fork, &node};
        const bool active = signalled.next() == DeploymentState::Active;
        all.emplace_back(
            fork.name, SoftFork{active, only_if(active, deployment_since(fork, &node)), signalled});
    }
    return all;
}

const Object<SoftForks> SOFT_FORKS{
    {"hash", "The block", [](auto& f) { return f.node.hash; }},
    {"height", "Its height", [](auto& f) { return f.node.height; }},
    {"script_flags", "Rules of scripts in it, by Core's names", script_flags},
    {"deployments", "Soft forks by name", deployments, SOFT_FORK}};

Outcome<SoftForks> getdeploymentinfo(const Call& call) {
    if (!call.has(0)) return SoftForks{chain_of(call).view().tip(), params_of(call)};
    const Outcome<const chain::BlockNode*> node = block_argument(call, 0);
    if (!node) return node.error();
    return SoftForks{**node, params_of(call)};
}

const Method GETDEPLOYMENTINFO{
    .name = "getdeploymentinfo",
    .summary = "The state of soft forks as of a block.",
    .params = {{"blockhash", Type::Hash, ABSENT, "The block; the tip if none is given"}},
    .fails = {BLOCK_NOT_FOUND},
    .run = {getdeploymentinfo, SOFT_FORKS},
};

// getblockfrompeer ///////////////////////////////////////////////////////////////////////////

const Error NO_HEADER{Code::Misc, "Block header missing"};
const Error NOT_SYNCED{
    Code::Misc,
    "In prune mode, only blocks that the node has already synced previously can be fetched from a "
    "peer"};
const Error HAS_BLOCK{Code::Misc, "Block already downloaded"};
const Error NO_PEER{Code::Misc, "Peer does not exist"};

Outcome<NoMembers> getblockfrompeer(const Call& call, node::Network& network) {
    const chain::Chain& chain = chain_of(call);
    const chain::BlockNode* node = chain.find_block(BlockHash(hash_argument(call, 0)));
    if (node == nullptr) return NO_HEADER;
    if (chain.options().prune_bytes && node->height > chain.view().height()) return NOT_SYNCED;
    if (node->has(chain::BlockNode::HAVE_BODY)) return HAS_BLOCK;
    if (call.integer(1) < 0) return NO_PEER;
    if (auto why_not = network.fetch_block(static_cast<node::PeerId>(call.integer(1)), *node))
        return Error{Code::Misc, *why_not};
    return NoMembers();
}

const Method GETBLOCKFROMPEER{
    .name = "getblockfrompeer",
    .role = Role::Admin,
    .summary = "Ask a peer for a block whose header is known; it comes in a while, if the peer has "
               "it. A pruned block stays until the node starts anew or prunes again.",
    .params =
        {{"blockhash", Type::Hash, REQUIRED, "The block"},
         {"peer_id", Type::Integer, REQUIRED, "The peer, as getpeerinfo numbers it"}},
    .fails =
        {NO_HEADER,
         NOT_SYNCED,
         HAS_BLOCK,
         NO_PEER,
         {Code::Misc, "the reason why it isn't asked"},
         P2P_DISABLED},
    .example = "$BLOCKHASH 0",
    .run = {with_network<getblockfrompeer>, "Nothing"},
};

} // namespace

Groups chain_control_methods() {
    return {
        {"Blockchain",
         {&WAITFORNEWBLOCK, &WAITFORBLOCK, &WAITFORBLOCKHEIGHT, &PRECIOUSBLOCK, &PRUNEBLOCKCHAIN,
          &GETDEPLOYMENTINFO, &GETBLOCKFROMPEER}},
        {"hidden", {&INVALIDATEBLOCK, &RECONSIDERBLOCK, &SYNCWITHVALIDATIONINTERFACEQUEUE}}};
}

} // namespace cairn::rpc
