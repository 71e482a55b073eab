// SPDX-License-Identifier: MIT
// What needs no state of the node: addresses and messages.
#include "consensus/address.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "wallet/keys/block_signer.h"
#include "wallet/keys/descriptor.h"
#include "wallet/keys/sign.h"

#include <algorithm>

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

// createmultisig /////////////////////////////////////////////////////////////////////////////

const Error NO_KEYS{
    Code::InvalidParameter, "a multisignature address must require at least one key to redeem"};
const Error TOO_MANY_KEYS{
    Code::InvalidParameter,
    "Number of keys involved in the multisignature address creation > 20\nReduce the number"};
const Error TAPROOT_MULTISIG{
    Code::InvalidAddressOrKey, "createmultisig cannot create bech32m multisig addresses"};

struct MultisigAddress {
    std::string address;
    Script script;
    std::string descriptor;
    std::optional<std::vector<std::string>> warnings;
};

const Object<MultisigAddress> MULTISIG_ADDRESS{
    {"address", "The address", &MultisigAddress::address},
    {"redeemScript", "The script that the address is of", &MultisigAddress::script},
    {"descriptor", "The address as a descriptor", &MultisigAddress::descriptor},
    {"warnings", "What is not as it was asked for", &MultisigAddress::warnings}};

Outcome<std::vector<Bytes>> points_argument(const Call& call, size_t i) {
    std::vector<Bytes> points;
    for (const Json& json : call.arguments[i].items) {
        const auto wrong = [&](std::string_view why) {
            return Error{
                Code::InvalidAddressOrKey, "Pubkey \"" + json.text + "\" must " + std::string(why)};
        };
        const std::optional<Bytes> point = from_hex(json.text);
        if (!point) return wrong("be a hex string");
        if (point->size() != 33 && point->size() != 65)
            return wrong("have a length of either 33 or 65 bytes");
        if (!uncompressed_pubkey(*point)) return wrong("be cryptographically valid.");
        points.push_back(*point);
    }
    return points;
}

Outcome<MultisigAddress> createmultisig(const Call& call) {
    const Outcome<std::vector<Bytes>> points = points_argument(call, 1);
    if (!points) return points.error();
    const std::string& type = call.text(2);
    if (type == "bech32m") return TAPROOT_MULTISIG;
    if (type != "legacy" && type != "p2sh-segwit" && type != "bech32")
        return Error{Code::InvalidAddressOrKey, "Unknown address type '" + type + "'"};
    const int64_t required = call.integer(0);
    if (required < 1) return NO_KEYS;
    if (points->size() < static_cast<uint64_t>(required))
        return Error{
            Code::InvalidParameter,
            "not enough keys supplied (got " + std::to_string(points->size()) +
                " keys, but need at least " + std::to_string(required) + " to redeem)"};
    if (points->size() > MAX_PUBKEYS_PER_MULTISIG) return TOO_MANY_KEYS;
    MultisigAddress made{
        .script = wallet::keys::multisig_challenge(static_cast<int>(required), *points)};
    // Witnesses take compressed keys only.
    const bool witness =
        type != "legacy" && std::ranges::all_of(*points, [](auto& p) { return p.size() == 33; });
    if (type != "legacy" && !witness)
        made.warnings = {"Unable to make chosen address type, please ensure no uncompressed public "
                         "keys are present."};
    if (!witness && made.script.size() > MAX_SCRIPT_ELEMENT_SIZE)
        return Error{
            Code::InvalidParameter,
            "redeemScript exceeds size limit: " + std::to_string(made.script.size()) + " > " +
                std::to_string(MAX_SCRIPT_ELEMENT_SIZE)};
    const AddressPrefixes& prefixes = params_of(call).address;
    Script output = made.script;
    std::string text = wallet::keys::descriptor_of(output, prefixes);
    text.resize(text.find('#'));
    if (witness) {
        output = pay_to_witness(0, sha256(output).view());
        text = "wsh(" + text + ")";
    }
    if (!witness || type == "p2sh-segwit") {
        output = pay_to_script_hash(hash160(output));
        text = "sh(" + text + ")";
    }
    made.address = address_of_script(output, prefixes).value();
    made.descriptor = wallet::keys::with_checksum(text);
    return made;
}

const Method CREATEMULTISIG{
    .name = "createmultisig",
    .summary = "An address that several keys own together.",
    .params =
        {{"nrequired", Type::Int32, REQUIRED, "How many of them must sign"},
         {"keys", Type::Array, REQUIRED, "The keys, at most 20", {{"", Type::Hex, "A public key"}}},
         {"address_type", Type::Text, "\"legacy\"", "legacy, p2sh-segwit or bech32"}},
    .fails =
        {{Code::InvalidAddressOrKey, "Pubkey \"...\" must ..."},
         TAPROOT_MULTISIG,
         {Code::InvalidAddressOrKey, "Unknown address type '...'"},
         NO_KEYS,
         {Code::InvalidParameter, "not enough keys supplied (...)"},
         TOO_MANY_KEYS,
         {Code::InvalidParameter, "redeemScript exceeds size limit: ... > 520"}},
    .example = "1 [\"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"]",
    .run = {createmultisig, MULTISIG_ADDRESS},
};

// Messages ///////////////////////////////////////////////////////////////////////////////////

const Error BAD_KEY{Code::InvalidAddressOrKey, "Invalid private key"};
const Error BAD_ADDRESS{Code::InvalidAddressOrKey, "Invalid address"};
const Error NOT_OF_A_KEY{Code::TypeError, "Address does not refer to key"};
const Error NOT_BASE64{Code::TypeError, "Malformed base64 encoding"};

Outcome<std::string> signmessagewithprivkey(const Call& call) {
    const auto key = wallet::keys::read_key_pair(call.text(0), params_of(call).address);
    if (!key) return BAD_KEY;
    return to_base64(wallet::keys::sign_message(*key, call.text(1)));
}

const Method SIGNMESSAGEWITHPRIVKEY{
    .name = "signmessagewithprivkey",
    .summary = "Sign a message with a key.",
    .params =
        {{"privkey", Type::Text, REQUIRED, "The secret key in wallet import format"},
         {"message", Type::Text, REQUIRED, "The message"}},
    .fails = {BAD_KEY},
    .example = "$SECRET hello",
    .run = {signmessagewithprivkey, "The signature in base64"},
};

Outcome<bool> verifymessage(const Call& call) {
    const auto script = script_of_address(call.text(0), params_of(call).address);
    if (!script) return BAD_ADDRESS;
    const OutputTemplate found = match_template(*script);
    if (found.type != OutputType::PubKeyHash) return NOT_OF_A_KEY;
    const std::optional<Bytes> signature = from_base64(call.text(1));
    if (!signature) return NOT_BASE64;
    const auto point = wallet::keys::signer_of_message(*signature, call.text(2));
    return point && std::ranges::equal(hash160(*point), found.parts[0]);
}

const Method VERIFYMESSAGE{
    .name = "verifymessage",
    .summary = "Whether the owner of an address signed a message.",
    .params =
        {{"address", Type::Text, REQUIRED, "The address, a P2PKH one"},
         {"signature", Type::Text, REQUIRED, "In base64, of signmessagewithprivkey"},
         {"message", Type::Text, REQUIRED, "The message"}},
    .fails = {BAD_ADDRESS, NOT_OF_A_KEY, NOT_BASE64},
    .example = "$KEY_ADDRESS $SIGNATURE hello",
    .run = {verifymessage, "Whether he did"},
};

} // namespace

Groups utility_methods() {
    return {{"Util", {&VALIDATEADDRESS, &CREATEMULTISIG, &SIGNMESSAGEWITHPRIVKEY, &VERIFYMESSAGE}}};
}

} // namespace cairn::rpc
