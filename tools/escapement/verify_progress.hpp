#pragma once
// Says how far the runs are: a bar on a terminal, a line for every run elsewhere.

#include <chrono>
#include <cstdio>
#include <string>

namespace escapement::verify {

class Progress {
  public:
    /// `executions` is how many there will be in all.
    Progress(std::FILE* out, bool terminal, int executions);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void begin(std::string label);
    void tick();
    /// The execution that was begun is over. On a terminal the bar says enough.
    void finish(const std::string& line);
    /// A line that is shown in any case.
    void note(const std::string& line);

  private:
    void erase();

    std::FILE* out_;
    bool terminal_;
    int executions_;
    int done_ = 0;
    bool drawn_ = false;
    std::string label_;
    std::chrono::steady_clock::time_point start_;
    std::chrono::steady_clock::time_point begun_;
};

/// `[######......] 6 of 12, counted 3: 4 s, about 1 min 20 s left`. The rest is told from the second
/// execution on.
std::string progress_bar(int done, int executions, const std::string& label, std::chrono::seconds current,
                         std::chrono::seconds total);

/// True if `out` is a terminal that can redraw a line.
bool is_terminal(std::FILE* out);

}  // namespace escapement::verify
