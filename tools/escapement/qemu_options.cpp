#include "qemu_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace escapement::command {

namespace {

struct Option {
    std::string_view name;   // without dashes
    std::string_view value;  // "" if there is none
};

std::vector<Option> options_of(const std::vector<std::string>& command) {
    std::vector<Option> options;
    for (std::size_t at = 1; at < command.size(); ++at) {
        std::string_view word = command[at];
        if (word.size() < 2 || word.front() != '-') continue;
        word.remove_prefix(word.starts_with("--") ? 2 : 1);
        const bool has_value = at + 1 < command.size() && !command[at + 1].starts_with('-');
        options.push_back({word, has_value ? std::string_view(command[at + 1]) : std::string_view()});
    }
    return options;
}

/// The value of `key=` in a list such as "a=1,b=2"; "" if it is not there.
std::string_view value_of(std::string_view list, std::string_view key) {
    for (std::size_t at = 0; at < list.size();) {
        const std::size_t end = std::min(list.find(',', at), list.size());
        const std::string_view part = list.substr(at, end - at);
        if (part.size() > key.size() && part.starts_with(key) && part[key.size()] == '=') {
            return part.substr(key.size() + 1);
        }
        at = end + 1;
    }
    return {};
}

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

void warn_of_disk(const Option& option, std::vector<std::string>& lines) {
    const std::string_view list = option.value;
    const bool disk = option.name == "drive" || option.name == "hda" || option.name == "cdrom";
    if (!disk || list.find("blkreplay") != std::string_view::npos) return;
    const std::string_view media = value_of(list, "if");
    if (media == "pflash" || value_of(list, "readonly") == "on" || option.name == "cdrom") return;
    // A drive may be the image that a blkreplay drive stands on.
    if (media == "none" && !value_of(list, "id").empty()) return;
    lines.push_back(
        fmt::format("-{} {}: this disk is not behind blkreplay, so its requests are not in the recording",
                    option.name, list));
}

}  // namespace

bool is_qemu(std::string_view program) {
    return program.substr(program.rfind('/') + 1).starts_with("qemu-system-");
}

std::optional<std::string> option_value(const std::vector<std::string>& command, std::string_view name) {
    for (const Option& option : options_of(command)) {
        if (option.name == name) return std::string(option.value);
    }
    return std::nullopt;
}

std::vector<std::string> qemu_warnings(const std::vector<std::string>& command) {
    if (command.empty() || !is_qemu(command.front())) return {};
    const std::vector<Option> options = options_of(command);
    const bool replays = std::any_of(options.begin(), options.end(), [](const Option& option) {
        return option.name == "icount" && option.value.find("rr=") != std::string_view::npos;
    });
    if (!replays) return {};
    std::vector<std::string> lines;
    bool network = false;
    bool network_recorded = false;
    for (const Option& option : options) {
        for (const Outside& each : outsiders) {
            if (option.name == each.option && option.value.starts_with(each.begins)) {
                lines.push_back(
                    fmt::format("-{} {}: not reproducible: {}", option.name, option.value, each.why));
            }
        }
        network = network || (option.name == "netdev" && !option.value.empty());
        network_recorded = network_recorded || option.value.starts_with("filter-replay");
        warn_of_disk(option, lines);
    }
    if (network && !network_recorded) {
        lines.emplace_back(
            "-netdev without -object filter-replay,id=ID,netdev=NETDEV: packets are not in the recording");
    }
    return lines;
}

}  // namespace escapement::command
