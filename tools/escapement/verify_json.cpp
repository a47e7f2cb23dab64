// The JSON of verify_report.hpp.

#include "journal_files.hpp"
#include "verify_report.hpp"
#include "verify_result.hpp"
#include "verify_run_json.hpp"
#include "verify_table.hpp"

#include <nlohmann/json.hpp>

namespace escapement::verify {
namespace {

using Json = nlohmann::ordered_json;

const char* end_name(ChildEnd::Kind kind) {
    switch (kind) {
        case ChildEnd::Kind::exited:
            return "exited";
        case ChildEnd::Kind::signalled:
            return "signalled";
        case ChildEnd::Kind::timed_out:
            return "timed out";
        case ChildEnd::Kind::interrupted:
            break;
    }
    return "interrupted";
}

const char* verdict_name(Verdict verdict) {
    switch (verdict) {
        case Verdict::agree:
            return "agree";
        case Verdict::differ:
            return "differ";
        case Verdict::trouble:
            break;
    }
    return "trouble";
}

Json json_of(const std::optional<Spread>& spread) {
    if (!spread) return nullptr;
    return {{"median", spread->median}, {"least", spread->least}, {"most", spread->most}};
}

Json json_of(const std::optional<Range>& range) {
    if (!range) return nullptr;
    return {{"least", range->least}, {"most", range->most}};
}

template <typename Value>
Json or_null(const std::optional<Value>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json json_of(const Execution& execution) {
    Json json{{"complete", execution.complete()}};
    if (execution.end) {
        json["end"] = end_name(execution.end->kind);
        json["code"] = execution.end->code;
        json["wall_seconds"] = seconds_of(execution.end->wall);
        json["cpu_seconds"] = seconds_of(execution.end->cpu);
        json["peak_resident_bytes"] = execution.end->peak_resident;
    }
    json["failures"] = execution.failures;
    json["incidents"] = execution.incidents;
    const Json statistics = Json::parse(execution.statistics, nullptr, false);
    json["statistics"] = statistics.is_discarded() ? Json(nullptr) : statistics;
    return json;
}

Json json_of(const std::optional<Difference>& difference) {
    if (!difference) return nullptr;
    const auto kind = [](const std::optional<QemuEventRecord>& event) {
        return event ? Json(kind_name(event->kind)) : Json(nullptr);
    };
    return {{"event", difference->index},
            {"a", kind(difference->events.a)},
            {"b", kind(difference->events.b)},
            {"phase", phase_name(difference->phase)},
            {"cause", cause_name(difference->cause)},
            {"why", difference->why}};
}

Json json_of(const JournalDifference& first) {
    command::JournalNames names;
    for (const auto& [participant, role] : first.roles)
        names.set_role(participant, role);
    for (const auto& [number, path] : first.modules)
        names.places().add_module(number, path);
    Json json{{"record", first.index}, {"members", first.members}, {"why", first.why}};
    if (first.a) {
        json["participant"] = first.a->record.participant;
        json["clock"] = first.a->record.clock;
    }
    const auto one = [&](const char* side, const std::optional<KeptRecord>& record) {
        json[side] = record ? Json(describe(record->view())) : Json(nullptr);
        const std::string all = std::string("record_") + side;
        json[all] = record ? command::to_json(record->view(), record->index, names) : Json(nullptr);
    };
    one("a", first.a);
    one("b", first.b);
    return json;
}

Json json_of(const Disagreement& disagreement) {
    Json json{{"byte", or_null(disagreement.byte)}, {"consoles", disagreement.consoles}};
    if (disagreement.log) {
        json["by_kind"] = json_of(disagreement.log->by_kind);
        json["by_payload"] = json_of(disagreement.log->by_payload);
    }
    if (disagreement.journal && disagreement.journal->first)
        json["journal"] = json_of(*disagreement.journal->first);
    return json;
}

Json json_of(const Summary& summary) {
    return {{"runs", summary.runs},
            {"complete", summary.complete},
            {"identical", summary.identical},
            {"replays", summary.replays},
            {"replays_agreeing", summary.replays_agreeing},
            {"wall_seconds", json_of(summary.wall)},
            {"cpu_seconds", json_of(summary.cpu)},
            {"replay_wall_seconds", json_of(summary.replay_wall)},
            {"events", json_of(summary.events)},
            {"first_difference",
             {{"by_kind", json_of(summary.by_kind)},
              {"by_payload", json_of(summary.by_payload)},
              {"byte", json_of(summary.byte)}}}};
}

Json json_of(const Group& group) {
    Json runs = Json::array();
    for (const RunResult& run : group.runs)
        runs.push_back(run_json(run));
    return {{"name", group.name}, {"summary", json_of(summarize(group))}, {"runs", std::move(runs)}};
}

}  // namespace

Json run_json(const RunResult& run) {
    Json json{{"number", run.number},
              {"directory", run.directory},
              {"agrees", run.agrees()},
              {"same_as", run.same_as},
              {"artifact_bytes", run.artifact_bytes},
              {"events", or_null(run.events)},
              {"record", json_of(run.record)}};
    json["difference"] = run.disagreement ? json_of(*run.disagreement) : Json(nullptr);
    if (run.replay) {
        json["replay"] = json_of(*run.replay);
        json["replay"]["consoles"] = run.replay_consoles;
    }
    return json;
}

std::string json_of(const Outcome& outcome, const Options& options) {
    Json settings = Json::object();
    for (const auto& [name, value] : options.settings)
        settings[name] = value;
    Json groups = Json::array();
    for (const Group& group : outcome.groups)
        groups.push_back(json_of(group));
    Json ratios = Json::array();
    for (const Ratio& ratio : ratios_of(outcome.groups)) {
        ratios.push_back({{"name", ratio.name},
                          {"wall", or_null(ratio.wall)},
                          {"cpu", or_null(ratio.cpu)},
                          {"replay", or_null(ratio.replay)}});
    }
    const Json json{{"format", 1},
                    {"command", options.command},
                    {"settings", std::move(settings)},
                    {"runs_wanted", options.runs},
                    {"verdict", verdict_name(judge(outcome.ordered(), options.runs))},
                    {"trouble", outcome.trouble},
                    {"seconds", outcome.seconds},
                    {"directory", outcome.directory},
                    {"ratios", std::move(ratios)},
                    {"groups", std::move(groups)}};
    // Arguments may be any bytes; JSON is UTF-8.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace escapement::verify
