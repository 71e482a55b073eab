// SPDX-License-Identifier: MIT
// Descriptors in the arguments of calls.
#pragma once

#include "rpc/node_context.h"
#include "wallet/keys/descriptor.h"

#include <functional>

namespace cairn::rpc {

/// Given a descriptor, and one of the scripts that it stands for with its child number. Returns
/// whether to go on.
using VisitScript = std::function<bool(
    const wallet::keys::Descriptor&, uint32_t index, const wallet::keys::DescribedScript&)>;

inline const Error BAD_RANGE{
    Code::InvalidParameter, "Range must be specified as end or as [begin,end]"};
inline const Error RANGE_BACKWARDS{
    Code::InvalidParameter, "Range specified as [begin,end] must not have begin after end"};
inline const Error RANGE_NEGATIVE{
    Code::InvalidParameter, "Range should be greater or equal than 0"};
inline const Error RANGE_TOO_HIGH{Code::InvalidParameter, "End of range is too high"};
inline const Error RANGE_TOO_LARGE{Code::InvalidParameter, "Range is too large"};
inline const Error TOO_MANY_SCRIPTS{
    Code::InvalidParameter, "The descriptors stand for too many scripts"};
inline const Error BAD_SCAN_OBJECT{
    Code::InvalidParameter, "Scan object needs to be either a string or an object"};
inline const Error NO_DESCRIPTOR{
    Code::InvalidParameter, "Descriptor needs to be provided in scan object"};

/// Of a descriptor with child numbers.
inline const std::vector<Error> DESCRIPTOR_FAILS{
    {Code::InvalidAddressOrKey, "what is wrong with the descriptor"},
    NO_PRIVATE_KEYS,
    BAD_RANGE,
    RANGE_BACKWARDS,
    RANGE_NEGATIVE,
    RANGE_TOO_HIGH,
    RANGE_TOO_LARGE};

/// Of for_each_script().
inline const std::vector<Error> SCAN_OBJECT_FAILS =
    server::joined({BAD_SCAN_OBJECT, NO_DESCRIPTOR, TOO_MANY_SCRIPTS}, DESCRIPTOR_FAILS);

/// Child numbers, as callers may write them.
inline const std::vector<server::Field> RANGE_FORMS{
    {"", server::Type::Int32, "The last one"},
    {"", server::Type::Array, "First and last", {{"", server::Type::Int32}}}};

/// What for_each_script() takes.
inline const server::Field SCAN_OBJECT{
    "",
    server::Type::Any,
    "",
    {{"", server::Type::Text, "A descriptor"},
     {"",
      server::Type::Object,
      "The same with a range",
      {{"desc", server::Type::Text, "A descriptor"},
       {"range", server::Type::Any, "Child numbers", RANGE_FORMS, true}}}}};

/// Visit all scripts of `object`: a descriptor, or an object of that and a range. As long as
/// `visit` wants to go on.
std::optional<Error>
for_each_script(const Call& call, const server::Json& object, const VisitScript& visit);

} // namespace cairn::rpc
