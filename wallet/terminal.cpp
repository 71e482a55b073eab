// SPDX-License-Identifier: MIT
#include "wallet/terminal.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <memory>
#include <qrencode.h>
#include <stdexcept>
#include <termios.h>
#include <unistd.h>

namespace cairn::wallet {

using keys::SecretText;

namespace {

constexpr size_t MAX_LINE_BYTES = 4096;

/// The terminal with echo and signals off, for as long as this lives: so that no Ctrl-C leaves it
/// mute.
class MuteTerminal {
public:
    MuteTerminal() : handle_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
        if (handle_ < 0 || ::tcgetattr(handle_, &before_) != 0) {
            if (handle_ >= 0) ::close(handle_);
            throw std::runtime_error(
                "there is no terminal to type a passphrase at: use --passphrase-file");
        }
        termios mute = before_;
        mute.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
        ::tcsetattr(handle_, TCSAFLUSH, &mute);
    }

    ~MuteTerminal() {
        ::tcsetattr(handle_, TCSAFLUSH, &before_);
        ::close(handle_);
    }

    MuteTerminal(const MuteTerminal&) = delete;
    MuteTerminal& operator=(const MuteTerminal&) = delete;

    void write(std::string_view text) const {
        if (::write(handle_, text.data(), text.size()) < 0) throw std::runtime_error("no terminal");
    }

    /// One byte; 0 at the end.
    char read() const {
        char c = 0;
        return ::read(handle_, &c, 1) == 1 ? c : '\0';
    }

private:
    int handle_;
    termios before_{};
};

void remove_last_character(SecretText& text) {
    // The bytes of a UTF-8 character after its first one begin with the bits 10.
    while (!text.empty() && (static_cast<uint8_t>(text.back()) & 0xc0) == 0x80) text.pop_back();
    if (!text.empty()) text.pop_back();
}

} // namespace

bool input_is_terminal() {
    return ::isatty(STDIN_FILENO) == 1;
}

bool output_is_terminal() {
    return ::isatty(STDOUT_FILENO) == 1;
}

SecretText ask_secret(const std::string& prompt) {
    constexpr char INTERRUPT = 3;
    constexpr char END = 4;
    constexpr char ERASE_LINE = 21;
    const MuteTerminal terminal;
    terminal.write(prompt);
    SecretText text;
    text.reserve(MAX_LINE_BYTES); // never moved, so never left behind
    for (;;) {
        const char c = terminal.read();
        if (c == '\n' || c == '\r') break;
        if (c == INTERRUPT || c == END || c == '\0') {
            terminal.write("\n");
            throw std::runtime_error("interrupted");
        }
        if (c == '\b' || c == 127)
            remove_last_character(text);
        else if (c == ERASE_LINE)
            text.clear();
        else if (text.size() < MAX_LINE_BYTES)
            text += c;
    }
    terminal.write("\n");
    return text;
}

SecretText ask_line(const std::string& prompt) {
    if (input_is_terminal()) std::cerr << prompt << std::flush;
    SecretText line;
    if (!std::getline(std::cin, line))
        throw std::runtime_error("standard input ended where a line was expected");
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
}

bool ask_yes(const std::string& question) {
    const SecretText answer = ask_line(question + " [y/N] ");
    return answer == "y" || answer == "Y" || answer == "yes";
}

SecretText first_line_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    SecretText line;
    if (!in || std::filesystem::is_directory(file))
        throw std::runtime_error("can't read " + file.string());
    std::getline(in, line);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
}

SecretText read_passphrase(const std::filesystem::path& file, bool twice) {
    if (!file.empty()) return first_line_of(file);
    if (!input_is_terminal()) return ask_line("");
    SecretText passphrase = ask_secret("Passphrase: ");
    if (twice && ask_secret("Once more:  ") != passphrase)
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

void clear_progress() {
    show_progress("");
}

std::string local_time(int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::localtime_r(&time, &parts);
    std::array<char, 32> text{};
    const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts);
    return {text.data(), size};
}

void Table::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<size_t> widths(columns_.size());
    for (const auto& row : rows_)
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string out;
    for (const auto& row : rows_) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i) {
            const std::string space(widths[i] - row[i].size(), ' ');
            line += "  " + (columns_[i] == Align::Right ? space + row[i] : row[i] + space);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

} // namespace cairn::wallet
