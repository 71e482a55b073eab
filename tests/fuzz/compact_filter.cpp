// SPDX-License-Identifier: MIT
// Any bytes as a compact filter are refused or searched; any scripts that go into a filter are
// found in it.
#include "consensus/block_filter.h"

#include <cstdlib>

using namespace cairn::consensus;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    const Script wanted(bytes.first(std::min<size_t>(size, 4)));
    (void)filter_matches(bytes, BlockHash{}, {&wanted, 1});

    Reader reader(bytes);
    std::vector<Script> scripts;
    while (reader.remaining() > 0 && !reader.failed()) reader(scripts.emplace_back());
    if (reader.failed()) return 0;
    const BlockHash hash(sha256(bytes));
    const Bytes filter = build_basic_filter(Block{}, hash, scripts);
    for (const Script& script : scripts) {
        const Result<bool> found = filter_matches(filter, hash, {&script, 1});
        if (!found || (!*found && !script.empty())) std::abort();
    }
    return 0;
}
