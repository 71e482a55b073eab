// SPDX-License-Identifier: MIT
// Any bytes as a value of the database: refused, or a coin, undo data or record that is written and
// read again as the same.
#include "chain/store.h"
#include "chain/undo.h"

#include <cstdlib>

using namespace cairn::chain;
using cairn::consensus::ByteView;

namespace {

template <class T>
void check_record(ByteView bytes) {
    const auto value = cairn::consensus::decode<T>(bytes);
    if (value && !std::ranges::equal(cairn::consensus::encode(*value), bytes)) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    if (const auto coin = decode_coin(bytes)) {
        cairn::consensus::Bytes again;
        encode_coin(*coin, again);
        if (decode_coin(again).value() != *coin) std::abort();
    }
    if (const auto undo = decode_undo(bytes);
        undo && decode_undo(encode_undo(*undo)).value() != *undo)
        std::abort();
    check_record<TipRecord>(bytes);
    check_record<HeaderRecord>(bytes);
    check_record<Event>(bytes);
    return 0;
}
