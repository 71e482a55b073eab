// SPDX-License-Identifier: MIT
#include "tests/rpc/test_node.h"

#include "consensus/address.h"
#include "consensus/chain_file.h"
#include "consensus/pow.h"
#include "consensus/standard.h"
#include "rpc/server/json_writer.h"
#include "tests/rpc/schema.h"
#include "tests/small_chain.h"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <spdlog/spdlog.h>

namespace cairn::rpc {

using namespace consensus;

namespace {

Script witness_script() {
    Script script;
    push_opcode(script, OP_1);
    return script;
}

} // namespace

Params read_params(const std::string& file) {
    std::ifstream in(std::string(CAIRN_SOURCE_DIR) + "/genesis/" + file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return read_chain_file(text);
}

void TestClient::push(const std::shared_ptr<const server::PushMessage>& message) {
    const std::lock_guard lock(mutex_);
    told_.push_back(message);
    changed_.notify_all();
}

void TestClient::drop(std::string_view why) {
    const std::lock_guard lock(mutex_);
    dropped_ = why;
    changed_.notify_all();
}

Json TestClient::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !told_.empty(); });
    Json message = server::parse_json(told_.front()->web_socket).value();
    told_.erase(told_.begin());
    return message;
}

std::string TestClient::dropped() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !dropped_.empty(); });
    return dropped_;
}

std::vector<std::shared_ptr<const server::PushMessage>> TestClient::told() {
    const std::lock_guard lock(mutex_);
    return told_;
}

std::shared_ptr<TestClient> TestNode::make_client() {
    return std::make_shared<TestClient>(
        [this](std::function<void()> task) { boost::asio::post(io_, std::move(task)); });
}

TestNode::TestNode(Params params, const std::function<void(chain::ChainOptions&)>& tune)
    : params_(std::move(params)),
      work_(io_.get_executor()),
      dispatcher_(node_methods()) {
    spdlog::set_level(spdlog::level::warn);
    const Script payout = pay_to_witness(0, sha256(witness_script()).view());
    address = address_of_script(payout, params_.address).value();
    chain::ChainOptions options =
        tests::small_chain(folder_.path(), [this] { return clock_.wall_seconds(); });
    for (const chain::IndexRow& row : chain::index_table()) options.*row.option = true;
    tune(options);
    chain_ = std::make_unique<chain::Chain>(params_, options);
    fees_ = std::make_unique<node::FeeWatch>(*chain_, folder_.path() / "fee_estimates.dat");
    chain_->add_observer(*fees_);
    node::NetworkOptions network;
    network.listen = false;
    network.connect_only = true;
    network.dns_seed = false;
    network.directory = folder_.path();
    network_ = node::Network::make(*chain_, clock_, network);
    context_ = std::make_unique<NodeContext>(
        Node{
            .chain = *chain_,
            .clock = clock_,
            .fees = *fees_,
            .network = network_.get(),
            .log_file = folder_.path() / "debug.log",
            .request_stop = [this] { ++stops; }},
        io_, queue_);
    chain_->add_observer(context_->tips);
    chain_->add_observer(context_->publisher);
    chain_->start();
    network_->start();
    dispatcher_.ready(*context_);
    const auto synced = [this] {
        const auto all = chain_->indexes().status();
        return std::ranges::all_of(all, &chain::Indexer::Status::synced);
    };
    while (!synced()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    queue_.start(2);
    thread_ = std::thread([this] { io_.run(); });
}

TestNode::~TestNode() {
    context_->stopping = true;
    context_->tips.cancel_all();
    queue_.stop();
    connection_.join();
    for (const std::string& wrong : wrong_) BOOST_ERROR(wrong);
    work_.reset();
    io_.stop();
    thread_.join();
    network_->stop();
    chain_->stop();
}

std::future<Json>
TestNode::ask(const std::string& method, const std::string& params, const std::stop_token& left) {
    const std::string body =
        R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}";
    auto answered = std::make_shared<std::promise<Json>>();
    std::future<Json> future = answered->get_future();
    const auto resume = [this](std::function<void()> task) {
        boost::asio::post(connection_, std::move(task));
    };
    const auto done = [this, method, answered](const Answer& answer) {
        Json reply = server::parse_json(answer.body).value();
        check(method, reply);
        answered->set_value(std::move(reply));
    };
    const server::Caller caller{.user = user_, .client = client_, .left = left, .queue = &queue_};
    resume([this, body, caller, resume, done] { dispatcher_.handle(body, caller, resume, done); });
    return future;
}

void TestNode::check(const std::string& name, const Json& reply) {
    const server::Method* method = dispatcher_.find(name);
    if (method == nullptr) return;
    const Json* error = reply.find("error");
    const std::string wrong = error != nullptr ? mismatch_of_error(*method, *error)
                                               : mismatch(*method, *reply.find("result"));
    if (wrong.empty()) return;
    const std::lock_guard lock(mutex_);
    wrong_.push_back(wrong);
}

Json TestNode::result(const std::string& method, const std::string& params) {
    const Json reply = ask(method, params).get();
    if (const Json* error = reply.find("error"))
        BOOST_FAIL(method + params + ": " + error->find("message")->text);
    return *reply.find("result");
}

std::string TestNode::text_of(const Json& json) {
    server::JsonWriter writer;
    json.write(writer);
    return writer.take();
}

std::string TestNode::text(const std::string& method, const std::string& params) {
    return text_of(result(method, params));
}

std::string
TestNode::field(const std::string& method, const std::string& params, const char* name) {
    const Json value = result(method, params);
    const Json* member = value.find(name);
    return member == nullptr ? "absent" : text_of(*member);
}

std::string TestNode::error(const std::string& method, const std::string& params) {
    const Json reply = ask(method, params).get();
    const Json* error = reply.find("error");
    if (error == nullptr) return "no error";
    return error->find("code")->text + " " + error->find("message")->text;
}

std::string TestNode::mine(int count) {
    const Json hashes =
        result("generatetoaddress", "[" + std::to_string(count) + ",\"" + address + "\"]");
    BOOST_REQUIRE(hashes.items.size() == static_cast<size_t>(count));
    return hashes.items.back().text;
}

namespace {

/// Spend the first output of `parent`.
std::string spend_first(const SealedTransaction& parent, int64_t fee) {
    Transaction tx;
    TxIn& input = tx.inputs.emplace_back();
    input.prevout = {parent.txid, 0};
    input.witness.push_back(witness_script());
    TxOut out = parent.outputs[0];
    out.value -= Amount(fee);
    tx.outputs.push_back(out);
    return to_hex(encode(tx));
}

} // namespace

std::string TestNode::spend_coinbase(int height, int64_t fee) {
    const chain::BlockNode* node = chain_->view().at(height);
    return spend_first(chain_->read_block(*node)->transactions[0], fee);
}

std::string TestNode::spend(const std::string& transaction_hex, int64_t fee) {
    return spend_first(*decode<SealedTransaction>(from_hex(transaction_hex).value()), fee);
}

std::string TestNode::solve(const std::string& block_hex) {
    Block block = *decode<Block>(from_hex(block_hex).value());
    const Params params = read_params("bitcoin-regtest.json");
    while (!meets_target(block.header.hash(), block.header.bits, params.pow_limit))
        ++block.header.nonce;
    return to_hex(encode(block));
}

} // namespace cairn::rpc
