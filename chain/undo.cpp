// SPDX-License-Identifier: MIT
#include "chain/undo.h"

#include "consensus/span_writer.h"

namespace cairn::chain {

using consensus::Bytes;
using consensus::ByteView;
using consensus::Reader;
using consensus::Result;
using consensus::SpanWriter;
using consensus::Writer;

namespace {

void write_coin(auto& writer, const Coin& coin) {
    writer.compact_size(uint64_t(coin.height.value) * 2 + (coin.coinbase ? 1 : 0));
    writer.compact_size(uint64_t(coin.out.value.value));
    writer.sized(coin.out.script_pubkey);
}

void read_coin(Reader& reader, Coin& coin) {
    const uint64_t code = reader.compact_number();
    coin.height = static_cast<int32_t>(code / 2);
    coin.coinbase = code % 2 == 1;
    coin.out.value = static_cast<int64_t>(reader.compact_number());
    coin.out.script_pubkey.assign(reader.sized());
}

} // namespace

void encode_coin(const Coin& coin, Bytes& bytes) {
    Writer writer(bytes);
    write_coin(writer, coin);
}

Result<Coin> decode_coin(ByteView bytes) {
    Reader reader(bytes);
    Coin coin;
    read_coin(reader, coin);
    if (!reader.at_end()) return consensus::invalid("decode failed", "coin");
    return coin;
}

Bytes encode_undo(const BlockUndo& undo) {
    constexpr size_t NUMBER = 9; // bytes at most, of which a coin has three
    size_t most = NUMBER * (1 + undo.ends.size() + 3 * undo.coins.size());
    for (const Coin& coin : undo.coins) most += coin.out.script_pubkey.size();
    Bytes bytes(most);
    SpanWriter writer(bytes);
    writer.compact_size(undo.ends.size());
    for (size_t i = 1; i <= undo.ends.size(); ++i) {
        writer.compact_size(undo.spent(i).size());
        for (const Coin& coin : undo.spent(i)) write_coin(writer, coin);
    }
    bytes.resize(writer.size());
    return bytes;
}

Result<BlockUndo> decode_undo(ByteView bytes) {
    Reader reader(bytes);
    BlockUndo undo;
    const uint64_t transactions = reader.compact_size();
    for (uint64_t i = 0; i < transactions && !reader.failed(); ++i) {
        const uint64_t count = reader.compact_size();
        for (uint64_t j = 0; j < count && !reader.failed(); ++j)
            read_coin(reader, undo.coins.emplace_back());
        undo.ends.push_back(static_cast<uint32_t>(undo.coins.size()));
    }
    if (!reader.at_end()) return consensus::invalid("decode failed", "undo data");
    return undo;
}

} // namespace cairn::chain
