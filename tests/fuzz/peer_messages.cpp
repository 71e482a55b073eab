// SPDX-License-Identifier: MIT
// Bytes from a stranger: the envelope, and every message in it. What is read is written as it was.
#include "node/compact_block.h"
#include "node/frame.h"
#include "node/messages.h"

#include <cassert>

using namespace cairn;
using namespace cairn::node;

namespace {

/// Parse; if that works, what is written must parse to the same.
template <class T>
void try_parse(ByteView bytes) {
    const std::optional<T> content = parse<T>(bytes);
    if (!content) return;
    const Bytes written = consensus::encode(*content);
    const std::optional<T> again = parse<T>(written);
    assert(again && consensus::encode(*again) == written);
}

void try_frames(ByteView bytes) {
    constexpr Magic MAGIC = {1, 2, 3, 4};
    FrameReader reader(MAGIC, [](auto) { return MAX_PAYLOAD_BYTES; });
    ByteView in = bytes;
    for (;;) {
        const auto message = reader.next(in);
        if (!message || !*message) return;
        assert((*message)->payload.size() <= bytes.size());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    try_frames(bytes);
    const Bytes framed = frame_bytes({1, 2, 3, 4}, {"fuzz", Bytes(bytes.begin(), bytes.end())});
    try_frames(framed);
    try_parse<VersionMessage>(bytes);
    try_parse<FeatureMessage>(bytes);
    try_parse<SendCompactMessage>(bytes);
    try_parse<AddrMessage>(bytes);
    try_parse<AddrV2Message>(bytes);
    try_parse<LocatorMessage>(bytes);
    try_parse<HeadersMessage>(bytes);
    try_parse<CompactBlockMessage>(bytes);
    try_parse<GetBlockTransactionsMessage>(bytes);
    try_parse<BlockTransactionsMessage>(bytes);
    try_parse<InventoryMessage>(bytes);
    try_parse<FilterRangeMessage>(bytes);
    try_parse<GetFilterCheckpointsMessage>(bytes);
    try_parse<FilterMessage>(bytes);
    try_parse<FilterHeadersMessage>(bytes);
    try_parse<FilterCheckpointsMessage>(bytes);
    return 0;
}
