#pragma once
// A QEMU command line, as far as it is read here: options, and values such as "virtio-blk-pci,drive=d".

#include <string>
#include <string_view>
#include <vector>

namespace escapement::command {

struct QemuOption {
    std::string name;     ///< without dashes
    std::string written;  ///< its value as it was given; "" if there is none
    /// The value as a list "first,key=value,…"; one given as JSON is turned into that ("a.b" for what lies
    /// deeper).
    std::string value;
};

std::vector<QemuOption> qemu_options_of(const std::vector<std::string>& command);

/// What follows `key=` in such a list, up to the next comma that is not doubled; "" if it is not there.
std::string list_value(std::string_view list, std::string_view key);

}  // namespace escapement::command
