// SPDX-License-Identifier: MIT
#include "tests/rpc/sample_methods.h"

#include "rpc/server/json_writer.h"

namespace cairn::rpc::server {

namespace {

SampleContext& sample(const Call& call) {
    return static_cast<SampleContext&>(call.context());
}

const Method ADD{
    .name = "add",
    .group = "Sample",
    .summary = "The sum of two numbers.",
    .params =
        {{"a", Type::Integer, REQUIRED, "The first."},
         {"b|second", Type::Int32, "10", "The second."}},
    .returns = {{"", {"", Type::Integer, "The sum."}}},
    .example = "add 1 2",
    .run = [](const Call& call) -> Reply {
        return JsonWriter().integer(call.integer(0) + call.integer(1)).take();
    },
};

const Method GREET{
    .name = "greet",
    .group = "Sample",
    .summary = "Shows the arguments as they were understood.",
    .params =
        {{"name", Type::Text, REQUIRED, "Whom."},
         {"hash", Type::Hash, ABSENT, "A hash."},
         {"price", Type::Amount, "0.10", "Coins."},
         {"level", Type::Level, "1", "How much."}},
    .returns = {{"", {"", Type::Text, "A sentence."}}},
    .example = "greet Alice",
    .run = [](const Call& call) -> Reply {
        return JsonWriter()
            .string(
                call.text(0) + (call.has(1) ? " with " : " without ") +
                std::to_string(call.satoshis(2)) + " " + std::to_string(call.integer(3)))
            .take();
    },
};

const Method FAIL{
    .name = "fail",
    .group = "Sample",
    .summary = "Fails.",
    .example = "fail",
    .run = [](const Call&) -> Reply {
        return Error{Code::InvalidParameter, "as asked"};
    },
};

const Method THROW{
    .name = "throw",
    .group = "hidden",
    .summary = "Throws.",
    .example = "throw",
    .run = [](const Call&) -> Reply { throw std::runtime_error("disk on fire"); },
};

const Method LATER{
    .name = "later",
    .group = "Sample",
    .summary = "Waits until the test lets it go on.",
    .example = "later",
    .wait =
        [](const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
            const std::lock_guard lock(sample(*call).mutex);
            sample(*call).waiting.push_back(std::move(done));
        },
};

const Method COUNT{
    .name = "count",
    .group = "Sample",
    .summary = "Counts its calls.",
    .example = "count",
    .run = [](const Call& call) -> Reply {
        return JsonWriter().integer(++sample(call).count).take();
    },
};

} // namespace

std::vector<const Method*> sample_methods() {
    return {&ADD, &GREET, &FAIL, &THROW, &LATER, &COUNT};
}

} // namespace cairn::rpc::server
