#include "verify_compare.hpp"

#include "journal_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace escapement::verify {
namespace {

constexpr std::size_t block = std::size_t{1} << 18;

tl::unexpected<std::string> cannot_read(const std::string& path, int error) {
    return tl::make_unexpected(fmt::format("cannot read {}: {}", path, std::strerror(error)));
}

struct Line {
    std::uint64_t number = 1;
    std::string text;
};

/// The line of a file in which a byte is. Lines that are longer than a line of a console is are cut.
Line line_at(const std::string& path, std::uint64_t byte) {
    constexpr std::size_t longest = 512;
    std::ifstream file(path, std::ios::binary);
    Line line;
    std::uint64_t at = 0;
    for (char character = 0; file.get(character); ++at) {
        if (character == '\n') {
            if (at >= byte) break;
            ++line.number;
            line.text.clear();
        } else if (line.text.size() < longest) {
            line.text += character;
        }
    }
    return line;
}

}  // namespace

tl::expected<std::optional<std::uint64_t>, std::string> first_different_byte(const std::string& a,
                                                                             const std::string& b) {
    std::ifstream file_a(a, std::ios::binary);
    if (!file_a) return cannot_read(a, errno);
    std::ifstream file_b(b, std::ios::binary);
    if (!file_b) return cannot_read(b, errno);
    std::vector<char> block_a(block);
    std::vector<char> block_b(block);
    std::uint64_t offset = 0;
    while (true) {
        file_a.read(block_a.data(), static_cast<std::streamsize>(block));
        if (file_a.bad()) return cannot_read(a, errno);
        file_b.read(block_b.data(), static_cast<std::streamsize>(block));
        if (file_b.bad()) return cannot_read(b, errno);
        const auto end_a = block_a.begin() + file_a.gcount();
        const auto end_b = block_b.begin() + file_b.gcount();
        const auto [at_a, at_b] = std::mismatch(block_a.begin(), end_a, block_b.begin(), end_b);
        if (at_a != end_a || at_b != end_b)
            return offset + static_cast<std::uint64_t>(at_a - block_a.begin());
        if (file_a.eof()) return std::nullopt;
        offset += block;
    }
}

std::optional<Divergence> compare_logs(const std::string& a, const std::string& b) {
    std::ifstream file_a(a, std::ios::binary);
    std::ifstream file_b(b, std::ios::binary);
    auto divergence = compare_qemu_logs(file_a, a, file_b, b);
    if (!divergence) return std::nullopt;
    return std::move(*divergence);
}

std::optional<JournalComparison> compare_journal_files(const std::string& a, const std::string& b) {
    JournalFile file_a;
    JournalFile file_b;
    if (file_a.open(a.c_str()) != 0 || file_b.open(b.c_str()) != 0) return std::nullopt;
    auto comparison = compare_journals(file_a, a, file_b, b);
    if (!comparison) return std::nullopt;
    return std::move(*comparison);
}

tl::expected<std::optional<std::uint64_t>, std::string> count_journal(const std::string& path) {
    if (!command::is_journal(path)) return std::nullopt;
    JournalFile file;
    if (const int error = file.open(path.c_str())) return cannot_read(path, error);
    auto reader = JournalReader::open(file, path);
    if (!reader) return tl::make_unexpected(reader.error().text());
    while (reader->next_block()) {
    }
    if (reader->trouble()) return tl::make_unexpected(reader->trouble()->text());
    return reader->records();
}

tl::expected<QemuLogSummary, QemuLogError> summarize_log(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return summarize_qemu_log(file, path);
}

std::string printable(const std::string& text, std::size_t longest) {
    std::string result = text.substr(0, longest);
    for (char& character : result) {
        if (character < ' ' || character > '~') character = '?';
    }
    if (text.size() > longest) result += "...";
    return result;
}

std::string describe_text_difference(const std::string& what, const std::string& a, const std::string& b,
                                     std::uint64_t byte) {
    constexpr std::size_t shown = 100;
    std::array<Line, 2> lines{line_at(a, byte), line_at(b, byte)};
    for (Line& line : lines) {
        if (!line.text.empty() && line.text.back() == '\r') line.text.pop_back();
    }
    return fmt::format("{} differs from byte {}, line {}: \"{}\" and \"{}\"", what, byte, lines[0].number,
                       printable(lines[0].text, shown), printable(lines[1].text, shown));
}

}  // namespace escapement::verify
