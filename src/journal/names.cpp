// Records in words.

#include <escapement/journal.hpp>

#include <algorithm>
#include <array>

namespace escapement {

namespace {

constexpr std::array<const char*, journal_record_kinds> kind_names = {
    "operation", "turn",      "poll ready",  "created",  "ended",  "role", "input",
    "signal",    "time jump", "random seed", "incident", "module", "note", "end"};

constexpr std::array<const char*, operation_kinds> operation_names = {
    "none",  "lock",   "try_lock", "unlock", "wait",   "wake",   "requeue", "poll",
    "sleep", "create", "join",     "detach", "exit",   "yield",  "leave",   "arrive",
    "time",  "random", "read",     "write",  "open",   "close",  "post",    "barrier",
    "once",  "cancel", "fork",     "signal", "submit", "resume", "other",   "reset"};

constexpr std::array<const char*, 6> turn_end_names = {"waits", "boundary", "gave way",
                                                       "ended", "left",     "other"};

void append_text(std::string& to, std::span<const std::byte> bytes) {
    constexpr std::size_t most = 48;
    constexpr char digits[] = "0123456789abcdef";
    to += '"';
    for (const std::byte byte : bytes.first(std::min(bytes.size(), most))) {
        const auto value = std::to_integer<unsigned>(byte);
        if (value >= 0x20 && value < 0x7f && value != '"' && value != '\\') {
            to += static_cast<char>(value);
        } else {
            to += "\\x";
            to += digits[value >> 4];
            to += digits[value & 15];
        }
    }
    to += bytes.size() > most ? "\"..." : "\"";
}

}  // namespace

const char* to_string(JournalRecordKind kind) noexcept {
    const auto number = static_cast<std::size_t>(kind);
    return number < kind_names.size() ? kind_names[number] : "unknown";
}

const char* to_string(OperationKind operation) noexcept {
    const auto number = static_cast<std::size_t>(operation);
    return number < operation_names.size() ? operation_names[number] : "unknown";
}

const char* to_string(TurnEnd end) noexcept {
    const auto number = static_cast<std::size_t>(end);
    return number < turn_end_names.size() ? turn_end_names[number] : "unknown";
}

std::string describe(const JournalRecord& record) {
    const auto object = [&] { return std::to_string(record.object); };
    const auto result = [&] { return std::to_string(record.result); };
    std::string text;
    switch (record.kind) {
        case JournalRecordKind::operation:
            text = to_string(record.operation);
            if (record.object != 0) text += " " + object();
            text += " -> " + result();
            break;
        case JournalRecordKind::turn:
            text = "turn to participant " + object() + ": ";
            text += record.result >= 0 && record.result < 256 ? to_string(static_cast<TurnEnd>(record.result))
                                                              : "unknown";
            break;
        case JournalRecordKind::poll_ready:
            text = "ready: " + object() + " -> " + result();
            break;
        case JournalRecordKind::created:
            text = "created by participant " + object();
            break;
        case JournalRecordKind::ended:
            text = "ended -> " + result();
            break;
        case JournalRecordKind::input:
            text = "input from " + object() + " (" + std::to_string(record.value) + ") -> " + result();
            break;
        case JournalRecordKind::time_jump:
            text = "time jump to " + std::to_string(record.value) + " ns";
            break;
        case JournalRecordKind::module:
            text = "module " + object();
            break;
        case JournalRecordKind::end:
            text = "end after " + std::to_string(record.value) + " records";
            break;
        default:
            text = to_string(record.kind);
            if (record.object != 0) text += " " + object();
            if (record.value != 0) text += " " + std::to_string(record.value);
            if (record.result != 0) text += " -> " + result();
            break;
    }
    if (!record.bytes.empty()) {
        text += ' ';
        append_text(text, record.bytes);
    }
    return text;
}

std::string JournalError::text() const {
    std::string text;
    for (const char letter : journal) {
        const auto value = static_cast<unsigned char>(letter);
        text += value < 0x20 || value == 0x7f ? '?' : letter;
    }
    text += ", byte " + std::to_string(offset) + ": " + what;
    if (kind == Kind::cut || kind == Kind::damaged)
        text += "; " + std::to_string(records) + " records were read";
    if (!advice.empty()) text += "; " + advice;
    return text;
}

KeptRecord::KeptRecord(const JournalRecord& from, std::uint64_t number) noexcept
    : index(number), record(from), size(static_cast<std::uint32_t>(from.bytes.size())) {
    std::copy_n(from.bytes.begin(), std::min(from.bytes.size(), kept), beginning.begin());
    record.bytes = {};
}

JournalRecord KeptRecord::view() const noexcept {
    JournalRecord whole = record;
    whole.bytes = std::span(beginning).first(std::min<std::size_t>(size, kept));
    return whole;
}

}  // namespace escapement
