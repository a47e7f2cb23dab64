#include "emulator_run.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

namespace emulator_tests {

namespace {

// A run takes a tenth of a second; under a sanitizer on a busy machine tens of times that. A hang takes for
// ever.
constexpr auto patience = std::chrono::seconds(100);

void write_file(const std::string& path, const std::string& contents) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << contents;
    REQUIRE(file.good());
}

int wait_for(pid_t child) {
    int status = 0;
    for (const auto begun = std::chrono::steady_clock::now();
         std::chrono::steady_clock::now() - begun < patience;
         std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
        if (waitpid(child, &status, WNOHANG) == child) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return 1000;
}

}  // namespace

Directory::Directory() {
    std::string path = std::filesystem::temp_directory_path() / "escapement-emulator-XXXXXX";
    REQUIRE(mkdtemp(path.data()) != nullptr);
    path_ = path;
}

Directory::~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream contents;
    contents << file.rdbuf();
    return contents.str();
}

Run run(const std::vector<std::string>& command, const std::string& input, const Directory& directory) {
    write_file(directory.file("input"), input);
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& each : command)
        arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, directory.file("input").c_str(), O_RDONLY, 0);
    constexpr int made = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, directory.file("console").c_str(), made, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, directory.file("errors").c_str(), made, 0600);
    pid_t child = 0;
    const int failed = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    REQUIRE(failed == 0);
    Run result;
    result.status = wait_for(child);
    result.console = read_file(directory.file("console"));
    result.errors = read_file(directory.file("errors"));
    return result;
}

Run emulate(std::vector<std::string> arguments, const std::string& input) {
    const Directory directory;
    write_file(directory.file("disk"), std::string(disk_sectors * sector_size, '\0'));
    arguments.insert(arguments.begin(), EMULATOR);
    arguments.insert(arguments.end(), {"--disk", directory.file("disk"), "--log", directory.file("log")});
    Run result = run(arguments, input, directory);
    result.log = read_file(directory.file("log"));
    result.disk = read_file(directory.file("disk"));
    return result;
}

std::string expected_console(const std::string& guest, const std::string& input) {
    if (guest == "compute") return "sum of primes: 00090f9f\n";
    if (guest == "timer") return std::string(20, '.') + "\nticks: 00000014\n";
    if (guest == "disk") return "disk: 0f5b99c5\n";
    if (guest == "shared") return "shared: 00001770\n";
    std::array<char, 24> count{};
    std::snprintf(count.data(), count.size(), "\nbytes: %08zx\n", input.size());
    return input + count.data();
}

std::string expected_disk() {
    constexpr std::uint32_t written = 24;
    std::string disk(disk_sectors * sector_size, '\0');
    for (std::uint32_t sector = 0; sector < written; ++sector) {
        for (std::uint32_t word = 0; word < sector_size / sizeof word; ++word) {
            const std::uint32_t value = (sector << 16) + word;
            std::memcpy(disk.data() + sector * sector_size + word * sizeof value, &value, sizeof value);
        }
    }
    return disk;
}

}  // namespace emulator_tests
