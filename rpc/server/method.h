// SPDX-License-Identifier: MIT
// An RPC method is data and a function. From the data come argument checks, defaults, help texts
// and docs/rpc.md, so that none of them can say what the code doesn't do.
#pragma once

#include "rpc/server/field.h"
#include "rpc/server/json.h"
#include "rpc/server/user.h"

#include <boost/system/result.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::rpc::server {

class Dispatcher;
class PushClient;

/// Error codes, by Core's numbers (RPCErrorCode).
enum class Code : int {
    ParseError = -32700,
    InternalError = -32603,
    InvalidParams = -32602,
    MethodNotFound = -32601,
    InvalidRequest = -32600,
    NodeCapacityReached = -34,
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
    InInitialDownload = -10,
    ClientNotConnected = -9,
    InvalidParameter = -8,
    InvalidAddressOrKey = -5,
    TypeError = -3,
    Forbidden = -2, ///< Core's clients know it as RPC_FORBIDDEN_BY_SAFE_MODE.
    Misc = -1,
};

/// What a call failed with.
struct Error {
    Code code = Code::Misc;
    std::string message;
};

/// Of a number that is no integer, or too large for its parameter.
inline const Error OUT_OF_RANGE{Code::Misc, "JSON integer out of range"};

template <class T = Null>
using Outcome = boost::system::result<T, Error>;

/// A result as JSON text, or an error.
using Reply = Outcome<std::string>;

/// Called by Outcome<T>::value() on an Error: asking for a value without looking is our own bug.
[[noreturn]] inline void
throw_exception_from_error(const Error& error, const boost::source_location&) {
    throw std::logic_error("unchecked error: " + error.message);
}

/// The default of a parameter that must be given, and of one that may be absent.
constexpr std::string_view REQUIRED;
constexpr std::string_view ABSENT = "null";

/// A value of a request in a reply.
template <>
struct Form<Json> {
    static constexpr Type TYPE = Type::Any;

    static void write(JsonWriter& writer, const Json& value) { value.write(writer); }
};

/// A parameter.
struct Param {
    std::string_view name; ///< Older names follow the first one: "verbosity|verbose".
    Type type = Type::Any;
    std::string_view fallback; ///< JSON that takes its place if it isn't given; REQUIRED, ABSENT.
    std::string_view summary;
    std::vector<Field> inner; ///< As for a Field.
};

/// What the methods of a program share. Each program derives its own.
class Context {
public:
    virtual ~Context() = default;
};

struct Method;

/// One call with its arguments, checked: each is of its parameter's type, or null if it may be
/// absent. Arguments are named by their position in the method's table row.
struct Call {
    const Method& method;
    Context& context;
    const Dispatcher& dispatcher;
    std::vector<Json> arguments;
    size_t given_count; ///< How many arguments the caller gave; the others are defaults.
    std::shared_ptr<PushClient> client{}; ///< As Caller::client.
    std::stop_token left{};               ///< As Caller::left.

    bool has(size_t i) const { return !arguments[i].is_null(); }

    bool flag(size_t i) const { return arguments[i].truth; } ///< Bool

    const std::string& text(size_t i) const { return arguments[i].text; } ///< Text, Hex, Hash

    int64_t integer(size_t i) const;  ///< Int32, Integer, Time, Level
    int64_t satoshis(size_t i) const; ///< Amount
};

/// What a method returns; several where it depends on the arguments.
struct Returned {
    std::string_view when; ///< "verbosity = 0"; empty if there is only one.
    Field value;
};

/// An R as what a method returns.
template <class R, class O = NoObject>
Returned returned(std::string_view when, std::string_view summary, const O& object = {}) {
    return {when, describe<R>("", summary, object)};
}

/// For calls that wait for an event: returns at once, and calls `done` once, as its last act or
/// later, on any thread.
using Waiter = void (*)(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done);

/// The function of a method and what it returns. It runs on an RPC thread, which it may block as
/// far as Method::pace says so.
class Handler {
public:
    Handler() = default;

    /// `function` takes a Call, and returns an R or an Outcome<R>: what describes R describes it.
    template <std::invocable<const Call&> Function, class O = NoObject>
    // NOLINTNEXTLINE(google-explicit-constructor): a row of the table names the function alone
    Handler(Function function, std::string_view summary = {}, const O& object = NONE)
        : run([function, &object](const Call& call) -> Reply {
              const auto& result = function(call);
              if constexpr (requires { result.error(); }) {
                  if (!result) return result.error();
                  return to_json(*result, object);
              } else {
                  return to_json(result, object);
              }
          }),
          returns{returned<typename Unwrapped<
              std::remove_cvref_t<std::invoke_result_t<Function, const Call&>>>::type>(
              "", summary, object)} {}

    template <std::invocable<const Call&> Function, class T>
    Handler(Function function, const Object<T>& object) : Handler(function, {}, object) {}

    /// For a function whose results are several.
    Handler(Reply (*function)(const Call&), std::vector<Returned> results)
        : run(function),
          returns(std::move(results)) {}

    Handler(Waiter function, std::vector<Returned> results)
        : wait(function),
          returns(std::move(results)) {}

    std::function<Reply(const Call&)> run; ///< Or, if it is empty:
    Waiter wait = nullptr;
    std::vector<Returned> returns;

private:
    static constexpr NoObject NONE{};

    template <class R>
    struct Unwrapped {
        using type = R;
    };

    template <class R>
    struct Unwrapped<Outcome<R>> {
        using type = R;
    };
};

/// What a call asks of the thread that executes it.
enum class Pace : uint8_t {
    Quick, ///< Reads, and answers: on the thread that took the request, without a hop.
    Waits, ///< Blocks its thread until another has done something.
    Busy,  ///< Reads so much that quick ones shouldn't be behind it: for up to a second or so.
    Slow,  ///< Takes a thread for seconds, or minutes.
};

inline Pace quick(const Call&) {
    return Pace::Quick;
}

inline Pace waits(const Call&) {
    return Pace::Waits;
}

inline Pace busy(const Call&) {
    return Pace::Busy;
}

inline Pace slow(const Call&) {
    return Pace::Slow;
}

/// A row of the method table.
struct Method {
    std::string_view name;
    Role role = Role::Read; ///< Who may call it.
    std::string_view summary;
    std::vector<Param> params;
    std::vector<Error> fails; ///< Errors that its callers should know.
    /// Arguments on a command line; words like $BLOCKHASH stand for what a caller has at hand.
    std::string_view example;
    Handler run;
    Pace (*pace)(const Call&) = quick; ///< Of a call, which it may depend on.
    /// Of one with Handler::wait: each call of a batch is begun while those to it just before it
    /// still wait. What they change they change in the order in which they were begun.
    bool overlaps = false;
};

/// Methods under one heading in `help`; the group "hidden" isn't listed.
struct Group {
    std::string_view name;
    std::vector<const Method*> methods;
};

/// The errors of a row that shares some with others.
std::vector<Error> joined(std::vector<Error> own, const std::vector<Error>& shared);

/// What is to be known of a type.
struct TypeInfo {
    std::optional<Json::Kind> kind; ///< Of a parameter; nullopt if it takes several.
    std::string_view words;         ///< As help texts say it.
    std::string_view sample;        ///< What stands for a value in them.
};

const TypeInfo& type_info(Type type);

/// That JSON, of a field perhaps, is of another kind than it should be.
Error type_error(Json::Kind is, Json::Kind expected, std::string_view field = {});

// What is wrong with a part of an argument, in Core's words; nullopt if nothing is.
std::optional<Error> check_amount(const Json& value);
std::optional<Error> check_hex(std::string_view name, const std::string& text);
std::optional<Error> check_hash(std::string_view name, const std::string& text);

/// The integer that `number` is. Error: OUT_OF_RANGE.
Outcome<int32_t> int32_of(const Json& number);

/// The member that an object in an argument must have. Error: TypeError.
Outcome<const Json*> member(const Json& object, std::string_view name, Json::Kind kind);

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
