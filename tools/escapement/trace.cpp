// `escapement trace`: a journal as a trace for Perfetto or Chrome.

#include "commands.hpp"
#include "journal_files.hpp"
#include "log_files.hpp"
#include "trace_events.hpp"
#include "trace_tracks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>

#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <system_error>

namespace escapement::command {

namespace {

struct TraceOptions {
    std::string journal;
    std::string output;
    std::uint64_t from = 0;
    std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
    bool no_operations = false;
};

int complain(const std::string& text) {
    fmt::print(stderr, "escapement trace: {}\n", text);
    return 2;
}

struct FileEnd {
    void operator()(std::FILE* file) const {
        if (file != stdout) std::fclose(file);
    }
};

/// A trace tells what a program did, so it is not for everybody (umask(2) may make that less). Null: errno.
std::FILE* open_for_writing(const std::string& path) {
    constexpr mode_t mode = 0640;
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, mode);
    return descriptor < 0 ? nullptr : ::fdopen(descriptor, "w");
}

/// Whether participants take turns, as far as the beginning tells.
bool has_turns(JournalReader& reader) {
    constexpr int far_enough = 200'000;
    JournalRecord record;
    for (int n = 0; n < far_enough && reader.next(record); ++n) {
        if (record.kind == JournalRecordKind::turn) return true;
    }
    return false;
}

int run_trace(const TraceOptions& options) {
    JournalFile journal;
    if (const auto error = open_journal(journal, options.journal)) return complain(error->text());
    auto reader = JournalReader::open(journal, options.journal);
    if (!reader) return complain(reader.error().text());
    const bool turns = has_turns(*reader);
    if (!journal.rewind())
        return complain(escaped(options.journal) + ": cannot be read twice; a trace needs a file");
    reader = JournalReader::open(journal, options.journal);
    if (!reader) return complain(reader.error().text());

    errno = 0;
    const std::unique_ptr<std::FILE, FileEnd> file(options.output == "-" ? stdout
                                                                         : open_for_writing(options.output));
    if (!file)
        return complain(fmt::format("{}: cannot be written: {}", escaped(options.output),
                                    std::generic_category().message(errno)));
    TraceEvents events(file.get());
    const std::string command(reader->header().command_line);
    events.name_process(command.empty() ? options.journal : command);
    TraceTracks tracks(events, {.turns = turns, .operations = !options.no_operations});
    JournalRecord record;
    std::uint64_t shown = 0;
    while (shown < options.limit && reader->next(record)) {
        // What comes before the part that is wanted still tells names.
        const bool tells = record.kind == JournalRecordKind::role ||
                           record.kind == JournalRecordKind::module ||
                           record.kind == JournalRecordKind::created;
        const bool wanted = reader->index() >= options.from;
        if (wanted) ++shown;
        if (wanted || tells) tracks.see(record);
    }
    tracks.end();
    if (!events.end()) return complain(escaped(options.output) + ": could not be written to its end");
    if (reader->trouble()) return complain(reader->trouble()->text());
    return 0;
}

}  // namespace

void add_trace(CLI::App& app, int& status) {
    auto options = std::make_shared<TraceOptions>();
    CLI::App* trace = app.add_subcommand(
        "trace",
        "Turns a journal into a trace that ui.perfetto.dev or chrome://tracing shows: a track for each\n"
        "participant (running, waiting for what, outside), arrows for turns handed on and for wake-ups, and "
        "the\n"
        "clocks. One count is shown as one nanosecond: of all participants together where they take turns, "
        "of\n"
        "each one's own clock where they run at the same time.");
    trace->footer(
        "Exit status: 0 all of the journal is in the trace; 2 trouble (what could be read is in the trace).");
    trace->add_option("JOURNAL", options->journal, "The journal")->required();
    trace->add_option("-o,--output", options->output, "Where the trace goes; -: standard output")
        ->type_name("FILE")
        ->required();
    trace->add_option("--from", options->from, "Begin with record number N")->option_text("N");
    trace->add_option("--limit", options->limit, "Show at most N records")->option_text("N");
    trace->add_flag("--no-operations", options->no_operations, "Leave out the marks of single operations");
    trace->callback([options, &status] { status = run_trace(*options); });
}

}  // namespace escapement::command
