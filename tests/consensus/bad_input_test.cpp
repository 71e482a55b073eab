// SPDX-License-Identifier: MIT
// Whatever a stranger sends in place of a transaction, block, header, filter, script, address or
// chain file is refused with words, and asks for no memory that its own bytes don't justify.
#include "consensus/address.h"
#include "consensus/block_filter.h"
#include "consensus/interpreter.h"
#include "consensus/standard.h"
#include "tests/consensus/builders.h"

#include <cstdlib>
#include <functional>
#include <malloc.h>
#include <new>
#include <random>

namespace {

// What this program asks for, kept by operator new.
// NOLINTBEGIN(*-avoid-non-const-global-variables)
size_t largest_allocation = 0; ///< Since it was last set to 0.
size_t allocated = 0;          ///< Now.
size_t most_allocated = 0;     ///< Since it was last set.
size_t allocations = 0;        ///< Likewise.

// NOLINTEND(*-avoid-non-const-global-variables)

void* allocate(size_t size) {
    void* const memory = std::malloc(std::max<size_t>(size, 1));
    if (memory == nullptr) throw std::bad_alloc();
    ++allocations;
    largest_allocation = std::max(largest_allocation, size);
    allocated += malloc_usable_size(memory);
    most_allocated = std::max(most_allocated, allocated);
    return memory;
}

void release(void* memory) {
    allocated -= malloc_usable_size(memory);
    std::free(memory);
}

} // namespace

void* operator new(size_t size) {
    return allocate(size);
}

void* operator new[](size_t size) {
    return allocate(size);
}

void operator delete(void* memory) noexcept {
    release(memory);
}

void operator delete[](void* memory) noexcept {
    release(memory);
}

void operator delete(void* memory, size_t /*size*/) noexcept {
    release(memory);
}

void operator delete[](void* memory, size_t /*size*/) noexcept {
    release(memory);
}

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(bad_input)

namespace {

/// What takes bytes, with bytes that it takes; tells the words of its refusal, "" if it has none.
struct Parser {
    const char* name;
    Bytes good;
    std::function<std::string(ByteView)> refusal;
};

std::string_view text_of(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

template <class T>
std::string refusal_of(ByteView bytes) {
    const Result<T> value = decode<T>(bytes);
    return value ? "" : value.error().reason;
}

std::string filter_refusal(ByteView bytes) {
    const std::vector<Script> scripts = {Script(Bytes{OP_1})};
    const Result<bool> match = filter_matches(bytes, BlockHash(), scripts);
    return match ? "" : match.error().reason;
}

std::string address_refusal(ByteView bytes) {
    AddressError error;
    return script_of_address(text_of(bytes), regtest().address, &error) ? "" : error.message;
}

std::string chain_file_refusal(ByteView bytes) {
    try {
        read_chain_file(text_of(bytes));
    } catch (const ChainFileError& error) {
        return error.what();
    }
    return "";
}

/// Running `bytes` as the script of the coin that is spent.
std::string script_refusal(ByteView bytes) {
    const Transaction tx = valid_transaction();
    const std::vector<TxOut> spent = {{.value = COIN, .script_pubkey = Script(bytes)}};
    const SighashMidstates midstates(tx, spent);
    const ScriptError error = verify_input(tx, 0, spent[0], STANDARD_FLAGS, midstates);
    return error == ScriptError::Ok ? "" : std::string(script_error_text(error));
}

Block small_block() {
    Block block;
    block.transactions.emplace_back(valid_coinbase(Height{1}));
    block.transactions.emplace_back(valid_transaction());
    return block;
}

std::vector<Parser> parsers() {
    const Block block = small_block();
    const std::vector<Script> no_scripts;
    const std::string chain =
        cairn::tests::read_file(CAIRN_SOURCE_DIR "/genesis/bitcoin-regtest.json");
    return {
        {"transaction", encode(block.transactions[1]), refusal_of<SealedTransaction>},
        {"block", encode(block), refusal_of<Block>},
        {"header", encode(block.header), refusal_of<BlockHeader>},
        {"filter", build_basic_filter(block, BlockHash(), no_scripts), filter_refusal},
        {"address", bytes_of("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"), address_refusal},
        {"chain file", bytes_of(chain.substr(0, chain.rfind('}') + 1)), chain_file_refusal},
        {"script", {OP_1}, script_refusal},
    };
}

/// Expect words for `bytes`, and that memory was asked for in no piece out of proportion: a JSON
/// value takes 16 bytes for the two characters of "1,", twice where an array grows.
void expect_refused(const Parser& parser, ByteView bytes, const std::string& how) {
    largest_allocation = 0;
    const std::string words = parser.refusal(bytes);
    const size_t most = largest_allocation;
    BOOST_TEST(words.size() > 5U, parser.name << ": " << how << ": '" << words << "'");
    BOOST_TEST(most <= 32 * bytes.size() + 65'536, parser.name << ": " << how << ": " << most);
}

Bytes nonsense(size_t size) {
    std::mt19937 random(static_cast<uint32_t>(size) + 1); // bytes that are no valid script by luck
    Bytes bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_parser__good_input__taken) {
    for (const Parser& parser : parsers())
        BOOST_TEST(parser.refusal(parser.good) == "", parser.name);
}

BOOST_AUTO_TEST_CASE(every_parser__truncated__refused) {
    for (const Parser& parser : parsers())
        for (size_t size = 0; size < parser.good.size(); ++size)
            expect_refused(
                parser, ByteView(parser.good).first(size), "first " + std::to_string(size));
}

BOOST_AUTO_TEST_CASE(every_parser__bytes_behind_the_end__refused) {
    for (const Parser& parser : parsers()) {
        Bytes longer = parser.good;
        longer.push_back(OP_CHECKMULTISIG); // a script may be longer: let it fail as one
        expect_refused(parser, longer, "one byte more");
    }
}

BOOST_AUTO_TEST_CASE(every_parser__nonsense_of_any_size__refused) {
    for (const Parser& parser : parsers())
        for (const size_t size : {1, 10, 100, 1'000, 10'001, 1'000'000, 5'000'000})
            expect_refused(parser, nonsense(size), "nonsense of " + std::to_string(size));
}

BOOST_AUTO_TEST_CASE(every_parser__one_byte_over_and_over__refused) {
    // Nested brackets, endless pushes, counts of counts, ones of a filter that never end.
    for (const Parser& parser : parsers())
        for (const int byte : {0x00, 0x01, 0x22, 0x5b, 0x7b, 0xfd, 0xfe, 0xff})
            expect_refused(
                parser, Bytes(5'000'000, static_cast<uint8_t>(byte)),
                "all " + std::to_string(byte));
}

BOOST_AUTO_TEST_CASE(every_parser__a_false_count_anywhere__takes_no_memory) {
    for (const Parser& parser : parsers())
        for (size_t at = 0; at < parser.good.size(); ++at)
            for (const char* count : {"fdffff", "fe00000002", "feffffffff", "ffffffffffffffffff"}) {
                Bytes bytes = parser.good;
                const Bytes number = from_hex(count).value();
                bytes.resize(std::max(bytes.size(), at + number.size()));
                std::ranges::copy(number, bytes.begin() + static_cast<ptrdiff_t>(at));
                largest_allocation = 0;
                (void)parser.refusal(bytes); // where the bytes are a hash they may well be taken
                BOOST_TEST(largest_allocation <= 32 * bytes.size() + 65'536, parser.name << at);
            }
}

/// Each empty item of a witness is one byte, on the wire and in memory; on a script's stack it
/// would be forty, which are taken only for as many as matter.
BOOST_AUTO_TEST_CASE(verify_input__millions_of_empty_witness_items__take_memory_in_proportion) {
    constexpr size_t ITEMS = 3'900'000;
    const Script true_script = Script(Bytes{OP_1});
    Bytes wire;
    {
        Transaction tx = valid_transaction();
        for (size_t i = 0; i < ITEMS; ++i) tx.inputs[0].witness.push_back({});
        tx.inputs[0].witness.push_back(true_script);
        wire = encode(tx);
    }
    const size_t before = allocated;
    most_allocated = allocated;
    const SealedTransaction tx = decode<SealedTransaction>(wire).value();
    BOOST_TEST(tx.inputs[0].witness.size() == ITEMS + 1);
    BOOST_TEST(most_allocated - before <= 2 * wire.size()); // as read, and as given back

    const TxOut spent{.value = COIN, .script_pubkey = pay_to_witness(0, sha256(true_script).bytes)};
    const SighashMidstates midstates(tx, {spent});
    most_allocated = allocated;
    const size_t parsed = allocated;
    BOOST_CHECK(verify_input(tx, 0, spent, MANDATORY_FLAGS, midstates) == ScriptError::StackSize);
    BOOST_TEST(most_allocated - parsed <= 65'536U);
}

/// The two stacks, a copy of the spent output, and no more however much the script does with what
/// lies on them.
BOOST_AUTO_TEST_CASE(verify_input__more_opcodes__no_more_allocations) {
    const auto allocations_of = [](int rounds) {
        Script script(Bytes{OP_1});
        for (int i = 0; i < rounds; ++i)
            for (const Opcode op : {OP_DUP, OP_HASH256, OP_SIZE, OP_SWAP, OP_2DROP})
                push_opcode(script, op);
        Transaction tx = valid_transaction();
        tx.inputs[0].witness.push_back(script);
        const SealedTransaction sealed(tx);
        const TxOut spent{.value = COIN, .script_pubkey = pay_to_witness(0, sha256(script).bytes)};
        allocations = 0;
        const SighashMidstates midstates(sealed, {spent});
        const ScriptError error = verify_input(sealed, 0, spent, MANDATORY_FLAGS, midstates);
        const size_t made = allocations;
        BOOST_CHECK(error == ScriptError::Ok);
        return made;
    };
    const size_t few = allocations_of(1);
    BOOST_TEST(few <= 6U);
    BOOST_TEST(allocations_of(40) == few);
}

/// What is left out of such a stack changes no verdict: the script fails after its first opcode.
BOOST_AUTO_TEST_CASE(verify_input__more_witness_items_than_a_stack__first_opcode_decides) {
    const std::pair<Script, ScriptError> scripts[] = {
        {Script(), ScriptError::CleanStack},
        {Script(Bytes{OP_RETURN}), ScriptError::OpReturn},
        {Script(Bytes{OP_DROP}), ScriptError::StackSize},
        {Script(Bytes{OP_DEPTH}), ScriptError::StackSize},
        {Script(Bytes{OP_VERIFY}), ScriptError::Verify},
        {Script(Bytes{OP_CHECKMULTISIG}), ScriptError::StackSize},
        {Script(Bytes{0x05, 1}), ScriptError::BadOpcode},
        {Script(Bytes(10'001, OP_NOP)), ScriptError::ScriptSize},
    };
    for (const auto& [script, error] : scripts)
        for (const size_t items : {1043, 1044, 1045, 1200, 5000}) {
            Transaction tx = valid_transaction();
            for (size_t i = 0; i < items; ++i) tx.inputs[0].witness.push_back({});
            tx.inputs[0].witness.push_back(script);
            const TxOut spent{COIN, pay_to_witness(0, sha256(script).bytes)};
            const SighashMidstates midstates(tx, {spent});
            BOOST_CHECK(verify_input(tx, 0, spent, MANDATORY_FLAGS, midstates) == error);
        }
    Transaction long_item = valid_transaction();
    long_item.inputs[0].witness.push_back(Bytes(521));
    for (int i = 0; i < 5000; ++i) long_item.inputs[0].witness.push_back({});
    long_item.inputs[0].witness.push_back(Bytes{OP_1});
    const TxOut spent{COIN, pay_to_witness(0, sha256(Bytes{OP_1}).bytes)};
    const SighashMidstates midstates(long_item, {spent});
    BOOST_CHECK(
        verify_input(long_item, 0, spent, MANDATORY_FLAGS, midstates) == ScriptError::PushSize);
}

BOOST_AUTO_TEST_CASE(check_block__larger_than_any_block__refused) {
    Block block = small_block();
    Transaction large = valid_transaction();
    large.outputs[0].script_pubkey = Script(Bytes(4'000'001, OP_RETURN));
    block.transactions.emplace_back(std::move(large));
    block.header.merkle_root = merkle_root(block);
    BOOST_TEST(
        reason_of(check_transaction(block.transactions[2], regtest())) == "bad-txns-oversize");
    BOOST_TEST(reason_of(check_block(block, regtest())) == "bad-blk-length");
}

BOOST_AUTO_TEST_SUITE_END()
