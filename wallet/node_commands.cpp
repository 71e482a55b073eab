// SPDX-License-Identifier: MIT
// cairn status, rpc: what asks the node alone, without a wallet.
#include "wallet/commands.h"
#include "wallet/json_text.h"
#include "wallet/terminal.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdlib>
#include <ctime>
#include <iostream>

namespace cairn::wallet {

namespace json = boost::json;

namespace {

void status(const Program& program) {
    RpcClient node(program.endpoint());
    const std::vector<json::value> replies = node.batch(
        {{"getblockchaininfo", {}},
         {"getnetworkinfo", {}},
         {"getmempoolinfo", {}},
         {"uptime", {}}});
    const auto number = [&](size_t reply, const char* name) {
        return replies[reply].at(name).to_number<int64_t>();
    };
    const auto text = [&](size_t reply, const char* name) -> std::string_view {
        return replies[reply].at(name).as_string();
    };
    using std::chrono::seconds;
    const seconds uptime(replies[3].to_number<int64_t>());
    const int64_t tip_time = number(0, "time");
    const seconds tip_age(std::time(nullptr) - tip_time);
    print(
        {{"rpc", node.endpoint().host + ":" + std::to_string(node.endpoint().port)},
         {"version", text(1, "subversion")},
         {"uptime", {age_text(uptime), std::to_string(uptime.count())}},
         {"chain", text(0, "chain")},
         {"blocks", number(0, "blocks")},
         {"headers", number(0, "headers")},
         {"tip", text(0, "bestblockhash")},
         {"tip_time", {age_text(tip_age) + " ago", std::to_string(tip_time)}},
         {"peers", number(1, "connections")},
         {"mempool_transactions", number(2, "size")},
         {"mempool_bytes", number(2, "bytes")}},
        program.json);
}

/// An argument of `cairn rpc` as JSON: numbers, truths, null, arrays and objects as they are, all
/// else a string; so a string that looks like a number is written with its quotes: '"1"'.
std::string parameter_of(const std::string& argument) {
    boost::system::error_code error;
    const json::value value = json::parse(argument, error);
    return error ? json::serialize(json::string(argument)) : argument;
}

void call_method(const Program& program) {
    if (program.rpc_arguments.empty())
        throw CLI::RequiredError("METHOD (`cairn rpc help` lists them)");
    std::string params = "[";
    for (size_t i = 1; i < program.rpc_arguments.size(); ++i)
        params += (i > 1 ? "," : "") + parameter_of(program.rpc_arguments[i]);
    std::string result;
    try {
        result = RpcClient(program.endpoint()).call_text(program.rpc_arguments[0], params + "]");
    } catch (const RpcError& error) {
        if (error.code == 0) throw;
        // As bitcoin-cli does, so that scripts may rely on it.
        std::cerr << "error code: " << error.code << "\nerror message:\n" << error.what() << "\n";
        throw CLI::RuntimeError(std::abs(error.code));
    }
    if (program.json)
        std::cout << indent_json(result) << "\n";
    else if (result.starts_with('"'))
        std::cout << json::parse(result).as_string().c_str() << "\n";
    else if (result != "null")
        std::cout << indent_json(result) << "\n";
}

} // namespace

void add_node_commands(CLI::App& app, Program& program) {
    app.add_subcommand("status", "What the node does")->callback([&program] { status(program); });
    CLI::App* rpc = app.add_subcommand("rpc", "Call a method of the node: cairn rpc METHOD ...");
    rpc->footer("  METHOD ...    The method and its parameters: JSON where it is JSON, else text.\n"
                "                `cairn rpc help` lists the methods. An error's code is the exit "
                "code.");
    rpc->callback([&program] { call_method(program); });
}

} // namespace cairn::wallet
