#pragma once
// The machines of the tests: a QEMU of one of two versions, a guest, and what is needed to run the one with
// the other.

#include "process.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace escapement::qemu_tests {

enum class Version {
    installed,  ///< the system's: 7.2 in Debian 12
    ten,        ///< 10.0, unpacked by `tools/setup qemu10`
};

struct Disk {
    std::string format;  ///< raw or qcow2
    std::string aio;
    bool direct = false;  ///< cache.direct=on, which aio=native wants
};

struct Machine {
    std::string name{};  ///< of the test
    Version version = Version::installed;
    std::string target{};                ///< as in qemu-system-TARGET
    std::vector<std::string> options{};  ///< "{dir}" is the directory of the run
    std::string icount = "shift=7";      ///< what stands before rr=; "" without -icount
    std::vector<std::string> escapement{};
    std::vector<Disk> disks{};
    bool exports_symbols = true;
    std::string says = "guest: done";      ///< the console has this at the end
    std::vector<std::string> also_says{};  ///< and this somewhere
    bool serial_to_file = true;            ///< to {dir}/console; otherwise options say where to
};

enum class Mode { record, replay, icount, plain };

/// How the QEMU is called without escapement. Disks are made anew in `directory`.
Command qemu_command(const Machine& machine, Mode mode, const std::filesystem::path& directory,
                     const std::filesystem::path& log);

/// The same under `escapement run`, with its statistics in {dir}/stats.
Command ordered_command(const Machine& machine, Mode mode, const std::filesystem::path& directory,
                        const std::filesystem::path& log);

/// False, and says why, if the QEMU or a file of the guest is not here.
bool can_run(const Machine& machine);
/// False, and says what was found missing.
bool cannot_run_here(const std::string& what);

std::filesystem::path guests();
std::filesystem::path small(const std::string& file);

// Guests. Small ones take well under a second; Debian kernels take some seconds.
Machine small_x86(Version version = Version::installed);
Machine small_aarch64(Version version = Version::installed);
/// Boots and switches off; see tools/setup.
Machine linux_x86(Version version = Version::installed);
Machine linux_aarch64(Version version = Version::installed);
/// Uses its devices; see tests/qemu/guests/init. `mode` as there.
Machine device_x86(const std::string& mode = "", Version version = Version::installed);

}  // namespace escapement::qemu_tests
