// SPDX-License-Identifier: MIT
// A verdict on data from outside is a value. Exceptions are kept for this machine's own failures,
// so that a failing disk can never mark a block invalid.
#pragma once

#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace cairn::consensus {

/// Why a block, a header or a transaction was refused.
struct Reject {
    enum class Kind : uint8_t {
        Invalid,       ///< Breaks a consensus rule, for ever.
        Mutated,       ///< The body is not the one its header commits to: the header may be fine.
        MissingInputs, ///< Spends what is not known here, or is spent already.
        Premature,     ///< May become valid: time-lock, maturity, time in the future.
        MissingParent, ///< The header before it is not known here.
        Policy,        ///< Valid in a block; not relayed by this node.
        Known,         ///< Seen before, and accepted then.
        Busy,          ///< Nobody has looked at it: too much waits already.
    };
    Kind kind = Kind::Invalid;
    std::string reason; ///< Core's reject reason, spelled in full where it is raised.
    std::string detail; ///< For the log. Nothing parses it.
};

template <class T = void>
using Result = boost::system::result<T, Reject>;

inline Reject invalid(std::string_view reason, std::string detail = {}) {
    return {Reject::Kind::Invalid, std::string(reason), std::move(detail)};
}

inline Reject mutated(std::string_view reason, std::string detail = {}) {
    return {Reject::Kind::Mutated, std::string(reason), std::move(detail)};
}

inline Reject missing_inputs(std::string_view reason, std::string detail = {}) {
    return {Reject::Kind::MissingInputs, std::string(reason), std::move(detail)};
}

inline Reject premature(std::string_view reason, std::string detail = {}) {
    return {Reject::Kind::Premature, std::string(reason), std::move(detail)};
}

inline Reject policy(std::string_view reason, std::string detail = {}) {
    return {Reject::Kind::Policy, std::string(reason), std::move(detail)};
}

/// Called by Result<T>::value() on a Reject: asking for a value without looking is our own bug.
[[noreturn]] inline void
throw_exception_from_error(const Reject& reject, const boost::source_location&) {
    throw std::logic_error("unchecked reject: " + reject.reason);
}

} // namespace cairn::consensus
