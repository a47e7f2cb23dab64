#include "campaign_slurm.hpp"

#include "campaign_files.hpp"
#include "own_program.hpp"
#include "verify_compare.hpp"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace escapement::campaign {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Answer {
    int status = 0;
    std::string output;
    std::string errors;
};

/// What one of Slurm's commands says.
tl::expected<Answer, std::string> ask(const Results& results, std::vector<std::string> arguments,
                                      Interruption& interruption) {
    const std::string output = fmt::format("{}/slurm/answer.{}", results.path(), getpid());
    ChildRequest request;
    request.arguments = std::move(arguments);
    request.standard_output = output;
    request.standard_error = output + ".errors";
    request.time_limit = std::chrono::minutes{2};
    const auto end = run_child(request, interruption);
    Answer answer;
    if (const auto text = get_file(request.standard_output)) answer.output = *text;
    if (const auto text = get_file(request.standard_error)) answer.errors = *text;
    std::error_code ignored;
    fs::remove(request.standard_output, ignored);
    fs::remove(request.standard_error, ignored);
    if (!end)
        return tl::unexpected(end.error() + ": --engine slurm needs Slurm's commands (Debian: slurm-client)");
    if (!end->succeeded()) {
        const std::string words = answer.errors.substr(0, answer.errors.find('\n'));
        return tl::unexpected(fmt::format("{}: {}", request.arguments.front(),
                                          words.empty() ? "failed" : verify::printable(words, 300)));
    }
    return answer;
}

/// By which Slurm finds the jobs of this directory again, and of no other.
std::string job_name(const Results& results) {
    return fmt::format("escapement-{:016x}", XXH3_64bits(results.path().data(), results.path().size()));
}

std::string quoted(const std::string& text) {
    std::string quoted = "'";
    for (const char letter : text)
        quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return quoted + "'";
}

/// The first number of what `sbatch --parsable` says: "JOB" or "JOB;CLUSTER".
tl::expected<std::string, std::string> job_of(const Answer& answer) {
    const std::string job = answer.output.substr(0, answer.output.find_first_not_of("0123456789"));
    if (job.empty()) return tl::unexpected(std::string("sbatch: did not say the number of the job"));
    return job;
}

std::vector<std::string> sbatch(const Results& results, const char* log) {
    std::vector<std::string> arguments{"sbatch", "--parsable", "--job-name=" + job_name(results),
                                       fmt::format("--output={}/slurm/{}", results.path(), log)};
    const auto& options = results.plan().slurm.options;
    arguments.insert(arguments.end(), options.begin(), options.end());
    return arguments;
}

}  // namespace

std::vector<std::vector<Run>> tasks_of(const std::vector<Run>& runs, std::uint64_t most_tasks) {
    const std::size_t count = std::min<std::size_t>(runs.size(), most_tasks);
    std::vector<std::vector<Run>> tasks(count);
    for (std::size_t task = 0; task < count; ++task) {
        const auto bound = [&](std::size_t number) {
            return runs.begin() + static_cast<std::ptrdiff_t>(number * runs.size() / count);
        };
        tasks[task].assign(bound(task), bound(task + 1));
    }
    return tasks;
}

std::string write_tasks(const std::vector<std::vector<Run>>& tasks) {
    Json json = Json::array();
    for (const auto& task : tasks) {
        Json runs = Json::array();
        for (const Run& run : task)
            runs.push_back({run.cell, run.number});
        json.push_back(std::move(runs));
    }
    return json.dump() + '\n';
}

tl::expected<std::vector<Run>, std::string> read_task(const std::string& text, std::size_t task) {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_array()) return tl::unexpected(std::string("it is no list of tasks"));
    if (task >= json.size())
        return tl::unexpected(fmt::format("there is no task {}: there are {}", task, json.size()));
    std::vector<Run> runs;
    for (const Json& run : json[task]) {
        if (!run.is_array() || run.size() != 2 || !run[0].is_number_unsigned() ||
            !run[1].is_number_unsigned())
            return tl::unexpected(std::string("it is no list of tasks"));
        runs.push_back({run[0].get<std::size_t>(), run[1].get<std::uint64_t>()});
    }
    return runs;
}

tl::expected<std::vector<std::string>, std::string> jobs_under_way(const Results& results,
                                                                   Interruption& interruption) {
    std::error_code error;
    fs::create_directory(results.path() + "/slurm", error);
    const auto answer =
        ask(results, {"squeue", "--noheader", "--name=" + job_name(results), "--format=%F"}, interruption);
    if (!answer) return tl::unexpected(answer.error());
    std::vector<std::string> jobs;
    std::istringstream lines(answer->output);
    for (std::string job; lines >> job;) {
        if (std::find(jobs.begin(), jobs.end(), job) == jobs.end()) jobs.push_back(job);
    }
    return jobs;
}

tl::expected<Submission, std::string> submit(const Results& results, const std::vector<Run>& runs,
                                             Interruption& interruption) {
    Submission submission;
    const auto tasks = tasks_of(runs, results.plan().slurm.most_tasks);
    submission.tasks = tasks.size();
    if (tasks.empty()) return submission;
    const auto self = command::own_program();
    if (!self) return tl::unexpected(self.error());
    const std::string list = results.path() + "/slurm/tasks.json";
    if (auto put = put_file(list, write_tasks(tasks)); !put) return tl::unexpected(put.error());

    const Limits& limits = results.plan().limits;
    std::vector<std::string> array = sbatch(results, "%A-%a.log");
    array.push_back(fmt::format("--array=0-{}{}", tasks.size() - 1,
                                limits.jobs > 0 ? fmt::format("%{}", limits.jobs) : std::string()));
    array.push_back(fmt::format("--cpus-per-task={}", limits.cpus_per_run));
    if (limits.memory_mib > 0) array.push_back(fmt::format("--mem={}M", limits.memory_mib));
    array.push_back(fmt::format("--wrap=exec {} campaign task {} --list {} --task \"$SLURM_ARRAY_TASK_ID\"",
                                quoted(*self), quoted(results.path()), quoted(list)));
    const auto first = ask(results, std::move(array), interruption);
    if (!first) return tl::unexpected(first.error());
    const auto job = job_of(*first);
    if (!job) return tl::unexpected(job.error());
    submission.array = *job;

    std::vector<std::string> merge = sbatch(results, "%j-merge.log");
    merge.push_back("--dependency=afterany:" + submission.array);
    merge.push_back(fmt::format("--wrap=exec {0} campaign report {1} -o {2} --json {3}", quoted(*self),
                                quoted(results.path()), quoted(results.path() + "/report.html"),
                                quoted(results.path() + "/summary.json")));
    const auto second = ask(results, std::move(merge), interruption);
    if (!second) return tl::unexpected(second.error());
    if (const auto after = job_of(*second)) submission.merge = *after;
    return submission;
}

void forget_slurm_environment() {
    std::vector<std::string> names;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view text(*variable);
        const bool of_slurm = text.rfind("SLURM", 0) == 0 || text.rfind("SBATCH", 0) == 0;
        if (of_slurm) names.emplace_back(text.substr(0, text.find('=')));
    }
    for (const std::string& name : names)
        unsetenv(name.c_str());
}

}  // namespace escapement::campaign
