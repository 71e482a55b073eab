// SPDX-License-Identifier: MIT
#include "wallet/new_chain.h"

#include "consensus/address.h"
#include "consensus/chain_file.h"
#include "consensus/pow.h"
#include "wallet/nonce_search.h"

namespace cairn::wallet {

using namespace consensus;

namespace {

/// Find the nonce; where there is none the time goes on by a second.
void mine_genesis(Params& params) {
    BlockHeader& header = params.genesis.header;
    for (;; ++header.time) {
        const auto nonce = search_nonce(header, params.pow_limit);
        if (!nonce) continue;
        header.nonce = *nonce;
        params.genesis_hash = header.hash();
        return;
    }
}

std::vector<TxOut> premine_outputs(const NewChain& chain) {
    std::vector<TxOut> outputs;
    for (const NewChain::Premine& premine : chain.premine) {
        const auto script = script_of_address(premine.address, chain.address);
        if (!script)
            throw ChainFileError("premine: " + premine.address + " is no address of this chain");
        outputs.push_back({.value = premine.amount, .script_pubkey = *script});
    }
    // A coinbase has at least one: of nothing, to nobody.
    if (outputs.empty()) push_opcode(outputs.emplace_back().script_pubkey, OP_RETURN);
    return outputs;
}

/// Magic and ports by the genesis hash, where none were asked for.
void choose_network(Params& params) {
    const auto& hash = params.genesis_hash.bytes;
    // The high bit set, as in Bitcoin's: such bytes are rare in other protocols.
    for (size_t i = 0; i < params.magic.size(); ++i) params.magic[i] = hash[i] | 0x80;
    // Above the well-known ports, below those that systems give out by themselves.
    constexpr int FIRST_PORT = 20'000;
    constexpr int PAIRS = 6'000;
    const int pair = (hash[4] << 8 | hash[5]) % PAIRS;
    const auto rpc_port = static_cast<uint16_t>(FIRST_PORT + 2 * pair);
    if (params.rpc_port == 0) params.rpc_port = rpc_port;
    if (params.p2p_port == 0) params.p2p_port = static_cast<uint16_t>(rpc_port + 1);
}

} // namespace

NewChain::NewChain() {
    // What people see begins with C and c; xpub and xprv are what all wallets know.
    address.pubkey_hash = {0x1c};
    address.script_hash = {0x58};
    address.secret_key = {0x9c};
    address.extended_public = {0x04, 0x88, 0xb2, 0x1e};
    address.extended_secret = {0x04, 0x88, 0xad, 0xe4};
    address.coin_type = NEW_CHAIN_COIN_TYPE;
    subsidy = COIN;
    halving_interval = 8'400'000;
    coinbase_maturity = 10;
    deployments = {{.name = "taproot", .bit = 2, .start_time = Deployment::ALWAYS_ACTIVE}};
    max_tip_age = 0;
}

std::string new_chain_file(NewChain chain) {
    /// Easy enough that a signer needs a handful of hashes. Core: regtest's limit.
    constexpr uint32_t SIGNED_BITS = 0x207fffff;
    chain.directory = chain.name;
    if (chain.signed_blocks()) {
        chain.pow = FixedRule{.spacing = chain.work.spacing};
        chain.work.start_bits = SIGNED_BITS;
    } else {
        chain.pow = chain.work;
    }
    const std::optional<Uint256> target = target_of(chain.work.start_bits);
    if (!target) throw ChainFileError("start_bits: no target has these bits");
    chain.pow_limit = *target;
    const BlockHeader header{.version = 1, .time = chain.time, .bits = chain.work.start_bits};
    const std::string& text = chain.coinbase_text.empty() ? chain.name : chain.coinbase_text;
    chain.genesis = make_genesis(header, text, premine_outputs(chain));
    chain.genesis_spendable = !chain.premine.empty();
    mine_genesis(chain);
    choose_network(chain);
    std::string file = write_chain_file(static_cast<const Params&>(chain));
    (void)read_chain_file(file); // names what of `chain` can't be
    return file;
}

} // namespace cairn::wallet
