// SPDX-License-Identifier: MIT
#include "consensus/coin_compression.h"

#include "consensus/signature.h"
#include "consensus/standard.h"

namespace cairn::consensus {

namespace {

// What takes the place of a script's length.
constexpr uint64_t PUBKEY_HASH = 0;
constexpr uint64_t SCRIPT_HASH = 1;
constexpr uint64_t PUBKEY = 2;              ///< And 3: its first byte.
constexpr uint64_t UNCOMPRESSED_PUBKEY = 4; ///< And 5, for an odd Y.
constexpr uint64_t SPECIAL_SCRIPTS = 6;     ///< From here on a length, and this.

/// Seven bits a byte, highest first; each byte but the last stands for one more than its bits say,
/// so that there is one form for each number. Core: VARINT.
void write_number(Writer& writer, uint64_t n) {
    std::array<uint8_t, 10> bytes{};
    size_t at = bytes.size();
    bytes[--at] = n & 0x7f;
    while (n > 0x7f) {
        n = (n >> 7) - 1;
        bytes[--at] = 0x80 | (n & 0x7f);
    }
    writer.raw(ByteView(bytes).subspan(at));
}

uint64_t read_number(Reader& reader) {
    for (uint64_t n = 0;; ++n) {
        const auto byte = reader.read<uint8_t>();
        if (n > UINT64_MAX >> 8) reader.fail();
        if (reader.failed()) return 0;
        n = n << 7 | (byte & 0x7f);
        if ((byte & 0x80) == 0) return n;
    }
}

void write_script(Writer& writer, const Script& script) {
    const OutputTemplate form = match_template(script);
    if (form.type == OutputType::PubKeyHash || form.type == OutputType::ScriptHash) {
        write_number(writer, form.type == OutputType::PubKeyHash ? PUBKEY_HASH : SCRIPT_HASH);
        return writer.raw(form.parts[0]);
    }
    if (form.type == OutputType::PubKey) {
        const ByteView key = form.parts[0];
        if (is_compressed_pubkey(key)) return writer.raw(key);
        // Only what can be made again from half of it.
        if (is_uncompressed_pubkey(key) && key[0] == 4 && uncompressed_pubkey(key)) {
            write_number(writer, UNCOMPRESSED_PUBKEY + (key.back() & 1));
            return writer.raw(key.subspan(1, 32));
        }
    }
    write_number(writer, SPECIAL_SCRIPTS + script.size());
    writer.raw(script);
}

void read_script(Reader& reader, Script& script) {
    const uint64_t form = read_number(reader);
    const bool is_hash = form == PUBKEY_HASH || form == SCRIPT_HASH;
    const uint64_t size = is_hash ? 20 : form < SPECIAL_SCRIPTS ? 32 : form - SPECIAL_SCRIPTS;
    if (size > MAX_SCRIPT_SIZE) return reader.fail();
    const ByteView bytes = reader.raw(size);
    if (reader.failed()) return;
    if (is_hash) {
        script = form == PUBKEY_HASH ? pay_to_pubkey_hash(bytes) : pay_to_script_hash(bytes);
    } else if (form < SPECIAL_SCRIPTS) {
        Bytes key{static_cast<uint8_t>(PUBKEY + (form & 1))};
        key.insert(key.end(), bytes.begin(), bytes.end());
        if (form >= UNCOMPRESSED_PUBKEY) {
            std::optional<Bytes> whole = uncompressed_pubkey(key);
            if (!whole) return reader.fail();
            key = std::move(*whole);
        }
        script = make_script(key, OP_CHECKSIG);
    } else {
        script.assign(bytes);
    }
}

} // namespace

uint64_t compress_amount(uint64_t satoshis) {
    if (satoshis == 0) return 0;
    uint64_t zeros = 0;
    for (; satoshis % 10 == 0 && zeros < 9; ++zeros) satoshis /= 10;
    if (zeros == 9) return 1 + (satoshis - 1) * 10 + 9;
    const uint64_t digit = satoshis % 10; // 1 to 9
    return 1 + (satoshis / 10 * 9 + digit - 1) * 10 + zeros;
}

uint64_t expand_amount(uint64_t compressed) {
    if (compressed == 0) return 0;
    --compressed;
    uint64_t zeros = compressed % 10;
    compressed /= 10;
    uint64_t satoshis = zeros == 9 ? compressed + 1 : compressed / 9 * 10 + compressed % 9 + 1;
    for (; zeros > 0; --zeros) satoshis *= 10;
    return satoshis;
}

void write_compressed(Writer& writer, const Coin& coin) {
    write_number(writer, uint64_t(coin.height.value) * 2 + (coin.coinbase ? 1 : 0));
    write_number(writer, compress_amount(uint64_t(coin.out.value.value)));
    write_script(writer, coin.out.script_pubkey);
}

void read_compressed(Reader& reader, Coin& coin) {
    const uint64_t code = read_number(reader);
    if (code > UINT32_MAX) reader.fail();
    coin.height = static_cast<int32_t>(code / 2);
    coin.coinbase = code % 2 == 1;
    coin.out.value = static_cast<int64_t>(expand_amount(read_number(reader)));
    read_script(reader, coin.out.script_pubkey);
}

} // namespace cairn::consensus
