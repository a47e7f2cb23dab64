// The words between `run` and the preload library: what has another spelling than `run` gives it is refused,
// not guessed at.

#include "../../tools/preload/settings.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>

namespace escapement::preload {

namespace {

std::map<std::string, std::string> environment;

const char* environment_value(const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
}

/// The variable that is refused; "" for none.
std::string refused(const std::map<std::string, std::string>& words) {
    environment = words;
    const auto settings = parse_settings(environment_value, 42);
    return settings ? "" : settings.error().variable;
}

}  // namespace

TEST_CASE("what run writes is understood") {
    environment = {{"ESCAPEMENT_POLICY", "ticktock"},  {"ESCAPEMENT_CLOCK", "perf"},
                   {"ESCAPEMENT_EVENT", "4:1c4:0:2"},  {"ESCAPEMENT_ALARM", "ffffffff:ffffffffffffffff:0:0"},
                   {"ESCAPEMENT_MARGIN", "400"},       {"ESCAPEMENT_TIME", "real"},
                   {"ESCAPEMENT_QUANTUM", "5"},        {"ESCAPEMENT_SEED", "18446744073709551615"},
                   {"ESCAPEMENT_PID", "0000000042"},   {"ESCAPEMENT_CPUS", "0,3"},
                   {"ESCAPEMENT_JOURNAL", "replay:/j"}};
    const auto settings = parse_settings(environment_value, 42);
    REQUIRE(settings);
    CHECK(settings->ordering == Ordering::ticktock);
    CHECK(settings->clock == ClockSource::perf);
    CHECK(settings->clock_event == EventCode{.type = 4, .config = 0x1c4, .config1 = 0, .config2 = 2});
    CHECK(settings->alarm_event.type == 0xffffffff);
    CHECK(settings->alarm_event.config == ~std::uint64_t{0});
    CHECK(settings->margin == 400);
    CHECK_FALSE(settings->virtual_time);
    CHECK(settings->quantum == 5);
    CHECK(settings->seed == ~std::uint64_t{0});
    CHECK(settings->launched == 42);
    CHECK(settings->replays);
    CHECK(std::string(settings->journal) == "/j");
    // Of a process that another one started it is not the journal.
    CHECK(parse_settings(environment_value, 43)->journal == nullptr);
    environment.clear();
    CHECK(parse_settings(environment_value, 42).has_value());
}

TEST_CASE("numbers that run does not write are refused") {
    for (const char* const text :
         {"", "-1", " -1", "+1", " 1", "1 ", "0x10", "1e3", "18446744073709551616"}) {
        CAPTURE(text);
        CHECK(refused({{"ESCAPEMENT_SEED", text}}) == "ESCAPEMENT_SEED");
    }
    CHECK(refused({{"ESCAPEMENT_QUANTUM", "4611686018427387904"}}).empty());
    CHECK(refused({{"ESCAPEMENT_QUANTUM", "4611686018427387905"}}) == "ESCAPEMENT_QUANTUM");
    // Not the process 42 with something before it.
    CHECK(refused({{"ESCAPEMENT_PID", "4294967338"}, {"ESCAPEMENT_JOURNAL", "record:j"}}) ==
          "ESCAPEMENT_PID");
}

TEST_CASE("what run writes where there is nothing to say is nothing") {
    environment = {{"ESCAPEMENT_CPUS", "none"}, {"ESCAPEMENT_ALLOWED", "none"}, {"ESCAPEMENT_STATS", "none"}};
    const auto settings = parse_settings(environment_value, 42);
    REQUIRE(settings);
    CHECK(settings->cpus == nullptr);
    CHECK(settings->allowed_cpus == nullptr);
    CHECK(settings->statistics == nullptr);
}

TEST_CASE("lists of CPUs and codes of events that run does not write are refused") {
    for (const char* const text : {"", ",", "0,", ",0", "0 1", "0-3", "+1", "1024", "4294967296"}) {
        CAPTURE(text);
        CHECK(refused({{"ESCAPEMENT_CPUS", text}}) == "ESCAPEMENT_CPUS");
        CHECK(refused({{"ESCAPEMENT_ALLOWED", text}}) == "ESCAPEMENT_ALLOWED");
    }
    for (const char* const text :
         {"", "4", "4:8:0", "4:8:0:0:0", "4:8:0:0x0", "100000004:8:0:0", "-4:8:0:0", "4:8::0"}) {
        CAPTURE(text);
        CHECK(refused({{"ESCAPEMENT_CLOCK", "perf"},
                       {"ESCAPEMENT_ALARM", "4:8:0:0"},
                       {"ESCAPEMENT_EVENT", text}}) == "ESCAPEMENT_EVENT");
    }
    CHECK(refused({{"ESCAPEMENT_CLOCK", "perf"}}) == "ESCAPEMENT_EVENT");
    CHECK(refused({{"ESCAPEMENT_POLICY", "Free"}}) == "ESCAPEMENT_POLICY");
    CHECK(refused({{"ESCAPEMENT_PID", "42"}, {"ESCAPEMENT_JOURNAL", "record:"}}) == "ESCAPEMENT_JOURNAL");
    CHECK(refused({{"ESCAPEMENT_PID", "42"}, {"ESCAPEMENT_JOURNAL", "record:" + std::string(4096, 'a')}}) ==
          "ESCAPEMENT_JOURNAL");
}

}  // namespace escapement::preload
