// SPDX-License-Identifier: MIT
// Any scripts and witness, run by the rules of any flags: twice with the same result wherever in
// memory they lie, and what passes passes under fewer rules too, or a soft fork would be none.
// Time and memory have the fuzzer's limits.
#include "consensus/interpreter.h"

#include <cstdlib>

using namespace cairn::consensus;

namespace {

/// Random bytes are never a signature, so some that are none must pass to reach what comes after.
class EasyChecker : public SignatureChecker {
public:
    bool
    check_ecdsa(ByteView signature, ByteView pubkey, ByteView code, SigVersion) const override {
        return (signature.size() + pubkey.size() + code.size()) % 2 == 0;
    }

    ScriptError
    check_schnorr(ByteView signature, ByteView pubkey, SigVersion, const TapscriptContext& context)
        const override {
        const bool good = (signature.size() + pubkey[0] + context.codeseparator_position) % 2 == 0;
        return good ? ScriptError::Ok : ScriptError::SchnorrSig;
    }

    bool check_lock_time(int64_t lock_time) const override { return lock_time % 2 == 0; }

    bool check_sequence(int64_t sequence) const override { return sequence % 2 == 0; }
};

/// `flags` with what they build on, without which they can't be asked for.
uint32_t complete(uint32_t flags) {
    if ((flags & VERIFY_CLEANSTACK) != 0) flags |= VERIFY_WITNESS;
    if ((flags & VERIFY_WITNESS) != 0) flags |= VERIFY_P2SH;
    return flags;
}

ScriptError easy_result(const TxIn& in, const TxOut& spent, uint32_t flags) {
    return verify_script(in.script_sig, spent.script_pubkey, in.witness, flags, EasyChecker());
}

ScriptError real_result(const Transaction& tx, const TxOut& spent, uint32_t flags) {
    return verify_input(tx, 0, spent, flags, SighashMidstates(tx, {spent}));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Reader reader({data, size});
    uint32_t flags = 0;
    uint32_t fewer = 0;
    Transaction tx;
    TxIn& in = tx.inputs.emplace_back();
    TxOut spent;
    reader(flags, fewer, tx.version, tx.lock_time, in.sequence, in.script_sig, spent, in.witness);
    reader(tx.outputs);
    if (reader.failed()) return 0;
    constexpr uint32_t ALL_FLAGS = 2 * VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE - 1;
    flags = complete(flags & ALL_FLAGS);
    fewer = complete(flags & fewer);

    const ScriptError easy = easy_result(in, spent, flags);
    const ScriptError real = real_result(tx, spent, flags);
    const Transaction tx_elsewhere = tx;
    const TxOut spent_elsewhere = spent;
    if (easy_result(tx_elsewhere.inputs[0], spent_elsewhere, flags) != easy) std::abort();
    if (real_result(tx_elsewhere, spent_elsewhere, flags) != real) std::abort();
    if (easy == ScriptError::Ok && easy_result(in, spent, fewer) != ScriptError::Ok) std::abort();
    if (real == ScriptError::Ok && real_result(tx, spent, fewer) != ScriptError::Ok) std::abort();
    return 0;
}
