// SPDX-License-Identifier: MIT
// An RPC method is data and a function. From the data come argument checks, defaults, help texts
// and docs/rpc.md, so that none of them can say what the code doesn't do.
#pragma once

#include "rpc/server/json.h"

#include <boost/system/result.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::rpc::server {

class Dispatcher;

/// Error codes, by Core's numbers (RPCErrorCode).
enum class Code : int {
    ParseError = -32700,
    InternalError = -32603,
    InvalidParams = -32602,
    MethodNotFound = -32601,
    InvalidRequest = -32600,
    P2pDisabled = -31,
    InvalidIpOrSubnet = -30,
    NodeNotConnected = -29,
    InWarmup = -28,
    AlreadyInUtxoSet = -27,
    Rejected = -26,
    Verify = -25,
    NodeNotAdded = -24,
    NodeAlreadyAdded = -23,
    Deserialization = -22,
    Database = -20,
    InvalidParameter = -8,
    InvalidAddressOrKey = -5,
    TypeError = -3,
    Misc = -1,
};

/// What a call failed with.
struct Error {
    Code code = Code::Misc;
    std::string message;
};

template <class T>
using Outcome = boost::system::result<T, Error>;

/// A result as JSON text, or an error.
using Reply = Outcome<std::string>;

/// Called by Outcome<T>::value() on an Error: asking for a value without looking is our own bug.
[[noreturn]] inline void
throw_exception_from_error(const Error& error, const boost::source_location&) {
    throw std::logic_error("unchecked error: " + error.message);
}

/// The type of a parameter or a result. Those of parameters are checked before the handler runs.
enum class Type : uint8_t {
    Null,
    Bool,
    Int32,   ///< An integer in Core's `int`.
    Integer, ///< An integer of up to 64 bits.
    Real,
    Level,  ///< A level of detail: an integer; of old callers true (1) or false (0).
    Amount, ///< Coins with up to eight decimals: a number, or a string that holds one.
    Time,   ///< Seconds since the Unix epoch.
    Text,
    Hex,
    Hash, ///< 64 hexadecimal digits.
    Object,
    Map, ///< An object whose keys are data; `inner` holds one field, named for the key.
    Array,
    Any, ///< Several of the above; the handler checks.
};

/// A result, or a part of one.
struct Field {
    std::string_view name; ///< Empty for a result itself and for the elements of an array.
    Type type = Type::Null;
    std::string_view summary;
    std::vector<Field> inner; ///< Object: its members; Array, Map: the element.
    bool optional = false;    ///< May be absent (a member), or null (a result).
};

/// `field`, which isn't always there.
Field optional(Field field);

/// The default of a parameter that must be given, and of one that may be absent.
constexpr std::string_view REQUIRED;
constexpr std::string_view ABSENT = "null";

/// A parameter.
struct Param {
    std::string_view name; ///< Older names follow the first one: "verbosity|verbose".
    Type type = Type::Any;
    std::string_view fallback; ///< JSON that takes its place if it isn't given; REQUIRED, ABSENT.
    std::string_view summary;
    std::vector<Field> inner; ///< As for a Field.
};

/// What a method returns; several where it depends on the arguments.
struct Result {
    std::string_view when; ///< "verbosity = 0"; empty if there is only one.
    Field value;
};

/// An error that a method's callers should know.
struct Failure {
    Code code = Code::Misc;
    std::string_view message;
};

/// What the methods of a program share. Each program derives its own.
class Context {
public:
    virtual ~Context() = default;
};

struct Method;

/// One call with its arguments, checked: each is of its parameter's type, or null if it may be
/// absent. Arguments are named by their position in the method's table row.
class Call {
public:
    Call(
        const Method& method,
        std::vector<Json> arguments,
        size_t given_count,
        Context& context,
        const Dispatcher& dispatcher)
        : method_(&method),
          arguments_(std::move(arguments)),
          given_count_(given_count),
          context_(&context),
          dispatcher_(&dispatcher) {}

    const Method& method() const { return *method_; }

    Context& context() const { return *context_; }

    const Dispatcher& dispatcher() const { return *dispatcher_; }

    /// How many arguments the caller gave; the others are defaults.
    size_t given_count() const { return given_count_; }

    bool has(size_t i) const { return !arguments_[i].is_null(); }

    const Json& json(size_t i) const { return arguments_[i]; }

    bool flag(size_t i) const { return arguments_[i].truth; } ///< Bool

    const std::string& text(size_t i) const { return arguments_[i].text; } ///< Text, Hex, Hash

    int64_t integer(size_t i) const;  ///< Int32, Integer, Time, Level
    int64_t satoshis(size_t i) const; ///< Amount
    double real(size_t i) const;      ///< Real

private:
    const Method* method_;
    std::vector<Json> arguments_;
    size_t given_count_;
    Context* context_;
    const Dispatcher* dispatcher_;
};

/// Runs on an RPC thread, and may block it until a change of state is done.
using Handler = Reply (*)(const Call& call);

/// For calls that wait for an event: returns at once, and calls `done` once, as its last act or
/// later, on any thread.
using Waiter = void (*)(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done);

/// A row of the method table. It has either `run` or `wait`.
struct Method {
    std::string_view name;
    std::string_view group; ///< Heading in `help`; "hidden" isn't listed.
    std::string_view summary;
    std::vector<Param> params;
    std::vector<Result> returns;
    std::vector<Failure> fails;
    /// A command line; words like $BLOCKHASH stand for what a caller has at hand.
    std::string_view example;
    Handler run = nullptr;
    Waiter wait = nullptr;
};

/// Position, in `method`, of the parameter called `name`; nullopt if it has none.
std::optional<size_t> parameter_index(const Method& method, std::string_view name);

/// How a word of a command line becomes an argument: text as it is, all else as JSON.
Json argument_of_word(const Param& param, std::string_view word);

/// Check `arguments` against the table and complete them with the defaults.
/// Errors: Misc with the help text for a wrong number of them; TypeError, InvalidParameter.
Outcome<std::vector<Json>> check_arguments(const Method& method, std::vector<Json> arguments);

/// Arguments by position from `params`, an array or an object. Errors: InvalidParameter.
Outcome<std::vector<Json>> arguments_of(const Method& method, const Json& params);

} // namespace cairn::rpc::server
