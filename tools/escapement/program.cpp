#include "program.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace escapement::command {

namespace {

unsigned own_machine() {
    static const unsigned machine = read_program_head("/proc/self/exe").machine;
    return machine;
}

tl::unexpected<CannotBeOrdered> refuse(std::string reason, bool cannot_be_run = false) {
    return tl::unexpected(CannotBeOrdered{std::move(reason), cannot_be_run});
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

bool is_of_this_processor(const ProgramFacts& facts) {
    return facts.elf && facts.bits == 64 && facts.machine == own_machine();
}

CannotBeOrdered too_deep(const std::string& path) {
    return {fmt::format("{}: a script whose interpreter is a script, and so on: the system gives up after {}",
                        path, deepest_script),
            true};
}

tl::expected<void, CannotBeOrdered> judge_program(const std::string& path, const ProgramFacts& facts,
                                                  bool as_root) {
    if (!facts.regular) return {};
    if (!facts.elf && facts.interpreter.empty())
        return refuse(fmt::format("{} is neither an ELF program nor a script with a #! line", path), true);
    if (facts.bits == 32 ||
        (facts.bits == 64 && facts.machine != EM_NONE && facts.machine != own_machine())) {
        return refuse(
            fmt::format("{} is built for another processor or for 32 bits; this escapement orders "
                        "only 64-bit programs of its own processor",
                        path));
    }
    if (!facts.damage.empty()) return refuse(fmt::format("{} is damaged: {}", path, facts.damage), true);
    if (!facts.elf) return {};
    if (facts.set_uid) {
        return refuse(
            fmt::format("{} is set-uid or set-gid: the system loads no library of ours into it; run "
                        "it as that user, without the bit",
                        path));
    }
    if (!facts.loaded) {
        return refuse(
            fmt::format("{} is statically linked: no library can be put before it; "
                        "use a dynamically linked build, or --policy free to run it as it is",
                        path));
    }
    if (!facts.missing_loader.empty()) {
        return refuse(fmt::format("{} needs the loader {}, which is not there; install its C library", path,
                                  facts.missing_loader),
                      true);
    }
    if (!facts.other_loader.empty()) {
        return refuse(
            fmt::format("{} is of another C library than GNU's (its loader is {}), into which ours cannot be "
                        "loaded; use a build for the GNU C library",
                        path, facts.other_loader));
    }
    if (facts.capabilities && !as_root) {
        return refuse(
            fmt::format("{} has file capabilities: the system loads no library of ours into it, but "
                        "for root; run a copy, which has none",
                        path));
    }
    return {};
}

tl::expected<void, CannotBeOrdered> check_can_be_ordered(const std::filesystem::path& path) {
    std::filesystem::path file = path;
    for (unsigned depth = 0; depth <= deepest_script; ++depth) {
        struct stat status {};
        if (stat(file.c_str(), &status) != 0)
            return refuse(fmt::format("{}: {}", file.string(), std::strerror(errno)), true);
        if (!S_ISREG(status.st_mode))
            return refuse(fmt::format("{}: not a program that may be run", file.string()), true);
        const ProgramFacts facts = read_program_head(file);
        if (auto possible = judge_program(file.string(), facts, getuid() == 0); !possible) return possible;
        if (facts.interpreter.empty()) return {};
        // A script is what its interpreter is.
        file = facts.interpreter.front();
    }
    return tl::unexpected(too_deep(path.string()));
}

}  // namespace escapement::command
