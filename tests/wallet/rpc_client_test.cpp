// SPDX-License-Identifier: MIT
// The client against a server that answers as told, over a real socket.
#include "tests/temporary_folder.h"
#include "wallet/rpc_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <thread>

namespace cairn::wallet {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Request = http::request<http::string_body>;

/// Serves one connection after the other until it is stopped.
class TestServer {
public:
    struct Answer {
        http::status status = http::status::ok;
        std::string body;
        bool close = false;  ///< After the answer, without saying so before.
        bool silent = false; ///< Never answer.
        bool vanish = false; ///< Close instead of answering.
    };

    explicit TestServer(std::function<Answer(const Request&)> answer)
        : answer_(std::move(answer)),
          thread_([this] { serve(); }) {}

    ~TestServer() {
        stopping_ = true;
        // A connection of our own wakes the acceptor.
        tcp::socket waker(context_);
        boost::system::error_code ignored;
        waker.connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
    }

    RpcEndpoint endpoint() const {
        RpcEndpoint endpoint;
        endpoint.port = acceptor_.local_endpoint().port();
        endpoint.user = "u";
        endpoint.password = "p";
        return endpoint;
    }

    int connections = 0;
    std::vector<Request> requests;

private:
    void serve() {
        while (!stopping_) {
            tcp::socket socket(context_);
            acceptor_.accept(socket);
            if (stopping_) return;
            ++connections;
            boost::beast::flat_buffer buffer;
            for (bool open = true; open;) {
                Request request;
                boost::system::error_code error;
                http::read(socket, buffer, request, error);
                if (error) break;
                requests.push_back(request);
                const Answer answer = answer_(request);
                if (answer.vanish) break;
                if (answer.silent) {
                    http::read(socket, buffer, request, error); // until the client gives up
                    break;
                }
                http::response<http::string_body> response(answer.status, 11);
                response.body() = answer.body;
                response.prepare_payload();
                http::write(socket, response, error);
                open = !answer.close && !error;
            }
        }
    }

    std::function<Answer(const Request&)> answer_;
    std::atomic<bool> stopping_ = false;
    asio::io_context context_;
    tcp::acceptor acceptor_{context_, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)};
    std::thread thread_;
};

std::string result(const std::string& json) {
    return R"({"result":)" + json + R"(,"error":null,"id":1})";
}

/// The code and text of the error that `action` throws.
RpcError error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const RpcError& error) {
        return error;
    }
    BOOST_FAIL("no RpcError");
    return {0, ""};
}

} // namespace

BOOST_AUTO_TEST_SUITE(rpc_client)

BOOST_AUTO_TEST_CASE(call__answer__is_its_result_and_the_request_is_well_formed) {
    TestServer server([](const Request&) { return TestServer::Answer{.body = result("[1,2]")}; });
    {
        RpcClient client(server.endpoint());
        BOOST_TEST((client.call("method", {1, "a"}) == boost::json::value{1, 2}));
        client.call("method");
    }
    BOOST_TEST_REQUIRE(server.requests.size() == 2U);
    const Request& request = server.requests[0];
    BOOST_TEST(std::string(request.target()) == "/");
    BOOST_TEST(std::string(request[http::field::authorization]) == "Basic dTpw");
    const auto body = boost::json::parse(request.body());
    BOOST_TEST(body.at("method").as_string() == "method");
    BOOST_TEST((body.at("params") == boost::json::value{1, "a"}));
}

BOOST_AUTO_TEST_CASE(call_text__amounts__keep_their_digits) {
    TestServer server(
        [](const Request&) { return TestServer::Answer{.body = result("0.00012000")}; });
    RpcClient client(server.endpoint());
    BOOST_TEST(client.call_text("m", "[0.10000000]") == "0.00012000");
    BOOST_TEST(server.requests[0].body().find("[0.10000000]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(call__error_reply__throws_its_code_and_message) {
    TestServer server([](const Request&) {
        return TestServer::Answer{
            .status = http::status::not_found,
            .body = R"({"result":null,"error":{"code":-8,"message":"out of range"},"id":1})"};
    });
    RpcClient client(server.endpoint());
    const RpcError error = error_of([&] { client.call("m"); });
    BOOST_TEST(error.code == -8);
    BOOST_TEST(std::string(error.what()) == "out of range");
}

BOOST_AUTO_TEST_CASE(call__several__have_a_connection_each) {
    int count = 0;
    TestServer server([&](const Request&) {
        return TestServer::Answer{.body = result(std::to_string(++count)), .close = true};
    });
    RpcClient client(server.endpoint());
    for (int i = 1; i <= 3; ++i) BOOST_TEST(client.call("m").as_int64() == i);
    BOOST_TEST(server.connections == 3);
}

/// Some calls must not run twice, such as generatetoaddress.
BOOST_AUTO_TEST_CASE(call__connection_lost_before_the_answer__is_not_sent_again) {
    TestServer server([](const Request&) { return TestServer::Answer{.vanish = true}; });
    RpcClient client(server.endpoint());
    const RpcError error = error_of([&] { client.call("m"); });
    BOOST_TEST(error.code == 0);
    BOOST_TEST(std::string(error.what()).find("lost the connection") != std::string::npos);
    BOOST_TEST(server.connections == 1);
}

BOOST_AUTO_TEST_CASE(call__no_answer__times_out) {
    TestServer server([](const Request&) { return TestServer::Answer{.silent = true}; });
    RpcEndpoint endpoint = server.endpoint();
    endpoint.timeout = std::chrono::seconds(1);
    RpcClient client(endpoint);
    const RpcError error = error_of([&] { client.call("m"); });
    BOOST_TEST(error.code == 0);
    BOOST_TEST(std::string(error.what()).find("no answer") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(call__nobody_listens__asks_whether_cairnd_runs) {
    asio::io_context context;
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    RpcEndpoint endpoint;
    endpoint.port = acceptor.local_endpoint().port();
    acceptor.close();
    RpcClient client(endpoint);
    const RpcError error = error_of([&] { client.call("m"); });
    BOOST_TEST(error.code == 0);
    BOOST_TEST(std::string(error.what()).find("is cairnd running") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(call__cookie__is_read_at_each_call) {
    const tests::TemporaryFolder folder;
    TestServer server(
        [](const Request&) { return TestServer::Answer{.body = result("1"), .close = true}; });
    RpcEndpoint endpoint = server.endpoint();
    endpoint.password.clear(); // -rpcuser alone is no account
    endpoint.cookie_file = folder.path() / ".cookie";
    RpcClient client(endpoint);
    BOOST_TEST(
        std::string(error_of([&] { client.call("m"); }).what()).find("cookie") !=
        std::string::npos);
    folder.write(".cookie", "u:p");
    client.call("m");
    folder.write(".cookie", "u:q");
    client.call("m");
    BOOST_TEST_REQUIRE(server.requests.size() == 2U);
    BOOST_TEST(std::string(server.requests[0][http::field::authorization]) == "Basic dTpw");
    BOOST_TEST(std::string(server.requests[1][http::field::authorization]) == "Basic dTpx");
}

BOOST_AUTO_TEST_CASE(call__refused_or_not_json__says_so) {
    TestServer::Answer answer;
    TestServer server([&](const Request&) { return answer; });
    const auto error = [&](http::status status, std::string body) {
        answer = {.status = status, .body = std::move(body)};
        RpcClient client(server.endpoint());
        return error_of([&] { client.call("m"); });
    };
    BOOST_TEST(
        std::string(error(http::status::unauthorized, "").what()).find("user 'u'") !=
        std::string::npos);
    BOOST_TEST(error(http::status::forbidden, "").code == 0);
    const RpcError busy = error(http::status::service_unavailable, "Work queue depth exceeded");
    BOOST_TEST(busy.code == 0);
    BOOST_TEST(std::string(busy.what()).starts_with("server returned HTTP error 503"));
    const char* refused = R"({"error":{"code":-2,"message":"User x may not call y"}})";
    BOOST_TEST(error(http::status::forbidden, refused).code == -2);
    BOOST_TEST(error(http::status::ok, "{").code == 0);
    BOOST_TEST(error(http::status::ok, "[]").code == 0);
    BOOST_TEST(error(http::status::ok, "{}").code == 0);
    BOOST_TEST(error(http::status::ok, R"({"error":7})").code == 0);
}

BOOST_AUTO_TEST_CASE(batch__replies_in_any_order__come_back_in_ours) {
    TestServer server([](const Request& request) {
        const boost::json::value calls = boost::json::parse(request.body());
        boost::json::array replies;
        for (const auto& call : calls.as_array())
            replies.insert(
                replies.begin(),
                boost::json::object{
                    {"result", call.at("method")}, {"error", nullptr}, {"id", call.at("id")}});
        return TestServer::Answer{.body = boost::json::serialize(replies)};
    });
    RpcClient client(server.endpoint());
    const auto replies = client.batch({{"a", {}}, {"b", {}}, {"c", {}}});
    BOOST_TEST_REQUIRE(replies.size() == 3U);
    BOOST_TEST(replies[0].as_string() == "a");
    BOOST_TEST(replies[2].as_string() == "c");
    BOOST_TEST(client.batch({}).empty());
}

BOOST_AUTO_TEST_CASE(batch__incomplete_or_mixed_up__is_refused) {
    std::string body;
    TestServer server([&](const Request&) { return TestServer::Answer{.body = body}; });
    for (const char* text :
         {"[]", R"([{"result":1,"error":null,"id":0}])",
          R"([{"result":1,"error":null,"id":0},{"result":1,"error":null,"id":0}])",
          R"([{"result":1,"error":null,"id":0},{"result":1,"error":null,"id":7}])",
          R"([{"result":1,"error":null,"id":0},3])"}) {
        body = text;
        RpcClient client(server.endpoint());
        BOOST_TEST(error_of([&] { client.batch({{"a", {}}, {"b", {}}}); }).code == 0, text);
    }
    body = R"([{"result":1,"error":null,"id":0},{"error":{"code":-5,"message":"no"},"id":1}])";
    RpcClient client(server.endpoint());
    BOOST_TEST(error_of([&] { client.batch({{"a", {}}, {"b", {}}}); }).code == -5);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
