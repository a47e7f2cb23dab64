#include "mdoc.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cstdint>
#include <sstream>

namespace escapement::pages {

namespace {

constexpr std::size_t width = 78;

// troff's name for the character whose UTF-8 begins at `at`, which is left behind it.
std::string named_character(const std::string& text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    std::uint32_t code = lead & (0xffU >> (length + 1));
    for (std::size_t next = 1; next < length && at + 1 < text.size(); ++next)
        code = code << 6U | (static_cast<unsigned char>(text[++at]) & 0x3fU);
    return fmt::format("\\[u{:04X}]", code);
}

// A line that begins so would be taken for a macro.
std::string as_text_line(const std::string& line) {
    return !line.empty() && (line.front() == '.' || line.front() == '\'') ? "\\&" + line : line;
}

bool ends_sentence(const std::string& word) {
    return word.size() > 1 && (word.back() == '.' || word.back() == '?' || word.back() == '!') &&
           word.find("..") == std::string::npos;
}

std::string literal_block(const std::string& text) {
    std::string block = ".Bd -literal -offset indent\n";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        block += as_text_line(escaped(line)) + "\n";
    return block + ".Ed\n";
}

}  // namespace

std::string escaped(const std::string& text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char letter = text[at];
        const bool before_word = at == 0 || text[at - 1] == ' ' || text[at - 1] == '-' || text[at - 1] == '(';
        if ((static_cast<unsigned char>(letter) & 0x80U) != 0) {
            result += named_character(text, at);
        } else if (letter == '\\') {
            result += "\\e";
        } else if (letter == '-' && before_word) {
            result += "\\-";  // an option's, to be copied from the page
        } else if (letter == '`' || letter == '~' || letter == '^') {
            result += letter == '`' ? "\\(ga" : letter == '~' ? "\\(ti" : "\\(ha";
        } else {
            result += letter;
        }
    }
    return result;
}

std::string filled(const std::string& text) {
    std::string result;
    std::string line;
    std::istringstream words(text);
    const auto finish = [&] {
        if (!line.empty()) result += as_text_line(line) + "\n";
        line.clear();
    };
    for (std::string word; words >> word;) {
        const std::string safe = escaped(word);
        if (!line.empty() && line.size() + 1 + safe.size() > width) finish();
        line += (line.empty() ? "" : " ") + safe;
        if (ends_sentence(word)) finish();
    }
    finish();
    return result;
}

std::string paragraph(const std::string& text, bool literal) {
    if (literal) return literal_block(text);
    std::string result;
    std::string part;
    bool verbatim = false;
    const auto finish = [&] {
        if (!part.empty()) result += verbatim ? literal_block(part) : filled(part);
        part.clear();
    };
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const bool indented = line.rfind("  ", 0) == 0;
        if (indented != verbatim) finish();
        verbatim = indented;
        part += (indented ? line.substr(2) : line) + "\n";
    }
    finish();
    return result;
}

void add_paragraph(std::string& text, const std::string& more) {
    // What is displayed is set apart as it is.
    if (!text.empty() && more.rfind(".Bd", 0) != 0) text += ".Pp\n";
    text += more;
}

std::string page_head(const std::string& date, const std::string& title, int section) {
    std::string name;
    for (const char letter : title)
        name += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    return fmt::format(".Dd {}\n.Dt {} {}\n.Os\n", date, name, section);
}

}  // namespace escapement::pages
