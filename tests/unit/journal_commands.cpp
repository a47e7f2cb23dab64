// `log`, `diff` and `trace` of journals.

#include "commands.hpp"
#include "journal_files.hpp"
#include "trace_events.hpp"
#include "trace_tracks.hpp"

#include <escapement/journal.hpp>
#include <escapement/journal_divergence.hpp>
#include <escapement/journal_file.hpp>

#include <catch2/catch.hpp>
#include <dlfcn.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

using namespace escapement;

namespace {

namespace fs = std::filesystem;

class Folder {
  public:
    Folder() : path_(fs::temp_directory_path() / ("escapement-journals-" + std::to_string(::getpid()))) {
        fs::create_directories(path_);
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string operator/(const char* name) const { return path_ / name; }

  private:
    fs::path path_;
};

int run(std::vector<std::string> arguments) {
    CLI::App app;
    int status = -1;
    command::add_log(app, status);
    command::add_diff(app, status);
    command::add_trace(app, status);
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    return status;
}

/// Two that wake each other by turns; the operation numbered `odd` is another one.
void write_journal(const std::string& path, int odd, Count quantum = 1000) {
    JournalFile file;
    REQUIRE(file.create(path.c_str()) == 0);
    JournalWriter writer(file, {.policy = "counted", .quantum = quantum, .command_line = "two \"threads\""});
    writer.record({.kind = JournalRecordKind::role, .participant = 1, .bytes = bytes_of("\"r\"\n\xff")});
    Count clock[2] = {0, 0};
    for (int n = 0; n < 40; ++n) {
        const auto self = static_cast<ParticipantNumber>(n % 2);
        const auto operation = [&](OperationKind kind, std::int64_t result) {
            writer.record({.operation = kind,
                           .participant = self,
                           .object = 7,
                           .clock = clock[self] += 10,
                           .result = result});
        };
        operation(n == odd ? OperationKind::time : OperationKind::lock, 1);
        operation(OperationKind::wake, 1);
        operation(OperationKind::wait, 0);
        writer.record(
            {.kind = JournalRecordKind::turn, .participant = self, .object = 1 - self, .clock = clock[self]});
    }
    REQUIRE(writer.close());
}

nlohmann::json parsed(const std::string& path) {
    std::ifstream file(path);
    return nlohmann::json::parse(file);
}

}  // namespace

TEST_CASE("log, diff and trace exit as their help says", "[journal][commands]") {
    const Folder folder;
    write_journal(folder / "one", -1);
    write_journal(folder / "same", -1, 2000);
    write_journal(folder / "other", 20);
    fs::copy_file(folder / "one", folder / "cut");
    fs::resize_file(folder / "cut", fs::file_size(folder / "cut") - 1);
    std::ofstream(folder / "text") << "ESCAPE is not a journal";

    CHECK(run({"log", folder / "one"}) == 0);
    CHECK(run({"log", folder / "one", "--json", "--kind", "wake", "--limit", "2"}) == 0);
    CHECK(run({"log", folder / "cut", "--histogram"}) == 2);
    CHECK(run({"diff", folder / "one", folder / "same"}) == 0);
    CHECK(run({"diff", folder / "one", folder / "other"}) == 1);
    CHECK(run({"diff", folder / "one", folder / "other", "--json"}) == 1);
    CHECK(run({"diff", folder / "one", folder / "cut"}) == 2);
    CHECK(run({"diff", folder / "one", folder / "text"}) == 2);
    CHECK(run({"diff", folder / "one", folder / "missing"}) == 2);
    CHECK(run({"trace", folder / "cut", "-o", folder / "trace"}) == 2);
    CHECK(run({"trace", folder / "text", "-o", folder / "trace"}) == 2);
    CHECK(run({"trace", folder / "one", "-o", folder / "missing/trace"}) == 2);
    CHECK(run({"trace", folder / "one", "-o", folder / "trace"}) == 0);
}

TEST_CASE("a difference between journals is told with what was before", "[journal]") {
    const Folder folder;
    write_journal(folder / "one", -1);
    write_journal(folder / "other", 20, 2000);
    JournalFile a;
    JournalFile b;
    REQUIRE(a.open((folder / "one").c_str()) == 0);
    REQUIRE(b.open((folder / "other").c_str()) == 0);
    const auto compared = compare_journals(a, "a", b, "b", {.context = 3});
    REQUIRE(compared);
    REQUIRE(compared->first);
    CHECK(compared->first->index == 81);  // Behind the role and 20 times four records.
    CHECK(compared->first->members == std::vector<std::string>{"operation"});
    CHECK(compared->first->a->record.operation == OperationKind::lock);
    CHECK(compared->first->b->record.operation == OperationKind::time);
    REQUIRE(compared->first->before.size() == 3);
    CHECK(compared->first->before.back().index == 80);
    CHECK(compared->first->after_b.size() == 3);
    CHECK(compared->first->roles.at(1) == "\"r\"\n\xff");
    REQUIRE(compared->header_differences.size() == 1);
    CHECK(compared->header_differences[0].first == "quantum");
    CHECK(compared->a.records == compared->b.records);
}

TEST_CASE("what a difference between journals comes from is said in words", "[journal]") {
    const Folder folder;
    const auto why = [&](const JournalRecord& a, const JournalRecord& b) {
        for (const auto& [name, record] : {std::pair("a", &a), std::pair("b", &b)}) {
            JournalFile file;
            REQUIRE(file.create((folder / name).c_str()) == 0);
            JournalWriter writer(file, {});
            writer.record(*record);
            REQUIRE(writer.close());
        }
        JournalFile one;
        JournalFile other;
        REQUIRE(one.open((folder / "a").c_str()) == 0);
        REQUIRE(other.open((folder / "b").c_str()) == 0);
        const auto compared = compare_journals(one, "a", other, "b", {});
        REQUIRE(compared);
        REQUIRE(compared->first);
        return std::string(compared->first->why);
    };
    using enum JournalRecordKind;
    const JournalRecord lock{.operation = OperationKind::lock, .participant = 1, .object = 1, .clock = 5};
    const auto other = [&](auto change) {
        JournalRecord record = lock;
        change(record);
        return why(lock, record);
    };
    CHECK_THAT(other([](auto& r) { r.participant = 2; }), Catch::Contains("another participant came first"));
    CHECK_THAT(other([](auto& r) { r.kind = input; }), Catch::Contains("input is recorded"));
    CHECK_THAT(other([](auto& r) { r.kind = signal, r.participant = 2; }), Catch::Contains("a signal came"));
    CHECK_THAT(other([](auto& r) { r.kind = incident; }), Catch::Contains("marked not reproducible"));
    CHECK_THAT(other([](auto& r) { r.kind = random_seed; }), Catch::Contains("the seeds"));
    CHECK_THAT(other([](auto& r) { r.operation = OperationKind::time; }), Catch::Contains("something else"));
    CHECK_THAT(other([](auto& r) { r.object = 0; }), Catch::Contains("to another object"));
    CHECK_THAT(other([](auto& r) { r.clock = 6; }), Catch::Contains("at another clock"));
    CHECK_THAT(other([](auto& r) { r.result = 1; }), Catch::Contains("another result"));
    CHECK_THAT(other([](auto& r) { r.address = 16; }), Catch::Contains("other particulars"));
}

TEST_CASE("a trace has a slice for all that participants do, and arrows between them", "[journal][trace]") {
    const Folder folder;
    write_journal(folder / "one", -1);
    REQUIRE(run({"trace", folder / "one", "-o", folder / "trace"}) == 0);
    const auto events = parsed(folder / "trace")["traceEvents"];
    std::map<std::string, int> kinds;
    std::map<int, double> busy_until;
    std::map<int, double> arrow_begins;
    int named = 0;
    for (const auto& event : events) {
        const std::string kind = event["ph"];
        ++kinds[kind];
        if (kind == "M" && event["args"].value("name", "").find("\"r\"") != std::string::npos) ++named;
        if (kind == "s") arrow_begins[event["id"]] = event["ts"];
        if (kind == "f") CHECK(arrow_begins.at(event["id"]) <= event["ts"].get<double>());
        if (kind != "X") continue;
        double& until = busy_until[event["tid"]];
        CHECK(event["ts"].get<double>() >= until - 1e-6);  // Nothing at the same time on a track.
        until = event["ts"].get<double>() + event["dur"].get<double>();
    }
    CHECK(named == 1);
    CHECK(kinds["i"] == 40 * 3);
    CHECK(kinds["X"] >= 2 * 39);
    CHECK(kinds["s"] >= 39);
    CHECK(kinds["C"] > 0);
}

TEST_CASE("a trace tells waiting by name, and arrows begin at the wake-up", "[journal][trace]") {
    const Folder folder;
    {
        JournalFile file;
        REQUIRE(file.create((folder / "journal").c_str()) == 0);
        JournalWriter writer(file, {.policy = "counted"});
        const auto operation = [&](ParticipantNumber who, OperationKind kind, ObjectNumber object,
                                   Count clock, std::int64_t result = 0) {
            writer.record(
                {.operation = kind, .participant = who, .object = object, .clock = clock, .result = result});
        };
        writer.record({.kind = JournalRecordKind::note, .object = 1, .bytes = bytes_of("mutex 'machine'")});
        writer.record({.kind = JournalRecordKind::note, .object = 2, .bytes = bytes_of("condition 'go'")});
        operation(0, OperationKind::lock, 1, 10);
        operation(1, OperationKind::lock, 1, 20);  // Held by 0 until 50.
        operation(0, OperationKind::unlock, 1, 50);
        operation(1, OperationKind::resume, 1, 51);
        operation(1, OperationKind::wait, 2, 60);
        operation(0, OperationKind::wake, 2, 70, 1);
        operation(1, OperationKind::resume, 2, 71);
        operation(0, OperationKind::time, 0, 80);
        REQUIRE(writer.close());
    }
    REQUIRE(run({"trace", folder / "journal", "-o", folder / "trace"}) == 0);
    std::map<std::string, nlohmann::json> slices;
    nlohmann::json woken_from;
    nlohmann::json last_of_0;
    const auto events = parsed(folder / "trace")["traceEvents"];
    for (const auto& event : events) {
        if (event["ph"] == "X" && event["tid"] == 2) slices[event["name"]] = event;
        if (event["ph"] == "s") {
            woken_from = last_of_0;
            CHECK(event["ts"] == woken_from["ts"]);
        }
        if (event["ph"] == "f") CHECK(event["ts"].get<double>() == Approx(0.071));  // Runs from 70 on.
        if (event["tid"] == 1 && event["ph"] != "C") last_of_0 = event;
    }
    REQUIRE(slices.contains("waits for mutex 'machine' held by 0"));
    const auto& lock = slices["waits for mutex 'machine' held by 0"];
    CHECK(lock["ts"].get<double>() == Approx(0.020));
    CHECK(lock["dur"].get<double>() == Approx(0.031));
    CHECK(slices.contains("waits for condition 'go'"));
    CHECK(slices["waits for condition 'go'"]["cname"] != slices["running"]["cname"]);
    // Perfetto binds an arrow to what was written last, Chrome to what encloses it: both find the mark of the
    // wake.
    CHECK(woken_from["ph"] == "i");
    CHECK(woken_from["ts"].get<double>() == Approx(0.070));
}

TEST_CASE("a trace finds who woke a participant that takes turns", "[journal][trace]") {
    const Folder folder;
    {
        JournalFile file;
        REQUIRE(file.create((folder / "journal").c_str()) == 0);
        JournalWriter writer(file, {.policy = "counted"});
        const auto operation = [&](ParticipantNumber who, OperationKind kind, Count clock) {
            writer.record({.operation = kind,
                           .participant = who,
                           .object = kind == OperationKind::time ? 0U : 7U,
                           .clock = clock});
        };
        const auto turn = [&](ParticipantNumber who, ParticipantNumber next, Count clock, TurnEnd end) {
            writer.record({.kind = JournalRecordKind::turn,
                           .participant = who,
                           .object = next,
                           .clock = clock,
                           .result = static_cast<std::int64_t>(end)});
        };
        operation(1, OperationKind::wait, 10);
        turn(1, 0, 10, TurnEnd::waits);
        operation(0, OperationKind::time, 10);
        operation(0, OperationKind::wake, 20);  // The launcher's result is 0 always.
        operation(0, OperationKind::wake, 30);
        operation(0, OperationKind::time, 40);
        turn(0, 1, 40, TurnEnd::boundary);
        operation(1, OperationKind::resume, 41);
        REQUIRE(writer.close());
    }
    REQUIRE(run({"trace", folder / "journal", "-o", folder / "trace"}) == 0);
    const auto events = parsed(folder / "trace")["traceEvents"];
    double first_wake = 0;
    int wake_ups = 0;
    for (const auto& event : events) {
        if (event["name"] == "wake 7 -> 0" && first_wake == 0) first_wake = event["ts"];
        if (event["name"] != "wake-up" || event["ph"] != "s") continue;
        ++wake_ups;
        CHECK(event["tid"] == 1);
        CHECK(event["ts"].get<double>() == Approx(first_wake));
    }
    CHECK(wake_ups == 1);
}

TEST_CASE("an address is told as function, line and instruction", "[journal]") {
    Dl_info info{};
    REQUIRE(dladdr(reinterpret_cast<void*>(&begins_as_journal), &info) != 0);
    command::CodePlaces places;
    places.add_module(1, fs::canonical(info.dli_fname));
    places.add_module(2, "/nowhere");
    const auto address = reinterpret_cast<std::uintptr_t>(&begins_as_journal) -
                         reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    CHECK_FALSE(places.find(0));
    const auto found = places.find(CodePlace{1, address}.packed());
    REQUIRE(found);
    CHECK_THAT(found->function, Catch::Contains("begins_as_journal"));
    CHECK_THAT(found->source, Catch::Contains("reader.cpp:"));
    CHECK_FALSE(found->instruction.empty());
    CHECK_THAT(places.find(CodePlace{2, 16}.packed())->text(), Catch::Contains("0x10 in /nowhere"));
}
