// SPDX-License-Identifier: MIT
// Rules of ECDSA signatures in scripts: a signed input that passes, broken in one way.
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "tests/consensus/script_assembler.h"
#include "tests/consensus/script_error_name.h"
#include "tests/consensus/spend.h"
#include "tests/naive_sighash.h"

#include <boost/test/unit_test.hpp>
#include <secp256k1.h>

#include <functional>

using namespace cairn::consensus;
using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(signature_rules)

namespace {

const Signer ALICE(1);
const Signer BOB(2);
const Signer CAROL(3);

/// Pushes `items` in order.
Script pushes(const std::vector<Bytes>& items) {
    Script script;
    for (const Bytes& item : items) push_data(script, item);
    return script;
}

/// A P2PKH input and how it is signed.
Spend spend_key_hash(uint8_t type = SIGHASH_ALL) {
    Spend spend(pay_to_pubkey_hash(hash160(ALICE.key())));
    const Hash256 hash = spend.legacy_hash(spend.spent[0].script_pubkey, type);
    spend.script_sig() = pushes({ALICE.sign(hash, type), ALICE.key()});
    return spend;
}

Bytes signature_of(const Spend& spend) {
    ScriptReader reader(spend.tx.inputs[0].script_sig);
    const ByteView data = reader.next()->data;
    return {data.begin(), data.end()};
}

/// The P2PKH input with its signature changed.
Spend with_signature(const std::function<void(Bytes&)>& change) {
    Spend spend = spend_key_hash();
    Bytes signature = signature_of(spend);
    change(signature);
    spend.script_sig() = pushes({signature, ALICE.key()});
    return spend;
}

Bytes copy(const Script& script) {
    return {script.begin(), script.end()};
}

/// P2WPKH of `key`, signed by Alice.
Spend spend_witness_key_hash(const Bytes& key) {
    Spend spend = Spend::of_program(0, hash160(key));
    const Script code = pay_to_pubkey_hash(hash160(key));
    spend.set_witness({ALICE.sign(spend.v0_hash(code)), key});
    return spend;
}

Script two_of_three() {
    Script script = assemble("2");
    for (const Signer* signer : {&ALICE, &BOB, &CAROL}) push_data(script, signer->key());
    push_number(script, 3);
    push_opcode(script, OP_CHECKMULTISIG);
    return script;
}

/// P2WSH of the two-of-three script with these signers' signatures, in this order.
Spend spend_multisig(const std::vector<const Signer*>& signers) {
    const Script script = two_of_three();
    Spend spend = Spend::of_program(0, sha256(script).bytes);
    std::vector<Bytes> items{{}};
    for (const Signer* signer : signers) items.push_back(signer->sign(spend.v0_hash(script)));
    items.push_back(copy(script));
    spend.set_witness(items);
    return spend;
}

constexpr uint32_t WITHOUT_NULLFAIL = STANDARD_FLAGS & ~VERIFY_NULLFAIL;

} // namespace

BOOST_AUTO_TEST_CASE(p2pkh__each_hash_type__signs_its_parts) {
    for (const int base : {SIGHASH_ALL, SIGHASH_NONE, SIGHASH_SINGLE}) {
        for (const int anyone : {0, int{SIGHASH_ANYONECANPAY}}) {
            Spend spend = spend_key_hash(static_cast<uint8_t>(base | anyone));
            BOOST_TEST_CONTEXT("type " << (base | anyone)) {
                BOOST_TEST(spend.result() == "OK");
                spend.tx.outputs[1].value += 1;
                BOOST_TEST((spend.result() == "OK") == (base != SIGHASH_ALL));
                spend.tx.outputs[0].value += 1;
                BOOST_TEST((spend.result() == "OK") == (base == SIGHASH_NONE));
            }
            spend = spend_key_hash(static_cast<uint8_t>(base | anyone));
            spend.tx.inputs[1].sequence -= 1;
            BOOST_TEST((spend.result() == "OK") == (base != SIGHASH_ALL || anyone != 0));
            spend.tx.inputs[1].prevout.index += 1;
            BOOST_TEST((spend.result() == "OK") == (anyone != 0));
        }
    }
}

/// What was signed before there was an output stays signed whatever the transaction becomes.
BOOST_AUTO_TEST_CASE(p2pkh__single_without_its_output__signs_the_number_one) {
    Spend spend(pay_to_pubkey_hash(hash160(ALICE.key())));
    std::swap(spend.tx.inputs[0], spend.tx.inputs[1]);
    spend.tx.outputs.resize(1);
    Hash256 one;
    one.bytes[0] = 1;
    BOOST_TEST((legacy_sighash(spend.tx, 1, spend.spent[0].script_pubkey, SIGHASH_SINGLE) == one));
    BOOST_TEST((legacy_sighash(spend.tx, 0, spend.spent[0].script_pubkey, SIGHASH_SINGLE) != one));
}

/// Whoever signed so once signed everything: all that any transaction does with the coin verifies.
BOOST_AUTO_TEST_CASE(p2pkh__single_without_its_output__verifies_whatever_the_transaction) {
    Spend spend(pay_to_pubkey_hash(hash160(ALICE.key())));
    std::swap(spend.tx.inputs[0], spend.tx.inputs[1]);
    std::swap(spend.spent[0], spend.spent[1]);
    spend.tx.outputs.resize(1);
    const auto result = [&](uint8_t type) {
        spend.tx.inputs[1].script_sig = pushes({ALICE.sign(Hash256{{1}}, type), ALICE.key()});
        const SighashMidstates midstates(spend.tx, spend.spent);
        return script_error_name(
            verify_input(spend.tx, 1, spend.spent[1], STANDARD_FLAGS, midstates));
    };
    for (const int any : {0, int{SIGHASH_ANYONECANPAY}}) {
        BOOST_TEST(result(static_cast<uint8_t>(SIGHASH_SINGLE | any)) == "OK");
        BOOST_TEST(result(static_cast<uint8_t>(SIGHASH_ALL | any)) == "NULLFAIL");
    }
    spend.tx.outputs[0].value += 1;
    spend.tx.lock_time = 7;
    spend.tx.inputs[0].prevout.index += 1;
    BOOST_TEST(result(SIGHASH_SINGLE) == "OK");
    spend.tx.outputs.push_back(spend.tx.outputs[0]); // now there is one to sign
    BOOST_TEST(result(SIGHASH_SINGLE) == "NULLFAIL");
}

/// In segwit v0 what isn't there is signed as zeros (BIP-0143), so all else stays signed.
BOOST_AUTO_TEST_CASE(p2wpkh__single_without_its_output__signs_the_rest) {
    Spend spend = Spend::of_program(0, hash160(ALICE.key()));
    spend.tx.outputs.clear();
    const Script code = pay_to_pubkey_hash(hash160(ALICE.key()));
    spend.set_witness(
        {ALICE.sign(spend.v0_hash(code, SIGHASH_SINGLE), SIGHASH_SINGLE), ALICE.key()});
    BOOST_TEST(spend.result() == "OK");
    spend.tx.lock_time = 7;
    BOOST_TEST(spend.result() == "NULLFAIL");
}

namespace {

/// The two numbers of a signature, in as many bytes as DER asks for.
std::pair<Bytes, Bytes> numbers_of(const Bytes& der) {
    const auto r = der.begin() + 4;
    const auto s = r + der[3] + 2;
    return {{r, r + der[3]}, {s, s + *(s - 1)}};
}

Bytes integer(const Bytes& number) {
    return joined({{0x02, static_cast<uint8_t>(number.size())}, number});
}

/// The sequence of `content` with the hash type behind it.
Bytes sequence(const Bytes& content) {
    return joined({{0x30, static_cast<uint8_t>(content.size())}, content, {SIGHASH_ALL}});
}

Bytes zeros_before(size_t count, Bytes number) {
    number.insert(number.begin(), count, 0);
    return number;
}

using Form = Bytes (*)(const Bytes& r, const Bytes& s);

const std::pair<const char*, Form> LENIENT_DER[] = {
    {"padded r",
     [](auto& r, auto& s) {
         return sequence(joined({integer(zeros_before(1, r)), integer(s)}));
     }},
    {"s padded to 40 bytes",
     [](auto& r, auto& s) {
         return sequence(joined({integer(r), integer(zeros_before(40 - s.size(), s))}));
     }},
    {"r without the zero of its sign",
     [](auto& r, auto& s) {
         return sequence(joined(
             {integer({r.begin() + (r[0] == 0 ? 1 : 0), r.end()}), integer(s),
              r[0] == 0 ? Bytes{} : Bytes{0}}));
     }},
    {"long lengths",
     [](auto& r, auto& s) {
         const Bytes long_r = joined({{0x02, 0x81, static_cast<uint8_t>(r.size())}, r});
         const Bytes long_s = joined({{0x02, 0x83, 0, 0, static_cast<uint8_t>(s.size())}, s});
         return joined({{0x30, 0x82, 0, 0}, long_r, long_s, {SIGHASH_ALL}});
     }},
    {"a length that lies",
     [](auto& r, auto& s) {
         return joined({{0x30, 3}, integer(r), integer(s), {SIGHASH_ALL}});
     }},
    {"bytes within, behind s",
     [](auto& r, auto& s) {
         return sequence(joined({integer(r), integer(s), {1, 2, 3}}));
     }},
    {"bytes behind all",
     [](auto& r, auto& s) {
         Bytes signature = sequence(joined({integer(r), integer(s)}));
         signature.insert(signature.end() - 1, {0x30, 0x06});
         return signature;
     }},
};

const std::pair<const char*, Form> NO_DER[] = {
    {"no sequence",
     [](auto& r, auto& s) {
         return joined({{0x31, 68}, integer(r), integer(s), {1}});
     }},
    {"no integer",
     [](auto& r, auto& s) {
         return sequence(joined({{0x03, static_cast<uint8_t>(r.size())}, r, integer(s)}));
     }},
    {"only r", [](auto& r, auto&) { return sequence(integer(r)); }},
    {"s breaks off",
     [](auto& r, auto& s) {
         Bytes signature = sequence(joined({integer(r), integer(s)}));
         signature.resize(signature.size() - 10);
         return signature;
     }},
    {"r longer than the curve's numbers",
     [](auto& r, auto& s) {
         return sequence(joined({integer(joined({Bytes(10, 1), r})), integer(s)}));
     }},
    {"a length of more bytes than any script",
     [](auto& r, auto& s) {
         return joined({{0x30, 80, 0x02, 0x85, 1, 0, 0, 0, 32}, r, integer(s), {1}});
     }},
};

} // namespace

/// What OpenSSL let pass until 2015 is in the chain for ever; BIP-0066 ended it.
BOOST_AUTO_TEST_CASE(p2pkh__lenient_der__passes_before_bip66_only) {
    const auto check = [](const auto& forms, std::string_view before) {
        for (const auto& [name, form] : forms) {
            const Spend spend = with_signature([&form = form](Bytes& signature) {
                const auto [r, s] = numbers_of(signature);
                signature = form(r, s);
            });
            BOOST_TEST(spend.result(VERIFY_NONE) == before, name);
            BOOST_TEST(spend.result(VERIFY_DERSIG) == "SIG_DER", name);
        }
    };
    check(LENIENT_DER, "OK");
    check(NO_DER, "EVAL_FALSE");
}

BOOST_AUTO_TEST_CASE(p2pkh__signature_broken__names_the_rule) {
    struct Rule {
        std::string_view error;
        std::function<void(Bytes&)> change;
        uint32_t flags;
    };

    const auto flip_last_bit = [](Bytes& s) { s[s.size() - 2] ^= 1; };
    const auto longer = [](Bytes& s) { s.insert(s.end() - 1, 0); };
    const auto high_s = [](Bytes& s) { s = with_high_s(s); };
    const auto type_5 = [](Bytes& s) {
        const Spend spend = spend_key_hash();
        s = ALICE.sign(spend.legacy_hash(spend.spent[0].script_pubkey, 5), 5);
    };
    const Rule rules[] = {
        {"NULLFAIL", flip_last_bit, STANDARD_FLAGS},
        {"EVAL_FALSE", flip_last_bit, WITHOUT_NULLFAIL},
        {"EVAL_FALSE", [](Bytes& s) { s.clear(); }, STANDARD_FLAGS},
        {"SIG_DER", longer, VERIFY_DERSIG},
        {"OK", longer, VERIFY_NONE}, // what follows the integers was never looked at
        {"SIG_DER", [](Bytes& s) { s[1] += 1; }, VERIFY_DERSIG},
        {"OK", [](Bytes& s) { s[1] += 1; }, VERIFY_NONE}, // nor what length the whole claims
        {"SIG_DER", [](Bytes& s) { s[2] = 3; }, VERIFY_STRICTENC},
        {"SIG_DER", [](Bytes& s) { s.resize(8); }, VERIFY_LOW_S},
        {"SIG_HIGH_S", high_s, VERIFY_LOW_S},
        {"OK", high_s, VERIFY_DERSIG},
        {"SIG_HASHTYPE", type_5, VERIFY_STRICTENC},
        {"OK", type_5, VERIFY_DERSIG},
    };
    for (const Rule& rule : rules)
        BOOST_TEST(with_signature(rule.change).result(rule.flags) == rule.error);
}

/// A number of a signature as lenient readers take it, too.
struct Encoding {
    size_t zeros = 0;         ///< Before it, more than its sign asks for.
    bool long_length = false; ///< The length's own length first.
};

BOOST_AUTO_TEST_CASE(is_low_s__at_the_bounds__as_the_library_says) {
    const Bytes half =
        from_hex("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0").value();
    const Bytes order =
        from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").value();
    const auto moved = [](Bytes number, int by) {
        number.back() = static_cast<uint8_t>(number.back() + by);
        return number;
    };
    const auto append = [](Bytes& der, const Bytes& number, const Encoding& encoding) {
        const size_t padding = encoding.zeros + ((number[0] & 0x80) != 0 ? 1 : 0);
        der.push_back(2);
        if (encoding.long_length) der.push_back(0x81);
        der.push_back(static_cast<uint8_t>(number.size() + padding));
        der.insert(der.end(), padding, 0);
        der.insert(der.end(), number.begin(), number.end());
    };
    const std::vector<Bytes> numbers = {
        {1},   moved(half, -1), half,           moved(half, 1), moved(order, -1),
        order, moved(order, 1), Bytes(32, 0xff)};
    for (const Bytes& r : numbers)
        for (const Bytes& s : numbers) {
            std::array<uint8_t, 64> compact{};
            std::ranges::copy(r, compact.begin() + 32 - ptrdiff_t(r.size()));
            std::ranges::copy(s, compact.end() - ptrdiff_t(s.size()));
            secp256k1_ecdsa_signature signature;
            const secp256k1_context* const context = secp256k1_context_static;
            const bool high =
                secp256k1_ecdsa_signature_parse_compact(context, &signature, compact.data()) == 1 &&
                secp256k1_ecdsa_signature_normalize(context, nullptr, &signature) == 1;
            for (const Encoding& encoding : {Encoding{}, {1}, {25}, {0, true}, {7, true}}) {
                Bytes der = {0x30, 0};
                append(der, r, encoding);
                append(der, s, encoding);
                der[1] = static_cast<uint8_t>(der.size() - 2);
                BOOST_TEST(is_low_s(der) == !high, to_hex(der));
            }
        }
}

BOOST_AUTO_TEST_CASE(checksig__key_encodings__as_the_flags_ask) {
    const auto spend_key = [](const Bytes& key) {
        Script coin = pushes({key});
        push_opcode(coin, OP_CHECKSIG);
        Spend spend(coin);
        spend.script_sig() = pushes({ALICE.sign(spend.legacy_hash(coin))});
        return spend;
    };
    Bytes hybrid = ALICE.uncompressed_key();
    hybrid[0] = hybrid[64] % 2 == 0 ? 6 : 7;
    BOOST_TEST(spend_key(ALICE.key()).result() == "OK");
    BOOST_TEST(spend_key(ALICE.uncompressed_key()).result() == "OK");
    BOOST_TEST(spend_key(hybrid).result(VERIFY_NONE) == "OK");
    BOOST_TEST(spend_key(hybrid).result(VERIFY_STRICTENC) == "PUBKEYTYPE");
    hybrid[0] ^= 1;
    BOOST_TEST(spend_key(hybrid).result(VERIFY_NONE) == "EVAL_FALSE");
    Bytes off_curve(33, 0xff);
    off_curve[0] = 2;
    BOOST_TEST(spend_key(off_curve).result(VERIFY_NONE) == "EVAL_FALSE");
    BOOST_TEST(spend_key(Bytes(32, 2)).result(VERIFY_NONE) == "EVAL_FALSE");
}

BOOST_AUTO_TEST_CASE(checksigverify__wrong_signature__names_itself) {
    Script coin = pushes({ALICE.key()});
    push_opcode(coin, OP_CHECKSIGVERIFY);
    push_opcode(coin, OP_1);
    Spend spend(coin);
    spend.script_sig() = pushes({ALICE.sign(spend.legacy_hash(coin))});
    BOOST_TEST(spend.result() == "OK");
    spend.script_sig() = pushes({{}});
    BOOST_TEST(spend.result() == "CHECKSIGVERIFY");
}

BOOST_AUTO_TEST_CASE(p2wpkh__broken_in_one_way__names_the_rule) {
    BOOST_TEST(spend_witness_key_hash(ALICE.key()).result() == "OK");
    const Spend uncompressed = spend_witness_key_hash(ALICE.uncompressed_key());
    BOOST_TEST(uncompressed.result() == "WITNESS_PUBKEYTYPE");
    BOOST_TEST(uncompressed.result(MANDATORY_FLAGS) == "OK");

    Spend spend = spend_witness_key_hash(ALICE.key());
    spend.spent[0].value += 1; // BIP-0143 signs the amount
    BOOST_TEST(spend.result() == "NULLFAIL");
    spend = spend_witness_key_hash(ALICE.key());
    spend.witness().push_back({});
    BOOST_TEST(spend.result() == "WITNESS_PROGRAM_MISMATCH");
    spend = spend_witness_key_hash(ALICE.key());
    spend.set_witness({Bytes(71), BOB.key()});
    BOOST_TEST(spend.result() == "EQUALVERIFY");
}

BOOST_AUTO_TEST_CASE(checkmultisig__signatures_in_the_keys_order__only_then) {
    BOOST_TEST(spend_multisig({&ALICE, &BOB}).result() == "OK");
    BOOST_TEST(spend_multisig({&ALICE, &CAROL}).result() == "OK");
    BOOST_TEST(spend_multisig({&BOB, &CAROL}).result() == "OK");
    BOOST_TEST(spend_multisig({&BOB, &ALICE}).result(WITHOUT_NULLFAIL) == "EVAL_FALSE");
    BOOST_TEST(spend_multisig({&BOB, &ALICE}).result() == "NULLFAIL");
    BOOST_TEST(spend_multisig({&ALICE, &ALICE}).result() == "NULLFAIL");
    Spend spend = spend_multisig({&ALICE, &BOB});
    const std::vector<ByteView> items(spend.witness().begin(), spend.witness().end());
    const auto bytes = [&](size_t i) { return Bytes(items[i].begin(), items[i].end()); };
    Spend dummy = spend;
    dummy.set_witness({{1}, bytes(1), bytes(2), bytes(3)});
    BOOST_TEST(dummy.result() == "SIG_NULLDUMMY");
    BOOST_TEST(dummy.result(MANDATORY_FLAGS & ~VERIFY_NULLDUMMY) == "OK");
}

/// A legacy signature can't sign itself: its push is taken out of what is hashed.
BOOST_AUTO_TEST_CASE(legacy__signature_in_the_script__is_deleted_before_hashing) {
    Script rest = pushes({ALICE.key()});
    push_opcode(rest, OP_CHECKSIG);
    Script without; // the script as it is hashed
    push_opcode(without, OP_DROP);
    without.append(rest);
    const Bytes signature = ALICE.sign(Spend{Script()}.legacy_hash(without));

    Script coin = pushes({signature});
    coin.append(without);
    Spend spend(coin);
    spend.script_sig() = pushes({signature});
    BOOST_TEST(spend.result(MANDATORY_FLAGS) == "OK");
    BOOST_TEST(spend.result() == "SIG_FINDANDDELETE");

    // Pushed in a longer way it is not found.
    Script long_push;
    push_opcode(long_push, OP_PUSHDATA1);
    long_push.push_back(static_cast<uint8_t>(signature.size()));
    long_push.append(signature);
    long_push.append(without);
    spend.spent[0].script_pubkey = long_push;
    BOOST_TEST(spend.result(MANDATORY_FLAGS) == "EVAL_FALSE");
}

/// A script whose last push breaks off can't succeed, but the check before it can: then what breaks
/// off is the error.
BOOST_AUTO_TEST_CASE(legacy__last_push_breaks_off__check_before_it_signs_its_head) {
    for (const bool signature_inside : {false, true}) {
        SighashRequest request{.tx = Spend{Script()}.tx, .type = SIGHASH_ALL};
        push_opcode(request.code, OP_DROP);
        push_data(request.code, ALICE.key());
        push_opcode(request.code, OP_CHECKSIGVERIFY);
        request.code.append(from_hex("4d2000abab").value());
        const Bytes signature = ALICE.sign(naive_legacy(request));

        Script coin = signature_inside ? pushes({signature}) : assemble("0");
        coin.append(request.code);
        Spend spend(coin);
        spend.script_sig() = pushes({signature});
        if (!signature_inside) { // what is pushed is hashed, too
            request.code = coin;
            spend.script_sig() = pushes({ALICE.sign(naive_legacy(request))});
        }
        BOOST_TEST(spend.result(MANDATORY_FLAGS) == "BAD_OPCODE");
        spend.tx.lock_time = 7;
        BOOST_TEST(spend.result(MANDATORY_FLAGS) == "CHECKSIGVERIFY");
    }
}

BOOST_AUTO_TEST_CASE(codeseparator__before_the_check__signs_what_follows) {
    Script rest = pushes({ALICE.key()});
    push_opcode(rest, OP_CHECKSIG);
    Script coin = assemble("NOP CODESEPARATOR");
    coin.append(rest);
    Spend spend(coin);
    spend.script_sig() = pushes({ALICE.sign(spend.legacy_hash(rest))});
    BOOST_TEST(spend.result(MANDATORY_FLAGS) == "OK");
    BOOST_TEST(spend.result() == "OP_CODESEPARATOR");
    // Those that follow are taken out of the hash.
    Script with_more = rest;
    push_opcode(with_more, OP_CODESEPARATOR);
    BOOST_TEST((spend.legacy_hash(with_more) == spend.legacy_hash(rest)));

    // In segwit v0 those that follow stay.
    Script program = assemble("CODESEPARATOR");
    program.append(with_more);
    Spend v0 = Spend::of_program(0, sha256(program).bytes);
    v0.set_witness({ALICE.sign(v0.v0_hash(with_more)), copy(program)});
    BOOST_TEST(v0.result() == "OK");
    v0.set_witness({ALICE.sign(v0.v0_hash(rest)), copy(program)});
    BOOST_TEST(v0.result() == "NULLFAIL");
}

BOOST_AUTO_TEST_SUITE_END()
