// SPDX-License-Identifier: MIT
// Any text as a chain file: an error with words in it, or a chain that is written and read again.
#include "consensus/chain_file.h"

#include <cstdlib>

using namespace cairn::consensus;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        const Params params =
            read_chain_file({reinterpret_cast<const char*>(data), size}); // any bytes
        const std::string written = write_chain_file(params);
        if (write_chain_file(read_chain_file(written)) != written) std::abort();
    } catch (const ChainFileError& error) {
        if (std::string_view(error.what()).size() < 10) std::abort();
    }
    return 0;
}
