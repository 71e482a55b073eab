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
#include <unordered_map>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr std::string_view GROUP = "Mining";
/// A long poll also ends when the mempool has changed, but not before this, and then each time.
constexpr std::chrono::seconds FIRST_MEMPOOL_LOOK{60};
constexpr std::chrono::seconds NEXT_MEMPOOL_LOOK{10};
constexpr size_t HASH_DIGITS = 64;

Outcome<std::shared_ptr<Block>> block_of_hex(const std::string& hex) {
    const std::optional<Bytes> bytes = from_hex(hex);
    if (bytes) {
        consensus::Result<Block> block = decode<Block>(*bytes);
        if (block) return std::make_shared<Block>(std::move(*block));
    }
    return Error{Code::Deserialization, "Block decode failed"};
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

std::string reject_reply(const consensus::Result<>& verdict) {
    if (verdict) return "null";
    return JsonWriter().string(verdict.error().reason).take();
}

/// BIP-0023: whether a block would be accepted but for its proof of work.
Reply check_proposal(const Call& call) {
    const Json* data = call.json(0).find("data");
    if (data == nullptr || !data->is(Json::Kind::String))
        return Error{Code::TypeError, "Missing data String key for proposal"};
    const Outcome<std::shared_ptr<Block>> block = block_of_hex(data->text);
    if (!block) return block.error();
    const chain::Chain& chain = chain_of(call);
    if (const chain::BlockNode* known = chain.find_block((*block)->header.hash())) {
        if (known->has(chain::BlockNode::VALID_SCRIPTS)) return std::string("\"duplicate\"");
        return std::string(
            known->failed() ? "\"duplicate-invalid\"" : "\"duplicate-inconclusive\"");
    }
    if ((*block)->header.prev_hash != chain.view().tip().hash)
        return std::string("\"inconclusive-not-best-prevblk\"");
    const auto verdict = wait_for<consensus::Result<>>(
        [&](auto done) { chain_of(call).test_block(*block, std::move(done)); });
    if (!verdict) return verdict.error();
    return reject_reply(*verdict);
}

void write_template_transactions(JsonWriter& writer, const chain::BlockTemplate& made) {
    const std::vector<SealedTransaction>& transactions = made.block->transactions;
    std::unordered_map<Txid, size_t, BlockHasher> positions;
    writer.key("transactions").begin_array();
    for (size_t i = 1; i < transactions.size(); ++i) {
        const SealedTransaction& tx = transactions[i];
        positions[tx.txid] = i;
        writer.begin_object().field("data", to_hex(encode(tx)));
        writer.field("txid", tx.txid.to_string()).field("hash", tx.wtxid.to_string());
        writer.key("depends").begin_array();
        std::set<size_t> depends;
        for (const TxIn& input : tx.inputs)
            if (const auto at = positions.find(input.prevout.txid); at != positions.end())
                depends.insert(at->second);
        for (const size_t position : depends) writer.unsigned_integer(position);
        writer.end_array().field("fee", made.fees[i].value);
        writer.field("sigops", made.sigop_costs[i]).field("weight", tx.weight()).end_object();
    }
    writer.end_array();
}

/// Rules that the block must obey; a miner who doesn't know one with '!' can't mine it. BIP-0009.
void write_template_rules(
    JsonWriter& writer, const chain::BlockTemplate& made, const Params& params) {
    writer.key("rules").begin_array();
    if (made.height >= params.activation.csv) writer.string("csv");
    if (made.height >= params.activation.segwit) writer.string("!segwit");
    if (params.signed_blocks()) writer.string("!signet");
    writer.string("taproot");
    for (const Deployment& deployment : params.deployments)
        if (deployment.name != "taproot" &&
            deployment_state(deployment, made.parent) == DeploymentState::Active)
            writer.string(deployment.name);
    writer.end_array().key("vbavailable").begin_object();
    for (const Deployment& deployment : params.deployments) {
        const DeploymentState state = deployment_state(deployment, made.parent);
        if (state == DeploymentState::Started || state == DeploymentState::LockedIn)
            writer.field(deployment.name, deployment.bit);
    }
    writer.end_object().field("vbrequired", 0);
}

std::string template_json(const chain::BlockTemplate& made, const Params& params) {
    const BlockHeader& header = made.block->header;
    JsonWriter writer;
    writer.begin_object().key("capabilities").begin_array().string("proposal").end_array();
    writer.field("version", header.version);
    write_template_rules(writer, made, params);
    const std::string previous = header.prev_hash.to_string();
    writer.field("previousblockhash", previous);
    write_template_transactions(writer, made);
    writer.key("coinbaseaux").begin_object().end_object();
    writer.field("coinbasevalue", made.coinbase_value.value);
    writer.field("longpollid", previous + std::to_string(made.mempool_sequence));
    writer.field("target", target_text(header.bits)).field("mintime", made.min_time);
    writer.key("mutable").begin_array();
    writer.string("time").string("transactions").string("prevblock").end_array();
    writer.field("noncerange", "00000000ffffffff");
    writer.field("sigoplimit", max_block_sigop_cost(params));
    writer.field("sizelimit", params.max_block_weight);
    writer.field("weightlimit", params.max_block_weight).field("curtime", header.time);
    writer.field("bits", bits_text(header.bits)).field("height", made.height.value);
    if (params.signed_blocks()) writer.field("signet_challenge", to_hex(params.challenge));
    if (!made.witness_commitment.empty())
        writer.field("default_witness_commitment", to_hex(made.witness_commitment));
    return writer.end_object().take();
}

Outcome<chain::BlockTemplate> make_template(const Call& call, Script payout) {
    Outcome<chain::BlockTemplate> made = wait_for<chain::BlockTemplate>(
        [&](auto done) { chain_of(call).make_template(std::move(payout), std::move(done)); });
    if (!made) return made;
    context_of(call).template_weight = made->block->weight();
    context_of(call).template_transactions =
        static_cast<int64_t>(made->block->transactions.size()) - 1;
    return made;
}

/// Errors: InvalidParameter, where the miner doesn't say that it knows what it must.
std::optional<Error> check_template_request(const Call& call) {
    const Json& request = call.json(0);
    if (const Json* mode = request.find("mode"); mode != nullptr && !mode->is_null()) {
        const bool known = mode->text == "template" || mode->text == "proposal";
        if (!mode->is(Json::Kind::String) || !known)
            return Error{Code::InvalidParameter, "Invalid mode"};
        if (mode->text == "proposal") return std::nullopt;
    }
    if (params_of(call).signed_blocks() && !lists(request, "rules", "signet"))
        return Error{
            Code::InvalidParameter,
            "getblocktemplate must be called with the signet rule set (call with {\"rules\": "
            "[\"segwit\", \"signet\"]})"};
    if (!lists(request, "rules", "segwit"))
        return Error{
            Code::InvalidParameter,
            "getblocktemplate must be called with the segwit rule set (call with {\"rules\": "
            "[\"segwit\"]})"};
    return std::nullopt;
}

Reply template_now(const Call& call) {
    const Json* mode = call.json(0).find("mode");
    if (mode != nullptr && mode->text == "proposal") return check_proposal(call);
    Script anyone;
    push_opcode(anyone, OP_1);
    const Outcome<chain::BlockTemplate> made = make_template(call, std::move(anyone));
    if (!made) return made.error();
    return template_json(*made, params_of(call));
}

/// What a long poll has seen already.
struct Seen {
    std::string tip;
    uint64_t mempool_sequence = 0;
};

/// `longpollid`: a hash and a number, as template_json() writes them.
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
    auto is_news = [tip = seen.tip](const chain::BlockNode& node) {
        return node.hash.to_string() != tip;
    };
    auto look = [call = std::move(call), seen = std::move(seen),
                 done = std::move(done)](const chain::BlockNode& tip) mutable {
        const NodeContext& now = context_of(*call);
        const bool same_tip = tip.hash.to_string() == seen.tip;
        const bool same_pool = chain_of(*call).mempool()->sequence() == seen.mempool_sequence;
        if (same_tip && same_pool && !now.stopping)
            return wait_for_news(
                std::move(call), std::move(seen), NEXT_MEMPOOL_LOOK, std::move(done));
        // Not here: this may be the chain thread, which is to make the template.
        TipWatch& tips = context_of(*call).tips;
        tips.run_soon(
            [call = std::move(call), done = std::move(done)] { done(template_now(*call)); });
    };
    context.tips.wait(std::move(is_news), patience, std::move(look));
}

void getblocktemplate(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
    if (std::optional<Error> error = check_template_request(*call)) return done(std::move(*error));
    const Json* id = call->json(0).find("longpollid");
    if (id == nullptr || !id->is(Json::Kind::String)) return done(template_now(*call));
    wait_for_news(call, seen_of(id->text), FIRST_MEMPOOL_LOOK, std::move(done));
}

std::vector<Field> template_transaction_fields() {
    return {
        {"data", Type::Hex, "The transaction as on the wire"},
        {"txid", Type::Hash, "Its id"},
        {"hash", Type::Hash, "The hash with the witness"},
        {"depends",
         Type::Array,
         "Transactions that must come before it",
         {{"", Type::Integer, "Position in this list, from 1"}}},
        {"fee", Type::Integer, "What it pays, in satoshis"},
        {"sigops", Type::Integer, "What it counts against sigoplimit"},
        {"weight", Type::Integer, "Weight units"}};
}

std::vector<Field> template_fields() {
    return {
        {"capabilities", Type::Array, "What the node can do", {{"", Type::Text, "A capability"}}},
        {"version", Type::Integer, "Version of the block"},
        {"rules", Type::Array, "Rules that hold", {{"", Type::Text, "A rule"}}},
        {"vbavailable",
         Type::Map,
         "Soft forks that may be signalled",
         {{"name", Type::Int32, "The bit"}}},
        {"vbrequired", Type::Integer, "Bits that must be set"},
        {"previousblockhash", Type::Hash, "The block before"},
        {"transactions",
         Type::Array,
         "All but the coinbase",
         {{"", Type::Object, "A transaction", template_transaction_fields()}}},
        {"coinbaseaux", Type::Map, "Data for the coinbase", {{"name", Type::Hex, "Data"}}},
        {"coinbasevalue", Type::Integer, "Most the coinbase may pay out, in satoshis"},
        {"longpollid", Type::Text, "For the next request, which then waits for news"},
        {"target", Type::Hash, "The hash may not exceed it"},
        {"mintime", Type::Time, "The earliest time"},
        {"mutable", Type::Array, "What may be changed", {{"", Type::Text, "A part"}}},
        {"noncerange", Type::Hex, "First and last nonce"},
        {"sigoplimit", Type::Integer, "Limit of the signature checks"},
        {"sizelimit", Type::Integer, "Limit of the bytes"},
        {"weightlimit", Type::Integer, "Limit of the weight units"},
        {"curtime", Type::Time, "The present time"},
        {"bits", Type::Hex, "The target in compact form"},
        {"height", Type::Int32, "Height of the block"},
        optional({"signet_challenge", Type::Hex, "Script that signs the chain's blocks"}),
        optional({"default_witness_commitment", Type::Hex, "Script of the commitment's output"})};
}

const Method GETBLOCKTEMPLATE{
    .name = "getblocktemplate",
    .group = GROUP,
    .summary = "What a miner needs to make the next block; or whether a block would be accepted.",
    .params =
        {{"template_request",
          Type::Object,
          REQUIRED,
          "Form of the template",
          {optional({"mode", Type::Text, "template or proposal"}),
           optional({"capabilities", Type::Array, "Ignored", {{"", Type::Text, "A capability"}}}),
           {"rules", Type::Array, "Soft forks the miner knows", {{"", Type::Text, "segwit"}}},
           optional({"longpollid", Type::Text, "Wait for something newer than this"}),
           optional({"data", Type::Hex, "For mode proposal: the block"})}}},
    .returns =
        {{"mode = template", {"", Type::Object, "", template_fields()}},
         {"mode = proposal, accepted", {"", Type::Null, ""}},
         {"mode = proposal, refused", {"", Type::Text, "The reason"}}},
    .fails =
        {{Code::InvalidParameter, "Invalid mode"},
         {Code::InvalidParameter,
          "getblocktemplate must be called with the segwit rule set (call with {\"rules\": "
          "[\"segwit\"]})"},
         {Code::TypeError, "Missing data String key for proposal"},
         {Code::Deserialization, "Block decode failed"}},
    .example = "getblocktemplate {\"rules\":[\"segwit\"]}",
    .wait = getblocktemplate,
};

// submitblock, submitheader //////////////////////////////////////////////////////////////////

/// Add the coinbase's reserved value if the block commits to witnesses and lacks it: BIP-0145
/// leaves it out of what miners send. Core: UpdateUncommittedBlockStructures.
void complete_coinbase(Block& block) {
    if (!witness_commitment_index(block.transactions[0])) return;
    if (block.transactions[0].has_witness()) return;
    Transaction coinbase = block.transactions[0];
    coinbase.inputs[0].witness.push_back(Hash256().view());
    block.transactions[0] = SealedTransaction(std::move(coinbase));
}

Reply submitblock(const Call& call) {
    const Outcome<std::shared_ptr<Block>> block = block_of_hex(call.text(0));
    if (!block) return block.error();
    const bool has_coinbase =
        !(*block)->transactions.empty() && (*block)->transactions[0].is_coinbase();
    if (!has_coinbase) return Error{Code::Deserialization, "Block does not start with a coinbase"};
    if (const chain::BlockNode* known = chain_of(call).find_block((*block)->header.hash())) {
        if (known->has(chain::BlockNode::VALID_SCRIPTS)) return std::string("\"duplicate\"");
        if (known->failed()) return std::string("\"duplicate-invalid\"");
    }
    complete_coinbase(**block);
    const auto outcome = wait_for<chain::BlockOutcome>(
        [&](auto done) { chain_of(call).accept_block(*block, true, std::move(done)); });
    if (!outcome) return outcome.error();
    if (!outcome->verdict) return reject_reply(outcome->verdict);
    if (outcome->known) return std::string("\"duplicate\"");
    return std::string(outcome->on_active_chain ? "null" : "\"inconclusive\"");
}

const Method SUBMITBLOCK{
    .name = "submitblock",
    .group = GROUP,
    .summary = "Hand in a block.",
    .params =
        {{"hexdata", Type::Hex, REQUIRED, "The block as on the wire"},
         {"dummy", Type::Text, "\"ignored\"", "For BIP-0022; ignored"}},
    .returns =
        {{"accepted", {"", Type::Null, ""}},
         {"else", {"", Type::Text, "duplicate, duplicate-invalid, inconclusive, or the reason"}}},
    .fails =
        {{Code::Deserialization, "Block decode failed"},
         {Code::Deserialization, "Block does not start with a coinbase"}},
    .example = "submitblock $BLOCK",
    .run = submitblock,
};

Reply submitheader(const Call& call) {
    const std::optional<Bytes> bytes = from_hex(call.text(0));
    const consensus::Result<BlockHeader> header =
        decode<BlockHeader>(bytes ? ByteView(*bytes) : ByteView());
    if (!header) return Error{Code::Deserialization, "Block header decode failed"};
    if (chain_of(call).find_block(header->prev_hash) == nullptr)
        return Error{
            Code::Verify,
            "Must submit previous header (" + header->prev_hash.to_string() + ") first"};
    const auto outcome = wait_for<chain::HeadersOutcome>(
        [&](auto done) { chain_of(call).accept_headers({*header}, std::move(done)); });
    if (!outcome) return outcome.error();
    if (!outcome->verdict) return Error{Code::Verify, reject_text(outcome->verdict.error())};
    return std::string("null");
}

const Method SUBMITHEADER{
    .name = "submitheader",
    .group = GROUP,
    .summary = "Hand in a header; its block may follow.",
    .params = {{"hexdata", Type::Hex, REQUIRED, "The 80 bytes"}},
    .returns = {{"", {"", Type::Null, ""}}},
    .fails =
        {{Code::Deserialization, "Block header decode failed"},
         {Code::Verify, "Must submit previous header first"},
         {Code::Verify, "the reason of the refusal"}},
    .example = "submitheader $HEADER",
    .run = submitheader,
};

// getmininginfo, getnetworkhashps ////////////////////////////////////////////////////////////

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

Reply getnetworkhashps(const Call& call) {
    const int64_t count = call.integer(0);
    const int64_t height = call.integer(1);
    const chain::View view = chain_of(call).view();
    if (count < -1 || count == 0)
        return Error{Code::InvalidParameter, "Invalid nblocks. Must be a positive number or -1."};
    if (height < -1 || height > view.height().value)
        return Error{Code::InvalidParameter, "Block does not exist at specified height"};
    const chain::BlockNode& tip = height < 0 ? view.tip() : *view.at(static_cast<int32_t>(height));
    const int64_t blocks = count == -1 ? blocks_since_retarget(tip, params_of(call)) : count;
    return JsonWriter().real(hashes_per_second(tip, blocks)).take();
}

const Method GETNETWORKHASHPS{
    .name = "getnetworkhashps",
    .group = GROUP,
    .summary = "Hashes a second of all miners, as the last blocks' times and difficulty say.",
    .params =
        {{"nblocks", Type::Int32, "120", "Blocks to look at; -1: since the last retargeting"},
         {"height", Type::Int32, "-1", "As of the block at this height; -1: the tip"}},
    .returns = {{"", {"", Type::Real, "Hashes a second"}}},
    .fails =
        {{Code::InvalidParameter, "Invalid nblocks. Must be a positive number or -1."},
         {Code::InvalidParameter, "Block does not exist at specified height"}},
    .example = "getnetworkhashps",
    .run = getnetworkhashps,
};

Reply getmininginfo(const Call& call) {
    constexpr int64_t hash_rate_blocks = 120;
    const NodeContext& context = context_of(call);
    const chain::Chain& chain = chain_of(call);
    const chain::View view = chain.view();
    const BlockHeader& header = view.tip().header;
    const int64_t weight = context.template_weight;
    JsonWriter writer;
    writer.begin_object().field("blocks", view.height().value);
    if (weight >= 0) {
        writer.field("currentblockweight", weight);
        writer.field("currentblocktx", context.template_transactions.load());
    }
    writer.field("bits", bits_text(header.bits));
    writer.field("difficulty", difficulty_of(header.bits));
    writer.field("target", target_text(header.bits));
    writer.field("networkhashps", hashes_per_second(view.tip(), hash_rate_blocks));
    writer.field("pooledtx", static_cast<uint64_t>(chain.mempool()->size()));
    writer.key("blockmintxfee").amount(chain.options().block_min_feerate.per_kvb.value);
    writer.field("chain", chain.params().name);
    if (chain.params().signed_blocks())
        writer.field("signet_challenge", to_hex(chain.params().challenge));
    const int64_t earliest = view.tip().median_time_past() + 1;
    const int64_t time = std::max(context.node.clock.wall_seconds(), earliest);
    const uint32_t next = next_bits(view.tip(), static_cast<uint32_t>(time), chain.params());
    writer.key("next").begin_object().field("height", view.height().value + 1);
    writer.field("bits", bits_text(next)).field("difficulty", difficulty_of(next));
    writer.field("target", target_text(next)).end_object();
    return writer.key("warnings").begin_array().end_array().end_object().take();
}

const Method GETMININGINFO{
    .name = "getmininginfo",
    .group = GROUP,
    .summary = "What a miner wants to know of the chain.",
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"blocks", Type::Int32, "Height of the tip"},
            optional({"currentblockweight", Type::Integer, "Weight of the last template"}),
            optional({"currentblocktx", Type::Integer, "Its transactions, without the coinbase"}),
            {"bits", Type::Hex, "The tip's target in compact form"},
            {"difficulty", Type::Real, "The tip's difficulty"},
            {"target", Type::Hash, "The tip's target"},
            {"networkhashps", Type::Real, "Hashes a second of all miners"},
            {"pooledtx", Type::Integer, "Transactions that wait"},
            {"blockmintxfee", Type::Amount, "Least price of 1,000 virtual bytes in templates"},
            {"chain", Type::Text, "The chain's name"},
            optional({"signet_challenge", Type::Hex, "Script that signs the chain's blocks"}),
            {"next",
             Type::Object,
             "The next block",
             {{"height", Type::Int32, "Its height"},
              {"bits", Type::Hex, "Its target in compact form"},
              {"difficulty", Type::Real, "Its difficulty"},
              {"target", Type::Hash, "Its target"}}},
            {"warnings",
             Type::Array,
             "What an operator should know",
             {{"", Type::Text, "A warning"}}}}}}},
    .example = "getmininginfo",
    .run = getmininginfo,
};

} // namespace

Methods mining_methods() {
    return {&GETBLOCKTEMPLATE, &SUBMITBLOCK, &SUBMITHEADER, &GETNETWORKHASHPS, &GETMININGINFO};
}

} // namespace cairn::rpc
