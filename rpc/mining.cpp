// SPDX-License-Identifier: MIT
// For miners outside: templates (BIP-0022, BIP-0023, BIP-0145) and what they send back.
#include "consensus/block_rules.h"
#include "consensus/pow.h"
#include "consensus/version_bits.h"
#include "node/clock.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <unordered_map>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

/// A long poll also ends when the mempool has changed, but not before this, and then each time.
constexpr std::chrono::seconds FIRST_MEMPOOL_LOOK{60};
constexpr std::chrono::seconds NEXT_MEMPOOL_LOOK{10};
constexpr size_t HASH_DIGITS = 64;

const Error BAD_BLOCK{Code::Deserialization, "Block decode failed"};
const Error BAD_HEADER{Code::Deserialization, "Block header decode failed"};
const Error BAD_MODE{Code::InvalidParameter, "Invalid mode"};
const Error MISSING_DATA{Code::TypeError, "Missing data String key for proposal"};
const Error NO_SEGWIT{
    Code::InvalidParameter, "getblocktemplate must be called with the segwit rule set (call with "
                            "{\"rules\": [\"segwit\"]})"};
const Error NO_SIGNET{
    Code::InvalidParameter, "getblocktemplate must be called with the signet rule set (call with "
                            "{\"rules\": [\"segwit\", \"signet\"]})"};
const Error BEHIND{
    Code::InInitialDownload, "The node is in initial sync and waiting for blocks..."};
const Error SHUTTING_DOWN{Code::ClientNotConnected, "Shutting down"};

/// What follows the block is ignored, as the reference does.
Outcome<std::shared_ptr<Block>> block_of_hex(const std::string& hex) {
    const std::optional<Bytes> bytes = from_hex(hex);
    if (!bytes) return BAD_BLOCK;
    Reader reader(*bytes);
    auto block = std::make_shared<Block>(reader.read<Block>());
    if (reader.failed()) return BAD_BLOCK;
    return block;
}

// getblocktemplate ///////////////////////////////////////////////////////////////////////////

/// Whether member `name` of the request, an array, holds `text`.
bool lists(const Json& request, std::string_view name, std::string_view text) {
    const Json* list = request.find(name);
    if (list == nullptr) return false;
    return std::ranges::count(list->items, text, &Json::text) != 0;
}

/// BIP-0022: null for a block that is good, or the reason why it isn't.
using Verdict = std::optional<std::string>;

Verdict verdict_of(const consensus::Result<>& result) {
    if (result) return std::nullopt;
    return result.error().reason;
}

/// What is known of a block before it is looked at.
Verdict known_verdict(const chain::BlockNode& node, std::string_view otherwise) {
    if (node.has(chain::BlockNode::VALID_SCRIPTS)) return "duplicate";
    return std::string(node.failed() ? "duplicate-invalid" : otherwise);
}

/// BIP-0023: whether a block would be accepted but for its proof of work.
Outcome<Verdict> check_proposal(const Call& call) {
    const Json* data = call.arguments[0].find("data");
    if (data == nullptr || !data->is(Json::Kind::String)) return MISSING_DATA;
    const Outcome<std::shared_ptr<Block>> block = block_of_hex(data->text);
    if (!block) return block.error();
    const chain::Chain& chain = chain_of(call);
    if (const chain::BlockNode* known = chain.find_block((*block)->header.hash()))
        return known_verdict(*known, "duplicate-inconclusive");
    if ((*block)->header.prev_hash != chain.view().tip().hash)
        return Verdict("inconclusive-not-best-prevblk");
    const auto result = wait_for<consensus::Result<>>(call, &chain::Chain::test_block, *block);
    return verdict_of(result);
}

struct TemplateTransaction {
    const SealedTransaction* tx;
    std::set<size_t> depends;
    int64_t fee;
    int64_t sigops;
};

const Object<TemplateTransaction> TEMPLATE_TRANSACTION{
    {"data", "The transaction as on the wire", [](auto& t) { return encode(*t.tx); }},
    {"txid", "Its id", [](auto& t) { return t.tx->txid; }},
    {"hash", "The hash with the witness", [](auto& t) { return t.tx->wtxid; }},
    {"depends", "Positions in this list, from 1, of transactions that must come before it",
     &TemplateTransaction::depends},
    {"fee", "What it pays, in satoshis", &TemplateTransaction::fee},
    {"sigops", "What it counts against sigoplimit", &TemplateTransaction::sigops},
    {"weight", "Weight units", [](auto& t) { return t.tx->weight(); }}};

struct TemplateView {
    const chain::BlockTemplate made;
    const Params& params;
    const BlockHeader header; ///< Of now.
};

std::vector<TemplateTransaction> transactions_of(const TemplateView& view) {
    const std::vector<SealedTransaction>& transactions = view.made.block->transactions;
    std::unordered_map<Txid, size_t, BlockHasher> positions;
    std::vector<TemplateTransaction> all;
    for (size_t i = 1; i < transactions.size(); ++i) {
        const SealedTransaction& tx = transactions[i];
        positions[tx.txid] = i;
        all.push_back({&tx, {}, view.made.fees[i].value, view.made.sigop_costs[i]});
        for (const TxIn& input : tx.inputs)
            if (const auto at = positions.find(input.prevout.txid); at != positions.end())
                all.back().depends.insert(at->second);
    }
    return all;
}

/// Rules that the block must obey; a miner who doesn't know one with '!' can't mine it. BIP-0009.
std::vector<std::string> rules_of(const TemplateView& view) {
    const auto& [made, params, header] = view;
    std::vector<std::string> rules;
    if (made.height >= params.activation.csv) rules.emplace_back("csv");
    if (made.height >= params.activation.segwit) rules.emplace_back("!segwit");
    if (params.signed_blocks()) rules.emplace_back("!signet");
    rules.emplace_back("taproot");
    for (const Deployment& fork : params.deployments)
        if (fork.name != "taproot" &&
            deployment_state(fork, made.parent) == DeploymentState::Active)
            rules.push_back(fork.name);
    return rules;
}

std::map<std::string, int> available_bits(const TemplateView& view) {
    std::map<std::string, int> bits;
    for (const Deployment& fork : view.params.deployments) {
        const DeploymentState state = deployment_state(fork, view.made.parent);
        if (state == DeploymentState::Started || state == DeploymentState::LockedIn)
            bits[fork.name] = fork.bit;
    }
    return bits;
}

std::string long_poll_id(const TemplateView& view) {
    return view.header.prev_hash.to_string() + std::to_string(view.made.mempool_sequence);
}

const Object<TemplateView> TEMPLATE{
    {"capabilities", "What the node can do", [](auto&) { return std::vector{"proposal"}; }},
    {"version", "Version of the block", [](auto& v) { return v.header.version; }},
    {"rules", "Rules that hold", rules_of},
    {"vbavailable", "Soft forks that may be signalled, by name, with their bits", available_bits},
    {"vbrequired", "Bits that must be set", [](auto&) { return 0; }},
    {"previousblockhash", "The block before", [](auto& v) { return v.header.prev_hash; }},
    {"transactions", "All but the coinbase", transactions_of, TEMPLATE_TRANSACTION},
    {"coinbaseaux", "Data for the coinbase, by name",
     [](auto&) { return std::map<std::string, HexText>(); }},
    {"coinbasevalue", "Most the coinbase may pay out, in satoshis",
     [](auto& v) { return v.made.coinbase_value.value; }},
    {"longpollid", "For the next request, which then waits for news", long_poll_id},
    {"target", "The hash may not exceed it", [](auto& v) { return *target_of(v.header.bits); }},
    {"mintime", "The earliest time", [](auto& v) { return Seconds{v.made.min_time}; }},
    {"mutable", "What may be changed",
     [](auto&) {
         return std::vector{"time", "transactions", "prevblock"};
     }},
    {"noncerange", "First and last nonce", [](auto&) { return HexText{"00000000ffffffff"}; }},
    {"sigoplimit", "Limit of the signature checks",
     [](auto& v) { return max_block_sigop_cost(v.params); }},
    {"sizelimit", "Limit of the bytes", [](auto& v) { return v.params.max_block_weight; }},
    {"weightlimit", "Limit of the weight units", [](auto& v) { return v.params.max_block_weight; }},
    {"curtime", "The present time", [](auto& v) { return Seconds{v.header.time}; }},
    {"bits", "The target in compact form",
     [](auto& v) { return HexText{word_hex(v.header.bits)}; }},
    {"height", "Height of the block", [](auto& v) { return v.made.height; }},
    {"signet_challenge", "Script that signs the chain's blocks",
     [](auto& v) { return signet_challenge(v.params); }},
    {"default_witness_commitment", "Script of the commitment's output", [](auto& v) {
         return only_if(!v.made.witness_commitment.empty(), v.made.witness_commitment);
     }}};

bool is_proposal(const Call& call) {
    const Json* mode = call.arguments[0].find("mode");
    return mode != nullptr && mode->text == "proposal";
}

/// Errors: InvalidParameter, where the miner doesn't say that it knows what it must.
std::optional<Error> check_template_request(const Call& call) {
    const Json& request = call.arguments[0];
    const Json* mode = request.find("mode");
    if (mode != nullptr && !mode->is_null() && !is_proposal(call) && mode->text != "template")
        return BAD_MODE;
    if (is_proposal(call)) return std::nullopt;
    if (params_of(call).signed_blocks() && !lists(request, "rules", "signet")) return NO_SIGNET;
    if (!lists(request, "rules", "segwit")) return NO_SEGWIT;
    return std::nullopt;
}

using TemplateRef = NodeContext::TemplateRef;

/// On the chain thread: `made` is for all who wait for it, on the server's threads.
void template_made(
    NodeContext& context, NodeContext::TemplateMaking& making, const chain::BlockTemplate& made) {
    const auto shared = std::make_shared<const chain::BlockTemplate>(made);
    std::vector<std::function<void(const TemplateRef&)>> waiting;
    {
        const std::scoped_lock lock(context.template_cache.mutex);
        context.template_cache.last = shared;
        context.template_cache.making.reset();
        waiting.swap(making);
    }
    for (auto& use : waiting)
        context.queue.push(
            &context.queue, Pace::Waits, [use = std::move(use), shared] { use(shared); });
}

/// Call `use` with the template over the tip and the mempool of now; if the node stops it may be
/// dropped instead. While these stay, one is enough for all callers: the chain thread validates
/// nothing meanwhile it makes one. No thread waits for it.
void with_template(NodeContext& context, std::function<void(const TemplateRef&)> use) {
    chain::Chain& chain = context.node.chain;
    auto& cache = context.template_cache;
    const chain::BlockNode* tip = &chain.view().tip();
    const uint64_t sequence = chain.mempool()->sequence();
    auto making = std::make_shared<NodeContext::TemplateMaking>();
    {
        std::unique_lock lock(cache.mutex);
        if (cache.last && cache.last->parent == tip && cache.last->mempool_sequence == sequence) {
            const TemplateRef last = cache.last;
            lock.unlock();
            return use(last);
        }
        if (const auto under_way = cache.making.lock()) {
            under_way->push_back(std::move(use));
            lock.unlock(); // before it is dropped, should that be left to us
            return;
        }
        making->push_back(std::move(use));
        cache.making = making;
    }
    Script anyone;
    push_opcode(anyone, OP_1);
    chain.make_template(anyone, [&context, making](const chain::BlockTemplate& made) {
        template_made(context, *making, made);
    });
}

Reply template_reply(const Call& call, const chain::BlockTemplate& made) {
    BlockHeader header = made.block->header;
    const int64_t now = context_of(call).node.clock.wall_seconds();
    header.time = std::max(made.min_time, static_cast<uint32_t>(now));
    header.bits = next_bits(*made.parent, header.time, params_of(call));
    return to_json(TemplateView{made, params_of(call), header}, TEMPLATE);
}

/// Nobody above catches what a task of the queue throws.
void or_what_failed(const std::function<void(Reply)>& done, const auto& answer) {
    try {
        answer();
    } catch (const std::exception& failure) {
        done(Error{Code::Misc, failure.what()});
    }
}

/// Answer at once, or when the template is made.
void answer_now(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
    if (is_proposal(*call)) {
        const Outcome<Verdict> verdict = check_proposal(*call);
        return done(verdict ? Reply(to_json(*verdict)) : Reply(verdict.error()));
    }
    if (chain_of(*call).catching_up()) return done(BEHIND);
    with_template(
        context_of(*call), [call, done = answer_or_stop(std::move(done))](const TemplateRef& made) {
            if (given_up(*call)) return done(GIVEN_UP);
            or_what_failed(done, [&] { done(template_reply(*call, *made)); });
        });
}

/// What a long poll has seen already.
struct Seen {
    std::string tip;
    uint64_t mempool_sequence = 0;
};

/// `longpollid`: a hash and a number, as long_poll_id() writes them.
Seen seen_of(std::string_view longpollid) {
    Seen seen{std::string(longpollid.substr(0, HASH_DIGITS)), 0};
    const std::string_view digits = longpollid.substr(seen.tip.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), seen.mempool_sequence);
    return seen;
}

/// Answer with a template once there is news. BIP-0022, long polling.
void wait_for_news(
    std::shared_ptr<const Call> call,
    Seen seen,
    std::chrono::milliseconds patience,
    std::function<void(Reply)> done) {
    NodeContext& context = context_of(*call);
    const std::stop_token call_left = call->left; // The call moves on.
    auto is_news = [tip = seen.tip](const chain::BlockNode& node) {
        return node.hash.to_string() != tip;
    };
    auto look = [call = std::move(call), seen = std::move(seen),
                 done = std::move(done)](const chain::BlockNode& tip) mutable {
        if (given_up(*call)) return done(SHUTTING_DOWN);
        const bool same_tip = tip.hash.to_string() == seen.tip;
        const bool same_pool = chain_of(*call).mempool()->sequence() == seen.mempool_sequence;
        if (same_tip && same_pool)
            return wait_for_news(
                std::move(call), std::move(seen), NEXT_MEMPOOL_LOOK, std::move(done));
        // Not here: this may be the chain thread, which is to make the template.
        server::CallQueue& queue = context_of(*call).queue;
        queue.push(&queue, Pace::Waits, [call = std::move(call), done = std::move(done)] {
            or_what_failed(done, [&] { answer_now(call, done); });
        });
    };
    context.tips.wait(std::move(is_news), patience, call_left, std::move(look));
}

void getblocktemplate(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
    if (std::optional<Error> error = check_template_request(*call)) return done(std::move(*error));
    const Json* id = call->arguments[0].find("longpollid");
    if (id == nullptr || id->is_null()) return answer_now(call, std::move(done));
    if (auto error = server::check_hash("longpollid", id->text.substr(0, HASH_DIGITS)))
        return done(std::move(*error));
    wait_for_news(call, seen_of(id->text), FIRST_MEMPOOL_LOOK, std::move(done));
}

const Method GETBLOCKTEMPLATE{
    .name = "getblocktemplate",
    .role = Role::Mine,
    .summary = "What a miner needs to make the next block; or whether a block would be accepted.",
    .params =
        {{"template_request",
          Type::Object,
          REQUIRED,
          "Form of the template",
          {{"mode",
            Type::Any,
            "What is asked for",
            {{"", Type::Text, "template or proposal"}},
            true},
           {"capabilities", Type::Array, "Ignored", {{"", Type::Text}}, true},
           {"rules",
            Type::Array,
            "Soft forks the miner knows, segwit among them",
            {{"", Type::Text}}},
           {"longpollid", Type::Text, "Wait for something newer than this", {}, true},
           {"data", Type::Any, "For mode proposal", {{"", Type::Hex, "The block"}}, true}}}},
    .fails =
        {BAD_MODE,
         NO_SEGWIT,
         NO_SIGNET,
         MISSING_DATA,
         BAD_BLOCK,
         BEHIND,
         {Code::InvalidParameter, "longpollid must be of length 64 (not ..., for '...')"},
         {Code::InvalidParameter, "longpollid must be hexadecimal string (not '...')"},
         SHUTTING_DOWN},
    .example = R"({"rules":["segwit"]})",
    .run =
        {getblocktemplate,
         {returned<TemplateView>("mode = template", "", TEMPLATE),
          returned<Verdict>("mode = proposal", "Null if it would be accepted, or the reason")}},
    .pace = waits,
};

// submitblock, submitheader //////////////////////////////////////////////////////////////////

/// Add the coinbase's reserved value if the block commits to witnesses and lacks it: BIP-0145
/// leaves it out of what miners send. Core: UpdateUncommittedBlockStructures.
void complete_coinbase(const chain::Chain& chain, Block& block) {
    const chain::BlockNode* parent = chain.find_block(block.header.prev_hash);
    if (parent == nullptr || parent->height + 1 < chain.params().activation.segwit) return;
    if (block.transactions.empty() || block.transactions[0].inputs.empty() ||
        !witness_commitment_index(block.transactions[0]) || block.transactions[0].has_witness())
        return;
    Transaction coinbase = block.transactions[0];
    coinbase.inputs[0].witness.push_back(Hash256().view());
    block.transactions[0] = SealedTransaction(std::move(coinbase));
}

Outcome<Verdict> submitblock(const Call& call) {
    const Outcome<std::shared_ptr<Block>> block = block_of_hex(call.text(0));
    if (!block) return block.error();
    const chain::BlockNode* known = chain_of(call).find_block((*block)->header.hash());
    if (known != nullptr && (known->has(chain::BlockNode::VALID_SCRIPTS) || known->failed()))
        return known_verdict(*known, "");
    complete_coinbase(chain_of(call), **block);
    const auto outcome =
        wait_for<chain::BlockOutcome>(call, &chain::Chain::accept_block, *block, true);
    if (!outcome.verdict) return verdict_of(outcome.verdict);
    if (outcome.known) return Verdict("duplicate");
    return only_if<std::string>(!outcome.on_active_chain, "inconclusive");
}

const Method SUBMITBLOCK{
    .name = "submitblock",
    .role = Role::Mine,
    .summary = "Hand in a block.",
    .params =
        {{"hexdata", Type::Hex, REQUIRED, "The block as on the wire"},
         {"dummy", Type::Text, "\"ignored\"", "For BIP-0022; ignored"}},
    .fails = {BAD_BLOCK},
    .example = "$BLOCK",
    .run =
        {submitblock,
         "Null if it was accepted, or: duplicate, duplicate-invalid, inconclusive, or the reason"},
    .pace = waits,
};

Outcome<> submitheader(const Call& call) {
    Bytes bytes = from_hex(call.text(0)).value_or(Bytes());
    bytes.resize(std::min(bytes.size(), HEADER_BYTES)); // Some send the whole block.
    const consensus::Result<BlockHeader> header = decode<BlockHeader>(bytes);
    if (!header) return BAD_HEADER;
    if (chain_of(call).find_block(header->prev_hash) == nullptr)
        return Error{
            Code::Verify,
            "Must submit previous header (" + header->prev_hash.to_string() + ") first"};
    const auto outcome =
        wait_for<chain::HeadersOutcome>(call, &chain::Chain::accept_headers, std::vector{*header});
    if (!outcome.verdict) return Error{Code::Verify, reject_text(outcome.verdict.error())};
    return Null{};
}

const Method SUBMITHEADER{
    .name = "submitheader",
    .role = Role::Mine,
    .summary = "Hand in a header; its block may follow.",
    .params = {{"hexdata", Type::Hex, REQUIRED, "Its 80 bytes; what follows is ignored"}},
    .fails =
        {BAD_HEADER,
         {Code::Verify, "Must submit previous header (...) first"},
         {Code::Verify, "the reason of the refusal"}},
    .example = "$HEADER",
    .run = submitheader,
    .pace = waits,
};

} // namespace

Groups mining_methods() {
    return {{"Mining", {&GETBLOCKTEMPLATE, &SUBMITBLOCK, &SUBMITHEADER}}};
}

} // namespace cairn::rpc
