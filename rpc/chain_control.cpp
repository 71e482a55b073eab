// SPDX-License-Identifier: MIT
// Waiting for blocks, overruling the choice of the chain, and the state of soft forks.
#include "consensus/block_rules.h"
#include "consensus/interpreter.h"
#include "consensus/version_bits.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

#include <array>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr std::string_view GROUP = "Blockchain";
constexpr std::string_view HIDDEN = "hidden";

const Failure BLOCK_NOT_FOUND{Code::InvalidAddressOrKey, "Block not found"};
const Failure NEGATIVE_TIMEOUT{Code::Misc, "Negative timeout"};
const Param TIMEOUT{"timeout", Type::Int32, "0", "Milliseconds; 0: for ever"};

std::vector<server::Result> tip_result() {
    return {
        {"",
         {"",
          Type::Object,
          "The tip then, whether or not it is what was waited for",
          {{"hash", Type::Hash, "Its hash"}, {"height", Type::Int32, "Its height"}}}}};
}

/// Answer with the tip once `condition` holds of it, or argument `timeout_at` has passed.
void wait_for_tip(
    const Call& call,
    TipWatch::Condition condition,
    size_t timeout_at,
    std::function<void(Reply)> done) {
    const int64_t timeout = call.integer(timeout_at);
    if (timeout < 0) return done(Error{Code::Misc, "Negative timeout"});
    context_of(call).tips.wait(
        std::move(condition), std::chrono::milliseconds(timeout),
        [done = std::move(done)](const chain::BlockNode& tip) {
            JsonWriter writer;
            writer.begin_object().field("hash", tip.hash.to_string());
            done(writer.field("height", tip.height.value).end_object().take());
        });
}

void waitfornewblock(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
    const BlockHash known =
        call->has(1) ? BlockHash(hash_argument(*call, 1)) : chain_of(*call).view().tip().hash;
    auto is_new = [known](const chain::BlockNode& tip) { return tip.hash != known; };
    wait_for_tip(*call, std::move(is_new), 0, std::move(done));
}

const Method WAITFORNEWBLOCK{
    .name = "waitfornewblock",
    .group = GROUP,
    .summary = "Wait until the tip changes.",
    .params = {TIMEOUT, {"current_tip", Type::Hash, ABSENT, "Wait for another tip than this"}},
    .returns = tip_result(),
    .fails = {NEGATIVE_TIMEOUT},
    .example = "waitfornewblock 10",
    .wait = waitfornewblock,
};

void waitforblock(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
    const BlockHash wanted(hash_argument(*call, 0));
    auto is_wanted = [wanted](const chain::BlockNode& tip) { return tip.hash == wanted; };
    wait_for_tip(*call, std::move(is_wanted), 1, std::move(done));
}

const Method WAITFORBLOCK{
    .name = "waitforblock",
    .group = GROUP,
    .summary = "Wait until a block is the tip.",
    .params = {{"blockhash", Type::Hash, REQUIRED, "The block"}, TIMEOUT},
    .returns = tip_result(),
    .fails = {NEGATIVE_TIMEOUT},
    .example = "waitforblock $BLOCKHASH 10",
    .wait = waitforblock,
};

void waitforblockheight(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
    const int64_t height = call->integer(0);
    auto is_high = [height](const chain::BlockNode& tip) { return tip.height.value >= height; };
    wait_for_tip(*call, std::move(is_high), 1, std::move(done));
}

const Method WAITFORBLOCKHEIGHT{
    .name = "waitforblockheight",
    .group = GROUP,
    .summary = "Wait until the tip is at a height or above.",
    .params = {{"height", Type::Int32, REQUIRED, "The height"}, TIMEOUT},
    .returns = tip_result(),
    .fails = {NEGATIVE_TIMEOUT},
    .example = "waitforblockheight 1",
    .wait = waitforblockheight,
};

using ChainAction = void (chain::Chain::*)(
    const chain::BlockNode&, std::function<void(const consensus::Result<>&)>);

/// Have the chain thread do `action` to the block of argument 0.
Reply act_on_block(const Call& call, ChainAction action) {
    const Outcome<const chain::BlockNode*> node = block_argument(call, 0);
    if (!node) return node.error();
    const auto verdict = wait_for<consensus::Result<>>(
        [&](auto done) { (chain_of(call).*action)(**node, std::move(done)); });
    if (!verdict) return verdict.error();
    if (!*verdict) return Error{Code::Database, reject_text(verdict->error())};
    return std::string("null");
}

const Method INVALIDATEBLOCK{
    .name = "invalidateblock",
    .group = HIDDEN,
    .summary = "Treat a block as if it broke a rule, until reconsiderblock.",
    .params = {{"blockhash", Type::Hash, REQUIRED, "The block"}},
    .returns = {{"", {"", Type::Null, ""}}},
    .fails = {BLOCK_NOT_FOUND},
    .example = "invalidateblock $BLOCKHASH",
    .run = [](const Call& call) { return act_on_block(call, &chain::Chain::invalidate_block); },
};

const Method RECONSIDERBLOCK{
    .name = "reconsiderblock",
    .group = HIDDEN,
    .summary = "Undo invalidateblock for a block, and all before and after it.",
    .params = {{"blockhash", Type::Hash, REQUIRED, "The block"}},
    .returns = {{"", {"", Type::Null, ""}}},
    .fails = {BLOCK_NOT_FOUND},
    .example = "reconsiderblock $BLOCKHASH",
    .run = [](const Call& call) { return act_on_block(call, &chain::Chain::reconsider_block); },
};

const Method PRECIOUSBLOCK{
    .name = "preciousblock",
    .group = GROUP,
    .summary = "Prefer a block to others of the same work, as if it had come first.",
    .params = {{"blockhash", Type::Hash, REQUIRED, "The block"}},
    .returns = {{"", {"", Type::Null, ""}}},
    .fails = {BLOCK_NOT_FOUND},
    .example = "preciousblock $BLOCKHASH",
    .run = [](const Call& call) { return act_on_block(call, &chain::Chain::precious_block); },
};

Reply syncwithvalidationinterfacequeue(const Call& call) {
    const auto answered = wait_for<bool>(
        [&](auto done) { chain_of(call).after_all([done = std::move(done)] { done(true); }); });
    if (!answered) return answered.error();
    return std::string("null");
}

const Method SYNCWITHVALIDATIONINTERFACEQUEUE{
    .name = "syncwithvalidationinterfacequeue",
    .group = HIDDEN,
    .summary = "Wait until everything asked before is done.",
    .returns = {{"", {"", Type::Null, ""}}},
    .example = "syncwithvalidationinterfacequeue",
    .run = syncwithvalidationinterfacequeue,
};

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

void write_buried(JsonWriter& writer, std::string_view name, Height activation, Height tip) {
    writer.key(name).begin_object().field("type", "buried");
    writer.field("active", tip + 1 >= activation).field("height", activation.value).end_object();
}

void write_signals(JsonWriter& writer, const Deployment& deployment, const HeaderNode& tip) {
    const SignalCount signals = count_signals(deployment, tip);
    writer.key("statistics").begin_object().field("period", deployment.period);
    writer.field("elapsed", signals.elapsed).field("count", signals.count);
    const bool started = deployment_state(deployment, tip.parent) == DeploymentState::Started;
    if (started)
        writer.field("threshold", deployment.threshold).field("possible", signals.possible);
    writer.end_object().field("signalling", signals.signalling);
}

void write_deployment(JsonWriter& writer, const Deployment& deployment, const HeaderNode& tip) {
    const DeploymentState now = deployment_state(deployment, tip.parent);
    const DeploymentState next = deployment_state(deployment, &tip);
    const bool counts = now == DeploymentState::Started || now == DeploymentState::LockedIn;
    writer.key(deployment.name).begin_object().field("type", "bip9");
    if (next == DeploymentState::Active)
        writer.field("height", deployment_since(deployment, &tip).value);
    writer.field("active", next == DeploymentState::Active).key("bip9").begin_object();
    if (counts) writer.field("bit", deployment.bit);
    writer.field("start_time", deployment.start_time).field("timeout", deployment.timeout);
    writer.field("min_activation_height", deployment.min_activation_height.value);
    writer.field("status", deployment_state_name(now));
    writer.field("since", deployment_since(deployment, tip.parent).value);
    writer.field("status_next", deployment_state_name(next));
    if (counts) write_signals(writer, deployment, tip);
    writer.end_object().end_object();
}

Reply getdeploymentinfo(const Call& call) {
    const chain::Chain& chain = chain_of(call);
    const Params& params = chain.params();
    const chain::BlockNode* node = &chain.view().tip();
    if (call.has(0)) {
        const Outcome<const chain::BlockNode*> named = block_argument(call, 0);
        if (!named) return named.error();
        node = *named;
    }
    JsonWriter writer;
    writer.begin_object().field("hash", node->hash.to_string());
    writer.field("height", node->height.value).key("script_flags").begin_array();
    const uint32_t flags = block_script_flags(node->hash, node->height, params);
    for (const auto& [name, flag] : FLAG_NAMES)
        if ((flags & flag) != 0) writer.string(name);
    writer.end_array().key("deployments").begin_object();
    write_buried(writer, "bip34", params.activation.bip34, node->height);
    write_buried(writer, "bip66", params.activation.bip66, node->height);
    write_buried(writer, "bip65", params.activation.bip65, node->height);
    write_buried(writer, "csv", params.activation.csv, node->height);
    write_buried(writer, "segwit", params.activation.segwit, node->height);
    // Taproot's rules hold on every block; the reference no longer lists how they came about.
    for (const Deployment& deployment : params.deployments)
        if (deployment.name != "taproot") write_deployment(writer, deployment, *node);
    return writer.end_object().end_object().take();
}

Field bip9_field() {
    return optional(
        {"bip9",
         Type::Object,
         "For type bip9",
         {optional({"bit", Type::Int32, "The bit that signals it, while it counts"}),
          {"start_time", Type::Integer, "Median time from which signals count"},
          {"timeout", Type::Integer, "Median time at which it fails"},
          {"min_activation_height", Type::Int32, "It is not active before"},
          {"status", Type::Text, "defined, started, locked_in, active or failed"},
          {"since", Type::Int32, "Height at which this began"},
          {"status_next", Type::Text, "The same for the next block"},
          optional(
              {"statistics",
               Type::Object,
               "Of the current period",
               {{"period", Type::Int32, "Blocks in a period"},
                {"elapsed", Type::Int32, "Blocks of it so far"},
                {"count", Type::Int32, "Those that signal"},
                optional({"threshold", Type::Int32, "How many lock it in"}),
                optional({"possible", Type::Bool, "Whether that can still happen"})}}),
          optional({"signalling", Type::Text, "# for each block that signals, - for others"})}});
}

const Method GETDEPLOYMENTINFO{
    .name = "getdeploymentinfo",
    .group = GROUP,
    .summary = "The state of soft forks as of a block.",
    .params = {{"blockhash", Type::Hash, ABSENT, "The block; the tip if none is given"}},
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"hash", Type::Hash, "The block"},
            {"height", Type::Int32, "Its height"},
            {"script_flags",
             Type::Array,
             "Rules of scripts in it",
             {{"", Type::Text, "Core's name of a rule"}}},
            {"deployments",
             Type::Map,
             "Soft forks by name",
             {{"name",
               Type::Object,
               "A soft fork",
               {{"type", Type::Text, "buried or bip9"},
                {"active", Type::Bool, "Whether its rules hold for the next block"},
                optional({"height", Type::Int32, "Height from which they hold"}),
                bip9_field()}}}}}}}},
    .fails = {BLOCK_NOT_FOUND},
    .example = "getdeploymentinfo",
    .run = getdeploymentinfo,
};

} // namespace

Methods chain_control_methods() {
    return {
        &WAITFORNEWBLOCK,
        &WAITFORBLOCK,
        &WAITFORBLOCKHEIGHT,
        &INVALIDATEBLOCK,
        &RECONSIDERBLOCK,
        &PRECIOUSBLOCK,
        &SYNCWITHVALIDATIONINTERFACEQUEUE,
        &GETDEPLOYMENTINFO};
}

} // namespace cairn::rpc
