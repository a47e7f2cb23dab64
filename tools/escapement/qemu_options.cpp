#include "qemu_options.hpp"

#include "qemu_disks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace escapement::command {

namespace {

// What QEMU's record/replay does not write down or cannot do, and what comes from outside in a way that no
// order of threads can help.
struct Outside {
    std::string_view option;
    std::string_view begins;  // of its value
    std::string_view why;
};
constexpr std::string_view waits_for_itself =
    "QEMU may wait for ever for its disk behind blkreplay; under escapement that is ended, and named";
constexpr std::string_view hangs_alone =
    "QEMU alone hangs in its replay; under escapement only firmware's requests were tried";
constexpr std::array outsiders{
    Outside{"device", "usb-host", "a USB device of the host answers when it likes"},
    Outside{"device", "vfio-", "a device of the host answers when it likes, and writes to guest memory"},
    Outside{"device", "vhost-", "another process or the host's kernel serves it"},
    Outside{"device", "ivshmem", "other processes write to its memory"},
    Outside{"device", "virtio-9p", "QEMU does not record what the host's file system answers"},
    Outside{"device", "virtio-gpu-gl", "the host's graphics driver serves it"},
    Outside{"device", "nvme", waits_for_itself},
    Outside{"device", "sd-card", waits_for_itself},
    Outside{"device", "usb-ehci", hangs_alone},
    Outside{"device", "ich9-usb-ehci", hangs_alone},
    Outside{"device", "mptsas1068", hangs_alone},
    Outside{
        "device", "pvscsi",
        "QEMU 7.2 alone hangs in its replay (10.0 does not); under escapement it ended where it was tried"},
    Outside{"virtfs", "", "QEMU does not record what the host's file system answers"},
    Outside{"netdev", "vhost-", "another process serves it"},
    Outside{"audiodev", "alsa", "the host's sound device sets the pace"},
    Outside{"audiodev", "pa", "the host's sound server sets the pace"},
    Outside{"audiodev", "sdl", "the host's sound device sets the pace"},
    Outside{"display", "sdl", "a person's input comes when it comes (it is recorded)"},
    Outside{"display", "gtk", "a person's input comes when it comes (it is recorded)"},
    Outside{"vnc", "", "a viewer's input comes when it comes (it is recorded)"},
    Outside{"spice", "", "a viewer's input comes when it comes, and spice has threads of its own"},
    Outside{"incoming", "", "a migration comes from outside"},
    Outside{"enable-kvm", "", "KVM counts no instructions"},
};

/// A network whose packets QEMU could record.
bool brings_packets(const QemuOption& option) {
    if (option.name == "netdev") return !option.value.empty();
    if (option.name == "nic") return option.value != "none";
    return option.name == "net" && option.value != "none" && !option.value.starts_with("nic");
}

}  // namespace

bool is_qemu(std::string_view program) {
    return program.substr(program.rfind('/') + 1).starts_with("qemu-system-");
}

std::optional<std::string> option_value(const std::vector<std::string>& command, std::string_view name) {
    for (const QemuOption& option : qemu_options_of(command)) {
        if (option.name == name) return option.written;
    }
    return std::nullopt;
}

std::vector<std::string> qemu_warnings(const std::vector<std::string>& command) {
    if (command.empty() || !is_qemu(command.front())) return {};
    const std::vector<QemuOption> options = qemu_options_of(command);
    const bool replays = std::any_of(options.begin(), options.end(), [](const QemuOption& option) {
        return option.name == "icount" && option.value.find("rr=") != std::string_view::npos;
    });
    if (!replays) return {};
    std::vector<std::string> lines;
    bool network = false;
    bool network_recorded = false;
    for (const QemuOption& option : options) {
        for (const Outside& each : outsiders) {
            if (option.name == each.option && option.value.starts_with(each.begins)) {
                lines.push_back(
                    fmt::format("-{} {}: not reproducible: {}", option.name, option.written, each.why));
            }
        }
        network = network || brings_packets(option);
        network_recorded = network_recorded || (option.name == "object" &&
                                                option.value.find("filter-replay") != std::string::npos);
    }
    for (std::string& line : disk_warnings(options))
        lines.push_back(std::move(line));
    if (network && !network_recorded) {
        lines.emplace_back(
            "a network without -object filter-replay,id=ID,netdev=NETDEV: its packets are not in the "
            "recording");
    }
    return lines;
}

}  // namespace escapement::command
