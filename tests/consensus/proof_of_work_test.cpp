// SPDX-License-Identifier: MIT
#include "consensus/pow.h"
#include "tests/consensus/builders.h"

#include <sstream>

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(proof_of_work)

BOOST_AUTO_TEST_CASE(target_of__usual_bits__is_word_shifted_by_size) {
    BOOST_TEST(target_of(0x1d00ffff).value() == Uint256(0xffff) << 208);
    BOOST_TEST(target_of(0x207fffff).value() == Uint256(0x7fffff) << 232);
    BOOST_TEST(target_of(0x01120000).value() == 0x12);
    BOOST_TEST(target_of(0x02123400).value() == 0x1234);
    BOOST_TEST(target_of(0x03123456).value() == 0x123456);
    BOOST_TEST(target_of(0x04123456).value() == 0x12345600);
}

BOOST_AUTO_TEST_CASE(target_of__zero_negative_or_overflow__is_none) {
    const uint32_t zero[] = {0,          0x00123456, 0x01003456, 0x02000056,
                             0x03000000, 0x04000000, 0x20000000, 0xff000000};
    const uint32_t negative[] = {0x01fedcba, 0x03800001, 0x04923456, 0x1d80ffff, 0x20ffffff};
    const uint32_t overflow[] = {0x23000001, 0x22000100, 0x21010000, 0xff123456};
    for (const uint32_t bits : zero) BOOST_TEST(!target_of(bits).has_value());
    for (const uint32_t bits : negative) BOOST_TEST(!target_of(bits).has_value());
    for (const uint32_t bits : overflow) BOOST_TEST(!target_of(bits).has_value());
}

BOOST_AUTO_TEST_CASE(target_of__large_size_of_small_word__does_not_overflow) {
    BOOST_TEST(target_of(0x22000001).value() == Uint256(1) << 248);
    BOOST_TEST(target_of(0x210000ff).value() == Uint256(0xff) << 240);
    BOOST_TEST(target_of(0x2100ffff).value() == Uint256(0xffff) << 240);
}

BOOST_AUTO_TEST_CASE(compact_of__target__keeps_three_bytes_and_no_sign) {
    BOOST_TEST(compact_of(0) == 0U);
    BOOST_TEST(compact_of(0x12) == 0x01120000U);
    BOOST_TEST(compact_of(0x80) == 0x02008000U);
    BOOST_TEST(compact_of(0x1234) == 0x02123400U);
    BOOST_TEST(compact_of(0x123456) == 0x03123456U);
    BOOST_TEST(compact_of(0x12345600) == 0x04123456U);
    BOOST_TEST(compact_of(0x92340000) == 0x05009234U);
    BOOST_TEST(compact_of(0x123456ff) == 0x04123456U); // rounds down
    BOOST_TEST(compact_of(~Uint256(0)) == 0x2100ffffU);
    BOOST_TEST(compact_of(Uint256(1) << 232) == 0x1e010000U);
}

BOOST_AUTO_TEST_CASE(work_of__bits__is_two_to_256_by_target_plus_one) {
    BOOST_TEST(work_of(0x1d00ffff) == 0x100010001);
    BOOST_TEST(work_of(0x207fffff) == 2);
    BOOST_TEST(work_of(0x1e010000) == (1 << 24) - 1); // a target of a power of two: one more value
    BOOST_TEST(work_of(0x04923456) == 0);
}

BOOST_AUTO_TEST_CASE(meets_target__hash_limit_and_bits__all_count) {
    const Uint256 limit = target_of(0x1d00ffff).value();
    const auto hash_of_number = [](const Uint256& number) { return BlockHash(to_hash(number)); };
    BOOST_TEST(meets_target(hash_of_number(limit), 0x1d00ffff, limit));
    BOOST_TEST(!meets_target(hash_of_number(limit + 1), 0x1d00ffff, limit));
    BOOST_TEST(!meets_target(hash_of_number(1), 0x1d010000, limit)); // easier than the limit
    BOOST_TEST(!meets_target(hash_of_number(0), 0x1d80ffff, limit)); // negative
    BOOST_TEST(!meets_target(hash_of_number(0), 0, limit));
}

BOOST_AUTO_TEST_CASE(difficulty_of__bits__is_relative_to_1d00ffff) {
    BOOST_TEST(difficulty_of(0x1d00ffff) == 1.0);
    BOOST_TEST(difficulty_of(0x1b0404cb) == 16307.420938523983);
    BOOST_TEST(difficulty_of(0x207fffff) == 4.6565423739069247e-10);
    BOOST_TEST(difficulty_of(0) == 0.0);
}

BOOST_AUTO_TEST_CASE(block_subsidy__halvings__end_at_zero) {
    const Params params = chain_params("genesis/bitcoin-mainnet.json");
    BOOST_CHECK(block_subsidy(1, params) == Amount(50 * COIN));
    BOOST_CHECK(block_subsidy(209'999, params) == Amount(50 * COIN));
    BOOST_CHECK(block_subsidy(210'000, params) == Amount(25 * COIN));
    BOOST_CHECK(block_subsidy(32 * 210'000, params) == Amount(1));
    BOOST_CHECK(block_subsidy(33 * 210'000, params) == Amount(0));
    BOOST_CHECK(block_subsidy(64 * 210'000, params) == Amount(0));
    BOOST_CHECK(block_subsidy(2'000'000'000, params) == Amount(0));
}

BOOST_AUTO_TEST_CASE(block_subsidy__no_halving_interval__stays) {
    Params params;
    params.subsidy = 7;
    BOOST_CHECK(block_subsidy(2'000'000'000, params) == Amount(7));
}

namespace {

uint64_t number_after(const std::string& line, std::string_view label) {
    const size_t at = line.find(label);
    BOOST_REQUIRE(at != std::string::npos);
    return std::stoull(line.substr(at + label.size()), nullptr, 0);
}

/// Run one file of the published vectors; returns how many targets it held.
int check_asert_run(const std::filesystem::path& file, const AsertRule& rule) {
    AsertAnchor anchor;
    int count = 0;
    std::istringstream lines(read_file(file));
    for (std::string line; std::getline(lines, line);) {
        if (line.find("anchor height: ") != std::string::npos)
            anchor.height = number_after(line, "anchor height: ");
        else if (line.find("anchor ancestor time: ") != std::string::npos)
            anchor.parent_time = static_cast<int64_t>(number_after(line, "anchor ancestor time: "));
        else if (line.find("anchor nBits: ") != std::string::npos)
            anchor.bits = static_cast<uint32_t>(number_after(line, "anchor nBits: "));
        if (line.empty() || line[0] == '#') continue;
        std::istringstream fields(line);
        int64_t iteration = 0;
        uint64_t height = 0;
        int64_t time = 0;
        std::string bits;
        fields >> iteration >> height >> time >> bits;
        const Uint256 limit = target_of(0x1d00ffff).value();
        BOOST_TEST_CONTEXT(file.filename().string() << " iteration " << iteration)
        BOOST_TEST(asert_bits(rule, limit, anchor, height, time) == std::stoul(bits, nullptr, 0));
        ++count;
    }
    return count;
}

} // namespace

BOOST_AUTO_TEST_CASE(asert_bits__published_runs__agree) {
    const auto vectors = vectors_dir();
    if (!vectors) return;
    const AsertRule bitcoin_cash{.spacing = 600, .half_life = 172'800};
    int targets = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*vectors / "asert"))
        targets += check_asert_run(entry.path(), bitcoin_cash);
    BOOST_TEST(targets == 3000);
}

BOOST_AUTO_TEST_CASE(asert_bits__absurd_times__stay_between_one_and_the_limit) {
    const AsertRule rule{.spacing = 15, .half_life = 15};
    const AsertAnchor anchor{.height = 1, .parent_time = 0xffffffff, .bits = 0x207fffff};
    const Uint256 limit = target_of(0x207fffff).value();
    BOOST_TEST(asert_bits(rule, limit, anchor, 2'147'483'646, 0) == 0x01010000U);
    const AsertAnchor early{.height = 1, .parent_time = 0, .bits = 0x01010000};
    BOOST_TEST(asert_bits(rule, limit, early, 1, 0xffffffff) == 0x207fffffU);
}

BOOST_AUTO_TEST_CASE(next_bits__asert__starts_with_block_1) {
    const Params params = chain_params("genesis.json");
    constexpr uint32_t START = 0x1e010000;
    HeaderTree tree;
    const HeaderNode* genesis = tree.add(nullptr, params.genesis.header.time, START);
    BOOST_TEST(next_bits(*genesis, genesis->header.time + 15, params) == START);
    // However late block 1 is, it is on schedule, and so are those that follow 15 seconds apart.
    const HeaderNode* first = tree.add(genesis, genesis->header.time + 100'000'000, START);
    BOOST_TEST(next_bits(*first, 0, params) == START);
    BOOST_TEST(next_bits(*tree.extend(first, 10, 15, START), 0, params) == START);
    // An hour (one half-life) ahead of it in blocks: half the target.
    BOOST_TEST(next_bits(*tree.extend(first, 240, 0, START), 0, params) == 0x1e008000U);
    // Never above the limit.
    BOOST_TEST(next_bits(*tree.extend(first, 10, 1000, START), 0, params) == START);
}

BOOST_AUTO_TEST_CASE(next_bits__fixed__is_the_limit) {
    HeaderTree tree;
    const HeaderNode* genesis = tree.add(nullptr, 1'296'688'602);
    BOOST_TEST(next_bits(*tree.extend(genesis, 3000, 1), 0, regtest()) == 0x207fffffU);
}

namespace {

/// The bits of block 2016, if all before it have `bits` and block 2015 came `seconds` after 0.
uint32_t bits_after_period(uint32_t bits, uint32_t seconds, const Params& params) {
    HeaderTree tree;
    const HeaderNode* genesis = tree.add(nullptr, 1'000'000'000, bits);
    const HeaderNode* node = tree.extend(genesis, 2014, 0, bits);
    node = tree.add(node, genesis->header.time + seconds, bits);
    return next_bits(*node, node->header.time, params);
}

} // namespace

BOOST_AUTO_TEST_CASE(next_bits__bitcoin_period__scales_by_time_taken) {
    const Params params = chain_params("genesis/bitcoin-mainnet.json");
    constexpr uint32_t TWO_WEEKS = 14 * 24 * 3600;
    BOOST_TEST(bits_after_period(0x1c05a3f4, TWO_WEEKS, params) == 0x1c05a3f4U);
    // Times of mainnet's blocks 30240 and 32255: its first retarget.
    BOOST_TEST(bits_after_period(0x1d00ffff, 1'262'152'739 - 1'261'130'161, params) == 0x1d00d86aU);
    // At most by four, either way. Mainnet's block 68543 and the one two weeks before it.
    BOOST_TEST(bits_after_period(0x1c05a3f4, TWO_WEEKS / 5, params) == 0x1c0168fdU);
    BOOST_TEST(bits_after_period(0x1c387f6f, TWO_WEEKS * 5, params) == 0x1d00e1fdU);
    // And not above the limit.
    BOOST_TEST(bits_after_period(0x1d00ffff, TWO_WEEKS * 2, params) == 0x1d00ffffU);
}

BOOST_AUTO_TEST_CASE(next_bits__within_period__stay) {
    const Params params = chain_params("genesis/bitcoin-mainnet.json");
    HeaderTree tree;
    const HeaderNode* node = tree.extend(tree.add(nullptr, 1, 0x1c05a3f4), 2014, 1, 0x1c05a3f4);
    BOOST_TEST(next_bits(*node, 2'000'000'000, params) == 0x1c05a3f4U);
}

BOOST_AUTO_TEST_CASE(next_bits__test_network__easy_after_twice_the_spacing) {
    const Params params = chain_params("genesis/bitcoin-testnet3.json");
    constexpr uint32_t EASY = 0x1d00ffff;
    constexpr uint32_t HARD = 0x1c05a3f4;
    HeaderTree tree;
    const HeaderNode* hard = tree.extend(tree.add(nullptr, 1000, HARD), 3, 600, HARD);
    const uint32_t time = hard->header.time;
    BOOST_TEST(next_bits(*hard, time + 1200, params) == HARD);
    BOOST_TEST(next_bits(*hard, time + 1201, params) == EASY);
    // Back to the last that was not easy.
    const HeaderNode* easy = tree.extend(hard, 2, 1201, EASY);
    BOOST_TEST(next_bits(*easy, easy->header.time + 600, params) == HARD);
    // But not past the start of a period.
    const HeaderNode* start = tree.extend(tree.extend(hard, 2012, 600, HARD), 1, 600, EASY);
    BOOST_REQUIRE(start->height == Height(2016));
    const HeaderNode* after = tree.extend(start, 2, 1201, EASY);
    BOOST_TEST(next_bits(*after, after->header.time + 600, params) == EASY);
}

BOOST_AUTO_TEST_CASE(next_bits__bip94__retargets_from_first_block_of_period) {
    constexpr uint32_t EASY = 0x1d00ffff;
    constexpr uint32_t HARD = 0x1c05a3f4;
    constexpr uint32_t TWO_WEEKS = 14 * 24 * 3600;
    HeaderTree tree;
    const HeaderNode* first = tree.add(nullptr, 1000, HARD);
    const HeaderNode* node = tree.extend(first, 2014, 1, HARD);
    node = tree.add(node, 1000 + TWO_WEEKS, EASY);
    const auto bits = [&](const char* file) { return next_bits(*node, 0, chain_params(file)); };
    BOOST_TEST(bits("genesis/bitcoin-testnet3.json") == EASY); // the difficulty is lost
    BOOST_TEST(bits("genesis/bitcoin-testnet4.json") == HARD);
}

namespace {

bool may_follow(const HeaderNode& prev, uint32_t bits, const Params& params) {
    const HeaderNode* first = prev.ancestor(1);
    const uint32_t first_time = first != nullptr ? first->header.time : 0;
    return bits_may_follow(prev.header, prev.height, first_time, bits, params);
}

} // namespace

BOOST_AUTO_TEST_CASE(bits_may_follow__asert_and_fixed__only_what_must) {
    HeaderTree tree;
    const auto only = [&](const HeaderNode& prev, const Params& params) {
        const uint32_t bits = next_bits(prev, 0, params);
        return may_follow(prev, bits, params) && !may_follow(prev, bits - 1, params) &&
               !may_follow(prev, bits + 1, params);
    };
    BOOST_TEST(only(*tree.add(nullptr, 1'296'688'602), regtest()));
    const Params asert = chain_params("genesis.json");
    constexpr uint32_t START = 0x1e010000;
    const HeaderNode* genesis = tree.add(nullptr, asert.genesis.header.time, START);
    BOOST_TEST(only(*genesis, asert));
    const HeaderNode* first = tree.add(genesis, genesis->header.time + 100'000'000, START);
    BOOST_TEST(only(*first, asert));
    BOOST_TEST(only(*tree.extend(first, 100, 3, START), asert));
}

BOOST_AUTO_TEST_CASE(bits_may_follow__bitcoin__by_four_at_the_end_of_a_period) {
    const Params params = chain_params("genesis/bitcoin-mainnet.json");
    constexpr uint32_t HARD = 0x1c05a3f4;
    constexpr uint32_t TWO_WEEKS = 14 * 24 * 3600;
    HeaderTree tree;
    const HeaderNode* within = tree.extend(tree.add(nullptr, 1, HARD), 2014, 1, HARD);
    BOOST_TEST(may_follow(*within, HARD, params));
    BOOST_TEST(!may_follow(*within, HARD + 1, params));
    const HeaderNode* last = tree.extend(within, 1, 1, HARD);
    for (const uint32_t seconds : {TWO_WEEKS / 5, TWO_WEEKS / 3, TWO_WEEKS, TWO_WEEKS * 5})
        BOOST_TEST(may_follow(*last, bits_after_period(HARD, seconds, params), params));
    BOOST_TEST(!may_follow(*last, bits_after_period(HARD, TWO_WEEKS / 5, params) - 1, params));
    BOOST_TEST(!may_follow(*last, bits_after_period(HARD, TWO_WEEKS * 5, params) + 1, params));
    BOOST_TEST(!may_follow(*last, 0, params));
    const HeaderNode* easy = tree.extend(tree.add(nullptr, 1, 0x1d00ffff), 2015, 1, 0x1d00ffff);
    BOOST_TEST(!may_follow(*easy, 0x1d010000, params)); // above the limit
    BOOST_TEST(may_follow(*last, 0x1d00ffff, chain_params("genesis/bitcoin-testnet3.json")));
}

BOOST_AUTO_TEST_SUITE_END()
