// Profiles as text: what is written is read back the same, and what is wrong is refused with its place and
// reason.
#include "simulated_workbench.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <limits>

using namespace escapement;
using namespace escapement::simulated;
using Json = nlohmann::json;
using Catch::Matchers::Contains;

namespace {

const Profile& sample() {
    static const Profile profile = [] {
        SimulatedWorkbench bench;
        bench.add("CLOCK").skid = [](Random& random) { return static_cast<std::int64_t>(random.below(40)); };
        bench.counters.back().event.code.config = ~std::uint64_t{0};
        bench.add("REFUSED").defects.refusal = "it is \"taken\" \\ by ümläuts";
        bench.add("CYCLES", false).skid = constant(60);
        Profile made = calibrated(bench);
        made.created = "2026-01-31T12:00:00Z";
        return made;
    }();
    return profile;
}

/// Why the sample is refused when what `pointer` points to is `value`.
std::string refusal(const std::string& pointer, const Json& value) {
    Json json = Json::parse(write_profile(sample()));
    json[Json::json_pointer(pointer)] = value;
    const auto profile = read_profile(json.dump(), "P");
    return profile ? "" : profile.error();
}

std::string refusal_of_text(const std::string& text) {
    const auto profile = read_profile(text, "P");
    return profile ? "" : profile.error();
}

const std::string skid = "/cores/0/events/0/loads/0/skids/0";

}  // namespace

TEST_CASE("a profile is read back as it was written") {
    const std::string text = write_profile(sample());
    const auto profile = read_profile(text, "P");
    INFO((profile ? "" : profile.error()));
    REQUIRE(profile);
    CHECK(*profile == sample());
    CHECK(write_profile(*profile) == text);
    CHECK(text.size() < 1'000'000);
}

TEST_CASE("what a profile says is checked, field by field") {
    const std::string rate = "/cores/0/events/0/loads/0/rate";
    CHECK(refusal(rate + "/value", "fast") == "P: " + rate + "/value: expected a number, found a string");
    CHECK(refusal(rate + "/value", nullptr) == "P: " + rate + "/value: expected a number, found null");
    CHECK(refusal(rate + "/n", -1) == "P: " + rate + "/n: -1 is negative");
    CHECK(refusal(rate + "/n", 1.5) == "P: " + rate + "/n: expected a whole number, found 1.5");
    CHECK_THAT(refusal(rate + "/n", 0), Contains(rate + ": n is 0"));
    CHECK_THAT(refusal(rate + "/low", 1e6), Contains(rate + ": low, value and high are not in order"));
    CHECK_THAT(refusal(rate + "/value", 1e300), Contains("no sensible number"));
    CHECK_THAT(refusal(rate + "/spread", "wide"), Contains("expected one of confidence, percentiles"));
    CHECK_THAT(refusal(rate + "/colour", "red"), Contains(rate + ": unknown key 'colour'"));
    CHECK_THAT(refusal("/cores/0/events/0/code/config", "08"),
               Contains("expected a string such as \"0x1c4\""));
    CHECK_THAT(refusal("/cores/0/events/0/code/config", "0x1ffffffffffffffff"), Contains("found"));
    CHECK_THAT(refusal("/cores/0/events/0/code/type", 1ULL << 32U), Contains("too large"));
    CHECK_THAT(refusal("/cores/0/events/0/loads", "none"), Contains("expected an array, found a string"));
    CHECK_THAT(refusal("/cores/0/events/0/loads/0", 1),
               Contains("loads/0: expected an object, found a number"));
    CHECK_THAT(refusal(skid + "/p90", 1'000'000), Contains(skid + ": the percentiles are not in order"));
    CHECK_THAT(refusal(skid + "/histogram/0", 1'000'000), Contains("the histogram holds more than"));
    CHECK_THAT(refusal(skid + "/histogram", Json::array()), Contains("the histogram holds 0 alarms"));
    CHECK_THAT(refusal(skid + "/largest/3", 1'000), Contains("not in order"));
    CHECK_THAT(refusal(skid + "/lost", 1'000'000'000), Contains("more alarms were lost"));
    CHECK_THAT(refusal(skid + "/period", 0), Contains("the period is 0"));
    CHECK_THAT(refusal("/cores/0/verdict/margin", (1ULL << 40U) + 1),
               Contains("too large: at most 1099511627776"));
    CHECK_THAT(refusal("/cores/0/verdict/margin", 5), Contains("the margin is 5, but the alarm was seen"));
    CHECK_THAT(refusal("/cores/0/verdict/clock", nullptr), Contains("without a clock"));
    CHECK_THAT(refusal("/cores/0/verdict/clock/name", "OTHER"), Contains("OTHER was not measured"));
    CHECK_THAT(refusal("/cores/0/verdict/fitness", "order"), Contains("not fit for boundaries, but"));
    CHECK_THAT(refusal("/cores/0/verdict/fitness", "nothing"), Contains("fit for nothing, but with a clock"));
    CHECK_THAT(refusal("/cores", Json::array()), Contains("no core"));
    CHECK_THAT(refusal("/cores", Json::array_t(65, nullptr)), Contains("65 items are more than the 64"));
    CHECK_THAT(refusal("/created", "yesterday"), Contains("2026-01-31T12:00:00Z"));
    CHECK_THAT(refusal("/effort", "heroic"), Contains("quick, default, thorough"));
    CHECK_THAT(refusal("/host/kernel", "\x1b[2J"), Contains("/host/kernel: there is a control character"));
    CHECK_THAT(refusal("/host/kernel", std::string(2001, 'x')), Contains("2001 characters"));
    CHECK_THAT(refusal("/host/extra\x1b", 1), Contains("unknown key 'extra?'"));
    CHECK(
        refusal("/schema_version", 2) ==
        "P: /schema_version: version 2 of the profile, but this Escapement reads version 1: calibrate again");
    CHECK_THAT(refusal("/schema_version", "1"), Contains("expected a whole number"));
    CHECK_THAT(refusal_of_text("{}"), Contains("there is no 'schema_version': this is no profile"));
    CHECK_THAT(refusal_of_text("[]"), Contains("expected an object, found an array"));
}

TEST_CASE("each field is missed if it is not there") {
    const Json whole = Json::parse(write_profile(sample()));
    for (const char* const place : {"", "/host", "/cores/0", "/cores/0/verdict", "/cores/0/events/0",
                                    "/cores/0/costs", "/cores/0/events/0/loads/0/skids/0"}) {
        const Json::json_pointer pointer(place);
        for (const auto& [key, value] : whole[pointer].items()) {
            Json json = whole;
            json[pointer].erase(key);
            const auto profile = read_profile(json.dump(), "P");
            INFO(place << " without " << key);
            REQUIRE_FALSE(profile);
            CHECK_THAT(profile.error(), Contains(key));
        }
    }
}

TEST_CASE("what is no JSON, or no profile could be, has its place") {
    const std::string text = write_profile(sample());
    CHECK(refusal_of_text("") == "P: the file is empty");
    CHECK_THAT(refusal_of_text(text.substr(0, text.size() / 2)),
               Contains("this is not JSON") && Contains("cut off"));
    CHECK_THAT(refusal_of_text("{\n  \"a\": nan }"), Contains("P:2:9: this is not JSON: "));
    CHECK_THAT(refusal_of_text("{\"a\": 1, \"a\": 2}"), Contains("the key 'a' is there twice"));
    CHECK_THAT(refusal_of_text("[1e999]"), Contains("P:1:") && Contains("number overflow"));
    CHECK_THAT(refusal_of_text(std::string(100'000, '[')),
               Contains("P:1:17: it is nested more than 16 deep"));
    std::string many = "[0";
    for (int index = 0; index < 1'100'000; ++index)
        many += ",0";
    CHECK_THAT(refusal_of_text(many + "]"), Contains("there are more than 1048576 values"));
    CHECK_THAT(refusal_of_text(std::string(largest_profile + 1, ' ')),
               Contains("more than a profile can have"));
    CHECK_THAT(refusal_of_text("\xff\xfe{}"), Contains("not JSON"));
    CHECK_THAT(refusal_of_text("{\"a\x01\": 1}"), Contains("not JSON"));
    // However it is cut, it ends well.
    for (std::size_t size = 0; size + 2 < text.size(); size += 1 + size / 7)
        CHECK_FALSE(refusal_of_text(text.substr(0, size)).empty());
}

TEST_CASE("nothing that is written cannot be read, but for figures that are none") {
    Profile profile = sample();
    profile.host.cpu = "a\nb\xff";
    profile.cores[0].events[1].refusal = std::string(1999, 'x') + "üü";
    const auto again = read_profile(write_profile(profile), "P");
    INFO((again ? "" : again.error()));
    REQUIRE(again);
    CHECK(again->host.cpu == "a?b\xef\xbf\xbd");
    CHECK(again->cores[0].events[1].refusal.size() == 1999);
    profile.cores[0].costs.signal.value = std::numeric_limits<double>::quiet_NaN();
    CHECK_THAT(refusal_of_text(write_profile(profile)), Contains("/costs/signal/value"));
}

TEST_CASE("two hosts differ in one line") {
    const Fingerprint& here = sample().host;
    CHECK(difference(here, here).empty());
    Fingerprint there = here;
    there.kernel = "5.10\n";
    there.microcode.clear();
    there.core_types = {"cpu_core", "cpu_atom"};
    CHECK(difference(there, here) ==
          "microcode is none in the profile and 0x1 here; kernel is 5.10? in the profile and 6.1 here; list "
          "of core "
          "types is cpu_core, cpu_atom in the profile and cpu here");
}
