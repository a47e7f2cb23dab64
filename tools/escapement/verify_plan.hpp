#pragma once
// What `escapement verify` will execute: a command in which some places stand for a run's own files, and the
// argument lists that follow from it. No files and no processes here: everything is text in, text out.
//
//     auto plan = verify::make_plan({"qemu-system-x86_64", "-serial", "file:c.txt", "-icount",
//     "rr=record,rrfile={}"}, {}); verify::fill_in(plan->record, {.directory = "/tmp/x/run-1", .artifact =
//     "/tmp/x/run-1/artifact"});
//
// Placeholders: `{}` is the run's artifact, `{dir}` the run's own directory. A replay reads the artifact of
// its recording, and has a directory of its own. Consoles: files into which the command writes what the guest
// says. A QEMU names them itself (`-serial file:PATH`,
// `-chardev file,…,path=PATH`, …); such a PATH is replaced by one in the run's own directory, unless it has
// `{dir}` in it already. Of another program they are named by the caller. Standard output counts as a console
// when a serial port is connected to it.

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace escapement::verify {

/// How one group of runs is ordered.
enum class Mode {
    ordered,   ///< by `escapement run` with the settings that were asked for: the runs that must agree
    stock,     ///< not at all: the command as it is
    ticktock,  ///< by `escapement run --policy ticktock`
};

/// The options of `escapement run` that are passed on, as they were written: (name, value).
using Settings = std::vector<std::pair<std::string, std::string>>;

/// A run's own places in the file system.
struct Places {
    std::string directory;
    std::string artifact;
};

struct Plan {
    std::vector<std::string> record;    ///< the command, placeholders still in it
    std::vector<std::string> replay;    ///< the same, replaying; empty when the command records nothing
    std::vector<std::string> consoles;  ///< console files, each with `{dir}` in it
    bool has_artifact = false;          ///< `{}` occurs in the command
    bool console_on_output = false;     ///< standard output is a console
    std::vector<std::string> notes;     ///< what was changed in the command, a sentence each, for the user
};

/// What a run makes: the file in place of `{}`, or a journal, which `escapement run` writes, with standard
/// output as a console.
enum class Artifact { file, journal };

/// `consoles` are the files that the caller named; when there are any, the command is not searched for more.
/// Errors: a console without `{dir}`, or nothing in the command that could be compared.
tl::expected<Plan, std::string> make_plan(std::vector<std::string> command, std::vector<std::string> consoles,
                                          Artifact artifact = Artifact::file);

/// `text` with every placeholder replaced, in one pass: a path that happens to contain `{}` stays as it is.
std::string fill_in(const std::string& text, const Places& places);
std::vector<std::string> fill_in(const std::vector<std::string>& command, const Places& places);

/// `command` with `rr=record` turned into `rr=replay`; nothing when it has none.
std::optional<std::vector<std::string>> as_replay(const std::vector<std::string>& command);

/// What QEMU cannot be given inside an option's value: the first argument in which a placeholder is part of a
/// list of `key=value,…`, if `path` has a comma in it.
std::optional<std::string> split_by_comma(const std::vector<std::string>& command, const std::string& path);

/// The argument list to execute. `escapement` is the path of this program, `statistics` the file that the run
/// writes.
std::vector<std::string> arguments_for(Mode mode, const std::vector<std::string>& command,
                                       const Settings& settings, const std::string& escapement,
                                       const std::string& statistics);

/// The name of a group of runs in tables and reports.
std::string name_of(Mode mode, const Settings& settings);

}  // namespace escapement::verify
