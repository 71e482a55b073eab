// SPDX-License-Identifier: MIT
// cairn chain block|sign: blocks of chains whose file names a challenge (BIP-0325). What goes from
// signer to signer is the block itself, in hexadecimal.
#include "consensus/address.h"
#include "consensus/block_rules.h"
#include "consensus/block_signing.h"
#include "consensus/pow.h"
#include "consensus/serialize.h"
#include "consensus/standard.h"
#include "wallet/commands.h"
#include "wallet/keys/block_signer.h"
#include "wallet/keys/sign.h"
#include "wallet/nonce_search.h"
#include "wallet/terminal.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <fstream>
#include <iostream>
#include <memory>

namespace cairn::wallet {

namespace fs = std::filesystem;
namespace json = boost::json;
using consensus::Block;
using consensus::Params;

namespace {

struct SignOptions {
    fs::path block_file;
    fs::path key_file;
    bool submit = false;
};

template <class T>
T decoded(std::string_view hex, const char* what) {
    if (const auto bytes = consensus::from_hex(hex))
        if (consensus::Result<T> value = consensus::decode<T>(*bytes)) return std::move(*value);
    throw WalletError(std::string(what) + " can't be decoded");
}

const Params& signed_chain(const Program& program) {
    const Params& params = program.params();
    if (!params.signed_blocks())
        throw WalletError("the blocks of chain " + params.name + " need no signature");
    return params;
}

consensus::Transaction coinbase_of(const json::value& reply, const Script& payout) {
    consensus::Transaction coinbase;
    consensus::TxIn& input = coinbase.inputs.emplace_back();
    input.prevout.index = OutPoint::NULL_INDEX;
    consensus::push_number(input.script_sig, reply.at("height").to_number<int64_t>());
    consensus::push_opcode(input.script_sig, consensus::OP_0); // two bytes at least
    input.witness.push_back(std::array<uint8_t, 32>{});        // BIP-0141's reserved value
    coinbase.outputs.push_back({reply.at("coinbasevalue").to_number<int64_t>(), payout});
    const auto commitment = consensus::from_hex(reply.at("default_witness_commitment").as_string());
    coinbase.outputs.push_back({0, Script(commitment.value())});
    return coinbase;
}

/// The node's template as a block that pays `address`, with room for its signatures.
void make_block(const Program& program, const std::string& address) {
    const Params& params = signed_chain(program);
    const Script payout = script_of(address, params);
    const json::value reply =
        RpcClient(program.endpoint()).call("getblocktemplate", {{{"rules", {"segwit", "signet"}}}});
    Block block;
    block.header.version = reply.at("version").to_number<int32_t>();
    block.header.prev_hash =
        BlockHash::from_string(reply.at("previousblockhash").as_string()).value();
    block.header.time = reply.at("curtime").to_number<uint32_t>();
    const json::string& bits = reply.at("bits").as_string();
    std::from_chars(bits.data(), bits.data() + bits.size(), block.header.bits, 16);
    block.transactions.emplace_back(coinbase_of(reply, payout));
    for (const json::value& tx : reply.at("transactions").as_array())
        block.transactions.push_back(decoded<consensus::SealedTransaction>(
            tx.at("data").as_string(), "a transaction of the node's template"));
    consensus::reserve_solution(block);
    const std::string hex = consensus::to_hex(consensus::encode(block));
    if (program.json)
        return print({{"height", reply.at("height").to_number<int>()}, {"block", hex}}, true);
    std::cout << hex << "\n";
}

Block read_block(const fs::path& file, const Params& params) {
    std::ifstream opened(file);
    if (!file.empty() && !opened) throw WalletError("can't read " + file.string());
    std::istream& in = file.empty() ? std::cin : opened;
    std::string hex;
    in >> hex;
    auto block = decoded<Block>(hex, "the block");
    if (block.transactions.empty() || !witness_commitment_index(block.transactions[0]))
        throw WalletError("the block's coinbase has no witness commitment, where signatures stand");
    if (!consensus::signing_pair(block, params.challenge))
        throw WalletError("the solution that the block holds can't be read");
    return block;
}

/// The secret in a file, in wallet import format.
keys::FindSecret keys_of_file(const fs::path& file, const Params& params) {
    const auto text = consensus::decode_secret(first_line_of(file), params.address);
    if (!text)
        throw WalletError(
            "the first line of " + file.string() + " is no secret key of chain " + params.name);
    keys::SecretKey secret;
    std::ranges::copy(text->secret, secret.data());
    return [secret](consensus::ByteView hash) -> std::optional<keys::SecretKey> {
        const bool ours = std::ranges::equal(consensus::hash160(keys::public_key(secret)), hash);
        return ours ? std::optional(secret) : std::nullopt;
    };
}

/// Secrets of the addresses of --wallet, whose passphrase is asked for once one is needed.
keys::FindSecret keys_of_wallet(const Program& program) {
    const auto wallet =
        std::make_shared<WalletFile>(program.wallet_path(program.wallet()), program.params());
    return [&program, wallet](consensus::ByteView hash) -> std::optional<keys::SecretKey> {
        const auto at = wallet->ledger().find_key(consensus::pay_to_witness(0, hash));
        if (!at) return std::nullopt;
        return derive(program.unlock(*wallet), {static_cast<uint32_t>(at->branch), at->number})
            ->key;
    };
}

/// Search the nonce: after signing, as the merkle root covers the signatures.
void work(Block& block, const Params& params) {
    const auto target = consensus::target_of(block.header.bits);
    if (!target || *target > params.pow_limit)
        throw WalletError("the block's bits are no target of chain " + params.name);
    show_progress("Searching the nonce ...");
    const auto nonce = search_nonce(block.header, *target);
    if (!nonce) throw WalletError("no nonce meets the block's target: sign one with another time");
    block.header.nonce = *nonce;
}

void sign(const Program& program, const SignOptions& options) {
    const Params& params = signed_chain(program);
    const auto challenge = keys::read_challenge(params.challenge);
    if (!challenge)
        throw WalletError(
            "the challenge of chain " + params.name + " is none of P2PK, P2WPKH and multisig");
    Block block = read_block(options.block_file, params);
    consensus::reserve_solution(block);
    const keys::SigningState state = sign_block(
        block, params,
        options.key_file.empty() ? keys_of_wallet(program)
                                 : keys_of_file(options.key_file, params));
    const bool complete = state.signatures == challenge->required;
    if (!complete && state.added == 0)
        throw WalletError("none of these keys is asked for, or it has signed already");
    if (complete) work(block, params);
    show_progress("");

    const std::string hex = consensus::to_hex(consensus::encode(block));
    if (complete && options.submit) {
        const json::value refusal =
            RpcClient(program.endpoint()).call("submitblock", {json::string(hex)});
        if (!refusal.is_null())
            throw WalletError(
                "the node refuses the block: " + json::value_to<std::string>(refusal));
    }
    if (program.json)
        return print(
            {{"block", hex},
             {"hash", block.header.hash().to_string()},
             {"signatures", state.signatures},
             {"required", challenge->required},
             {"complete", {"", complete ? "true" : "false"}}},
            true);
    std::cerr << state.signatures << " of " << challenge->required << " signatures; "
              << (complete ? "the block is complete: " + block.header.hash().to_string()
                           : "the next signer is to sign the block below")
              << "\n";
    if (!complete || !options.submit) std::cout << hex << "\n";
}

} // namespace

void add_sign_commands(CLI::App& chain, Program& program) {
    const auto address = std::make_shared<std::string>();
    CLI::App* block = chain.add_subcommand("block", "Print a block to be signed");
    block->add_option("ADDRESS", *address, "Whom it pays")->required();
    block->callback([&program, address] { make_block(program, *address); });

    const auto options = std::make_shared<SignOptions>();
    CLI::App* command = chain.add_subcommand("sign", "Add signatures to a block, and print it");
    command->add_option("FILE", options->block_file, "The block (default: standard input)");
    command->add_option(
        "--key-file", options->key_file, "Of `cairn chain key` (default: keys of --wallet)");
    command->add_flag("--submit", options->submit, "Give the node the block once it is complete");
    command->callback([&program, options] { sign(program, *options); });
}

} // namespace cairn::wallet
