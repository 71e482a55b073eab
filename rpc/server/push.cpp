// SPDX-License-Identifier: MIT
#include "rpc/server/push.h"

#include "rpc/server/json_writer.h"

#include <atomic>
#include <spdlog/fmt/fmt.h>

namespace cairn::rpc::server {

namespace {

std::atomic<size_t> waiting_bytes{0}; ///< Of all messages.

/// Source: JSON-RPC 2.0, section 4.1.
std::string notification(std::string_view method, std::string_view params) {
    JsonWriter writer;
    writer.begin_object().key("jsonrpc").string("2.0").key("method").string(method);
    writer.key("params").raw(params).end_object();
    return writer.take();
}

} // namespace

// Source of the stream's form: WHATWG HTML, section 9.2, "Server-sent events". Our JSON has no ends
// of lines.
PushMessage::PushMessage(
    std::string_view method, std::string_view params, std::optional<uint64_t> id)
    : web_socket(notification(method, params)),
      event_stream(fmt::format(
          "{}event: {}\ndata: {}\n\n", id ? fmt::format("id: {}\n", *id) : "", method, params)) {
    waiting_bytes += bytes();
}

PushMessage::~PushMessage() {
    waiting_bytes -= bytes();
}

size_t PushMessage::all_bytes() {
    return waiting_bytes;
}

} // namespace cairn::rpc::server
