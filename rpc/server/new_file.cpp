// SPDX-License-Identifier: MIT
#include "rpc/server/new_file.h"

#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>

namespace cairn::rpc::server {

void write_new_file(const std::filesystem::path& file, std::string_view text, mode_t mode) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool complete = fd >= 0;
    if (complete) complete = ::write(fd, text.data(), text.size()) == std::ssize(text);
    if (fd >= 0) complete &= ::close(fd) == 0;
    if (complete) return;
    const std::error_code error(errno, std::generic_category());
    if (fd >= 0) std::filesystem::remove(file);
    throw std::system_error(error, "cannot write " + file.string());
}

void replace_file(const std::filesystem::path& file, std::string_view text, mode_t mode) {
    const std::filesystem::path temporary = file.string() + ".new";
    std::filesystem::remove(temporary);
    write_new_file(temporary, text, mode);
    std::filesystem::rename(temporary, file);
}

} // namespace cairn::rpc::server
