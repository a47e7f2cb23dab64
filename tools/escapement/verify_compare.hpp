#pragma once
// Compares the files that two runs made.

#include <escapement/divergence.hpp>
#include <escapement/journal_divergence.hpp>

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace escapement::verify {

/// The offset of the first byte in which two files differ; the shorter one's size if it is the beginning of
/// the other; nothing if they are equal. Memory does not grow with the files.
tl::expected<std::optional<std::uint64_t>, std::string> first_different_byte(const std::string& a,
                                                                             const std::string& b);

/// Where two QEMU logs differ. Nothing if one of them is no QEMU log.
std::optional<Divergence> compare_logs(const std::string& a, const std::string& b);

/// Where two journals differ. Nothing if one of them is none.
std::optional<JournalComparison> compare_journal_files(const std::string& a, const std::string& b);

/// What a journal holds; nothing if the file is none. An error if it is one and cannot be read to its end.
tl::expected<std::optional<std::uint64_t>, std::string> count_journal(const std::string& path);

/// What a QEMU log holds, or why it is none.
tl::expected<QemuLogSummary, QemuLogError> summarize_log(const std::string& path);

/// A sentence on where two texts differ, with the line in which `byte` is, of both; `what` names the text.
/// Printable ASCII whatever is in the files.
std::string describe_text_difference(const std::string& what, const std::string& a, const std::string& b,
                                     std::uint64_t byte);

/// `text` for a terminal: what is not printable ASCII becomes `?`, and what is too long is cut.
std::string printable(const std::string& text, std::size_t longest);

}  // namespace escapement::verify
