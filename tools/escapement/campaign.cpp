// `escapement campaign`: many guests under many settings, run again and again; and what came out.

#include "campaign_files.hpp"
#include "campaign_local.hpp"
#include "campaign_results.hpp"
#include "campaign_slots.hpp"
#include "campaign_slurm.hpp"
#include "campaign_summary.hpp"
#include "commands.hpp"
#include "verify_report.hpp"

#include <escapement/child_process.hpp>
#include <escapement/memory.hpp>
#include <escapement/placement.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

namespace escapement::command {
namespace {

using campaign::Commands;
using campaign::Plan;
using campaign::Results;

constexpr int campaign_agrees = 0;
constexpr int campaign_differs = 1;
constexpr int campaign_trouble = 2;
constexpr int campaign_submitted = 3;
constexpr int campaign_signal = 128;

constexpr const char* campaign_description =
    "escapement campaign [OPTIONS] PLAN.json\n"
    "escapement campaign report DIR [-o FILE.html]\n"
    "\n"
    "Runs many guests under many settings again and again, each as `escapement verify` would, and says how "
    "rarely\n"
    "runs differ: \"never diverged in 3,000 runs, so the rate is below 0.10 % with 95 % confidence\".\n"
    "\n"
    "PLAN says which guests (commands), which settings (options of `escapement run`, and what {NAME} in a "
    "command\n"
    "stands for), how many runs of each, and what a run may use:\n"
    "  {\"schema_version\": 1, \"name\": \"boot\", \"runs\": 300, \"stock_runs\": 5,\n"
    "   \"guests\": [{\"name\": \"small\", \"replay\": true, \"command\": [\"qemu-system-x86_64\", ...,\n"
    "                \"-icount\", \"shift={shift},rr=record,rrfile={}\"]}],\n"
    "   \"settings\": {\"shift\": [1, 7], \"quantum\": [100000, 1000000]},\n"
    "   \"limits\": {\"memory_mib\": 600, \"timeout_seconds\": 120}}\n"
    "src/campaign/README.md in the sources has every key.\n"
    "\n"
    "Every finished run is a file in the results' directory. The same command again goes on where it was\n"
    "ended, however it was ended: no finished run is lost, and none is made again.";

constexpr const char* campaign_statuses =
    "Exit status: 0 if all runs were made and none differs; 1 if runs differ, or say of themselves that they "
    "are\n"
    "not reproducible; 2 for trouble: a bad plan, a directory of another plan, a run that is not complete; 3 "
    "if\n"
    "Slurm has runs still to make; 128 and the signal's number if it was ended. Stock runs do not count.";

struct CampaignOptions {
    std::string plan;
    std::string directory;
    std::string engine;
    std::uint64_t jobs = 0;
    bool retry_failed = false;
    bool wait = false;
};

struct ReportOptions {
    std::string directory;
    std::string html;
    std::string json;
};

struct TaskOptions {
    std::string directory;
    std::string list;
    std::size_t task = 0;
};

int campaign_complain(const std::string& text) {
    fmt::print(stderr, "escapement campaign: {}\n", text);
    return campaign_trouble;
}

/// What the runs so far mean, as an exit status.
int status_of(const campaign::Summary& summary) {
    if (summary.differing > 0) return campaign_differs;
    return summary.whole() ? campaign_agrees : campaign_trouble;
}

int print_summary(const Results& results, const std::vector<campaign::Record>& records) {
    const auto summary = campaign::summarize(results.cells(), records);
    fmt::print("{}", campaign::summary_table(results.plan(), summary));
    if (std::fflush(stdout) != 0) return campaign_complain("cannot write to standard output");
    return status_of(summary);
}

/// A campaign's results are beside its plan, unless another place is given.
std::string directory_of(const CampaignOptions& options) {
    if (!options.directory.empty()) return options.directory;
    std::filesystem::path path(options.plan);
    if (path.extension() == ".json") path.replace_extension();
    return path.string() + ".results";
}

int local_campaign(const Results& results, const Commands& commands, const CampaignOptions& options,
                   std::vector<campaign::Record> records, Interruption& interruption) {
    const auto allowed = allowed_cpus();
    if (!allowed) return campaign_complain(allowed.error());
    const auto cores = choose_parallel(static_cast<unsigned>(allowed->size()), *allowed);
    if (!cores) return campaign_complain(cores.error());
    campaign::Limits limits = results.plan().limits;
    if (options.jobs > 0) limits.jobs = options.jobs;
    const auto slots = campaign::choose_slots(limits, cores->cpus, available_memory());
    if (!slots) return campaign_complain(slots.error());
    results.clear_work();
    fmt::print(stderr, "{}: {} at once, {}; results in {}\n", results.plan().name, slots->cpus.size(),
               slots->reason, results.path());

    const auto end = campaign::run_locally(results, commands, campaign::runs_of(results.cells()),
                                           std::move(records), slots->cpus, interruption);
    if (end.signal != 0) {
        campaign_complain(
            fmt::format("ended by signal {} with {} runs made; the same command goes on from there",
                        end.signal, end.records.size()));
        return campaign_signal + end.signal;
    }
    const int status = print_summary(results, end.records);
    if (!end.trouble.empty()) return campaign_complain(end.trouble);
    return status;
}

int slurm_campaign(const Results& results, const CampaignOptions& options, Interruption& interruption) {
    // Between this look and the next submission nobody else submits: the directory is locked.
    auto jobs = campaign::jobs_under_way(results, interruption);
    if (!jobs) return campaign_complain(jobs.error());
    auto records = results.records();
    if (!records) return campaign_complain(records.error());
    if (jobs->empty()) {
        std::set<campaign::Run> finished;
        for (const campaign::Record& record : *records)
            finished.insert(record.run);
        std::vector<campaign::Run> missing;
        for (const campaign::Run& run : campaign::runs_of(results.cells())) {
            if (!finished.contains(run)) missing.push_back(run);
        }
        if (missing.empty()) return print_summary(results, *records);
        results.clear_work();
        const auto submission = campaign::submit(results, missing, interruption);
        if (!submission) return campaign_complain(submission.error());
        fmt::print(stderr, "{}: {} runs in {} tasks are Slurm's array {}; then {} writes {}/report.html\n",
                   results.plan().name, missing.size(), submission->tasks, submission->array,
                   submission->merge, results.path());
    } else {
        fmt::print(stderr, "{}: {} runs are made; Slurm is at work: {}\n", results.plan().name,
                   records->size(), fmt::join(*jobs, ", "));
    }
    if (!options.wait) {
        fmt::print(stderr, "The same command again tells how far it is; with --wait it waits for the end.\n");
        return campaign_submitted;
    }
    do {
        for (int tenth = 0; tenth < 20 && interruption.signal() == 0; ++tenth)
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
        if (const int signal = interruption.signal(); signal != 0) {
            campaign_complain(fmt::format("ended by signal {}; Slurm goes on: scancel ends it", signal));
            return campaign_signal + signal;
        }
        jobs = campaign::jobs_under_way(results, interruption);
        if (!jobs && interruption.signal() == 0) return campaign_complain(jobs.error());
    } while (!jobs || !jobs->empty());
    records = results.records();
    if (!records) return campaign_complain(records.error());
    return print_summary(results, *records);
}

int campaign_command(const CampaignOptions& options) {
    if (options.plan.empty())
        return campaign_complain("which plan? escapement campaign PLAN.json, or report DIR");
    const auto text = campaign::get_file(options.plan);
    if (!text) return campaign_complain(text.error());
    const auto plan = campaign::read_plan(*text, options.plan);
    if (!plan) return campaign_complain(plan.error());
    const auto commands = Commands::of(*plan, campaign::cells_of(*plan));
    if (!commands) return campaign_complain(fmt::format("{}: {}", options.plan, commands.error()));
    auto interruption = Interruption::begin();
    if (!interruption) return campaign_complain(interruption.error());
    const auto results = Results::of_plan(directory_of(options), *plan);
    if (!results) return campaign_complain(results.error());
    const auto lock = campaign::FileLock::take(results->path() + "/lock");
    if (!lock) return campaign_complain(lock.error());

    auto records = results->records();
    if (!records) return campaign_complain(records.error());
    if (options.retry_failed) {
        for (const campaign::Record& record : *records) {
            if (!record.complete) results->forget(record.run);
        }
        records = results->records();
        if (!records) return campaign_complain(records.error());
    }
    const bool slurm =
        options.engine.empty() ? plan->engine == campaign::Engine::slurm : options.engine == "slurm";
    if (slurm) return slurm_campaign(*results, options, *interruption);
    if (std::filesystem::exists(results->path() + "/slurm")) {
        const auto jobs = campaign::jobs_under_way(*results, *interruption);
        if (jobs && !jobs->empty())
            return campaign_complain(
                fmt::format("Slurm is at work in {} (job {}): wait for it, or end it by scancel",
                            results->path(), fmt::join(*jobs, ", ")));
    }
    return local_campaign(*results, *commands, options, std::move(*records), *interruption);
}

int report_command(const ReportOptions& options) {
    for (const std::string& path : {options.html, options.json}) {
        if (path.empty()) continue;
        if (const std::string reason = verify::cannot_write(path); !reason.empty())
            return campaign_complain(reason);
    }
    const auto results = Results::at(options.directory);
    if (!results) return campaign_complain(results.error());
    const auto records = results->records();
    if (!records) return campaign_complain(records.error());
    const auto summary = campaign::summarize(results->cells(), *records);
    const auto write = [](const std::string& path, const std::string& text) {
        if (path.empty()) return 0;
        const auto written = verify::write_whole(path, text);
        return written ? 0 : campaign_complain(written.error());
    };
    if (write(options.html, campaign::summary_page(results->plan(), summary)) != 0) return campaign_trouble;
    if (write(options.json, campaign::summary_json(results->plan(), summary)) != 0) return campaign_trouble;
    fmt::print("{}", campaign::summary_table(results->plan(), summary));
    return std::fflush(stdout) == 0 ? 0 : campaign_complain("cannot write to standard output");
}

/// What one task of a job array does: its runs, one after the other.
int task_command(const TaskOptions& options) {
    campaign::forget_slurm_environment();
    const auto text = campaign::get_file(options.list);
    if (!text) return campaign_complain(text.error());
    const auto runs = campaign::read_task(*text, options.task);
    if (!runs) return campaign_complain(fmt::format("{}: {}", options.list, runs.error()));
    const auto results = Results::at(options.directory);
    if (!results) return campaign_complain(results.error());
    for (const campaign::Run& run : *runs) {
        if (run.cell == 0 || run.cell > results->cells().size())
            return campaign_complain(fmt::format("{}: there is no cell {}", options.list, run.cell));
    }
    const auto commands = Commands::of(results->plan(), results->cells());
    if (!commands) return campaign_complain(commands.error());
    auto interruption = Interruption::begin();
    if (!interruption) return campaign_complain(interruption.error());
    auto records = results->records();
    if (!records) return campaign_complain(records.error());
    // Slurm has put the task on its CPUs already.
    const auto end =
        campaign::run_locally(*results, *commands, *runs, std::move(*records), {{}}, *interruption);
    if (end.signal != 0) return campaign_signal + end.signal;
    return end.trouble.empty() ? 0 : campaign_complain(end.trouble);
}

void add_report(CLI::App& campaign, int& status) {
    auto options = std::make_shared<ReportOptions>();
    CLI::App* report = campaign.add_subcommand(
        "report",
        "Prints a table of what is in a directory of results, finished or not, and draws one HTML page.");
    report->add_option("DIR", options->directory, "The results' directory")->required();
    report->add_option("-o,--output", options->html, "Write the page to this file")->option_text("FILE.html");
    report->add_option("--json", options->json, "Write the same as JSON to this file")->option_text("FILE");
    report->footer("Exit status: 0 the report was made, whatever it says; 2 trouble.");
    report->callback([options, &status] { status = report_command(*options); });
}

void add_task(CLI::App& campaign, int& status) {
    auto options = std::make_shared<TaskOptions>();
    CLI::App* task = campaign.add_subcommand("task", "Makes the runs of one task of a job array.");
    task->group("");  // for job scripts, not for people
    task->add_option("DIR", options->directory)->required();
    task->add_option("--list", options->list)->required();
    task->add_option("--task", options->task)->required();
    task->callback([options, &status] { status = task_command(*options); });
}

}  // namespace

void add_campaign(CLI::App& app, int& status) {
    CLI::App* campaign = app.add_subcommand("campaign", campaign_description);
    auto options = std::make_shared<CampaignOptions>();
    campaign->require_subcommand(0, 1);
    campaign->add_option("PLAN", options->plan, "The plan, a JSON file");
    campaign
        ->add_option("-o,--results", options->directory,
                     "The directory for results; else beside PLAN, with .results in place of .json")
        ->option_text("DIR");
    campaign
        ->add_option("--engine", options->engine, "local: this machine; slurm: a job array; else the plan's")
        ->check(CLI::IsMember({"local", "slurm"}))
        ->option_text("local|slurm");
    campaign->add_option("--jobs", options->jobs, "Runs at once on this machine; else the plan's")
        ->check(CLI::Range(1, 100'000))
        ->option_text("N");
    campaign->add_flag("--retry-failed", options->retry_failed,
                       "Make those runs again that were not complete");
    campaign->add_flag("--wait", options->wait, "With Slurm: wait for the end, and print the table");
    campaign->footer(campaign_statuses);
    add_report(*campaign, status);
    add_task(*campaign, status);
    campaign->callback([campaign, options, &status] {
        if (campaign->get_subcommands().empty()) status = campaign_command(*options);
    });
}

}  // namespace escapement::command
