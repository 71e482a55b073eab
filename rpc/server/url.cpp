// SPDX-License-Identifier: MIT
#include "rpc/server/url.h"

#include <algorithm>
#include <charconv>

namespace cairn::rpc::server {

namespace {

/// What is no triple of '%' and two digits stands for itself.
std::string percent_decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        unsigned char byte = 0;
        const char* digits = text.data() + i + 1;
        const bool triple = text[i] == '%' && text.size() - i > 2 &&
                            std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
        out += triple ? static_cast<char>(byte) : text[i];
        if (triple) i += 2;
    }
    return out;
}

} // namespace

Url::Url(std::string_view target) {
    const size_t question = std::min(target.find('?'), target.size());
    path = target.substr(0, question);
    query = target.substr(std::min(question + 1, target.size()));
}

std::optional<std::string> Url::value(std::string_view name) const {
    for (std::string_view rest = query; !rest.empty();) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
            return percent_decoded(pair.substr(name.size() + 1));
    }
    return std::nullopt;
}

} // namespace cairn::rpc::server
