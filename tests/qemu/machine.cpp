#include "machine.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <fstream>

namespace escapement::qemu_tests {

namespace fs = std::filesystem;

namespace {

/// Where Debian puts this machine's libraries.
std::string library_directory() {
    utsname host{};
    uname(&host);
    return std::string("/usr/lib/") + host.machine + "-linux-gnu";
}

fs::path cache() {
    const char* const named = std::getenv("XDG_CACHE_HOME");
    const char* const home = std::getenv("HOME");
    return (named != nullptr && *named != '\0' ? fs::path(named)
                                               : fs::path(home != nullptr ? home : "/") / ".cache") /
           "escapement";
}

fs::path qemu10() {
    return cache() / "qemu10";
}

std::string program_of(const Machine& machine) {
    const std::string name = "qemu-system-" + machine.target;
    return machine.version == Version::installed ? name : (qemu10() / "usr/bin" / name).string();
}

fs::path installed_program(const std::string& target) {
    for (const char* const directory : {"/usr/bin", "/usr/local/bin"}) {
        fs::path program = fs::path(directory) / ("qemu-system-" + target);
        if (fs::exists(program)) return program;
    }
    return {};
}

/// A copy of a QEMU in which the name of a function that escapement looks for is another: as if it exported
/// none.
fs::path without_symbols(const std::string& target, const fs::path& directory) {
    std::ifstream from(installed_program(target), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(from)), {});
    const std::string name = "replay_mutex_locked";
    const std::size_t at = bytes.find('\0' + name + '\0');
    REQUIRE(at != std::string::npos);
    bytes[at + name.size()] = 'e';  // the d becomes an e, so the length stays
    fs::path copy = directory / ("qemu-system-" + target);
    if (!fs::exists(copy)) {
        std::ofstream(copy, std::ios::binary) << bytes;
        fs::permissions(copy, fs::perms::owner_all);
    }
    return copy;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

/// A disk that is empty, whoever makes it: 4 MiB.
void make_disk(const Disk& disk, const fs::path& file) {
    fs::remove(file);
    if (disk.format == "raw") {
        std::ofstream(file, std::ios::binary).close();
        fs::resize_file(file, std::uintmax_t{4} << 20U);
    } else {
        REQUIRE(run({.arguments = {"qemu-img", "create", "-q", "-f", disk.format, file.string(), "4M"}}) ==
                0);
    }
}

void add_disks(const Machine& machine, Mode mode, const fs::path& directory, Command& command) {
    for (std::size_t number = 0; number < machine.disks.size(); ++number) {
        const Disk& disk = machine.disks[number];
        const fs::path file = directory / fmt::format("disk{}", number);
        make_disk(disk, file);
        const bool through_replay = mode == Mode::record || mode == Mode::replay;
        const std::string prefix = through_replay ? "image.file." : "file.";
        command.arguments.insert(
            command.arguments.end(),
            {"-drive",
             fmt::format("driver={},{}driver={},{}driver=file,{}filename={},{}aio={},{}if=none,id=disk{}",
                         through_replay ? "blkreplay" : disk.format, through_replay ? "image." : "",
                         disk.format, prefix, prefix, file.string(), prefix, disk.aio,
                         disk.direct ? prefix + "cache.direct=on," : "", number),
             "-device", fmt::format("virtio-blk-pci,drive=disk{}", number)});
    }
}

}  // namespace

fs::path guests() {
    return cache() / "guests";
}

fs::path small(const std::string& file) {
    return guests() / "small" / file;
}

bool cannot_run_here(const std::string& what) {
    WARN("cannot run here: " << what);
    return false;
}

bool can_run(const Machine& machine) {
    if (machine.version == Version::ten && !fs::exists(program_of(machine)))
        return cannot_run_here(program_of(machine) + " is missing; run tools/setup qemu10");
    if (machine.version == Version::installed && installed_program(machine.target).empty()) {
        return cannot_run_here("qemu-system-" + machine.target +
                               " is not installed; run tools/setup packages tests");
    }
    for (const std::string& option : machine.options) {
        const std::size_t at = option.find(guests().string());
        if (at == std::string::npos) continue;
        const std::string file = option.substr(at, option.find(',', at) - at);
        if (!fs::exists(file)) return cannot_run_here(file + " is missing; run tools/setup guests");
    }
    return true;
}

Command qemu_command(const Machine& machine, Mode mode, const fs::path& directory, const fs::path& log) {
    Command command;
    command.output = directory / "output";
    command.errors = directory / "errors";
    command.arguments = {program_of(machine), "-nodefaults", "-display", "none", "-no-reboot"};
    if (machine.version == Version::ten) {
        const fs::path place = qemu10();
        const std::string libraries = (place.string() + library_directory()) + ":" +
                                      replaced(place.string() + library_directory(), "/usr/lib/", "/lib/");
        command.environment = {{"LD_LIBRARY_PATH", libraries},
                               {"QEMU_MODULE_DIR", place.string() + library_directory() + "/qemu"}};
        for (const char* const data : {"qemu", "seabios", "opensbi", "openbios"}) {
            if (const fs::path path = place / "usr/share" / data; fs::exists(path))
                command.arguments.insert(command.arguments.end(), {"-L", path.string()});
        }
        command.arguments.insert(command.arguments.end(), {"-L", "/usr/share/seabios"});
    }
    if (!machine.exports_symbols) {
        command.arguments.front() = without_symbols(machine.target, directory).string();
        command.environment.emplace_back("QEMU_MODULE_DIR", library_directory() + "/qemu");
        command.arguments.insert(command.arguments.end(),
                                 {"-L", "/usr/share/qemu", "-L", "/usr/share/seabios"});
    }
    const bool replays = mode == Mode::record || mode == Mode::replay;
    if (machine.serial_to_file)
        command.arguments.insert(command.arguments.end(),
                                 {"-serial", "file:" + (directory / "console").string()});
    for (const std::string& option : machine.options)
        command.arguments.push_back(replaced(option, "{dir}", directory.string()));
    add_disks(machine, mode, directory, command);
    if (mode != Mode::plain) {
        std::string icount = machine.icount;
        if (replays)
            icount +=
                fmt::format(",rr={},rrfile={}", mode == Mode::record ? "record" : "replay", log.string());
        command.arguments.insert(command.arguments.end(), {"-icount", icount});
    }
    return command;
}

Command ordered_command(const Machine& machine, Mode mode, const fs::path& directory, const fs::path& log) {
    Command command = qemu_command(machine, mode, directory, log);
    std::vector<std::string> before{ESCAPEMENT_COMMAND, "run", "--stats=" + (directory / "stats").string()};
    before.insert(before.end(), machine.escapement.begin(), machine.escapement.end());
    before.emplace_back("--");
    command.arguments.insert(command.arguments.begin(), before.begin(), before.end());
    return command;
}

Machine small_x86(Version version) {
    return {.name = "small x86",
            .version = version,
            .target = "x86_64",
            .options = {"-M", "pc", "-m", "32", "-kernel", small("x86.elf").string()}};
}

Machine small_aarch64(Version version) {
    return {.name = "small aarch64",
            .version = version,
            .target = "aarch64",
            .options = {"-M", "virt", "-cpu", "cortex-a57", "-m", "32", "-kernel",
                        small("aarch64.elf").string()}};
}

namespace {

std::vector<std::string> kernel_options(const std::string& machine, const std::string& initrd,
                                        const std::string& append) {
    return {"-m",      "256",
            "-kernel", (guests() / machine / "vmlinuz").string(),
            "-initrd", (guests() / machine / initrd).string(),
            "-append", append + " panic=-1 quiet"};
}

}  // namespace

Machine linux_x86(Version version) {
    Machine machine{.name = "Linux x86_64",
                    .version = version,
                    .target = "x86_64",
                    .options = kernel_options("x86_64", "initrd", "console=ttyS0"),
                    .says = "switching off"};
    machine.options.insert(machine.options.end(), {"-M", "pc"});
    return machine;
}

Machine linux_aarch64(Version version) {
    Machine machine{.name = "Linux aarch64",
                    .version = version,
                    .target = "aarch64",
                    .options = kernel_options("aarch64", "initrd", "console=ttyAMA0"),
                    .says = "switching off"};
    machine.options.insert(machine.options.end(), {"-M", "virt", "-cpu", "cortex-a57"});
    return machine;
}

Machine device_x86(const std::string& mode, Version version) {
    Machine machine{.name = "devices",
                    .version = version,
                    .target = "x86_64",
                    .options = kernel_options("x86_64", "initrd-devices",
                                              "console=ttyS0" + (mode.empty() ? "" : " mode=" + mode))};
    machine.options.insert(machine.options.end(), {"-M", "pc"});
    return machine;
}

}  // namespace escapement::qemu_tests
