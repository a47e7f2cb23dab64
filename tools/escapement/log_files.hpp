#pragma once
// What `log` and `diff` share: opening a recording, and QEMU's events as JSON.

#include <escapement/divergence.hpp>
#include <escapement/qemu_log.hpp>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <fstream>
#include <string>

namespace escapement::command {

/// The file, standing at its beginning.
tl::expected<std::ifstream, QemuLogError> open_log_file(const std::string& path);

/// Members: index, offset, icount, kind, payload_size, payload (hexadecimal, at most QemuEventRecord::kept
/// bytes), text.
nlohmann::ordered_json to_json(const QemuEventRecord& event);
nlohmann::ordered_json to_json(const QemuLogError& error);
/// Members: name, bytes, events, instructions, kinds (name to number, those that occur), trouble (or null).
nlohmann::ordered_json to_json(const QemuLogSummary& summary);

/// One line, with whatever is not UTF-8 replaced: names of files may hold any byte.
std::string dump(const nlohmann::ordered_json& json);

QemuEventRecord record_of(const QemuEvent& event);

/// `text` with everything that a terminal would obey replaced by \xNN.
std::string escaped(const std::string& text);

/// Writes out what is left in standard output; false, having said so, if not all of it could be written.
bool finish_output();

}  // namespace escapement::command
