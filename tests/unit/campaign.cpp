// Campaigns: plans as text, the matrix, the bound of the rate, what runs come to, and the page.

#include "campaign_local.hpp"
#include "campaign_slots.hpp"
#include "campaign_slurm.hpp"
#include "campaign_summary.hpp"

#include <escapement/memory.hpp>

#include <catch2/catch.hpp>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

using namespace escapement;
using namespace escapement::campaign;
using CampaignJson = nlohmann::json;
using Catch::Matchers::Contains;

namespace {

const char* const plan_text = R"({
  "schema_version": 1, "name": "boot <b>", "runs": 3, "stock_runs": 2,
  "guests": [{"name": "x86", "command": ["qemu", "-icount", "shift={shift},rr=record,rrfile={}"], "replay": true},
             {"name": "pigz", "command": ["pigz", "file"], "journal": true}],
  "settings": {"shift": [1, 7], "policy": ["counted", "free"]},
  "limits": {"memory_mib": 100}})";

/// Why the plan is refused when what `pointer` points to is `value`.
std::string plan_refusal(const std::string& pointer, const CampaignJson& value) {
    CampaignJson json = CampaignJson::parse(plan_text);
    json[CampaignJson::json_pointer(pointer)] = value;
    const auto plan = read_plan(json.dump(), "P");
    return plan ? "" : plan.error();
}

Plan sample_plan() {
    auto plan = read_plan(plan_text, "P");
    REQUIRE(plan);
    return *plan;
}

Record campaign_record(std::size_t cell, std::uint64_t number, const std::string& outcome,
                       std::optional<Cause> cause = std::nullopt) {
    Record record;
    record.run = {cell, number};
    record.complete = true;
    record.outcome = outcome;
    record.wall = static_cast<double>(number);
    record.host = "here";
    record.cause = std::move(cause);
    return record;
}

}  // namespace

TEST_CASE("a plan is read back as it was written, and what two differ in is said") {
    const Plan plan = sample_plan();
    CHECK(plan.settings[1].values == std::vector<std::string>{"1", "7"});
    const auto again = read_plan(write_plan(plan), "P");
    REQUIRE(again);
    CHECK(*again == plan);
    CHECK(difference(plan, *again).empty());
    Plan other = plan;
    other.guests[0].command.emplace_back("-S");
    CHECK(difference(plan, other) == R"(/guests/0/command/3: nothing and "-S")");
    other = plan;
    other.settings[0].values.pop_back();
    CHECK(difference(plan, other) == R"(/settings/policy/1: "free" and nothing)");
}

TEST_CASE("what is wrong in a plan is refused with its path and reason") {
    CHECK(plan_refusal("/runs", 0) == "P: /runs: 0 is too small: at least 1");
    CHECK(plan_refusal("/runs", "3") == "P: /runs: expected a whole number, found a string");
    CHECK(plan_refusal("/runs", -3) == "P: /runs: -3 is negative");
    CHECK_THAT(plan_refusal("/runs", 999'999), Contains("runs in all are more than 1000000"));
    CHECK(plan_refusal("/schema_version", 2) ==
          "P: /schema_version: version 2 of the plan, but this Escapement reads version 1");
    CHECK_THAT(plan_refusal("/limits/job", 2),
               Contains("P: /limits: unknown key 'job'; there are: cpus_per_run"));
    CHECK(plan_refusal("/guests/0/command", CampaignJson::array()) == "P: /guests/0/command: it is empty");
    CHECK_THAT(plan_refusal("/guests/1/replay", "yes"),
               Contains("P: /guests/1/replay: expected true or false"));
    CHECK_THAT(plan_refusal("/guests/0/consoles", {"console"}),
               Contains("/guests/0/consoles/0: there is no {dir}"));
    CHECK_THAT(plan_refusal("/guests/0/command", {"qemu", "{shift}{}"}),
               Contains("/guests/0/replay: there is nothing"));
    CHECK_THAT(plan_refusal("/guests/1/name", "x86"), Contains("/guests/1/name: \"x86\" is there twice"));
    CHECK_THAT(plan_refusal("/guests/1/name", "a\x1b[2J"), Contains("there is a control character in it"));
    CHECK_THAT(plan_refusal("/settings/policy/1", "random"),
               Contains("/settings/policy/1: expected one of counted"));
    CHECK_THAT(plan_refusal("/settings/quantum", {"many"}),
               Contains("/settings/quantum/0: expected a whole number"));
    CHECK_THAT(plan_refusal("/settings/shfit", {1}),
               Contains("/settings/shfit: no guest's command has {shfit}"));
    CHECK_THAT(plan_refusal("/settings/dir", {1}), Contains("/settings/dir: {dir} stands for"));
    CHECK_THAT(plan_refusal("/slurm/options", {"long"}), Contains("/slurm/options/0: expected an option"));
    CHECK_THAT(read_plan("{\"a\": 1,\n \"a\": 2}", "P").error(), Contains("P:2:"));
    CHECK(read_plan("{}", "P").error() == "P: there is no 'schema_version': this is no plan of a campaign");
}

TEST_CASE("cells are guests times the settings that matter to them, and runs take turns") {
    const auto cells = cells_of(sample_plan());
    // x86: 2 policies times 2 shifts, and a stock cell a shift; pigz: 2 policies, and one stock cell.
    REQUIRE(cells.size() == 9);
    CHECK(cells[1].command[2] == "shift=7,rr=record,rrfile={}");
    CHECK(cells[1].options == Values{{"policy", "counted"}});
    CHECK(cells[4].stock);
    CHECK(settings_text(cells[5]) == "stock, shift=7");
    CHECK(cells[6].values.empty());
    const auto runs = runs_of(cells);
    CHECK(runs.size() == 6 * 3 + 3 * 2);
    CHECK(runs[9] == Run{1, 2});
    CHECK(runs.back() == Run{8, 3});
}

TEST_CASE("the rate's bound is Clopper and Pearson's") {
    CHECK(rate_bound(0, 299) == Approx(1 - std::pow(0.05, 1.0 / 299)));
    CHECK(rate_bound(0, 1'000'000) == Approx(2.9957e-6).epsilon(1e-3));
    CHECK(rate_bound(1, 10) == Approx(0.39416).epsilon(1e-4));
    CHECK(rate_bound(10, 1000) == Approx(0.016894).epsilon(1e-3));
    CHECK(rate_bound(5, 5) == 1);
    CHECK(rate_bound(0, 0) == 1);
    CHECK(percent_text(0.00998) == "1.0 %");
    CHECK(percent_text(3e-5) == "0.0030 %");
}

TEST_CASE("what differs is what is not as most are, and is gathered by cause") {
    const Plan plan = sample_plan();
    const Cause lock{"main", "lock", "3", "serve, main.c:12", "at record 7: <script>"};
    std::vector<Record> records;
    // The reference is the odd one of cell 1: one run differs, not two.
    records.push_back(campaign_record(1, 1, reference_outcome));
    records.push_back(campaign_record(1, 2, "aa", lock));
    records.push_back(campaign_record(1, 3, "aa", lock));
    records.push_back(campaign_record(2, 1, reference_outcome));
    records.push_back(campaign_record(2, 2, "bb", lock));
    records.push_back(campaign_record(2, 3, reference_outcome));
    records.push_back(campaign_record(5, 1, reference_outcome));
    records.push_back(campaign_record(5, 2, "stock differs and does not count"));
    Record failed = campaign_record(3, 1, "");
    failed.complete = false;
    failed.failures = {"ended with exit status 7"};
    records.push_back(failed);
    failed.run.number = 2;
    failed.failures = {"ended with exit status 8"};
    records.push_back(failed);

    const Summary summary = summarize(cells_of(plan), records);
    CHECK(summary.cells[0].differing == 1);
    CHECK(summary.differing == 2);
    CHECK(summary.complete == 6);
    CHECK(summary.compared == 4);
    CHECK(summary.wanted == 18);
    REQUIRE(summary.clusters.size() == 1);
    CHECK(summary.clusters[0].runs == 2);
    CHECK(summary.clusters[0].cells == std::vector<std::size_t>{1, 2});
    REQUIRE(summary.failures.size() == 1);
    CHECK(summary.failures[0].runs == 2);
    CHECK(summary.cells[0].against_stock == Approx(2 / 1.5));
    CHECK_THAT(verdict_text(summary), Contains("2 of 6 runs differ (33 %)"));
    CHECK_THAT(summary_table(plan, summary), Contains("main, lock, 3, serve, main.c:12"));

    const std::string page = summary_page(plan, summary);
    CHECK_THAT(page, Contains("boot &lt;b&gt;"));
    CHECK_THAT(page, Contains("at record 7: &lt;script&gt;"));
    CHECK_THAT(page, !Contains("<script>"));
}

TEST_CASE("a run's result says by whom, what, on what and where it first differs") {
    const auto record =
        read_record(R"({"format": 1, "cell": 2, "run": 9, "outcome": "cc", "host": "h", "files": "",
        "result": {"record": {"complete": true, "failures": [], "incidents": [], "wall_seconds": 0.5},
        "difference": {"byte": 9, "consoles": [], "journal": {"record": 7, "why": "the order", "record_a":
        {"participant": 1, "role": "rr", "operation": "lock", "object": 3, "function": "f", "source": "a.c:1"},
        "record_b": {"participant": 0, "operation": "lock", "object": 3, "function": "f", "source": "a.c:1"}}}}})");
    REQUIRE(record);
    REQUIRE(record->cause);
    CHECK(record->cause->key() == std::array<std::string, 4>{"0 or rr", "lock", "3", "f, a.c:1"});
    CHECK_FALSE(read_record("{\"format\": 1}"));
    CHECK_FALSE(read_record("{"));
}

TEST_CASE("a run's result says what is known where no journals are compared") {
    const auto cause = [](const std::string& of_record, const std::string& more) {
        const auto record = read_record(
            R"({"format": 1, "cell": 1, "run": 2, "outcome": "c", "host": "h", "files": "", "result": {"record":)"
            R"({"complete": true, "failures": [], "incidents": [)" +
            of_record + "]}" + more + "}}");
        REQUIRE(record);
        REQUIRE(record->cause);
        return *record->cause;
    };
    const Cause of_logs = cause("", R"(, "difference": {"by_payload": null, "by_kind": {"event": 12, "cause":
        "thread order", "phase": "boot", "a": "CHECKPOINT", "b": "INSTRUCTION", "why": "turns"}})");
    CHECK(of_logs.key() ==
          std::array<std::string, 4>{"thread order", "CHECKPOINT or INSTRUCTION", "", "boot"});
    CHECK(of_logs.why == "at event 12: turns");
    CHECK(cause("", R"(, "difference": {"byte": 9, "consoles": []})").why == "first at byte 9");
    CHECK(cause("", R"(, "difference": {"consoles": ["console: line 3"]})").why == "console: line 3");
    const Cause of_incident = cause(R"("rr at f+0x1: spun")", "");
    CHECK(of_incident.who == "rr");
    CHECK(of_incident.place == "f+0x1");
    CHECK(of_incident.why == "spun");
    CHECK(cause(R"("spun")", "").why == "spun");
    CHECK(cause("",
                R"(, "replay": {"complete": true, "failures": [], "incidents": [], "consoles": ["line 4"]})")
              .what == "replay's console");

    const auto failed = read_record(
        R"({"format": 1, "cell": 1, "run": 2, "outcome": "", "host": "h", "files": "", "result": {"record":
        {"complete": true, "failures": [], "incidents": []}, "replay": {"complete": false, "incidents": ["spun"],
        "failures": ["it did not end in time"], "consoles": []}}})");
    REQUIRE(failed);
    CHECK_FALSE(failed->complete);
    CHECK(failed->failures == std::vector<std::string>{"replay: it did not end in time"});
    CHECK(failed->incidents == std::vector<std::string>{"spun"});
}

TEST_CASE("so many runs at once as cores and memory have room for") {
    constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
    const std::set<unsigned> cores{0, 2, 4, 6};
    CHECK(choose_slots({}, cores, std::nullopt)->cpus.size() == 4);
    CHECK(choose_slots({.cpus_per_run = 2}, cores, std::nullopt)->cpus[1] == std::set<unsigned>{4, 6});
    CHECK(choose_slots({.jobs = 6}, cores, std::nullopt)->cpus[5] == std::set<unsigned>{2});
    CHECK(choose_slots({.memory_mib = 100}, cores, 250 * mib)->cpus.size() == 2);
    CHECK_THAT(choose_slots({.memory_mib = 100}, cores, 99 * mib).error(), Contains("99 MiB of memory"));
    CHECK_THAT(choose_slots({.cpus_per_run = 5}, cores, {}).error(), Contains("needs 5 CPUs"));
    CHECK(seconds_left({{1, 4}, {2, 2}}, {{1, 3.0}}, 2) == Approx(9));
    CHECK(duration_text(7800) == "2 h 10 min");
}

TEST_CASE("memory is limited by what is free and by every control group above") {
    namespace fs = std::filesystem;
    const fs::path root = fs::temp_directory_path() / ("escapement-memory-" + std::to_string(::getpid()));
    const auto write = [&](const std::string& path, const std::string& text) {
        fs::create_directories((root / path).parent_path());
        std::ofstream(root / path) << text;
    };
    CHECK_FALSE(available_memory(root.string() + "/"));
    write("proc/meminfo", "MemTotal:  9 kB\nMemAvailable:    4000 kB\n");
    write("proc/self/cgroup", "0::/user/one\n");
    CHECK(available_memory(root.string() + "/") == 4'096'000U);
    write("sys/fs/cgroup/user/one/memory.max", "max\n");
    write("sys/fs/cgroup/user/one/memory.current", "7000\n");
    write("sys/fs/cgroup/user/memory.max", "10000\n");
    write("sys/fs/cgroup/user/memory.current", "9000\n");
    write("sys/fs/cgroup/user/memory.stat", "anon 5\ninactive_file 3000\n");
    CHECK(available_memory(root.string() + "/") == 4000U);
    fs::remove_all(root);
}

TEST_CASE("runs are grouped where there are more than tasks, and read back") {
    std::vector<Run> runs;
    for (std::uint64_t number = 1; number <= 10; ++number)
        runs.push_back({1, number});
    const auto tasks = tasks_of(runs, 4);
    REQUIRE(tasks.size() == 4);
    CHECK(tasks_of(runs, 100).size() == 10);
    std::vector<Run> again;
    for (std::size_t task = 0; task < 4; ++task) {
        const auto read = read_task(write_tasks(tasks), task);
        REQUIRE(read);
        CHECK((read->size() == 2 || read->size() == 3));
        again.insert(again.end(), read->begin(), read->end());
    }
    CHECK(again == runs);
    CHECK_THAT(read_task(write_tasks(tasks), 4).error(), Contains("there is no task 4"));
}
