// SPDX-License-Identifier: MIT
// For miners outside: templates (BIP-0022, BIP-0023, BIP-0145) and what they send back.
#include "chain/policy.h"
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
const Error BAD_COUNT{Code::InvalidParameter, "Invalid nblocks. Must be a positive number or -1."};
const Error PRIORITY_UNSUPPORTED{
    Code::InvalidParameter,
    "Priority is no longer supported, dummy argument to prioritisetransaction must be 0."};
const Error DUST_HAS_NO_PRIORITY{
    Code::InvalidParameter, "Priority is not supported for transactions with dust outputs."};
const Error BAD_HEIGHT{Code::InvalidParameter, "Block does not exist at specified height"};

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
    return std::any_of(list->items.begin(), list->items.end(), [&](const Json& item) {
        return item.is(Json::Kind::String) && item.text == text;
    });
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

/// The template over the tip and the mempool of now. While these stay, one is enough for all
/// callers: the chain thread validates nothing meanwhile it makes one.
chain::BlockTemplate current_template(const Call& call) {
    const chain::Chain& chain = chain_of(call);
    auto& cache = context_of(call).template_cache;
    const std::scoped_lock lock(cache.mutex);
    if (!cache.last || cache.last->parent != &chain.view().tip() ||
        cache.last->mempool_sequence != chain.mempool()->sequence()) {
        Script anyone;
        push_opcode(anyone, OP_1);
        cache.last = make_template(call, anyone);
    }
    return *cache.last;
}

Reply template_now(const Call& call) {
    if (is_proposal(call)) {
        const Outcome<Verdict> verdict = check_proposal(call);
        if (!verdict) return verdict.error();
        return to_json(*verdict);
    }
    const chain::Chain& chain = chain_of(call);
    if (chain.initial_download() && chain.best_header().height > chain.view().height())
        return BEHIND;
    const chain::BlockTemplate made = current_template(call);
    BlockHeader header = made.block->header;
    const int64_t now = context_of(call).node.clock.wall_seconds();
    header.time = std::max(made.min_time, static_cast<uint32_t>(now));
    header.bits = next_bits(*made.parent, header.time, params_of(call));
    return to_json(TemplateView{made, params_of(call), header}, TEMPLATE);
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
        if (given_up(*call)) return done(GIVEN_UP);
        const bool same_tip = tip.hash.to_string() == seen.tip;
        const bool same_pool = chain_of(*call).mempool()->sequence() == seen.mempool_sequence;
        if (same_tip && same_pool)
            return wait_for_news(
                std::move(call), std::move(seen), NEXT_MEMPOOL_LOOK, std::move(done));
        // Not here: this may be the chain thread, which is to make the template.
        server::CallQueue& queue = context_of(*call).queue;
        queue.push(&queue, Pace::Waits, [call = std::move(call), done = std::move(done)] {
            try {
                done(template_now(*call));
            } catch (const std::exception& failure) {
                done(Error{Code::Misc, failure.what()});
            }
        });
    };
    context.tips.wait(std::move(is_news), patience, call_left, std::move(look));
}

void getblocktemplate(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
    if (std::optional<Error> error = check_template_request(*call)) return done(std::move(*error));
    const Json* id = call->arguments[0].find("longpollid");
    if (id == nullptr || !id->is(Json::Kind::String)) return done(template_now(*call));
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
          {{"mode", Type::Text, "template or proposal", {}, true},
           {"capabilities", Type::Array, "Ignored", {{"", Type::Text}}, true},
           {"rules",
            Type::Array,
            "Soft forks the miner knows, segwit among them",
            {{"", Type::Text}}},
           {"longpollid", Type::Text, "Wait for something newer than this", {}, true},
           {"data", Type::Hex, "For mode proposal: the block", {}, true}}}},
    .fails = {BAD_MODE, NO_SEGWIT, NO_SIGNET, MISSING_DATA, BAD_BLOCK, BEHIND},
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
void complete_coinbase(Block& block) {
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
    complete_coinbase(**block);
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
         {Code::Verify, "Must submit previous header first"},
         {Code::Verify, "the reason of the refusal"}},
    .example = "$HEADER",
    .run = submitheader,
    .pace = waits,
};

// getmininginfo, getnetworkhashps ////////////////////////////////////////////////////////////

constexpr int64_t HASH_RATE_BLOCKS = 120;

/// Hashes a second that the last `count` blocks up to `tip` took. Core: GetNetworkHashPS.
double hashes_per_second(const HeaderNode& tip, int64_t count) {
    count = std::min<int64_t>(count, tip.height.value);
    if (count <= 0) return 0;
    uint32_t first_time = tip.header.time;
    uint32_t last_time = tip.header.time;
    const HeaderNode* first = &tip;
    for (int64_t i = 0; i < count; ++i) {
        first = first->parent;
        first_time = std::min(first_time, first->header.time);
        last_time = std::max(last_time, first->header.time);
    }
    if (first_time == last_time) return 0;
    return Uint256(tip.work - first->work).convert_to<double>() / (last_time - first_time);
}

int64_t blocks_since_retarget(const HeaderNode& tip, const Params& params) {
    const auto* rule = std::get_if<BitcoinRule>(&params.pow);
    const int32_t interval = rule != nullptr ? rule->interval() : BitcoinRule().interval();
    return tip.height.value % interval + 1;
}

Outcome<double> getnetworkhashps(const Call& call) {
    const int64_t count = call.integer(0);
    const int64_t height = call.integer(1);
    const chain::View view = chain_of(call).view();
    if (count < -1 || count == 0) return BAD_COUNT;
    if (height < -1 || height > view.height().value) return BAD_HEIGHT;
    const chain::BlockNode& tip = height < 0 ? view.tip() : *view.at(static_cast<int32_t>(height));
    return hashes_per_second(
        tip, count == -1 ? blocks_since_retarget(tip, params_of(call)) : count);
}

const Method GETNETWORKHASHPS{
    .name = "getnetworkhashps",
    .summary = "Hashes a second of all miners, as the last blocks' times and difficulty say.",
    .params =
        {{"nblocks", Type::Int32, "120", "Blocks to look at; -1: since the last retargeting"},
         {"height", Type::Int32, "-1", "As of the block at this height; -1: the tip"}},
    .fails = {BAD_COUNT, BAD_HEIGHT},
    .run = {getnetworkhashps, "Hashes a second"},
};

struct MiningState {
    const NodeContext& context;
    const chain::Chain& chain = context.node.chain;
    const Params& params = chain.params();
    const HeaderNode& tip = chain.view().tip();

    /// Of the last template.
    std::optional<int64_t> weight() const {
        return only_if<int64_t>(context.template_weight >= 0, context.template_weight);
    }

    std::optional<int64_t> transactions() const {
        return only_if<int64_t>(context.template_weight >= 0, context.template_transactions);
    }

    Target next() const {
        const int64_t earliest = tip.median_time_past() + 1;
        const int64_t time = std::max(context.node.clock.wall_seconds(), earliest);
        return {next_bits(tip, static_cast<uint32_t>(time), params)};
    }
};

const Object<MiningState> NEXT_BLOCK{
    {"height", "Its height", [](auto& s) { return s.tip.height + 1; }},
    {TARGET, &MiningState::next}};

const Object<MiningState> MINING_STATE{
    {"blocks", "Height of the tip", [](auto& s) { return s.tip.height; }},
    {"currentblockweight", "Weight of the last template", &MiningState::weight},
    {"currentblocktx", "Its transactions, without the coinbase", &MiningState::transactions},
    {TARGET, [](auto& s) { return Target{s.tip.header.bits}; }},
    {"networkhashps", "Hashes a second of all miners",
     [](auto& s) { return hashes_per_second(s.tip, HASH_RATE_BLOCKS); }},
    {"pooledtx", "Transactions that wait", [](auto& s) { return s.chain.mempool()->size(); }},
    {"blockmintxfee", "Least price of 1,000 virtual bytes in templates",
     [](auto& s) { return s.chain.options().block_min_feerate; }},
    {"chain", "The chain's name", [](auto& s) { return s.params.name; }},
    {"signet_challenge", "Script that signs the chain's blocks",
     [](auto& s) { return signet_challenge(s.params); }},
    {"next", "The next block", NEXT_BLOCK},
    {"warnings", "What an operator should know", WARNINGS}};

const Method GETMININGINFO{
    .name = "getmininginfo",
    .summary = "What a miner wants to know of the chain.",
    .run = {[](const Call& call) { return MiningState{context_of(call)}; }, MINING_STATE},
};

Outcome<bool> prioritisetransaction(const Call& call) {
    if (call.has(1) && std::strtod(call.text(1).c_str(), nullptr) != 0) return PRIORITY_UNSUPPORTED;
    const Txid txid(hash_argument(call, 0));
    {
        const chain::MempoolReader pool = chain_of(call).mempool();
        const chain::MempoolEntry* entry = pool->find(txid);
        if (entry && chain::count_dust(*entry->tx, chain_of(call).options().dust_feerate) > 0)
            return DUST_HAS_NO_PRIORITY;
    }
    wait_for<Null>(call, &chain::Chain::prioritise, txid, Amount(call.integer(2)));
    return true;
}

const Method PRIORITISETRANSACTION{
    .name = "prioritisetransaction",
    .role = Role::Mine,
    .summary = "Count a transaction in mining as if it paid more, or less. It still pays the same.",
    .params =
        {{"txid", Type::Hash, REQUIRED, "The transaction"},
         {"dummy", Type::Real, ABSENT, "0 or null; kept for old callers"},
         {"fee_delta", Type::Integer, REQUIRED, "Satoshis, added to what was given before"}},
    .fails = {PRIORITY_UNSUPPORTED, DUST_HAS_NO_PRIORITY},
    .example = "$WAITING_TXID 0 1000",
    .run = {prioritisetransaction, "true"},
    .pace = waits,
};

struct Priority {
    Amount delta;
    std::optional<Amount> modified_fee; ///< Of one that waits.
};

const Object<Priority> PRIORITY{
    {"fee_delta", "Satoshis that its fee counts more", [](auto& p) { return p.delta.value; }},
    {"in_mempool", "Whether it waits", [](auto& p) { return p.modified_fee.has_value(); }},
    {"modified_fee", "Satoshis that it counts as paying, if it waits", [](auto& p) {
         return only_if(p.modified_fee.has_value(), p.modified_fee.value_or(0).value);
     }}};

std::map<std::string, Priority> getprioritisedtransactions(const Call& call) {
    const chain::MempoolReader pool = chain_of(call).mempool();
    std::map<std::string, Priority> all;
    for (const auto& [txid, delta] : pool->priorities()) {
        const chain::MempoolEntry* entry = pool->find(txid);
        const Amount fee = entry == nullptr ? Amount(0) : entry->modified_fee;
        all[txid.to_string()] = {delta, only_if(entry != nullptr, fee)};
    }
    return all;
}

const Method GETPRIORITISEDTRANSACTIONS{
    .name = "getprioritisedtransactions",
    .summary = "What prioritisetransaction has changed.",
    .run = {getprioritisedtransactions, "By id", PRIORITY},
};

} // namespace

Groups mining_methods() {
    return {
        {"Mining",
         {&GETBLOCKTEMPLATE, &SUBMITBLOCK, &SUBMITHEADER, &GETNETWORKHASHPS, &GETMININGINFO,
          &PRIORITISETRANSACTION, &GETPRIORITISEDTRANSACTIONS}}};
}

} // namespace cairn::rpc
