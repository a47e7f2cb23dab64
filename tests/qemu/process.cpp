#include "process.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

namespace escapement::qemu_tests {

namespace {

/// A CPU that no other test uses at the moment, if there is one: `escapement run` binds a process to one
/// core, and tests that run at the same time would all choose the same.
cpu_set_t claim_cpu() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return allowed;
    cpu_set_t chosen = allowed;
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        CPU_ZERO(&chosen);
        CPU_SET(cpu, &chosen);
        const auto path = std::filesystem::temp_directory_path() /
                          ("escapement-test-cpu-" + std::to_string(getuid()) + "-" + std::to_string(cpu));
        // Held as long as this test program runs.
        const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0) return chosen;
        if (file >= 0) close(file);
    }
    return chosen;
}

int open_for(const std::filesystem::path& path, int flags) {
    return open(path.empty() ? "/dev/null" : path.c_str(), flags | O_CLOEXEC, 0600);
}

[[noreturn]] void become(const Command& command, const cpu_set_t& cpus, const std::vector<char*>& arguments,
                         int output, int errors, pid_t parent) {
    setpgid(0, 0);
    // The test framework has handlers of its own, which are not for this process.
    for (const int each : {SIGTERM, SIGINT, SIGSEGV, SIGABRT, SIGFPE, SIGILL})
        std::signal(each, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    const int input = command.input >= 0 ? command.input : open_for({}, O_RDONLY);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    for (const auto& [name, value] : command.environment)
        setenv(name.c_str(), value.c_str(), 1);
    if (!command.any_cpu) sched_setaffinity(0, sizeof cpus, &cpus);
    if (!command.directory.empty() && chdir(command.directory.c_str()) != 0) _exit(127);
    execvp(arguments.front(), arguments.data());
    _exit(127);
}

}  // namespace

double seconds_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void sleep_seconds(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

Process::Process(const Command& command) {
    static const cpu_set_t mine = claim_cpu();
    const int output = open_for(command.output, O_WRONLY | O_CREAT | O_TRUNC);
    const int errors = command.errors == command.output && !command.output.empty()
                           ? dup(output)
                           : open_for(command.errors, O_WRONLY | O_CREAT | O_TRUNC);
    std::vector<std::string> words = command.arguments;
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    process_ = fork();
    if (process_ == 0) become(command, mine, arguments, output, errors, parent);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    close(output);
    close(errors);
    if (process_ < 0) FAIL("fork: " << std::strerror(errno));
    setpgid(process_, process_);  // here as well: whichever comes first
}

Process::~Process() {
    send(SIGKILL);
    if (!status_) waitpid(process_, nullptr, 0);
}

void Process::send(int signal) const {
    kill(-process_, signal);
}

std::optional<int> Process::wait(double seconds) {
    const double end = seconds_now() + seconds;
    while (!status_) {
        int status = 0;
        const pid_t got = waitpid(process_, &status, WNOHANG);
        if (got == process_) {
            status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        } else if (got < 0 && errno != EINTR) {
            status_ = -1;
        } else if (seconds_now() >= end) {
            return std::nullopt;
        } else {
            sleep_seconds(0.005);
        }
    }
    return status_;
}

std::string Process::threads() const {
    const auto first_line = [](const std::filesystem::path& path) {
        std::string line;
        std::getline(std::ifstream(path), line);
        return line;
    };
    std::string text;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(process_) + "/task", error)) {
        text += first_line(entry.path() / "comm") + ": in " + first_line(entry.path() / "wchan") +
                ", system call " + first_line(entry.path() / "syscall");
        std::ifstream status(entry.path() / "status");
        for (std::string line; std::getline(status, line);) {
            const std::string field = line.substr(0, line.find(':'));
            if (field == "State" || field == "SigPnd" || field == "ShdPnd" || field == "SigBlk")
                text += ", " + line;
        }
        text += '\n';
    }
    return text;
}

int run(const Command& command, double seconds) {
    Process process(command);
    return process.wait(seconds).value_or(-1);
}

}  // namespace escapement::qemu_tests
