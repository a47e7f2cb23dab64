// Programs that race: their threads are stopped at exact instructions, so that even what nobody orders comes
// out the same. By single steps here, which every host has; by hardware counts in the laboratory (tests/lab).

#include "ordered.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace programs;

namespace {

const Expectation stepped{
    .against_unordered = false, .options = {"--clock", "stepped"}, .quanta = {"700", "3000"}, .runs = 2};

}  // namespace

TEST_CASE("programs that race come out the same every time", "[races]") {
    const auto* const scenario = GENERATE("counter", "spin", "handshake", "lockless", "mixed");
    CAPTURE(scenario);
    expect_same({case_path("racy"), scenario, "200"}, stepped);
}

TEST_CASE("a thread that spins loses its turn at its boundary, not after a while", "[races]") {
    const Ended ended =
        run({.arguments = ordered({case_path("racy"), "spin", "200"}, {"--clock", "stepped"})});
    INFO(ended.errors);
    CHECK(ended.status == 0);
    CHECK(ended.errors.empty());  // not marked
}

TEST_CASE("the quantum is part of the order that a race comes out in", "[races]") {
    std::set<std::string> outputs;
    for (const char* const quantum : {"150", "400", "1000"}) {
        const Ended ended = run({.arguments = ordered({case_path("racy"), "counter", "200"},
                                                      {"--clock", "stepped", "--quantum", quantum})});
        REQUIRE(ended.status == 0);
        outputs.insert(ended.output);
    }
    CHECK(outputs.size() > 1);
}
