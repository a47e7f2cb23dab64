#pragma once
// The engine for many machines: a Slurm job array, and a job that puts the results together when it is over.

#include "campaign_results.hpp"

#include <escapement/child_process.hpp>

#include <tl/expected.hpp>

#include <string>
#include <vector>

namespace escapement::campaign {

/// The runs of each task: in their order, as evenly as can be, no more than `most_tasks` tasks.
std::vector<std::vector<Run>> tasks_of(const std::vector<Run>& runs, std::uint64_t most_tasks);

/// A task's runs, as submitted to Slurm and read back by the task: JSON.
std::string write_tasks(const std::vector<std::vector<Run>>& tasks);
tl::expected<std::vector<Run>, std::string> read_task(const std::string& text, std::size_t task);

struct Submission {
    std::string array;  ///< Slurm's number of the array, or "" if there was nothing to do
    std::string merge;  ///< and of the job that comes after it
    std::size_t tasks = 0;
};

/// Submits `runs`. Errors: Slurm's own last words.
tl::expected<Submission, std::string> submit(const Results& results, const std::vector<Run>& runs,
                                             Interruption& interruption);

/// Slurm's numbers of this campaign's jobs that wait or run.
tl::expected<std::vector<std::string>, std::string> jobs_under_way(const Results& results,
                                                                   Interruption& interruption);

/// Removes from the environment what Slurm tells a task: it differs from task to task, and its size moves a
/// program's stack.
void forget_slurm_environment();

}  // namespace escapement::campaign
