// SPDX-License-Identifier: MIT
// What needs no state of the node: addresses.
#include "consensus/address.h"
#include "consensus/standard.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

/// What the kind of `script` says of its address. Core: DescribeAddress.
void write_address_kind(JsonWriter& writer, const Script& script) {
    const OutputType type = match_template(script).type;
    const std::optional<WitnessProgram> witness = witness_program(script);
    const bool is_key = type == OutputType::PubKeyHash || type == OutputType::WitnessV0KeyHash;
    if (type != OutputType::WitnessUnknown) writer.field("isscript", !is_key);
    writer.field("iswitness", witness.has_value());
    if (!witness) return;
    writer.field("witness_version", witness->version);
    writer.field("witness_program", to_hex(witness->program));
}

Reply validateaddress(const Call& call) {
    AddressError error;
    const std::string& address = call.text(0);
    const AddressPrefixes& prefixes = params_of(call).address;
    const std::optional<Script> script = consensus::script_of_address(address, prefixes, &error);
    JsonWriter writer;
    writer.begin_object().field("isvalid", script.has_value());
    if (script) {
        // Written anew: bech32 addresses may come in capitals.
        writer.field("address", address_of_script(*script, prefixes).value_or(address));
        writer.field("scriptPubKey", to_hex(*script));
        write_address_kind(writer, *script);
    } else {
        writer.key("error_locations").begin_array();
        for (const int location : error.locations) writer.integer(location);
        writer.end_array().field("error", error.message);
    }
    return writer.end_object().take();
}

const Method VALIDATEADDRESS{
    .name = "validateaddress",
    .group = "Util",
    .summary = "Whether a text is an address of this chain, and what it stands for.",
    .params = {{"address", Type::Text, REQUIRED, "The text"}},
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"isvalid", Type::Bool, "Whether it is an address"},
            optional({"address", Type::Text, "The address"}),
            optional({"scriptPubKey", Type::Hex, "The output script it stands for"}),
            optional({"isscript", Type::Bool, "Whether it names a script, not a key"}),
            optional({"iswitness", Type::Bool, "Whether it is a witness address"}),
            optional({"witness_version", Type::Int32, "Version of the witness program"}),
            optional({"witness_program", Type::Hex, "The witness program"}),
            optional({"error", Type::Text, "What is wrong"}),
            optional(
                {"error_locations",
                 Type::Array,
                 "Where it is wrong, if known",
                 {{"", Type::Int32, "A position, from 0"}}})}}}},
    .example = "validateaddress $ADDRESS",
    .run = validateaddress,
};

} // namespace

Methods utility_methods() {
    return {&VALIDATEADDRESS};
}

} // namespace cairn::rpc
