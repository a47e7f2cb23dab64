#include "doctor.hpp"
#include "program.hpp"
#include "qemu_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

namespace escapement::command {

namespace {

using State = Finding::State;

/// The program that runs a script: env(1) is only on the way to it.
tl::expected<std::filesystem::path, std::string> interpreter_of(const ProgramFacts& script) {
    const auto& words = script.interpreter;
    if (words.front().ends_with("/env")) {
        const auto name = std::find_if(words.begin() + 1, words.end(), [](const std::string& word) {
            return !word.starts_with('-') && word.find('=') == std::string::npos;
        });
        if (name != words.end()) return find_program(*name);
    }
    // The system looks for no interpreter in PATH.
    const bool has_directory = words.front().find('/') != std::string::npos;
    return find_program(has_directory ? words.front() : "./" + words.front());
}

Finding kind_of(const CommandFacts::Program& program) {
    const ProgramFacts& facts = program.facts;
    Finding finding{.name = "program",
                    .state = State::ok,
                    .value = program.path,
                    .why = "the preload library comes into dynamically linked 64-bit programs only"};
    if (!facts.damage.empty()) {
        finding.state = State::bad;
        finding.value += ": damaged: " + facts.damage;
        finding.remedy = facts.elf ? "install it anew" : fmt::format("sed -i '1s/\\r$//' {}", program.path);
    } else if (facts.elf) {
        finding.value += facts.bits == 32 ? ": a 32-bit program"
                         : facts.loaded   ? ": a dynamically linked program"
                                          : ": a statically linked program";
    } else if (!facts.interpreter.empty()) {
        finding.value += fmt::format(": a script of {}", fmt::join(facts.interpreter, " "));
    } else {
        finding.state = facts.regular ? State::bad : State::warning;
        finding.value += facts.regular ? ": neither a program nor a script with a #! line"
                                       : ": it cannot be read, so nothing is known of it";
        finding.remedy = facts.regular
                             ? "give the program that reads it: escapement run -- PROGRAM " + program.path
                             : "chmod +r " + program.path;
    }
    return finding;
}

std::string remedy_of(const CommandFacts& command) {
    for (const auto& [path, facts] : command.programs) {
        const bool copy_does = facts.set_uid || (facts.capabilities && !command.as_root);
        if (copy_does) {
            const std::string copy = "/tmp/" + std::filesystem::path(path).filename().string();
            return fmt::format("cp --no-preserve=all {0} {1} && chmod +x {1} && escapement run -- {1} …",
                               path, copy);
        }
        if (!facts.damage.empty()) return "see what is said of " + path;
        if (facts.elf && !is_of_this_processor(facts)) return "use a 64-bit build of it for this processor";
        if (!facts.missing_loader.empty()) return "apt-file search " + facts.missing_loader;
        if (!facts.other_loader.empty()) return "use a build of it for the GNU C library";
        if (facts.elf && !facts.loaded)
            return fmt::format(
                "use a dynamically linked build of it; unordered: escapement run --policy free -- {} …",
                path);
    }
    return "";
}

/// `run`'s own answer, of whom it looks at; doctor's, where env(1) is on the way.
Finding can_be_ordered(const CommandFacts& command) {
    Finding finding{.name = "can be ordered", .why = "`run` refuses what it cannot order"};
    const bool known = std::all_of(command.programs.begin(), command.programs.end(),
                                   [](const auto& program) { return program.facts.regular; });
    if (!command.refused.empty()) {
        finding.state = State::bad;
        finding.value = "no: " + command.refused;
        finding.remedy = remedy_of(command);
    } else if (!known) {
        finding.state = State::warning;
        finding.value = "not known: a file cannot be read";
    } else {
        finding.state = State::ok;
        finding.value = "yes: the preload library will be loaded into it";
    }
    return finding;
}

void examine_qemu(const CommandFacts& command, std::vector<Finding>& findings) {
    const ProgramFacts& facts = command.programs.back().facts;
    findings.push_back({.name = "QEMU",
                        .state = State::info,
                        .value = facts.qemu_version.empty() ? "of a version that its file does not tell"
                                                            : facts.qemu_version,
                        .why = "7.2 and 10.0, as in Debian, were tried"});
    Finding symbols{
        .name = "QEMU's symbols",
        .state = State::info,
        .value = "the file has no table of symbols",
        .why = "by them the preload library reads the guest's instruction count (--clock reported)"};
    if (facts.exported) {
        const std::string missing = missing_qemu_symbols(*facts.exported);
        symbols.state = missing.empty() ? State::ok : State::warning;
        symbols.value = missing.empty() ? "exported" : "not exported: " + missing;
        if (!missing.empty())
            symbols.remedy = "use Debian's build, or go on with --clock operations, which auto chooses";
    }
    findings.push_back(symbols);
    const auto icount = option_value(command.words, "icount");
    const bool replays = icount && icount->find("rr=") != std::string::npos;
    Finding options{.name = "-icount",
                    .state = replays  ? State::ok
                             : icount ? State::info
                                      : State::warning,
                    .value = icount ? *icount : "not given",
                    .why =
                        "without it nothing in a QEMU can be ordered by instructions, and it runs as it is; "
                        "with rr= it tells its instruction count"};
    if (!replays) options.remedy = "add: -icount shift=7,rr=record,rrfile=FILE";
    if (option_value(command.words, "readconfig") && !icount) {
        options.state = State::info;
        options.value = "not on the command line; a file of options may have it (-readconfig)";
    }
    findings.push_back(options);
    for (const std::string& warning : command.warnings) {
        findings.push_back({.name = "QEMU's options",
                            .state = State::warning,
                            .value = warning,
                            .why = "no order of threads makes it reproducible",
                            .remedy = "leave the option out, or see \"What works with QEMU\" in the README"});
    }
}

}  // namespace

CommandFacts read_command(const std::vector<std::string>& words) {
    CommandFacts command{.words = words, .as_root = getuid() == 0, .warnings = qemu_warnings(words)};
    auto path = find_program(words.front());
    if (!path) {
        command.not_found = path.error();
        return command;
    }
    for (unsigned depth = 0; command.refused.empty(); ++depth) {
        if (depth > deepest_script) {
            command.refused = too_deep(words.front()).reason;
            break;
        }
        command.programs.push_back({path->string(), read_program(*path)});
        const auto& [name, facts] = command.programs.back();
        if (const auto possible = judge_program(name, facts, command.as_root); !possible)
            command.refused = possible.error().reason;
        if (facts.interpreter.empty()) break;
        path = interpreter_of(facts);
        if (!path) command.refused = "its interpreter cannot be run: " + path.error();
    }
    return command;
}

std::vector<Finding> examine_command(const CommandFacts& command) {
    std::vector<Finding> findings;
    if (!command.not_found.empty()) {
        findings.push_back({.name = "program",
                            .state = State::bad,
                            .value = command.not_found,
                            .why = "it cannot be started",
                            .remedy = "install it, chmod +x it, or give its path"});
        return findings;
    }
    for (const auto& program : command.programs)
        findings.push_back(kind_of(program));
    findings.push_back(can_be_ordered(command));
    for (const auto& [path, facts] : command.programs) {
        if (facts.capabilities) {
            findings.push_back(
                {.name = "file capabilities",
                 .state = command.as_root ? State::info : State::bad,
                 .value = path + " has some of its own",
                 .why = "for users other than root the system then loads no library of ours into it",
                 .remedy = command.as_root ? "" : "setcap -r " + path + ", or run a copy, which has none"});
        }
        if (facts.go) {
            findings.push_back({.name = "Go",
                                .state = State::warning,
                                .value = path + " is made by Go's compiler",
                                .why = "its run time makes system calls of its own, which pass unordered",
                                .remedy = "none: only what it calls through the C library is ordered"});
        }
    }
    if (!command.programs.empty() && is_qemu(command.programs.back().path)) examine_qemu(command, findings);
    return findings;
}

}  // namespace escapement::command
