// SPDX-License-Identifier: MIT
#include "node/log.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <iterator>
#include <regex>
#include <spdlog/spdlog.h>

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
    start_log({.file = logging.file, .level = spdlog::level::debug});
    spdlog::trace("trace_line");
    spdlog::debug("debug_line");
    BOOST_TEST(content(logging.file).find("trace_line") == std::string::npos);
    BOOST_TEST(content(logging.file).find("debug_line") != std::string::npos);
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
