#pragma once
// What is known of one finished run of a campaign: its file among the results, and what is read back of it.

#include <escapement/campaign.hpp>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace escapement::campaign {

/// Where and how a run first differs, in the words by which such runs are gathered: who did what, on which
/// object, from which line. Parts that are not known are empty.
struct Cause {
    std::string who;
    std::string what;
    std::string object;
    std::string place;
    std::string why;  ///< of one such run, in a sentence
    auto key() const { return std::array{who, what, object, place}; }
};

struct Record {
    Run run;
    bool complete = false;
    std::string outcome;  ///< equal for runs of a cell that came out the same; "" if not complete
    std::optional<bool> replay_agrees;
    std::vector<std::string> incidents;  ///< why the run says of itself that it is not reproducible
    std::vector<std::string> failures;   ///< why it is not complete
    std::optional<double> wall;          ///< seconds
    std::optional<double> cpu;
    std::optional<double> replay_wall;
    std::string host;
    std::optional<Cause> cause;  ///< of the difference to the run that its cell is compared with
    std::string files;           ///< where its files are kept, or ""
};

/// The outcome of the run that others are compared with, and of those that are like it.
inline constexpr const char* reference_outcome = "reference";

/// Reads what a run left; an error says what is wrong with the text.
tl::expected<Record, std::string> read_record(const std::string& text);

/// What a result, in the form in which it is kept, tells of the first difference. `run` is verify's JSON of
/// it.
std::optional<Cause> cause_in(const nlohmann::ordered_json& run);

}  // namespace escapement::campaign
