// SPDX-License-Identifier: MIT
// cairn status, rpc: what asks the node alone, without a wallet.
#include "rpc/server/json_writer.h"
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
using rpc::server::JsonWriter;

namespace {

int64_t number_in(const json::value& reply, const char* name) {
    const json::value* found = reply.is_object() ? reply.as_object().if_contains(name) : nullptr;
    return found != nullptr && found->is_number() ? found->to_number<int64_t>() : 0;
}

std::string text_in(const json::value& reply, const char* name) {
    const json::value* found = reply.is_object() ? reply.as_object().if_contains(name) : nullptr;
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : "?";
}

/// "3 min 20 s"
std::string duration_text(int64_t seconds) {
    if (seconds < 0) return "0 s";
    if (seconds < 60) return std::to_string(seconds) + " s";
    if (seconds < 3600)
        return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
    if (seconds < 86400)
        return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
    return std::to_string(seconds / 86400) + " d " + std::to_string(seconds / 3600 % 24) + " h";
}

void status(Program& program) {
    RpcClient node(program.endpoint());
    const std::vector<json::value> replies = node.batch(
        {{"getblockchaininfo", {}},
         {"getnetworkinfo", {}},
         {"getmempoolinfo", {}},
         {"uptime", {}}});
    const json::value& chain = replies[0];
    const std::string place = node.endpoint().host + ":" + std::to_string(node.endpoint().port);
    const int64_t uptime = replies[3].is_number() ? replies[3].to_number<int64_t>() : 0;
    const int64_t peers = number_in(replies[1], "connections");
    if (program.json) {
        JsonWriter out;
        out.begin_object().field("chain", text_in(chain, "chain")).field("rpc", place);
        out.field("version", text_in(replies[1], "subversion"));
        out.field("blocks", number_in(chain, "blocks"));
        out.field("headers", number_in(chain, "headers"));
        out.field("tip", text_in(chain, "bestblockhash"));
        out.field("tip_time", number_in(chain, "time"));
        out.field("peers", peers);
        out.field("mempool_transactions", number_in(replies[2], "size"));
        out.field("mempool_bytes", number_in(replies[2], "bytes"));
        out.field("uptime", uptime).end_object();
        return print_json(out.text());
    }
    const int64_t blocks = number_in(chain, "blocks");
    const int64_t headers = number_in(chain, "headers");
    std::string height = std::to_string(blocks);
    if (headers > blocks) height += " of " + std::to_string(headers);
    Table table({Table::Align::Left, Table::Align::Left});
    table.add({"Node", place + " " + text_in(replies[1], "subversion")});
    table.add({"Up for", duration_text(uptime)});
    table.add({"Chain", text_in(chain, "chain")});
    table.add({"Block", height});
    table.add({"Tip", text_in(chain, "bestblockhash")});
    table.add({"Tip's age", duration_text(std::time(nullptr) - number_in(chain, "time"))});
    table.add({"Peers", std::to_string(peers)});
    table.add(
        {"Mempool", std::to_string(number_in(replies[2], "size")) + " transactions, " +
                        std::to_string(number_in(replies[2], "bytes")) + " vB"});
    std::cout << table.text();
}

/// An argument of `cairn rpc` as JSON: numbers, truths, null, arrays and objects as they are, all
/// else a string; so a string that looks like a number is written with its quotes: '"1"'.
std::string parameter_of(const std::string& argument) {
    boost::system::error_code error;
    const json::value value = json::parse(argument, error);
    if (!error) return argument;
    return json::serialize(json::string(argument));
}

void call_method(Program& program) {
    if (program.rpc_arguments.empty())
        throw CLI::RequiredError("METHOD (`cairn rpc help` lists them)");
    std::string params = "[";
    for (size_t i = 1; i < program.rpc_arguments.size(); ++i)
        params += (i > 1 ? "," : "") + parameter_of(program.rpc_arguments[i]);
    params += "]";
    RpcClient node(program.endpoint());
    std::string result;
    try {
        result = node.call_text(program.rpc_arguments[0], params);
    } catch (const RpcError& error) {
        if (error.code == 0) throw;
        // As bitcoin-cli does, so that scripts may rely on it.
        std::cerr << "error code: " << error.code << "\nerror message:\n" << error.what() << "\n";
        throw CLI::RuntimeError(std::abs(error.code));
    }
    if (program.json) return print_json(result);
    if (result == "null") return;
    if (result.starts_with('"'))
        std::cout << json::parse(result).as_string().c_str() << "\n";
    else
        print_json(result);
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
