#include "verify_consoles.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace escapement::verify {
namespace {

bool starts_with(std::string_view text, std::string_view start) {
    return text.substr(0, start.size()) == start;
}

/// The option's name without its one or two dashes; "" for what is no option.
std::string_view option_name(std::string_view argument) {
    if (!starts_with(argument, "-")) return {};
    argument.remove_prefix(starts_with(argument, "--") ? 2 : 1);
    return argument;
}

/// Splits a QEMU option list at its commas. A doubled comma is part of a value, and stays doubled.
std::vector<std::string> split_list(const std::string& text) {
    std::vector<std::string> parts(1);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != ',') {
            parts.back() += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == ',') {
            parts.back() += ",,";
            ++at;
        } else {
            parts.emplace_back();
        }
    }
    return parts;
}

std::string join_list(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) {
        if (&part != &parts.front()) text += ',';
        text += part;
    }
    return text;
}

class Redirection {
  public:
    explicit Redirection(std::vector<std::string> command) { result_.command = std::move(command); }

    Consoles run() {
        bool nographic = false;
        bool serial_given = false;
        std::vector<std::string>& command = result_.command;
        for (std::size_t at = 0; at < command.size(); ++at) {
            const std::string_view option = option_name(command[at]);
            if (option == "nographic") nographic = true;
            if (at + 1 == command.size()) break;
            if (option == "serial" || option == "parallel" || option == "debugcon") {
                serial_given = serial_given || option == "serial";
                character_device(command[++at]);
            } else if (option == "chardev") {
                character_device_list(command[++at]);
            }
        }
        // -nographic alone connects the first serial port to standard output.
        if (nographic && !serial_given) result_.on_output = true;
        return std::move(result_);
    }

  private:
    /// `-serial VALUE` and its like, where a file's path goes on to the end, commas and all.
    void character_device(std::string& value) {
        constexpr std::string_view file = "file:";
        if (value == "stdio" || value == "mon:stdio") {
            result_.on_output = true;
        } else if (starts_with(value, file)) {
            value = std::string(file) + redirected(value.substr(file.size()));
        }
    }

    /// `-chardev BACKEND,key=value,…`
    void character_device_list(std::string& value) {
        std::vector<std::string> parts = split_list(value);
        if (parts.front() == "stdio") result_.on_output = true;
        for (std::string& part : parts) {
            for (const std::string_view key : {std::string_view("path="), std::string_view("logfile=")}) {
                const bool is_console = key == "logfile=" || parts.front() == "file";
                if (is_console && starts_with(part, key)) {
                    part = std::string(key) + redirected(part.substr(key.size()));
                }
            }
        }
        value = join_list(parts);
    }

    std::string redirected(const std::string& path) {
        if (starts_with(path, "/dev/")) return path;
        if (path.find("{dir}") != std::string::npos) {
            result_.files.push_back(path);
            return path;
        }
        const std::size_t number = result_.files.size() + 1;
        std::string own = number == 1 ? "{dir}/console" : "{dir}/console-" + std::to_string(number);
        result_.notes.push_back("the console " + path + " goes to every run's own directory instead");
        result_.files.push_back(own);
        return own;
    }

    Consoles result_;
};

}  // namespace

Consoles redirect_consoles(std::vector<std::string> command) {
    return Redirection(std::move(command)).run();
}

}  // namespace escapement::verify
