// SPDX-License-Identifier: MIT
// Talking to the person at the terminal, or to the script that stands in for one.
#pragma once

#include "wallet/keys/secret.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

namespace cairn::wallet {

bool input_is_terminal();

/// One line of standard input, and nothing of what follows; the prompt is shown on a terminal only.
/// Throws std::runtime_error at its end, and for a line of 4,096 bytes or more.
keys::SecretText ask_line(const std::string& prompt);

/// Whether the answer is yes; anything else is no.
bool ask_yes(const std::string& question);

/// The first line of a file. Throws std::runtime_error, as ask_line() does.
keys::SecretText first_line_of(const std::filesystem::path& file);

/// A passphrase: from `file` if that is given, else from the terminal without echo, else the next
/// line of standard input. `twice`: typed again on a terminal, as a mistake would lock the wallet.
keys::SecretText read_passphrase(const std::filesystem::path& file, bool twice);

/// A secret from the terminal, without echo and after `prompt`, else the next line of standard
/// input. Throws std::runtime_error.
keys::SecretText read_secret(std::string_view prompt);

/// A QR code for a dark or bright terminal, two squares a character. Empty if `text` is too long.
std::string qr_code(std::string_view text);

/// A line that is replaced by the next, at last by an empty one; on a terminal's standard error
/// only.
void show_progress(const std::string& line);

/// "7 s", "12 min", "3 h", "5 d".
std::string age_text(std::chrono::seconds age);

/// "2026-11-21 02:30", local time.
std::string local_time(int64_t seconds);

} // namespace cairn::wallet
