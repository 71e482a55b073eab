// SPDX-License-Identifier: MIT
// Every row of the method table: its docs, its example, the shape of its replies.
#include "rpc/server/help.h"
#include "rpc/server/json_writer.h"
#include "tests/rpc/schema.h"
#include "tests/rpc/test_node.h"
#include "tests/vectors.h"
#include "wallet/keys/descriptor.h"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sstream>

using namespace cairn;
using namespace cairn::rpc;
using namespace cairn::rpc::server;

namespace {

/// docs/rpc.md: groups of one name become one, by name; so do methods.
std::string documentation() {
    std::map<std::string_view, std::map<std::string_view, const Method*>> sorted;
    for (const Group& group : node_methods())
        for (const Method* method : group.methods) sorted[group.name][method->name] = method;
    std::string out = "# JSON-RPC methods\n\n"
                      "Made from the method table by `CAIRN_WRITE_DOCS=1 test_rpc "
                      "--run_test=method_table`; not edited "
                      "by hand.\nNames, parameters, results and errors are those of the reference "
                      "implementation.\n";
    for (const auto& [group, members] : sorted) {
        out += "\n## " + std::string(group == "hidden" ? "Testing" : group) + "\n";
        for (const auto& [name, method] : members)
            out += "\n### " + std::string(name) + "\n\n```text\n" + help_text(*method) + "```\n";
    }
    return out;
}

/// A node, and what the words of examples stand for on it.
class ExampleNode {
public:
    ExampleNode() {
        const std::string first = node_.mine(110);
        node_.result("sendrawtransaction", "[\"" + node_.spend_coinbase(1) + "\"]");
        words_["$ADDRESS"] = node_.address;
        words_["$ADDRESS_CHECKSUM"] =
            wallet::keys::descriptor_checksum("addr(" + node_.address + ")").value();
        words_["$TXID"] = node_.result("getrawmempool").items.at(0).text;
        words_["$BLOCKHASH"] = node_.mine(1);
        words_["$PROOF"] = node_
                               .result(
                                   "gettxoutproof", "[[\"" + words_["$TXID"] + "\"],\"" +
                                                        words_["$BLOCKHASH"] + "\"]")
                               .text;
        words_["$PEER"] = "127.0.0.1:1";
        // The key 1, and its signature of "hello".
        words_["$SECRET"] = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA";
        words_["$KEY_ADDRESS"] = "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r";
        words_["$SIGNATURE"] =
            node_.result("signmessagewithprivkey", "[\"" + words_["$SECRET"] + R"(","hello"])")
                .text;
        const auto psbt_of = [&](const std::string& txid) {
            const std::string inputs = R"([{"txid":")" + txid + R"(","vout":0}])";
            return node_.result("createpsbt", "[" + inputs + ",[]]").text;
        };
        const std::string multipath = "wpkh(" + TEST_KEY + "/<0;1>/*)";
        words_["$MULTIPATH"] =
            multipath + "#" + wallet::keys::descriptor_checksum(multipath).value();
        words_["$PSBT"] = psbt_of(words_["$TXID"]);
        words_["$OTHER_PSBT"] = psbt_of(words_["$BLOCKHASH"]);
    }

    /// The arguments of the method's example, as JSON.
    std::vector<std::string> example_arguments(const Method& method) {
        return arguments(method, method.example);
    }

    /// The same of any words.
    std::vector<std::string> arguments(const Method& method, std::string_view line) {
        prepare();
        std::vector<std::string> arguments;
        std::istringstream words{std::string(line)};
        for (std::string word; words >> word;) {
            JsonWriter writer;
            argument_of_word(method.params.at(arguments.size()), filled_in(word)).write(writer);
            arguments.push_back(writer.take());
        }
        return arguments;
    }

    Json run(const Method& method, const std::vector<std::string>& arguments) {
        std::string params;
        for (const std::string& one : arguments) params += (params.empty() ? "" : ",") + one;
        return node_.ask(std::string(method.name), "[" + params + "]").get();
    }

    /// The reply to the method's example.
    Json run_example(const Method& method) {
        Json reply = run(method, example_arguments(method));
        if (method.name == "invalidateblock")
            node_.result("reconsiderblock", "[\"" + words_["$BLOCKHASH"] + "\"]");
        return reply;
    }

private:
    /// See to it that a transaction waits, and that there is another, and a block, to send.
    void prepare() {
        node_.mine(2); // As many coinbases mature as are spent here.
        const std::string waiting = node_.spend_coinbase(next_coinbase_++);
        words_["$WAITING_TXID"] = node_.result("sendrawtransaction", list_of(waiting)).text;
        words_["$CHILD_TXID"] =
            node_.result("sendrawtransaction", list_of(TestNode::spend(waiting))).text;
        words_["$TRANSACTION"] = node_.spend_coinbase(next_coinbase_++);
        const Json block = node_.result("generateblock", "[\"" + node_.address + "\",[],false]");
        words_["$BLOCK"] = block.find("hex")->text;
        words_["$HEADER"] = words_["$BLOCK"].substr(0, 160);
    }

    std::string filled_in(std::string word) const {
        // $BLOCKHASH before $BLOCK. NOLINTNEXTLINE(modernize-loop-convert): clang 14 has no views
        for (auto at = words_.rbegin(); at != words_.rend(); ++at)
            for (size_t found = word.find(at->first); found != std::string::npos;
                 found = word.find(at->first))
                word.replace(found, at->first.size(), at->second);
        return word;
    }

    TestNode node_;
    std::map<std::string, std::string> words_;
    int next_coinbase_ = 2;
};

std::vector<const Method*> all_methods() {
    std::vector<const Method*> all;
    for (const Group& group : node_methods())
        all.insert(all.end(), group.methods.begin(), group.methods.end());
    return all;
}

std::string content(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(method_table)

BOOST_AUTO_TEST_CASE(row__each_method__is_documented) {
    bool is_any = false; // what came in comes back, or what describes it
    const auto check_fields = [&](const auto& self, const Field& of) -> void {
        const std::vector<Field> members = of.members();
        const bool is_list = of.type == Type::Map || of.type == Type::Array;
        BOOST_TEST(members.empty() == (!is_list && of.type != Type::Object), of.name);
        BOOST_TEST((of.type != Type::Any || is_any), of.name);
        if (is_list) BOOST_TEST(members.size() == 1U);
        for (const Field& field : members) {
            // The elements of a list are explained where the list is.
            if (!is_list) BOOST_TEST(!field.summary.empty(), field.name);
            self(self, field);
        }
    };
    for (const Method* method : all_methods()) {
        BOOST_TEST_CONTEXT(method->name) {
            BOOST_TEST(!method->summary.empty());
            BOOST_TEST(!method->run.returns.empty());
            for (const Param& param : method->params) BOOST_TEST(!param.summary.empty());
            is_any = method->name == "echo" || method->name == "echojson" ||
                     method->name == "rpc.discover";
            for (const Returned& result : method->run.returns) {
                BOOST_TEST(result.when.empty() == (method->run.returns.size() == 1));
                check_fields(check_fields, result.value);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(role__each_method__as_it_was_decided) {
    std::map<Role, std::string> names;
    for (const Method* method : all_methods())
        if (method->role != Role::Read) names[method->role] += " " + std::string(method->name);
    BOOST_TEST(
        names[Role::Mine] == " getblocktemplate submitblock submitheader prioritisetransaction"
                             " generatetoaddress generatetodescriptor generateblock");
    BOOST_TEST(
        names[Role::Admin] ==
        " verifychain dumptxoutset loadtxoutset preciousblock pruneblockchain getblockfrompeer"
        " invalidateblock reconsiderblock savemempool importmempool ping setnetworkactive addnode"
        " disconnectnode addconnection sendmsgtopeer setban clearbanned addpeeraddress stop logging"
        " setmocktime mockscheduler");
}

BOOST_AUTO_TEST_CASE(pace__each_method__as_it_was_decided) {
    std::string waiting;
    std::string busy_ones;
    std::string long_ones;
    std::string by_argument;
    for (const Method* method : all_methods()) {
        if (method->pace == quick) continue;
        std::string& names = method->pace == waits  ? waiting
                             : method->pace == busy ? busy_ones
                             : method->pace == slow ? long_ones
                                                    : by_argument;
        names += " " + std::string(method->name);
    }
    BOOST_TEST(
        waiting ==
        " preciousblock pruneblockchain invalidateblock reconsiderblock"
        " syncwithvalidationinterfacequeue savemempool submitpackage"
        " testmempoolaccept getblocktemplate submitblock submitheader prioritisetransaction");
    BOOST_TEST(
        long_ones == " verifychain dumptxoutset loadtxoutset importmempool generatetoaddress"
                     " generatetodescriptor generateblock");
    BOOST_TEST(busy_ones == " getblockstats getaddressbalance getaddressutxos");
    BOOST_TEST(
        by_argument == " getblock getblockfilter gettxoutproof gettxoutsetinfo getrawmempool"
                       " gettxspendingprevout getmempoolfeeratediagram getrawtransaction "
                       "utxoupdatepsbt scantxoutset"
                       " scanblocks deriveaddresses getaddresshistory");
}

BOOST_AUTO_TEST_CASE(example__each_method__reply_is_as_described) {
    // There is no peer whose connection could be closed, the node keeps its blocks, the chain file
    // knows nothing of the coins that dumptxoutset wrote, and nobody has brought a mempool.
    std::map<std::string_view, std::string_view> failures{
        {"generate", "generate\n\nhas been replaced"},
        {"loadtxoutset",
         "Unable to load UTXO snapshot: assumeutxo block hash in snapshot metadata not recognized"},
        {"importmempool", "Unable to import mempool file"},
        {"disconnectnode", "Node not found in connected nodes"},
        {"getblockfrompeer", "Block already downloaded"},
        {"sendmsgtopeer", "Error: Could not send message to peer"},
        {"pruneblockchain", "Cannot prune blocks because node is not in prune mode."}};
    ExampleNode node;
    for (const Method* method : all_methods()) {
        const Json reply = node.run_example(*method); // its form is checked
        if (const Json* error = reply.find("error")) {
            const std::string_view known = failures[method->name];
            BOOST_TEST(!known.empty(), method->name);
            BOOST_TEST(error->find("message")->text.starts_with(known), method->name);
        }
    }
}

/// For each form of a result that has several, in the order of its row, arguments that bring it.
const std::map<std::string_view, std::vector<std::string_view>> FORMS{
    {"getblock", {"$BLOCKHASH 0", "$BLOCKHASH 1", "$BLOCKHASH 3"}},
    {"getblockheader", {"$BLOCKHASH true", "$BLOCKHASH false"}},
    {"getblockstats", {"$BLOCKHASH", R"($BLOCKHASH ["txs","blockhash"])"}},
    {"getrawtransaction", {"$WAITING_TXID 0", "$WAITING_TXID 2"}},
    {"getrawmempool", {"false", "true", "false true"}},
    {"getmempoolancestors", {"$CHILD_TXID", "$CHILD_TXID true"}},
    {"getmempooldescendants", {"$WAITING_TXID", "$WAITING_TXID true"}},
    {"getorphantxs", {"0", "1", "2"}},
    {"getmemoryinfo", {"stats", "mallocinfo"}},
    {"getblocktemplate", {R"({"rules":["segwit"]})", R"({"mode":"proposal","data":"$BLOCK"})"}},
    {"scantxoutset", {R"+(start ["addr($ADDRESS)"])+", "abort", "status"}},
    {"scanblocks", {R"+(start ["addr($ADDRESS)"])+", "abort", "status"}},
    {"deriveaddresses", {"addr($ADDRESS)#$ADDRESS_CHECKSUM", "$MULTIPATH [0,1]"}},
};

BOOST_AUTO_TEST_CASE(form__each_of_several__comes_with_its_arguments) {
    ExampleNode node;
    for (const Method* method : all_methods()) {
        const std::vector<Returned>& returns = method->run.returns;
        if (returns.size() == 1) continue;
        const auto forms = FORMS.find(method->name);
        BOOST_REQUIRE_MESSAGE(forms != FORMS.end(), method->name);
        BOOST_TEST(forms->second.size() == returns.size(), method->name);
        for (size_t i = 0; i < forms->second.size(); ++i) {
            const Json reply = node.run(*method, node.arguments(*method, forms->second[i]));
            const Json* result = reply.find("result");
            BOOST_REQUIRE_MESSAGE(result != nullptr, method->name << " " << forms->second[i]);
            if (returns.at(i).value.optional && result->is_null()) continue;
            BOOST_TEST(mismatch(returns.at(i).value, *result) == "", method->name);
        }
    }
}

/// JSON of each kind, with what may upset a careless reader.
const std::pair<Json::Kind, std::string_view> VALUES[] = {
    {Json::Kind::Null, "null"},
    {Json::Kind::Bool, "true"},
    {Json::Kind::Number, "-1"},
    {Json::Kind::Number, "1e400"},
    {Json::Kind::Number, "0.123456789"},
    {Json::Kind::Number, "9223372036854775807"},
    {Json::Kind::String, R"("")"},
    {Json::Kind::String, R"("zz\u0000")"},
    {Json::Kind::Array, "[]"},
    {Json::Kind::Array, "[[[1]]]"},
    {Json::Kind::Array, R"([null,{}])"},
    {Json::Kind::Object, "{}"},
    {Json::Kind::Object, R"({"":[{}]})"},
};

/// What a place of an argument got.
struct Trial {
    std::string json;
    bool null = false;
    bool wrong = false; ///< The table must refuse it.
};

/// Try each of VALUES as what `field` describes, and in each place within, at any
/// depth.
void try_in_each_place(const Field& field, const std::function<void(Trial)>& attempt) {
    const std::optional<Json::Kind> right = type_info(field.type).kind;
    for (const auto& [kind, value] : VALUES)
        attempt({std::string(value), kind == Json::Kind::Null, right && kind != *right});
    for (const Field& inner : field.inner)
        try_in_each_place(inner, [&](const Trial& trial) {
            const std::string name = R"(")" + std::string(inner.name) + R"(":)";
            switch (field.type) {
            case Type::Array:
                return attempt({"[" + trial.json + "]", false, trial.wrong});
            case Type::Object: // a member that is null is as good as absent
                return attempt({"{" + name + trial.json + "}", false, trial.wrong && !trial.null});
            case Type::Map:
                return attempt({"{" + name + trial.json + "}"});
            default: // one of several: the handler knows
                return attempt({trial.json, trial.null});
            }
        });
}

/// Counts what the dispatcher says of handlers that threw.
struct FailureCount final : spdlog::sinks::base_sink<std::mutex> {
    int count = 0;

    void sink_it_(const spdlog::details::log_msg& message) override {
        count += std::string_view(message.payload.data(), message.payload.size())
                     .starts_with("rpc_failed");
    }

    void flush_() override {}
};

BOOST_AUTO_TEST_CASE(arguments__wrong_in_any_place__are_an_error_that_says_so) {
    ExampleNode node;
    const auto failures = std::make_shared<FailureCount>();
    spdlog::default_logger()->sinks().push_back(failures);
    int calls = 0;
    for (const Method* method : all_methods()) {
        if (method->name == "stop") continue;
        for (size_t at = 0; at < method->params.size(); ++at) {
            const Param& param = method->params[at];
            std::vector<std::string> arguments = node.example_arguments(*method);
            for (size_t i = arguments.size(); i <= at; ++i) arguments.emplace_back("null");
            const bool required = param.fallback == REQUIRED;
            try_in_each_place({"", param.type, "", param.inner}, [&](const Trial& trial) {
                if (trial.null && !required) return; // that is to leave it out
                arguments[at] = trial.json;
                ++calls;
                const Json reply =
                    node.run(*method, arguments); // which errors it may be is checked
                const Json* error = reply.find("error");
                const bool refused = error != nullptr && error->find("code")->text == "-3";
                if (trial.wrong && !refused)
                    BOOST_ERROR(method->name << " takes " << trial.json << " as " << param.name);
            });
        }
    }
    spdlog::default_logger()->sinks().pop_back();
    BOOST_TEST(calls > 3000);
    BOOST_TEST(failures->count == 0);
}

BOOST_AUTO_TEST_CASE(help__each_method__begins_with_its_name) {
    TestNode node;
    for (const Method* method : all_methods()) {
        const std::string name(method->name);
        const std::string text = node.result("help", "[\"" + name + "\"]").text;
        BOOST_TEST(text.substr(0, text.find_first_of(" \n")) == name);
    }
    BOOST_TEST(node.result("help", "[\"getinfo\"]").text == "help: unknown command: getinfo");
    BOOST_TEST(node.result("help").text.starts_with("== Blockchain ==\n"));
}

BOOST_AUTO_TEST_CASE(reference__replies_of_the_real_thing__fit_the_same_schema) {
    const std::string text =
        content(CAIRN_SOURCE_DIR "/../shared/conformance/reference-responses.json");
    if (text.empty()) {
        cairn::tests::vectors_missing = "shared/conformance";
        return;
    }
    // Our own address as the peer sees it: the reference shows it, we keep none.
    const std::string_view unknown_here = "addrlocal";
    const Dispatcher dispatcher(node_methods());
    const Json responses = parse_json(text).value();
    int compared = 0;
    for (size_t i = 0; i < responses.items.size(); ++i) {
        const std::string& title = responses.names[i];
        const Method* method = dispatcher.find(title.substr(0, title.find_first_of(" (")));
        if (method == nullptr) continue;
        Json reply = responses.items[i];
        for (Json& item : reply.items)
            for (size_t k = 0; k < item.names.size(); ++k) {
                if (item.names[k] != unknown_here) continue;
                item.names.erase(item.names.begin() + static_cast<ptrdiff_t>(k));
                item.items.erase(item.items.begin() + static_cast<ptrdiff_t>(k));
            }
        BOOST_TEST(mismatch(*method, reply, false) == "", title);
        ++compared;
    }
    BOOST_TEST(compared >= 25);
}

BOOST_AUTO_TEST_CASE(docs__rpc_md__is_made_from_the_table) {
    const std::string file = CAIRN_SOURCE_DIR "/docs/rpc.md";
    const std::string text = documentation();
    if (std::getenv("CAIRN_WRITE_DOCS") != nullptr) std::ofstream(file) << text; // NOLINT
    const bool current = content(file) == text;
    BOOST_TEST(current, "docs/rpc.md is old: CAIRN_WRITE_DOCS=1 test_rpc --run_test=method_table");
}

BOOST_AUTO_TEST_SUITE_END()
