#pragma once
// Another program as a test sees it: started with an environment, a directory and an input of its own, sent
// signals, and waited for.
//
//     Process process({.arguments = {"sleep", "1"}});
//     process.send(SIGTERM);
//     const Ended ended = process.wait();
//
// Errors end the test. The program and its process group are gone when the Process is.

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

namespace programs {

struct Start {
    std::vector<std::string> arguments = {};
    std::vector<std::string> more_environment = {};  ///< NAME=VALUE
    std::string directory = {};                      ///< "": the test's own
    int input = -1;                                  ///< descriptor; -1: /dev/null
    std::chrono::seconds limit{20};                  ///< then it is killed and the test fails
};

struct Ended {
    int status = -1;  ///< exit status, or 128 + signal as a shell has it
    bool signalled = false;
    std::string output;
    std::string errors;
    std::chrono::milliseconds wall{0};
};

class Process {
  public:
    explicit Process(const Start& start);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    [[nodiscard]] pid_t id() const { return id_; }
    void send(int signal) const;
    /// Waits until its output (or errors) hold `text`.
    void wait_for(const std::string& text) const;
    Ended wait();

  private:
    [[nodiscard]] std::string text_of(int file) const;

    pid_t id_ = -1;
    int output_ = -1;
    int errors_ = -1;
    std::chrono::seconds limit_;
    std::chrono::steady_clock::time_point began_;
};

Ended run(const Start& start);

/// Keeps the CPUs busy while it lives.
class Load {
  public:
    Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load();

  private:
    std::vector<pid_t> workers_;
};

/// A directory that is gone with this.
class Scratch {
  public:
    Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch();
    [[nodiscard]] std::string path(const std::string& name = "") const;

  private:
    std::string path_;
};

}  // namespace programs
