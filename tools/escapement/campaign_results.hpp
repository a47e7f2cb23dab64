#pragma once
// The directory that holds all of a campaign's results.
//
//     plan.json                  the plan, every key of it: the directory belongs to that plan and no other
//     runs/CELL/RUN.json         a file for each finished run
//     references/CELL/           the files of the run that the cell's others are compared with
//     different/CELL-RUN/        the files of some runs that differ
//     work/                      of runs under way; slurm/: what was submitted; lock
//
// A run is finished when its file is there. Until then it leaves nothing that matters.

#include "campaign_record.hpp"

#include <escapement/campaign.hpp>

#include <tl/expected.hpp>

#include <set>
#include <string>
#include <vector>

namespace escapement::campaign {

class Results {
  public:
    /// Of `plan`, at `path`, which is made if it does not exist. An error if it belongs to another plan, or
    /// is something else.
    static tl::expected<Results, std::string> of_plan(const std::string& path, const Plan& plan);
    /// What is at `path`, whatever its plan.
    static tl::expected<Results, std::string> at(const std::string& path);

    [[nodiscard]] const Plan& plan() const { return plan_; }
    [[nodiscard]] const std::vector<Cell>& cells() const { return cells_; }
    [[nodiscard]] const std::string& path() const { return path_; }

    /// The finished ones.
    [[nodiscard]] tl::expected<std::vector<Record>, std::string> records() const;
    [[nodiscard]] tl::expected<void, std::string> put(const Run& run, const std::string& text) const;
    /// Forgets a run that is finished.
    void forget(const Run& run) const;

    /// A new directory for a run's files; its name is as long as every other's, because a program's arguments
    /// move its stack.
    [[nodiscard]] tl::expected<std::string, std::string> make_work(const Run& run) const;
    /// Removes what runs left that were cut short. Only while none is under way.
    void clear_work() const;
    [[nodiscard]] std::string reference_of(const Run& run) const;
    /// Makes `directory` the files that the run's cell is compared with; false if there are such already.
    [[nodiscard]] tl::expected<bool, std::string> make_reference(const Run& run,
                                                                 const std::string& directory) const;
    /// Keeps `directory`, of a run that differs, unless enough of its cell are kept; where it is then, or "".
    [[nodiscard]] std::string keep(const Run& run, const std::string& directory) const;
    /// A sentence if there is no space left for files, else "".
    [[nodiscard]] std::string shortage() const;

  private:
    Results(std::string path, Plan plan);
    [[nodiscard]] std::string file_of(const Run& run) const;

    std::string path_;
    Plan plan_;
    std::vector<Cell> cells_;
};

}  // namespace escapement::campaign
