// SPDX-License-Identifier: MIT
#include "node/file.h"

#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>

namespace cairn::node {

namespace {

[[noreturn]] void fail(const std::filesystem::path& file) {
    throw std::runtime_error(
        "cannot write " + file.string() + ": " + std::generic_category().message(errno));
}

} // namespace

void replace_file(const std::filesystem::path& file, consensus::ByteView bytes) {
    std::filesystem::path fresh = file;
    fresh += ".new";
    const int out = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0) fail(fresh);
    bool good = true;
    while (good && !bytes.empty()) {
        const ssize_t written = ::write(out, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        good = written > 0;
        if (good) bytes = bytes.subspan(static_cast<size_t>(written));
    }
    good = good && ::fsync(out) == 0;
    good = ::close(out) == 0 && good;
    if (!good || ::rename(fresh.c_str(), file.c_str()) != 0) fail(file);
}

} // namespace cairn::node
