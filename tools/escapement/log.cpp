// `escapement log`: the events of one recording, and how many there are of each kind.

#include "commands.hpp"
#include "journal_files.hpp"
#include "log_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace escapement::command {

namespace {

constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();

struct LogOptions {
    std::string file;
    std::uint64_t from = 0;
    std::uint64_t from_icount = 0;
    std::uint64_t limit = all;
    std::vector<std::string> kinds;
    bool histogram_only = false;
    bool json = false;
};

/// Which events are to be shown.
class Selection {
  public:
    explicit Selection(const LogOptions& options) : options_(options) {
        for (std::size_t kind = 0; kind < qemu_event_kinds; ++kind) {
            const std::string name = kind_name(static_cast<QemuEventKind>(kind));
            wanted_[kind] =
                options.kinds.empty() ||
                std::any_of(options.kinds.begin(), options.kinds.end(), [&](std::string part) {
                    std::transform(part.begin(), part.end(), part.begin(), [](unsigned char letter) {
                        return static_cast<char>(std::toupper(letter));
                    });
                    return name.find(part) != std::string::npos;
                });
        }
    }

    bool operator()(const QemuEvent& event) {
        if (options_.histogram_only || shown_ >= options_.limit || event.index < options_.from ||
            event.icount < options_.from_icount || !wanted_[static_cast<std::size_t>(event.kind)])
            return false;
        ++shown_;
        return true;
    }

  private:
    const LogOptions& options_;
    std::array<bool, qemu_event_kinds> wanted_{};
    std::uint64_t shown_ = 0;
};

void print_histogram(const QemuLogSummary& summary) {
    fmt::print("{:<32} {:>12} {:>7}\n", "kind", "events", "share");
    std::vector<std::size_t> kinds;
    for (std::size_t kind = 0; kind < qemu_event_kinds; ++kind) {
        if (summary.by_kind[kind] > 0) kinds.push_back(kind);
    }
    std::stable_sort(kinds.begin(), kinds.end(),
                     [&](std::size_t a, std::size_t b) { return summary.by_kind[a] > summary.by_kind[b]; });
    for (const std::size_t kind : kinds) {
        fmt::print("{:<32} {:>12} {:>6.2f}%\n", kind_name(static_cast<QemuEventKind>(kind)),
                   summary.by_kind[kind],
                   100.0 * static_cast<double>(summary.by_kind[kind]) / static_cast<double>(summary.events));
    }
    fmt::print("{:<32} {:>12}\n\n{} guest instructions, {} bytes\n", "all", summary.events, summary.icount,
               summary.bytes);
}

void show(const LogOptions& options, const QemuEvent& event, bool first) {
    if (options.json) {
        fmt::print("{}\n{}", first ? "" : ",", dump(to_json(record_of(event))));
        return;
    }
    if (first)
        fmt::print("{:>10} {:>10} {:>15}  {:<30} {}\n", "event", "byte", "instructions", "kind", "payload");
    const std::string payload = describe_payload(event);
    // No blanks at the ends of lines.
    fmt::print("{:>10} {:>10} {:>15}  {:<{}}{}{}\n", event.index, event.offset, event.icount,
               kind_name(event.kind), payload.empty() ? 0 : 30, payload.empty() ? "" : " ", payload);
}

int complain(const LogOptions& options, const QemuLogError& error) {
    if (options.json) fmt::print("{}\n", dump({{"error", to_json(error)}}));
    fmt::print(stderr, "escapement log: {}\n", error.text());
    return 2;
}

int run_log(const LogOptions& options) {
    if (is_journal(options.file)) {
        return log_journal({.file = options.file,
                            .from = options.from,
                            .from_clock = options.from_icount,
                            .limit = options.limit,
                            .kinds = options.kinds,
                            .histogram_only = options.histogram_only,
                            .json = options.json});
    }
    auto file = open_log_file(options.file);
    if (!file) return complain(options, file.error());
    auto reader = QemuLogReader::open(*file, options.file);
    if (!reader) return complain(options, reader.error());

    // Events are printed as they are read, in JSON too: a log may be larger than the memory.
    if (options.json) fmt::print("{{\"events\":[");
    QemuLogSummary summary;
    summary.name = options.file;
    Selection selected(options);
    bool first = true;
    QemuEvent event;
    while (reader->next(event)) {
        ++summary.events;
        ++summary.by_kind[static_cast<std::size_t>(event.kind)];
        summary.icount = event.icount;
        summary.bytes = event.offset + 1 + event.payload.size();
        if (!selected(event)) continue;
        show(options, event, first);
        first = false;
    }
    summary.trouble = reader->trouble();
    if (options.json) {
        fmt::print("],\n\"summary\":{}}}\n", dump(to_json(summary)));
    } else {
        if (!first) fmt::print("\n");
        print_histogram(summary);
    }
    if (!finish_output()) return 2;
    if (summary.trouble) {
        fmt::print(stderr, "escapement log: {}\n", summary.trouble->text());
        return 2;
    }
    return 0;
}

}  // namespace

void add_log(CLI::App& app, int& status) {
    auto options = std::make_shared<LogOptions>();
    CLI::App* log = app.add_subcommand(
        "log",
        "Prints the events of a recording (QEMU's rrfile=): number, place in the file, "
        "guest instructions so far, kind and payload; then how many of each kind. Or the "
        "records of a journal: number, participant, clock, operation, and the place in the "
        "code where one was recorded.");
    log->footer(
        "Exit status: 0 the log was read to its end; 2 trouble (no such file, not a log, another version,\n"
        "not closed, cut, damaged: what could be read is printed, and what is wrong is told with its "
        "place).");
    log->add_option("FILE", options->file, "The recording")->required();
    log->add_option("--from", options->from, "Begin with event number N")->option_text("N");
    log->add_option("--from-icount", options->from_icount,
                    "Begin when N guest instructions have run; of a journal: only clocks from N on")
        ->option_text("N");
    log->add_option("--limit", options->limit, "Print at most N events (the histogram counts all)")
        ->option_text("N");
    log->add_option("--kind", options->kinds, "Only kinds whose name contains TEXT; may be given again")
        ->option_text("TEXT")
        ->allow_extra_args(false);
    log->add_flag("--histogram", options->histogram_only, "Only the histogram");
    log->add_flag("--json", options->json, "One JSON object: events, summary");
    log->callback([options, &status] { status = run_log(*options); });
}

}  // namespace escapement::command
