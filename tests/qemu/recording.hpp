#pragma once
// Recordings and replays of a machine, and the question of all: are they the same to the last byte?

#include "machine.hpp"

#include <functional>

namespace escapement::qemu_tests {

/// A directory of its own for a test; kept, and named, if the test fails (by an exception, as with REQUIRE).
class Workplace {
  public:
    Workplace();
    ~Workplace();
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;

    /// A new directory below it.
    std::filesystem::path directory(const std::string& name);
    const std::filesystem::path& root() const { return root_; }

  private:
    std::filesystem::path root_;
};

struct Run {
    std::filesystem::path directory;
    int status = -1;  ///< -1: did not end in time
    double seconds = 0;
    std::filesystem::path log() const { return directory / "log"; }
    std::string console() const;
    std::string errors() const;
    /// Ordered operations, by its statistics.
    std::uint64_t operations() const;
};

/// What happens while a process runs: called until it has ended.
using Meanwhile = std::function<void(Process&)>;

/// Changes how a run is started.
using Adjust = std::function<void(Command&)>;

struct Conditions {
    Meanwhile meanwhile{};
    Adjust adjust{};
    double limit = 150;  ///< seconds that a run may take
};

Run record(const Machine& machine, Workplace& workplace, const Conditions& conditions = {});
Run replay(const Machine& machine, const Run& recording, Workplace& workplace,
           const Conditions& conditions = {});
Run run_ordered(const Machine& machine, Mode mode, Workplace& workplace, const Conditions& conditions = {});

/// Exit status 0, said what it should, marked reproducible.
void check_ended_well(const Machine& machine, const Run& run);
/// Logs and consoles are the same.
void check_same(const Run& first, const Run& other);
void check_replay(const Machine& machine, const Run& recording, const Run& replay);

/// ESCAPEMENT_TEST_RECORDINGS, or 3.
unsigned recordings();

/// Records several times and replays the first: all the same.
void check_reproducible(const Machine& machine, unsigned count = recordings(),
                        const Conditions& conditions = {});

std::string contents(const std::filesystem::path& file);

}  // namespace escapement::qemu_tests
