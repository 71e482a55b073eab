// SPDX-License-Identifier: MIT
// Core's tx_valid.json and tx_invalid.json: whole transactions under flags that are exactly the
// most they satisfy, or the fewest they break.
#include "consensus/interpreter.h"
#include "consensus/transaction_rules.h"
#include "tests/consensus/script_assembler.h"
#include "tests/vectors.h"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>

using namespace cairn::consensus;
using namespace cairn::tests;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(transaction_vectors)

namespace {

struct Vector {
    Transaction tx;
    std::vector<TxOut> spent;
    std::string flags;
    std::string text;
};

Vector read_vector(const json::array& entry) {
    Vector vector;
    vector.text = json::serialize(entry);
    std::map<OutPoint, TxOut> coins;
    for (const json::value& input : entry[0].as_array()) {
        const json::array& fields = input.as_array();
        OutPoint point;
        point.txid = Txid::from_string(std::string_view(fields[0].as_string())).value();
        point.index = static_cast<uint32_t>(fields[1].to_number<int64_t>());
        TxOut& coin = coins[point];
        coin.script_pubkey = assemble(std::string_view(fields[2].as_string()));
        if (fields.size() > 3) coin.value = fields[3].to_number<int64_t>();
    }
    const Bytes bytes = from_hex(std::string_view(entry[1].as_string())).value();
    vector.tx = decode<Transaction>(bytes).value();
    for (const TxIn& in : vector.tx.inputs) vector.spent.push_back(coins[in.prevout]);
    vector.flags = entry[2].as_string().c_str();
    return vector;
}

std::vector<Vector> read_all(const std::filesystem::path& path) {
    std::vector<Vector> vectors;
    for (const json::value& entry : read_vectors(path)) {
        // Single strings are remarks.
        if (entry.as_array().size() != 1) vectors.push_back(read_vector(entry.as_array()));
    }
    return vectors;
}

bool scripts_valid(const Vector& vector, uint32_t flags) {
    const SighashMidstates midstates(vector.tx, vector.spent);
    for (size_t i = 0; i < vector.tx.inputs.size(); ++i)
        if (verify_input(vector.tx, i, vector.spent[i], flags, midstates) != ScriptError::Ok)
            return false;
    return true;
}

bool transaction_valid(const Transaction& tx) {
    return check_transaction(SealedTransaction(tx), Params{}).has_value();
}

/// `flags` with one of them left out, in each way.
std::vector<uint32_t> with_one_less(uint32_t flags) {
    std::vector<uint32_t> results;
    for (const auto& [name, flag] : named_flags())
        if (const uint32_t fewer = trim_flags(flags & ~flag); fewer != flags)
            results.push_back(fewer);
    return results;
}

constexpr int COMBINATIONS = 16;

} // namespace

BOOST_AUTO_TEST_CASE(verify_input__tx_valid__valid_under_all_but_the_flags_named) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const std::vector<Vector> vectors = read_all(*dir / "core" / "tx_valid.json");
    BOOST_TEST(vectors.size() == 121U);
    std::mt19937 random(1); // NOLINT: the same each time
    for (const Vector& vector : vectors) {
        BOOST_TEST_CONTEXT(vector.text) {
            const uint32_t excluded = parse_flags(vector.flags);
            BOOST_TEST(transaction_valid(vector.tx));
            BOOST_TEST(~excluded == fill_flags(~excluded));
            BOOST_TEST(scripts_valid(vector, ~excluded));
            for (const uint32_t flags : with_one_less(~excluded))
                BOOST_TEST(scripts_valid(vector, flags));
            for (int i = 0; i < COMBINATIONS; ++i) {
                const auto fewer = static_cast<uint32_t>(random());
                BOOST_TEST(scripts_valid(vector, trim_flags(~excluded & ~fewer)));
            }
            for (const uint32_t fewer_excluded : with_one_less(excluded))
                BOOST_TEST(!scripts_valid(vector, fill_flags(~fewer_excluded)));
        }
    }
}

BOOST_AUTO_TEST_CASE(verify_input__tx_invalid__breaks_exactly_the_flags_named) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const std::vector<Vector> vectors = read_all(*dir / "core" / "tx_invalid.json");
    BOOST_TEST(vectors.size() == 93U);
    std::mt19937 random(1); // NOLINT: the same each time
    for (const Vector& vector : vectors) {
        BOOST_TEST_CONTEXT(vector.text) {
            const bool bad_transaction = vector.flags == "BADTX";
            BOOST_TEST(transaction_valid(vector.tx) == !bad_transaction);
            if (bad_transaction) continue; // What these break is no script's matter.
            const uint32_t broken = parse_flags(vector.flags);
            BOOST_TEST(broken == fill_flags(broken));
            BOOST_TEST(!scripts_valid(vector, broken));
            for (int i = 0; i < COMBINATIONS; ++i) {
                const auto more = static_cast<uint32_t>(random());
                BOOST_TEST(!scripts_valid(vector, fill_flags(broken | more)));
            }
            for (const uint32_t fewer : with_one_less(broken))
                BOOST_TEST(scripts_valid(vector, fewer));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
