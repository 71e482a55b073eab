// SPDX-License-Identifier: MIT
// Real blocks are valid, and a single bit changed in what a signature covers makes them fail, each
// time for the reason that it should.
#include "consensus/standard.h"
#include "tests/consensus/builders.h"
#include "tests/consensus/script_error_name.h"
#include "tests/known_blocks.h"

#include <functional>
#include <map>
#include <random>

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(known_blocks)

namespace {

/// Where a bit may be flipped, and what must follow.
struct Place {
    enum class Where : uint8_t { ScriptSig, WitnessItem, SpentScript, SpentAmount };
    Where where = Where::ScriptSig;
    size_t item = 0; ///< Of the witness.
    size_t begin = 0;
    size_t end = 0; ///< Bytes.
    ScriptError expected = ScriptError::EvalFalse;
    int bit = -1; ///< Any if negative.
};

using Where = Place::Where;

/// The bytes of `signature` (DER and hash type) at which a flipped bit leaves another well-formed
/// signature: r and s but for their first bytes, and the hash type. Empty unless it is of ALL.
std::vector<std::pair<size_t, size_t>> free_bytes(ByteView signature) {
    constexpr size_t R_SIZE = 3;
    if (signature.size() < 60 || signature[0] != 0x30 || signature.back() != SIGHASH_ALL) return {};
    const size_t r = R_SIZE + 1;
    const size_t r_end = r + signature[R_SIZE];
    const size_t s = r_end + 2;
    return {
        {r + 1, r_end}, {s + 1, signature.size() - 1}, {signature.size() - 1, signature.size()}};
}

/// The bytes of a signature that say how it is built: tags and lengths.
std::vector<size_t> frame_bytes(ByteView signature) {
    if (free_bytes(signature).empty()) return {};
    const size_t r_end = size_t{4} + signature[3];
    return {0, 1, 2, 3, r_end, r_end + 1};
}

/// What follows if `bit` of the first byte of r or s is flipped: a number is positive, and has no
/// zero before it but for its sign (BIP-0066).
ScriptError flipped_first(ByteView number, int bit) {
    const auto first = static_cast<uint8_t>(number[0] ^ (1 << bit));
    const bool strict = first < 0x80 && (first != 0 || number[1] >= 0x80);
    return strict ? ScriptError::EvalFalse : ScriptError::SigDer;
}

/// What a script pushes, and at which of its bytes.
struct Push {
    size_t begin = 0;
    ByteView data;
};

std::vector<Push> pushes(const Script& script) {
    std::vector<Push> result;
    ScriptReader reader(script);
    while (const auto step = reader.next())
        result.push_back({reader.position() - step->data.size(), step->data});
    return result;
}

/// `first`: where, in the input's script or witness item, the signature begins.
void add_signature(std::vector<Place>& places, const Place& first, ByteView signature) {
    const auto add = [&](size_t begin, size_t end, ScriptError expected) {
        places.push_back(
            {first.where, first.item, first.begin + begin, first.begin + end, expected});
    };
    for (const auto& [begin, end] : free_bytes(signature)) add(begin, end, ScriptError::EvalFalse);
    // Under BIP-0066, which a place in an earlier block is dropped for.
    const std::vector<size_t> frame = frame_bytes(signature);
    for (const size_t at : frame) add(at, at + 1, ScriptError::SigDer);
    if (frame.empty()) return;
    for (const size_t begin : {frame[3] + 1, frame[5] + 1})
        for (int bit = 0; bit < 8; ++bit) {
            add(begin, begin + 1, flipped_first(signature.subspan(begin), bit));
            places.back().bit = bit;
        }
}

void add_signatures(std::vector<Place>& places, const Script& script_sig) {
    for (const Push& push : pushes(script_sig))
        add_signature(places, {Where::ScriptSig, 0, push.begin}, push.data);
}

void add_signatures(std::vector<Place>& places, const Witness& witness) {
    for (size_t i = 0; i < witness.size(); ++i)
        add_signature(places, {Where::WitnessItem, i}, witness[i]);
}

/// Places in an input that runs witness program `program`, wherever that stands.
void add_witness(std::vector<Place>& places, const TxIn& in, const WitnessProgram& program) {
    add_signatures(places, in.witness);
    if (places.empty() || program.version != 0) return places.clear();
    const bool key_hash = program.program.size() == 20;
    const ScriptError wrong_last =
        key_hash ? ScriptError::EqualVerify : ScriptError::WitnessProgramMismatch;
    const size_t last = in.witness.size() - 1;
    places.push_back({Where::WitnessItem, last, 0, in.witness[last].size(), wrong_last});
    places.push_back({Where::SpentAmount, 0, 0, 8});
}

/// All places in an input that this test knows; none for one that is not signed by SIGHASH_ALL.
std::vector<Place> places_in(const TxIn& in, const Script& spent) {
    std::vector<Place> places;
    const std::vector<Push> given = pushes(in.script_sig);
    const auto whole = [](const Push& push) { return push.begin + push.data.size(); };
    switch (match_template(spent).type) {
    case OutputType::PubKey:
        add_signatures(places, in.script_sig);
        if (!places.empty()) places.push_back({Where::SpentScript, 0, 2, 34}); // x of the key
        break;
    case OutputType::PubKeyHash:
        add_signatures(places, in.script_sig);
        if (places.empty()) break;
        places.push_back(
            {Where::ScriptSig, 0, given[1].begin, whole(given[1]), ScriptError::EqualVerify});
        places.push_back({Where::SpentScript, 0, 3, 23, ScriptError::EqualVerify});
        break;
    case OutputType::ScriptHash:
        if (in.witness.empty())
            add_signatures(places, in.script_sig);
        else if (const auto program = witness_program(given.back().data))
            add_witness(places, in, *program);
        if (places.empty()) break;
        places.push_back({Where::ScriptSig, 0, given.back().begin, whole(given.back())});
        places.push_back({Where::SpentScript, 0, 2, 22});
        break;
    case OutputType::WitnessV0KeyHash:
    case OutputType::WitnessV0ScriptHash: {
        const bool key_hash = match_template(spent).type == OutputType::WitnessV0KeyHash;
        add_witness(places, in, *witness_program(spent));
        if (places.empty()) break;
        places.push_back(
            {Where::SpentScript, 0, 2, spent.size(),
             key_hash ? ScriptError::EqualVerify : ScriptError::WitnessProgramMismatch});
        break;
    }
    default:
        break;
    }
    return places;
}

void flip_in(Witness& witness, size_t item, size_t byte, int bit) {
    Witness changed;
    for (size_t i = 0; i < witness.size(); ++i) {
        Bytes bytes(witness[i].begin(), witness[i].end());
        if (i == item) bytes[byte] ^= static_cast<uint8_t>(1 << bit);
        changed.push_back(bytes);
    }
    witness = changed;
}

/// Flip one bit; in the block itself, or in the output that the input spends.
void flip(
    KnownBlock& known,
    size_t tx_index,
    size_t input,
    TxOut& spent,
    const Place& place,
    std::mt19937_64& random) {
    const size_t byte = place.begin + random() % (place.end - place.begin);
    const int bit = place.bit >= 0 ? place.bit : static_cast<int>(random() % 8);
    if (place.where == Where::SpentAmount) {
        spent.value.value ^= int64_t{1} << (8 * byte + static_cast<size_t>(bit));
        return;
    }
    if (place.where == Where::SpentScript) {
        spent.script_pubkey[byte] ^= static_cast<uint8_t>(1 << bit);
        return;
    }
    change_transaction(known.block, tx_index, [&](Transaction& tx) {
        TxIn& in = tx.inputs[input];
        if (place.where == Where::WitnessItem)
            flip_in(in.witness, place.item, byte, bit);
        else
            in.script_sig[byte] ^= static_cast<uint8_t>(1 << bit);
    });
    commit(known.block);
}

/// Scripts of one transaction alone: all others are as they were.
ScriptError verify_one(
    const KnownBlock& known, size_t tx_index, size_t first_spent, size_t input, uint32_t flags) {
    const SealedTransaction& tx = known.block.transactions[tx_index];
    const auto begin = known.spent.begin() + static_cast<ptrdiff_t>(first_spent);
    const SighashMidstates midstates(tx, {begin, begin + static_cast<ptrdiff_t>(tx.inputs.size())});
    return verify_input(tx, input, begin[static_cast<ptrdiff_t>(input)], flags, midstates);
}

struct FoundPlace {
    size_t tx_index = 0;
    size_t first_spent = 0;
    size_t input = 0;
    Place place;
};

/// By what is flipped and what follows: so that the rare are tried as often as the frequent.
using FoundPlaces = std::map<std::pair<Where, ScriptError>, std::vector<FoundPlace>>;

FoundPlaces places_in(const KnownBlock& known, const Params& params) {
    const uint32_t flags = block_script_flags(known.block.header.hash(), known.height, params);
    FoundPlaces found;
    size_t first_spent = 0;
    for (size_t i = 1; i < known.block.transactions.size(); ++i) {
        const auto& inputs = known.block.transactions[i].inputs;
        for (size_t n = 0; n < inputs.size(); ++n)
            for (const Place& place :
                 places_in(inputs[n], known.spent[first_spent + n].script_pubkey))
                if (place.expected != ScriptError::SigDer || (flags & VERIFY_DERSIG) != 0)
                    found[{place.where, place.expected}].push_back({i, first_spent, n, place});
        first_spent += inputs.size();
    }
    return found;
}

/// Flip a bit, check the block, put it back. Returns whether the outcome was the expected one.
bool flip_fails_as_expected(
    KnownBlock& known, const FoundPlace& at, const Params& params, std::mt19937_64& random) {
    const uint32_t flags = block_script_flags(known.block.header.hash(), known.height, params);
    const SealedTransaction tx = known.block.transactions[at.tx_index];
    const SealedTransaction coinbase = known.block.transactions[0];
    const BlockHeader header = known.block.header;
    TxOut& spent = known.spent[at.first_spent + at.input];
    const TxOut old_spent = spent;
    flip(known, at.tx_index, at.input, spent, at.place, random);
    const bool in_block =
        at.place.where == Where::ScriptSig || at.place.where == Where::WitnessItem;
    // Without its proof of work the block's body is still as good as it was.
    const bool body_is_good = !in_block || check_known_block(known, params).has_value();
    const ScriptError error = verify_one(known, at.tx_index, at.first_spent, at.input, flags);
    known.block.transactions[at.tx_index] = tx;
    known.block.transactions[0] = coinbase;
    known.block.header = header;
    spent = old_spent;
    if (body_is_good && error == at.place.expected) return true;
    BOOST_TEST_MESSAGE(
        known.name << " transaction " << at.tx_index << " input " << at.input << " place "
                   << static_cast<int>(at.place.where) << ": " << script_error_name(error)
                   << ", expected " << script_error_name(at.place.expected));
    return false;
}

std::vector<std::pair<std::string, Params>> chains() {
    return {
        {"mainnet", chain_params("genesis/bitcoin-mainnet.json")},
        {"testnet3", chain_params("genesis/bitcoin-testnet3.json")}};
}

} // namespace

BOOST_AUTO_TEST_CASE(known_block__as_mined__is_valid) {
    const auto vectors = vectors_dir();
    if (!vectors) return;
    for (const auto& [name, params] : chains())
        for (const KnownBlock& known : read_known_blocks(*vectors / "blocks" / name)) {
            const BlockHeader& header = known.block.header;
            BOOST_TEST(reason_of(check_header(header, header.hash(), params)) == "");
            BOOST_TEST(reason_of(check_known_block(known, params)) == "");
            BOOST_TEST(!verify_scripts(known, params).has_value());
        }
}

/// Whole blocks, too, show what only a block can break.
BOOST_AUTO_TEST_CASE(known_block__one_rule_broken__names_that_rule) {
    const auto change = [](KnownBlock& known, size_t tx, auto how) {
        change_transaction(known.block, tx, how);
        commit(known.block);
    };
    const std::pair<std::string_view, std::function<void(KnownBlock&)>> rules[] = {
        {"bad-version(0x00000001)", [](auto& known) { known.block.header.version = 1; }},
        {"bad-cb-amount",
         [&](auto& known) {
             change(known, 0, [](auto& tx) { tx.outputs[0].value += 50 * COIN; });
         }},
        {"bad-txns-in-belowout",
         [&](auto& known) { change(known, 1, [](auto& tx) {
                                tx.outputs = {{MAX_MONEY, {}}};
                            }); }},
        {"bad-txns-inputs-missingorspent", // by a transaction before
         [&](auto& known) {
             const OutPoint taken = known.block.transactions[1].inputs[0].prevout;
             change(known, 2, [&](auto& tx) { tx.inputs[0].prevout = taken; });
         }},
        {"bad-txns-inputs-missingorspent", // made by a transaction behind
         [&](auto& known) {
             const OutPoint later{known.block.transactions.back().txid, 0};
             change(known, 1, [&](auto& tx) { tx.inputs[0].prevout = later; });
         }},
    };
    const auto vectors = vectors_dir();
    if (!vectors) return;
    for (const auto& [name, params] : chains())
        for (const KnownBlock& known : read_known_blocks(*vectors / "blocks" / name))
            for (const auto& [reason, break_it] : rules) {
                KnownBlock broken = known;
                break_it(broken);
                BOOST_TEST_CONTEXT(known.name)
                BOOST_TEST(reason_of(check_known_block(broken, params)) == reason);
            }
}

BOOST_AUTO_TEST_CASE(known_block__one_bit_flipped__fails_as_it_should) {
    constexpr size_t FLIPS_PER_BLOCK = 400;
    const auto vectors = vectors_dir();
    if (!vectors) return;
    std::mt19937_64 random(1); // NOLINT: the same flips each time
    size_t flips = 0;
    size_t unexpected = 0;
    std::map<Where, size_t> counts;
    std::map<ScriptError, size_t> errors;
    for (const auto& [name, params] : chains())
        for (KnownBlock& known : read_known_blocks(*vectors / "blocks" / name)) {
            const FoundPlaces kinds = places_in(known, params);
            BOOST_REQUIRE(!kinds.empty());
            auto kind = kinds.begin();
            for (size_t i = 0; i < FLIPS_PER_BLOCK; ++i, ++flips) {
                const FoundPlace& at = kind->second[random() % kind->second.size()];
                if (++kind == kinds.end()) kind = kinds.begin();
                ++counts[at.place.where];
                ++errors[at.place.expected];
                if (!flip_fails_as_expected(known, at, params, random)) ++unexpected;
            }
            BOOST_TEST(reason_of(check_known_block(known, params)) == ""); // all was put back
        }
    BOOST_TEST(unexpected == 0U);
    BOOST_TEST(flips >= 1000U);
    for (const Where where :
         {Where::ScriptSig, Where::WitnessItem, Where::SpentScript, Where::SpentAmount})
        BOOST_TEST(counts[where] > 0U);
    for (const ScriptError error :
         {ScriptError::EvalFalse, ScriptError::EqualVerify, ScriptError::SigDer})
        BOOST_TEST(errors[error] > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
