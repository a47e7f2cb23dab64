#include "process.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

namespace programs {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (const std::string& each : strings)
        result.push_back(const_cast<char*>(each.c_str()));
    result.push_back(nullptr);
    return result;
}

}  // namespace

Process::Process(const Start& start)
    : output_(memfd_create("output", MFD_CLOEXEC)),
      errors_(memfd_create("errors", MFD_CLOEXEC)),
      limit_(start.limit),
      began_(std::chrono::steady_clock::now()) {
    REQUIRE(output_ >= 0);
    REQUIRE(errors_ >= 0);
    std::vector<std::string> environment = start.more_environment;
    for (char** each = environ; *each != nullptr; ++each)
        environment.emplace_back(*each);
    const std::vector<char*> arguments = pointers(start.arguments);
    const std::vector<char*> variables = pointers(environment);
    id_ = fork();
    REQUIRE(id_ >= 0);
    if (id_ != 0) {
        setpgid(id_, id_);
        return;
    }
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int input = start.input >= 0 ? start.input : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (dup2(input, 0) < 0 || dup2(output_, 1) < 0 || dup2(errors_, 2) < 0) _exit(98);
    if (!start.directory.empty() && chdir(start.directory.c_str()) != 0) _exit(98);
    execvpe(arguments[0], arguments.data(), variables.data());
    _exit(98);
}

Process::~Process() {
    if (id_ > 0) {
        kill(-id_, SIGKILL);
        waitpid(id_, nullptr, 0);
    }
    close(output_);
    close(errors_);
}

void Process::send(int signal) const {
    REQUIRE(kill(id_, signal) == 0);
}

std::string Process::text_of(int file) const {
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t got = pread(file, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
        if (got <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

void Process::wait_for(const std::string& text) const {
    const auto limit = std::chrono::steady_clock::now() + limit_;
    while (text_of(output_).find(text) == std::string::npos &&
           text_of(errors_).find(text) == std::string::npos) {
        INFO("output: " << text_of(output_) << "errors: " << text_of(errors_));
        REQUIRE(std::chrono::steady_clock::now() < limit);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

Ended Process::wait() {
    Ended ended;
    int status = 0;
    bool late = false;
    while (waitpid(id_, &status, WNOHANG) == 0) {
        if (!late && std::chrono::steady_clock::now() - began_ > limit_) {
            late = true;
            kill(-id_, SIGKILL);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ended.wall =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
    kill(-id_, SIGKILL);  // what it left behind
    id_ = -1;
    ended.signalled = WIFSIGNALED(status);
    ended.status = ended.signalled ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    ended.output = text_of(output_);
    ended.errors = text_of(errors_);
    INFO("output: " << ended.output << "errors: " << ended.errors);
    REQUIRE_FALSE(late);  // it did not end by itself
    return ended;
}

Ended run(const Start& start) {
    return Process(start).wait();
}

Load::Load() {
    for (unsigned worker = 0; worker < std::thread::hardware_concurrency(); ++worker) {
        const pid_t id = fork();
        REQUIRE(id >= 0);
        if (id == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;) {
                volatile unsigned spin = 0;
                spin = spin + 1;
            }
        }
        workers_.push_back(id);
    }
}

Load::~Load() {
    for (const pid_t id : workers_) {
        kill(id, SIGKILL);
        waitpid(id, nullptr, 0);
    }
}

Scratch::Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "escapement-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

Scratch::~Scratch() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
}

std::string Scratch::path(const std::string& name) const {
    return name.empty() ? path_ : path_ + "/" + name;
}

}  // namespace programs
