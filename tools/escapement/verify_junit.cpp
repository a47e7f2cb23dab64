// The JUnit XML of verify_report.hpp.

#include "verify_report.hpp"
#include "verify_result.hpp"
#include "verify_run_files.hpp"
#include "verify_table.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace escapement::verify {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

/// The length of the UTF-8 character at `at` that XML 1.0 may hold, or 0.
std::size_t character_length(const std::string& text, std::size_t at) {
    const auto byte = [&text](std::size_t index) {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
    };
    const unsigned first = byte(at);
    if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4) return 0;
    unsigned code = first & (0x7FU >> length);
    for (std::size_t index = 1; index < length; ++index) {
        if ((byte(at + index) & 0xC0U) != 0x80U) return 0;
        code = (code << 6U) | (byte(at + index) & 0x3FU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    const bool no_character = code == 0xFFFE || code == 0xFFFF || code > 0x10FFFF;
    return overlong || surrogate || no_character ? 0 : length;
}

struct Case {
    std::string name;
    double seconds = 0;
    std::vector<std::string> errors;    ///< it could not be seen whether it passes
    std::vector<std::string> failures;  ///< it does not pass
};

Case case_of(const char* what, int number, const Execution& execution) {
    Case result;
    result.name = fmt::format("{} {}", what, number);
    if (execution.end) result.seconds = seconds_of(execution.end->wall);
    result.errors = execution.failures;
    if (!execution.end) result.errors.emplace_back("it could not be run");
    for (const std::string& incident : execution.incidents) {
        result.failures.push_back("not reproducible, the run itself says: " + incident);
    }
    return result;
}

std::vector<Case> cases_of(const Outcome& outcome, const Options& options) {
    std::vector<Case> cases;
    for (const RunResult& run : outcome.ordered().runs) {
        Case record = case_of("run", run.number, run.record);
        if (run.disagreement) {
            if (run.disagreement->byte) {
                record.failures.push_back("differs from the first: " +
                                          describe_disagreement(*run.disagreement));
            }
            record.failures.insert(record.failures.end(), run.disagreement->consoles.begin(),
                                   run.disagreement->consoles.end());
        }
        cases.push_back(std::move(record));
        if (!run.replay) continue;
        Case replay = case_of("replay", run.number, *run.replay);
        replay.failures.insert(replay.failures.end(), run.replay_consoles.begin(), run.replay_consoles.end());
        cases.push_back(std::move(replay));
    }
    const auto made = outcome.ordered().runs.size();
    if (made < static_cast<std::size_t>(options.runs) || !outcome.trouble.empty()) {
        Case missing;
        missing.name = "all runs are made";
        missing.errors.push_back(fmt::format("{} of {} runs were made: {}", made, options.runs,
                                             outcome.trouble.empty() ? "interrupted" : outcome.trouble));
        cases.push_back(std::move(missing));
    }
    return cases;
}

std::string element(const char* name, const std::vector<std::string>& sentences) {
    std::string all = fmt::format("{}", fmt::join(sentences, "\n"));
    return fmt::format("      <{} message=\"{}\" type=\"{}\">{}</{}>\n", name, xml_escaped(sentences.front()),
                       name == std::string_view("error") ? "incomplete" : "different", xml_escaped(all),
                       name);
}

std::string text_of(const Case& test, const std::string& group) {
    std::string text =
        fmt::format("    <testcase classname=\"escapement.verify.{}\" name=\"{}\" time=\"{:.3f}\"",
                    xml_escaped(group), xml_escaped(test.name), test.seconds);
    // A test case has one outcome; an error is the graver one.
    if (!test.errors.empty()) return text + ">\n" + element("error", test.errors) + "    </testcase>\n";
    if (!test.failures.empty()) return text + ">\n" + element("failure", test.failures) + "    </testcase>\n";
    return text + "/>\n";
}

}  // namespace

std::string xml_escaped(const std::string& text) {
    std::string escaped;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = character_length(text, at);
        if (length != 1) {
            escaped += length == 0 ? replacement : std::string_view(text).substr(at, length);
            at += length == 0 ? 1 : length;
            continue;
        }
        switch (const char character = text[at++]; character) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            case '\'':
                escaped += "&apos;";
                break;
            case '\n':
            case '\r':
            case '\t':
                // In an attribute these would come back as spaces.
                escaped += fmt::format("&#{};", static_cast<int>(character));
                break;
            default:
                escaped += character;
        }
    }
    return escaped;
}

std::string junit_of(const Outcome& outcome, const Options& options) {
    const std::vector<Case> cases = cases_of(outcome, options);
    std::size_t errors = 0;
    std::size_t failures = 0;
    std::string body;
    for (const Case& test : cases) {
        if (!test.errors.empty()) {
            ++errors;
        } else if (!test.failures.empty()) {
            ++failures;
        }
        body += text_of(test, outcome.ordered().name);
    }
    const std::string counts = fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3f}\"",
                                           cases.size(), failures, errors, outcome.seconds);
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\"escapement verify\" {0}>\n"
        "  <testsuite name=\"{1}\" {0} skipped=\"0\">\n"
        "{2}"
        "    <system-out>{3}</system-out>\n"
        "  </testsuite>\n"
        "</testsuites>\n",
        counts, xml_escaped(fmt::format("{}", fmt::join(options.command, " "))), body,
        xml_escaped(table_of(outcome.groups)));
}

}  // namespace escapement::verify
