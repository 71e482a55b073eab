// SPDX-License-Identifier: MIT
// cairn rpc, which stands in for bitcoin-cli: scripts read what it prints and how it ends.
#include "rpc/server/json_writer.h"
#include "rpc/server/method.h"
#include "wallet/commands.h"
#include "wallet/json_text.h"
#include "wallet/terminal.h"

#include <boost/json/parse.hpp>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <thread>

namespace cairn::wallet {

namespace json = boost::json;
using rpc::server::Json;
using rpc::server::JsonWriter;
using rpc::server::Method;
using rpc::server::Param;

namespace {

constexpr std::chrono::seconds BETWEEN_TRIES{1};
constexpr int IN_WARMUP = -28;
constexpr int INVALID_PARAMETER = -8;

/// Parameters as the words of a command line give them, each with the type that the node's method
/// table says; of a method that isn't in it, which a newer node may have, they are JSON where they
/// are JSON.
class Parameters {
public:
    Parameters(const Method* method, bool named) : method_(method), named_(named) {}

    void add(std::string_view word) {
        const size_t sign = named_ ? word.find('=') : std::string_view::npos;
        const std::string_view name = word.substr(0, sign);
        if (sign == std::string_view::npos || !is_name(name))
            return by_position_.push_back(argument(by_position_.size(), word));
        std::erase_if(by_name_, [&](const auto& one) { return one.first == name; });
        const auto at = method_ != nullptr ? parameter_index(*method_, name) : std::nullopt;
        by_name_.emplace_back(name, argument(at, word.substr(sign + 1)));
    }

    /// JSON-RPC's params. Throws RpcError.
    std::string text() const {
        JsonWriter writer;
        if (!named_) {
            write_positions(writer);
            return writer.take();
        }
        writer.begin_object();
        for (const auto& [name, value] : by_name_) {
            if (name == "args" && !by_position_.empty())
                throw RpcError(INVALID_PARAMETER, "Parameter args specified multiple times");
            value.write(writer.key(name));
        }
        if (!by_position_.empty()) write_positions(writer.key("args"));
        return writer.end_object().take();
    }

private:
    /// Not so what only holds a '=': JSON, base64.
    static bool is_name(std::string_view text) {
        return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") ==
               std::string_view::npos;
    }

    Json argument(std::optional<size_t> at, std::string_view word) const {
        const bool known = method_ != nullptr && at && *at < method_->params.size();
        Param param = known ? method_->params[*at] : Param{};
        // All that sets echo apart from echojson: the words of a command line stay text.
        if (known && method_->name == "echo") param.type = rpc::server::Type::Text;
        Json value = argument_of_word(param, word);
        const Json::Kind kind = type_info(param.type).kind.value_or(Json::Kind::String);
        // It stayed text, since it is no JSON, but has to be.
        if (kind != Json::Kind::String && value.is(Json::Kind::String) && !word.starts_with('"'))
            throw RpcError(0, "Error parsing JSON: " + std::string(word));
        return value;
    }

    void write_positions(JsonWriter& writer) const {
        writer.begin_array();
        for (const Json& value : by_position_) value.write(writer);
        writer.end_array();
    }

    const Method* method_;
    bool named_;
    std::vector<Json> by_position_;
    std::vector<std::pair<std::string, Json>> by_name_;
};

/// `call`, again and again while there is no node, or one that still starts, for as long as
/// -rpcwait says.
template <class Call>
auto with_patience(const RpcUse& use, const Call& call) {
    const auto deadline = std::chrono::steady_clock::now() + use.patience;
    for (;;) {
        try {
            return call();
        } catch (const RpcError& error) {
            const bool early =
                dynamic_cast<const NoConnection*>(&error) != nullptr || error.code == IN_WARMUP;
            const bool late =
                use.patience.count() > 0 && std::chrono::steady_clock::now() >= deadline;
            if (!use.waits || !early || late) throw;
        }
        std::this_thread::sleep_for(BETWEEN_TRIES);
    }
}

/// As bitcoin-cli prints it; objects get a line for each member.
void print_result(const std::string& result, bool as_json) {
    if (!as_json && result == "null") return;
    if (!as_json && result.starts_with('"'))
        std::cout << json::parse(result).as_string().c_str() << "\n";
    else
        std::cout << indent_json(result) << "\n";
}

/// "127.0.0.1:9050 (ipv4, ipv6)": each proxy with the networks that it is for.
std::string proxies_of(const json::array& networks) {
    std::vector<std::pair<std::string, std::string>> proxies;
    for (const json::value& network : networks) {
        const std::string proxy(network.at("proxy").as_string());
        const std::string name(network.at("name").as_string());
        if (proxy.empty()) continue;
        const auto found = std::ranges::find(proxies, proxy, [](auto& one) { return one.first; });
        if (found == proxies.end())
            proxies.emplace_back(proxy, name);
        else
            found->second += ", " + name;
    }
    std::string text;
    for (const auto& [proxy, names] : proxies)
        text.append(text.empty() ? "" : ", ").append(proxy + " (").append(names + ")");
    return text.empty() ? "n/a" : text;
}

/// What -getinfo prints, in the words that scripts look for.
void print_info(RpcClient& node, const RpcUse& use) {
    const std::string network_text =
        with_patience(use, [&] { return node.call_text("getnetworkinfo", "[]"); });
    const std::string chain_text = node.call_text("getblockchaininfo", "[]");
    const json::value network = json::parse(network_text);
    const json::value chain = json::parse(chain_text);
    char progress[32];
    std::snprintf(
        progress, sizeof progress, "%.4f%%",
        chain.at("verificationprogress").to_number<double>() * 100);
    std::string warnings;
    for (const json::value& warning : network.at("warnings").as_array())
        warnings += (warnings.empty() ? "" : "\n") + std::string(warning.as_string());
    const auto count = [&](const char* name) { return network.at(name).to_number<int64_t>(); };
    std::cout << "Chain: " << chain.at("chain").as_string().c_str()
              << "\nBlocks: " << json_member(chain_text, "blocks")
              << "\nHeaders: " << json_member(chain_text, "headers")
              << "\nVerification progress: " << progress
              << "\nDifficulty: " << json_member(chain_text, "difficulty") << "\n\nNetwork: in "
              << count("connections_in") << ", out " << count("connections_out") << ", total "
              << count("connections") << "\nVersion: " << count("version")
              << "\nTime offset (s): " << count("timeoffset")
              << "\nProxies: " << proxies_of(network.at("networks").as_array())
              << "\nMin tx relay fee rate (BTC/kvB): " << json_member(network_text, "relayfee")
              << "\n\nWarnings: " << (warnings.empty() ? "(none)" : warnings) << "\n";
}

void run(const Program& program, RpcClient& node, std::vector<std::string> words) {
    const RpcUse& use = program.place().rpc;
    if (use.getinfo) {
        if (!words.empty()) throw WalletError("-getinfo takes no arguments");
        return print_info(node, use);
    }
    for (std::string line; use.reads_words && std::getline(std::cin, line);) words.push_back(line);
    if (words.empty())
        throw WalletError("too few parameters (need at least command); METHOD `help` lists them");
    Parameters parameters(program.find_method(words[0]), use.named);
    for (size_t i = 1; i < words.size(); ++i) parameters.add(words[i]);
    const std::string text = parameters.text();
    print_result(with_patience(use, [&] { return node.call_text(words[0], text); }), program.json);
}

} // namespace

int call_method(const Program& program) {
    RpcEndpoint endpoint = program.endpoint();
    if (program.place().rpc.reads_password)
        endpoint.password = std::string_view(read_secret("RPC password> "));
    RpcClient node(std::move(endpoint));
    try {
        run(program, node, program.rpc_arguments);
        return 0;
    } catch (const RpcError& error) {
        if (error.code == 0) throw;
        std::cerr << "error code: " << error.code << "\nerror message:\n" << error.what() << "\n";
        return std::abs(error.code);
    }
}

} // namespace cairn::wallet
