// SPDX-License-Identifier: MIT
// Any bytes as a script are walked, counted, named and matched; what a template or an instruction
// gives builds the same again.
#include "consensus/script_text.h"
#include "consensus/standard.h"
#include "tests/fuzz/check.h"

#include <algorithm>

using namespace cairn::consensus;
using cairn::tests::check;

namespace {

/// A push made of an instruction's data gives that data, and is minimal.
void check_push(const Instruction& step) {
    const Script pushed = make_script(step.data);
    const std::optional<Instruction> again = ScriptReader(pushed).next();
    check(again && std::ranges::equal(again->data, step.data));
    check(step.opcode != again->opcode || is_minimal_push(step) == is_minimal_push(*again));
}

void check_number(ByteView bytes) {
    const std::optional<int64_t> number = read_script_number(bytes, false, 8);
    if (!number) return check(bytes.size() > 8);
    const auto shortest = script_number(*number);
    check(shortest.size() <= bytes.size());
    check(read_script_number(shortest, true, 8) == number);
    check(read_script_number(bytes, true, 8).has_value() == (shortest.size() == bytes.size()));
}

void check_template(ByteView script) {
    const OutputTemplate match = match_template(script);
    const auto rebuilt = [&](const Script& same) { check(std::ranges::equal(same, script)); };
    check(!output_type_name(match.type).empty());
    if (match.type == OutputType::PubKeyHash) rebuilt(pay_to_pubkey_hash(match.parts.at(0)));
    if (match.type == OutputType::ScriptHash) rebuilt(pay_to_script_hash(match.parts.at(0)));
    if (const auto program = witness_program(script))
        rebuilt(pay_to_witness(program->version, program->program));
    if (match.type == OutputType::Multisig)
        check(match.required >= 1 && static_cast<size_t>(match.required) <= match.parts.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView script(data, size);
    ScriptReader reader(script);
    size_t steps = 0;
    while (const std::optional<Instruction> step = reader.next()) {
        ++steps;
        if (step->opcode <= OP_PUSHDATA4) check_push(*step);
        check(!opcode_name(step->opcode).empty());
    }
    check(reader.position() <= size && steps <= size);
    check(!is_push_only(script) || reader.at_end());
    check(count_sigops(script, true) <= count_sigops(script, false));
    const std::string text = script_to_text(script, true);
    check(reader.at_end() == !text.ends_with("[error]"));
    check_number(script);
    check_template(script);
    return 0;
}
