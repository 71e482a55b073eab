// SPDX-License-Identifier: MIT
#include "wallet/terminal.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <qrencode.h>
#include <stdexcept>
#include <termios.h>
#include <unistd.h>

namespace cairn::wallet {

using keys::SecretText;

namespace {

constexpr size_t MAX_LINE_BYTES = 4096;

constexpr char INTERRUPT = 3; // Ctrl-C

/// The terminal without echo and signals, for as long as this lives, so that no Ctrl-C leaves it
/// mute: that ends the line, and the kernel still edits it.
class MuteTerminal {
public:
    MuteTerminal() : handle_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
        if (handle_ < 0 || ::tcgetattr(handle_, &before_) != 0) {
            if (handle_ >= 0) ::close(handle_);
            throw std::runtime_error(
                "there is no terminal to type a passphrase at: use --passphrase-file");
        }
        termios mute = before_;
        mute.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
        mute.c_cc[VEOL] = INTERRUPT;
        ::tcsetattr(handle_, TCSAFLUSH, &mute);
    }

    ~MuteTerminal() {
        ::tcsetattr(handle_, TCSAFLUSH, &before_);
        ::close(handle_);
    }

    MuteTerminal(const MuteTerminal&) = delete;
    MuteTerminal& operator=(const MuteTerminal&) = delete;

    int handle() const { return handle_; }

private:
    int handle_;
    termios before_{};
};

/// One line typed without echo. Throws std::runtime_error if there is no terminal, or on Ctrl-C.
SecretText ask_secret(std::string_view prompt) {
    const MuteTerminal terminal;
    SecretText line(MAX_LINE_BYTES, '\0'); // never moved, so never left behind
    ssize_t size = ::write(terminal.handle(), prompt.data(), prompt.size());
    if (size >= 0) size = ::read(terminal.handle(), line.data(), line.size());
    if (::write(terminal.handle(), "\n", 1) != 1 || size <= 0 || line[size - 1] != '\n')
        throw std::runtime_error("interrupted");
    line.resize(static_cast<size_t>(size) - 1);
    return line;
}

/// The next line, without its end, byte by byte and not through a stream, whose buffer would keep
/// it. nullopt: there is none, or it is too long.
std::optional<SecretText> read_line(int handle) {
    SecretText line;
    line.reserve(MAX_LINE_BYTES); // never moved, and not inside the object
    ssize_t got = 0;
    for (char c = 0; (got = ::read(handle, &c, 1)) == 1 && c != '\n'; line += c)
        if (line.size() + 1 == MAX_LINE_BYTES) return std::nullopt;
    if (got < 0 || (got == 0 && line.empty())) return std::nullopt;
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

} // namespace

bool input_is_terminal() {
    return ::isatty(STDIN_FILENO) == 1;
}

SecretText ask_line(const std::string& prompt) {
    if (input_is_terminal()) std::cerr << prompt << std::flush;
    std::optional<SecretText> line = read_line(STDIN_FILENO);
    if (!line) throw std::runtime_error("standard input ended where a line was expected");
    return std::move(*line);
}

bool ask_yes(const std::string& question) {
    const SecretText answer = ask_line(question + " [y/N] ");
    return answer == "y" || answer == "Y" || answer == "yes";
}

SecretText first_line_of(const std::filesystem::path& file) {
    const int handle = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    std::optional<SecretText> line = read_line(handle);
    ::close(handle);
    if (!line) throw std::runtime_error("can't read a line from " + file.string());
    return std::move(*line);
}

SecretText read_secret(std::string_view prompt) {
    return input_is_terminal() ? ask_secret(prompt) : ask_line("");
}

SecretText read_passphrase(const std::filesystem::path& file, bool twice) {
    if (!file.empty()) return first_line_of(file);
    SecretText passphrase = read_secret("Passphrase: ");
    if (twice && input_is_terminal() && ask_secret("Once more:  ") != passphrase)
        throw std::runtime_error("the two passphrases differ: try again");
    return passphrase;
}

std::string qr_code(std::string_view text) {
    const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
        QRcode_encodeString(std::string(text).c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, 1),
        &QRcode_free);
    if (!code) return {};
    constexpr int MARGIN = 2;
    const int width = code->width;
    const auto is_dark = [&](int x, int y) {
        return x >= 0 && y >= 0 && x < width && y < width && (code->data[y * width + x] & 1) != 0;
    };
    // Bright squares are drawn, on black, so that the code reads the same on any terminal.
    constexpr std::array<const char*, 4> BLOCKS{"\u2588", "\u2584", "\u2580", " "};
    std::string out;
    for (int y = -MARGIN; y < width + MARGIN; y += 2) {
        out += "  \033[40;97m";
        for (int x = -MARGIN; x < width + MARGIN; ++x)
            out += BLOCKS.at((is_dark(x, y) ? 1 : 0) + (is_dark(x, y + 1) ? 2 : 0));
        out += "\033[0m\n";
    }
    return out;
}

void show_progress(const std::string& line) {
    if (::isatty(STDERR_FILENO) == 1) std::cerr << "\r\033[K" << line << std::flush;
}

std::string age_text(std::chrono::seconds age) {
    const int64_t seconds = std::max<int64_t>(0, age.count());
    constexpr int64_t MINUTE = 60;
    constexpr int64_t HOUR = 60 * MINUTE;
    constexpr int64_t DAY = 24 * HOUR;
    if (seconds < 2 * MINUTE) return fmt::format("{} s", seconds);
    if (seconds < 2 * HOUR) return fmt::format("{} min", seconds / MINUTE);
    if (seconds < 2 * DAY) return fmt::format("{} h", seconds / HOUR);
    return fmt::format("{} d", seconds / DAY);
}

std::string local_time(int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::localtime_r(&time, &parts);
    std::array<char, 32> text{};
    const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts);
    return {text.data(), size};
}

} // namespace cairn::wallet
