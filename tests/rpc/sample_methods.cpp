// SPDX-License-Identifier: MIT
#include "tests/rpc/sample_methods.h"

#include "rpc/server/json_writer.h"

#include <chrono>
#include <thread>

namespace cairn::rpc::server {

namespace {

SampleContext& sample(const Call& call) {
    return static_cast<SampleContext&>(call.context);
}

const Method ADD{
    .name = "add",
    .summary = "The sum of two numbers.",
    .params =
        {{"a", Type::Integer, REQUIRED, "The first."},
         {"b|second", Type::Int32, "10", "The second."}},
    .example = "1 2",
    .run = {[](const Call& call) { return call.integer(0) + call.integer(1); }, "The sum."},
};

const Method GREET{
    .name = "greet",
    .summary = "Shows the arguments as they were understood.",
    .params =
        {{"name", Type::Text, REQUIRED, "Whom."},
         {"hash", Type::Hash, ABSENT, "A hash."},
         {"price", Type::Amount, "0.10", "Coins."},
         {"level", Type::Level, "1", "How much."}},
    .example = "Alice",
    .run =
        {[](const Call& call) {
             return call.text(0) + (call.has(1) ? " with " : " without ") +
                    std::to_string(call.satoshis(2)) + " " + std::to_string(call.integer(3));
         },
         "A sentence."},
};

const Method FAIL{
    .name = "fail",
    .summary = "Fails.",
    .run = [](const Call&) -> Outcome<> {
        return Error{Code::InvalidParameter, "as asked"};
    },
};

const Method THROW{
    .name = "throw",
    .summary = "Throws.",
    .run = [](const Call&) -> Null { throw std::runtime_error("disk on fire"); },
};

void later(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
    const std::lock_guard lock(sample(*call).mutex);
    sample(*call).waiting.push_back(std::move(done));
    sample(*call).left = call->left;
}

const Method LATER{
    .name = "later",
    .summary = "Waits until the test lets it go on.",
    .run = {later, {}},
    .overlaps = true,
};

const Method COUNT{
    .name = "count",
    .role = Role::Mine,
    .summary = "Counts its calls.",
    .run = [](const Call& call) { return ++sample(call).count; },
};

const Method REPEAT{
    .name = "repeat",
    .summary = "A text of many letters.",
    .params = {{"letters", Type::Integer, REQUIRED, "How many."}},
    .example = "3",
    .run =
        {[](const Call& call) { return std::string(static_cast<size_t>(call.integer(0)), 'x'); },
         "The text."},
};

Null hold(const Call& call) {
    SampleContext& context = sample(call);
    std::unique_lock lock(context.mutex);
    ++context.held;
    context.changed.notify_all();
    context.changed.wait(lock, [&] { return context.let_go; });
    --context.held;
    context.changed.notify_all();
    return {};
}

const Method HOLD{
    .name = "hold",
    .summary = "Blocks its thread until the test lets go.",
    .run = hold,
    .pace = slow,
};

const Method NAP{
    .name = "nap",
    .summary = "Takes a millisecond, and counts as `count` does.",
    .run =
        [](const Call& call) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return ++sample(call).count;
        },
};

} // namespace

std::vector<Group> sample_methods() {
    return {
        {"Sample", {&ADD, &GREET, &FAIL, &LATER, &COUNT, &REPEAT, &HOLD}},
        {"hidden", {&THROW, &NAP}}};
}

} // namespace cairn::rpc::server
