// SPDX-License-Identifier: MIT
#include "node/process.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace cairn::node {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

DirectoryLock::DirectoryLock(const fs::path& directory) {
    const fs::path path = directory / ".lock";
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file_ < 0) fail("Cannot write to directory " + directory.string());
    if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
    close(file_);
    throw std::runtime_error(
        "Cannot obtain a lock on directory " + directory.string() +
        ". Cairn is probably already running.");
}

DirectoryLock::~DirectoryLock() {
    close(file_);
}

PidFile::PidFile(fs::path path) : path_(std::move(path)) {
    if (path_.empty()) return;
    std::ofstream file(path_);
    file << getpid() << '\n' << std::flush;
    if (!file) throw std::runtime_error("Unable to create the PID file '" + path_.string() + "'");
}

PidFile::~PidFile() {
    std::error_code error;
    if (!path_.empty()) fs::remove(path_, error);
}

Background::Background() {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child > 0) {
        close(ends[1]);
        char report = 0;
        ssize_t got = 0;
        do {
            got = read(ends[0], &report, 1);
        } while (got < 0 && errno == EINTR);
        // Nothing of this process's copy is to be undone: it all belongs to the child.
        _exit(got == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ends[0]);
    report_ = ends[1];
    setsid();
}

void Background::started() {
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, stream);
    close(nothing);
    const char report = 1;
    if (write(report_, &report, 1) != 1) fail("Could not report to the terminal");
    close(report_);
    report_ = -1;
}

Signals::Signals() {
    sigemptyset(&awaited_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&awaited_, number);
    pthread_sigmask(SIG_BLOCK, &awaited_, nullptr);

    struct sigaction ignore {};

    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, nullptr);
}

void Signals::wait(const std::function<void()>& hung_up) const {
    for (;;) {
        int number = 0;
        if (sigwait(&awaited_, &number) != 0) continue;
        if (number != SIGHUP) return;
        hung_up();
    }
}

void Signals::request_stop() const {
    kill(getpid(), SIGTERM); // blocked in every thread, so it goes to wait()
}

void raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace cairn::node
