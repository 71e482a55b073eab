// SPDX-License-Identifier: MIT
#include "node/process.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <thread>

using namespace cairn::node;
using cairn::tests::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

/// What a child process that runs `body` exits with.
template <class Function>
int status_of_child(Function&& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(directory_lock__held__keeps_another_process_out) {
    const TemporaryFolder folder;
    const auto try_lock = [&] {
        try {
            const DirectoryLock lock(folder.path());
            return 0;
        } catch (const std::runtime_error& error) {
            const std::string expected = "Cannot obtain a lock on directory " +
                                         folder.path().string() +
                                         ". Cairn is probably already running.";
            return error.what() == expected ? 1 : 2;
        }
    };
    {
        const DirectoryLock lock(folder.path());
        BOOST_TEST(status_of_child(try_lock) == 1);
    }
    BOOST_TEST(status_of_child(try_lock) == 0);
}

BOOST_AUTO_TEST_CASE(pid_file__lives__holds_the_process_id) {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "pid";
    {
        const PidFile file(path);
        pid_t pid = 0;
        std::ifstream(path) >> pid;
        BOOST_TEST(pid == getpid());
    }
    BOOST_TEST(!fs::exists(path));
    BOOST_CHECK_THROW(PidFile(folder.path() / "none" / "pid"), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(background__child_starts_or_fails__is_what_the_first_process_exits_with) {
    BOOST_TEST(status_of_child([] {
                   Background background;
                   background.started();
                   return 7; // in the background, where nobody waits for it
               }) == 0);
    BOOST_TEST(status_of_child([] {
                   const Background background;
                   return 0;
               }) == 1);
}

BOOST_AUTO_TEST_CASE(signals__stop_requested_before_or_while_waiting__wait_returns) {
    BOOST_TEST(status_of_child([] {
                   const Signals signals;
                   int hangups = 0;
                   raise(SIGHUP);
                   raise(SIGPIPE);
                   std::thread stopper;
                   signals.wait([&] {
                       ++hangups;
                       stopper = std::thread([&] { signals.request_stop(); });
                   });
                   stopper.join();
                   raise(SIGINT);
                   signals.wait([] {});
                   signals.request_stop();
                   signals.wait([] {});
                   return hangups;
               }) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
