// SPDX-License-Identifier: MIT
#include "consensus/address.h"
#include "consensus/chain_file.h"
#include "wallet/new_chain.h"

#include <boost/test/unit_test.hpp>

#include <functional>

namespace cairn::wallet {

using namespace consensus;

BOOST_AUTO_TEST_SUITE(new_chain)

namespace {

NewChain village() {
    NewChain chain;
    chain.name = "village";
    chain.address.bech32_hrp = "vil";
    chain.time = 1'800'000'000;
    chain.work.start_bits = 0x207fffff; // found at once
    return chain;
}

} // namespace

BOOST_AUTO_TEST_CASE(new_chain_file__name_and_prefix__make_a_chain) {
    const Params params = read_chain_file(new_chain_file(village()));
    BOOST_TEST(params.name == "village");
    BOOST_TEST(params.genesis.header.time == 1'800'000'000U);
    BOOST_TEST(!params.genesis_spendable);
    BOOST_TEST(std::get<AsertRule>(params.pow).start_bits == 0x207fffffU);
    BOOST_TEST(params.p2p_port == params.rpc_port + 1);
    for (size_t i = 0; i < params.magic.size(); ++i)
        BOOST_TEST(params.magic[i] == (params.genesis_hash.bytes[i] | 0x80));
}

BOOST_AUTO_TEST_CASE(new_chain_file__premine__is_spendable) {
    NewChain chain = village();
    const Params params = read_chain_file(new_chain_file(chain));
    const std::string address = segwit_address("vil", 0, Bytes(20, 7));
    chain.premine = {{.address = address, .amount = 5 * COIN}};
    const Params with_premine = read_chain_file(new_chain_file(chain));
    BOOST_TEST(with_premine.genesis_spendable);
    BOOST_TEST(
        address_of_script(
            with_premine.genesis.transactions[0].outputs.at(0).script_pubkey, with_premine.address)
            .value() == address);
    BOOST_CHECK(with_premine.genesis_hash != params.genesis_hash);
}

BOOST_AUTO_TEST_CASE(new_chain_file__challenge__makes_hashing_easy) {
    NewChain chain = village();
    chain.work.start_bits = 0x1e010000;
    chain.challenge = Script(Bytes{OP_1});
    const Params params = read_chain_file(new_chain_file(chain));
    BOOST_TEST(params.signed_blocks());
    BOOST_TEST(params.fixed_difficulty());
    BOOST_TEST(params.genesis.header.bits == 0x207fffffU);
}

BOOST_AUTO_TEST_CASE(new_chain_file__what_cannot_be__is_named) {
    const auto error = [](const std::function<void(NewChain&)>& change) -> std::string {
        NewChain chain = village();
        change(chain);
        try {
            (void)new_chain_file(chain);
            return "";
        } catch (const ChainFileError& wrong) {
            return wrong.what();
        }
    };
    BOOST_TEST(error([](NewChain& c) { c.name = "a/b"; }).starts_with("name: holds \"a/b\""));
    BOOST_TEST(
        error([](NewChain& c) { c.address.bech32_hrp = ""; }).starts_with("address.bech32_hrp"));
    BOOST_TEST(error([](NewChain& c) { c.work.start_bits = 0; }).starts_with("start_bits: "));
    BOOST_TEST(error([](NewChain& c) {
                   c.premine = {{.address = "bc1qxyz", .amount = 1}};
               }) == "premine: bc1qxyz is no address of this chain");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
