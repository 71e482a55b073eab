// SPDX-License-Identifier: MIT
// Any bytes as a block: what is read is written back the same, and no rule, filter or signature
// check stumbles over it.
#include "consensus/block_filter.h"
#include "consensus/block_rules.h"
#include "consensus/block_signing.h"

#include <cstdlib>

using namespace cairn::consensus;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    const Result<Block> block = decode<Block>(bytes);
    if (!block) return 0;
    const Bytes written = encode(*block);
    if (!std::ranges::equal(written, bytes)) std::abort();
    if (block->size_bytes() != static_cast<int64_t>(size)) std::abort();

    Params params;
    push_opcode(params.challenge, OP_1);
    (void)check_block_signature(*block, params);
    const BlockHash hash = block->header.hash();
    const Bytes filter = build_basic_filter(*block, hash, {});
    if (!filter_matches(filter, hash, {})) std::abort();
    if (!check_block(*block, params)) return 0;
    const HeaderNode parent(block->header, hash, nullptr);
    (void)accept_block(*block, parent, params);
    return 0;
}
