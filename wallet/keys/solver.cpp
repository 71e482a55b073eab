// SPDX-License-Identifier: MIT
#include "wallet/keys/solver.h"

#include "consensus/signature.h"
#include "consensus/signature_checker.h"
#include "consensus/standard.h"
#include "consensus/taproot.h"

#include <algorithm>

namespace cairn::wallet::keys {

using namespace consensus;

namespace {

constexpr size_t IMAGINED_SIGNATURE_BYTES = 71;

template <class Map>
const typename Map::mapped_type* find(const Map& map, const typename Map::key_type& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
}

Hash160 hash160_of(const Bytes& twenty) {
    Hash160 hash{};
    std::ranges::copy(twenty, hash.begin());
    return hash;
}

Bytes joined(ByteView first, ByteView second) {
    Bytes all(first.begin(), first.end());
    all.insert(all.end(), second.begin(), second.end());
    return all;
}

/// A tapscript of one key, or with OP_CHECKSIGADD of several.
struct LeafKeys {
    std::vector<Bytes> keys;
    size_t required = 1;
};

std::optional<LeafKeys> leaf_keys(ByteView script) {
    LeafKeys leaf;
    ScriptReader reader(script);
    std::optional<Instruction> step = reader.next();
    while (step && step->data.size() == 32) {
        const std::optional<Instruction> check = reader.next();
        if (!check || check->opcode != (leaf.keys.empty() ? OP_CHECKSIG : OP_CHECKSIGADD))
            return std::nullopt;
        leaf.keys.emplace_back(step->data.begin(), step->data.end());
        step = reader.next();
    }
    if (leaf.keys.empty()) return std::nullopt;
    if (!step) return leaf.keys.size() == 1 && reader.at_end() ? std::optional(leaf) : std::nullopt;
    const bool small = step->opcode >= OP_1 && step->opcode <= OP_16;
    const auto number =
        small ? small_number(step->opcode) : read_script_number(step->data, true).value_or(0);
    leaf.required = static_cast<size_t>(std::max<int64_t>(number, 0));
    const std::optional<Instruction> last = reader.next();
    const bool counted = last && last->opcode == OP_NUMEQUAL && reader.at_end();
    if (!counted || leaf.required < 1 || leaf.required > leaf.keys.size()) return std::nullopt;
    return leaf;
}

class Solver {
public:
    Solver(
        const Transaction& tx,
        size_t input,
        const TxOut& spent,
        const SighashMidstates& midstates,
        const Known& known,
        const SolveOptions& options)
        : tx_(tx),
          input_(input),
          spent_(spent),
          midstates_(midstates),
          known_(known),
          options_(options) {}

    Solution run();

private:
    using Stack = std::vector<Bytes>;

    std::optional<Bytes> ecdsa_signature(const Bytes& point, ByteView code, SigVersion version);
    std::optional<Bytes> schnorr_signature(
        const SecretKey& secret,
        SigVersion version,
        const TapscriptContext& context,
        const std::optional<Hash256>& tweak) const;
    std::optional<Bytes> key_path_signature(const Bytes& output_key) const;
    std::optional<Bytes> leaf_signature(const Bytes& key, const Hash256& leaf) const;
    bool satisfy(ByteView script, SigVersion version, Stack& stack);
    bool satisfy_multisig(const OutputTemplate& keys, ByteView, SigVersion version, Stack& stack);
    bool satisfy_taproot(const Bytes& output_key, Stack& stack) const;
    bool satisfy_leaf(const Known::Leaf& leaf, Stack& stack) const;

    const Transaction& tx_;
    const size_t input_;
    const TxOut& spent_;
    const SighashMidstates& midstates_;
    const Known& known_;
    const SolveOptions& options_;
    Solution solution_;
};

std::optional<Bytes>
Solver::ecdsa_signature(const Bytes& point, ByteView code, SigVersion version) {
    if (const Bytes* signature = find(known_.signatures, point)) return *signature;
    const TransactionChecker checker(tx_, input_, spent_.value, midstates_);
    for (const Bytes& piece : known_.pieces)
        if (is_strict_der(piece) && checker.check_ecdsa(piece, point, code, version)) return piece;
    const Hash160 id = hash160(point);
    const SecretKey* secret = find(known_.secrets, id);
    if (secret != nullptr && (version == SigVersion::Base || is_compressed_pubkey(point))) {
        uint8_t type = options_.hash_type.value_or(SIGHASH_ALL);
        if (type == SIGHASH_DEFAULT) type = SIGHASH_ALL;
        const bool witness = version == SigVersion::WitnessV0;
        Bytes signature = sign_ecdsa(
            *secret, witness ? witness_sighash(tx_, input_, code, spent_.value, type, midstates_)
                             : legacy_sighash(tx_, input_, code, type));
        signature.push_back(type);
        return signature;
    }
    solution_.missing.signatures.push_back(id);
    if (options_.imagine) return Bytes(IMAGINED_SIGNATURE_BYTES);
    return std::nullopt;
}

std::optional<Bytes> Solver::schnorr_signature(
    const SecretKey& secret,
    SigVersion version,
    const TapscriptContext& context,
    const std::optional<Hash256>& tweak) const {
    const uint8_t type = options_.hash_type.value_or(SIGHASH_DEFAULT);
    const auto hash = taproot_sighash(tx_, input_, type, version, midstates_, context);
    if (!hash) return std::nullopt;
    Bytes signature = sign_schnorr(secret, *hash, tweak);
    if (type != SIGHASH_DEFAULT) signature.push_back(type);
    return signature;
}

/// By the output key itself, or by the internal key that it was made of.
std::optional<Bytes> Solver::key_path_signature(const Bytes& output_key) const {
    if (!known_.key_path_signature.empty()) return known_.key_path_signature;
    for (const auto& [id, secret] : known_.secrets) {
        const ByteView x = ByteView(known_.points.at(id)).subspan(1, 32);
        if (std::ranges::equal(x, output_key))
            return schnorr_signature(secret, SigVersion::Taproot, {}, std::nullopt);
        if (std::ranges::equal(tweak_key(x, known_.merkle_root)->key, output_key))
            return schnorr_signature(
                secret, SigVersion::Taproot, {}, taptweak_hash(x, known_.merkle_root));
    }
    return std::nullopt;
}

std::optional<Bytes> Solver::leaf_signature(const Bytes& key, const Hash256& leaf) const {
    if (const Bytes* known = find(known_.signatures, joined(key, leaf.bytes))) return *known;
    for (const auto& [id, secret] : known_.secrets)
        if (std::ranges::equal(ByteView(known_.points.at(id)).subspan(1, 32), key))
            return schnorr_signature(
                secret, SigVersion::Tapscript, {.leaf_hash = leaf}, std::nullopt);
    return std::nullopt;
}

/// Push what satisfies `script`, as far as it is known; true if that is all.
bool Solver::satisfy(ByteView script, SigVersion version, Stack& stack) {
    const OutputTemplate found = match_template(script);
    if (found.type == OutputType::Multisig) return satisfy_multisig(found, script, version, stack);
    if (found.type != OutputType::PubKey && found.type != OutputType::PubKeyHash) return false;
    const Bytes* point = &found.parts[0];
    if (found.type == OutputType::PubKeyHash) {
        const Hash160 id = hash160_of(found.parts[0]);
        point = find(known_.points, id);
        if (point == nullptr) {
            solution_.missing.points.push_back(id);
            return false;
        }
    }
    std::optional<Bytes> signature = ecdsa_signature(*point, script, version);
    if (!signature) return false;
    stack.push_back(std::move(*signature));
    if (found.type == OutputType::PubKeyHash) stack.push_back(*point);
    return true;
}

bool Solver::satisfy_multisig(
    const OutputTemplate& keys, ByteView script, SigVersion version, Stack& stack) {
    const size_t whole = static_cast<size_t>(keys.required) + 1;
    stack.emplace_back(); // OP_CHECKMULTISIG takes one value too many.
    for (const Bytes& point : keys.parts) {
        if (stack.size() == whole) break;
        if (auto signature = ecdsa_signature(point, script, version))
            stack.push_back(std::move(*signature));
    }
    const bool complete = stack.size() == whole;
    stack.resize(whole);
    return complete;
}

bool Solver::satisfy_taproot(const Bytes& output_key, Stack& stack) const {
    if (!midstates_.for_taproot) return false;
    if (auto signature = key_path_signature(output_key)) {
        stack.push_back(std::move(*signature));
        return true;
    }
    return std::ranges::any_of(
        known_.leaves, [&](const Known::Leaf& leaf) { return satisfy_leaf(leaf, stack); });
}

bool Solver::satisfy_leaf(const Known::Leaf& leaf, Stack& stack) const {
    const uint8_t version = leaf.control[0] & TAPROOT_LEAF_MASK;
    const std::optional<LeafKeys> found = leaf_keys(leaf.script);
    if (version != TAPSCRIPT_LEAF_VERSION || !found) return false;
    const Hash256 hash = tapleaf_hash(version, leaf.script);
    Stack signatures;
    size_t count = 0;
    for (const Bytes& key : found->keys) {
        std::optional<Bytes> signature;
        if (count < found->required) signature = leaf_signature(key, hash);
        count += signature ? 1 : 0;
        signatures.push_back(signature.value_or(Bytes()));
    }
    if (count < found->required) return false;
    stack.assign(signatures.rbegin(), signatures.rend()); // The first key takes the top one.
    stack.push_back(leaf.script);
    stack.push_back(leaf.control);
    return true;
}

Solution Solver::run() {
    Bytes script(spent_.script_pubkey.begin(), spent_.script_pubkey.end());
    OutputTemplate found = match_template(script);
    const bool hashed = found.type == OutputType::ScriptHash;
    if (hashed) {
        const Hash160 id = hash160_of(found.parts[0]);
        const Bytes* redeem_script = find(known_.scripts, id);
        if (redeem_script == nullptr) {
            solution_.missing.redeem_script = id;
            return solution_;
        }
        script = *redeem_script;
        found = match_template(script);
    }
    Stack stack;
    const bool in_witness = found.type == OutputType::WitnessV0KeyHash ||
                            found.type == OutputType::WitnessV0ScriptHash ||
                            found.type == OutputType::WitnessV1Taproot;
    if (found.type == OutputType::WitnessV0KeyHash) {
        solution_.complete =
            satisfy(pay_to_pubkey_hash(found.parts[0]), SigVersion::WitnessV0, stack);
    } else if (found.type == OutputType::WitnessV0ScriptHash) {
        const Bytes* witness_script = find(known_.scripts, ripemd160(found.parts[0]));
        if (witness_script != nullptr) {
            solution_.complete = satisfy(*witness_script, SigVersion::WitnessV0, stack);
            stack.push_back(*witness_script);
        } else {
            std::ranges::copy(
                found.parts[0], solution_.missing.witness_script.emplace().bytes.begin());
        }
    } else if (found.type == OutputType::WitnessV1Taproot) {
        solution_.complete = !hashed && satisfy_taproot(found.parts[0], stack);
    } else {
        solution_.complete =
            found.type == OutputType::Anchor || satisfy(script, SigVersion::Base, stack);
    }
    for (const Bytes& item : stack) {
        if (in_witness)
            solution_.witness.push_back(item);
        else
            push_data(solution_.script_sig, item);
    }
    if (hashed) push_data(solution_.script_sig, script);
    return solution_;
}

} // namespace

bool BytesLess::operator()(const Bytes& a, const Bytes& b) const {
    return a < b;
}

void Known::add(const KeyPair& key) {
    add_point(key.point);
    secrets[hash160(key.point)] = key.secret;
}

void Known::add_point(ByteView point) {
    points[hash160(point)].assign(point.begin(), point.end());
}

void Known::add_script(ByteView script) {
    scripts[hash160(script)].assign(script.begin(), script.end());
}

void Known::add(const TxIn& input) {
    const auto add_piece = [this](ByteView piece) {
        add_script(piece);
        if (is_pubkey_size(piece)) add_point(piece);
        pieces.emplace_back(piece.begin(), piece.end());
    };
    ScriptReader reader(input.script_sig);
    while (const std::optional<Instruction> step = reader.next()) add_piece(step->data);
    for (const ByteView item : input.witness) add_piece(item);
}

Solution solve(
    const Transaction& tx,
    size_t input,
    const TxOut& spent,
    const SighashMidstates& midstates,
    const Known& known,
    const SolveOptions& options) {
    return Solver(tx, input, spent, midstates, known, options).run();
}

} // namespace cairn::wallet::keys
