// Summaries, the table, the conclusion, JSON and JUnit.

#include "verify_report.hpp"

#include "verify_execute.hpp"
#include "verify_progress.hpp"
#include "verify_statistics.hpp"
#include "verify_table.hpp"
#include "verify_text.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <string>

using namespace escapement::verify;
using escapement::ChildEnd;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

RunResult run_of(int number, milliseconds wall, int same_as = 1) {
    RunResult run;
    run.number = number;
    run.directory = "/t/run-" + std::to_string(number);
    run.record.end = ChildEnd{.wall = wall, .cpu = wall / 2};
    run.artifact_bytes = 1234;
    run.events = 600'000 + static_cast<std::uint64_t>(number);
    run.same_as = same_as;
    return run;
}

RunResult differing_run(int number, std::uint64_t kind, std::uint64_t payload) {
    RunResult run = run_of(number, milliseconds{6000}, number);
    run.disagreement.emplace();
    run.disagreement->byte = 100;
    run.disagreement->log.emplace();
    run.disagreement->log->by_kind.emplace().index = kind;
    run.disagreement->log->by_payload.emplace().index = payload;
    return run;
}

Outcome comparison() {
    Outcome outcome;
    outcome.groups.push_back(
        {Mode::stock,
         "stock",
         {run_of(1, milliseconds{6000}), differing_run(2, 12, 10), differing_run(3, 65, 11)}});
    outcome.groups.push_back(
        {Mode::ticktock,
         "tick-tock",
         {run_of(1, seconds{30}), differing_run(2, 91, 90), differing_run(3, 9837, 90)}});
    outcome.groups.push_back({Mode::ordered,
                              "counted",
                              {run_of(1, milliseconds{2900}), run_of(2, seconds{3}), run_of(3, seconds{4})}});
    for (RunResult& run : outcome.groups.back().runs)
        run.events = 620'000;
    return outcome;
}

Options three_runs() {
    Options options;
    options.runs = 3;
    options.command = {"q", "{}"};
    return options;
}

}  // namespace

TEST_CASE("medians and ranges") {
    CHECK_FALSE(spread_of({}));
    CHECK(spread_of({3, 1, 2})->median == 2);
    CHECK(spread_of({4, 1, 2, 3})->median == 2.5);
    CHECK(spread_of({3, 1, 2})->least == 1);
    CHECK(spread_of({3, 1, 2})->most == 3);
}

TEST_CASE("numbers as people read them") {
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1000) == "1,000");
    CHECK(grouped(1234567) == "1,234,567");
    CHECK(text_of(std::nullopt, "never") == "never");
    CHECK(text_of(Range{12, 12}, "never") == "12");
    CHECK(text_of(Range{91, 9837}, "never") == "91-9,837");
}

TEST_CASE("the table says what came out") {
    CHECK("\n" + table_of(comparison().groups) == R"(
           wall s  least-most  CPU s           events  identical   by kind  by payload
stock        6.00   6.00-6.00   3.00  600,001-600,003     1 of 3     12-65       10-11
tick-tock    6.00  6.00-30.00   3.00  600,001-600,003     1 of 3  91-9,837          90
counted      3.00   2.90-4.00   1.50          620,000     3 of 3     never       never
by kind, by payload: the event at which a recording first differs from the first of its group

ratios of medians    wall   CPU
counted / stock      0.50  0.50
tick-tock / counted  2.00  2.00
tick-tock / stock    1.00  1.00
)");
}

TEST_CASE("columns that have nothing to say are left out") {
    Group group{Mode::ordered, "counted", {run_of(1, seconds{1}), run_of(2, seconds{1})}};
    for (RunResult& run : group.runs)
        run.events.reset();
    CHECK(table_of({group}) ==
          "         wall s  least-most  CPU s  identical\n"
          "counted    1.00   1.00-1.00  0.500     2 of 2\n");
}

TEST_CASE("the verdict is that of the ordered runs alone") {
    Outcome outcome = comparison();
    CHECK(judge(outcome.ordered(), 3) == Verdict::agree);
    CHECK(conclusion_of(outcome, three_runs()) ==
          "All 3 runs are the same, byte for byte (1,234 bytes, 620,000 events).\n");

    // Not all runs that were asked for were made.
    CHECK(judge(outcome.ordered(), 4) == Verdict::trouble);

    outcome.groups.back().runs[1] = differing_run(2, 5, 4);
    CHECK(judge(outcome.ordered(), 3) == Verdict::differ);
    const std::string text = conclusion_of(outcome, three_runs());
    CHECK(text.find("counted 2: differs from the first: first difference by kind at event 5, by payload at "
                    "event 4\n") != std::string::npos);
    CHECK(text.find("NOT REPRODUCIBLE: 2 of 3 runs are the same.\n") != std::string::npos);
}

TEST_CASE("a run that says of itself that it is not reproducible is a failure") {
    Outcome outcome = comparison();
    outcome.groups.back().runs[2].record.incidents.emplace_back("rr at 0x1: spun");
    CHECK(judge(outcome.ordered(), 3) == Verdict::differ);
    CHECK(conclusion_of(outcome, three_runs())
              .find("counted 3: not reproducible, the run itself says: rr at 0x1: spun\n") !=
          std::string::npos);
}

TEST_CASE("a run that is not complete leaves no verdict") {
    Outcome outcome = comparison();
    outcome.groups.back().runs[2].record.failures.emplace_back("ended with exit status 3");
    CHECK(judge(outcome.ordered(), 3) == Verdict::trouble);
    const Summary summary = summarize(outcome.ordered());
    CHECK(summary.complete == 2);
    CHECK(summary.identical == 2);
    CHECK(conclusion_of(outcome, three_runs()).find("NO VERDICT: 2 of 3 runs are complete.\n") !=
          std::string::npos);
}

TEST_CASE("replays count as their recordings do") {
    Outcome outcome = comparison();
    Options options = three_runs();
    options.replay = true;
    for (RunResult& run : outcome.groups.back().runs) {
        run.replay.emplace();
        run.replay->end = ChildEnd{.wall = seconds{7}};
    }
    CHECK(judge(outcome.ordered(), 3) == Verdict::agree);
    CHECK(
        conclusion_of(outcome, options).find("3 of 3 replays ended, each with its recording's console.\n") !=
        std::string::npos);
    outcome.groups.back().runs[0].replay_consoles.emplace_back("the console differs");
    CHECK(judge(outcome.ordered(), 3) == Verdict::differ);
    outcome.groups.back().runs[0].replay->failures.emplace_back("had not ended");
    CHECK(judge(outcome.ordered(), 3) == Verdict::trouble);
    CHECK(summarize(outcome.ordered()).replays_agreeing == 2);
}

TEST_CASE("why a program is not complete") {
    CHECK(explain_end({}, "warning").empty());
    CHECK(explain_end({.kind = ChildEnd::Kind::exited, .code = 3}, "") == "ended with exit status 3");
    CHECK(explain_end({.kind = ChildEnd::Kind::exited, .code = 1}, "one\nq: no \x1b\n\n") ==
          "ended with exit status 1; its last words: q: no ?");
    CHECK(explain_end({.kind = ChildEnd::Kind::signalled, .code = 11}, "") ==
          "was ended by signal 11 (Segmentation fault)");
    CHECK(explain_end({.kind = ChildEnd::Kind::timed_out, .wall = seconds{60}}, "") ==
          "had not ended after 60.0 s and was killed");
}

TEST_CASE("statistics must say plainly whether a run is reproducible") {
    CHECK_FALSE(parse_statistics(""));
    CHECK_FALSE(parse_statistics("[]"));
    CHECK_FALSE(parse_statistics("{\"reproducible\":"));
    CHECK_FALSE(parse_statistics("{}"));
    CHECK_FALSE(parse_statistics(R"({"reproducible":"yes"})"));
    CHECK(parse_statistics(R"({"reproducible":true,"incidents":[]})")->incidents.empty());
    const auto spun = parse_statistics(
        R"({"reproducible":false,"incidents":[{"participant":"rr","address":"f+0x1","reason":"spun"},7]})");
    REQUIRE(spun);
    CHECK_FALSE(spun->reproducible);
    CHECK(spun->incidents == std::vector<std::string>{"rr at f+0x1: spun", "? at ?: ?"});
    CHECK(parse_statistics(R"({"reproducible":false})")->incidents.size() == 1);
}

TEST_CASE("the JSON report is JSON, whatever the command is made of") {
    Options options = three_runs();
    options.command = {"q", "\xff\"{}"};
    options.settings = {{"policy", "counted"}};
    const auto json = nlohmann::json::parse(json_of(comparison(), options));
    CHECK(json["verdict"] == "agree");
    CHECK(json["settings"]["policy"] == "counted");
    CHECK(json["groups"].size() == 3);
    CHECK(json["groups"][0]["summary"]["first_difference"]["by_kind"]["most"] == 65);
    CHECK(json["groups"][2]["summary"]["identical"] == 3);
    CHECK(json["groups"][0]["runs"][1]["difference"]["by_payload"]["event"] == 10);
    CHECK(json["ratios"][0]["name"] == "counted / stock");
    CHECK(json["ratios"][0]["wall"] == 0.5);
}

TEST_CASE("the JSON report tells how runs ended, and where their journals part") {
    Outcome outcome = comparison();
    std::vector<RunResult>& runs = outcome.groups[2].runs;
    runs[0].record.end->kind = ChildEnd::Kind::signalled;
    runs[1].record.end->kind = ChildEnd::Kind::timed_out;
    runs[2].same_as = 3;
    escapement::JournalDifference& first = runs[2].disagreement.emplace().journal.emplace().first.emplace();
    first.index = 7;
    first.why = "the order";
    first.roles[1] = "rr";
    first.modules[1] = "/bin/true";
    first.a.emplace(
        escapement::JournalRecord{
            .operation = escapement::OperationKind::lock, .participant = 1, .object = 3, .clock = 11},
        7);
    const auto json = nlohmann::json::parse(json_of(outcome, three_runs()));
    CHECK(json["verdict"] == "differ");
    const auto& group = json["groups"][2]["runs"];
    CHECK(group[0]["record"]["end"] == "signalled");
    CHECK(group[1]["record"]["end"] == "timed out");
    const auto& journal = group[2]["difference"]["journal"];
    CHECK(journal["record"] == 7);
    CHECK(journal["clock"] == 11);
    CHECK(journal["record_a"]["role"] == "rr");
    CHECK(journal["record_b"].is_null());
}

TEST_CASE("XML holds any text") {
    CHECK(xml_escaped("a<b>&\"c'") == "a&lt;b&gt;&amp;&quot;c&apos;");
    CHECK(xml_escaped("a\nb\t") == "a&#10;b&#9;");
    CHECK(xml_escaped(std::string("\x1b\x00z", 3)) == "\xEF\xBF\xBD\xEF\xBF\xBDz");
    CHECK(xml_escaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80") == "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    // Overlong, a surrogate, cut short, no character, beyond Unicode.
    for (const std::string bad :
         {"\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xef\xbf\xbf", "\xf4\x90\x80\x80"}) {
        CHECK(xml_escaped(bad).substr(0, 3) == "\xEF\xBF\xBD");
    }
}

TEST_CASE("JUnit has a case for every ordered run") {
    Outcome outcome = comparison();
    outcome.seconds = 12.5;
    outcome.groups.back().runs[1] = differing_run(2, 5, 4);
    outcome.groups.back().runs[2].record.failures.emplace_back("ended with <3>");
    const std::string xml = junit_of(outcome, three_runs());
    CHECK(xml.find("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") == 0);
    CHECK(xml.find("tests=\"3\" failures=\"1\" errors=\"1\" time=\"12.500\"") != std::string::npos);
    CHECK(xml.find("<testcase classname=\"escapement.verify.counted\" name=\"run 1\" time=\"2.900\"/>") !=
          std::string::npos);
    CHECK(xml.find("<error message=\"ended with &lt;3&gt;\"") != std::string::npos);
    CHECK(xml.find("<failure message=\"differs from the first: first difference by kind at event 5") !=
          std::string::npos);
}

TEST_CASE("JUnit does not pass when runs are missing") {
    Outcome outcome = comparison();
    outcome.groups.back().runs.clear();
    outcome.trouble = "no space";
    const std::string xml = junit_of(outcome, three_runs());
    CHECK(xml.find("tests=\"1\" failures=\"0\" errors=\"1\"") != std::string::npos);
    CHECK(xml.find("0 of 3 runs were made: no space") != std::string::npos);
}

TEST_CASE("the progress bar") {
    CHECK(progress_bar(0, 12, "stock 1", seconds{3}, seconds{3}) ==
          "[........................] 0 of 12, stock 1: 3 s");
    CHECK(progress_bar(6, 12, "counted 3", seconds{4}, seconds{84}) ==
          "[############............] 6 of 12, counted 3: 4 s, about 1 min 20 s left");
    CHECK(progress_bar(12, 12, "x", seconds{0}, seconds{84}) ==
          "[########################] 12 of 12, x: 0 s");
}
