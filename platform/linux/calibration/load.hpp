#pragma once
// Load: threads that disturb the one that measures. On its CPU one that takes a part of it, on each of a few
// others one that is always busy; they compute, touch fresh pages, call the system, sleep and wake each other
// up.
//
// Thread safety: one thread. Their signals are blocked: none of the program's own goes to them. Where the
// host gives fewer threads than wanted, there are fewer.

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace escapement {

class Load {
  public:
    Load() = default;
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() { stop(); }
    void start(unsigned own_cpu, const std::set<unsigned>& allowed);
    /// Returns when all of them have ended.
    void stop();

  private:
    void run(unsigned cpu, bool shares_cpu);
    std::atomic<bool> stopping_{false};
    std::vector<std::thread> threads_;
};

}  // namespace escapement
