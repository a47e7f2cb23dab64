// `escapement run`: becomes COMMAND, with the preload library before it.

#include "clock_choice.hpp"
#include "commands.hpp"
#include "journal_beginning.hpp"
#include "log_files.hpp"
#include "preload_library.hpp"
#include "profiled_clock.hpp"
#include "program.hpp"
#include "qemu_options.hpp"

#include <escapement/placement.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/personality.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace escapement::command {

namespace {

struct RunOptions {
    std::string policy = "counted";
    std::optional<std::uint64_t> quantum;
    std::string clock = "auto";
    bool clock_asked_for = false;
    std::string event = "auto";
    std::optional<std::uint64_t> margin;
    std::string profile;
    std::string time = "virtual";
    std::uint64_t seed = 1;
    std::string pin = "auto";
    bool says_where = false;  ///< --pin was given, so its answer is wanted
    std::optional<std::string> statistics;
    std::string journal;
    std::string replay;
    std::vector<std::string> command;
};

constexpr int trouble = 125;  // as env(1), nohup(1) and timeout(1) have it; 126 and 127 likewise

int fail(int status, const std::string& line) {
    fmt::print(stderr, "escapement: {}\n", escaped(line));
    return status;
}

void set(const char* name, const std::string& value) {
    setenv(name, value.c_str(), 1);
}

std::string cpu_numbers(const std::set<unsigned>& cpus) {
    return fmt::format("{}", fmt::join(cpus, ","));
}

/// Chooses CPUs, says so if that was asked for, and tells the preload library, which binds the process once
/// it knows that it will be ordered there, or lets it run where it could before. No CPUs: any.
tl::expected<std::set<unsigned>, std::string> place(const RunOptions& options, const std::string& library) {
    set("ESCAPEMENT_CPUS", "none");
    set("ESCAPEMENT_ALLOWED", "none");
    const bool says_where = options.says_where || options.statistics == "-";
    if (options.pin == "none") return std::set<unsigned>{};
    if (options.pin == "auto" && options.policy == "free") {
        if (says_where)
            fmt::print(stderr, "escapement: on any CPU (without an order threads run side by side)\n");
        return std::set<unsigned>{};
    }
    const auto allowed = allowed_cpus();
    if (!allowed) return tl::unexpected(allowed.error());
    const auto placement =
        options.pin == "auto" ? claim_serial(*allowed, library) : parse_cpus(options.pin, *allowed);
    if (!placement) return tl::unexpected("--pin: " + placement.error());
    if (says_where) {
        fmt::print(stderr, "escapement: on CPU{} {} ({})\n", placement->cpus.size() == 1 ? "" : "s",
                   format_cpus(placement->cpus), placement->reason);
    }
    set("ESCAPEMENT_CPUS", cpu_numbers(placement->cpus));
    set("ESCAPEMENT_ALLOWED", cpu_numbers(*allowed));
    return placement->cpus;
}

/// Tells the preload library what clocks count. Hardware counts are chosen here, where libpfm4 is at hand, on
/// the CPUs where the program will run.
tl::expected<void, std::string> set_clock(const RunOptions& options, const std::filesystem::path& program,
                                          const std::set<unsigned>& cpus) {
    for (const char* const name : {"EVENT", "EVENT_NAME", "ALARM", "MARGIN"})
        unsetenv(fmt::format("ESCAPEMENT_{}", name).c_str());
    std::string clock = options.clock;
    // A QEMU may report its own count, which only its process can tell; and it is no worse off without.
    const bool tries = clock == "auto" && options.policy == "counted" && !is_qemu(program.string());
    if (clock == "perf" || tries) {
        const auto chosen = choose_clock({.event = options.event,
                                          .margin = options.margin,
                                          .profile = options.profile,
                                          .cpus = cpus,
                                          .wanted = clock == "perf"});
        if (!chosen && chosen.error().ends_run)
            return tl::unexpected((tries ? "" : "--clock perf: ") + chosen.error().reason);
        clock = chosen ? "perf" : "operations";
        if (chosen) {
            set("ESCAPEMENT_EVENT", encode(chosen->clock.code));
            set("ESCAPEMENT_EVENT_NAME", chosen->clock.name);
            set("ESCAPEMENT_ALARM", encode(chosen->alarm.code));
            set("ESCAPEMENT_MARGIN", std::to_string(chosen->margin));
        }
        if ((tries && options.clock_asked_for) || options.statistics == "-") {
            fmt::print(stderr, "escapement: clock: {} ({})\n", clock,
                       chosen ? chosen->reason : chosen.error().reason);
        }
    }
    set("ESCAPEMENT_CLOCK", clock);
    // Counts differ with addresses: how far a string is from a page's end, how deep the stack begins.
    if (clock == "perf" || clock == "stepped") personality(ADDR_NO_RANDOMIZE);
    return {};
}

/// Addresses are the same in recording and replay: what a program does may depend on them.
void set_journal(const RunOptions& options) {
    unsetenv("ESCAPEMENT_JOURNAL");
    unsetenv("ESCAPEMENT_COMMAND");
    const bool replays = !options.replay.empty();
    if (!replays && options.journal.empty()) return;
    set("ESCAPEMENT_JOURNAL",
        (replays ? "replay:" : "record:") +
            std::filesystem::absolute(replays ? options.replay : options.journal).string());
    set("ESCAPEMENT_COMMAND", quoted(options.command));
    personality(ADDR_NO_RANDOMIZE);
}

/// The environment's size moves the stack, and what hardware counts depends on that. What may differ between
/// runs that are to be the same (where files lie, which CPUs) takes the same room together.
void set_filler() {
    constexpr std::size_t step = 2048;
    std::size_t size = 0;
    for (const char* const name :
         {"ESCAPEMENT_CPUS", "ESCAPEMENT_ALLOWED", "ESCAPEMENT_JOURNAL", "ESCAPEMENT_STATS"}) {
        if (const char* const value = std::getenv(name)) size += std::strlen(value);
    }
    set("ESCAPEMENT_FILLER", std::string(step - size % step, '-'));
}

int run(const RunOptions& options) {
    const auto program = find_program(options.command.front());
    if (!program) {
        const std::string& name = options.command.front();
        std::error_code error;
        const bool exists = name.find('/') != std::string::npos && std::filesystem::exists(name, error);
        return fail(exists ? 126 : 127, program.error());
    }
    const auto library = find_preload_library();
    if (!library) return fail(trouble, library.error());
    if (options.policy != "free") {
        if (const auto possible = check_can_be_ordered(*program); !possible)
            return fail(possible.error().cannot_be_run ? 126 : trouble, possible.error().reason);
    }
    for (const std::string& warning : qemu_warnings(options.command))
        fmt::print(stderr, "escapement: {}\n", escaped(warning));
    const auto cpus = place(options, library->string());
    if (!cpus) return fail(trouble, cpus.error());
    if (const auto clock = set_clock(options, *program, *cpus); !clock) return fail(trouble, clock.error());

    const char* const others = std::getenv("LD_PRELOAD");
    set("LD_PRELOAD",
        others == nullptr || *others == '\0' ? library->string() : library->string() + ":" + others);
    set("ESCAPEMENT_POLICY", options.policy);
    set("ESCAPEMENT_TIME", options.time);
    set_journal(options);
    set("ESCAPEMENT_SEED", std::to_string(options.seed));
    // As long for every process: the environment's size moves the stack.
    set("ESCAPEMENT_PID", fmt::format("{:010}", getpid()));
    // 0: that of the clock. A replay knows the journal's.
    set("ESCAPEMENT_QUANTUM", fmt::format("{:020}", options.quantum.value_or(0)));
    const std::string statistics = options.statistics.value_or("none");
    set("ESCAPEMENT_STATS", !options.statistics || statistics == "-"
                                ? statistics
                                : std::filesystem::absolute(statistics).string());
    set_filler();
    std::vector<char*> arguments;
    arguments.reserve(options.command.size() + 1);
    for (const std::string& argument : options.command)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    execv(program->c_str(), arguments.data());
    return fail(126, fmt::format("{}: {}", program->string(), std::strerror(errno)));
}

}  // namespace

namespace {

/// What the journal is of and the command line does not say. Whether the two agree is seen when the program
/// begins, where all is known.
tl::expected<void, std::string> adopt_journal(const CLI::App& command, RunOptions& options) {
    if (options.journal.empty() && options.replay.empty()) return {};
    if (options.policy == "free")
        return tl::unexpected(std::string(
            "--policy free has no order to record or to replay; leave out --journal and --replay"));
    if (options.replay.empty()) return {};
    const auto recorded = read_journal_beginning(options.replay);
    if (!recorded) return tl::unexpected(recorded.error());
    if (recorded->command != quoted(options.command)) {
        return tl::unexpected(
            fmt::format("{} is the journal of another command: {}", options.replay, recorded->command));
    }
    const auto given = [&command](const char* option) { return command.count(option) != 0; };
    if (!given("--policy")) options.policy = recorded->policy;
    if (!given("--quantum")) options.quantum = recorded->quantum;
    if (!given("--clock")) options.clock = recorded->clock;
    if (!given("--event") && !recorded->event.empty()) options.event = recorded->event;
    if (!given("--time")) options.time = recorded->time;
    if (!given("--seed")) options.seed = recorded->seed;
    return {};
}

}  // namespace

void add_run(CLI::App& app, const Command& command_line, int& status) {
    auto options = std::make_shared<RunOptions>();
    CLI::App* const command = app.add_subcommand(
        "run",
        "escapement run [OPTIONS] -- COMMAND [ARGUMENTS]...\n\n"
        "Run COMMAND with its threads in order: the same every time.\n"
        "The process becomes COMMAND: its exit status and signals are its own. Status 125: "
        "escapement failed,\n126: COMMAND cannot be run, 127: it was not found, 2: the command line is "
        "wrong.");
    command
        ->add_option("--policy", options->policy,
                     "counted: least clock first; ticktock: strict alternation; free: no order")
        ->check(CLI::IsMember({"free", "ticktock", "counted"}))
        ->capture_default_str();
    command
        ->add_option("--quantum", options->quantum,
                     "counts between a thread's boundaries (1000000 if reported or perf, 10000 steps, 1000 "
                     "operations, 100 of a QEMU)")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62U));
    CLI::Option* const clock =
        command
            ->add_option(
                "--clock", options->clock,
                "what a thread's clock counts. reported: guest instructions that QEMU tells; perf: a "
                "hardware event, with turns that end at exact counts; stepped: single steps, exact on "
                "every host and thousands of times slower; operations: ordered operations; auto: "
                "reported, else a hardware event that passes its checks here, else operations")
            ->check(CLI::IsMember({"auto", "reported", "perf", "stepped", "operations"}))
            ->capture_default_str();
    command
        ->add_option("--event", options->event,
                     "of --clock perf: a name as libpfm4 has it, a raw code (r1c4, 4:0x1c4), or auto")
        ->capture_default_str();
    command
        ->add_option("--margin", options->margin,
                     "of --clock perf: counts that an alarm may come late, which are then stepped (default: "
                     "the profile's, or four times what is seen in a trial)")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{10'000'000}));
    command
        ->add_option("--profile", options->profile,
                     "what `escapement calibrate` wrote for this host, from which --clock perf and auto take "
                     "event, alarm and margin; none: check events at launch (default: the profile in its "
                     "standard place, if there is one)")
        ->option_text("FILE|none");
    command->add_option("--time", options->time, "virtual: a function of the clocks; real: the host's")
        ->check(CLI::IsMember({"virtual", "real"}))
        ->capture_default_str();
    command->add_option("--seed", options->seed, "of the generator behind getrandom and /dev/urandom")
        ->capture_default_str();
    command
        ->add_option_function<std::string>(
            "--pin",
            [options](const std::string& pin) {
                options->pin = pin;
                options->says_where = true;
            },
            "auto: one physical core, of the fastest type; none: anywhere; or a list of CPUs such as 0-3,8. "
            "Given, it says what was chosen and why, as --stats does")
        ->default_str("auto");
    command->add_flag("--stats{-}", options->statistics,
                      "say at the end what the order did: as text, or with =FILE as JSON");
    CLI::Option* const journal = command->add_option("--journal", options->journal,
                                                     "write into FILE what the threads do and what comes "
                                                     "from outside. (QEMU has its own: -icount …,rr=record)");
    journal->type_name("FILE");
    CLI::Option* const replay = command->add_option(
        "--replay", options->replay,
        "do again what FILE says, of the same command, with the input that it had; ends with status 125 and "
        "a "
        "report where COMMAND does something else. Options that are not given are the journal's");
    replay->type_name("FILE")->excludes(journal);
    // An empty name is a script's variable that was never set: not as if the option had not been given.
    for (CLI::Option* const file : {journal, replay})
        file->check([](const std::string& name) { return name.empty() ? "the file's name is empty" : ""; });
    command->callback([options, command, clock, &command_line, &status] {
        require_command(command_line);
        options->command = command_line;
        options->clock_asked_for = clock->count() != 0;
        if (const auto adopted = adopt_journal(*command, *options); !adopted) {
            status = fail(trouble, adopted.error());
            return;
        }
        status = run(*options);
    });
}

}  // namespace escapement::command
