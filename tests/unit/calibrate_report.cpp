// What `escapement calibrate` says: the page, the table, and the numbers in both.

#include "calibration_samples.hpp"
#include "report_page.hpp"
#include "report_table.hpp"
#include "report_text.hpp"
#include "report_words.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

using namespace escapement;
using namespace escapement::report;
using namespace calibration_samples;
using Catch::Matchers::Contains;

namespace {

/// Why `page` is not well-formed: tags that do not balance, or an attribute that is not "key="value"".
std::string malformation(const std::string& page) {
    const std::set<std::string> lone{"meta", "!DOCTYPE"};
    std::vector<std::string> open;
    for (std::size_t at = 0; at < page.size(); ++at) {
        if (page[at] == '>') return "a > that closes nothing at " + page.substr(at, 40);
        if (page[at] != '<') continue;
        const std::size_t end = page.find('>', at);
        if (end == std::string::npos) return "a tag without an end";
        const std::string tag = page.substr(at + 1, end - at - 1);
        if (tag.find('<') != std::string::npos) return "a < within " + tag;
        if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return "an open quote in " + tag;
        at = end;
        if (tag.front() == '/') {
            if (open.empty() || open.back() != tag.substr(1)) return "nothing that " + tag + " closes";
            open.pop_back();
            continue;
        }
        const std::string name = tag.substr(0, tag.find(' '));
        if (lone.count(name) != 0) continue;
        open.push_back(name);
    }
    return open.empty() ? "" : open.back() + " is not closed";
}

std::vector<std::pair<std::string, Profile>> samples() {
    return {{"intel", intel()}, {"hybrid", hybrid()},    {"amd", amd()},
            {"arm", arm()},     {"none", without_pmu()}, {"hostile", hostile()}};
}

std::string without_style(std::string page) {
    const std::size_t begin = page.find("<style>");
    return page.erase(begin, page.find("</style>") - begin);
}

}  // namespace

TEST_CASE("a report is one well-formed page that asks for nothing from outside") {
    for (const auto& [name, profile] : samples()) {
        CAPTURE(name);
        const std::string page = page_of(profile);
        // For those who want to look at them.
        if (const char* const directory = std::getenv("ESCAPEMENT_TEST_REPORTS"); directory != nullptr)
            std::ofstream(std::string(directory) + "/" + name + ".html") << page;
        const std::string body = page.substr(page.find("</style>"));
        CHECK(malformation(
                  "<style>" + body.substr(0, body.find("</head>")) +
                  body.substr(body.find("</head>") + 7, body.find("</html>") - body.find("</head>") - 7))
                  .empty());
        CHECK(malformation(page.substr(0, page.find("<style>") + 7) + page.substr(page.find("</style>")))
                  .empty());
        for (const char* const outside : {"<script", "<link", "<img", "<iframe", " src=\"", " href=\"",
                                          "url(", "@import", " onload=\""}) {
            CAPTURE(outside);
            CHECK(page.find(outside) == std::string::npos);
        }
        CHECK(page.find("NaN") == std::string::npos);
        CHECK(page.find(">nan") == std::string::npos);
        CHECK(page.find("inf\"") == std::string::npos);
    }
}

TEST_CASE("what a host calls itself stays text") {
    const std::string page = page_of(hostile());
    CHECK_THAT(page, Contains("&lt;script"));
    CHECK(page.find('\x1b') == std::string::npos);
    CHECK(page.find('\x01') == std::string::npos);
    CHECK(page.find('\xff') == std::string::npos);
    const std::string table = table_of(hostile());
    CHECK(table.find('\x1b') == std::string::npos);
    CHECK(table.find('\x01') == std::string::npos);
}

TEST_CASE("a report begins with its verdict in words") {
    const auto heading = [](const Profile& profile) {
        const std::string page = page_of(profile);
        const std::size_t begin = page.find("<h1>") + 4;
        return page.substr(begin, page.find("</h1>") - begin);
    };
    CHECK(heading(intel()) == "Threads can be stopped at exact counts here.");
    CHECK(heading(without_pmu()) == "No hardware count is fit to build on here: use operations.");
    CHECK(heading(hybrid()) ==
          "Threads can be stopped at exact counts on cpu_core and only ordered by them on cpu_atom.");
}

TEST_CASE("a report holds every figure that a person looks for") {
    const std::string page = without_style(page_of(amd()));
    for (const char* const wanted :
         {"20,480 counts", "zen_workaround.py", "RETIRED_CONDITIONAL_BRANCH_INSTRUCTIONS", "max 9,840",
          "margin 20,480", "p99.99", "640 ns", "9.60 ns", "page fault, idle", "1.04 (1.01 to 1.07)",
          "AMD EPYC 9654 96-Core Processor", "6.8.0-45-generic", "2026-02-01T08:30:00Z", "0.93 counts/ns",
          "not on this CPU"}) {
        CAPTURE(wanted);
        CHECK(page.find(wanted) != std::string::npos);
    }
    CHECK_THAT(page_of(without_pmu()), Contains("pmu=on") && Contains("No hardware count"));
    CHECK_THAT(page_of(arm()), Contains("Not to be had here: step by the trap flag"));
}

TEST_CASE("charts that are compared have the same axes") {
    // The tick of 100 counts is at one place in all of an event's histograms.
    const std::string page = page_of(intel());
    std::set<std::string> places;
    for (std::size_t at = 0; (at = page.find("<text class=\"tick\"", at)) != std::string::npos; ++at) {
        const std::string tick = page.substr(at, page.find("</text>", at) - at);
        if (tick.substr(tick.find('>') + 1) == "100" && tick.find("middle") != std::string::npos &&
            tick.find("y=\"181.0\"") != std::string::npos)
            places.insert(tick);
    }
    CHECK(places.size() == 1);
}

TEST_CASE("figures without sense make no page that breaks") {
    Profile profile = intel();
    LoadFinding& load = profile.cores[0].events[0].loads[0];
    load.skids.push_back(skids("a", 1, {{0, 1}}));
    load.skids.push_back(skids("b", 1, {}, 5));
    load.skids.push_back(skids("c", 1, {{Count{1} << 62U, std::uint64_t{1} << 40U}}));
    load.overcounts[0].slope = slope(-1e18, -1e18, 1e18);
    load.read_by_call = figure(0, 0, 0, "ns");
    load.read_in_user_space = figure(-5, -6, -4, "ns");
    profile.cores[0].costs = {};
    profile.cores.emplace_back();
    profile.cores.back().core_type = "x";
    profile.cores.back().verdict.fallback = "operations";
    const std::string page = page_of(profile);
    CHECK(malformation(page.substr(page.find("</head>") + 7, page.find("</html>") - page.find("</head>") - 7))
              .empty());
    CHECK(page.find("nan") == std::string::npos);
    CHECK_FALSE(table_of(profile).empty());
    CHECK_FALSE(page_of(Profile{}).empty());
}

TEST_CASE("the table says what to use and why not the rest") {
    const std::string table = table_of(intel());
    CHECK_THAT(table, Contains("cpu (CPUs 0-7): Threads can be stopped at exact counts here."));
    CHECK_THAT(table, Contains("margin  256 counts"));
    CHECK_THAT(table, Contains("escapement run --clock perf"));
    CHECK_THAT(table, Contains("1.04 a page fault"));
    CHECK_THAT(table, Contains("PERF_COUNT_HW_INSTRUCTIONS: repeats: counted 1000012"));
    CHECK_THAT(table_of(without_pmu()), Contains("escapement run --clock operations") && Contains("refused"));
    CHECK_THAT(table_of(arm()), Contains("not to be had here"));
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);)
        CHECK((line.empty() || line.back() != ' '));
}

TEST_CASE("numbers have the digits that matter, and a unit that fits") {
    CHECK(number_text(0) == "0");
    CHECK(number_text(0.00213) == "0.00213");
    CHECK(number_text(8.1) == "8.10");
    CHECK(number_text(9.997) == "10.0");
    CHECK(number_text(-1.5) == "-1.50");
    CHECK(number_text(99.96) == "100");
    CHECK(number_text(1234567) == "1,234,567");
    CHECK(time_text(999.6) == "1.00 µs");
    CHECK(time_text(2.1e6) == "2.10 ms");
    CHECK(time_text(3e9) == "3.00 s");
    CHECK(signed_text(INT64_MIN) == "-9,223,372,036,854,775,808");
    CHECK(range_text(-2, 14) == "-2 to +14");
    CHECK(range_text(0, 0) == "0");
    CHECK(figure_text(Figure{}) == "-");
    CHECK(enumeration({"a", "b", "c"}) == "a, b and c");
    CHECK(printable("a\x1b[0m\xc2\x9b") == "a?[0m?");
}
