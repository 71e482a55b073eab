// SPDX-License-Identifier: MIT
#include "consensus/block_filter.h"
#include "tests/consensus/builders.h"

#include <boost/json.hpp>

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(block_filter)

namespace {

/// One line of BIP-0158's test vectors.
struct Vector {
    int64_t height;
    BlockHash hash;
    Block block;
    std::vector<Script> spent;
    Hash256 previous_header;
    Bytes filter;
    Hash256 header;
};

Bytes hex_of(const boost::json::value& value) {
    return from_hex(std::string_view(value.as_string())).value();
}

std::vector<Vector> read_vectors(const std::filesystem::path& file) {
    std::vector<Vector> result;
    const boost::json::value root = boost::json::parse(read_file(file));
    for (const boost::json::value& line : root.as_array()) {
        const boost::json::array& fields = line.as_array();
        if (fields.size() < 7) continue; // the heading
        Vector vector;
        vector.height = fields[0].as_int64();
        vector.hash = BlockHash::from_string(std::string_view(fields[1].as_string())).value();
        vector.block = decode<Block>(hex_of(fields[2])).value();
        for (const boost::json::value& script : fields[3].as_array())
            vector.spent.emplace_back(hex_of(script));
        vector.previous_header = hash_from_string(std::string_view(fields[4].as_string())).value();
        vector.filter = hex_of(fields[5]);
        vector.header = hash_from_string(std::string_view(fields[6].as_string())).value();
        result.push_back(std::move(vector));
    }
    return result;
}

void check_vectors(const std::filesystem::path& file) {
    const std::vector<Vector> all = read_vectors(file);
    BOOST_TEST(all.size() == 10U);
    for (const Vector& vector : all) BOOST_TEST_CONTEXT("block " << vector.height) {
            BOOST_CHECK(vector.block.header.hash() == vector.hash);
            const Bytes filter = build_basic_filter(vector.block, vector.hash, vector.spent);
            BOOST_TEST(to_hex(filter) == to_hex(vector.filter));
            BOOST_CHECK(filter_header(filter, vector.previous_header) == vector.header);
            for (const Script& script : vector.spent)
                if (!script.empty())
                    BOOST_TEST(filter_matches(filter, vector.hash, {&script, 1}).value());
        }
}

} // namespace

BOOST_AUTO_TEST_CASE(build_basic_filter__bip158_vectors__agree) {
    const auto vectors = vectors_dir();
    if (!vectors) return;
    check_vectors(*vectors / "bips/bip-0158-testnet-19.json");
    check_vectors(*vectors / "core/blockfilters.json");
}

namespace {

Script numbered_script(uint32_t n) {
    Script script;
    push_number(script, n + 1000);
    return script;
}

} // namespace

BOOST_AUTO_TEST_CASE(filter_matches__script_inside__is_found_and_others_rarely) {
    Transaction tx = valid_transaction();
    tx.outputs.clear();
    constexpr uint32_t COUNT = 300;
    for (uint32_t i = 0; i < COUNT; ++i)
        tx.outputs.push_back({.value = 0, .script_pubkey = numbered_script(i)});
    Block block;
    block.transactions.emplace_back(std::move(tx));
    const BlockHash hash = block.header.hash();
    const Bytes filter = build_basic_filter(block, hash, {});
    int false_matches = 0;
    for (uint32_t i = 0; i < 10 * COUNT; ++i) {
        const Script script = numbered_script(i);
        const bool matches = filter_matches(filter, hash, {&script, 1}).value();
        if (i < COUNT) BOOST_TEST(matches);
        if (i >= COUNT && matches) ++false_matches;
    }
    BOOST_TEST(false_matches <= 1);
    const std::vector<Script> several = {numbered_script(1'000'000), numbered_script(7)};
    BOOST_TEST(filter_matches(filter, hash, several).value());
    BOOST_TEST(!filter_matches(filter, hash, {}).value());
}

BOOST_AUTO_TEST_CASE(build_basic_filter__op_return_and_empty_scripts__stay_out) {
    Transaction tx = valid_transaction();
    tx.outputs[0].script_pubkey = Script(Bytes{OP_RETURN, 1, 2});
    tx.outputs.push_back({});
    Block block;
    block.transactions.emplace_back(std::move(tx));
    BOOST_TEST(to_hex(build_basic_filter(block, {}, {})) == "00");
}

BOOST_AUTO_TEST_CASE(filter_matches__bytes_that_are_no_filter__are_refused) {
    const Script script = numbered_script(1);
    const auto reason = [&](const char* hex) {
        return reason_of(filter_matches(from_hex(hex).value(), {}, {&script, 1}));
    };
    BOOST_TEST(reason("00") == "");
    for (const char* bad :
         {"", "0000", "01", "0100", "01ffffffffff", "02019dfca8", "019dfca800", "fd", "fd0100",
          "fe00000002ff", "ffffffffffffffffff", "019dfca9"})
        BOOST_TEST(reason(bad) == "decode failed", bad);
}

BOOST_AUTO_TEST_SUITE_END()
