#pragma once
// What a program's file says of it, without running it and without reading the whole of it.
//
// Nothing in the file is taken on trust: what its headers say of places beyond its end, or of sizes that no
// program has, is told as damage where the system would stumble over it, and else passed over.

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace escapement::command {

struct ProgramFacts {
    bool regular = false;  ///< false: no file, or one that cannot be opened
    bool elf = false;
    unsigned bits = 0;                     ///< 32 or 64
    unsigned machine = 0;                  ///< as elf.h has it
    std::string damage;                    ///< why the system cannot run it as it is; empty: nothing seen
    bool loaded = false;                   ///< by a dynamic loader: not statically linked
    std::string missing_loader;            ///< the loader's path, if there is no such file
    std::string other_loader;              ///< the loader's path, if it is not the GNU C library's
    bool set_uid = false;                  ///< or set-gid, to somebody else
    bool capabilities = false;             ///< the file has some of its own
    bool go = false;                       ///< made by Go's compiler, whose run time has its own system calls
    std::vector<std::string> interpreter;  ///< of a script: the words after #!
    std::optional<std::set<std::string>>
        exported;              ///< of `qemu_symbols`; absent if there is no table to look in
    std::string qemu_version;  ///< such as "7.2.22 (Debian …)"; empty: none found
};

/// Those that the preload library asks for; of the last two either will do.
inline constexpr const char* qemu_symbols[] = {"icount_get_raw",      "replay_mutex_locked",
                                               "qemu_in_vcpu_thread", "replay_mode",
                                               "bql_locked",          "qemu_mutex_iothread_locked"};

/// Only what the system itself looks at before it runs a file: no symbols, versions, or compilers.
ProgramFacts read_program_head(const std::filesystem::path& path);
ProgramFacts read_program(const std::filesystem::path& path);

/// Those of `qemu_symbols` that are missing, in words; empty if the QEMU tells its instruction count.
std::string missing_qemu_symbols(const std::set<std::string>& exported);

}  // namespace escapement::command
