// SPDX-License-Identifier: MIT
#include "chain/file.h"

#include "chain/store.h"

#include <cerrno>
#include <spdlog/fmt/fmt.h>
#include <system_error>
#include <unistd.h>

namespace cairn::chain {

namespace {

void check(bool good, const std::filesystem::path& file) {
    if (good) return;
    throw StorageError(
        "cannot write " + file.string() + ": " + std::generic_category().message(errno));
}

} // namespace

std::optional<uint64_t> free_bytes(const std::filesystem::path& path) {
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(path, error);
    if (error) return std::nullopt;
    return space.available;
}

void require_space(const std::filesystem::path& path, uint64_t needed) {
    constexpr uint64_t MEGABYTE = 1'000'000;
    const std::optional<uint64_t> room = free_bytes(path);
    const uint64_t wanted = MIN_FREE_BYTES + needed;
    if (room && *room < wanted)
        throw StorageError(fmt::format(
            "disk space is too low: {} MB are free in {}, {} are needed", *room / MEGABYTE,
            path.string(), wanted / MEGABYTE));
}

FileReplacement::FileReplacement(std::filesystem::path file, std::string_view suffix)
    : file_(std::move(file)),
      fresh_(file_.string() + std::string(suffix)),
      out_(std::fopen(fresh_.c_str(), "wbe"), &std::fclose) {
    check(out_ != nullptr, fresh_);
}

FileReplacement::~FileReplacement() {
    std::error_code ignored;
    if (out_) std::filesystem::remove(fresh_, ignored);
}

void FileReplacement::write(consensus::ByteView bytes) {
    check(std::fwrite(bytes.data(), 1, bytes.size(), out_.get()) == bytes.size(), fresh_);
}

void FileReplacement::overwrite_start(consensus::ByteView bytes) {
    check(std::fseek(out_.get(), 0, SEEK_SET) == 0, fresh_);
    write(bytes);
}

void FileReplacement::commit() {
    check(std::fflush(out_.get()) == 0 && ::fsync(::fileno(out_.get())) == 0, fresh_);
    check(::rename(fresh_.c_str(), file_.c_str()) == 0, file_);
    out_.reset();
}

void replace_file(const std::filesystem::path& file, consensus::ByteView bytes) {
    FileReplacement replacement(file);
    replacement.write(bytes);
    replacement.commit();
}

} // namespace cairn::chain
