// `escapement verify`: runs a command again and again and says whether it came out the same.

#include "commands.hpp"
#include "log_files.hpp"
#include "verify_options.hpp"
#include "verify_plan.hpp"
#include "verify_report.hpp"
#include "verify_session.hpp"
#include "verify_table.hpp"

#include <escapement/child_process.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace escapement::command {
namespace {

constexpr int exit_agree = 0;
constexpr int exit_differ = 1;
constexpr int exit_trouble = 2;
constexpr int exit_signal = 128;

constexpr const char* description =
    "escapement verify [OPTIONS] -- COMMAND [ARGUMENTS]...\n"
    "\n"
    "Runs COMMAND N times under `escapement run` and says whether every run came out the same.\n"
    "\n"
    "In COMMAND, {} stands for the file that a run makes, and {dir} for a directory of its own:\n"
    "  escapement verify -n 5 -- qemu-system-x86_64 ... -icount shift=7,rr=record,rrfile={}\n"
    "The files are compared byte for byte; of QEMU's recordings it is said at which event they part.\n"
    "\n"
    "Consoles are compared too. The files into which a QEMU writes what the guest says (-serial file:PATH,\n"
    "-chardev file,path=PATH, logfile=PATH, ...) are found in COMMAND and go to each run's own directory, so "
    "PATH\n"
    "itself is not written; -serial stdio makes standard output a console. For another program, or a QEMU "
    "inside a\n"
    "script, let it write to {dir}/NAME and name that with --console. COMMAND runs without a terminal and "
    "without\n"
    "input.";

constexpr const char* exit_statuses =
    "Exit status: 0 if every run agrees; 1 if two differ, or a run says of itself that it is not "
    "reproducible;\n"
    "2 if a run did not end with exit status 0, did not end in time, or nothing could be run. Runs of stock "
    "and\n"
    "tick-tock do not count: that they differ is expected. If anything is wrong, the files of all runs are "
    "kept, and\n"
    "it is said where.";

/// Options of CLI11 hold references, so these live as long as the command line does.
struct Arguments {
    verify::Options options;
    std::string against;
    double seconds = 0;
    std::vector<std::pair<std::string, std::string>> passed{{"policy", ""}, {"quantum", ""}, {"clock", ""},
                                                            {"time", ""},   {"seed", ""},    {"pin", ""}};
};

int complain(const std::string& text) {
    fmt::print(stderr, "escapement verify: {}\n", escaped(text));
    return exit_trouble;
}

int write_reports(const verify::Outcome& outcome, const verify::Options& options) {
    int status = 0;
    const auto write = [&status](const std::string& path, const std::string& text) {
        if (path.empty()) return;
        const auto written = verify::write_whole(path, text);
        if (!written) status = complain(written.error());
    };
    if (!options.json.empty()) write(options.json, verify::json_of(outcome, options));
    if (!options.junit.empty()) write(options.junit, verify::junit_of(outcome, options));
    return status;
}

int exit_status(const verify::Outcome& outcome, const verify::Options& options) {
    if (outcome.signal != 0) return exit_signal + outcome.signal;
    if (!outcome.trouble.empty()) return exit_trouble;
    switch (verify::judge(outcome.ordered(), options.runs)) {
        case verify::Verdict::agree:
            return exit_agree;
        case verify::Verdict::differ:
            return exit_differ;
        case verify::Verdict::trouble:
            break;
    }
    return exit_trouble;
}

int verify_command(const verify::Options& options) {
    const auto plan = verify::make_plan(options.command, options.consoles);
    if (!plan) return complain(plan.error());
    if (options.replay && plan->replay.empty()) {
        return complain("--replay needs rr=record in COMMAND, which it turns into rr=replay");
    }
    if (options.runs < 2 && !options.replay) {
        return complain("one run has nothing to be compared with: give -n 2 or more, or --replay");
    }
    for (const std::string& path : {options.json, options.junit}) {
        if (path.empty()) continue;
        if (const std::string reason = verify::cannot_write(path); !reason.empty()) return complain(reason);
    }
    auto interruption = Interruption::begin();
    if (!interruption) return complain(interruption.error());

    const verify::Outcome outcome = verify::run_session(options, *plan, *interruption);
    if (outcome.signal != 0) {
        complain(fmt::format("interrupted by signal {}", outcome.signal));
        return exit_status(outcome, options);
    }
    if (verify::summarize(outcome.ordered()).complete > 0) {
        fmt::print("{}\n{}", verify::table_of(outcome.groups), verify::conclusion_of(outcome, options));
        if (std::fflush(stdout) != 0) return complain("cannot write to standard output");
    }
    if (!outcome.trouble.empty()) complain(outcome.trouble);
    if (!outcome.directory.empty())
        fmt::print(stderr, "The files of all runs are in {}\n", outcome.directory);
    const int reports = write_reports(outcome, options);
    return reports != 0 ? reports : exit_status(outcome, options);
}

}  // namespace

void add_verify(CLI::App& app, const Command& command, int& status) {
    CLI::App* verify = app.add_subcommand("verify", description);
    auto arguments = std::make_shared<Arguments>();
    verify::Options& options = arguments->options;

    verify->add_option("-n,--runs", options.runs, "How many runs")
        ->option_text("N (5)")
        ->check(CLI::Range(1, 100'000));
    verify->add_flag("--replay", options.replay,
                     "Also replay each recording (rr=record becomes rr=replay) and compare the consoles");
    verify
        ->add_option(
            "--against", arguments->against,
            "stock: also run COMMAND without Escapement, and under tick-tock, in turn, and compare times")
        ->check(CLI::IsMember({"stock"}))
        ->option_text("stock");
    verify
        ->add_option("--timeout", arguments->seconds,
                     "Seconds after which a run is killed, and counts as failed")
        ->check(CLI::Range(0.001, 1e7))
        ->option_text("SECONDS");
    verify
        ->add_option("--console", options.consoles,
                     "A console file that COMMAND writes, with {dir} in its name; may be repeated")
        ->allow_extra_args(false)
        ->option_text("FILE");
    verify
        ->add_option("--keep", options.keep,
                     "Keep the files of all runs in this directory, which must be new or empty")
        ->option_text("DIR");
    verify->add_option("--json", options.json, "Write everything that is known to this file")
        ->option_text("FILE");
    verify->add_option("--junit", options.junit, "Write JUnit XML to this file")->option_text("FILE");
    for (auto& [name, value] : arguments->passed) {
        verify->add_option("--" + name, value, "Passed on to `escapement run`")->option_text("VALUE");
    }
    verify->footer(exit_statuses);

    verify->callback([arguments, &command, &status] {
        require_command(command);
        arguments->options.command = command;
        arguments->options.against_stock = !arguments->against.empty();
        if (arguments->seconds > 0) {
            arguments->options.time_limit = std::chrono::duration_cast<std::chrono::nanoseconds>(
                std::chrono::duration<double>(arguments->seconds));
        }
        for (const auto& setting : arguments->passed) {
            if (!setting.second.empty()) arguments->options.settings.push_back(setting);
        }
        status = verify_command(arguments->options);
    });
}

}  // namespace escapement::command
