// The journal's beginning: of which domain it is, and whether a replay is of the same.

#include "journal.hpp"

#include <cstring>

namespace escapement::link {

namespace {

constexpr std::uint64_t flag_linked = 2;  // 1 is real time, of `escapement run`
constexpr std::uint64_t flag_parallel = 4;

const char* policy_name(const Settings& settings) {
    return settings.policy == ESCAPEMENT_TICKTOCK ? "ticktock" : "counted";
}

JournalHeader header_of(const Settings& settings) {
    return {.policy = policy_name(settings),
            .quantum = settings.quantum,
            .clock_source = settings.counts_reports ? "reported" : "operations",
            .flags = flag_linked | (settings.mode == ESCAPEMENT_PARALLEL ? flag_parallel : 0)};
}

/// The rest of the options on which a run depends.
JournalRecord beginning_of(const Settings& settings) {
    return {.kind = JournalRecordKind::random_seed,
            .object = static_cast<ObjectNumber>(settings.ns_per_count),
            .result = settings.start,
            .value = settings.seed};
}

std::string unordered(const Settings& settings) {
    if (settings.policy == ESCAPEMENT_FREE)
        return "escapement: policy free has no order that a journal could hold: choose counted or ticktock\n";
    if (settings.real_time)
        return "escapement: a journal is of virtual time: real time is not the same again\n";
    return "";
}

}  // namespace

std::unique_ptr<Journal> Journal::create(const char* path, const Settings& settings, std::string& refusal) {
    if (refusal = unordered(settings); !refusal.empty()) return nullptr;
    std::unique_ptr<Journal> made(new Journal(path));
    if (const int error = made->file_.create(path); error != 0) {
        refusal =
            std::string("escapement: cannot write the journal ") + path + ": " + std::strerror(error) + "\n";
        return nullptr;
    }
    made->writer_.emplace(made->file_, header_of(settings));
    made->writer_->record(beginning_of(settings));
    return made;
}

std::unique_ptr<Journal> Journal::follow(const char* path, Settings& settings, bool any_mode,
                                         std::string& refusal) {
    if (refusal = unordered(settings); !refusal.empty()) return nullptr;
    std::unique_ptr<Journal> made(new Journal(path));
    if (const int error = made->file_.open(path); error != 0) {
        refusal =
            std::string("escapement: cannot read the journal ") + path + ": " + std::strerror(error) + "\n";
        return nullptr;
    }
    auto reader = JournalReader::open(made->file_, path);
    if (!reader) {
        refusal = "escapement: " + reader.error().text() + "\n";
        return nullptr;
    }
    made->reader_.emplace(std::move(*reader));
    made->cursor_.emplace(*made->reader_, ReplayOptions{.in_order = true, .compare_results = true});
    if (refusal = made->refuse_other_options(settings, any_mode); !refusal.empty()) return nullptr;
    made->poll_ends_.emplace();
    if (!made->poll_ends_->open(path)) {
        refusal = std::string("escapement: cannot read the journal ") + path + " a second time\n";
        return nullptr;
    }
    return made;
}

std::string Journal::refuse_other_options(Settings& settings, bool any_mode) {
    const JournalHeader& then = reader_->header();
    if (any_mode && then.policy == "counted")
        settings.mode = (then.flags & flag_parallel) != 0 ? ESCAPEMENT_PARALLEL : ESCAPEMENT_SERIAL;
    const JournalHeader now = header_of(settings);
    const auto refuse = [&](const char* what, std::string_view recorded, std::string_view here) {
        return "escapement: " + path_ + " cannot be replayed so: it is of " + what + " '" +
               std::string(recorded) + "', this is '" + std::string(here) + "'\n";
    };
    const auto mode = [](std::uint64_t flags) {
        return (flags & flag_parallel) != 0 ? "parallel" : "serial";
    };
    const auto number = [](auto value) { return std::to_string(value); };
    if ((then.flags & flag_linked) == 0) return refuse("program", then.command_line, "a linked domain");
    if (then.policy != now.policy) return refuse("policy", then.policy, now.policy);
    if (mode(then.flags) != mode(now.flags)) return refuse("mode", mode(then.flags), mode(now.flags));
    if (then.clock_source != now.clock_source) return refuse("clock", then.clock_source, now.clock_source);
    if (then.quantum != now.quantum) return refuse("quantum", number(then.quantum), number(now.quantum));
    const JournalRecord* const begins = cursor_->front();
    const JournalRecord here = beginning_of(settings);
    if (begins == nullptr) return text_of(cursor_->divergence_at(here));
    if (begins->kind != here.kind) return refuse("beginning", describe(*begins), describe(here));
    if (begins->value != here.value) return refuse("seed", number(begins->value), number(here.value));
    if (begins->object != here.object)
        return refuse("nanoseconds per count", number(begins->object), number(here.object));
    if (begins->result != here.result) return refuse("start", number(begins->result), number(here.result));
    (void)cursor_->skip();
    return "";
}

}  // namespace escapement::link
