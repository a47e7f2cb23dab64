#pragma once
// Running another program to its end, with a limit on its time and an account of what it used.
//
//     auto interruption = escapement::Interruption::begin();
//     escapement::ChildRequest request;
//     request.arguments = {"qemu-system-x86_64", "-version"};
//     request.standard_output = "/tmp/version.txt";
//     request.time_limit = std::chrono::seconds{10};
//     auto end = escapement::run_child(request, *interruption);
//     if (!end) fmt::print(stderr, "{}\n", end.error());
//
// Promise: when run_child returns, the program and everything in its process group are gone, however it
// ended. The program also ends when the process that waits for it dies. Its standard input is empty
// (/dev/null): it runs unattended. Units: times are nanoseconds of the monotonic clock and of CPU time;
// memory is bytes. Errors: text fit for a user, without a trailing newline; nothing is thrown. Threads: one
// Interruption a process, begun while the process has one thread. run_child may be called from any thread,
// and from several at once with the same Interruption, but the program ends with the thread that called it.

#include <tl/expected.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace escapement {

/// While it lives, SIGINT, SIGTERM and SIGHUP (unless that is ignored, as under nohup) are noted instead of
/// ending the process, and end what run_child runs.
class Interruption {
  public:
    static tl::expected<Interruption, std::string> begin();

    Interruption(Interruption&& other) noexcept;
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;
    Interruption& operator=(Interruption&&) = delete;
    ~Interruption();

    /// The number of the first signal that came, or 0. May be called from several threads.
    int signal();

    /// Becomes readable when a signal comes. For poll(2) only.
    int descriptor() const { return descriptor_; }

  private:
    explicit Interruption(int descriptor) : descriptor_(descriptor) {}

    int descriptor_ = -1;
    std::atomic<int> signal_ = 0;
};

struct ChildRequest {
    std::vector<std::string> arguments;  ///< arguments[0] is looked for in PATH when it has no slash
    std::string standard_output;         ///< a file, made or emptied; "" is /dev/null
    std::string standard_error;          ///< likewise; may be the same file
    std::optional<std::chrono::nanoseconds> time_limit;
    std::set<unsigned> cpus;  ///< the program runs on these only; none: on those that the caller may use
    /// How long a program that must end may take to do so after SIGTERM before SIGKILL follows.
    std::chrono::nanoseconds grace = std::chrono::seconds{2};
    /// Called about five times a second while the program runs. May be empty.
    std::function<void()> on_tick;
};

struct ChildEnd {
    enum class Kind {
        exited,       ///< by itself, `code` is its exit status
        signalled,    ///< by a signal that did not come from here, `code` is its number
        timed_out,    ///< ended because its time was over
        interrupted,  ///< ended because of an Interruption, `code` is the signal's number
    };
    Kind kind = Kind::exited;
    int code = 0;
    std::chrono::nanoseconds wall{0};
    std::chrono::nanoseconds cpu{
        0};  ///< user and system, the program's and that of the children it waited for
    std::uint64_t peak_resident = 0;  ///< of its largest process

    bool succeeded() const { return kind == Kind::exited && code == 0; }
};

/// Runs the program and waits for its end. An error means that it never ran: not found, not executable, its
/// output could not be opened, no more processes.
tl::expected<ChildEnd, std::string> run_child(const ChildRequest& request, Interruption& interruption);

}  // namespace escapement
