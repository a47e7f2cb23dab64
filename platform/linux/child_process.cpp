#include "on_cpu.hpp"

#include <escapement/child_process.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace escapement {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::array noted_signals{SIGINT, SIGTERM, SIGHUP};
constexpr nanoseconds tick = std::chrono::milliseconds{200};

std::string reason(int error) {
    return std::strerror(error);
}

/// A file descriptor that is closed when it goes.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { reset(); }

    int number() const { return number_; }
    void reset() {
        if (number_ >= 0) close(number_);
        number_ = -1;
    }

  private:
    int number_;
};

/// Under nohup, SIGHUP stays ignored: a blocked signal would be noted although it is ignored.
bool is_nohup() {
    struct sigaction action {};
    return sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t noted_set() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : noted_signals) {
        if (number != SIGHUP || !is_nohup()) sigaddset(&set, number);
    }
    return set;
}

/// What the child tells its parent when it could not become the program.
struct Failure {
    enum class Step : int { orphaned, prepare, place, execute } step;
    int error;
};

/// The child's way from fork to the program. Only async-signal-safe calls: the parent may have had threads.
[[noreturn]] void become(char* const* arguments, int input, int output, int error_output, int failure_pipe,
                         pid_t parent, const CpuMask* cpus) {
    const auto fail = [failure_pipe](Failure::Step step, int error) {
        const Failure failure{step, error};
        // If even this fails, the exit status 127 is all that is left to say.
        [[maybe_unused]] const ssize_t written = write(failure_pipe, &failure, sizeof failure);
        _exit(127);
    };
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(Failure::Step::prepare, errno);
    // The parent may have died before the line above took effect.
    if (getppid() != parent) fail(Failure::Step::orphaned, ESRCH);
    if (cpus != nullptr && sched_setaffinity(0, cpus->size(), cpus->get()) != 0)
        fail(Failure::Step::place, errno);
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(error_output, STDERR_FILENO) < 0) {
        fail(Failure::Step::prepare, errno);
    }
    const sigset_t noted = noted_set();
    sigprocmask(SIG_UNBLOCK, &noted, nullptr);
    execvp(arguments[0], arguments);
    fail(Failure::Step::execute, errno);
    _exit(127);
}

tl::unexpected<std::string> cannot_open(const std::string& path, int error) {
    return tl::make_unexpected("cannot write " + path + ": " + reason(error));
}

int open_output(const std::string& path) {
    return open(path.empty() ? "/dev/null" : path.c_str(),
                O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

/// Waits until the failure pipe says that the program started (it closes) or why it did not.
std::optional<Failure> read_failure(int failure_pipe) {
    Failure failure{};
    ssize_t got = 0;
    do {
        got = read(failure_pipe, &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    if (got == static_cast<ssize_t>(sizeof failure)) return failure;
    return std::nullopt;
}

std::string explain(const Failure& failure, const std::string& program) {
    switch (failure.step) {
        case Failure::Step::place:
            return "cannot keep " + program + " on its CPUs: " + reason(failure.error);
        case Failure::Step::execute:
            if (failure.error == ENOENT) {
                return "cannot run " + program + ": no such program" +
                       (program.find('/') == std::string::npos ? " in PATH" : "");
            }
            return "cannot run " + program + ": " + reason(failure.error);
        case Failure::Step::prepare:
        case Failure::Step::orphaned:
            break;
    }
    return "cannot prepare the process for " + program + ": " + reason(failure.error);
}

nanoseconds duration(const timeval& time) {
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

/// Waits for the program, and ends it when its time is over or a signal comes.
class Watch {
  public:
    Watch(const ChildRequest& request, Interruption& interruption, pid_t child, int pidfd,
          steady_clock::time_point start)
        : request_(request), interruption_(interruption), child_(child), pidfd_(pidfd), start_(start) {
        if (request.time_limit) end_at_ = start + *request.time_limit;
    }

    ChildEnd wait() {
        while (!poll_once()) {
            const auto now = steady_clock::now();
            if (!ending_ && interruption_.signal() != 0) begin_ending(ChildEnd::Kind::interrupted, now);
            if (!ending_ && end_at_ && now >= *end_at_) begin_ending(ChildEnd::Kind::timed_out, now);
            if (ending_ && now >= kill_at_) {
                kill(-child_, SIGKILL);
                kill_at_ = now + tick;
            }
            if (request_.on_tick) request_.on_tick();
        }
        return reap();
    }

  private:
    bool poll_once() {
        const auto now = steady_clock::now();
        nanoseconds wait_for = tick;
        if (ending_) {
            wait_for = std::min(wait_for, nanoseconds{kill_at_ - now});
        } else if (end_at_) {
            wait_for = std::min(wait_for, nanoseconds{*end_at_ - now});
        }
        // Once the program is ending, the interruption stays readable and has nothing new to say.
        std::array<pollfd, 2> watched{
            {{pidfd_, POLLIN, 0}, {ending_ ? -1 : interruption_.descriptor(), POLLIN, 0}}};
        const nanoseconds bounded = std::max(wait_for, nanoseconds{std::chrono::milliseconds{1}});
        const timespec timeout{0, static_cast<long>(bounded.count())};
        const int ready = ppoll(watched.data(), watched.size(), &timeout, nullptr);
        return ready > 0 && (watched[0].revents & POLLIN) != 0;
    }

    void begin_ending(ChildEnd::Kind kind, steady_clock::time_point now) {
        ending_ = kind;
        kill_at_ = now + request_.grace;
        kill(-child_, SIGTERM);
        kill(-child_, SIGCONT);  // a stopped process would not notice
    }

    ChildEnd reap() {
        ChildEnd end;
        end.wall = steady_clock::now() - start_;
        // The dead leader is not yet reaped, so its number still names its group and nobody else's.
        kill(-child_, SIGKILL);
        int status = 0;
        rusage usage{};
        while (wait4(child_, &status, 0, &usage) < 0 && errno == EINTR) {
        }
        end.cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
        end.peak_resident = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
        if (ending_) {
            end.kind = *ending_;
            end.code = interruption_.signal();
        } else if (WIFSIGNALED(status)) {
            end.kind = ChildEnd::Kind::signalled;
            end.code = WTERMSIG(status);
        } else {
            end.kind = ChildEnd::Kind::exited;
            end.code = WEXITSTATUS(status);
        }
        return end;
    }

    const ChildRequest& request_;
    Interruption& interruption_;
    pid_t child_;
    int pidfd_;
    steady_clock::time_point start_;
    std::optional<steady_clock::time_point> end_at_;
    steady_clock::time_point kill_at_;
    std::optional<ChildEnd::Kind> ending_;
};

}  // namespace

tl::expected<Interruption, std::string> Interruption::begin() {
    const sigset_t set = noted_set();
    if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) {
        return tl::make_unexpected("cannot hold back signals: " + reason(errno));
    }
    const int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor < 0) {
        const int error = errno;
        sigprocmask(SIG_UNBLOCK, &set, nullptr);
        return tl::make_unexpected("cannot wait for signals: " + reason(error));
    }
    return Interruption(descriptor);
}

Interruption::Interruption(Interruption&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), signal_(other.signal_.load()) {}

Interruption::~Interruption() {
    if (descriptor_ < 0) return;
    close(descriptor_);
    const sigset_t set = noted_set();
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

int Interruption::signal() {
    signalfd_siginfo information{};
    while (read(descriptor_, &information, sizeof information) == static_cast<ssize_t>(sizeof information)) {
        int none = 0;
        signal_.compare_exchange_strong(none, static_cast<int>(information.ssi_signo));
    }
    return signal_;
}

tl::expected<ChildEnd, std::string> run_child(const ChildRequest& request, Interruption& interruption) {
    if (request.arguments.empty() || request.arguments.front().empty()) {
        return tl::make_unexpected(std::string("no program to run"));
    }
    const std::string& program = request.arguments.front();

    const Descriptor input(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (input.number() < 0) return tl::make_unexpected("cannot read /dev/null: " + reason(errno));
    const Descriptor output(open_output(request.standard_output));
    if (output.number() < 0) return cannot_open(request.standard_output, errno);
    const Descriptor error_output(open_output(request.standard_error));
    if (error_output.number() < 0) return cannot_open(request.standard_error, errno);

    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
        return tl::make_unexpected("cannot make a pipe: " + reason(errno));
    const Descriptor failure_read(ends[0]);
    Descriptor failure_write(ends[1]);

    std::vector<char*> arguments;
    arguments.reserve(request.arguments.size() + 1);
    // execvp takes its strings as `char*` for the sake of old C; it does not write to them.
    for (const std::string& argument : request.arguments)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);

    const CpuMask cpus(request.cpus);
    const pid_t parent = getpid();
    const auto start = steady_clock::now();
    const pid_t child = fork();
    if (child < 0) return tl::make_unexpected("cannot make a process for " + program + ": " + reason(errno));
    if (child == 0) {
        become(arguments.data(), input.number(), output.number(), error_output.number(),
               failure_write.number(), parent, request.cpus.empty() ? nullptr : &cpus);
    }
    // Both sides set the group, so that it exists whichever comes first.
    setpgid(child, child);
    failure_write.reset();

    if (const auto failure = read_failure(failure_read.number())) {
        waitpid(child, nullptr, 0);
        return tl::make_unexpected(explain(*failure, program));
    }
    // glibc 2.36 declares pidfd_open without C linkage.
    const Descriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    if (pidfd.number() < 0) {
        const int error = errno;
        kill(-child, SIGKILL);
        waitpid(child, nullptr, 0);
        return tl::make_unexpected("cannot watch the process of " + program + ": " + reason(error));
    }
    return Watch(request, interruption, child, pidfd.number(), start).wait();
}

}  // namespace escapement
