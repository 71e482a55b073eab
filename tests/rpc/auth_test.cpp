// SPDX-License-Identifier: MIT
#include "rpc/server/auth.h"
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
    BOOST_TEST(authenticator.user_of(basic("alice:se:cret")).value() == "alice");
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
        authenticator.user_of(basic("rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=")).value() ==
        "rt");
    BOOST_TEST(!authenticator.user_of(basic("rt:cA773lm788buwYe4g4WT")));
    for (const char* bad : {"", "rt", "rt:salt", "rt:salt$", "rt:salt$zz", "rt$salt:00"})
        BOOST_CHECK_THROW(Authenticator({.rpcauth = {bad}}), AuthError);
}

BOOST_AUTO_TEST_CASE(cookie__life__private_complete_and_deleted) {
    const TemporaryFolder scratch;
    const std::filesystem::path file = scratch.path() / ".cookie";
    {
        const Authenticator authenticator({.cookie_file = file});
        const std::string pair = content(file);
        BOOST_TEST(pair.starts_with("__cookie__:"));
        BOOST_TEST(pair.size() == 11U + 64U);
        BOOST_TEST(authenticator.user_of(basic(pair)).value() == "__cookie__");

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
