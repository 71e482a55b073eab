// SPDX-License-Identifier: MIT
#include "node/block_messages.h"

namespace cairn::node {

void HeadersMessage::write(consensus::Writer& writer) const {
    writer.compact_size(headers.size());
    for (const consensus::BlockHeader& header : headers) writer(header, uint8_t{0});
}

void HeadersMessage::read(consensus::Reader& reader) {
    const uint64_t count = reader.compact_size();
    if (count > MAX_HEADERS + 100) return reader.fail();
    headers.reserve(std::min<uint64_t>(count, reader.remaining() / consensus::HEADER_BYTES));
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        headers.push_back(reader.read<consensus::BlockHeader>());
        reader.compact_size();
    }
}

} // namespace cairn::node
