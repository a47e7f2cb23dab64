#pragma once
// One run of a campaign, from its command to its result.

#include "campaign_results.hpp"
#include "verify_plan.hpp"

#include <escapement/child_process.hpp>

#include <tl/expected.hpp>

#include <map>
#include <set>
#include <string>

namespace escapement::campaign {

/// What the cells of a plan execute. Threads may share it.
class Commands {
  public:
    /// An error if a guest has nothing that could be compared.
    static tl::expected<Commands, std::string> of(const Plan& plan, const std::vector<Cell>& cells);
    [[nodiscard]] const verify::Plan& of_cell(std::size_t number) const { return plans_.at(number); }

  private:
    std::map<std::size_t, verify::Plan> plans_;
};

/// True if the cell's runs keep a journal: a run without order has none.
bool keeps_journal(const Plan& plan, const Cell& cell);

struct Made {
    Record record;
    int signal = 0;  ///< it was cut short by this signal, and there is no record
};

/// Makes a run on `cpus` (none: any), compares it with its cell's reference or becomes that, and puts its
/// result among the others. An error if it could not be made at all: then nothing is put.
tl::expected<Made, std::string> make_run(const Results& results, const Commands& commands, const Run& run,
                                         const std::set<unsigned>& cpus, Interruption& interruption);

}  // namespace escapement::campaign
