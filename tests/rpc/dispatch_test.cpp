// SPDX-License-Identifier: MIT
#include "rpc/server/call_queue.h"
#include "rpc/server/dispatch.h"
#include "rpc/server/help.h"
#include "tests/rpc/sample_methods.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

using namespace cairn::rpc::server;

namespace {

struct Fixture {
    Dispatcher dispatcher{sample_methods()};
    User user{"alice"};
    SampleContext context; // It keeps calls, which know the dispatcher.
    std::vector<std::function<void()>> resumed;

    Fixture() { dispatcher.ready(context); }

    /// The answer if it came at once; status 0 if it didn't yet.
    Answer ask(std::string_view body) {
        last = {0, {}};
        dispatcher.handle(
            body, {user},
            [this](std::function<void()> task) { resumed.push_back(std::move(task)); },
            [this](Answer answer) { last = std::move(answer); });
        return last;
    }

    void check(std::string_view body, int status, std::string_view reply) {
        const Answer answer = ask(body);
        BOOST_TEST(answer.http_status == status, body);
        BOOST_TEST(answer.body == (reply.empty() ? "" : std::string(reply) + "\n"), body);
    }

    /// The message and code of the error that version 1 answers a call with.
    void check_error(std::string_view call, int code, std::string_view message) {
        const Answer answer = ask(call);
        const std::optional<Json> json = parse_json(answer.body);
        BOOST_REQUIRE(json);
        const Json* error = json->find("error");
        BOOST_REQUIRE(error->is(Json::Kind::Object));
        BOOST_TEST(error->find("code")->text == std::to_string(code));
        BOOST_TEST(error->find("message")->text == message);
    }

    Answer last;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(dispatch, Fixture)

BOOST_AUTO_TEST_CASE(handle__version_1__result_error_and_id) {
    check(
        R"({"id":"x","method":"add","params":[1,2]})", 200,
        R"({"result":3,"error":null,"id":"x"})");
    check(
        R"({"jsonrpc":"1.1","id":[1],"method":"add","params":[1]})", 200,
        R"({"result":11,"error":null,"id":[1]})");
    check(R"({"method":"add","params":[1,2]})", 200, R"({"result":3,"error":null})");
    check(
        R"({"jsonrpc":"1.0","id":null,"method":"fail"})", 500,
        R"({"result":null,"error":{"code":-8,"message":"as asked"},"id":null})");
    check(
        R"({"id":1,"method":"nope"})", 404,
        R"({"result":null,"error":{"code":-32601,"message":"Method not found"},"id":1})");
}

BOOST_AUTO_TEST_CASE(handle__version_2__result_or_error_always_200) {
    check(
        R"({"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]})", 200,
        R"({"jsonrpc":"2.0","result":3,"id":1})");
    check(
        R"({"jsonrpc":"2.0","id":null,"method":"fail"})", 200,
        R"({"jsonrpc":"2.0","error":{"code":-8,"message":"as asked"},"id":null})");
    check(
        R"({"jsonrpc":"2.0","id":1,"method":"nope"})", 200,
        R"({"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1})");
}

BOOST_AUTO_TEST_CASE(handle__bad_envelope__400) {
    const auto refused = [](std::string_view message) {
        return R"({"result":null,"error":{"code":-32600,"message":")" + std::string(message) +
               "\"}";
    };
    check(R"({"jsonrpc":2,"method":"add"})", 400, refused("jsonrpc field must be a string") + "}");
    check(
        R"({"jsonrpc":"3.0","method":"add"})", 400,
        refused("JSON-RPC version not supported") + "}");
    check(R"({"id":3})", 400, refused("Missing method") + R"(,"id":3})");
    check(R"({"method":5})", 400, refused("Method must be a string") + "}");
    check(
        R"({"method":"add","params":7})", 400, refused("Params must be an array or object") + "}");
    check("[5]", 200, "[" + refused("Invalid Request object") + "}]");
}

BOOST_AUTO_TEST_CASE(handle__no_json__parse_error_500) {
    const auto error = [](std::string_view message) {
        return R"({"result":null,"error":{"code":-32700,"message":")" + std::string(message) +
               R"("},"id":null})";
    };
    check("", 500, error("Parse error"));
    check("this is bad", 500, error("Parse error"));
    check(R"({"id":1,"method":"add")", 500, error("Parse error"));
    check("7", 500, error("Top-level object parse error"));
}

BOOST_AUTO_TEST_CASE(handle__notification__executed_without_reply) {
    check(R"({"jsonrpc":"2.0","method":"count"})", 204, "");
    check(R"({"jsonrpc":"2.0","method":"fail"})", 204, "");
    check(R"({"jsonrpc":"2.0","method":"nope"})", 204, "");
    BOOST_TEST(context.count == 1);
}

BOOST_AUTO_TEST_CASE(handle__batch__array_in_order) {
    check(
        R"([{"id":1,"method":"add","params":[1]},{"id":2,"method":"nope"},{"pizza":true,"id":3},)"
        R"({"jsonrpc":"2.0","id":4,"method":"fail"},{"jsonrpc":"2.0","method":"count"}])",
        200,
        R"([{"result":11,"error":null,"id":1},)"
        R"({"result":null,"error":{"code":-32601,"message":"Method not found"},"id":2},)"
        R"({"result":null,"error":{"code":-32600,"message":"Missing method"},"id":3},)"
        R"({"jsonrpc":"2.0","error":{"code":-8,"message":"as asked"},"id":4}])");
    BOOST_TEST(context.count == 1);
    check("[]", 200, "[]");
    check(R"([{"jsonrpc":"2.0","method":"count"},{"jsonrpc":"2.0","method":"count"}])", 204, "");
    BOOST_TEST(context.count == 3);
}

BOOST_AUTO_TEST_CASE(handle__named_parameters__placed) {
    check(R"({"method":"add","params":{"b":2,"a":1}})", 200, R"({"result":3,"error":null})");
    check(R"({"method":"add","params":{"second":5,"a":1}})", 200, R"({"result":6,"error":null})");
    check(R"({"method":"add","params":{"args":[1],"b":7}})", 200, R"({"result":8,"error":null})");
    check(R"({"method":"add","params":{"args":[1,9]}})", 200, R"({"result":10,"error":null})");
    check_error(R"({"method":"add","params":{"a":1,"x":1}})", -8, "Unknown named parameter x");
    check_error(
        R"({"method":"add","params":{"a":1,"args":3}})", -8, "Unknown named parameter args");
    check_error(
        R"({"method":"add","params":{"args":[1,2],"b":3}})", -8,
        "Parameter b specified twice both as positional and named argument");
    check_error(
        R"({"method":"add","params":{"a":1,"b":2,"second":3}})", -8,
        "Parameter second specified multiple times");
}

BOOST_AUTO_TEST_CASE(handle__wrong_count__help_text) {
    const std::string help = help_text(*dispatcher.find("add"));
    BOOST_TEST(help.starts_with("add a ( b )\n"));
    check_error(R"({"method":"add"})", -1, help);
    check_error(R"({"method":"add","params":[1,2,3]})", -1, help);
    check_error(
        R"({"method":"add","params":{"b":1}})", -3,
        "Wrong type passed:\n{\n    \"Position 1 (a)\": \"JSON value of type null is not of "
        "expected type number\"\n}");
}

BOOST_AUTO_TEST_CASE(handle__wrong_type__names_position) {
    check_error(
        R"({"method":"add","params":["1",[]]})", -3,
        "Wrong type passed:\n{\n"
        "    \"Position 1 (a)\": \"JSON value of type string is not of expected type number\",\n"
        "    \"Position 2 (b|second)\": \"JSON value of type array is not of expected type "
        "number\"\n}");
    check_error(R"({"method":"add","params":[1.5]})", -1, "JSON integer out of range");
    check_error(R"({"method":"add","params":[1,3000000000]})", -1, "JSON integer out of range");
    check_error(
        R"({"method":"add","params":[99999999999999999999]})", -1, "JSON integer out of range");
}

BOOST_AUTO_TEST_CASE(handle__typed_arguments__checked_and_completed) {
    const std::string hash(64, 'a');
    check(
        R"({"method":"greet","params":["Al"]})", 200,
        R"({"result":"Al without 10000000 1","error":null})");
    check(
        R"({"method":"greet","params":["Al",")" + hash + R"(","1.5",true]})", 200,
        R"({"result":"Al with 150000000 1","error":null})");
    check(
        R"({"method":"greet","params":["Al",null,0.00000001,7]})", 200,
        R"({"result":"Al without 1 7","error":null})");
    check_error(
        R"({"method":"greet","params":["Al","0"]})", -8,
        "hash must be of length 64 (not 1, for '0')");
    const std::string not_hex(64, 'g');
    check_error(
        R"({"method":"greet","params":["Al",")" + not_hex + R"("]})", -8,
        "hash must be hexadecimal string (not '" + not_hex + "')");
    check_error(
        R"({"method":"greet","params":["Al",null,[]]})", -3, "Amount is not a number or string");
    check_error(R"({"method":"greet","params":["Al",null,"x"]})", -3, "Invalid amount");
    check_error(R"({"method":"greet","params":["Al",null,-1]})", -3, "Amount out of range");
    check_error(
        R"({"method":"greet","params":["Al",null,0,"3"]})", -3,
        "JSON value of type string is not of expected type number");
}

BOOST_AUTO_TEST_CASE(handle__handler_throws__error_not_a_crash) {
    check_error(R"({"method":"throw"})", -1, "disk on fire");
}

BOOST_AUTO_TEST_CASE(handle__not_ready__refused_with_status) {
    Dispatcher young(sample_methods());
    young.set_status("Loading block index…");
    Answer answer;
    const auto ask_young = [&](std::string_view body) {
        young.handle(body, {user}, nullptr, [&](Answer a) { answer = std::move(a); });
    };
    ask_young(R"({"id":1,"method":"add","params":[1]})");
    BOOST_TEST(answer.http_status == 500);
    BOOST_TEST(
        answer.body == "{\"result\":null,\"error\":{\"code\":-28,\"message\":\"Loading block "
                       "index…\"},\"id\":1}\n");
    ask_young(R"({"jsonrpc":"2.0","id":1,"method":"add","params":[1]})");
    BOOST_TEST(answer.http_status == 200);
    young.ready(context);
    ask_young(R"({"id":1,"method":"add","params":[1]})");
    BOOST_TEST(answer.http_status == 200);
}

BOOST_AUTO_TEST_CASE(handle__role_is_too_low__403_and_in_a_batch_an_error) {
    user.role = Role::Read;
    const std::string forbidden = R"({"code":-2,"message":"User alice may not call count"})";
    check(
        R"({"id":1,"method":"count"})", 403,
        R"({"result":null,"error":)" + forbidden + R"(,"id":1})");
    check(
        R"({"jsonrpc":"2.0","id":1,"method":"count"})", 403,
        R"({"jsonrpc":"2.0","error":)" + forbidden + R"(,"id":1})");
    check(
        R"([{"id":1,"method":"count"},{"id":2,"method":"add","params":[1,2]}])", 200,
        R"([{"result":null,"error":)" + forbidden +
            R"(,"id":1},{"result":3,"error":null,"id":2}])");
    BOOST_TEST(ask(R"({"method":"nope"})").http_status == 404);
    BOOST_TEST(context.count == 0);
    for (const Role role : {Role::Mine, Role::Admin}) {
        user.role = role;
        BOOST_TEST(ask(R"({"method":"count"})").http_status == 200);
    }
}

BOOST_AUTO_TEST_CASE(handle__method_not_in_the_users_list__403) {
    user.methods = {"add"};
    BOOST_TEST(ask(R"({"method":"add","params":[1]})").http_status == 200);
    BOOST_TEST(ask(R"({"method":"count"})").http_status == 403);
    BOOST_TEST(ask(R"({"method":"nope"})").http_status == 403);
    user.methods = {"count"};
    user.role = Role::Read; // both have a say
    BOOST_TEST(ask(R"({"method":"count"})").http_status == 403);
    BOOST_TEST(context.count == 0);
}

BOOST_AUTO_TEST_CASE(handle__waiting_call__holds_no_thread_and_keeps_order) {
    ask(R"([{"id":1,"method":"later"},{"id":2,"method":"count"}])");
    BOOST_TEST(last.http_status == 0); // returned, not answered
    BOOST_REQUIRE(context.waiting.size() == 1U);
    BOOST_TEST(dispatcher.active().size() == 1U);
    BOOST_TEST(dispatcher.active()[0].method == "later");
    context.waiting[0](std::string("5"));
    BOOST_TEST(last.http_status == 0); // continues only where the server says
    BOOST_REQUIRE(resumed.size() == 1U);
    resumed[0]();
    BOOST_TEST(
        last.body == "[{\"result\":5,\"error\":null,\"id\":1},"
                     "{\"result\":1,\"error\":null,\"id\":2}]\n");
    BOOST_TEST(dispatcher.active().empty());
}

BOOST_AUTO_TEST_CASE(handle__batch_of_overlapping_calls__begun_together_answered_in_order) {
    ask(R"([{"id":1,"method":"later"},{"id":2,"method":"later"},{"id":3,"method":"count"},)"
        R"({"id":4,"method":"later"},{"jsonrpc":"2.0","method":"later"},)"
        R"({"id":6,"method":"nope"}])");
    const auto answer = [this](size_t i) {
        context.waiting.at(i)(std::to_string(i));
        resumed.back()();
    };
    BOOST_TEST(context.waiting.size() == 2U);
    BOOST_TEST(dispatcher.active().size() == 2U);
    answer(1);
    BOOST_TEST(context.count == 0); // which has to see what both have done
    answer(0);
    BOOST_TEST(context.count == 1);
    BOOST_TEST(context.waiting.size() == 4U);
    answer(3);
    answer(2);
    BOOST_TEST(
        last.body == R"([{"result":0,"error":null,"id":1},{"result":1,"error":null,"id":2},)"
                     R"({"result":1,"error":null,"id":3},{"result":2,"error":null,"id":4},)"
                     R"({"result":null,"error":{"code":-32601,"message":"Method not found"},)"
                     "\"id\":6}]\n");
    BOOST_TEST(dispatcher.active().empty());
}

BOOST_AUTO_TEST_CASE(handle__more_overlapping_calls_than_may_be_under_way__the_rest_follow) {
    constexpr size_t COUNT = 100;
    std::string batch = R"([{"method":"later"})";
    for (size_t i = 1; i < COUNT; ++i) batch += R"(,{"method":"later"})";
    ask(batch + "]");
    const size_t at_once = context.waiting.size();
    BOOST_TEST(at_once > 1U);
    BOOST_TEST(at_once < COUNT);
    for (size_t i = 0; i < COUNT; ++i) {
        BOOST_TEST(context.waiting.size() == std::min(i + at_once, COUNT));
        context.waiting.at(i)(std::string("true"));
        resumed.at(i)();
    }
    BOOST_TEST(last.http_status == 200);
}

BOOST_AUTO_TEST_CASE(handle__waiting_calls__so_many_and_no_more) {
    const std::string call = R"({"id":1,"method":"later"})";
    for (size_t i = 0; i < Dispatcher::MAX_WAITING_CALLS; ++i) ask(call);
    BOOST_TEST(context.waiting.size() == Dispatcher::MAX_WAITING_CALLS);
    check_error(call, -1, "Too many calls are waiting");
    BOOST_TEST(ask(R"({"method":"add","params":[1]})").http_status == 200); // which doesn't wait
    context.waiting.back()(std::string("5"));
    resumed.at(0)();
    ask(call);
    BOOST_TEST(last.http_status == 0);
}

BOOST_AUTO_TEST_CASE(handle__given_much_to_work_on__not_on_the_connections_thread) {
    CallQueue queue;
    const auto greet = [&](size_t letters) {
        last = {0, {}};
        dispatcher.handle(
            R"({"method":"greet","params":[")" + std::string(letters, 'a') + R"("]})",
            {.user = user, .queue = &queue},
            [this](std::function<void()> task) { resumed.push_back(std::move(task)); },
            [this](Answer answer) { last = std::move(answer); });
        return last.http_status;
    };
    BOOST_TEST(greet(10'000) == 200);
    BOOST_TEST(greet(20'000) == 0);
    queue.start(2);
    queue.stop();
    resumed.at(0)();
    BOOST_TEST(last.http_status != 0);
}

BOOST_AUTO_TEST_CASE(handle__caller_left__rest_of_his_batch_is_not_executed) {
    std::stop_source left;
    const std::string batch = R"([{"method":"count"},{"method":"later"},{"method":"count"}])";
    bool answered = false;
    dispatcher.handle(
        batch, {.user = user, .left = left.get_token()},
        [this](std::function<void()> task) { resumed.push_back(std::move(task)); },
        [&](const Answer&) { answered = true; });
    left.request_stop();
    context.waiting.at(0)(std::string("5"));
    resumed.at(0)();
    BOOST_TEST(context.count == 1);
    BOOST_TEST(!answered);
    BOOST_TEST(dispatcher.active().empty());
}

BOOST_AUTO_TEST_CASE(handle__reply_of_a_batch_is_too_large__rest_is_refused) {
    constexpr size_t LETTERS = size_t{32} << 20;
    constexpr size_t FIT = Dispatcher::MAX_BATCH_REPLY_BYTES / LETTERS;
    const std::string call = R"({"method":"repeat","params":[)" + std::to_string(LETTERS) + "]}";
    std::string batch = "[" + call;
    for (size_t i = 1; i < FIT + 2; ++i) batch += "," + call;
    const std::string reply = ask(batch + "]").body;
    BOOST_TEST(reply.size() < Dispatcher::MAX_BATCH_REPLY_BYTES + LETTERS);
    BOOST_TEST(reply.ends_with(
        R"({"result":null,"error":{"code":-1,"message":"The reply to the batch is too large"}},)"
        R"({"result":null,"error":{"code":-1,"message":"The reply to the batch is too large"}}])"
        "\n"));
}

/// Keeps what is logged.
struct KeptLines final : spdlog::sinks::base_sink<std::mutex> {
    std::vector<std::string> lines;

    void sink_it_(const spdlog::details::log_msg& message) override {
        lines.emplace_back(message.payload.data(), message.payload.size());
    }

    void flush_() override {}
};

BOOST_AUTO_TEST_CASE(handle__forbidden__one_line_with_nothing_that_the_user_made_up) {
    const auto log = std::make_shared<KeptLines>();
    spdlog::default_logger()->sinks().push_back(log);
    user.methods = {"add"};
    const std::string made_up(1000, 'x');
    ask(R"({"method":")" + made_up + R"("})");
    ask(R"([{"method":"count"},{"method":"fail"},{"method":"add"}])");
    spdlog::default_logger()->sinks().pop_back();
    BOOST_REQUIRE(log->lines.size() == 2U);
    BOOST_TEST(log->lines[0] == "rpc_forbidden user=alice method=unknown");
    BOOST_TEST(log->lines[1] == "rpc_forbidden user=alice method=count");
}

BOOST_AUTO_TEST_CASE(help_overview__table__groups_without_hidden) {
    BOOST_TEST(
        help_overview(dispatcher.groups()) ==
        "== Sample ==\nadd a ( b )\ncount\nfail\ngreet \"name\" ( \"hash\" price level )\nhold\n"
        "later\nrepeat letters");
}

BOOST_AUTO_TEST_SUITE_END()
