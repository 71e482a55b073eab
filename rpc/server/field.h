// SPDX-License-Identifier: MIT
// The fields of replies. A row states a field once, its name, what it means and how to get its
// value: from it the field is written, and described in help texts, docs and tests. Its type in
// JSON follows from the value's type in C++.
#pragma once

#include "rpc/server/json_writer.h"

#include <concepts>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace cairn::rpc::server {

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
    Map, ///< An object whose keys are data; `inner` holds one field, for all of them.
    Array,
    Any, ///< One of several, which `inner` holds of a parameter; the handler checks.
};

class Described;

/// A result, or a part of one, or of a parameter.
struct Field {
    std::string_view name; ///< Empty for a result itself and for the elements of an array.
    Type type = Type::Null;
    std::string_view summary;
    std::vector<Field> inner;          ///< Array, Map: the element; Object of a parameter: all.
    bool optional = false;             ///< May be absent (a member), or null (a result).
    const Described* object = nullptr; ///< Object: knows its fields.

    std::vector<Field> members() const;
};

/// What a table of fields is to those who only describe it. Looked into when somebody asks, so
/// tables may name each other whatever the order of their initialization is.
class Described {
public:
    virtual ~Described() = default;
    virtual std::vector<Field> fields() const = 0;
};

/// The result of a method that has nothing to say.
struct Null {};

/// Text that is hexadecimal digits.
struct HexText {
    std::string digits;
};

/// Seconds since the Unix epoch.
struct Seconds {
    int64_t count = 0;
};

/// How a T is one value of JSON. Whoever has types of their own specializes it for them. Lists,
/// maps, optionals and pointers of such types need no form.
template <class T>
struct Form;

/// By a function of the writer, of what GET makes of the value.
template <Type TYPE_OF, auto WRITE, auto GET = std::identity()>
struct FormBy {
    static constexpr Type TYPE = TYPE_OF;

    static void write(JsonWriter& writer, const auto& value) {
        std::invoke(WRITE, writer, std::invoke(GET, value));
    }
};

template <>
struct Form<bool> : FormBy<Type::Bool, &JsonWriter::boolean> {};

template <>
struct Form<double> : FormBy<Type::Real, &JsonWriter::real> {};

template <>
struct Form<std::string> : FormBy<Type::Text, &JsonWriter::string> {};

template <>
struct Form<std::string_view> : FormBy<Type::Text, &JsonWriter::string> {};

template <>
struct Form<const char*> : FormBy<Type::Text, &JsonWriter::string> {};

template <std::signed_integral T>
struct Form<T> : FormBy<Type::Integer, &JsonWriter::integer> {};

template <std::unsigned_integral T>
struct Form<T> : FormBy<Type::Integer, &JsonWriter::unsigned_integer> {};

template <>
struct Form<Null> {
    static constexpr Type TYPE = Type::Null;

    static void write(JsonWriter& writer, Null) { writer.null(); }
};

template <>
struct Form<HexText> : FormBy<Type::Hex, &JsonWriter::string, &HexText::digits> {};

template <>
struct Form<Seconds> : FormBy<Type::Time, &JsonWriter::integer, &Seconds::count> {};

template <class T>
concept HasForm = requires {
    Form<T>::TYPE;
};

/// Optionals and pointers: null, or absent, where they hold nothing.
template <class T>
concept Maybe = !HasForm<T> && requires(const T& value) {
    *value;
    static_cast<bool>(value);
};

/// What a range holds.
template <class T>
using Element = std::remove_cvref_t<decltype(*std::begin(std::declval<const T&>()))>;

/// Ranges of pairs: a JSON object whose keys are data.
template <class T>
concept IsMap = requires {
    typename Element<T>::second_type;
};

template <class T>
class Object;

struct NoObject {};

/// Describe an R. `object` is the table of the objects in it, if there are any.
template <class R, class O = NoObject>
Field describe(std::string_view name, std::string_view summary, const O& object = {}) {
    if constexpr (std::same_as<O, Object<R>>) {
        return {name, Type::Object, summary, {}, false, &object};
    } else if constexpr (HasForm<R>) {
        return {name, Form<R>::TYPE, summary};
    } else if constexpr (Maybe<R>) {
        using Inner = std::remove_cvref_t<decltype(*std::declval<R>())>;
        Field field = describe<Inner>(name, summary, object);
        field.optional = true;
        return field;
    } else if constexpr (IsMap<R>) {
        using Item = typename Element<R>::second_type;
        return {name, Type::Map, summary, {describe<Item>("name", "", object)}};
    } else {
        return {name, Type::Array, summary, {describe<Element<R>>("", "", object)}};
    }
}

/// Write `value`, as describe() says.
template <class R, class O = NoObject>
void write(JsonWriter& writer, const R& value, const O& object = {}) {
    if constexpr (std::same_as<O, Object<R>>) {
        object.write(writer, value);
    } else if constexpr (HasForm<R>) {
        Form<R>::write(writer, value);
    } else if constexpr (Maybe<R>) {
        if (value)
            write(writer, *value, object);
        else
            writer.null();
    } else if constexpr (IsMap<R>) {
        writer.begin_object();
        for (const auto& [key, item] : value) {
            writer.key(key);
            write(writer, item, object);
        }
        writer.end_object();
    } else {
        writer.begin_array();
        for (const auto& item : value) write(writer, item, object);
        writer.end_array();
    }
}

/// `value` as JSON.
template <class R, class O = NoObject>
std::string to_json(const R& value, const O& object = {}) {
    JsonWriter writer;
    write(writer, value, object);
    return writer.take();
}

/// The fields of the JSON object that a T becomes, a row each, in order.
template <class T>
class Object : public Described {
public:
    class Row {
    public:
        /// A field; `get` is a member of T or a function of it. One that holds nothing is absent.
        template <std::invocable<const T&> Get, class O = NoObject>
        Row(std::string_view name, std::string_view summary, Get get, const O& object = NONE)
            : field_(describe<Value<Get>>(name, summary, object)),
              write_([name, get, &object](JsonWriter& writer, const T& value) {
                  const auto& member = std::invoke(get, value);
                  if constexpr (Maybe<Value<Get>>)
                      if (!member) return;
                  writer.key(name);
                  server::write(writer, member, object);
              }) {}

        /// A field that is an object made of the same value.
        Row(std::string_view name, std::string_view summary, const Object& object)
            : Row(name, summary, std::identity(), object) {}

        /// All fields of another object, as fields of this one.
        template <class U, std::invocable<const T&> Get = std::identity>
        Row(const Object<U>& object, Get get = {}) // NOLINT(google-explicit-constructor)
            : field_{.object = &object},
              write_([get, &object](JsonWriter& writer, const T& value) {
                  object.write_fields(writer, std::invoke(get, value));
              }) {}

    private:
        friend Object;

        template <class Get>
        using Value = std::remove_cvref_t<std::invoke_result_t<Get, const T&>>;
        static constexpr NoObject NONE{};

        Field field_; ///< Without a name: all fields of its object.
        std::function<void(JsonWriter&, const T&)> write_;
    };

    Object(std::initializer_list<Row> rows) : rows_(rows) {}

    std::vector<Field> fields() const override {
        std::vector<Field> all;
        for (const Row& row : rows_) {
            if (!row.field_.name.empty()) {
                all.push_back(row.field_);
                continue;
            }
            const std::vector<Field> included = row.field_.object->fields();
            all.insert(all.end(), included.begin(), included.end());
        }
        return all;
    }

    void write(JsonWriter& writer, const T& value) const {
        writer.begin_object();
        write_fields(writer, value);
        writer.end_object();
    }

    void write_fields(JsonWriter& writer, const T& value) const {
        for (const Row& row : rows_) row.write_(writer, value);
    }

private:
    std::vector<Row> rows_;
};

} // namespace cairn::rpc::server
