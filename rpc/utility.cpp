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

/// A text, and what it is as an address.
struct AddressView {
    std::string text;
    std::optional<Script> script; ///< Empty: it is none.
    std::optional<WitnessProgram> witness;
    AddressError error;
};

/// Core: DescribeAddress.
std::optional<bool> is_script(const AddressView& view) {
    if (!view.script) return std::nullopt;
    const OutputType type = match_template(*view.script).type;
    if (type == OutputType::WitnessUnknown) return std::nullopt;
    return type != OutputType::PubKeyHash && type != OutputType::WitnessV0KeyHash;
}

std::optional<Bytes> program_of(const AddressView& view) {
    if (!view.witness) return std::nullopt;
    return Bytes(view.witness->program.begin(), view.witness->program.end());
}

const Object<AddressView> ADDRESS{
    {"isvalid", "Whether it is an address", [](auto& a) { return a.script.has_value(); }},
    {"address", "The address", [](auto& a) { return only_if(a.script.has_value(), a.text); }},
    {"scriptPubKey", "The output script it stands for", &AddressView::script},
    {"isscript", "Whether it names a script, not a key", is_script},
    {"iswitness", "Whether it is a witness address",
     [](auto& a) { return only_if(a.script.has_value(), a.witness.has_value()); }},
    {"witness_version", "Version of the witness program",
     [](auto& a) { return only_if(a.witness.has_value(), a.witness ? a.witness->version : 0); }},
    {"witness_program", "The witness program", program_of},
    {"error_locations", "Where it is wrong, as positions from 0, if known",
     [](auto& a) { return only_if(!a.script, a.error.locations); }},
    {"error", "What is wrong", [](auto& a) { return only_if(!a.script, a.error.message); }}};

AddressView validateaddress(const Call& call) {
    AddressView view{.text = call.text(0)};
    const AddressPrefixes& prefixes = params_of(call).address;
    view.script = consensus::script_of_address(view.text, prefixes, &view.error);
    if (!view.script) return view;
    view.witness = witness_program(*view.script);
    // Written anew: bech32 addresses may come in capitals.
    view.text = address_of_script(*view.script, prefixes).value_or(view.text);
    return view;
}

const Method VALIDATEADDRESS{
    .name = "validateaddress",
    .summary = "Return information about the given bitcoin address.",
    .params = {{"address", Type::Text, REQUIRED, "The text"}},
    .example = "$ADDRESS",
    .run = {validateaddress, ADDRESS},
};

} // namespace

Groups utility_methods() {
    return {{"Util", {&VALIDATEADDRESS}}};
}

} // namespace cairn::rpc
