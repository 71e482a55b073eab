// SPDX-License-Identifier: MIT
// Any bytes as mempool.dat: refused with a word in the log, or transactions.
#include "chain/mempool_file.h"

#include "tests/temporary_folder.h"

#include <fstream>
#include <spdlog/spdlog.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const cairn::tests::TemporaryFolder FOLDER;
    static const std::filesystem::path SAVED = FOLDER.path() / "mempool.dat";
    spdlog::set_level(spdlog::level::off);
    std::ofstream(SAVED, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    (void)cairn::chain::load_mempool(SAVED);
    return 0;
}
