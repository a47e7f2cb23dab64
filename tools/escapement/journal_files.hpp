#pragma once
// What `log`, `diff`, `verify` and `trace` share of journals: opening one, naming participants, JSON.

#include "code_places.hpp"

#include <escapement/journal.hpp>
#include <escapement/journal_divergence.hpp>
#include <escapement/journal_file.hpp>

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>

namespace escapement::command {

/// True if the file begins as a journal does.
[[nodiscard]] bool is_journal(const std::string& path);

/// Opens `path` for reading.
[[nodiscard]] std::optional<JournalError> open_journal(JournalFile& file, const std::string& path);

/// What records tell of the records after them.
class JournalNames {
  public:
    void see(const JournalRecord& record);
    void set_role(ParticipantNumber participant, std::string role) { roles_[participant] = std::move(role); }

    /// "1 (rr)", or "1".
    [[nodiscard]] std::string participant(ParticipantNumber number) const;
    [[nodiscard]] std::string role(ParticipantNumber number) const;
    [[nodiscard]] CodePlaces& places() { return places_; }

  private:
    std::map<ParticipantNumber, std::string> roles_;
    CodePlaces places_;
};

/// Members: index, participant, role, clock, kind, operation, object, result, value, text; and address, with
/// function, source and instruction where they are known. Those that mean nothing are left out.
nlohmann::ordered_json to_json(const JournalRecord& record, std::uint64_t index, JournalNames& names);
nlohmann::ordered_json to_json(const JournalError& error);
/// Members: policy, quantum, clock_source, event, host, command.
nlohmann::ordered_json to_json(const JournalHeader& header);

/// The same as `log`, `diff` with options already read.
struct JournalLogOptions {
    std::string file;
    std::uint64_t from = 0;
    std::uint64_t from_clock = 0;
    std::uint64_t limit = 0;
    std::vector<std::string> kinds;
    bool histogram_only = false;
    bool json = false;
};
int log_journal(const JournalLogOptions& options);
int diff_journals(const std::string& a, const std::string& b, std::size_t context, bool json);

}  // namespace escapement::command
