// SPDX-License-Identifier: MIT
#include "node/frame.h"

#include <algorithm>
#include <cassert>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace {

constexpr size_t COMMAND_BYTES = 12;

/// The 24 bytes before a payload.
struct FrameHeader {
    Magic magic{};
    std::array<uint8_t, COMMAND_BYTES> command{};
    uint32_t size = 0;
    uint32_t checksum = 0;

    static void wire(auto&& codec, auto& h) { codec(h.magic, h.command, h.size, h.checksum); }

    static bool is_printable(uint8_t c) { return c >= 0x20 && c <= 0x7e; }

    /// Printable characters, then zeros to the end; nullopt for others.
    std::optional<std::string> name() const {
        const auto* end = std::ranges::find(command, 0);
        const bool padded = std::all_of(end, command.end(), [](uint8_t c) { return c == 0; });
        if (!std::all_of(command.begin(), end, is_printable) || !padded) return std::nullopt;
        return std::string(command.begin(), end);
    }

    /// What of it can be shown.
    std::string shown() const {
        std::string text;
        std::ranges::copy_if(command, std::back_inserter(text), is_printable);
        return text;
    }
};

uint32_t checksum(ByteView payload) {
    uint32_t sum = 0;
    std::memcpy(&sum, consensus::sha256d(payload).bytes.data(), sizeof sum);
    return sum;
}

} // namespace

Bytes frame_bytes(const Magic& magic, const Message& message) {
    assert(message.command.size() <= COMMAND_BYTES);
    Bytes out;
    out.reserve(FRAME_HEADER_BYTES + message.payload.size());
    FrameHeader header{magic};
    std::copy(message.command.begin(), message.command.end(), header.command.begin());
    header.size = static_cast<uint32_t>(message.payload.size());
    header.checksum = checksum(message.payload);
    consensus::Writer writer(out);
    writer(header).raw(message.payload);
    return out;
}

Outcome<std::optional<Message>> FrameReader::next(ByteView& in) {
    while (!in.empty() || header_size_ == FRAME_HEADER_BYTES) {
        if (header_size_ < FRAME_HEADER_BYTES) {
            const size_t taken = std::min(in.size(), FRAME_HEADER_BYTES - header_size_);
            std::copy_n(in.begin(), taken, header_.begin() + static_cast<ptrdiff_t>(header_size_));
            header_size_ += taken;
            in = in.subspan(taken);
            if (header_size_ < FRAME_HEADER_BYTES) break;
            if (Outcome<> opened = open_body(); !opened) return opened.error();
        }
        const size_t taken = std::min(in.size(), body_size_ - body_.size());
        // As it comes in, not as it is promised; and never more than that.
        if (body_.size() + taken > body_.capacity())
            body_.reserve(std::min<size_t>(body_size_, 2 * (body_.size() + taken)));
        body_.insert(body_.end(), in.begin(), in.begin() + static_cast<ptrdiff_t>(taken));
        in = in.subspan(taken);
        if (body_.size() < body_size_) break;
        if (std::optional<Message> message = close_body()) return message;
        passed_over_bytes_ += FRAME_HEADER_BYTES + body_size_;
    }
    return std::optional<Message>();
}

/// Judge a complete header.
Outcome<> FrameReader::open_body() {
    const auto header = consensus::Reader(header_).read<FrameHeader>();
    if (header.magic != magic_)
        return Disconnect{
            "Header error: Wrong MessageStart " + consensus::to_hex(header.magic) + " received"};
    const std::string command = header.name().value_or("");
    if (header.size > max_payload_bytes_(command))
        return Disconnect{fmt::format(
            "Header error: Size too large ({}, {} bytes)", header.shown(), header.size)};
    body_size_ = header.size;
    return boost::system::in_place_value;
}

/// Judge a complete message; nullopt if it is to be passed over.
std::optional<Message> FrameReader::close_body() {
    const auto header = consensus::Reader(header_).read<FrameHeader>();
    Message message{header.name().value_or(""), std::exchange(body_, Bytes())};
    header_size_ = 0;
    const uint32_t actual = checksum(message.payload);
    if (actual != header.checksum) {
        spdlog::debug(
            "Header error: Wrong checksum ({}, {} bytes), expected {} was {}", header.shown(),
            message.payload.size(), consensus::to_hex(consensus::encode(actual)),
            consensus::to_hex(consensus::encode(header.checksum)));
        return std::nullopt;
    }
    if (!header.name()) {
        spdlog::debug("Header error: Invalid message type");
        return std::nullopt;
    }
    return message;
}

} // namespace cairn::node
