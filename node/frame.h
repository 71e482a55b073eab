// SPDX-License-Identifier: MIT
// The envelope of every message on a connection: magic, command, length, checksum, payload.
#pragma once

#include "consensus/serialize.h"

#include <boost/system/result.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cairn::node {

using consensus::Bytes;
using consensus::ByteView;

/// Why a connection ends.
struct Disconnect {
    std::string reason; ///< For the log.
};

/// A value, or the end of the connection.
template <class T = void>
using Outcome = boost::system::result<T, Disconnect>;

[[noreturn]] inline void
throw_exception_from_error(const Disconnect& leave, const boost::source_location&) {
    throw std::logic_error("unchecked disconnect: " + leave.reason);
}

/// A command and its payload, in or out of the envelope.
struct Message {
    std::string command; ///< Up to 12 characters.
    Bytes payload;

    bool operator==(const Message&) const = default;
};

/// A message with its content.
template <class T>
Message message_of(std::string_view command, const T& content) {
    return {std::string(command), consensus::encode(content)};
}

/// The content of `payload`, which may be followed by bytes of later versions; nullopt if it is
/// cut short or malformed.
template <class T>
std::optional<T> parse(ByteView payload) {
    consensus::Reader reader(payload);
    T content{};
    reader(content);
    if (reader.failed()) return std::nullopt;
    return content;
}

using Magic = std::array<uint8_t, 4>;

constexpr size_t FRAME_HEADER_BYTES = 24;

/// The largest payload of any message, unknown ones included. Core: MAX_PROTOCOL_MESSAGE_LENGTH.
constexpr uint32_t MAX_PAYLOAD_BYTES = 4'000'000;

/// The bytes of `message` on a connection.
Bytes frame_bytes(const Magic& magic, const Message& message);

/// Cuts a stream of bytes into messages.
///
/// Invariant: holds no more than the message that is being received, and memory for no more of it
///   than has come in (twice that, as vectors grow).
class FrameReader {
public:
    /// `max_payload_bytes`: of a message by its command; held against the header, so that a body
    /// that is too long is never taken.
    FrameReader(const Magic& magic, std::function<uint32_t(std::string_view)> max_payload_bytes)
        : magic_(magic),
          max_payload_bytes_(std::move(max_payload_bytes)) {}

    /// Take bytes from the front of `in`, which is moved on past them, until a message is complete
    /// or `in` is empty. A message whose checksum or name is bad is passed over, as the reference
    /// does. Errors: wrong magic, too long.
    Outcome<std::optional<Message>> next(ByteView& in);

    /// Of what was passed over since this was asked last.
    size_t take_passed_over_bytes() { return std::exchange(passed_over_bytes_, 0); }

private:
    Outcome<> open_body();
    std::optional<Message> close_body();

    Magic magic_;
    std::function<uint32_t(std::string_view)> max_payload_bytes_;
    std::array<uint8_t, FRAME_HEADER_BYTES> header_{};
    size_t header_size_ = 0;
    size_t passed_over_bytes_ = 0;
    uint32_t body_size_ = 0;
    Bytes body_;
};

} // namespace cairn::node
