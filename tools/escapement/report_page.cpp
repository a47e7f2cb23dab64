#include "report_page.hpp"

#include "report_text.hpp"
#include "report_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace escapement::report {

namespace {

Html description_list(const std::vector<std::pair<std::string, std::string>>& entries) {
    Html html;
    for (const auto& [name, value] : entries)
        html += element(
            "div", {},
            element("dt", {}, name) + element("dd", {}, foreign(value.empty() ? "none seen" : value)));
    return element("dl", {{"class", "host"}}, html);
}

Html host_section(const Profile& profile) {
    const Fingerprint& host = profile.host;
    return element(
        "section", {},
        element("h2", {}, "The host") +
            element("p", {{"class", "note"}},
                    "What is said here is true of this host only. A profile is refused where any of "
                    "this is different.") +
            description_list({{"CPU", host.cpu},
                              {"Architecture", host.architecture},
                              {"Identity", host.cpu_identity},
                              {"Microcode", host.microcode},
                              {"Kernel", host.kernel},
                              {"Hypervisor", host.hypervisor},
                              {"Hardware counters (PMUs)", enumeration(host.core_types)}}));
}

Html words_section() {
    const std::pair<const char*, const char*> words[] = {
        {"clock", "the event whose count says how far a thread has come; it must count the same every time"},
        {"alarm", "a second counter that interrupts a thread when it is due"},
        {"skid", "how many counts too late an alarm comes"},
        {"margin",
         "how many counts before a boundary the alarm is set for; the rest is single-stepped. It "
         "must be more than any skid"},
        {"boundary", "the exact count at which a thread is stopped"},
        {"overcount", "counts that the program did not cause: an interrupt's, a page fault's"},
        {"deviation", "difference from the known count of a piece of code"},
        {"p50, p99, p99.99", "half of all values, 99 % and 99.99 % of them are not above this"},
        {"idle, loaded", "without and with other threads that keep the host's CPUs busy"},
    };
    Html html;
    for (const auto& [word, meaning] : words)
        html += element("div", {}, element("dt", {}, word) + element("dd", {}, meaning));
    return element("section", {}, element("h2", {}, "Words") + element("dl", {{"class", "words"}}, html));
}

/// The verdict's clock before its alarm before the rest; those without figures last.
std::vector<const EventFinding*> by_importance(const CoreProfile& core) {
    const auto rank = [&](const EventFinding& event) {
        const std::string role = role_of(event, core.verdict);
        if (role.rfind("clock", 0) == 0) return 0;
        return role == "alarm" ? 1 : event.loads.empty() ? 3 : 2;
    };
    std::vector<const EventFinding*> events;
    for (const EventFinding& event : core.events)
        events.push_back(&event);
    std::stable_sort(events.begin(), events.end(),
                     [&](const auto* one, const auto* two) { return rank(*one) < rank(*two); });
    return events;
}

Html head(const Profile& profile) {
    return element(
        "head", {},
        lone_element("meta", {{"charset", "utf-8"}}) +
            lone_element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
            // Should anything slip through after all, no browser runs or fetches it.
            lone_element("meta", {{"http-equiv", "Content-Security-Policy"},
                                  {"content", "default-src 'none'; style-src 'unsafe-inline'"}}) +
            lone_element("meta", {{"name", "color-scheme"}, {"content", "light dark"}}) +
            element("title", {}, "Escapement calibration: " + printable(profile.host.cpu)) +
            style(style_rules()));
}

}  // namespace

std::string page_of(const Profile& profile) {
    const std::string made = fmt::format(
        "{}{} calibration", profile.created.empty() ? "" : profile.created + ", ", profile.effort);
    Html body = element(
        "header", {},
        element("p", {{"class", "kicker"}}, "Escapement calibration") + element("h1", {}, headline(profile)) +
            element("p", {{"class", "host-line"}},
                    foreign(profile.host.cpu.empty() ? "a CPU without a name" : profile.host.cpu) +
                        text(" · ") + foreign(system_of(profile.host)) + text(" · " + made)));
    for (const CoreProfile& core : profile.cores)
        body += verdict_section(core, profile.cores.size() > 1);
    for (const CoreProfile& core : profile.cores) {
        Html details;
        if (profile.cores.size() > 1)
            details += element("h2", {{"class", "core"}}, text("Core type ") + foreign(core.core_type));
        details += event_overview(core);
        for (const EventFinding* event : by_importance(core))
            details += event_section(core, *event);
        details += cost_section(core);
        body += details;
    }
    body += host_section(profile) + words_section();
    const Html page =
        element("html", {{"lang", "en"}}, head(profile) + element("body", {}, element("main", {}, body)));
    return "<!DOCTYPE html>\n" + page.markup() + '\n';
}

}  // namespace escapement::report
