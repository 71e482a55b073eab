// SPDX-License-Identifier: MIT
#include "tests/chain/victim.h"

#include <boost/test/unit_test.hpp>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cairn::tests {

namespace {

constexpr const char* DIRECTORY = "CAIRN_CRASH_TEST_DIRECTORY";
constexpr const char* SEED = "CAIRN_CRASH_SEED";
constexpr int STEPS_FD = 99; ///< The victim's end of the pipe.

} // namespace

Victim::Victim(
    const std::string& test_case, const std::filesystem::path& directory, uint64_t seed) {
    const std::string own_seed = std::to_string(seed);
    const std::string run_test = "--run_test=" + test_case;
    std::array<int, 2> pipe_ends{};
    BOOST_REQUIRE(pipe2(pipe_ends.data(), O_CLOEXEC) == 0);
    pid_ = fork();
    if (pid_ != 0) {
        close(pipe_ends[1]);
        steps_ = pipe_ends[0];
        BOOST_REQUIRE(pid_ > 0);
        return;
    }
    dup2(pipe_ends[1], STEPS_FD);
    setenv(DIRECTORY, directory.c_str(), 1); // NOLINT(concurrency-mt-unsafe): one thread
    setenv(SEED, own_seed.c_str(), 1);       // NOLINT(concurrency-mt-unsafe)
    // What it leaves, as it can't clean up, goes with the rest.
    setenv("TMPDIR", directory.c_str(), 1); // NOLINT(concurrency-mt-unsafe)
    execl(
        "/proc/self/exe", "test_chain", run_test.c_str(), "--log_level=nothing",
        static_cast<char*>(nullptr));
    _exit(1);
}

Victim::~Victim() {
    if (pid_ > 0) (void)kill();
    close(steps_);
}

bool Victim::wait_for(uint64_t steps) {
    char byte = 0;
    for (; steps > 0; --steps)
        if (read(steps_, &byte, 1) != 1) return false;
    return true;
}

bool Victim::kill() {
    ::kill(pid_, SIGKILL);
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

void Victim::run(const std::function<void(const std::filesystem::path&)>& work) {
    const char* directory = std::getenv(DIRECTORY); // NOLINT(concurrency-mt-unsafe)
    if (directory) work(directory);
}

void Victim::step() {
    if (write(STEPS_FD, "", 1) != 1) std::abort();
}

} // namespace cairn::tests
