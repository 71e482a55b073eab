// SPDX-License-Identifier: MIT
// Any text as a configuration file, its lines as arguments and as the environment: an error in
// words, or settings that can be asked for.
#include "node/options.h"

#include <cstdlib>
#include <functional>
#include <sstream>

using namespace cairn::node;

namespace {

void check(const std::function<SettingList()>& read) {
    try {
        const Settings settings(std::vector<SettingList>{read()});
        for (const Option& option : option_table()) {
            if (option.kind == Option::Kind::List)
                (void)settings.list(option.name);
            else if (option.kind == Option::Kind::Number)
                (void)settings.number(option.name);
            else
                (void)settings.text(option.name);
        }
    } catch (const OptionError& error) {
        if (std::string_view(error.what()).size() < 10) std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    check([&] { return parse_config(text, "cairn.conf")[""].settings; });
    check([&] { return parse_arguments(lines).settings; });
    check([&] { return parse_environment(lines); });
    return 0;
}
