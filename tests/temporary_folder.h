// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace cairn::tests {

/// Where tests keep their folders: in memory, if there is enough of it, since they would wait for
/// the disk most of the time; what a power cut leaves is what FaultyDisk says, not what the disk
/// does. Elsewhere if TMPDIR says so, for whoever wants a real disk.
inline std::filesystem::path folder_of_tests() {
    constexpr uintmax_t ENOUGH_BYTES = uintmax_t{2} << 30;
    const std::filesystem::path memory = "/dev/shm";
    std::error_code error;
    const bool elsewhere = std::getenv("TMPDIR") != nullptr; // NOLINT(concurrency-mt-unsafe)
    const std::filesystem::space_info space = std::filesystem::space(memory, error);
    const bool enough = !error && space.available >= ENOUGH_BYTES;
    return enough && !elsewhere ? memory : std::filesystem::temp_directory_path();
}

/// A folder of its own for one test, gone afterwards.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string path = (folder_of_tests() / "cairn_test_XXXXXX").string();
        if (!::mkdtemp(path.data())) throw std::system_error(errno, std::generic_category(), path);
        path_ = path;
    }

    ~TemporaryFolder() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }

    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

    /// Write a file, with the folders it is in.
    std::filesystem::path write(const std::string& name, std::string_view text) const {
        const std::filesystem::path file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        return file;
    }

private:
    std::filesystem::path path_;
};

} // namespace cairn::tests
