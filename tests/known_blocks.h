// SPDX-License-Identifier: MIT
// Whole blocks of a known chain, each with the outputs that it spends, and everything that can be
// checked of them without the blocks before.
#pragma once

#include "consensus/block_rules.h"
#include "consensus/interpreter.h"
#include "consensus/pow.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
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

inline std::filesystem::path undo_file_of(const std::filesystem::path& file) {
    return file.parent_path() / (file.stem().string() + "-undo" + file.extension().string());
}

inline KnownBlock read_known_block(const std::filesystem::path& file) {
    KnownBlock known;
    known.name = file.stem().string();
    known.height = height_in(known.name);
    const auto block = consensus::decode<consensus::Block>(read_bytes(file));
    if (!block) throw std::runtime_error(known.name + ": not one block");
    known.block = *block;
    const consensus::Bytes undo = read_bytes(undo_file_of(file));
    consensus::Reader reader(undo);
    while (reader.remaining() > 0 && !reader.failed()) reader(known.spent.emplace_back());
    size_t inputs = 0;
    for (const auto& tx : known.block.transactions) inputs += tx.inputs.size();
    if (reader.failed() || known.spent.size() != inputs - 1)
        throw std::runtime_error(known.name + ": the outputs spent are not those of its inputs");
    return known;
}

/// The blocks of a folder: each NAME.raw that has a NAME-undo.raw, or has none.
inline std::vector<std::filesystem::path>
block_files(const std::filesystem::path& directory, bool with_undo) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const std::filesystem::path& path = entry.path();
        const bool is_block =
            path.extension() == ".raw" && !path.stem().string().ends_with("-undo");
        if (is_block && std::filesystem::exists(undo_file_of(path)) == with_undo)
            files.push_back(path);
    }
    std::ranges::sort(files);
    return files;
}

/// All blocks of a folder that can be checked.
inline std::vector<KnownBlock> read_known_blocks(const std::filesystem::path& directory) {
    std::vector<KnownBlock> blocks;
    for (const auto& file : block_files(directory, true)) blocks.push_back(read_known_block(file));
    return blocks;
}

/// What check_known_block() and verify_scripts() leave out, for it needs the blocks before.
constexpr std::string_view NOT_CHECKED[] = {
    "what needs the headers before: bits, median time past, time-locks against it",
    "what needs the coins of earlier blocks but for what they hold: that they were there, their "
    "heights (BIP-0068, coinbase maturity), that no output was there already (BIP-0030)",
};

/// The coins that a known block spends, as far as it tells: those made within it wholly.
class KnownCoins {
public:
    explicit KnownCoins(const KnownBlock& known) : known_(known), next_(known.spent.begin()) {
        for (const auto& tx : known.block.transactions) of_block_.insert(tx.txid);
    }

    /// The coins of the next transaction, up to one that can't be there.
    std::vector<consensus::Coin> spend(const consensus::SealedTransaction& tx) {
        std::vector<consensus::Coin> coins;
        for (const consensus::TxIn& in : tx.inputs) {
            const consensus::TxOut& out = *next_++;
            const auto made = made_.find(in.prevout);
            const bool from_block = made != made_.end();
            if (!spent_.insert(in.prevout).second) return coins;
            if (of_block_.contains(in.prevout.txid) && !from_block) return coins;
            if (from_block && made->second.out != out)
                throw std::runtime_error(known_.name + ": an output spent is not as it was made");
            coins.push_back(from_block ? made->second : consensus::Coin{.out = out});
        }
        return coins;
    }

    void create(const consensus::SealedTransaction& tx) {
        for (uint32_t i = 0; i < tx.outputs.size(); ++i)
            made_[{tx.txid, i}] = {tx.outputs[i], known_.height, tx.is_coinbase()};
    }

private:
    const KnownBlock& known_;
    std::vector<consensus::TxOut>::const_iterator next_;
    std::set<consensus::Txid> of_block_;
    std::map<consensus::OutPoint, consensus::Coin> made_;
    std::set<consensus::OutPoint> spent_;
};

/// Header and body of a block by all stages of the rules, but for its proof of work and for
/// NOT_CHECKED.
inline consensus::Result<>
check_known_block(const KnownBlock& known, const consensus::Params& params) {
    using namespace consensus; // NOLINT(google-build-using-namespace)
    const Block& block = known.block;
    // All that is known of the parent is its height. Its time is as late as can be, and relative
    // locks are counted from a genesis block long ago.
    const HeaderNode genesis({}, {}, nullptr);
    HeaderNode parent({.time = block.header.time - 1}, block.header.prev_hash, &genesis);
    parent.height = known.height - Height(1);
    Params any_bits = params;
    any_bits.pow = FixedRule{};
    any_bits.pow_limit = target_of(block.header.bits).value_or(0);
    if (auto place = accept_header(block.header, parent, any_bits, block.header.time); !place)
        return place;
    if (auto body = check_block(block, params); !body) return body;
    if (auto place = accept_block(block, parent, params); !place) return place;

    const HeaderNode node(block.header, block.header.hash(), &parent);
    ConnectState state(node, params);
    KnownCoins coins(known);
    for (const SealedTransaction& tx : block.transactions) {
        const auto spent = tx.is_coinbase() ? std::vector<Coin>() : coins.spend(tx);
        if (auto verdict = connect_transaction(state, tx, spent); !verdict) return verdict;
        coins.create(tx);
    }
    return connect_coinbase(state, block.transactions[0]);
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
