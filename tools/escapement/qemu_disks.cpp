#include "qemu_disks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace escapement::command {

namespace {

// Source: QEMU, docs/system/device-url-syntax.rst.inc, and qapi/block-core.json (BlockdevDriver).
constexpr std::array<std::string_view, 11> served{"nbd", "http", "https", "ftp",     "ftps", "ssh",
                                                  "rbd", "nfs",  "iscsi", "gluster", "nvme"};

bool is_one_of(std::string_view word, const auto& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// By its driver or the scheme of its URL ("nbd+unix:///…", "ssh://…").
bool served_from_outside(const std::string& list) {
    for (const char* const key : {"driver", "file.driver", "image.driver", "image.file.driver"})
        if (is_one_of(list_value(list, key), served)) return true;
    for (const char* const key : {"file", "filename", "file.filename", "image"}) {
        const std::string name = list_value(list, key);
        const std::string scheme = name.substr(0, name.find(':'));
        if (scheme.size() < name.size() && is_one_of(scheme.substr(0, scheme.find('+')), served)) return true;
    }
    return false;
}

/// Block devices by the names that devices and other block devices call them.
class Disks {
  public:
    void add(const std::string& list) {
        for (const char* const key : {"id", "node-name"}) {
            const std::string name = list_value(list, key);
            if (!name.empty()) lists_[name] = list;
        }
    }
    /// Nothing is said against one that is not known.
    [[nodiscard]] bool recorded(std::string name) const {
        if (!lists_.contains(name)) return true;
        for (std::set<std::string> seen; lists_.contains(name) && seen.insert(name).second;) {
            const std::string& list = lists_.at(name);
            if (list.find("blkreplay") != std::string::npos) return true;
            name = list_value(list, "file");  // what it stands on
        }
        return false;
    }

  private:
    std::map<std::string, std::string> lists_;
};

constexpr std::array<std::string_view, 10> short_ones{"hda", "hdb", "hdc", "hdd",      "cdrom",
                                                      "fda", "fdb", "sd",  "mtdblock", "drive"};

/// Firmware is read before the guest begins; a drive with an identifier is some device's, or another's image.
bool given_to_guest(const QemuOption& option) {
    if (!is_one_of(option.name, short_ones)) return false;
    const std::string interface = list_value(option.value, "if");
    return option.name != "drive" || (interface != "none" && interface != "pflash");
}

}  // namespace

std::vector<std::string> disk_warnings(const std::vector<QemuOption>& options) {
    std::vector<std::string> lines;
    Disks disks;
    for (const QemuOption& option : options) {
        const bool disk = option.name == "drive" || option.name == "blockdev";
        if (disk) disks.add(option.value);
        if (served_from_outside(disk ? option.value : "file=" + option.value) &&
            (disk || is_one_of(option.name, short_ones))) {
            lines.push_back(fmt::format("-{} {}: not reproducible: a server answers when it likes",
                                        option.name, option.written));
        }
        if (given_to_guest(option) && option.value.find("blkreplay") == std::string::npos) {
            lines.push_back(fmt::format(
                "-{} {}: this disk is not behind blkreplay, so its requests are not in the recording",
                option.name, option.written));
        }
    }
    for (const QemuOption& option : options) {
        if (option.name != "device" || disks.recorded(list_value(option.value, "drive"))) continue;
        lines.push_back(fmt::format(
            "-device {}: its disk is not behind blkreplay, so its requests are not in the recording",
            option.written));
    }
    return lines;
}

}  // namespace escapement::command
