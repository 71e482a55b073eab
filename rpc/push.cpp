// SPDX-License-Identifier: MIT
// Being told what happens: subscriptions over a WebSocket, and the stream of events.
#include "rpc/push.h"

#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/server/url.h"

#include <charconv>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

const Error NO_CLIENT{Code::Misc, "Only over a WebSocket"};
const Error BAD_SINCE{Code::InvalidParameter, "There are not so many events"};
const Error NO_TOPIC{Code::InvalidParameter, "No topic"};
const Error TOO_MANY_SCRIPTS{Code::InvalidParameter, "Too many addresses"};
const Error TOO_MANY{Code::Misc, "Too many subscriptions"};

/// Add what `name` says to `topics`.
std::optional<Error> add_topic(Topics& topics, const std::string& name, const Params& params) {
    if (name == "blocks")
        topics.blocks = true;
    else if (name == "reorganisations")
        topics.reorganisations = true;
    else if (name == "mempool")
        topics.mempool = true;
    else if (std::optional<Script> script = script_of_text(name, params);
             script && script->size() <= MAX_SCRIPT_SIZE) // no coin has a longer one
        topics.scripts.insert(std::move(*script));
    else
        return BAD_ADDRESS;
    if (topics.scripts.size() > Publisher::MAX_SCRIPTS) return TOO_MANY_SCRIPTS;
    return std::nullopt;
}

Outcome<Topics> topics_of(const std::vector<std::string>& names, const Params& params) {
    if (names.empty()) return NO_TOPIC;
    Topics topics;
    for (const std::string& name : names)
        if (std::optional<Error> error = add_topic(topics, name, params)) return *error;
    return topics;
}

/// A subscription that began.
struct Begun {
    uint64_t id = 0;
    uint64_t next = 0;
};

const Object<Begun> BEGUN{
    {"subscription", "Its number, for unsubscribe", &Begun::id},
    {"next", "Number of the first event that it will tell of", &Begun::next}};

Outcome<Begun> subscribe(const Call& call) {
    if (!call.client) return NO_CLIENT;
    std::vector<std::string> names;
    for (const Json& name : call.arguments[0].items) names.push_back(name.text);
    Outcome<Topics> topics = topics_of(names, params_of(call));
    if (!topics) return topics.error();
    const uint64_t count = chain_of(call).event_count();
    if (call.has(1) && (call.integer(1) < 0 || static_cast<uint64_t>(call.integer(1)) > count))
        return BAD_SINCE;
    const uint64_t since = call.has(1) ? static_cast<uint64_t>(call.integer(1)) : count;
    const auto id = context_of(call).publisher.subscribe(call.client, std::move(*topics), since);
    if (!id) return TOO_MANY;
    return Begun{*id, since};
}

const Method SUBSCRIBE{
    .name = "subscribe",
    .summary = "Be told of what happens, over this WebSocket, by notifications \"block\" and "
               "\"mempool\" (docs/push.md).",
    .params =
        {{"topics",
          Type::Array,
          REQUIRED,
          "What of",
          {{"", Type::Text,
            "blocks, reorganisations, mempool, or an address, or a script in hexadecimal digits"}}},
         {"since", Type::Integer, ABSENT,
          "Number of the first event to be told of, one above the last that was seen; else only "
          "what is new"}},
    .fails = {NO_CLIENT, NO_TOPIC, BAD_ADDRESS, TOO_MANY_SCRIPTS, BAD_SINCE, TOO_MANY},
    .example = R"(["blocks","mempool"] 0)",
    .run = {subscribe, BEGUN},
};

Outcome<bool> unsubscribe(const Call& call) {
    if (!call.client) return NO_CLIENT;
    std::optional<uint64_t> id;
    if (call.has(0)) id = static_cast<uint64_t>(call.integer(0));
    return context_of(call).publisher.unsubscribe(call.client, id);
}

const Method UNSUBSCRIBE{
    .name = "unsubscribe",
    .summary = "Be told no more.",
    .params =
        {{"subscription", Type::Integer, ABSENT, "What subscribe returned; else all of them"}},
    .fails = {NO_CLIENT},
    .run = {unsubscribe, "Whether there was such a subscription"},
};

// Server-sent events /////////////////////////////////////////////////////////////////////////

std::optional<uint64_t> number_of(std::string_view text) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return only_if(error == std::errc() && end == text.data() + text.size(), number);
}

std::vector<std::string> names_in(std::string_view list) {
    std::vector<std::string> names;
    while (!list.empty()) {
        const std::string_view name = list.substr(0, list.find(','));
        list.remove_prefix(std::min(name.size() + 1, list.size()));
        names.emplace_back(name);
    }
    return names;
}

Answer refusal(const Error& error) {
    return {400, error.message + "\r\n", "text/plain"};
}

} // namespace

Streaming
stream_of_events(NodeContext& context, std::string_view target, std::string_view last_event_id) {
    const chain::Chain& chain = context.node.chain;
    const Url question(target);
    const std::string names = question.value("topics").value_or("blocks");
    Outcome<Topics> topics = topics_of(names_in(names), chain.params());
    if (!topics) return refusal(topics.error());

    std::optional<uint64_t> since = chain.event_count();
    if (const auto wanted = question.value("since")) since = number_of(*wanted);
    // A client that was cut off repeats its first request, but for this.
    if (const auto last = number_of(last_event_id)) since = *last + 1;
    if (!since || *since > chain.event_count()) return refusal(BAD_SINCE);
    return [&context, topics = std::move(*topics), since](const auto& client) {
        if (!context.publisher.subscribe(client, topics, *since)) client->drop(TOO_MANY.message);
    };
}

Groups push_methods() {
    return {{"Push", {&SUBSCRIBE, &UNSUBSCRIBE}}};
}

} // namespace cairn::rpc
