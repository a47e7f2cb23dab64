// The second half of verify_table.hpp: what the table says, in words.

#include "verify_run_files.hpp"
#include "verify_table.hpp"
#include "verify_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace escapement::verify {
namespace {

/// As many lines as help; of fifty runs that fail alike nobody reads the fiftieth.
constexpr int most_lines = 10;

std::string agreement(const Group& group, const Options& options) {
    const RunResult& first = group.runs.front();
    std::string text;
    if (group.runs.size() > 1) {
        text = fmt::format("All {} runs are the same", group.runs.size());
        if (first.artifact_bytes > 0)
            text += fmt::format(", byte for byte ({} bytes", grouped(first.artifact_bytes));
        if (first.artifact_bytes > 0 && first.events)
            text += fmt::format(", {} events", grouped(*first.events));
        text += first.artifact_bytes > 0 ? ").\n" : ".\n";
    }
    if (options.replay) {
        text += fmt::format("{} of {} replays ended, each with its recording's console.\n", group.runs.size(),
                            group.runs.size());
    }
    return text;
}

void list(std::string& text, const std::string& run, const char* what,
          const std::vector<std::string>& sentences) {
    for (const std::string& sentence : sentences)
        text += fmt::format("{}: {}{}\n", run, what, sentence);
}

/// The lines on a run that is not as it should be; empty for one that is.
std::string complaint(const Group& group, const RunResult& run) {
    const std::string name = fmt::format("{} {}", group.name, run.number);
    std::string text;
    list(text, name, "", run.record.failures);
    list(text, name, "not reproducible, the run itself says: ", run.record.incidents);
    if (run.disagreement) {
        const bool only_consoles = !run.disagreement->byte;
        if (!only_consoles) {
            text += fmt::format("{}: differs from the first: {}\n", name,
                                describe_disagreement(*run.disagreement));
        }
        list(text, name, "", run.disagreement->consoles);
    }
    if (run.replay) {
        list(text, name + ", replay", "", run.replay->failures);
        list(text, name + ", replay", "not reproducible, the run itself says: ", run.replay->incidents);
        list(text, name + ", replay", "", run.replay_consoles);
    }
    return text;
}

/// Why the first run that differs does so.
std::string explanation(const Group& group) {
    for (const RunResult& run : group.runs) {
        if (!run.disagreement || !run.disagreement->log) continue;
        const Difference* difference = run.disagreement->log->first();
        if (difference == nullptr) return {};
        return fmt::format("Likely cause: {}, at {}. {}\n", cause_name(difference->cause),
                           phase_name(difference->phase), difference->why);
    }
    return {};
}

}  // namespace

std::string conclusion_of(const Outcome& outcome, const Options& options) {
    const Group& group = outcome.ordered();
    const Verdict verdict = judge(group, options.runs);
    if (verdict == Verdict::agree) return agreement(group, options);

    std::string text;
    int lines = 0;
    int silent = 0;
    for (const RunResult& run : group.runs) {
        const std::string complaints = complaint(group, run);
        if (complaints.empty()) continue;
        if (lines < most_lines) {
            text += complaints;
            lines += static_cast<int>(std::count(complaints.begin(), complaints.end(), '\n'));
        } else {
            ++silent;
        }
    }
    if (silent > 0) text += fmt::format("and {} more runs that are not as they should be\n", silent);
    text += outcome.difference.empty() ? explanation(group) : "\n" + outcome.difference + "\n";
    const Summary summary = summarize(group);
    text +=
        verdict == Verdict::differ
            ? fmt::format("NOT REPRODUCIBLE: {} of {} runs are the same.\n", summary.identical, options.runs)
            : fmt::format("NO VERDICT: {} of {} runs are complete.\n", summary.complete, options.runs);
    return text;
}

}  // namespace escapement::verify
