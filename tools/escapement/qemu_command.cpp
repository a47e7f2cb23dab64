#include "qemu_command.hpp"

#include <nlohmann/json.hpp>

namespace escapement::command {

namespace {

void append(std::string& list, const std::string& part) {
    if (!list.empty()) list += ',';
    for (const char letter : part)
        list.append(letter == ',' ? 2 : 1, letter);
}

void flatten(const nlohmann::json& json, const std::string& before, int levels, std::string& list) {
    for (const auto& [key, value] : json.items()) {
        if (!value.is_structured()) {
            append(list, before + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
        } else if (levels > 0) {
            flatten(value, before + key + ".", levels - 1, list);
        }
    }
}

/// Source: QEMU, docs/system/qemu-manpage (options that take JSON begin with a brace).
std::string as_list(const std::string& value) {
    if (!value.starts_with('{')) return value;
    const nlohmann::json json = nlohmann::json::parse(value, nullptr, false);
    if (!json.is_object()) return value;
    constexpr int most_levels = 32;  // QEMU's own have a few
    std::string list;
    flatten(json, "", most_levels, list);
    return list;
}

/// A device's name is the first of its list, whether "driver=" is written or not.
std::string device_first(const std::string& list) {
    const std::string driver = list_value(list, "driver");
    return driver.empty() ? list : driver + "," + list;
}

}  // namespace

std::vector<QemuOption> qemu_options_of(const std::vector<std::string>& command) {
    std::vector<QemuOption> options;
    for (std::size_t at = 1; at < command.size(); ++at) {
        const std::string& word = command[at];
        if (word.size() < 2 || word.front() != '-') continue;
        QemuOption option;
        option.name = word.substr(word.starts_with("--") ? 2 : 1);
        if (at + 1 < command.size() && !command[at + 1].starts_with('-')) option.written = command[at + 1];
        option.value = as_list(option.written);
        if (option.name == "device") option.value = device_first(option.value);
        options.push_back(std::move(option));
    }
    return options;
}

std::string list_value(std::string_view list, std::string_view key) {
    std::string part;
    const auto wanted = [&] {
        return part.size() > key.size() && part.starts_with(key) && part[key.size()] == '=';
    };
    for (std::size_t at = 0; at < list.size(); ++at) {
        if (list[at] != ',') {
            part += list[at];
        } else if (at + 1 < list.size() && list[at + 1] == ',') {
            part += list[at++];
        } else if (wanted()) {
            break;
        } else {
            part.clear();
        }
    }
    return wanted() ? part.substr(key.size() + 1) : std::string();
}

}  // namespace escapement::command
