#include "program.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

namespace escapement::command {

namespace {

template <typename Structure>
bool read_at(std::ifstream& file, std::uint64_t offset, Structure& structure) {
    file.clear();
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(reinterpret_cast<char*>(&structure), sizeof structure);
    return file.good();
}

std::uint16_t own_machine() {
    std::ifstream self("/proc/self/exe", std::ios::binary);
    Elf64_Ehdr header{};
    return read_at(self, 0, header) ? header.e_machine : std::uint16_t{EM_NONE};
}

/// True if a dynamic loader starts the program.
bool has_loader(std::ifstream& file, const Elf64_Ehdr& header) {
    for (unsigned index = 0; index < header.e_phnum; ++index) {
        Elf64_Phdr program{};
        if (!read_at(file, header.e_phoff + std::uint64_t{index} * header.e_phentsize, program)) return false;
        if (program.p_type == PT_INTERP) return true;
    }
    return false;
}

/// What follows #! at the beginning of a script; "" if it is none.
std::string interpreter_of(std::ifstream& file) {
    file.clear();
    file.seekg(0);
    // The system looks no further either: what is no text has no end of line.
    std::string line(256, '\0');
    file.read(line.data(), static_cast<std::streamsize>(line.size()));
    line.resize(static_cast<std::size_t>(file.gcount()));
    line.resize(std::min(line.find('\n'), line.size()));
    if (!line.starts_with("#!")) return "";
    const std::size_t begin = line.find_first_not_of(" \t", 2);
    if (begin == std::string::npos) return "";
    return line.substr(begin, line.find_first_of(" \t\r", begin) - begin);
}

}  // namespace

tl::expected<std::filesystem::path, std::string> find_program(const std::string& name) {
    const auto usable = [](const std::filesystem::path& path) {
        struct stat status {};
        return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0;
    };
    if (name.find('/') != std::string::npos) {
        if (usable(name)) return name;
        return tl::unexpected(fmt::format(
            "{}: {}", name,
            access(name.c_str(), F_OK) != 0 ? std::strerror(errno) : "not a program that may be run"));
    }
    const char* const variable = std::getenv("PATH");
    std::string path = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t end = std::min(path.find(':', at), path.size());
        const std::filesystem::path candidate =
            std::filesystem::path(end == at ? "." : path.substr(at, end - at)) / name;
        if (usable(candidate)) return candidate;
        at = end + 1;
    }
    return tl::unexpected(fmt::format("{}: command not found in PATH", name));
}

namespace {

/// As check_can_be_ordered(), of what is `depth` interpreters deep: the system does not go on for ever
/// either.
tl::expected<void, std::string> check(const std::filesystem::path& path, int depth) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        return tl::unexpected(fmt::format("{}: {}", path.string(), std::strerror(errno)));
    }
    if (!S_ISREG(status.st_mode))
        return tl::unexpected(fmt::format("{}: not a program that may be run", path.string()));
    const bool other_user = (status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid();
    const bool other_group = (status.st_mode & S_ISGID) != 0 && status.st_gid != getegid();
    if (other_user || other_group) {
        return tl::unexpected(fmt::format(
            "{} is set-{}: the system loads no library of ours into it; run it as that user, without the bit",
            path.string(), other_user ? "uid" : "gid"));
    }
    std::ifstream file(path, std::ios::binary);
    Elf64_Ehdr header{};
    if (!read_at(file, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        // A script is what its interpreter is.
        const std::string interpreter = interpreter_of(file);
        if (interpreter.empty() || depth >= 4) return {};
        return check(interpreter, depth + 1);
    }
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != own_machine()) {
        return tl::unexpected(
            fmt::format("{} is built for another processor or for 32 bits; this escapement orders "
                        "only 64-bit programs of its own processor",
                        path.string()));
    }
    if (!has_loader(file, header)) {
        return tl::unexpected(
            fmt::format("{} is statically linked: no library can be put before it; "
                        "use a dynamically linked build, or --policy free to run it as it is",
                        path.string()));
    }
    return {};
}

}  // namespace

tl::expected<void, std::string> check_can_be_ordered(const std::filesystem::path& path) {
    return check(path, 0);
}

}  // namespace escapement::command
