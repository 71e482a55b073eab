// SPDX-License-Identifier: MIT
// What a chain of a few blocks takes of the machine that tests run on.
#pragma once

#include "chain/chain_options.h"

namespace cairn::tests {

inline chain::ChainOptions
small_chain(const std::filesystem::path& directory, std::function<int64_t()> now) {
    chain::ChainOptions options;
    options.directory = directory;
    options.cache_bytes = size_t{8} << 20;
    options.verify_threads = 1;
    options.now = std::move(now);
    return options;
}

} // namespace cairn::tests
