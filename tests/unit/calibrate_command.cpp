// `escapement calibrate` and what `escapement run` makes of a profile, without measuring anything.

#include "calibrate_progress.hpp"
#include "calibrate_session.hpp"
#include "calibration_samples.hpp"
#include "commands.hpp"
#include "profiled_clock.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace escapement;
using namespace escapement::command;
using namespace calibration_samples;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::string text_in(const fs::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string text_in(std::FILE* file) {
    std::rewind(file);
    std::string text;
    for (int letter = 0; (letter = std::fgetc(file)) != EOF;)
        text += static_cast<char>(letter);
    return text;
}

/// A host that was measured already, and a directory for its files.
class Session {
  public:
    explicit Session(Profile profile) : measured(std::move(profile)) {
        std::string pattern = (fs::temp_directory_path() / "escapement-calibrate-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        directory = pattern;
        host.measure = [this](const CalibrationOptions& options, const auto& progress) {
            ++measurements;
            asked = options;
            progress({.doing = "cpu: skid", .fraction = 0.5, .left_ns = 3'000'000'000});
            Profile profile_now = measured;
            profile_now.created.clear();
            return failure.empty() ? tl::expected<Profile, std::string>(profile_now)
                                   : tl::unexpected(failure);
        };
        host.fingerprint = [this] { return measured.host; };
        host.drift = [this](const Profile&, const Profile&) { return drifted; };
        host.standard_path = [this] { return (directory / "config" / "profile.json").string(); };
        host.time = [] { return std::string("2026-11-25T10:00:00Z"); };
        host.out = out_;
        host.err = err_;
    }
    ~Session() {
        std::fclose(out_);
        std::fclose(err_);
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    [[nodiscard]] std::string out() const { return text_in(out_); }
    [[nodiscard]] std::string err() const { return text_in(err_); }
    [[nodiscard]] std::string path(const char* name) const { return (directory / name).string(); }

    Profile measured;
    std::string failure;
    Drift drifted;
    CalibrateHost host;
    CalibrationOptions asked;
    int measurements = 0;
    fs::path directory;

  private:
    std::FILE* out_ = std::tmpfile();
    std::FILE* err_ = std::tmpfile();
};

/// What the command line ends with: CLI11's own status if it refuses it.
int parse(std::vector<std::string> words) {
    int status = -1;
    CLI::App app;
    add_calibrate(app, status);
    words.insert(words.begin(), "calibrate");
    std::reverse(words.begin(), words.end());
    try {
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        return error.get_exit_code();
    }
    return status;
}

}  // namespace

TEST_CASE("a calibration is kept, reported and shown; its status says what it is good for") {
    Session session(intel());
    CHECK(calibrate_session(
              {.options = {}, .output = "", .report = session.path("r.html"), .check = "", .json = false},
              session.host) == calibrate_fit);
    const auto kept = load_profile(session.host.standard_path());
    REQUIRE(kept);
    CHECK(kept->created == "2026-11-25T10:00:00Z");
    CHECK(kept->cores == session.measured.cores);
    CHECK_THAT(session.out(), Contains("Threads can be stopped at exact counts here."));
    CHECK_THAT(session.err(), Contains("50 %, about 3 s left: cpu: skid") && Contains("config/profile.json"));
    CHECK_THAT(text_in(session.path("r.html")), Contains("<h1>Threads can be stopped"));

    Session none(without_pmu());
    CHECK(
        calibrate_session({.options = {}, .output = none.path("p"), .report = "", .check = "", .json = true},
                          none.host) == calibrate_nothing);
    CHECK(none.out() == text_in(none.path("p")));
    Session orders(hybrid());
    orders.measured.cores.erase(orders.measured.cores.begin());
    CHECK(calibrate_session(
              {.options = {}, .output = orders.path("p"), .report = "", .check = "", .json = false},
              orders.host) == calibrate_fit);
}

TEST_CASE("a calibration that cannot be kept is refused before it is measured") {
    Session session(intel());
    const auto refused = [&](const std::string& output, const std::string& report) {
        return calibrate_session(
            {.options = {}, .output = output, .report = report, .check = "", .json = false}, session.host);
    };
    CHECK(refused("/dev/null", "") == calibrate_trouble);
    CHECK(refused(session.directory.string(), "") == calibrate_trouble);
    CHECK(refused("", session.path("no/such/directory/r.html")) == calibrate_trouble);
    session.host.standard_path = [] { return std::string(); };
    CHECK(refused("", "") == calibrate_trouble);
    CHECK(session.measurements == 0);
    CHECK_THAT(session.err(), Contains("/dev/null: it is not a regular file") && Contains("give -o PROFILE"));
    CHECK(fs::is_character_file("/dev/null"));
    session.failure = "no event is called X";
    CHECK(refused(session.path("p"), "") == calibrate_trouble);
    CHECK_THAT(session.err(), Contains("escapement calibrate: no event is called X"));
    CHECK_FALSE(fs::exists(session.path("p")));
}

TEST_CASE("a check measures with the profile's effort, and only on the profile's host") {
    Session session(amd());
    session.measured.cores[0].verdict.advice.clear();
    REQUIRE(store_profile(session.measured, session.path("then")));
    const CalibrateRequest request{
        .options = {}, .output = "", .report = "", .check = session.path("then"), .json = false};
    CHECK(calibrate_session(request, session.host) == calibrate_fit);
    CHECK(session.asked.effort == CalibrationOptions::Effort::thorough);
    CHECK_THAT(session.out(), Contains("nothing drifted"));
    session.drifted.times = {"cpu: a signal was 1 ns"};
    CHECK(calibrate_session(request, session.host) == calibrate_fit);
    CHECK_THAT(session.out(),
               Contains("time only: cpu: a signal was 1 ns") && Contains("nothing drifted that"));
    session.drifted.facts = {"cpu: the margin was 1, and is 2", "cpu: \x1b[2J"};
    CHECK(calibrate_session(request, session.host) == calibrate_drifted);
    CHECK_THAT(session.out(), Contains("cpu: the margin was 1, and is 2\ncpu: ?[2J\n"));
    CHECK_FALSE(fs::exists(session.host.standard_path()));

    session.measured.host.kernel = "9.9.9";
    CHECK(calibrate_session(request, session.host) == calibrate_trouble);
    CHECK(session.measurements == 3);
    CHECK_THAT(session.err(), Contains("9.9.9") && Contains("of another host"));
    CHECK(calibrate_session(
              {.options = {}, .output = "", .report = "", .check = session.path("absent"), .json = false},
              session.host) == calibrate_trouble);
}

TEST_CASE("calibrate refuses command lines that mean nothing") {
    for (const auto& words : std::vector<std::vector<std::string>>{{"--quick", "--thorough"},
                                                                   {"--confidence", "0.99"},
                                                                   {"--thorough", "--confidence", "1"},
                                                                   {"--thorough", "--confidence", "much"},
                                                                   {"--check", "p", "--quick"},
                                                                   {"--cpus", "4-2"},
                                                                   {"--cpus", "99999"},
                                                                   {"-o", ""},
                                                                   {"stray"}}) {
        CAPTURE(words.front());
        CHECK(parse(words) != 0);
        CHECK(parse(words) != -1);
    }
}

TEST_CASE("progress fits its line") {
    CHECK(calibration_bar({.doing = "a", .fraction = 0.25, .left_ns = 1}, 80) ==
          "[#####...............] 25 %, about 1 s left: a");
    CHECK(calibration_bar({.doing = "a", .fraction = 2, .left_ns = 600'000'000'000}, 80) ==
          "[####################] 100 %, about 10 min left: a");
    CHECK(calibration_bar({.doing = "a\x1b[1m", .fraction = -1, .left_ns = 0}, 80) ==
          "[....................]  0 %: a?[1m");
    CHECK(calibration_bar({.doing = "long", .fraction = 0, .left_ns = 0}, 31).size() == 31);
}

TEST_CASE("a run takes its clock from the profile of its host, and from no other's") {
    const Profile profile = hybrid();
    const auto chosen = clock_in_profile(profile, "/p", profile.host, {2, 3}, std::nullopt);
    REQUIRE(chosen);
    CHECK(chosen->clock == *profile.cores[0].verdict.clock);
    CHECK(chosen->alarm == *profile.cores[0].verdict.alarm);
    CHECK(chosen->margin == 256);
    CHECK_THAT(chosen->reason, Contains("by the profile /p"));
    CHECK(clock_in_profile(profile, "/p", profile.host, {2}, 77)->margin == 77);

    const auto refused = [&](const Fingerprint& here, const std::set<unsigned>& cpus) {
        const auto answer = clock_in_profile(profile, "/p", here, cpus, std::nullopt);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().reason.find('\n') == std::string::npos);
        return answer.error();
    };
    Fingerprint other = profile.host;
    other.kernel = "9.9.9";
    CHECK_THAT(refused(other, {2}).reason, Contains("9.9.9") && Contains("escapement calibrate"));
    CHECK_FALSE(refused(other, {2}).unfit);
    CHECK_FALSE(refused(profile.host, {2, 12}).unfit);  // of two core types
    CHECK_FALSE(refused(profile.host, {}).unfit);       // of either
    CHECK(refused(profile.host, {12}).unfit);
    CHECK_THAT(refused(profile.host, {12}).reason, Contains("nothing wakes a thread in time"));
}

TEST_CASE("a profile that cannot be read ends a run that relies on it") {
    Session session(without_pmu());
    const std::string path = session.path("p");
    std::ofstream(path) << "{";
    ClockRequest request{.event = "auto", .margin = {}, .profile = path, .cpus = {0}, .wanted = false};
    const auto unreadable = choose_clock(request);
    REQUIRE_FALSE(unreadable);
    CHECK(unreadable.error().ends_run);
    CHECK_THAT(unreadable.error().reason, Contains(path) && Contains("--profile none"));

    // What this very host is told, and does not contradict.
    session.measured.host = host_fingerprint();
    REQUIRE(store_profile(session.measured, path));
    const auto unfit = choose_clock(request);
    REQUIRE_FALSE(unfit);
    CHECK_FALSE(unfit.error().ends_run);
    CHECK_THAT(unfit.error().reason, Contains("says of cpu that no hardware count is fit"));
    request.wanted = true;
    CHECK(choose_clock(request).error().ends_run);
}
