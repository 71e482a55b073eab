// SPDX-License-Identifier: MIT
// cairn status, rpc: what asks the node alone, without a wallet.
#include "rpc/server/json_writer.h"
#include "rpc/server/method.h"
#include "wallet/commands.h"
#include "wallet/json_text.h"
#include "wallet/terminal.h"

#include <boost/json/parse.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdlib>
#include <ctime>
#include <iostream>

namespace cairn::wallet {

namespace json = boost::json;
using rpc::server::JsonWriter;
using rpc::server::Method;
using rpc::server::Param;

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

/// The words after METHOD as JSON-RPC's params: each becomes what the node's method table says. Of
/// a method that isn't in it, which a newer node may have, they are JSON where they are JSON.
std::string parameters_of(const Program& program) {
    const Method* method = program.find_method(program.rpc_arguments[0]);
    const auto argument = [&](std::optional<size_t> at, std::string_view word) {
        const bool known = method != nullptr && at && *at < method->params.size();
        return argument_of_word(known ? method->params[*at] : Param{}, word);
    };
    JsonWriter by_name;
    JsonWriter by_position;
    by_name.begin_object();
    by_position.begin_array();
    size_t count = 0;
    for (size_t i = 1; i < program.rpc_arguments.size(); ++i) {
        const std::string_view word = program.rpc_arguments[i];
        const size_t sign = program.named ? word.find('=') : std::string_view::npos;
        const std::string_view name = word.substr(0, sign);
        if (sign == std::string_view::npos)
            argument(count++, word).write(by_position);
        else
            argument(
                method != nullptr ? parameter_index(*method, name) : std::nullopt,
                word.substr(sign + 1))
                .write(by_name.key(name));
    }
    by_position.end_array();
    if (!program.named) return by_position.take();
    if (count > 0) by_name.key("args").raw(by_position.text());
    return by_name.end_object().take();
}

void call_method(const Program& program) {
    if (program.rpc_arguments.empty())
        throw CLI::RequiredError("METHOD (`cairn rpc help` lists them)");
    std::string result;
    try {
        result = RpcClient(program.endpoint())
                     .call_text(program.rpc_arguments[0], parameters_of(program));
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
    rpc->add_flag("--named", program.named, "Parameters are name=value");
    rpc->footer("  METHOD ...    The method and its parameters; null leaves one out.\n"
                "                `cairn rpc help` lists the methods. An error's code is the exit "
                "code.");
    rpc->callback([&program] { call_method(program); });
}

} // namespace cairn::wallet
