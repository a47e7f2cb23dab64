#pragma once
// Finds where a QEMU command line sends what the guest writes, and gives every run files of its own for it.

#include <string>
#include <vector>

namespace escapement::verify {

struct Consoles {
    std::vector<std::string> command;  ///< the command, its console files now in `{dir}`
    std::vector<std::string> files;    ///< those files, each with `{dir}` in it
    bool on_output = false;            ///< a serial port is connected to standard output
    std::vector<std::string> notes;    ///< what was redirected, a sentence each
};

/// Understands `-serial`, `-parallel` and `-debugcon` with `file:PATH`, `stdio` or `mon:stdio`; `-chardev`
/// with `file,path=PATH`, `stdio` and any `logfile=PATH`; and `-nographic`. Devices (`/dev/…`) are left
/// alone. A command that is no QEMU's has none of these, and comes back as it was.
Consoles redirect_consoles(std::vector<std::string> command);

}  // namespace escapement::verify
