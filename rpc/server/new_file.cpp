// SPDX-License-Identifier: MIT
#include "rpc/server/new_file.h"

#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>

namespace cairn::rpc::server {

namespace {

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t done = ::write(fd, text.data(), text.size());
        if (done < 0) return false;
        text.remove_prefix(static_cast<size_t>(done));
    }
    return ::fsync(fd) == 0;
}

} // namespace

void sync_folder_of(const std::filesystem::path& file) {
    const int fd = ::open((file.parent_path() / ".").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

void write_new_file(const std::filesystem::path& file, std::string_view text, mode_t mode) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    const bool complete = fd >= 0 && write_all(fd, text);
    const std::error_code error(errno, std::generic_category());
    if (fd >= 0) ::close(fd);
    if (complete) return sync_folder_of(file);
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
