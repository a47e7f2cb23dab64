// `escapement diff`: where two recordings of the same run first differ, by kind and by payload, and why.

#include "commands.hpp"
#include "journal_files.hpp"
#include "log_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

namespace escapement::command {

namespace {

using Json = nlohmann::ordered_json;

struct DiffOptions {
    std::string a;
    std::string b;
    std::size_t context = 6;
    bool json = false;
};

const char* verdict_name(Divergence::Verdict verdict) {
    switch (verdict) {
        case Divergence::Verdict::identical:
            return "identical";
        case Divergence::Verdict::different:
            return "different";
        case Divergence::Verdict::unknown:
            break;
    }
    return "unknown";
}

int exit_status(Divergence::Verdict verdict) {
    switch (verdict) {
        case Divergence::Verdict::identical:
            return 0;
        case Divergence::Verdict::different:
            return 1;
        case Divergence::Verdict::unknown:
            break;
    }
    return 2;
}

Json to_json(const EventPair& pair) {
    const auto one = [](const std::optional<QemuEventRecord>& event) {
        return event ? command::to_json(*event) : Json();
    };
    return {{"a", one(pair.a)}, {"b", one(pair.b)}};
}

Json to_json(const std::optional<Difference>& difference) {
    if (!difference) return {};
    Json context = Json::array();
    for (const EventPair& pair : difference->context)
        context.push_back(to_json(pair));
    return {{"index", difference->index},
            {"phase", phase_name(difference->phase)},
            {"cause", cause_name(difference->cause)},
            {"why", difference->why},
            {"events", to_json(difference->events)},
            {"position", difference->position},
            {"context", std::move(context)}};
}

Json to_json(const Divergence& divergence) {
    Json payloads = Json::array();
    for (const PayloadDifferences& payload : divergence.payloads) {
        payloads.push_back({{"kind", kind_name(payload.kind)},
                            {"count", payload.count},
                            {"first", payload.first},
                            {"cause", cause_name(payload.cause)}});
    }
    return {{"verdict", verdict_name(divergence.verdict)},  {"a", command::to_json(divergence.a)},
            {"b", command::to_json(divergence.b)},          {"by_kind", to_json(divergence.by_kind)},
            {"by_payload", to_json(divergence.by_payload)}, {"payloads", std::move(payloads)}};
}

/// An event as it stands in its column.
std::string cell(const std::optional<QemuEventRecord>& event) {
    constexpr std::size_t widest = 64;
    if (!event) return "(cannot be read on)";
    std::string text = fmt::format("{} {}", event->icount, kind_name(event->kind));
    if (const std::string payload = describe_payload(*event); !payload.empty()) text += " " + payload;
    if (text.size() > widest) text.replace(widest - 3, std::string::npos, "...");
    return text;
}

void print_difference(const char* title, const std::optional<Difference>& difference) {
    if (!difference) {
        fmt::print("\nFirst difference by {}: none\n", title);
        return;
    }
    const auto& [a, b] = difference->events;
    fmt::print(
        "\nFirst difference by {}: event {}, after {} guest instructions in A and {} in B; phase: {}\n",
        title, difference->index, a ? a->icount : 0, b ? b->icount : 0, phase_name(difference->phase));
    fmt::print("Likely cause: {}. {}\n\n", cause_name(difference->cause), difference->why);
    std::size_t width = 1;
    for (const EventPair& pair : difference->context)
        width = std::max(width, cell(pair.a).size());
    fmt::print("  {:>10}  {:<{}} | {}\n", "event", "A: instructions, kind, payload", width, "B");
    for (std::size_t i = 0; i < difference->context.size(); ++i) {
        const EventPair& pair = difference->context[i];
        const bool here = i == difference->position;
        fmt::print("{} {:>10}  {:<{}} {} {}\n", here ? '>' : ' ', pair.a ? pair.a->index : pair.b->index,
                   cell(pair.a), width, here ? '#' : '|', cell(pair.b));
    }
}

void print_text(const Divergence& divergence) {
    for (const auto& [letter, log] : {std::pair{'A', &divergence.a}, std::pair{'B', &divergence.b}}) {
        fmt::print("{}: {}: {} events, {} guest instructions, {} bytes\n", letter, escaped(log->name),
                   log->events, log->icount, log->bytes);
    }
    switch (divergence.verdict) {
        case Divergence::Verdict::identical:
            fmt::print("Identical to the last byte.\n");
            return;
        case Divergence::Verdict::unknown:
            fmt::print("No difference up to where a log can no longer be read.\n");
            return;
        case Divergence::Verdict::different:
            break;
    }
    print_difference("kind", divergence.by_kind);
    print_difference("payload", divergence.by_payload);
    if (divergence.payloads.empty()) return;
    fmt::print("\nPayloads that differ {}:\n",
               divergence.by_kind ? "before the kinds part" : "in logs whose kinds are the same");
    for (const PayloadDifferences& payload : divergence.payloads)
        fmt::print("  {:<30} {:>10} times, first at event {}\n", kind_name(payload.kind), payload.count,
                   payload.first);
}

int complain(const DiffOptions& options, const QemuLogError& error) {
    if (options.json) fmt::print("{}\n", dump({{"error", command::to_json(error)}}));
    fmt::print(stderr, "escapement diff: {}\n", error.text());
    return 2;
}

int run_diff(const DiffOptions& options) {
    // If only one is a journal, what is said of the other is that it is none.
    if (is_journal(options.a) || is_journal(options.b))
        return diff_journals(options.a, options.b, options.context, options.json);
    auto a = open_log_file(options.a);
    if (!a) return complain(options, a.error());
    auto b = open_log_file(options.b);
    if (!b) return complain(options, b.error());
    const auto divergence = compare_qemu_logs(*a, options.a, *b, options.b, {options.context});
    if (!divergence) return complain(options, divergence.error());

    if (options.json) {
        fmt::print("{}\n", dump(to_json(*divergence)));
    } else {
        print_text(*divergence);
    }
    if (!finish_output()) return 2;
    for (const QemuLogSummary* log : {&divergence->a, &divergence->b}) {
        if (log->trouble) fmt::print(stderr, "escapement diff: {}\n", log->trouble->text());
    }
    return exit_status(divergence->verdict);
}

}  // namespace

void add_diff(CLI::App& app, int& status) {
    auto options = std::make_shared<DiffOptions>();
    CLI::App* diff = app.add_subcommand(
        "diff",
        "Finds where two recordings (QEMU's rrfile=) of the same run first "
        "differ: by kind (from there on they do not\n"
        "tell of the same events) and by payload (before that: same events, "
        "other values), with the events around\n"
        "it, how far the guest was, and the likely cause. Or where two journals do: participant, operation,\n"
        "object, clock, the place in the code, and what both did before.");
    diff->footer(
        "Exit status: 0 the logs are identical; 1 they differ; 2 trouble (one is missing, not a log, of "
        "another\n"
        "version, or cannot be read to its end and no difference was found before that).");
    diff->add_option("A", options->a, "A recording, or a journal")->required();
    diff->add_option("B", options->b, "Another recording of the same run")->required();
    diff->add_option("--context", options->context,
                     "Show N events before and after a difference (6; at most 64)")
        ->option_text("N")
        ->check(CLI::Range(0, 64));
    diff->add_flag("--json", options->json,
                   "One JSON object: verdict, a, b, by_kind, by_payload, payloads; of journals: verdict, a, "
                   "b, headers, first");
    diff->callback([options, &status] { status = run_diff(*options); });
}

}  // namespace escapement::command
