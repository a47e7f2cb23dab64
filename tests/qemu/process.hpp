#pragma once
// A process of a test: started in a process group of its own, and gone with everything in it when the object
// is.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace escapement::qemu_tests {

struct Command {
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment{};  ///< added to the test's own
    std::filesystem::path directory{};                               ///< to run in; "" is the test's own
    std::filesystem::path output{};                                  ///< files; "" is /dev/null
    std::filesystem::path errors{};
    int input = -1;        ///< a descriptor to read from; -1 is /dev/null
    bool any_cpu = false;  ///< not only the CPU that this test has for itself
};

class Process {
  public:
    explicit Process(const Command& command);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// To everything in the group.
    void send(int signal) const;

    /// Waits for the end for at most so many seconds: the exit status, or 128 + the signal's number.
    std::optional<int> wait(double seconds);

    /// What each thread does, a line each: its name, its state, what it waits for in the kernel, and what it
    /// was signalled. For who looks into a process that does not end.
    std::string threads() const;

  private:
    pid_t process_ = -1;
    std::optional<int> status_;
};

/// Runs to the end; -1 if that does not come within so many seconds.
int run(const Command& command, double seconds = 60);

double seconds_now();
void sleep_seconds(double seconds);

}  // namespace escapement::qemu_tests
