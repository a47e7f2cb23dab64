#pragma once
// Files below a directory of their own, for what the doctor reads.

#include <catch2/catch.hpp>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

class DoctorFiles {
  public:
    DoctorFiles() {
        std::string pattern = (std::filesystem::temp_directory_path() / "doctor-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        root_ = pattern;
    }
    ~DoctorFiles() {
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }
    DoctorFiles(const DoctorFiles&) = delete;
    DoctorFiles& operator=(const DoctorFiles&) = delete;

    DoctorFiles& with(const std::string& name, const std::string& text) {
        std::filesystem::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name, std::ios::binary) << text;
        return *this;
    }
    /// A file that may be run; its path.
    std::string program(const std::string& name, const std::string& text) {
        with(name, text);
        std::filesystem::permissions(root_ / name, std::filesystem::perms{0755});
        return path(name);
    }
    [[nodiscard]] std::string path(const std::string& name = "") const { return (root_ / name).string(); }

  private:
    std::filesystem::path root_;
};
