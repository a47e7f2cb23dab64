// What `run --stats` says, and what it says of threads that keep their turn.

#include "ordered.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

using namespace programs;

namespace {

nlohmann::json read_json(const std::string& path) {
    std::ifstream file(path);
    REQUIRE(file.good());
    return nlohmann::json::parse(file);
}

}  // namespace

TEST_CASE("statistics as JSON", "[statistics]") {
    const Scratch scratch;
    const std::string path = scratch.path("statistics.json");
    const Ended ended = run({.arguments = ordered({case_path("mutexes"), "normal"},
                                                  {"--stats=" + path, "--quantum", "77", "--seed", "5"})});
    REQUIRE(ended.status == 0);
    REQUIRE(ended.errors.empty());
    const nlohmann::json json = read_json(path);
    REQUIRE(json["version"] == 1);
    REQUIRE(json["policy"] == "counted");
    REQUIRE(json["clock"] == "operations");
    REQUIRE(json["quantum"] == 77);
    REQUIRE(json["time"] == "virtual");
    REQUIRE(json["seed"] == 5);
    REQUIRE(json["reproducible"] == true);
    REQUIRE(json["incidents"].empty());
    REQUIRE(json["operations"] > 2000);
    REQUIRE(json["switches"] > 0);
    REQUIRE(json["boundaries"] > 0);
    REQUIRE(json["jumps"].is_number());
    REQUIRE(json["virtual_ns"] > 0);
    REQUIRE(json["participants"].size() == 6);
    REQUIRE(json["participants"][0]["role"] == "main");
    REQUIRE(json["participants"][1]["clock"] > 0);
    REQUIRE(json["participants"][1]["held_ns"] > 0);
}

TEST_CASE("statistics as JSON of a program that changes its directory and ends by a signal", "[statistics]") {
    const Scratch scratch;
    const std::vector<std::string> command = {"sh", "-c", "cd /; kill -TERM $$"};
    const Ended ended =
        run({.arguments = ordered(command, {"--stats=own.json"}), .directory = scratch.path()});
    REQUIRE(ended.status == 128 + SIGTERM);
    REQUIRE(read_json(scratch.path("own.json"))["reproducible"] == true);
}

TEST_CASE("a run that a signal from outside woke is marked", "[statistics]") {
    const Scratch scratch;
    const std::string path = scratch.path("statistics.json");
    const std::string program =
        "import signal, subprocess, os\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})\n"
        "child = subprocess.Popen(['kill', '-USR1', str(os.getpid())])\n"
        "signal.sigwait({signal.SIGUSR1})\n"
        "child.wait()\n";
    const Ended ended = run({.arguments = ordered({"python3", "-c", program}, {"--stats=" + path})});
    INFO(ended.errors);
    REQUIRE(ended.status == 0);
    const nlohmann::json json = read_json(path);
    REQUIRE(json["reproducible"] == false);
    REQUIRE(json["incidents"].size() == 1);
    REQUIRE(json["incidents"][0]["reason"] ==
            "was woken by a signal from outside, which came when the host let it");
}

TEST_CASE("statistics of many threads are whole", "[statistics]") {
    const Scratch scratch;
    const std::string path = scratch.path("statistics.json");
    REQUIRE(run({.arguments = ordered({case_path("threads"), "thousands"}, {"--stats=" + path})}).status ==
            0);
    const nlohmann::json json = read_json(path);
    REQUIRE(json["participants"].size() == 21);
}

TEST_CASE("statistics as text", "[statistics]") {
    const Ended ended = run({.arguments = ordered({case_path("mutexes"), "normal"}, {"--stats"})});
    REQUIRE(ended.status == 0);
    REQUIRE_THAT(ended.errors, Catch::Contains("escapement: on CPU "));
    REQUIRE_THAT(ended.errors, Catch::Contains("policy counted, clock operations, quantum 1000: "));
    REQUIRE_THAT(ended.errors, Catch::Contains("participant 0 'main': clock "));
    REQUIRE(results_of(ended.output) == "sum: 2000\n");
}

TEST_CASE("statistics that cannot be written are complained of, and change nothing", "[statistics]") {
    const Ended ended = run({.arguments = ordered({"/bin/true"}, {"--stats=/no/such/directory/file"})});
    REQUIRE(ended.status == 0);
    REQUIRE_THAT(ended.errors, Catch::Contains("cannot write the statistics to /no/such/directory/file"));
}

TEST_CASE("a thread that spins is ended, and the run marked", "[statistics]") {
    const Scratch scratch;
    const std::string path = scratch.path("statistics.json");
    const Ended ended = run({.arguments = ordered({case_path("endings"), "spins"}, {"--stats=" + path})});
    REQUIRE(ended.status == 0);
    REQUIRE(ended.output == "done: 1\n");
    REQUIRE_THAT(ended.errors, Catch::Contains("not reproducible: participant 1 'spinner' ran on"));
    const nlohmann::json json = read_json(path);
    REQUIRE(json["reproducible"] == false);
    REQUIRE(json["incidents"].size() == 1);
    REQUIRE(json["incidents"][0]["participant"] == "1 spinner");
    const std::string address = json["incidents"][0]["address"];
    REQUIRE_THAT(address, Catch::StartsWith("0x") && Catch::Contains("endings+0x"));
}

TEST_CASE("a thread that sleeps in a call that nobody orders is ended, and the run marked", "[statistics]") {
    const Scratch scratch;
    const std::string path = scratch.path("statistics.json");
    const auto* const scenario = GENERATE("unordered-call", "unordered-calls");
    const Ended ended = run({.arguments = ordered({case_path("endings"), scenario}, {"--stats=" + path})});
    REQUIRE(ended.status == 0);
    REQUIRE(ended.output == "done: 1\n");
    REQUIRE(read_json(path)["reproducible"] == false);
}
