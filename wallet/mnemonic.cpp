// SPDX-License-Identifier: MIT
#include "wallet/mnemonic.h"

#include "consensus/hash.h"
#include "wallet/secret_box.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <vector>

namespace cairn::wallet {

using consensus::ByteView;

namespace {

constexpr size_t BITS_PER_WORD = 11;
constexpr int SEED_ROUNDS = 2048;

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const size_t end = std::min(text.find(separator), text.size());
        if (end > 0) words.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

const std::vector<std::string_view>& word_list() {
    static const std::vector<std::string_view> WORDS = split(ENGLISH_WORDS, '\n');
    return WORDS;
}

bool bit_at(const uint8_t* bytes, size_t i) {
    return (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
}

} // namespace

SecretText make_mnemonic(ByteView entropy) {
    assert(entropy.size() >= 16 && entropy.size() <= 32 && entropy.size() % 4 == 0);
    keys::SecretBytes<33> bits; // the entropy, then the first bits of its hash
    std::ranges::copy(entropy, bits.data());
    bits.data()[entropy.size()] = consensus::sha256(entropy).bytes[0];
    const size_t bit_count = entropy.size() * 8 + entropy.size() / 4;
    SecretText words;
    words.reserve(MAX_MNEMONIC_WORDS * 9);
    for (size_t first = 0; first < bit_count; first += BITS_PER_WORD) {
        size_t number = 0;
        for (size_t i = 0; i < BITS_PER_WORD; ++i)
            number = number * 2 + (bit_at(bits.data(), first + i) ? 1 : 0);
        if (!words.empty()) words += ' ';
        words += word_list()[number];
    }
    return words;
}

SecretText random_mnemonic(int words) {
    keys::SecretBytes<32> entropy;
    fill_random(entropy.data(), entropy.size());
    return make_mnemonic(entropy.view().first(static_cast<size_t>(words) * 4 / 3));
}

SecretText normalize_mnemonic(std::string_view text) {
    SecretText words;
    words.reserve(text.size());
    for (const char c : text) {
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            if (!words.empty() && words.back() != ' ') words += ' ';
        } else {
            words += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
    }
    if (!words.empty() && words.back() == ' ') words.pop_back();
    return words;
}

std::optional<std::string> mnemonic_error(std::string_view words) {
    const std::vector<std::string_view> list = split(words, ' ');
    if (list.size() < 12 || list.size() > MAX_MNEMONIC_WORDS || list.size() % 3 != 0)
        return "there are " + std::to_string(list.size()) +
               " words; a wallet has 12, 15, 18, 21 or 24";
    keys::SecretBytes<33> bits;
    size_t at = 0;
    for (const std::string_view word : list) {
        const auto found = std::ranges::lower_bound(word_list(), word);
        if (found == word_list().end() || *found != word)
            return "'" + std::string(word) + "' is not one of the BIP39 words";
        const auto number = static_cast<size_t>(found - word_list().begin());
        for (size_t i = 0; i < BITS_PER_WORD; ++i, ++at)
            if ((number >> (BITS_PER_WORD - 1 - i) & 1) != 0)
                bits.data()[at / 8] |= static_cast<uint8_t>(0x80 >> at % 8);
    }
    const size_t check_bits = list.size() / 3;
    const size_t entropy_bytes = check_bits * 4;
    const consensus::Hash256 hash = consensus::sha256({bits.data(), entropy_bytes});
    for (size_t i = 0; i < check_bits; ++i)
        if (bit_at(hash.bytes.data(), i) != bit_at(bits.data() + entropy_bytes, i))
            return "the words' checksum is wrong: one of them, or their order, is not what was "
                   "written down";
    return std::nullopt;
}

keys::SecretBytes<64> mnemonic_seed(std::string_view words, std::string_view passphrase) {
    // PBKDF2 with HMAC-SHA512; the seed is its first block, whose number ends the salt.
    SecretText salt("mnemonic");
    salt += passphrase;
    salt.append({'\0', '\0', '\0', '\1'});
    std::array<uint8_t, 64> round = consensus::hmac_sha512(
        consensus::as_bytes(words), consensus::as_bytes(std::string_view(salt)));
    keys::SecretBytes<64> seed;
    std::ranges::copy(round, seed.data());
    for (int i = 1; i < SEED_ROUNDS; ++i) {
        round = consensus::hmac_sha512(consensus::as_bytes(words), round);
        for (size_t at = 0; at < round.size(); ++at) seed.data()[at] ^= round[at];
    }
    explicit_bzero(round.data(), round.size());
    return seed;
}

} // namespace cairn::wallet
