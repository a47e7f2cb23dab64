#include "doctor.hpp"
#include "log_files.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace escapement::command {

namespace {

const char* in_a_word(Finding::State state) {
    switch (state) {
        case Finding::State::ok:
            return "ok";
        case Finding::State::info:
            return "info";
        case Finding::State::warning:
            return "warning";
        case Finding::State::bad:
            return "bad";
    }
    return "";
}

}  // namespace

std::string to_text(const std::vector<Finding>& findings, const Outlook& outlook) {
    std::string text;
    for (const Finding& finding : findings) {
        text +=
            fmt::format("{:<8} {:<22} {}\n", in_a_word(finding.state), finding.name, escaped(finding.value));
        if (finding.state == Finding::State::ok) continue;
        text += fmt::format("{:31} why: {}\n", "", finding.why);
        if (!finding.remedy.empty()) text += fmt::format("{:31} do:  {}\n", "", escaped(finding.remedy));
    }
    text += outlook.ordered ? "\nThreads can be ordered here. Clocks:\n"
                            : "\nThreads CANNOT be ordered: see what is bad above. Clocks:\n";
    for (const auto& clock : outlook.clocks)
        text += fmt::format("  {:<11} {:<4} {}\n", clock.name, clock.works ? "yes" : "no", clock.why);
    return text;
}

std::string to_json(const std::vector<Finding>& findings, const Outlook& outlook) {
    nlohmann::json list = nlohmann::json::array();
    for (const Finding& finding : findings) {
        list.push_back({{"name", finding.name},
                        {"state", in_a_word(finding.state)},
                        {"value", finding.value},
                        {"why", finding.why},
                        {"remedy", finding.remedy}});
    }
    nlohmann::json clocks;
    for (const auto& clock : outlook.clocks)
        clocks[clock.name] = {{"works", clock.works}, {"why", clock.why}};
    const nlohmann::json whole = {{"findings", list},
                                  {"verdict", {{"ordered", outlook.ordered}, {"clocks", clocks}}}};
    return whole.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace escapement::command
