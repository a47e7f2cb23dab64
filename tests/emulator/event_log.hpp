#pragma once
// What happened in the machine, and at which of the guest's instructions: what QEMU's record/replay writes
// down.
//
// One line an event: the number of guest instructions retired before it, the event, its values. If two runs
// of the same guest differ, they differ here first.
//
// Units: instructions. Errors: what cannot be written ends the emulator. Thread safety: the machine's mutex.

#include "fail.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

namespace emulator {

class EventLog {
  public:
    /// Without a path nothing is written.
    explicit EventLog(const std::string& path) : path_(path) {
        if (path.empty()) return;
        file_.open(path, std::ios::trunc);
        if (!file_) fail(wrong_usage, "cannot write the log ", path, ": ", std::strerror(errno));
    }
    template <typename... Values>
    void write(std::uint64_t instructions, const char* event, const Values&... values) {
        if (path_.empty()) return;
        file_ << instructions << ' ' << event;
        ((file_ << ' ' << values), ...);
        file_ << '\n';
        if (!file_) fail(trouble, "cannot write the log ", path_, ": ", std::strerror(errno));
    }

  private:
    std::string path_;
    std::ofstream file_;
};

}  // namespace emulator
