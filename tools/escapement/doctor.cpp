// `escapement doctor`: will Escapement work here, and with this program?

#include "doctor.hpp"

#include "commands.hpp"

#include <cstdio>

namespace escapement::command {

namespace {

int examine(const Command& words, bool json) {
    const HostFacts facts = read_host_facts();
    const Trials trials = try_host(facts);
    std::vector<Finding> findings = examine_host(facts, trials);
    std::optional<CommandFacts> command;
    if (!words.empty()) {
        command = read_command(words);
        for (Finding& finding : examine_command(*command))
            findings.push_back(std::move(finding));
    }
    const Outlook outlook = conclude(trials, command ? &*command : nullptr, findings);
    const std::string text = json ? to_json(findings, outlook) : to_text(findings, outlook);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
        std::perror("escapement doctor: cannot write");
        return 2;
    }
    return outlook.ordered ? 0 : 1;
}

}  // namespace

void add_doctor(CLI::App& app, const Command& command_line, int& status) {
    auto json = std::make_shared<bool>(false);
    CLI::App* const doctor = app.add_subcommand(
        "doctor",
        "escapement doctor [--json] [-- COMMAND [ARGUMENTS]...]\n\n"
        "Says whether Escapement will work on this host, and with COMMAND, which it does not run: what was "
        "found,\nwhy it matters, what mends it, and which clocks will work. Changes nothing.");
    doctor->footer(
        "Exit status: 0 all that is needed is there; 1 something prevents ordering (a line says bad); 2 "
        "trouble.");
    doctor->add_flag("--json", *json, "One JSON object: findings (name, state, value, why, remedy), verdict");
    doctor->callback([json, &command_line, &status] { status = examine(command_line, *json); });
}

}  // namespace escapement::command
