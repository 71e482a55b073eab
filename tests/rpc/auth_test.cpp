// SPDX-License-Identifier: MIT
#include "rpc/server/auth.h"
#include "rpc/server/url.h"
#include "tests/temporary_folder.h"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sys/stat.h>

using namespace cairn::rpc::server;
using cairn::tests::TemporaryFolder;

namespace {

std::string basic(const std::string& pair) {
    std::string text(boost::beast::detail::base64::encoded_size(pair.size()), '\0');
    text.resize(boost::beast::detail::base64::encode(text.data(), pair.data(), pair.size()));
    return "Basic " + text;
}

std::string content(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(auth)

BOOST_AUTO_TEST_CASE(user_of__password__only_the_right_pair) {
    const Authenticator authenticator({.user = "alice", .password = "se:cret"});
    BOOST_TEST(authenticator.user_of(basic("alice:se:cret"))->name == "alice");
    const std::string wrong[] = {
        basic("alice:secret"),
        basic("alice:"),
        basic("alice"),
        basic("bob:se:cret"),
        basic(""),
        "Basic",
        "",
        "Bearer abc",
        "Basic !!!!",
        basic("alice:se:cret") + "x"};
    for (const std::string& header : wrong) BOOST_TEST(!authenticator.user_of(header), header);
    // Nobody could ever be this user: the first colon of a header ends the name.
    BOOST_CHECK_THROW(Authenticator({.user = "al:ice", .password = "secret"}), AuthError);
}

BOOST_AUTO_TEST_CASE(user_of__rpcauth__salted_hmac) {
    // HMAC-SHA-256 keyed by the salt's text, as made by share/rpcauth of the reference.
    const Authenticator authenticator(
        {.rpcauth = {"rt:93648e835a54c573682c2eb19f882535$"
                     "7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144"}});
    BOOST_TEST(
        authenticator.user_of(basic("rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM="))->name ==
        "rt");
    BOOST_TEST(!authenticator.user_of(basic("rt:cA773lm788buwYe4g4WT")));
    for (const char* bad : {"", "rt", "rt:salt", "rt:salt$", "rt:salt$zz", "rt$salt:00"})
        BOOST_CHECK_THROW(Authenticator({.rpcauth = {bad}}), AuthError);
}

BOOST_AUTO_TEST_CASE(roles__by_option__admin_unless_said) {
    const TemporaryFolder scratch;
    const auto role = [&](std::vector<std::string> roles) {
        const Authenticator authenticator(
            {.user = "alice", .password = "pw", .roles = std::move(roles)});
        return authenticator.user_of(basic("alice:pw"))->role;
    };
    BOOST_TEST((role({}) == Role::Admin));
    BOOST_TEST((role({"alice:read"}) == Role::Read));
    BOOST_TEST((role({"alice:read", "alice:mine"}) == Role::Mine));
    BOOST_TEST((role({"alice:admin"}) == Role::Admin));
    for (const char* bad : {"", "alice", "alice:", "alice:root", "bob:read", ":read"})
        BOOST_CHECK_THROW(role({bad}), AuthError);
}

BOOST_AUTO_TEST_CASE(whitelists__by_option__as_the_reference) {
    // The methods, each with a blank after it.
    const auto list = [](std::vector<std::string> lists, std::optional<bool> otherwise) {
        const Authenticator authenticator(
            {.user = "a",
             .password = "pw",
             .whitelists = std::move(lists),
             .whitelist_default = otherwise});
        const auto& methods = authenticator.user_of(basic("a:pw"))->methods;
        if (!methods) return std::string("any");
        std::string text;
        for (const std::string& method : *methods) text += method + " ";
        return text;
    };
    BOOST_TEST(list({}, {}) == "any");
    BOOST_TEST(list({}, true) == "");
    BOOST_TEST(list({"b:x"}, {}) == "");
    BOOST_TEST(list({"b:x"}, false) == "any");
    BOOST_TEST(list({"a:x,y, z,"}, false) == "x y z ");
    BOOST_TEST(list({"a:x,y", "a:y,z"}, {}) == "y ");
    for (const char* empty : {"a", "a:", "a::", "a:, ,"}) BOOST_TEST(list({empty}, {}) == "");
}

BOOST_AUTO_TEST_CASE(authorization_of_token__any_base64__as_a_header) {
    const std::string header = basic("user:>>>???");
    BOOST_TEST(header == "Basic dXNlcjo+Pj4/Pz8=");
    for (const char* token : {"dXNlcjo+Pj4/Pz8=", "dXNlcjo-Pj4_Pz8"})
        BOOST_TEST(authorization_of_token(token) == header);
}

BOOST_AUTO_TEST_CASE(url__value__of_the_name_and_decoded) {
    const Url url("/path?a=b&token=%2bx%2F%3D&token=y&empty=&bare");
    BOOST_TEST(url.path == "/path");
    BOOST_TEST(url.value("a").value() == "b");
    BOOST_TEST(url.value("token").value() == "+x/=");
    BOOST_TEST(url.value("empty").value() == "");
    for (const char* none : {"bare", "b", "toke", "tokens", "path", ""})
        BOOST_TEST(!url.value(none), none);
    for (const char* odd : {"%", "%2", "%zz", "%-1"})
        BOOST_TEST(Url(std::string("?x=") + odd).value("x").value() == odd);
    BOOST_TEST(Url("/path").query == "");
}

BOOST_AUTO_TEST_CASE(cookie__life__private_complete_and_deleted) {
    const TemporaryFolder scratch;
    const std::filesystem::path file = scratch.path() / ".cookie";
    {
        const Authenticator authenticator({.cookie_file = file});
        const std::string pair = content(file);
        BOOST_TEST(pair.starts_with("__cookie__:"));
        BOOST_TEST(pair.size() == 11U + 64U);
        BOOST_TEST(authenticator.user_of(basic(pair))->name == "__cookie__");

        struct stat status {};

        BOOST_REQUIRE(::stat(file.c_str(), &status) == 0);
        BOOST_TEST((status.st_mode & 0777) == 0600);
        BOOST_TEST(std::distance(std::filesystem::directory_iterator(scratch.path()), {}) == 1);
    }
    BOOST_TEST(!std::filesystem::exists(file));
}

BOOST_AUTO_TEST_CASE(cookie__password_given__not_written) {
    const TemporaryFolder scratch;
    const std::filesystem::path file = scratch.path() / ".cookie";
    const Authenticator authenticator({.user = "a", .password = "b", .cookie_file = file});
    BOOST_TEST(!std::filesystem::exists(file));
}

BOOST_AUTO_TEST_CASE(cookie__directory_missing__throws) {
    const TemporaryFolder scratch;
    BOOST_CHECK_THROW(
        Authenticator({.cookie_file = scratch.path() / "none" / ".cookie"}), std::system_error);
}

BOOST_AUTO_TEST_CASE(base64_decode__vectors__as_in_rfc_4648) {
    const std::pair<std::string_view, std::string_view> vectors[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zm8=", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Zm9vYmE=", "fooba"},
        {"Zm9vYmFy", "foobar"}};
    for (const auto& [text, bytes] : vectors) BOOST_TEST(base64_decode(text).value() == bytes);
    for (const std::string_view bad : {"Z", "Zg=", "Z===", "Zg=a", "Z g=", "===="})
        BOOST_TEST(!base64_decode(bad), bad);
}

BOOST_AUTO_TEST_SUITE_END()
