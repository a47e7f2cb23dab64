#pragma once
// Executes one run and says whether it is complete.

#include "verify_options.hpp"
#include "verify_plan.hpp"
#include "verify_result.hpp"

#include <escapement/child_process.hpp>

#include <tl/expected.hpp>

#include <functional>
#include <string>
#include <vector>

namespace escapement::verify {

class Executor {
  public:
    /// All must outlive the executor.
    Executor(const Options& options, Interruption& interruption, std::function<void()> on_tick);

    /// Runs `command` with its placeholders filled in, in `places`, whose directory exists. Leaves `output`,
    /// `errors` and, if the run was ordered, `statistics.json` in that directory. An error only if nothing
    /// could be run at all.
    tl::expected<Execution, std::string> execute(Mode mode, const std::vector<std::string>& command,
                                                 const Places& places);

    /// What `escapement diff` says of two recordings, also left in `file`; "" if it can say nothing.
    std::string diff(const std::string& a, const std::string& b, const std::string& file);

  private:
    const Options& options_;
    Interruption& interruption_;
    std::function<void()> on_tick_;
};

/// The file in `directory` that receives standard output.
std::string output_of(const std::string& directory);

/// Why a program that ended so is not complete; "" if it is. `errors` is what it wrote to standard error.
std::string explain_end(const ChildEnd& end, const std::string& errors);

}  // namespace escapement::verify
