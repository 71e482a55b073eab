// SPDX-License-Identifier: MIT
#include "node/log.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <iterator>
#include <regex>
#include <spdlog/spdlog.h>
#include <thread>

using cairn::tests::TemporaryFolder;
namespace fs = std::filesystem;

namespace cairn::node {

namespace {

std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Logs into a folder; puts back what logged before.
struct Logging {
    TemporaryFolder folder;
    fs::path file = folder.path() / "debug.log";
    std::shared_ptr<spdlog::logger> before = spdlog::default_logger();

    ~Logging() { spdlog::set_default_logger(before); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(log) // not in the global namespace, where libc has a function of this name

BOOST_AUTO_TEST_CASE(start_log__a_line__is_in_the_file_at_once_with_utc_microseconds) {
    const Logging logging;
    start_log({.file = logging.file});
    spdlog::info("tip_changed height={}", 7);
    const std::regex line(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z info tip_changed height=7\n)");
    BOOST_TEST(std::regex_match(content(logging.file), line));
}

BOOST_AUTO_TEST_CASE(start_log__file_exists__is_appended_to) {
    const Logging logging;
    logging.folder.write("debug.log", "before\n");
    start_log({.file = logging.file});
    spdlog::info("after");
    BOOST_TEST(content(logging.file).starts_with("before\n"));
    BOOST_TEST(content(logging.file).ends_with("after\n"));
}

BOOST_AUTO_TEST_CASE(start_log__control_characters__cannot_forge_a_line) {
    const Logging logging;
    start_log({.file = logging.file});
    spdlog::info("agent={}", "a\nb\r\x1b[2J\x7f");
    BOOST_TEST(content(logging.file).ends_with(" info agent=a?b??[2J?\n"));
}

BOOST_AUTO_TEST_CASE(start_log__level__holds_back_what_is_below) {
    const Logging logging;
    start_log({.file = logging.file, .detailed = {"all"}});
    spdlog::trace("trace_line");
    spdlog::debug("debug_line");
    BOOST_TEST(content(logging.file).find("trace_line") == std::string::npos);
    BOOST_TEST(content(logging.file).find("debug_line") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(set_log_level__one_module__lets_only_its_threads_tell_details) {
    const Logging logging;
    start_log({.file = logging.file});
    const auto from_thread = [](const char* name, const char* line) {
        std::thread([&] {
            ::pthread_setname_np(::pthread_self(), name);
            spdlog::debug(line);
        }).join();
    };
    from_thread("net", "before");
    set_log_level("addrman", spdlog::level::debug); // which is a part of net
    from_thread("net", "of_net");
    from_thread("chain-verify", "of_chain");
    spdlog::debug("of_main");
    BOOST_TEST((logs_details("net") && !logs_details("chain") && !logs_details("main")));
    set_log_level("all", spdlog::level::debug);
    set_log_level("net", spdlog::level::info);
    from_thread("net", "after");
    from_thread("chain-verify", "of_chain_later");
    const std::string text = content(logging.file);
    for (const char* line : {"of_net\n", "of_chain_later\n"})
        BOOST_TEST(text.find(line) != std::string::npos);
    for (const char* line : {"before", "of_chain\n", "of_main", "after"})
        BOOST_TEST(text.find(line) == std::string::npos);
    set_log_level("all", spdlog::level::info);
}

BOOST_AUTO_TEST_CASE(start_log__json__is_an_object_a_line_whatever_a_peer_sent) {
    const Logging logging;
    start_log({.file = logging.file, .json = true});
    spdlog::warn("agent={}", "a\"b\\c\nd\x7f\xff");
    const std::string wanted = R"("level":"warning","module":"main","message":)"
                               R"("agent=a\"b\\c\u000ad\u007f\u00ff"})";
    BOOST_TEST(content(logging.file).starts_with(R"({"time":"20)"));
    BOOST_TEST(content(logging.file).ends_with(wanted + "\n"));
}

BOOST_AUTO_TEST_CASE(start_log__limit_reached__rotates_and_keeps_three) {
    const Logging logging;
    start_log({.file = logging.file, .max_file_bytes = 50});
    for (int i = 0; i < 6; ++i) spdlog::info("line={}", i); // each more than half the limit
    BOOST_TEST(content(logging.file).ends_with("line=5\n"));
    BOOST_TEST(content(logging.folder.path() / "debug.1.log").ends_with("line=4\n"));
    BOOST_TEST(content(logging.folder.path() / "debug.3.log").ends_with("line=2\n"));
    BOOST_TEST(!fs::exists(logging.folder.path() / "debug.4.log"));
}

BOOST_AUTO_TEST_CASE(reopen_log__file_moved_away__starts_a_new_one) {
    const Logging logging;
    start_log({.file = logging.file});
    spdlog::info("first");
    fs::rename(logging.file, logging.folder.path() / "moved");
    reopen_log();
    spdlog::info("second");
    BOOST_TEST(content(logging.file).ends_with("second\n"));
    BOOST_TEST(content(logging.folder.path() / "moved").ends_with("first\n"));
}

BOOST_AUTO_TEST_CASE(start_log__file_cannot_be_opened__says_so) {
    const Logging logging;
    const fs::path file = logging.folder.path() / "none" / "debug.log";
    try {
        start_log({.file = file});
        BOOST_TEST(false);
    } catch (const std::runtime_error& error) {
        const std::string text = error.what();
        BOOST_TEST(text.starts_with("Could not open debug log file " + file.string()));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::node
