// SPDX-License-Identifier: MIT
// What a server process owes its system: one of it in a directory, a place in the background, its
// process id in a file, and an orderly end when it is told to.
#pragma once

#include <csignal>
#include <filesystem>
#include <functional>

namespace cairn::node {

/// Keeps every other process out of a directory, by a lock on its file `.lock`. The system lets go
/// of it however the process ends.
class DirectoryLock {
public:
    /// Throws std::runtime_error: another process is there, or the file can't be made.
    explicit DirectoryLock(const std::filesystem::path& directory);
    ~DirectoryLock();
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;

private:
    int file_ = -1;
};

/// The process id in a file, for as long as this lives.
class PidFile {
public:
    /// An empty path: none. Throws std::runtime_error.
    explicit PidFile(std::filesystem::path path);
    ~PidFile();
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;

private:
    std::filesystem::path path_;
};

/// Moves the process into the background.
///
/// The one that was started waits for started() and then exits with 0, or with 1 if the one in the
/// background ends before; until then both write to the same terminal.
class Background {
public:
    /// Returns in the background only. Requires: no thread was started yet.
    Background();
    /// Give the terminal back and go on without it.
    void started();

private:
    int report_ = -1; ///< The end of a pipe that the waiting process reads.
};

/// The signals that tell a server to end.
class Signals {
public:
    /// From now on SIGINT, SIGTERM and SIGHUP wait for wait(), SIGPIPE is ignored. Requires: no
    /// thread was started yet.
    Signals();

    /// Return once SIGINT or SIGTERM came or request_stop() was called; at each SIGHUP call
    /// `hung_up`.
    void wait(const std::function<void()>& hung_up) const;

    /// As if SIGTERM had come. Returns at once. Thread: any.
    void request_stop() const;

private:
    sigset_t awaited_{};
};

/// Take as many file descriptors as the system allows.
void raise_file_limit();

} // namespace cairn::node
