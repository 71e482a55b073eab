// SPDX-License-Identifier: MIT
#include "chain/undo.h"

namespace cairn::chain {

using consensus::Bytes;
using consensus::ByteView;
using consensus::Reader;
using consensus::Result;
using consensus::Writer;

namespace {

void write_coin(Writer& writer, const Coin& coin) {
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
    Bytes bytes;
    Writer writer(bytes);
    writer.compact_size(undo.spent.size());
    for (const std::vector<Coin>& coins : undo.spent) {
        writer.compact_size(coins.size());
        for (const Coin& coin : coins) write_coin(writer, coin);
    }
    return bytes;
}

Result<BlockUndo> decode_undo(ByteView bytes) {
    Reader reader(bytes);
    BlockUndo undo;
    const uint64_t transactions = reader.compact_size();
    for (uint64_t i = 0; i < transactions && !reader.failed(); ++i) {
        std::vector<Coin>& coins = undo.spent.emplace_back();
        const uint64_t count = reader.compact_size();
        for (uint64_t j = 0; j < count && !reader.failed(); ++j)
            read_coin(reader, coins.emplace_back());
    }
    if (!reader.at_end()) return consensus::invalid("decode failed", "undo data");
    return undo;
}

} // namespace cairn::chain
