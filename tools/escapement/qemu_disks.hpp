#pragma once
// What a QEMU command line says of the guest's disks.

#include "qemu_command.hpp"

namespace escapement::command {

/// A line for each disk whose requests QEMU does not record, and for each that a server answers.
std::vector<std::string> disk_warnings(const std::vector<QemuOption>& options);

}  // namespace escapement::command
