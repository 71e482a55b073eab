// SPDX-License-Identifier: MIT
// Whole blocks of a known chain, each with the outputs that it spends, and everything that can be
// checked of them without the blocks before.
#pragma once

#include "consensus/block_rules.h"
#include "consensus/interpreter.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace cairn::tests {

/// A block, and for each input but the coinbase's, in order, the output it spends.
struct KnownBlock {
    std::string name;
    consensus::Height height;
    consensus::Block block;
    std::vector<consensus::TxOut> spent;
};

inline consensus::Bytes read_bytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

/// "block300025" is of height 300025.
inline consensus::Height height_in(const std::string& name) {
    const size_t digits = name.find_first_of("0123456789");
    int32_t height = -1;
    if (digits != std::string::npos)
        std::from_chars(name.data() + digits, name.data() + name.size(), height);
    if (height < 1) throw std::runtime_error(name + ": no height in the name");
    return height;
}

inline KnownBlock read_known_block(const std::filesystem::path& file) {
    KnownBlock known;
    known.name = file.stem().string();
    known.height = height_in(known.name);
    const auto block = consensus::decode<consensus::Block>(read_bytes(file));
    if (!block) throw std::runtime_error(known.name + ": not one block");
    known.block = *block;
    const consensus::Bytes undo =
        read_bytes(file.parent_path() / (known.name + "-undo" + file.extension().string()));
    consensus::Reader reader(undo);
    while (reader.remaining() > 0 && !reader.failed()) reader(known.spent.emplace_back());
    size_t inputs = 0;
    for (const auto& tx : known.block.transactions) inputs += tx.inputs.size();
    if (reader.failed() || known.spent.size() != inputs - 1)
        throw std::runtime_error(known.name + ": the outputs spent are not those of its inputs");
    return known;
}

/// All blocks of a folder: each NAME.raw that has a NAME-undo.raw.
inline std::vector<KnownBlock> read_known_blocks(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const std::filesystem::path& path = entry.path();
        if (path.extension() == ".raw" && !path.stem().string().ends_with("-undo"))
            files.push_back(path);
    }
    std::ranges::sort(files);
    std::vector<KnownBlock> blocks;
    for (const auto& file : files) blocks.push_back(read_known_block(file));
    return blocks;
}

/// What check_known_block() and verify_scripts() leave out, for it needs the blocks before.
constexpr std::string_view NOT_CHECKED[] = {
    "that the header's bits, time and version follow from the headers before",
    "time-locks against the median time past (here: against the block's own time)",
    "relative time-locks (BIP-0068) and coinbase maturity, which need the heights of the coins",
    "that the coins exist, are unspent, and no output exists already (BIP-0030)",
};

/// The body of a block: what check_block, accept_block and connect_ ask, but for NOT_CHECKED.
inline consensus::Result<>
check_known_block(const KnownBlock& known, const consensus::Params& params) {
    using namespace consensus; // NOLINT(google-build-using-namespace)
    const Block& block = known.block;
    if (auto body = check_block(block, params); !body) return body;
    // A parent of which only the height is known; its time is as late as can be.
    BlockHeader before{.time = block.header.time - 1};
    HeaderNode parent(before, block.header.prev_hash, nullptr);
    parent.height = known.height - Height(1);
    if (auto place = accept_block(block, parent, params); !place) return place;

    const uint32_t flags = block_script_flags(block.header.hash(), known.height, params);
    Amount fees;
    int64_t sigops = sigop_cost(block.transactions[0], {}, flags);
    auto spent = known.spent.begin();
    for (size_t i = 1; i < block.transactions.size(); ++i) {
        const SealedTransaction& tx = block.transactions[i];
        std::vector<Coin> coins;
        for (size_t n = 0; n < tx.inputs.size(); ++n) coins.push_back({.out = *spent++});
        std::vector<const Coin*> pointers;
        for (const Coin& coin : coins) pointers.push_back(&coin);
        const Result<Amount> fee = connect_inputs(tx, pointers, known.height, params);
        if (!fee) return fee.error();
        fees += *fee;
        sigops += sigop_cost(tx, pointers, flags);
    }
    if (sigops > max_block_sigop_cost(params)) return invalid("bad-blk-sigops");
    return connect_coinbase(block.transactions[0], fees, known.height, params);
}

/// Which script failed, and how.
struct ScriptFailure {
    size_t transaction = 0;
    size_t input = 0;
    consensus::ScriptError error = consensus::ScriptError::Ok;
};

/// Run all scripts of a block by the flags of its height; nullopt if all are well.
inline std::optional<ScriptFailure>
verify_scripts(const KnownBlock& known, const consensus::Params& params) {
    using namespace consensus; // NOLINT(google-build-using-namespace)
    const Block& block = known.block;
    const uint32_t flags = block_script_flags(block.header.hash(), known.height, params);
    auto spent = known.spent.begin();
    for (size_t i = 1; i < block.transactions.size(); ++i) {
        const SealedTransaction& tx = block.transactions[i];
        const auto end = spent + static_cast<ptrdiff_t>(tx.inputs.size());
        const SighashMidstates midstates(tx, {spent, end});
        for (size_t n = 0; n < tx.inputs.size(); ++n, ++spent) {
            const ScriptError error = verify_input(tx, n, *spent, flags, midstates);
            if (error != ScriptError::Ok) return ScriptFailure{i, n, error};
        }
    }
    return std::nullopt;
}

} // namespace cairn::tests
