// SPDX-License-Identifier: MIT
#include "rpc/server/new_file.h"
#include "tests/temporary_folder.h"
#include "wallet/terminal.h"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace cairn::wallet {

BOOST_AUTO_TEST_SUITE(terminal)

/// Text of up to 15 characters would stand in the object itself, which nobody wipes.
BOOST_AUTO_TEST_CASE(first_line_of__short_secret__stands_in_memory_that_is_wiped) {
    const tests::TemporaryFolder folder;
    const keys::SecretText line = first_line_of(folder.write("a", "secret\r\nmore\n"));
    BOOST_TEST(line == "secret");
    BOOST_TEST(line.capacity() > keys::SecretText().capacity());
    BOOST_TEST(first_line_of(folder.write("b", "no end")) == "no end");
    BOOST_TEST(first_line_of(folder.write("c", "\n")).empty());
    BOOST_TEST(first_line_of(folder.write("d", std::string(4095, 'a'))).size() == 4095U);
    BOOST_CHECK_THROW(first_line_of(folder.write("e", "")), std::runtime_error);
    BOOST_CHECK_THROW(first_line_of(folder.write("f", std::string(4096, 'a'))), std::runtime_error);
    BOOST_CHECK_THROW(first_line_of(folder.path() / "none"), std::runtime_error);
    BOOST_CHECK_THROW(first_line_of(folder.path()), std::runtime_error);
}

/// What a buffer has taken in, nobody wipes either.
BOOST_AUTO_TEST_CASE(ask_line__more_follows__takes_one_line_only) {
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    BOOST_REQUIRE(::write(ends[1], "first\nsecond\n", 13) == 13);
    ::close(ends[1]);
    const int before = ::dup(STDIN_FILENO);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    BOOST_TEST(ask_line("") == "first");
    std::string rest(64, '\0');
    rest.resize(static_cast<size_t>(::read(STDIN_FILENO, rest.data(), rest.size())));
    BOOST_TEST(rest == "second\n");
    BOOST_CHECK_THROW(ask_line(""), std::runtime_error);
    ::dup2(before, STDIN_FILENO);
    ::close(before);
}

BOOST_AUTO_TEST_CASE(write_new_file__no_room_half_way__says_why_and_leaves_nothing) {
    const tests::TemporaryFolder folder;
    const auto file = folder.path() / "key";
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{10, before.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    std::error_code error;
    try {
        rpc::server::write_new_file(file, "more than ten bytes");
    } catch (const std::system_error& failure) {
        error = failure.code();
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    BOOST_TEST((error == std::errc::file_too_large), error.message());
    BOOST_TEST(!std::filesystem::exists(file));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
