#pragma once
// Runs the emulator once, in a directory of its own, and tells what came of it.

#include <filesystem>
#include <string>
#include <vector>

namespace emulator_tests {

/// A directory that is gone with it.
class Directory {
  public:
    Directory();
    ~Directory();
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

struct Run {
    int status = -1;  ///< exit status; 1000 if it was killed because it did not end
    std::string console;
    std::string errors;
    std::string log;
    std::string disk;
};

inline constexpr std::size_t disk_sectors = 32;
inline constexpr std::size_t sector_size = 512;

/// Runs a program to its end; `input` is what is on its standard input, all at once.
Run run(const std::vector<std::string>& command, const std::string& input, const Directory& directory);
/// Runs the emulator with `arguments`, an empty disk, and a log.
Run emulate(std::vector<std::string> arguments, const std::string& input = "");

std::string read_file(const std::string& path);

/// What the guest's console shows when all is well; given what was sent to it.
std::string expected_console(const std::string& guest, const std::string& input);
/// What the guest `disk` leaves on the disk.
std::string expected_disk();

}  // namespace emulator_tests
