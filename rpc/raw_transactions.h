// SPDX-License-Identifier: MIT
// What the methods that take transactions apart and those that make them, PSBTs too, share.
#pragma once

#include "rpc/node_context.h"

namespace cairn::rpc {

inline const Error DECODE_FAILED{Code::Deserialization, "TX decode failed"};
inline const Error NOT_A_TRANSACTION{
    Code::Deserialization, "TX decode failed. Make sure the tx has at least one input."};
inline const Error INPUT_GONE{Code::Verify, "Input not found or already spent"};

inline const server::Param IS_WITNESS{
    "iswitness", server::Type::Bool, server::ABSENT,
    "Whether it is in the form of BIP144; both are tried if it is left out"};

/// What argument `i`, an IS_WITNESS, says.
inline HexForm hex_form(const Call& call, size_t i) {
    if (!call.has(i)) return HexForm::Any;
    return call.flag(i) ? HexForm::WithWitness : HexForm::WithoutWitness;
}

} // namespace cairn::rpc
