// `escapement calibrate`: measures this host's counters, says what can be built on them, and keeps that.

#include "calibrate_session.hpp"
#include "commands.hpp"
#include "verify_progress.hpp"

#include <escapement/placement.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <memory>

namespace escapement::command {

namespace {

constexpr const char* description =
    "escapement calibrate [OPTIONS]\n"
    "\n"
    "Measures which of this host's hardware counters threads can be ordered and stopped by, and with what\n"
    "margin. The profile that this makes is what `escapement run --clock perf` goes by on this host.";

constexpr const char* exit_statuses =
    "Exit status: 0 if a counter is fit for exact boundaries, or at least for an order; 3 if no hardware "
    "count is\n"
    "to be had here, and the profile names what to use instead; 2 for trouble. With --check: 0 if nothing "
    "drifted,\n"
    "or no more than times did, which a busy host moves and no order rests on; 1 if counts, alarms or the\n"
    "verdict did; 2 for trouble, of which one is that the profile is of another host or kernel.\n"
    "\n"
    "The profile's standard place is $XDG_CONFIG_HOME/escapement/profile.json, or "
    "~/.config/escapement/profile.json.";

std::string now_in_utc() {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

tl::expected<std::vector<unsigned>, std::string> cpus_named(const std::string& list) {
    if (list.empty()) return std::vector<unsigned>{};
    const auto allowed = allowed_cpus();
    if (!allowed) return tl::unexpected(allowed.error());
    const auto parsed = parse_cpus(list, *allowed);
    if (!parsed) return tl::unexpected("--cpus: " + parsed.error());
    return std::vector<unsigned>(parsed->cpus.begin(), parsed->cpus.end());
}

CalibrateHost this_host() {
    CalibrateHost host;
    host.measure = [](const CalibrationOptions& options,
                      const std::function<void(const CalibrationProgress&)>& progress) {
        const std::unique_ptr<Workbench> workbench = host_workbench();
        return calibrate(*workbench, options, progress);
    };
    host.fingerprint = host_fingerprint;
    host.drift = drift;
    host.standard_path = standard_profile_path;
    host.time = now_in_utc;
    host.err_is_terminal = verify::is_terminal(stderr);
    return host;
}

/// Options of CLI11 hold references, so these live as long as the command line does.
struct Arguments {
    CalibrateRequest request;
    bool quick = false;
    bool thorough = false;
    std::string cpus;
};

}  // namespace

void add_calibrate(CLI::App& app, int& status) {
    CLI::App* const command = app.add_subcommand("calibrate", description);
    auto arguments = std::make_shared<Arguments>();
    CalibrateRequest& request = arguments->request;
    const auto given =
        CLI::Validator([](const std::string& path) { return path.empty() ? "is empty" : ""; }, "");

    command
        ->add_option("-o,--output", request.output,
                     "Where to write the profile, instead of its standard place")
        ->option_text("PROFILE")
        ->check(given);
    command->add_option("--report", request.report, "Also write a report for people: one HTML file")
        ->option_text("FILE")
        ->check(given);
    CLI::Option* const quick =
        command->add_flag("--quick", arguments->quick, "Take under 10 s, instead of under 60");
    CLI::Option* const thorough =
        command->add_flag("--thorough", arguments->thorough, "Take as long as the confidence asks for");
    CLI::Option* const confidence =
        command
            ->add_option("--confidence", request.options.confidence,
                         "Of --thorough: how sure to be that no alarm comes later than the margin (0.9999)")
            ->option_text("P")
            ->check(CLI::Range(0.5, 0.9999999));
    command->add_option("--cpus", arguments->cpus, "Only the core types of these CPUs, such as 0-3,8")
        ->option_text("LIST")
        ->check(given);
    command
        ->add_option(
            "--event", request.options.events,
            "Try this event instead of those known for the CPU: a name as libpfm4 has it, or a raw code "
            "(r1c4, 4:0x1c4); may be repeated")
        ->allow_extra_args(false)
        ->option_text("NAME")
        ->check(given);
    CLI::Option* const check =
        command
            ->add_option(
                "--check", request.check,
                "Measure again, with this profile's effort, and say what drifted; writes no profile, unless "
                "-o is given")
            ->option_text("PROFILE")
            ->check(given);
    command->add_flag("--json", request.json, "Print the profile instead of the table");
    quick->excludes(thorough);
    confidence->needs(thorough);
    check->excludes(quick)->excludes(thorough);
    command->footer(exit_statuses);

    command->callback([arguments, &status] {
        const auto cpus = cpus_named(arguments->cpus);
        if (!cpus) throw CLI::ValidationError(cpus.error());
        CalibrationOptions& options = arguments->request.options;
        options.cpus = *cpus;
        using Effort = CalibrationOptions::Effort;
        options.effort = arguments->quick      ? Effort::quick
                         : arguments->thorough ? Effort::thorough
                                               : Effort::standard;
        status = calibrate_session(arguments->request, this_host());
    });
}

}  // namespace escapement::command
