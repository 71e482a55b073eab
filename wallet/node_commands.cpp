// SPDX-License-Identifier: MIT
// cairn status, rpc: what asks the node alone, without a wallet.
#include "wallet/commands.h"
#include "wallet/terminal.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <ctime>

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

} // namespace

void add_node_commands(CLI::App& app, Program& program) {
    app.add_subcommand("status", "What the node does")->callback([&program] { status(program); });
    CLI::App* rpc = app.add_subcommand("rpc", "Call a method of the node: cairn rpc METHOD ...");
    rpc->footer("  METHOD ...    The method and its parameters; null leaves one out.\n"
                "                `cairn rpc help` lists the methods. An error's code is the exit\n"
                "                code.\n"
                "Options of bitcoin-cli may stand before METHOD: -named -stdin -stdinrpcpass\n"
                "-getinfo -rpcwait -rpcwaittimeout=N -rpcclienttimeout=N -rpcwallet=NAME. Called\n"
                "by that name, as by a link, cairn is that program.");
    rpc->callback([&program] {
        if (const int code = call_method(program); code != 0) throw CLI::RuntimeError(code);
    });
}

} // namespace cairn::wallet
